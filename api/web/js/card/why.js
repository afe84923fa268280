/** Where a number comes from: its query, its rows, its flags, its file. */
import { ask, get, search, token } from '../client.js';
import { byId, el, fill, wide } from '../dom.js';
import { knows, say, t } from '../i18n.js';
import { depth, factor, longDay, moment, quantityName, unitWord, at } from '../format.js';
import { icon } from '../icons.js';
import { bones, failed } from './frame.js';

const ROWS = 6;
const SPAN = 24 * 3_600_000; // ms of rows asked for before the newest one

/** @type {HTMLElement|null} */
let pop = null;

export function closeWhy() {
  pop?.remove();
  pop = null;
  document.querySelectorAll('.figure[aria-expanded]').forEach((b) => b.removeAttribute('aria-expanded'));
}

/** @param {string[]} flags */
const flagWords = (flags) => (flags.length ? flags.map((f) => (knows(`flag.${f}`) ? t(`flag.${f}`) : f)).join('、') : t('why.none'));

/** @param {any[]} items newest last @param {import('./figures.js').Figure} f */
function table(items, f) {
  if (!items.length) return el('p', { class: 'muted', text: t('why.empty') });
  const names = new Map(f.rows.map((r) => [r.datastream, `${say(r.device?.name) || ''} #${r.datastream}`.trim()]));
  const many = f.rows.length > 1;
  const head = [t('why.time'), many ? t('list.streams') : '', t('why.value'), t('why.flags')].filter(Boolean);
  const rows = items.slice(-ROWS).reverse().map((item) => el('tr', {},
    el('td', { text: moment(at(item.time)) }), many ? el('td', { text: names.get(item.datastream) ?? '' }) : null,
    el('td', { class: 'num', text: String(Number(item.value.toPrecision(6))) }), el('td', { text: flagWords(item.quality) })));
  return el('table', {}, el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { text })))), el('tbody', {}, ...rows));
}

/** Rows of zonal statistics: how many pixels each value rests on. @param {any[]} items */
function pixels(items) {
  const rows = [...items].sort((a, b) => b.time.localeCompare(a.time)).slice(0, ROWS).map((item) => el('tr', {},
    el('td', { text: longDay(at(item.time)) }), el('td', { class: 'num', text: item.mean === null ? 'null' : String(Number(item.mean.toPrecision(4))) }),
    el('td', { text: t('why.pixels', { valid: item.n_valid, total: item.n_total }) })));
  const head = [t('why.time'), t('why.value'), ''].map((text) => el('th', { text }));
  return el('div', {}, el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows)),
    items[0] ? el('p', { class: 'muted scene-id', text: `${t('why.scene')} ${items[0].scene}` }) : null);
}

/** @param {string} path */
async function csv(path) {
  const answer = await ask(`${path}&format=csv&bom=1`, { headers: { Accept: 'text/csv' } });
  const link = el('a', { href: URL.createObjectURL(await answer.blob()), download: 'heitu-observations.csv' });
  link.click();
  setTimeout(() => URL.revokeObjectURL(/** @type {HTMLAnchorElement} */ (link).href), 10_000);
}

/** @param {string} path @param {HTMLElement} button */
async function copy(path, button) {
  await navigator.clipboard.writeText(`curl -H 'Authorization: Bearer ${token()}' '${location.origin}${path}'`).catch(() => {});
  /** @type {HTMLElement} */ (button.lastElementChild).textContent = t('why.copied');
}

/** @param {import('./figures.js').Figure} f */
function queryOf(f) {
  if (f.rows[0].datastream === null) return `/v1/fields/${f.rows[0].field_id}/zonal${search({ product: f.quantity })}`;
  const newest = Math.max(...f.rows.map((r) => at(r.time)));
  const iso = (/** @type {number} */ time) => new Date(time).toISOString().replace('.000', '');
  const start = f.quantity === 'ndvi' ? newest - SPAN * 200 : newest - SPAN;
  return `/v1/observations${search({ datastream: f.rows.map((r) => r.datastream), start: iso(start), end: iso(newest + 1000), limit: 2000 })}`;
}

/**
 * Open the popover beside a figure.
 * @param {HTMLElement} anchor
 * @param {import('./figures.js').Figure} f
 */
export async function why(anchor, f) {
  const again = anchor.getAttribute('aria-expanded') === 'true';
  closeWhy();
  if (again) return;
  anchor.setAttribute('aria-expanded', 'true');
  const path = queryOf(f);
  const rows = el('div', {}, bones([100, 100, 100]));
  const shown = factor(f.unit) === 1 ? null : el('p', { class: 'muted', text: t('why.unit', { unit: f.unit, shown: unitWord(f.unit) }) });
  const copyButton = el('button', { class: 'link', on: { click: () => copy(path, copyButton) } }, icon('edit', 14), el('span', { text: t('why.copy') }));
  pop = el('div', { class: 'why', role: 'dialog', 'aria-label': t('why.title'), data: { testid: 'why' } },
    el('header', {}, el('h3', { text: [depth(f.depth), quantityName(f.quantity)].filter(Boolean).join(' ') }),
      el('button', { class: 'ghost small', 'aria-label': t('card.close'), on: { click: closeWhy } }, icon('close', 16))),
    f.rows.length > 1 ? el('p', { class: 'muted', text: t('why.mean', { n: f.rows.length }) }) : null,
    el('h4', { text: t('why.query') }), el('code', { text: `GET ${decodeURIComponent(path)}` }),
    el('h4', { text: t('why.rows') }), rows, shown,
    el('footer', {}, f.rows[0].datastream === null ? null : el('button', { class: 'link', on: { click: () => csv(path) } }, icon('download', 14), el('span', { text: t('why.csv') })), copyButton));
  place(anchor, pop);
  await load(path, f, rows);
}

/** @param {string} path @param {import('./figures.js').Figure} f @param {HTMLElement} rows */
async function load(path, f, rows) {
  try {
    const { items: found } = await get(path);
    if (f.rows[0].datastream === null) { fill(rows, pixels(found)); return; }
    const items = found.sort((/** @type {any} */ a, /** @type {any} */ b) => a.time.localeCompare(b.time));
    fill(rows, table(items, f));
  } catch (error) {
    fill(rows, failed(error, 'chart', () => load(path, f, rows)));
  }
}

/** Beside the card where there is room, else over it. @param {HTMLElement} anchor @param {HTMLElement} box */
function place(anchor, box) {
  document.body.append(box);
  const top = anchor.getBoundingClientRect().top;
  if (wide()) {
    box.style.right = `${window.innerWidth - byId('card').getBoundingClientRect().left + 8}px`;
    box.style.top = `${Math.max(60, Math.min(top, window.innerHeight - 420))}px`;
  }
  /** @type {HTMLElement} */ (box.querySelector('button'))?.focus({ preventScroll: true });
  box.addEventListener('keydown', (event) => { if (event.key === 'Escape') { closeWhy(); anchor.focus(); } });
}
