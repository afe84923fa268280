/** The right card (a bottom sheet on a phone): opens with the thing that was chosen. */
import { LngLatBounds } from '/vendor/maplibre-gl/maplibre-gl.mjs';
import { byId, el, fill, wide } from '../dom.js';
import { t } from '../i18n.js';
import { latestWhere, on, state, tell } from '../state.js';
import { boundsOf, frame } from '../map/map.js';
import { empty, failed, headOf } from './frame.js';
import { figuresOf } from './figures.js';
import { deviceCard, farmCard, fieldCard, regionCard } from './kinds.js';
import { markShot } from './strip.js';
import { handle, rest } from './sheet.js';
import { closeWhy } from './why.js';

/** @type {AbortController} */
let running = new AbortController();
/** @type {(() => void)|undefined} */
let refresh;

/** @param {import('../state.js').Selection} selection */
function build(selection) {
  const id = Number(selection.id);
  if (selection.kind === 'field') return fieldCard(id, running.signal);
  if (selection.kind === 'device') return deviceCard(id);
  if (selection.kind === 'farm') return farmCard(id);
  return regionCard(String(selection.id));
}

/** Colour the map by something that the chosen thing measures. @param {import('../state.js').Selection} selection */
function colourBy(selection) {
  const id = Number(selection.id);
  const own = latestWhere((r) => Boolean(r.device) && (selection.kind === 'device' ? r.device?.id === id : r[`${/** @type {'field'|'farm'} */ (selection.kind)}_id`] === id));
  if (!own.length || own.some((r) => r.quantity === state.shown)) return;
  state.shown = figuresOf(own)[0].quantity;
  tell('quantity');
}

/** Bring a chosen thing into view. @param {import('../state.js').Selection} selection */
function fly(selection) {
  const id = Number(selection.id);
  if (selection.kind === 'field' && state.fields.has(id)) frame(boundsOf(state.fields.get(id).geometry), 14.2, 2200);
  const region = selection.kind === 'region' && state.regions.get(String(selection.id));
  if (region) frame(boundsOf(region.geometry), 10);
  const device = selection.kind === 'device' && state.devices.get(id);
  if (device) frame(new LngLatBounds(device.location, device.location), 15);
  const farm = selection.kind === 'farm' && state.farms.get(id);
  if (!farm) return;
  const bounds = new LngLatBounds(farm.location, farm.location);
  for (const f of state.fields.values()) if (f.properties.farm_id === id) bounds.extend(boundsOf(f.geometry));
  frame(bounds, 13.6);
}

/** @type {HTMLElement|undefined} what scrolls inside the card, under the grip */
let scroller;

/** @param {boolean} [keep] where it was scrolled to */
function draw(keep = false) {
  const card = byId('card');
  const { selection } = state;
  running.abort();
  running = new AbortController();
  closeWhy();
  refresh = undefined;
  const changed = card.hidden !== !selection;
  card.hidden = !selection;
  document.body.classList.toggle('with-card', Boolean(selection));
  if (changed) tell('room');
  const top = changed || !keep ? 0 : scroller?.scrollTop ?? 0;
  if (!selection) { fill(card); return; }
  try {
    const made = build(selection);
    const missing = () => [headOf({ icon: 'info', title: t(`kind.${selection.kind}`), kind: '', sub: [] }), empty(t('error.title', { what: t('error.what.card') }))];
    scroller = el('div', { class: 'card-scroll' }, ...(made?.nodes ?? missing()));
    fill(card, handle(), scroller);
    refresh = made?.refresh;
    scroller.scrollTop = top;
  } catch (error) {
    console.error(error);
    fill(card, handle(), failed(error, 'card', () => draw()));
  }
}

export function openCard() {
  on('selection', ({ selection, fly: wanted }) => {
    if (selection && byId('card').hidden) rest();
    draw();
    if (selection && selection.kind !== 'region') colourBy(selection);
    if (selection && wanted) fly(selection);
    if (selection && !wide()) byId('left').classList.add('shut');
  });
  for (const topic of ['language', 'theme', 'person', 'loaded']) on(topic, () => { if (state.selection) draw(true); });
  on('latest', () => refresh?.());
  on('online', (yes) => { if (yes && byId('card').querySelector('.failed')) draw(true); });
  on('layers', markShot);
  setInterval(() => refresh?.(), 30_000);
}
