/** The line of state in words and the key figures with trend and quality. */
import { el, fill } from '../dom.js';
import { get } from '../client.js';
import { t } from '../i18n.js';
import { SILENT, ago, at, depth, digits, factor, figure, measure, number, quantityName, unitWord } from '../format.js';
import { icon } from '../icons.js';
import { now } from '../state.js';
import { why } from './why.js';

const DAY = 24 * 3_600_000;

/** @typedef {import('../state.js').Latest} Latest */
/** @typedef {{quantity: string, unit: string, depth: number|null, rows: Latest[], value: number, time: number}} Figure */

/** What people ask first. */
const FIRST = ['soil_temperature', 'soil_moisture', 'air_temperature', 'water_temperature', 'dissolved_oxygen', 'ndvi', 'soil_ec'];

/**
 * At most four figures: per quantity the depth nearest the surface, mean over the devices.
 * @param {Latest[]} rows @returns {Figure[]}
 */
export function figuresOf(rows) {
  const rank = (/** @type {string} */ q) => (FIRST.includes(q) ? FIRST.indexOf(q) : FIRST.length);
  const quantities = [...new Set(rows.map((r) => r.quantity))].filter((q) => q !== 'valid_share').sort((a, b) => rank(a) - rank(b));
  return quantities.slice(0, 4).map((quantity) => {
    const own = rows.filter((r) => r.quantity === quantity);
    const top = Math.min(...own.map((r) => r.depth_cm ?? 0));
    const heard = own.filter((r) => (r.depth_cm ?? 0) === top);
    const live = heard.filter((r) => now() - at(r.time) <= SILENT);
    const used = live.length ? live : heard;
    return {
      quantity, unit: used[0].unit, depth: used[0].depth_cm, rows: used,
      value: used.reduce((sum, r) => sum + r.value, 0) / used.length,
      time: Math.max(...used.map((r) => at(r.time))),
    };
  });
}

/** One line of state in words. @param {Latest[]} rows */
export function stateLine(rows) {
  const figures = figuresOf(rows.filter((r) => r.device));
  const [first] = figures;
  if (!first) return el('p', { class: 'state quiet', text: t('state.none') });
  const silent = now() - first.time > SILENT;
  const temperature = figures.find((f) => f.quantity === 'soil_temperature');
  const moisture = figures.find((f) => f.quantity === 'soil_moisture');
  const value = (/** @type {Figure} */ f) => measure(f.value, f.quantity, f.unit);
  let words = t('state.one', { label: quantityName(first.quantity), value: value(first), age: ago(first.time) });
  if (temperature && moisture) {
    words = t('state.soil', { depth: number(temperature.depth ?? 0), temperature: value(temperature), moisture: value(moisture), age: ago(first.time) });
  }
  return el('p', { class: `state${silent ? ' silent' : ''}` }, icon(silent ? 'alert' : 'check', 16),
    el('span', { text: silent ? t('state.silent', { age: ago(first.time) }) : words }));
}

/** @param {Figure} f */
function quality(f) {
  const flagged = f.rows.some((r) => r.quality.length);
  const stale = f.quantity !== 'ndvi' && now() - f.time > SILENT;
  const key = flagged ? 'flagged' : stale ? 'stale' : 'good';
  return el('i', { class: `dot dot-${key}`, title: t(`figure.${key}`), role: 'img', 'aria-label': t(`figure.${key}`) });
}

/** @param {Figure} f @param {number|undefined} before value a day earlier, stored unit */
function trend(f, before) {
  if (before === undefined) return el('span', { class: 'trend none', text: f.quantity === 'ndvi' ? ago(f.time) : '' });
  const places = digits(f.quantity, f.unit);
  const delta = (f.value - before) * factor(f.unit);
  const steady = Math.abs(delta) < 0.5 * 10 ** -places * 2;
  const words = steady ? t('figure.steady') : `${delta > 0 ? '+' : '−'}${number(Math.abs(delta), places)}`;
  return el('span', { class: 'trend', title: t('figure.trend', { delta: words }) }, icon(steady ? 'flat' : delta > 0 ? 'up' : 'fall', 13), el('span', { text: words }));
}

/** @param {Figure} f @param {number|undefined} before */
function cell(f, before) {
  return el('button', { class: 'figure', title: t('figure.why'), data: { quantity: f.quantity }, on: { click: (event) => why(/** @type {HTMLElement} */ (event.currentTarget), f) } },
    el('span', { class: 'figure-name' }, quality(f), el('span', { text: quantityName(f.quantity) })),
    el('span', { class: 'figure-depth', title: f.rows.length > 1 ? t('figure.mean', { n: f.rows.length }) : '', text: f.rows.length > 1 ? `${f.rows.length} × ${depth(f.depth)}` : depth(f.depth) }),
    el('span', { class: 'figure-value' }, el('b', { text: figure(f.value, f.quantity, f.unit) }), el('small', { text: unitWord(f.unit) })),
    trend(f, before), icon('why', 14));
}

/** Values of a day before the newest, by figure. @param {Figure[]} figures @returns {Promise<Map<string, number>>} */
async function dayBefore(figures) {
  const asked = figures.filter((f) => f.quantity !== 'ndvi');
  const found = new Map();
  if (!asked.length) return found;
  const newest = Math.max(...asked.map((f) => f.time));
  const ids = asked.flatMap((f) => f.rows.map((r) => r.datastream));
  const iso = (/** @type {number} */ time) => new Date(time).toISOString();
  const body = await get('/v1/observations', { datastream: ids, bucket: 'hour', start: iso(newest - DAY * 1.5), end: iso(newest - DAY * 0.5) });
  for (const f of asked) {
    const own = new Set(f.rows.map((r) => r.datastream));
    const near = body.items.filter((/** @type {any} */ b) => own.has(b.datastream) && b.mean !== null)
      .sort((/** @type {any} */ a, /** @type {any} */ b) => Math.abs(at(a.start) - newest + DAY) - Math.abs(at(b.start) - newest + DAY));
    const same = near.filter((/** @type {any} */ b) => b.start === near[0].start);
    if (near.length) found.set(f.quantity, same.reduce((/** @type {number} */ s, /** @type {any} */ b) => s + b.mean, 0) / same.length);
  }
  return found;
}

/**
 * Draw state and figures into a box and return the function that refreshes their values.
 * @param {HTMLElement} box
 * @param {() => Latest[]} rows
 */
export function drawFigures(box, rows) {
  /** @type {Map<string, number>} */
  let before = new Map();
  const draw = () => {
    const figures = figuresOf(rows());
    const open = box.querySelector('.figure[aria-expanded=true]');
    if (open) return;
    fill(box, stateLine(rows()), figures.length ? el('div', { class: `figures figures-${figures.length}`, style: { '--n': String(figures.length) } }, ...figures.map((f) => cell(f, before.get(f.quantity)))) : null);
  };
  draw();
  dayBefore(figuresOf(rows())).then((found) => { before = found; draw(); }).catch(() => {});
  return draw;
}
