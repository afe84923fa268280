/** Open alarms on the map: a badge at each place, a count where several are near each other. */
import { byId } from '../dom.js';
import { SEVERITIES, targetOf } from '../alarms.js';
import { say, t } from '../i18n.js';
import { number } from '../format.js';
import { on, select, state } from '../state.js';
import { put } from './map.js';

/** One point for each place, with the worst of its alarms. */
function points() {
  /** @type {Map<string, any>} */
  const places = new Map();
  for (const alarm of state.alarms) {
    if (!alarm.geometry) continue;
    const key = alarm.geometry.coordinates.join();
    const place = places.get(key) ?? { type: 'Feature', geometry: alarm.geometry, properties: { n: 0, level: 0, ids: [] } };
    place.properties.n += 1;
    place.properties.ids.push(alarm.id);
    place.properties.level = Math.max(place.properties.level, SEVERITIES.length - SEVERITIES.indexOf(alarm.properties.severity));
    places.set(key, place);
  }
  return [...places.values()].map((p) => ({ ...p, properties: { ...p.properties, ids: p.properties.ids.join() } }));
}

function draw() {
  put('alarms', state.on.alarms ? points() : []);
  byId('map').dataset.alarms = String(state.alarms.length);
}

/** The alarms of a badge. @param {any} properties */
const alarmsOf = (properties) => {
  const ids = new Set(String(properties.ids ?? '').split(',').map(Number));
  return state.alarms.filter((a) => ids.has(a.id));
};

/** Lines of the tip over a badge. @param {any} properties @returns {string[]} */
export function alarmWords(properties) {
  if (properties.point_count) return [t('alarm.n', { n: number(properties.n) })];
  const [first, ...more] = alarmsOf(properties).map((a) => a.properties);
  if (!first) return [];
  const rest = more.length ? [t('toast.more', { n: more.length })] : [];
  return [`${say(first.title)} · ${say(first.name)}`, say(first.reason), ...rest];
}

/** Open the thing that a badge is about. @param {any} properties */
export function followAlarm(properties) {
  const [first] = alarmsOf(properties);
  const target = first && targetOf(first.properties);
  if (target) select(target, { fly: false });
}

/** Draw the badges and keep them current. */
export function drawAlarms() {
  draw();
  on('alarms', draw);
  on('layers', draw);
}

