/** The card as a bottom sheet with three heights: peek, half, full. */
import { byId, el, wide } from '../dom.js';
import { t } from '../i18n.js';
import { tell } from '../state.js';

const HEIGHTS = ['peek', 'half', 'full'];

/** @param {string} height */
function set(height) {
  byId('card').dataset.height = height;
  document.body.dataset.sheet = height;
  tell('room');
}

/** Start at half height. */
export const rest = () => set('half');

/** @param {number} step up (+1) or down (-1), clamped */
function move(step) {
  const now = HEIGHTS.indexOf(byId('card').dataset.height ?? 'half');
  set(HEIGHTS[Math.min(2, Math.max(0, now + step))]);
}

/** The grip: a tap cycles, a drag moves one step. */
export function handle() {
  const grip = el('button', { class: 'grip', 'aria-label': t('sheet.handle') }, el('i'));
  let from = 0;
  let dragged = false;
  grip.addEventListener('pointerdown', (event) => { from = event.clientY; dragged = false; grip.setPointerCapture(event.pointerId); });
  grip.addEventListener('pointerup', (event) => {
    const way = from - event.clientY;
    dragged = Math.abs(way) > 24;
    if (dragged) move(way > 0 ? 1 : -1);
  });
  grip.addEventListener('click', () => {
    if (dragged || wide()) return;
    set(byId('card').dataset.height === 'half' ? 'full' : 'half');
  });
  return grip;
}
