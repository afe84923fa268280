/** Open alarms: read now and then, told to the map, the panel and the card. */
import { get, send } from './client.js';
import { on, state, tell } from './state.js';

const EVERY = 10_000; // ms: the watch itself looks every two seconds
/** The worst first. */
export const SEVERITIES = ['critical', 'warning', 'info'];

/** @typedef {{id: number, geometry: {coordinates: [number, number]}|null, properties: any}} Alarm */

/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

export async function readAlarms() {
  const answer = await get('/v1/alarms.geojson');
  const before = JSON.stringify(state.alarms);
  state.alarms = answer.features;
  state.alarmCounts = answer.counts;
  if (JSON.stringify(state.alarms) !== before) tell('alarms');
}

/** Somebody looks after it. @param {number} id */
export async function acknowledge(id) {
  const alarm = await send(`/v1/alarms/${id}/acknowledge`, {});
  await readAlarms();
  return alarm;
}

/** Who may say so. */
export const mayAcknowledge = () => ['officer', 'operator'].includes(state.person?.role);

/** @param {Alarm[]} alarms @returns {Alarm[]} the worst first, of equals the newest */
export const byWorst = (alarms) => [...alarms].sort((a, b) =>
  SEVERITIES.indexOf(a.properties.severity) - SEVERITIES.indexOf(b.properties.severity)
  || b.properties.opened.localeCompare(a.properties.opened));

/** What a click on an alarm opens. @param {any} properties @returns {import('./state.js').Selection|null} */
export function targetOf(properties) {
  if (state.devices.has(properties.device_id)) return { kind: 'device', id: properties.device_id };
  if (state.farms.has(properties.farm_id)) return { kind: 'farm', id: properties.farm_id };
  return state.regions.has(properties.region) && properties.subject !== 'platform:' ? { kind: 'region', id: properties.region } : null;
}

async function turn() {
  if (!state.person) return;
  try { await readAlarms(); } catch { /* the bar of the connection shows it; the next turn tries again */ }
  timer = setTimeout(turn, document.hidden || !state.online ? 4 * EVERY : EVERY);
}

/** Keep the alarms current from the moment somebody is signed in. */
export function followAlarms() {
  on('loaded', () => { clearTimeout(timer); turn(); });
  on('left', () => {
    clearTimeout(timer);
    state.alarms = [];
    state.alarmCounts = {};
    tell('alarms');
  });
}
