/** The left panel: layers by category, each with a switch and the age of its newest data. */
import { byId, el, fill, wide } from './dom.js';
import { t, say } from './i18n.js';
import { SILENT, ago, at, number, quantityName } from './format.js';
import { byWorst, targetOf } from './alarms.js';
import { icon } from './icons.js';
import { latestWhere, now, on, select, state, tell } from './state.js';
import { countyMeans } from './map/regions.js';
import { dates, shortTitle } from './map/sky.js';
import { tags } from './tag.js';

/** Devices heard of within a day. @param {(device: import('./state.js').Device) => boolean} [test] */
export function online(test = () => true) {
  const heard = new Set(latestWhere((r) => Boolean(r.device) && now() - at(r.time) <= SILENT).map((r) => r.device?.id));
  const devices = [...state.devices.values()].filter(test);
  return { n: devices.filter((d) => heard.has(d.id)).length, total: devices.length };
}

/** @param {string} key @param {boolean} value */
export function turn(key, value) {
  state.on[key] = value;
  tell('layers');
}

/** @param {boolean} isOn @param {string} label @param {(value: boolean) => void} change */
function toggle(isOn, label, change) {
  return el('button', {
    class: 'switch', role: 'switch', 'aria-checked': String(isOn), 'aria-label': label,
    on: { click: () => change(!isOn) },
  }, el('i'));
}

/**
 * @param {{key: string, name: string, title?: string, note?: string, isOn: boolean, change: (v: boolean) => void,
 *   marks?: any[], below?: HTMLElement|null}} row
 */
function line(row) {
  return el('li', { class: 'layer', data: { layer: row.key } },
    el('div', { class: 'layer-row' },
      toggle(row.isOn, row.name, row.change),
      el('span', { class: 'layer-name', text: row.name, title: row.title }),
      el('span', { class: 'layer-note', text: row.note ?? '' })),
    row.marks?.length ? el('div', { class: 'layer-marks' }, ...row.marks) : null,
    row.isOn ? row.below : null);
}

/** @param {string} title @param {HTMLElement[]} rows */
const group = (title, rows) => el('details', { class: 'group', open: true },
  el('summary', {}, icon('chevron', 14), el('span', { text: title })), el('ul', {}, ...rows));

function shownChoice() {
  const devices = new Map();
  for (const r of latestWhere((row) => Boolean(row.device))) devices.set(r.quantity, (devices.get(r.quantity) ?? new Set()).add(r.device?.id));
  const known = [...devices.keys()].sort((a, b) => devices.get(b).size - devices.get(a).size);
  if (!known.length) return null;
  const options = known.map((q) => el('button', {
    class: 'chip', 'aria-pressed': String(q === state.shown), text: quantityName(q),
    on: { click: () => { state.shown = q; tell('quantity'); } },
  }));
  return el('div', { class: 'shown' }, el('div', { class: 'shown-title', text: t('panel.shown') }), el('div', { class: 'chips' }, ...options));
}

function opacity() {
  const slider = el('input', { type: 'range', min: '0.2', max: '1', step: '0.05', value: String(state.opacity), 'aria-label': t('panel.opacity') });
  slider.addEventListener('input', () => {
    state.opacity = Number(/** @type {HTMLInputElement} */ (slider).value);
    tell('layers', 'opacity');
  });
  return el('label', { class: 'opacity' }, el('span', { text: t('panel.opacity') }), slider);
}

/** Alarms shown in the panel; the others are on the map. */
const MOST = 6;

/** The open alarms, the worst first. */
function alarmRows() {
  const found = byWorst(state.alarms).map((a) => a.properties);
  const items = found.slice(0, MOST).map((p) => {
    const target = targetOf(p);
    return el('li', { class: `alarm-${p.severity}` }, el(target ? 'button' : 'div', {
      class: 'alarm-row', title: `${t(`alarm.${p.severity}`)} · ${say(p.reason)}`, data: { testid: 'alarm-row' }, on: target ? { click: () => select(target) } : {},
    }, icon('alert', 18), el('b', { text: say(p.title) }), el('time', { text: ago(at(p.opened)) }), el('span', { text: say(p.name) })));
  });
  const more = found.length > MOST ? el('li', { class: 'layer-empty', text: t('list.more', { n: found.length - MOST }) }) : null;
  const none = found.length ? null : el('li', { class: 'layer-empty', text: t('alarm.none') });
  return el('li', {}, el('ul', { class: 'alarm-list', data: { testid: 'alarm-list' } }, ...items, more, none));
}

/** @param {string} key @param {string} note @param {any[]} [marks] */
const own = (key, note, marks) =>
  line({ key, name: t(`panel.${key}`), note, isOn: state.on[key], change: (v) => turn(key, v), marks });

function skyRows() {
  const products = [...new Set(state.layers.map((l) => l.product))];
  return products.map((product) => {
    const series = dates(product);
    const newest = series[series.length - 1];
    const isOn = state.on.satellite && series.some((l) => l.id === state.layer);
    const change = (/** @type {boolean} */ yes) => {
      state.layer = yes ? newest.id : state.layer;
      turn('satellite', yes);
    };
    return line({
      key: product, name: shortTitle(newest), title: say(newest.title), note: ago(at(newest.time)), isOn, change,
      marks: tags(series), below: opacity(),
    });
  });
}

function draw() {
  const counts = online();
  const means = countyMeans();
  const empty = el('li', { class: 'layer-empty', text: t('panel.empty.sky') });
  const sky = skyRows();
  const hide = el('button', { class: 'ghost small', 'aria-label': t('panel.hide'), title: t('panel.hide'), on: { click: () => shut(true) } }, icon('close', 16));
  fill(byId('panel'),
    el('div', { class: 'panel-head' }, el('h2', { text: t('panel.title') }), hide),
    el('div', { class: 'panel-body' },
      shownChoice(),
      group(t('panel.sky'), state.loaded && !sky.length ? [empty] : sky),
      group(t('alarm.title'), [own('alarms', state.loaded ? t('alarm.n', { n: number(state.alarms.length) }) : ''), alarmRows()]),
      group(t('panel.ground'), [
        own('sensors', state.loaded ? t('panel.online', { n: number(counts.n), total: number(counts.total) }) : '', tags(state.devices.values())),
        own('fields', state.loaded ? number(state.fields.size) : ''),
      ]),
      group(t('panel.admin'), [
        own('counties', state.loaded ? t('panel.counties.n', { n: number(means.size) }) : ''),
        own('names', ''),
      ])));
}

/** Close or open the panel. @param {boolean} yes */
export function shut(yes) {
  byId('left').classList.toggle('shut', yes);
  byId('fabs').classList.toggle('with-layers', yes);
  tell('room');
}

function skeleton() {
  fill(byId('panel'), el('div', { class: 'panel-head' }, el('h2', { text: t('panel.title') })),
    el('div', { class: 'panel-body' }, ...[70, 45, 80, 55, 65].map((w) => el('div', { class: 'bone', style: { width: `${w}%` } }))));
}

/** What somebody who is not signed in can do. */
function outside() {
  fill(byId('panel'), el('div', { class: 'panel-head' }, el('h2', { text: t('panel.title') })),
    el('div', { class: 'panel-body' },
      el('p', { class: 'muted outside', text: t('login.lead') }),
      el('button', { class: 'plain', text: t('login.title'), on: { click: () => tell('login') } }),
      group(t('panel.admin'), [own('names', '')])));
}

/** It is known that nobody is signed in; before that the panel shows its skeleton. */
let asked = false;

/** Which parts are folded survives a redraw. */
function redraw() {
  if (!state.loaded) { state.person || !asked ? skeleton() : outside(); return; }
  const folded = [...byId('panel').querySelectorAll('details')].map((d) => d.open);
  const focus = document.activeElement?.closest('[data-layer]')?.getAttribute('data-layer');
  draw();
  byId('panel').querySelectorAll('details').forEach((d, i) => { d.open = folded[i] ?? true; });
  if (focus) /** @type {HTMLElement|null} */ (byId('panel').querySelector(`[data-layer="${CSS.escape(focus)}"] .switch`))?.focus();
}

export function openPanel() {
  shut(!wide());
  redraw();
  for (const topic of ['language', 'quantity', 'loaded', 'person', 'alarms']) on(topic, redraw);
  for (const topic of ['left', 'asked']) on(topic, () => { asked = true; redraw(); });
  on('layers', (what) => { if (what !== 'opacity') redraw(); });
  setInterval(() => { if (state.loaded && !byId('panel').matches(':hover, :focus-within')) redraw(); }, 30_000);
}
