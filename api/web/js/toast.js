/** Short messages that come and go; readings are told at most once every few seconds. */
import { byId, el, wide } from './dom.js';
import { say, t } from './i18n.js';
import { depth, measure, quantityName } from './format.js';
import { icon } from './icons.js';
import { state } from './state.js';

const EVERY = 9000; // ms between toasts about readings: faster is noise
const STAY = 4500; // ms a toast stays

/** @param {string} name icon @param {string} title @param {string} text */
export function toast(name, title, text) {
  const node = el('div', { class: 'toast' }, icon(name, 18), el('div', {}, el('b', { text: title }), el('span', { text })));
  const box = byId('toasts');
  while (box.children.length > 1) box.firstElementChild?.remove();
  box.append(node);
  setTimeout(() => node.classList.add('gone'), STAY);
  setTimeout(() => node.remove(), STAY + 200);
}

let last = 0;
let held = 0;

/** @param {import('./state.js').Latest[]} rows that just arrived */
export function tellReadings(rows) {
  held += rows.length;
  const covered = !wide() && document.body.dataset.sheet === 'full' && state.selection;
  if (Date.now() - last < EVERY || document.hidden || covered || document.querySelector('dialog[open]')) return;
  const row = rows.find((r) => r.device && r.quantity === state.shown) ?? rows.find((r) => r.device);
  if (!row) return;
  last = Date.now();
  const value = `${quantityName(row.quantity)} ${depth(row.depth_cm)} ${measure(row.value, row.quantity, row.unit)}`;
  const more = held > 1 ? ` · ${t('toast.more', { n: held - 1 })}` : '';
  held = 0;
  toast('probe', `${t('toast.reading')} · ${say(row.device?.name)}`, value + more);
}
