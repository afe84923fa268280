/** Counties on the map: names, colours by the newest values, what lies where. */
import { placeName } from '../i18n.js';
import { SILENT, at } from '../format.js';
import { colour } from '../ramps.js';
import { latestWhere, now, on, state } from '../state.js';
import { map, put } from './map.js';

/** @param {string} code */
export const featureOf = (code) => state.regions.get(code);

/** From the province down to the division itself. @param {string} code @returns {any[]} properties */
export function lineage(code) {
  const chain = [];
  for (let at_ = featureOf(code); at_; at_ = featureOf(at_.properties.parent)) chain.unshift(at_.properties);
  return chain;
}

/** Division codes share a prefix with what they hold. @param {string} scope @param {string} code */
export const covers = (scope, code) => code.startsWith(scope.replace(/(00){1,2}$/, ''));

/** @typedef {{code: string, value: number, n: number, newest: number}} CountyMean */

/**
 * Mean of the newest values of the shown quantity per county, shallowest depth of each device.
 * @returns {Map<string, CountyMean>}
 */
export function countyMeans() {
  /** @type {Map<string, CountyMean>} */
  const means = new Map();
  for (const row of shallowest(state.shown)) {
    const code = countyOf(row);
    if (!code) continue;
    const sum = means.get(code) ?? { code, value: 0, n: 0, newest: 0 };
    sum.value += (row.value - sum.value) / (sum.n + 1);
    sum.n += 1;
    sum.newest = Math.max(sum.newest, at(row.time));
    means.set(code, sum);
  }
  return means;
}

/** @param {import('../state.js').Latest} row */
function countyOf(row) {
  const device = row.device && state.devices.get(row.device.id);
  return device?.region.code ?? state.farms.get(row.farm_id)?.region.code;
}

/** One row per device (or field) of a quantity: the one nearest the surface. @param {string} quantity */
export function shallowest(quantity) {
  const seen = new Map();
  for (const row of latestWhere((r) => r.quantity === quantity)) {
    const owner = row.device ? `d${row.device.id}` : `f${row.field_id}`;
    if (!seen.has(owner)) seen.set(owner, row);
  }
  return [...seen.values()];
}

/** @type {Set<string>} counties that carry a colour now */
let coloured = new Set();

export function colourCounties() {
  const means = state.on.counties ? countyMeans() : new Map();
  for (const code of coloured) if (!means.has(code)) map.removeFeatureState({ source: 'regions', id: code }, 'colour');
  for (const mean of means.values()) {
    map.setFeatureState({ source: 'regions', id: mean.code }, { colour: colour(state.shown, mean.value) });
  }
  coloured = new Set(means.keys());
  const stale = [...means.values()].filter((m) => now() - m.newest > SILENT).map((m) => m.code);
  map.setFilter('county-stale', ['in', ['get', 'code'], ['literal', stale]]);
}

/** County names come from one point each: a polygon would repeat its name in every tile. */
export function nameRegions() {
  put('labels', [...state.regions.values()].map(({ properties }) => ({
    type: 'Feature', geometry: { type: 'Point', coordinates: properties.label },
    properties: { level: properties.level, text: placeName(properties) },
  })));
}

/** @param {any[]} features */
export function drawRegions(features) {
  for (const feature of features) state.regions.set(feature.properties.code, feature);
  put('regions', features);
  nameRegions();
  on('language', nameRegions);
  on('layers', () => {
    const shown = state.on.names ? 'visible' : 'none';
    for (const id of ['county-name', 'prefecture-name']) map.setLayoutProperty(id, 'visibility', shown);
    colourCounties();
  });
  on('quantity', colourCounties);
  on('latest', colourCounties);
}
