/** 依据 Evidence: opens to rows, method, version, citations, and a replay. */
import { get, send } from '../client.js';
import { el, fill } from '../dom.js';
import { say, t } from '../i18n.js';
import { at, dayMonth, dayStart, moment } from '../format.js';
import { icon } from '../icons.js';
import { bones, failed } from './frame.js';

const ROWS = 8;
const DEPTH = 5; // levels of nesting shown as lists; deeper ones as text

/** @param {unknown} value */
const plain = (value) => (typeof value === 'number' ? String(Number(value.toPrecision(7))) : value === null ? 'null' : String(value));

/** @param {any[]} rows objects with the same keys */
function table(rows) {
  const keys = [...new Set(rows.slice(0, ROWS).flatMap((row) => Object.keys(row)))].slice(0, 6);
  return el('div', { class: 'rows' }, el('table', {},
    el('thead', {}, el('tr', {}, ...keys.map((text) => el('th', { text })))),
    el('tbody', {}, ...rows.slice(0, ROWS).map((row) => el('tr', {}, ...keys.map((key) => el('td', { text: typeof row[key] === 'object' && row[key] !== null ? JSON.stringify(row[key]) : plain(row[key] ?? null) })))))),
  rows.length > ROWS ? el('p', { class: 'muted small', text: t('list.more', { n: rows.length - ROWS }) }) : null);
}

/** Any JSON value as lists and tables. @param {any} value @param {number} [deep] @returns {HTMLElement} */
function show(value, deep = 0) {
  if (Array.isArray(value)) {
    if (value.length && value.every((v) => v !== null && typeof v === 'object' && !Array.isArray(v))) return table(value);
    const head = value.slice(0, 12).map((v) => (typeof v === 'object' ? JSON.stringify(v) : plain(v))).join(', ');
    return el('span', { class: 'value', text: value.length > 12 ? `${head} … (${value.length})` : head || '[]' });
  }
  if (value !== null && typeof value === 'object' && deep < DEPTH) {
    return el('dl', { class: 'facts' }, ...Object.entries(value).flatMap(([key, inner]) => [el('dt', { text: key }), el('dd', {}, show(inner, deep + 1))]));
  }
  return el('span', { class: 'value', text: typeof value === 'object' && value !== null ? JSON.stringify(value) : plain(value) });
}

/** @param {any} rec */
function method(rec) {
  const row = (/** @type {string} */ key, /** @type {string} */ text) => [el('dt', { text: t(`advice.${key}`) }), el('dd', { text })];
  const sources = [...new Set(rec.reasons.map((/** @type {any} */ r) => say(r.source)).filter(Boolean))];
  return el('dl', { class: 'facts' },
    ...row('method', rec.method), ...row('version', rec.method_version), ...row('as_of', dayMonth(dayStart(rec.as_of))), ...row('issued', moment(at(rec.issued))),
    el('dt', { text: t('advice.hash') }), el('dd', {}, el('code', { title: rec.input_hash, text: `${rec.input_hash.slice(0, 16)}…` })),
    el('dt', { text: t('advice.source') }), el('dd', {}, el('ul', {}, ...sources.map((text) => el('li', { text: String(text) })))));
}

/** @param {any} rec */
function replay(rec) {
  const words = el('span', { text: t('advice.replay') });
  const run = async () => {
    try {
      const { identical } = await send(`/v1/recommendations/${rec.id}/replay`);
      words.textContent = t(identical ? 'advice.replay.same' : 'advice.replay.differs');
    } catch (error) {
      words.textContent = /** @type {Error} */ (error).message || t('error.unreachable');
    }
  };
  return el('button', { class: 'link', data: { testid: 'advice-replay' }, on: { click: run } }, icon('retry', 14), words);
}

/** @param {any} rec */
export function evidenceOf(rec) {
  const body = el('div', { class: 'evidence-body' });
  const load = async () => {
    fill(body, method(rec), el('h4', { text: t('advice.rows') }), bones([100, 80, 90]));
    try {
      const evidence = rec.evidence ?? (await get(`/v1/recommendations/${rec.id}`)).evidence;
      fill(body, method(rec), replay(rec), el('h4', { text: t('advice.rows') }), show(evidence ?? {}));
    } catch (error) {
      fill(body, method(rec), failed(error, 'advice', load));
    }
  };
  const box = /** @type {HTMLDetailsElement} */ (el('details', { class: 'evidence', data: { testid: 'evidence' } },
    el('summary', {}, icon('chevron', 14), el('span', { text: t('advice.evidence') }), el('small', { class: 'muted', text: t('advice.evidence.sub') })), body));
  box.addEventListener('toggle', () => { if (box.open && !body.children.length) load(); });
  return box;
}
