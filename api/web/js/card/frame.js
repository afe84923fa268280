/** What every card is made of: head, sections that load on their own, lists. */
import { el, fill } from '../dom.js';
import { placeName, say, t } from '../i18n.js';
import { icon } from '../icons.js';
import { lineage } from '../map/regions.js';
import { select } from '../state.js';
import { tag } from '../tag.js';

/** Where a thing lies, prefecture › county. @param {{code: string}} region */
export const placeOf = (region) => lineage(region.code).slice(1).map(placeName).join(' › ') || say(/** @type {any} */ (region).name);

/**
 * @param {{icon: string, title: string, kind: string, sub: string[], provenance?: string,
 *   up?: {name: string, go: () => void}|null}} head
 */
export function headOf(head) {
  const up = head.up ? el('button', { class: 'link up', on: { click: head.up.go } }, icon('back', 14), el('span', { text: head.up.name })) : null;
  return el('header', { class: 'card-head' },
    el('div', { class: 'card-icon' }, icon(head.icon, 22)),
    el('div', { class: 'card-titles' },
      el('h2', {}, el('span', { text: head.title }), tag(head.provenance ?? 'real')),
      el('p', { class: 'card-sub', text: [head.kind, ...head.sub].filter(Boolean).join(' · ') }), up),
    el('button', { class: 'ghost', 'aria-label': t('card.close'), title: t('card.close'), data: { testid: 'card-close' }, on: { click: () => select(null) } }, icon('close')));
}

/** Grey bars in the shape of what will be there. @param {number[]} widths per cent @param {string} [kind] */
export const bones = (widths, kind = '') =>
  el('div', { class: `bones ${kind}`, 'aria-busy': 'true' }, ...widths.map((w) => el('div', { class: 'bone', style: { width: `${w}%` } })));

/** What failed, what still works, and a way to try again. @param {any} error @param {string} what @param {() => void} retry */
export function failed(error, what, retry) {
  const forbidden = error.status === 403;
  const why = forbidden ? t('error.forbidden', { detail: error.message }) : error.status ? error.message : t('error.unreachable');
  return el('div', { class: 'failed', role: 'alert' }, icon('alert', 18),
    el('div', {}, el('b', { text: t('error.title', { what: t(`error.what.${what}`) }) }), el('p', { text: why }),
      forbidden ? null : el('button', { class: 'link', on: { click: retry } }, icon('retry', 14), el('span', { text: t('error.retry') }))));
}

/**
 * A section that shows its skeleton, then what `load` gives, or the error with retry.
 * @param {{title: string, what: string, testid?: string, bones: HTMLElement, class?: string,
 *   load: (box: HTMLElement) => Promise<void>, aside?: HTMLElement|null}} spec
 */
export function section(spec) {
  const box = el('div', { class: 'section-body' }, spec.bones);
  const run = () => spec.load(box).catch((error) => {
    if (error.name === 'AbortError') return;
    if (error.status === undefined) console.error(error);
    fill(box, failed(error, spec.what, () => { fill(box, spec.bones); run(); }));
  });
  run();
  return el('section', { class: `section ${spec.class ?? ''}`, data: spec.testid ? { testid: spec.testid } : {} },
    el('div', { class: 'section-head' }, el('h3', { text: spec.title }), spec.aside ?? null), box);
}

/** @param {string} text @param {string} [name] icon */
export const empty = (text, name = 'info') => el('div', { class: 'empty' }, icon(name, 18), el('span', { text }));

const MOST = 12;

/**
 * A list of things that open.
 * @param {string} title
 * @param {{name: string, value?: string, note?: string, icon: string, provenance?: string, go?: () => void}[]} rows
 */
export function list(title, rows) {
  if (!rows.length) return null;
  const items = rows.slice(0, MOST).map((row) => el('li', {}, el(row.go ? 'button' : 'div', { class: 'list-row', on: row.go ? { click: row.go } : {} },
    icon(row.icon, 18), el('span', { class: 'list-name', text: row.name }), tag(row.provenance ?? 'real'),
    el('span', { class: 'list-note', text: row.note ?? '' }), row.value === undefined ? null : el('b', { class: 'list-value', text: row.value }))));
  const more = rows.length > MOST ? el('p', { class: 'muted small', text: t('list.more', { n: rows.length - MOST }) }) : null;
  return el('section', { class: 'section' }, el('div', { class: 'section-head' }, el('h3', { text: title })), el('ul', { class: 'list' }, ...items), more);
}
