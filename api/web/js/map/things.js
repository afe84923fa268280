/** Farms, fields and devices on the map. */
import { language, say } from '../i18n.js';
import { SILENT, at, measure } from '../format.js';
import { expression } from '../ramps.js';
import { latestWhere, now, on, state } from '../state.js';
import { shallowest } from './regions.js';
import { map, put } from './map.js';
import { colours } from './style.js';

/** @param {any} feature @returns {[number, number]} middle of a field */
export function middle(feature) {
  const ring = feature.geometry.type === 'Polygon' ? feature.geometry.coordinates[0] : feature.geometry.coordinates[0][0];
  const lons = ring.map((/** @type {number[]} */ p) => p[0]);
  const lats = ring.map((/** @type {number[]} */ p) => p[1]);
  return [(Math.min(...lons) + Math.max(...lons)) / 2, (Math.min(...lats) + Math.max(...lats)) / 2];
}

const point = (/** @type {number[]} */ coordinates, /** @type {any} */ properties) => ({
  type: 'Feature', geometry: { type: 'Point', coordinates }, properties,
});

export function drawFields() {
  const features = [...state.fields.values()];
  put('fields', features.map((f) => ({ ...f, properties: { id: f.properties.id, crop: f.properties.crop ?? 'none' } })));
  put('field-labels', features.map((f) => point(top(f), { id: f.properties.id, text: say(f.properties.name) })));
}

/** Where a field's name stands: just inside its northern edge, clear of its probes. @param {any} feature */
function top(feature) {
  const [lon] = middle(feature);
  const ring = feature.geometry.type === 'Polygon' ? feature.geometry.coordinates[0] : feature.geometry.coordinates[0][0];
  const lats = ring.map((/** @type {number[]} */ p) => p[1]);
  const [low, high] = [Math.min(...lats), Math.max(...lats)];
  return [lon, high - (high - low) * 0.2];
}

export function drawFarms() {
  put('farms', [...state.farms.values()].map((f) => point(f.location, { id: f.id, text: say(f.name) })));
}

export function drawDevices() {
  const rows = new Map(shallowest(state.shown).filter((r) => r.device).map((r) => [r.device?.id, r]));
  const heard = new Set(latestWhere((r) => Boolean(r.device) && now() - at(r.time) <= SILENT).map((r) => r.device?.id));
  put('devices', [...state.devices.values()].map((device) => {
    const row = rows.get(device.id);
    const silent = !row || now() - at(row.time) > SILENT;
    const value = row && !silent ? { value: row.value } : {};
    const other = !row && heard.has(device.id);
    const text = row ? measure(row.value, row.quantity, row.unit) : '';
    return point(device.location, { id: device.id, silent, flagged: Boolean(row?.quality.length), other, text, ...value });
  }));
}

/** Colour discs and clusters by the shown quantity; grey is silent, the alarm ring doubtful. */
function paintDevices() {
  const c = colours();
  const value = ['get', 'value'];
  map.setPaintProperty('device', 'circle-color', ['case', ['has', 'value'], expression(state.shown, value), ['get', 'other'], c.panel, c.silent]);
  map.setPaintProperty('device', 'circle-stroke-color', ['case', ['get', 'flagged'], '#c53030', ['get', 'other'], c.silent, c.panel]);
  const mean = ['/', ['get', 'sum'], ['max', 1, ['get', 'n']]];
  map.setPaintProperty('cluster', 'circle-stroke-color', ['case', ['>', ['get', 'n'], 0], expression(state.shown, mean), c.silent]);
}

function show() {
  const visible = (/** @type {boolean} */ yes) => (yes ? 'visible' : 'none');
  for (const id of ['cluster', 'cluster-count', 'device', 'device-value', 'device-chosen']) {
    map.setLayoutProperty(id, 'visibility', visible(state.on.sensors));
  }
  for (const id of ['field-fill', 'field-line', 'field-name', 'field-glow', 'field-chosen']) {
    map.setLayoutProperty(id, 'visibility', visible(state.on.fields));
  }
  const bare = state.on.satellite && state.layer;
  map.setPaintProperty('field-fill', 'fill-opacity', bare ? 0 : 0.22);
}

/** @param {import('../state.js').Selection|null} selection */
function choose(selection) {
  const is = (/** @type {string} */ kind) => (selection?.kind === kind ? selection.id : -1);
  map.setFilter('field-chosen', ['==', ['get', 'id'], is('field')]);
  map.setFilter('field-glow', ['==', ['get', 'id'], is('field')]);
  map.setFilter('device-chosen', ['==', ['get', 'id'], is('device')]);
  map.setFilter('region-chosen', ['==', ['get', 'code'], selection?.kind === 'region' ? selection.id : '']);
}

/** Draw what was loaded and keep it current. */
export function drawThings() {
  const redraw = () => { drawFields(); drawFarms(); drawDevices(); };
  redraw();
  paintDevices();
  show();
  choose(state.selection);
  if (wired) return;
  wired = true;
  on('language', redraw);
  on('latest', drawDevices);
  on('quantity', () => { drawDevices(); paintDevices(); });
  on('theme', () => { paintDevices(); show(); });
  on('layers', show);
  on('selection', ({ selection }) => choose(selection));
}
let wired = false;

/** Names in the order the language sorts them. @param {any[]} things @param {(thing: any) => string} name */
export const sorted = (things, name) =>
  [...things].sort((a, b) => name(a).localeCompare(name(b), language(), { numeric: true }));
