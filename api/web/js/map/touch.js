/** Pointing at the map: hover tips and clicks. */
import { placeName, say, t } from '../i18n.js';
import { ago, at, measure, number, quantityName } from '../format.js';
import { byId, calm, el, fill } from '../dom.js';
import { latestWhere, select, state } from '../state.js';
import { alarmWords, followAlarm } from './alarms.js';
import { map, boundsOf, frame } from './map.js';
import { countyMeans } from './regions.js';

/** What a click prefers, in this order. */
const ORDER = ['alarm-badge', 'device', 'cluster', 'field-fill', 'county-fill'];

/** @param {import('/vendor/maplibre-gl/maplibre-gl.mjs').MapMouseEvent} event */
function hit(event) {
  const near = [[event.point.x - 4, event.point.y - 4], [event.point.x + 4, event.point.y + 4]];
  for (const layer of ORDER) {
    const area = layer === 'device' || layer === 'cluster' || layer === 'alarm-badge' ? near : event.point;
    const [found] = map.queryRenderedFeatures(/** @type {any} */ (area), { layers: [layer] });
    if (found && !(layer === 'field-fill' && map.getZoom() < 10.5)) return found;
  }
  return null;
}

/** @param {any} found */
async function follow(found) {
  const { id } = found.properties;
  const badge = found.layer.id === 'alarm-badge';
  if (badge && !found.properties.point_count) followAlarm(found.properties);
  else if (found.layer.id === 'device') select({ kind: 'device', id }, { fly: false });
  else if (found.layer.id === 'field-fill') select({ kind: 'field', id }, { fly: false });
  else if (found.layer.id === 'county-fill') region(found.properties.code);
  else {
    const zoom = await /** @type {any} */ (map.getSource(badge ? 'alarms' : 'devices')).getClusterExpansionZoom(found.properties.cluster_id);
    map.easeTo({ center: found.geometry.coordinates, zoom: Math.max(zoom, 13), duration: calm() ? 0 : 1200 });
  }
}

/** @param {string} code */
export function region(code) {
  select({ kind: 'region', id: code }, { fly: false });
  const feature = state.regions.get(code);
  if (feature && map.getZoom() < 9) frame(boundsOf(feature.geometry), 10);
}

/** @param {any} found @returns {string[]} lines of the tip */
function words(found) {
  if (found.layer.id === 'alarm-badge') return alarmWords(found.properties);
  if (found.layer.id === 'cluster') return [t('sensors.n', { n: number(found.properties.point_count) })];
  if (found.layer.id === 'field-fill') return [say(state.fields.get(found.properties.id)?.properties.name)];
  if (found.layer.id === 'device') return deviceWords(found.properties.id);
  const feature = state.regions.get(found.properties.code);
  if (!feature || map.getZoom() > 11) return [];
  const mean = countyMeans().get(found.properties.code);
  const unit = latestWhere((r) => r.quantity === state.shown)[0]?.unit ?? '';
  const line = mean ? `${quantityName(state.shown)} ${measure(mean.value, state.shown, unit)} · ${t('sensors.n', { n: mean.n })}` : t('legend.nodata');
  return [placeName(feature.properties), line];
}

/** @param {number} id */
function deviceWords(id) {
  const rows = latestWhere((r) => r.device?.id === id);
  const shown = rows.find((r) => r.quantity === state.shown) ?? rows[0];
  const name = say(state.devices.get(id)?.name);
  if (!shown) return [name, t('time.none')];
  return [name, `${quantityName(shown.quantity)} ${measure(shown.value, shown.quantity, shown.unit)} · ${ago(at(shown.time))}`];
}

/** @type {string|null} */
let hovered = null;

/** @param {string|null} code */
function hover(code) {
  if (hovered === code) return;
  if (hovered) map.setFeatureState({ source: 'regions', id: hovered }, { hover: false });
  hovered = code;
  if (code) map.setFeatureState({ source: 'regions', id: code }, { hover: true });
}

/** Listen to pointer and finger. */
export function listen() {
  const tip = el('div', { class: 'tip', hidden: true });
  byId('map').append(tip);
  map.on('click', (event) => {
    state.touched = true;
    const found = hit(event);
    if (found) follow(found);
    else select(null);
  });
  map.on('mousemove', (event) => {
    const found = hit(event);
    hover(found?.layer.id === 'county-fill' && map.getZoom() < 11 ? found.properties.code : null);
    map.getCanvas().style.cursor = found && (found.layer.id !== 'county-fill' || map.getZoom() < 11) ? 'pointer' : '';
    const lines = found ? words(found) : [];
    tip.hidden = !lines.length;
    fill(tip, ...lines.map((line, i) => el('div', { class: i ? 'tip-line' : 'tip-name', text: line })));
    tip.style.transform = `translate(${Math.min(event.point.x + 14, innerWidth - 230)}px, ${event.point.y + 16}px)`;
  });
  map.on('mouseout', () => { tip.hidden = true; hover(null); });
}
