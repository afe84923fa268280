/** Legends of what is on the map, stacked bottom-left, with dates and provenance. */
import { byId, el, fill } from './dom.js';
import { knows, say, t } from './i18n.js';
import { ago, at, factor, longDay, number, quantityName, unitWord } from './format.js';
import { CROPS, ramp } from './ramps.js';
import { latestWhere, on, state } from './state.js';
import { map } from './map/map.js';
import { countyMeans } from './map/regions.js';
import { current, shortTitle } from './map/sky.js';
import { tags } from './tag.js';

/**
 * A ramp drawn as even blocks: the CSP allows no inline gradient and blocks read as steps.
 * @param {string[]} colours
 */
function blocks(colours) {
  return el('div', { class: 'ramp' }, ...colours.map((c) => el('i', { style: { background: c } })));
}

/** @param {{title: string, unit?: string, colours: string[], ticks: string[], sub: string, marks: any[], notes: any[]}} legend */
function show(legend) {
  return el('section', { class: 'legend' },
    el('header', {}, el('h3', { text: legend.title }), legend.unit ? el('span', { class: 'unit', text: legend.unit }) : null, ...legend.marks),
    blocks(legend.colours),
    el('div', { class: 'ticks' }, ...legend.ticks.map((text) => el('span', { text }))),
    el('p', { class: 'legend-sub', text: legend.sub }),
    ...legend.notes);
}

/** @param {string} kind @param {string} text */
const note = (kind, text) => el('p', { class: 'legend-note' }, el('i', { class: `key key-${kind}` }), el('span', { text }));

function groundLegend() {
  const rows = latestWhere((r) => r.quantity === state.shown && Boolean(r.device));
  if (!rows.length || (!state.on.sensors && !state.on.counties)) return null;
  const { low, high, colours } = ramp(state.shown);
  const [{ unit }] = rows;
  const far = map.getZoom() < 11;
  const counties = far && state.on.counties;
  const without = [...state.regions.values()].filter((f) => f.properties.level === 'county').length - countyMeans().size;
  const newest = Math.max(...rows.map((r) => at(r.time)));
  return show({
    title: quantityName(state.shown), unit: unitWord(unit), colours,
    ticks: [0, 0.5, 1].map((p) => number((low + (high - low) * p) * factor(unit), (high - low) * factor(unit) < 4 ? 1 : 0)),
    sub: `${t(counties ? 'legend.counties' : 'legend.sensors')} · ${ago(newest)}`,
    marks: tags(rows),
    notes: [counties ? note('none', t('legend.none', { n: number(without) })) : null,
      state.on.sensors ? note('silent', t('legend.silent')) : null,
      state.on.sensors ? note('other', t('legend.other')) : null],
  });
}

function skyLegend() {
  const layer = state.on.satellite ? current() : null;
  if (!layer) return null;
  const { stops } = layer.legend;
  return show({
    title: shortTitle(layer), unit: unitWord(layer.legend.unit),
    colours: evenly(stops), ticks: [stops[0], stops[Math.floor(stops.length / 2)], stops[stops.length - 1]].map((s) => number(s.value, 1)),
    sub: [longDay(at(layer.time)), ...say(layer.title).split(' · ').slice(1)].join(' · '), marks: tags([layer]), notes: [note('clear', t('legend.cloud'))],
  });
}

/** At most 16 blocks of a long palette. @param {{color: string}[]} stops */
function evenly(stops) {
  const n = Math.min(16, stops.length);
  return Array.from({ length: n }, (_, i) => stops[Math.round((i * (stops.length - 1)) / Math.max(1, n - 1))].color);
}

function cropLegend() {
  if (!state.on.fields || map.getZoom() < 11 || state.on.satellite) return null;
  const crops = [...new Set([...state.fields.values()].map((f) => f.properties.crop ?? 'none'))];
  if (!crops.length) return null;
  return el('section', { class: 'legend legend-crops' }, el('header', {}, el('h3', { text: t('legend.fields') })),
    el('div', { class: 'keys' }, ...crops.map((crop) => el('span', {},
      el('i', { class: 'key', style: { background: CROPS[crop] ?? CROPS.none } }), knows(`crop.${crop}`) ? t(`crop.${crop}`) : crop))));
}

/** Say on the map itself that something in view is not a measurement of this place and time. */
function corner() {
  const things = [...state.devices.values(), ...[...state.fields.values()].map((f) => f.properties)];
  const layer = state.on.satellite ? current() : null;
  const marks = tags(layer ? [...things, layer] : things);
  const words = marks.map((m) => String(m?.textContent).toLowerCase()).join(t('list.comma'));
  byId('corner').hidden = !marks.length;
  fill(byId('corner'), el('span', { text: t('corner.mixed', { tags: words }) }));
}

function draw() {
  if (!state.loaded) { fill(byId('legends')); byId('corner').hidden = true; return; }
  fill(byId('legends'), skyLegend(), groundLegend(), cropLegend());
  corner();
}

export function openLegends() {
  for (const topic of ['language', 'quantity', 'loaded', 'left', 'theme']) on(topic, draw);
  on('layers', (what) => { if (what !== 'opacity') draw(); });
  let near = map.getZoom() >= 11;
  map.on('zoomend', () => { if (near !== map.getZoom() >= 11) { near = !near; draw(); } });
  setInterval(draw, 30_000);
}
