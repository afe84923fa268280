/** A window of days as a bar on a calendar. */
import { el } from '../dom.js';
import { t } from '../i18n.js';
import { DAY, dayMonth, dayOf, dayStart, dayWord } from '../format.js';
import { now } from '../state.js';

const MARGIN = 4; // days shown before and after what matters
const FAR = 45; // days: beyond this today is left out, so that the window stays readable

/** @param {{start: string, end: string}} window days, both inside */
export function calendar(window) {
  const [from, to] = [dayStart(window.start), dayStart(window.end)];
  const today = dayStart(dayOf(now()));
  const near = Math.abs(from - today) < FAR * DAY && Math.abs(to - today) < FAR * DAY;
  const first = (near ? Math.min(today, from) : from) - MARGIN * DAY;
  const last = (near ? Math.max(today, to) : to) + MARGIN * DAY;
  const n = Math.round((last - first) / DAY) + 1;
  const column = (/** @type {number} */ day) => Math.round((day - first) / DAY) + 1;
  const place = (/** @type {HTMLElement} */ node, /** @type {number} */ a, /** @type {number} */ b) => {
    node.style.gridColumn = `${a} / ${b}`;
    return node;
  };
  const every = Math.max(1, Math.ceil(n / 5));
  const ticks = [];
  for (let i = 0; i < n; i += every) ticks.push(place(el('span', { class: 'cal-day', text: dayMonth(first + i * DAY) }), i + 1, Math.min(n, i + every) + 1));
  const marks = near ? [place(el('i', { class: 'cal-today', title: t('advice.today') }), column(today), column(today) + 1)] : [];
  const days = Math.round((to - from) / DAY) + 1;
  const words = t('advice.window', { start: dayWord(from), end: dayMonth(to), n: days });
  const box = el('div', { class: 'cal', role: 'img', 'aria-label': words },
    ...cells(n, first), place(el('b', { class: 'cal-window' }), column(from), column(to) + 1), ...marks, ...ticks);
  box.style.gridTemplateColumns = `repeat(${n}, minmax(0, 1fr))`;
  return el('div', { class: 'cal-box' }, box, el('p', { class: 'muted small', text: words }));
}

/** One cell a day, Mondays marked. @param {number} n @param {number} first */
function cells(n, first) {
  return Array.from({ length: n }, (_, i) => {
    const monday = new Date(first + i * DAY + 8 * 3_600_000).getUTCDay() === 1;
    const cell = el('i', { class: monday ? 'cal-cell monday' : 'cal-cell' });
    cell.style.gridColumn = `${i + 1}`;
    return cell;
  });
}
