/** What the card of each kind of thing holds. */
import { get } from '../client.js';
import { el, fill } from '../dom.js';
import { knows, say, t } from '../i18n.js';
import { ago, area, at, dayMonth, depth, measure, number, quantityName } from '../format.js';
import { icon } from '../icons.js';
import { latestWhere, select, state } from '../state.js';
import { online } from '../panel.js';
import { covers } from '../map/regions.js';
import { region as goRegion } from '../map/touch.js';
import { sorted } from '../map/things.js';
import { placeName } from '../i18n.js';
import { drawAdvice } from './advice.js';
import { drawAlarmsOf } from './alarms.js';
import { drawChart } from './chart.js';
import { drawFigures } from './figures.js';
import { bones, headOf, list, placeOf, section } from './frame.js';
import { drawStrip } from './strip.js';

/** @typedef {{nodes: (HTMLElement|null)[], refresh?: () => void}} Card */

/** @param {string|null} crop */
const cropName = (crop) => (!crop ? t('crop.none') : knows(`crop.${crop}`) ? t(`crop.${crop}`) : crop);

/** The newest zonal value in the shape of a reading: it opens to pixels, not to a datastream. @param {number} id @param {any[]} dates */
function zonalRow(id, dates) {
  const newest = dates.find((d) => d.mean !== null);
  if (!newest) return [];
  return [/** @type {any} */ ({ datastream: null, device: null, field_id: id, quantity: 'ndvi', unit: '1', depth_cm: null, time: newest.time, value: newest.mean, quality: [], provenance: newest.provenance })];
}

/** @param {() => import('../state.js').Latest[]} rows */
const chartSection = (rows) => section({
  title: t('chart.title'), what: 'chart', bones: bones([60, 100], 'bones-chart'), load: (box) => drawChart(box, rows),
});

/** @param {number} id @param {AbortSignal} signal @returns {Card|null} */
export function fieldCard(id, signal) {
  const field = state.fields.get(id);
  if (!field) return null;
  const p = field.properties;
  const farm = state.farms.get(p.farm_id);
  /** @type {any[]} */
  let dates = [];
  const rows = () => [...latestWhere((r) => r.field_id === id && r.quantity !== 'ndvi'), ...zonalRow(id, dates)];
  const streamed = () => latestWhere((r) => r.field_id === id);
  const figures = el('div', { class: 'top' });
  const refresh = () => redraw();
  const redraw = drawFigures(figures, rows);
  return {
    nodes: [
      headOf({
        icon: 'field', title: say(p.name), kind: cropName(p.crop), sub: [area(p.area_ha), placeOf(p.region)], provenance: p.provenance,
        up: farm ? { name: say(farm.name), go: () => select({ kind: 'farm', id: farm.id }) } : null,
      }),
      figures, chartSection(streamed),
      section({ title: t('strip.title'), what: 'strip', bones: bones([100], 'bones-strip'), load: (box) => drawStrip(box, field, signal, (items) => { dates = items; refresh(); }) }),
      section({ title: `${t('advice.title')} · ${t('advice.sowing_window')}`, what: 'advice', bones: bones([90, 100, 70]), load: (box) => drawAdvice(box, field, signal) }),
      deviceList((d) => d.field_id === id),
    ],
    refresh,
  };
}

/** @param {(device: import('../state.js').Device) => boolean} test */
function deviceList(test) {
  const found = sorted([...state.devices.values()].filter(test), (d) => say(d.name));
  return list(t('list.devices'), found.map((d) => {
    const rows = latestWhere((r) => r.device?.id === d.id);
    const row = rows.find((r) => r.quantity === state.shown) ?? rows[0];
    return {
      icon: 'probe', name: say(d.name), provenance: d.provenance, note: row ? ago(at(row.time)) : t('time.none'),
      value: row ? measure(row.value, row.quantity, row.unit) : '', go: () => select({ kind: 'device', id: d.id }),
    };
  }));
}

/** @param {(p: any) => boolean} test */
function fieldList(test) {
  const found = sorted([...state.fields.values()].map((f) => f.properties).filter(test), (p) => say(p.name));
  return list(t('list.fields'), found.map((p) => ({
    icon: 'field', name: say(p.name), note: cropName(p.crop), value: `${number(p.area_ha, 1)} ${t('unit.ha')}`, provenance: p.provenance,
    go: () => select({ kind: 'field', id: p.id }),
  })));
}

/** @param {number} id @returns {Card|null} */
export function deviceCard(id) {
  const device = state.devices.get(id);
  if (!device) return null;
  const field = device.field_id === null ? null : state.fields.get(device.field_id)?.properties;
  const farm = state.farms.get(device.farm_id);
  const rows = () => latestWhere((r) => r.device?.id === id);
  const figures = el('div', { class: 'top' });
  const up = field ? { name: say(field.name), go: () => select({ kind: 'field', id: field.id }) }
    : farm ? { name: say(farm.name), go: () => select({ kind: 'farm', id: farm.id }) } : null;
  return {
    nodes: [
      headOf({ icon: 'probe', title: say(device.name), kind: t('kind.device'), sub: [device.key, placeOf(device.region)], provenance: device.provenance, up }),
      figures, chartSection(rows),
      section({ title: t('alarm.title'), what: 'card', testid: 'alarms', bones: bones([90, 60]), load: (box) => drawAlarmsOf(box, { device: id }) }),
      streams(device),
      section({ title: t('history.title'), what: 'card', bones: bones([100, 60]), load: (box) => history(box, device) }),
    ],
    refresh: drawFigures(figures, rows),
  };
}

/** @param {import('../state.js').Device} device */
function streams(device) {
  return list(t('list.streams'), device.datastreams.map((s) => {
    const row = state.latest.get(s.id);
    return {
      icon: 'probe', name: [depth(s.depth_cm), quantityName(s.quantity)].filter(Boolean).join(' '), note: row ? ago(at(row.time)) : t('time.none'),
      value: row ? measure(row.value, row.quantity, row.unit) : '–',
    };
  }));
}

/** The loss account of a device and where it stood. @param {HTMLElement} box @param {import('../state.js').Device} device */
async function history(box, device) {
  const [ledger, detail] = await Promise.all([get('/v1/ledger', { device: device.key }), get(`/v1/devices/${device.id}`)]);
  const { totals } = ledger;
  const shown = Object.fromEntries(Object.entries(totals).map(([k, v]) => [k, typeof v === 'number' ? number(v) : v]));
  fill(box, el('p', { class: 'ledger' }, icon(totals.balanced ? 'check' : 'alert', 16), el('span', { text: `${t('history.line', shown)} · ${t(totals.balanced ? 'history.ok' : 'history.bad')}` })),
    ...(detail.installations ?? []).map((/** @type {any} */ i) => el('p', { class: 'muted small', text: `${t('history.installed')} · ${t('history.since', { day: dayMonth(at(i.since)) })}${i.note ? ` · ${i.note}` : ''}` })));
}

/** @param {number} id @returns {Card|null} */
export function farmCard(id) {
  const farm = state.farms.get(id);
  if (!farm) return null;
  const live = online((d) => d.farm_id === id);
  const fields = [...state.fields.values()].filter((f) => f.properties.farm_id === id).length;
  const rows = () => latestWhere((r) => r.farm_id === id && Boolean(r.device));
  const figures = el('div', { class: 'top' });
  const note = say(farm.note);
  return {
    nodes: [
      headOf({ icon: 'farm', title: say(farm.name), kind: t(`farm.${farm.kind}`), sub: [placeOf(farm.region)], provenance: farm.provenance, up: { name: placeName(farm.region), go: () => goRegion(farm.region.code) } }),
      el('p', { class: 'counts', text: t('state.farm', { fields: number(fields), online: number(live.n), devices: number(live.total) }) }),
      figures, note ? el('p', { class: 'note' }, icon('info', 16), el('span', { text: note })) : null,
      fieldList((p) => p.farm_id === id), deviceList((d) => d.farm_id === id), chartSection(rows),
    ],
    refresh: drawFigures(figures, rows),
  };
}

/** @param {string} code @returns {Card|null} */
export function regionCard(code) {
  const region = state.regions.get(code)?.properties;
  if (!region) return null;
  const inside = (/** @type {{code: string}|undefined} */ r) => Boolean(r && covers(code, r.code));
  const farms = sorted([...state.farms.values()].filter((f) => inside(f.region)), (f) => say(f.name));
  const fields = [...state.fields.values()].filter((f) => inside(f.properties.region)).length;
  const live = online((d) => inside(d.region));
  const rows = () => latestWhere((r) => Boolean(r.device) && inside(state.farms.get(r.farm_id)?.region));
  const figures = el('div', { class: 'top' });
  const has = farms.length || live.total;
  const words = has ? t('state.region', { farms: number(farms.length), fields: number(fields), online: number(live.n), devices: number(live.total) }) : t('state.region.none');
  return {
    nodes: [
      headOf({ icon: 'region', title: placeName(region), kind: t(`level.${region.level}`), sub: [region.level === 'county' ? placeOf({ code: region.parent }) : '', t('map.area', { n: number(region.area_km2) })], up: null }),
      el('p', { class: 'counts', text: words }), has ? figures : null,
      list(t('list.farms'), farms.map((f) => ({ icon: 'farm', name: say(f.name), note: t(`farm.${f.kind}`), provenance: f.provenance, go: () => select({ kind: 'farm', id: f.id }) }))),
      counties(region), has ? chartSection(rows) : null,
    ],
    refresh: has ? drawFigures(figures, rows) : undefined,
  };
}

/** @param {any} region */
function counties(region) {
  if (region.level === 'county') return null;
  const below = [...state.regions.values()].map((f) => f.properties).filter((p) => p.parent === region.code);
  return list(t('list.counties'), below.map((p) => ({ icon: 'region', name: placeName(p), note: t('map.area', { n: number(p.area_km2) }), go: () => goRegion(p.code) })));
}
