/** The map's own style: pale land, thin county lines, no tiles from anywhere. */
import { dark } from '../theme.js';
import { CROPS } from '../ramps.js';

const LIGHT = {
  outside: '#e9e4da', grid: '#ded7ca', halo: '#b9ae9d', land: '#faf8f4', county: '#d6cfc3',
  prefecture: '#a99d8d', province: '#5f5449', ink: '#3a332d', muted: '#7b7167', glow: '#faf8f4',
  panel: '#ffffff', silent: '#a8a097', field: '#5f5449', accent: '#b7791f', footprint: '#6b635c',
};
const DARK = {
  outside: '#0d0b0a', grid: '#191614', halo: '#000000', land: '#211d1a', county: '#3a342e',
  prefecture: '#5d5349', province: '#a39382', ink: '#e2dacf', muted: '#a2968a', glow: '#171412',
  panel: '#1e1a17', silent: '#6f665e', field: '#cdbfae', accent: '#e0a94a', footprint: '#a89b8d',
};

/** Colours of the map in the current theme. */
export const colours = () => (dark() ? DARK : LIGHT);

const EMPTY = { type: 'FeatureCollection', features: [] };
const level = (/** @type {string} */ name) => ['==', ['get', 'level'], name];
const zoom = (/** @type {any[]} */ ...stops) => ['interpolate', ['linear'], ['zoom'], ...stops];

/** Every degree as a thin line, so that the land outside our data still reads as a map. */
function graticule() {
  const lines = [];
  for (let lon = 112; lon <= 142; lon += 1) lines.push([[lon, 36], [lon, 52]]);
  for (let lat = 36; lat <= 52; lat += 1) lines.push([[112, lat], [142, lat]]);
  return { type: 'Feature', properties: {}, geometry: { type: 'MultiLineString', coordinates: lines } };
}

/** A soft shadow under the province: wide blurred lines show spikes at sharp corners. @param {string} colour */
function shadow(colour) {
  return [[-2, 1], [2, 2], [0, 5], [0, 9], [0, 14]].map((shift, i) => layer(`shadow-${i}`, 'fill', 'regions', {
    filter: level('province'), maxzoom: 11, paint: { 'fill-color': colour, 'fill-opacity': 0.22 - 0.035 * i, 'fill-translate': shift, 'fill-antialias': false },
  }));
}

/** @param {string} id @param {string} type @param {string} source @param {any} rest */
const layer = (id, type, source, rest) => ({ id, type, source, ...rest });

function ground() {
  const c = colours();
  return [
    { id: 'outside', type: 'background', paint: { 'background-color': c.outside } },
    layer('grid', 'line', 'grid', { maxzoom: 10, paint: { 'line-color': c.grid, 'line-width': 1 } }),
    ...shadow(c.halo),
    layer('land', 'fill', 'regions', { filter: level('province'), paint: { 'fill-color': c.land } }),
    layer('county-fill', 'fill', 'regions', {
      filter: level('county'),
      paint: {
        'fill-color': ['coalesce', ['feature-state', 'colour'], 'rgba(0,0,0,0)'],
        'fill-opacity': zoom(9.5, 0.72, 11.5, 0),
      },
    }),
    layer('county-stale', 'fill', 'regions', { filter: ['in', ['get', 'code'], ['literal', []]], maxzoom: 11, paint: { 'fill-pattern': 'hatch' } }),
    layer('county-hover', 'line', 'regions', { filter: level('county'), paint: { 'line-color': c.province, 'line-width': ['case', ['boolean', ['feature-state', 'hover'], false], 1.6, 0] } }),
    layer('county-line', 'line', 'regions', { filter: level('county'), paint: { 'line-color': c.county, 'line-width': zoom(6, 0.7, 10, 1.2) } }),
    layer('prefecture-line', 'line', 'regions', { filter: level('prefecture'), layout: { 'line-join': 'round' }, paint: { 'line-color': c.prefecture, 'line-width': zoom(6, 1.1, 10, 1.8) } }),
    layer('province-line', 'line', 'regions', { filter: level('province'), layout: { 'line-join': 'round' }, paint: { 'line-color': c.province, 'line-width': zoom(6, 1.6, 10, 2.4) } }),
    layer('region-chosen', 'line', 'regions', { filter: ['==', ['get', 'code'], ''], layout: { 'line-join': 'round' }, paint: { 'line-color': c.accent, 'line-width': 2.2 } }),
  ];
}

function fields() {
  const c = colours();
  const tint = ['match', ['get', 'crop'], ...Object.entries(CROPS).flat(), CROPS.none];
  return [
    layer('footprint', 'line', 'footprint', { paint: { 'line-color': c.footprint, 'line-width': 1, 'line-dasharray': [3, 3] } }),
    layer('field-fill', 'fill', 'fields', { minzoom: 10.5, paint: { 'fill-color': tint, 'fill-opacity': 0.22 } }),
    layer('field-line', 'line', 'fields', { minzoom: 10.5, paint: { 'line-color': c.field, 'line-width': 1.2 } }),
    layer('field-glow', 'line', 'fields', { filter: ['==', ['get', 'id'], -1], minzoom: 10.5, paint: { 'line-color': c.panel, 'line-width': 5 } }),
    layer('field-chosen', 'line', 'fields', { filter: ['==', ['get', 'id'], -1], minzoom: 10.5, paint: { 'line-color': c.accent, 'line-width': 2.5 } }),
  ];
}

const font = { 'text-font': ['Open Sans Regular'], 'text-letter-spacing': 0.02 };
const bold = { 'text-font': ['Open Sans Bold'], 'text-letter-spacing': 0.06 };

function names() {
  const c = colours();
  const halo = { 'text-halo-color': c.glow, 'text-halo-width': 1.8 };
  return [
    layer('county-name', 'symbol', 'labels', {
      filter: level('county'), minzoom: 6.1, maxzoom: 12.5,
      layout: { ...font, 'text-field': ['get', 'text'], 'text-size': zoom(6, 10, 9, 13), 'text-padding': 3 },
      paint: { 'text-color': c.muted, ...halo },
    }),
    layer('prefecture-name', 'symbol', 'labels', {
      filter: level('prefecture'), maxzoom: 8.6,
      layout: { ...bold, 'text-field': ['get', 'text'], 'text-size': zoom(5, 11, 8, 16), 'text-padding': 4, 'text-variable-anchor': ['center', 'top', 'bottom', 'left', 'right'], 'text-radial-offset': 1.2 },
      paint: { 'text-color': c.ink, ...halo },
    }),
    layer('field-name', 'symbol', 'field-labels', {
      minzoom: 13.2,
      layout: { ...font, 'text-field': ['get', 'text'], 'text-size': 12, 'text-anchor': 'bottom' },
      paint: { 'text-color': c.ink, ...halo },
    }),
  ];
}

function things() {
  const c = colours();
  const ring = { 'circle-stroke-color': c.panel, 'circle-stroke-width': 1.5 };
  return [
    layer('cluster', 'circle', 'devices', { filter: ['has', 'point_count'], paint: { 'circle-color': c.panel, 'circle-radius': ['step', ['get', 'point_count'], 12, 20, 15, 100, 19], 'circle-stroke-width': 3.5, 'circle-stroke-color': c.silent } }),
    layer('cluster-count', 'symbol', 'devices', { filter: ['has', 'point_count'], layout: { ...bold, 'text-field': ['get', 'point_count_abbreviated'], 'text-size': 12, 'text-allow-overlap': true, 'text-letter-spacing': 0 }, paint: { 'text-color': c.ink } }),
    layer('device', 'circle', 'devices', { filter: ['!', ['has', 'point_count']], paint: { 'circle-color': c.silent, 'circle-radius': zoom(8, 5, 14, 7), ...ring } }),
    layer('device-chosen', 'circle', 'devices', { filter: ['==', ['get', 'id'], -1], paint: { 'circle-color': 'rgba(0,0,0,0)', 'circle-radius': 11, 'circle-stroke-color': c.accent, 'circle-stroke-width': 2.5 } }),
    layer('device-value', 'symbol', 'devices', {
      filter: ['!', ['has', 'point_count']], minzoom: 12.5,
      layout: { ...bold, 'text-field': ['get', 'text'], 'text-size': 12, 'text-offset': [0.9, 0], 'text-anchor': 'left', 'text-letter-spacing': 0 },
      paint: { 'text-color': c.ink, 'text-halo-color': c.glow, 'text-halo-width': 2 },
    }),
    // a disc with a sign beside the thing it is about: the colour is never alone
    layer('alarm-badge', 'circle', 'alarms', { paint: { 'circle-translate': [8, -8], 'circle-radius': ['case', ['has', 'point_count'], 9, 7], 'circle-color': ['match', ['get', 'level'], 3, '#c53030', 2, '#c05621', '#2b6cb0'], 'circle-stroke-color': c.panel, 'circle-stroke-width': 1.5 } }),
    layer('alarm-sign', 'symbol', 'alarms', { layout: { ...bold, 'text-field': ['case', ['>', ['get', 'n'], 1], ['to-string', ['get', 'n']], '!'], 'text-size': 11, 'text-letter-spacing': 0, 'text-allow-overlap': true }, paint: { 'text-color': '#ffffff', 'text-translate': [8, -8] } }),
    layer('farm-name', 'symbol', 'farms', {
      minzoom: 6, maxzoom: 13.2,
      layout: { ...bold, 'text-field': ['get', 'text'], 'text-size': 12, 'text-offset': [0, 1.7], 'text-anchor': 'top', 'text-letter-spacing': 0, 'text-max-width': 9 },
      paint: { 'text-color': c.ink, 'text-halo-color': c.glow, 'text-halo-width': 2 },
    }),
  ];
}

const source = (/** @type {any} */ more = {}) => ({ type: 'geojson', data: EMPTY, ...more });

/** The whole style, in the current theme. @returns {any} */
export function style() {
  return {
    version: 8,
    sources: {
      grid: source({ data: graticule() }), regions: source({ promoteId: 'code' }), labels: source(),
      fields: source({ promoteId: 'id' }), 'field-labels': source(), farms: source(), footprint: source(),
      alarms: source({
        cluster: true, clusterRadius: 30, clusterMaxZoom: 11,
        clusterProperties: { n: ['+', ['get', 'n']], level: ['max', ['get', 'level']] },
      }),
      devices: source({
        cluster: true, clusterRadius: 36, clusterMaxZoom: 11,
        clusterProperties: { sum: ['+', ['coalesce', ['get', 'value'], 0]], n: ['+', ['case', ['has', 'value'], 1, 0]] },
      }),
    },
    layers: [...ground(), ...fields(), ...names(), ...things()],
  };
}

/** Repaint an existing map after the theme changed. @param {import('./map.js').MapLibre} map */
export function repaint(map) {
  for (const wanted of style().layers) {
    for (const [property, value] of Object.entries(wanted.paint ?? {})) {
      if (map.getLayer(wanted.id)) map.setPaintProperty(wanted.id, property, value);
    }
  }
}
