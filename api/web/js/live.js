/** Newest values: read once, then what changed every few seconds; the bar when we are cut off. */
import { all, get } from './client.js';
import { byId, el, fill } from './dom.js';
import { t } from './i18n.js';
import { ago } from './format.js';
import { icon } from './icons.js';
import { on, state, tell } from './state.js';
import { pulse } from './map/pulse.js';
import { tellReadings } from './toast.js';

const EVERY = 3500; // ms between questions
const SLOW = 15_000; // ms while nobody looks or the server is away

/** Server time of the last answer. @type {string|null} */
let seen = null;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

/** @param {import('./state.js').Latest[]} rows @returns {import('./state.js').Latest[]} those that are new */
function merge(rows) {
  const fresh = rows.filter((row) => state.latest.get(row.datastream)?.time !== row.time);
  for (const row of rows) state.latest.set(row.datastream, row);
  return fresh;
}

/** @param {string|null} since */
async function read(since) {
  const rows = [];
  let after = null;
  do {
    const page = await get('/v1/latest', { limit: 1000, after, updated_after: since });
    rows.push(...page.items);
    after = page.next;
    if (!seen || page.server_time > seen) seen = page.server_time;
    state.skew = Date.parse(page.server_time) - Date.now();
  } while (after);
  return rows;
}

/** Everything newest, from the start. */
export async function readAll() {
  seen = null;
  state.latest.clear();
  merge(await read(null));
  tell('latest', []);
}

async function poll() {
  if (!state.person) return;
  const asked = seen;
  try {
    const fresh = merge(await read(asked));
    if (fresh.length) {
      tell('latest', fresh);
      pulse(new Set(fresh.map((r) => r.device?.id ?? -1)));
      tellReadings(fresh);
    }
  } catch { /* the client told 'unreachable'; the bar shows it and the next turn tries again */ }
  timer = setTimeout(poll, document.hidden || !state.online ? SLOW : EVERY);
}

export function follow() {
  clearTimeout(timer);
  timer = setTimeout(poll, EVERY);
}

/** @param {boolean} isOnline */
function turn(isOnline) {
  if (state.online === isOnline) return;
  state.online = isOnline;
  drawBar();
  tell('online', isOnline);
}

function drawBar() {
  const bar = byId('offline');
  bar.hidden = state.online;
  const age = seen ? t('offline.bar', { age: ago(Date.parse(seen)) }) : t('offline.bar.none');
  const retry = () => { clearTimeout(timer); state.person ? poll() : location.reload(); };
  fill(bar, icon('alert', 18), el('span', { text: age }), el('button', { class: 'link', text: t('offline.retry'), on: { click: retry } }));
}

export function watchConnection() {
  on('unreachable', () => turn(false));
  on('reached', () => turn(true));
  on('language', () => { if (!state.online) drawBar(); });
  window.addEventListener('offline', () => turn(false));
  window.addEventListener('online', () => { clearTimeout(timer); poll(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) { clearTimeout(timer); poll(); } });
  setInterval(() => { if (!state.online) drawBar(); }, 10_000);
}

/** Everything the map and the search need, in parallel. */
export async function readThings() {
  const page = { limit: 500 };
  const [farms, fields, devices, quantities, layers] = await Promise.all([
    all('/v1/farms', page), all('/v1/fields', page), all('/v1/devices', page),
    get('/v1/quantities'), all('/v1/layers').catch(() => []),
  ]);
  state.farms = new Map(farms.map((f) => [f.id, f]));
  state.fields = new Map(fields.map((f) => [f.properties.id ?? f.id, f]));
  state.devices = new Map(devices.map((d) => [d.id, d]));
  state.quantities = new Map((quantities.items ?? quantities).map((/** @type {any} */ q) => [q.key, q]));
  state.layers = layers.sort((a, b) => b.time.localeCompare(a.time));
  await readAll();
  choose();
}

/** Show the quantity that most devices report, and the newest layer. */
function choose() {
  const has = (/** @type {string} */ q) => [...state.latest.values()].some((r) => r.quantity === q && r.device);
  if (!has(state.shown)) state.shown = [...state.latest.values()].find((r) => r.device)?.quantity ?? state.shown;
  if (!state.layer && state.layers.length) state.layer = state.layers[0].id;
}
