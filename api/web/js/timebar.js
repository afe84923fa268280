/** The time bar: dates of the satellite layer that is on, their clear share, play and step. */
import { byId, el, fill } from './dom.js';
import { t } from './i18n.js';
import { DAY, at, dayWord, longDay, share } from './format.js';
import { icon } from './icons.js';
import { on, state, tell } from './state.js';
import { current, dates, shortTitle } from './map/sky.js';
import { tag } from './tag.js';

const STEP = 1600; // ms a date stays while playing

/** @type {ReturnType<typeof setInterval>|undefined} */
let playing;

/** @param {string} id */
function pick(id) {
  state.layer = id;
  tell('layers');
}

/** @param {number} way */
function step(way) {
  const layer = current();
  if (!layer) return;
  const series = dates(layer.product);
  const i = series.findIndex((l) => l.id === layer.id);
  pick(series[(i + way + series.length) % series.length].id);
}

function stop() {
  clearInterval(playing);
  playing = undefined;
}

function play() {
  if (playing) stop();
  else playing = setInterval(() => step(1), STEP);
  draw();
}

/** Dates on a line of days: a tick each, as high as the scene is clear. @param {import('./state.js').Layer[]} series */
function ticks(series) {
  const [first, last] = [at(series[0].time), at(series[series.length - 1].time)];
  const span = Math.max(last - first, 10 * DAY);
  const place = (/** @type {import('./state.js').Layer} */ l) => (series.length === 1 ? 50 : ((at(l.time) - first) / span) * 100);
  const named = labelled(series, place);
  return el('div', { class: 'ticks-line' }, ...series.map((l) => el('button', {
    class: 'tick', 'aria-pressed': String(l.id === state.layer), title: `${longDay(at(l.time))} · ${t('bar.clear', { share: share(l.valid_share) })}`,
    style: { left: `${place(l)}%` }, on: { click: () => pick(l.id) },
  }, el('i', { style: { height: `${Math.max(8, l.valid_share * 100)}%` } }), el('span', { text: named.has(l.id) ? dayWord(at(l.time)) : '' }))));
}

/** Which dates have room for their name; the chosen one always. @param {import('./state.js').Layer[]} series @param {(l: import('./state.js').Layer) => number} place */
function labelled(series, place) {
  const room = 17; // per cent of the line that a name takes
  const kept = series.filter((l) => l.id === state.layer);
  for (const l of [...series].reverse()) {
    if (kept.every((k) => Math.abs(place(k) - place(l)) >= room)) kept.push(l);
  }
  return new Set(kept.map((l) => l.id));
}

/** @param {string} name @param {string} title @param {() => void} act @param {boolean} off */
const button = (name, title, act, off) => el('button', { class: 'ghost', title, 'aria-label': title, disabled: off, on: { click: act } }, icon(name));

function draw() {
  const layer = state.on.satellite ? current() : null;
  const bar = byId('timebar');
  const was = bar.hidden;
  bar.hidden = !layer;
  document.body.classList.toggle('with-time', Boolean(layer));
  if (was !== bar.hidden) tell('room');
  if (!layer) { stop(); return; }
  const series = dates(layer.product);
  const one = series.length < 2;
  fill(bar, el('div', { class: 'time-buttons' }, button('back', t('bar.prev'), () => step(-1), one),
    button(playing ? 'pause' : 'play', t(playing ? 'bar.pause' : 'bar.play'), play, one), button('next', t('bar.next'), () => step(1), one)),
  ticks(series),
  el('div', { class: 'time-now' }, el('b', { text: longDay(at(layer.time)) }), el('span', {}, el('span', { text: `${shortTitle(layer)} · ${t('bar.clear', { share: share(layer.valid_share) })}` }), tag(layer.provenance))));
}

export function openTimebar() {
  on('layers', (what) => { if (what !== 'opacity') draw(); });
  on('language', draw);
  on('loaded', draw);
  on('left', draw);
}
