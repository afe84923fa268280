/** The first minute: the demonstration leads to a field; a wall screen goes round on its own. */
import { byId, calm } from './dom.js';
import { dayStart } from './format.js';
import { get } from './client.js';
import { select, state, tell } from './state.js';
import { map, province } from './map/map.js';

const LOOK = 2600; // ms on the province before the demonstration leads on
const EACH = 12_000; // ms per view on a wall screen

const pause = (/** @type {number} */ ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** A field with usable advice whose probes report; else any field with a device. */
async function showcase() {
  const reporting = new Set([...state.latest.values()].filter((r) => r.device && r.field_id !== null).map((r) => r.field_id));
  const { items } = await get('/v1/recommendations', { limit: 100 }).catch(() => ({ items: [] }));
  const good = items.filter((/** @type {any} */ r) => r.status !== 'refused' && reporting.has(r.field.id))
    .sort((/** @type {any} */ a, /** @type {any} */ b) => Number(b.status === 'ok') - Number(a.status === 'ok') || dayStart(b.as_of) - dayStart(a.as_of) || a.field.id - b.field.id);
  return good[0]?.field.id ?? [...reporting][0] ?? [...state.fields.keys()][0];
}

/** Lead a visitor who clicks nothing to a field with its card open. */
export async function lead() {
  if (!state.about?.demo || !state.fields.size) return;
  const id = await showcase();
  await pause(calm() ? 0 : LOOK);
  if (state.touched || state.selection || id === undefined) return;
  if (state.layers.length) { state.on.satellite = true; tell('layers'); }
  select({ kind: 'field', id });
  await new Promise((resolve) => { map.once('moveend', () => resolve(undefined)); });
}

/** Go round the province, the farms and their fields. */
export async function wall() {
  document.documentElement.classList.add('wall');
  byId('left').classList.remove('shut');
  for (;;) {
    const views = [null, ...[...state.farms.keys()].map((id) => ({ kind: 'farm', id })), ...[...state.fields.keys()].slice(0, 6).map((id) => ({ kind: 'field', id }))];
    for (const view of views) {
      state.on.satellite = Boolean(view && view.kind === 'field' && state.layers.length);
      tell('layers');
      select(/** @type {any} */ (view));
      if (!view) province(2500);
      await pause(EACH);
    }
  }
}
