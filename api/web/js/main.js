/** Puts the page together. */
import { get } from './client.js';
import { byId, el, fill } from './dom.js';
import { say, t } from './i18n.js';
import { icon } from './icons.js';
import { on, select, state, tell } from './state.js';
import './theme.js';
import { followAlarms } from './alarms.js';
import { openBar } from './bar.js';
import { openCard } from './card/card.js';
import { failed } from './card/frame.js';
import { openFoot } from './foot.js';
import { openLegends } from './legend.js';
import { follow, readThings, watchConnection } from './live.js';
import { begin } from './login.js';
import { drawAlarms } from './map/alarms.js';
import { idle, map, open, province } from './map/map.js';
import { drawRegions } from './map/regions.js';
import { followSky } from './map/sky.js';
import { drawThings } from './map/things.js';
import { listen } from './map/touch.js';
import { openPanel } from './panel.js';
import { openTimebar } from './timebar.js';
import { lead, wall } from './tour.js';

const asWall = new URLSearchParams(location.search).get('wall') === '1' || location.hash === '#wall';

/** @type {(value?: unknown) => void} */
let isReady;
const ready = new Promise((resolve) => { isReady = resolve; });

/** A message in the middle of the map, with a way on. @param {Node} node */
function over(node) {
  document.querySelector('.over')?.remove();
  document.body.append(el('div', { class: 'over' }, node));
}

/** Try until it works; the visitor says when. @param {string} what @param {() => Promise<void>} act */
async function insist(what, act) {
  try {
    await act();
    document.querySelector('.over')?.remove();
  } catch (error) {
    if (/** @type {any} */ (error).status === 401) return;
    if (/** @type {any} */ (error).status === undefined) console.error(error);
    over(failed(error, what, () => insist(what, act)));
  }
}

/** A link such as /#field=3 opens that thing. */
function linked() {
  const [kind, id] = location.hash.slice(1).split('=');
  if (!['field', 'device', 'farm', 'region'].includes(kind) || !id) return false;
  select({ kind: /** @type {any} */ (kind), id: kind === 'region' ? id : Number(id) });
  return true;
}

/** What is there after signing in. */
async function enter() {
  await readThings();
  state.loaded = true;
  drawThings();
  tell('loaded');
  tell('layers');
  tell('latest', []);
  follow();
  await idle();
  isReady();
  if (asWall) wall();
  else if (!linked()) await lead();
}

/** Back to the public map. */
function leave() {
  for (const kept of [state.farms, state.fields, state.devices, state.latest]) kept.clear();
  state.layers = [];
  state.layer = null;
  state.on.satellite = false;
  state.loaded = false;
  select(null);
  province();
  drawThings();
  tell('layers');
  tell('latest', []);
  tell('left');
}

async function begins() {
  state.about = await get('/v1/about');
  const regions = await get('/v1/regions');
  drawRegions(regions.features);
  tell('about');
  tell('regions');
  await begin();
}

async function start() {
  try {
    await open();
  } catch (error) {
    console.error(error);
    fill(byId('map'), el('div', { class: 'over' }, icon('alert'), el('p', { text: t('error.webgl') })));
    return;
  }
  watchConnection();
  openBar();
  openPanel();
  openFoot();
  openLegends();
  openTimebar();
  openCard();
  followSky();
  followAlarms();
  drawAlarms();
  listen();
  on('signed-in', () => insist('data', enter));
  on('signed-out', leave);
  on('selection', ({ selection }) => history.replaceState(null, '', selection ? `#${selection.kind}=${selection.id}` : location.pathname + location.search));
  byId('map').setAttribute('aria-label', t('map.label'));
  await insist('regions', begins);
}

/** Handles for tests and for whoever embeds the page. */
/** @type {any} */ (window).heitu = {
  get map() { return map; },
  ready,
  /** @param {number} id */
  select: (id) => { state.touched = true; select({ kind: 'field', id }); },
  say,
};

start();
