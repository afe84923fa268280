/** The chart of readings (uPlot). */
import uPlot from '/vendor/uplot/uPlot.esm.js';
import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { ZONE, clock, dayMonth, digits, moment, number, quantityName, unitWord } from '../format.js';
import { now, state } from '../state.js';
import { css, dark } from '../theme.js';
import { depthColours } from '../ramps.js';
import { RANGES, columns, linesOf, observe } from './series.js';
import { bones, empty, failed } from './frame.js';

const HEIGHT = 158;
const FONT = "11px system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif";
const KEY = 'heitu.range';

/** @type {Record<string, string>} */
const view = { range: sessionStorage.getItem(KEY) ?? '30d' };

/** Vertical lines at 00:00 in Shanghai (16:00 UTC, no daylight saving). @param {any} u */
function midnights(u) {
  const [from, to] = [u.scales.x.min, u.scales.x.max];
  if (to - from > 11 * 86_400) return;
  u.ctx.save();
  u.ctx.strokeStyle = css('--line-strong');
  u.ctx.lineWidth = devicePixelRatio;
  for (let day = Math.ceil((from + 28_800) / 86_400) * 86_400 - 28_800; day < to; day += 86_400) {
    const x = Math.round(u.valToPos(day, 'x', true));
    u.ctx.beginPath();
    u.ctx.moveTo(x, u.bbox.top);
    u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
  }
  u.ctx.restore();
}

/** @param {number} seconds Shanghai midnight? */
const isMidnight = (seconds) => (seconds + 28_800) % 86_400 === 0;

function axes() {
  const look = { stroke: css('--muted'), font: FONT, ticks: { show: false }, grid: { stroke: css('--line'), width: 1 } };
  return [
    { ...look, size: 24, gap: 6, space: 54, grid: { show: false }, values: (/** @type {any} */ u, /** @type {number[]} */ splits) =>
      splits.map((s) => (isMidnight(s) || u.scales.x.max - u.scales.x.min > 3 * 86_400 ? dayMonth(s * 1000) : clock(s * 1000))) },
    { ...look, size: 40, gap: 6, space: 32 },
  ];
}

/** Readings without neighbours as dots: a line alone would hide them. @param {any} u @param {Set<number>[]} flags */
function lonely(u, flags) {
  u.ctx.save();
  flags.forEach((flagged, k) => {
    const s = 3 + 3 * k;
    const column = u.data[s];
    u.ctx.fillStyle = u.series[s].stroke(u, s);
    column.forEach((/** @type {any} */ value, /** @type {number} */ i) => {
      if (value === null || value === undefined || flagged.has(i)) return;
      if (neighbour(column, i, -1) !== null || neighbour(column, i, 1) !== null) return;
      u.ctx.beginPath();
      u.ctx.arc(u.valToPos(u.data[0][i], 'x', true), u.valToPos(value, 'y', true), 2.5 * devicePixelRatio, 0, 7);
      u.ctx.fill();
    });
  });
  u.ctx.restore();
}

/** @param {any[]} column @param {number} i @param {number} step */
function neighbour(column, i, step) {
  let j = i + step;
  while (j >= 0 && j < column.length && column[j] === undefined) j += step;
  return column[j] ?? null;
}

/** @param {import('./series.js').Drawn[]} drawn @param {string[]} colours @param {Set<number>[]} flags */
function seriesOf(drawn, colours, flags) {
  const panel = css('--panel');
  return drawn.flatMap((_, k) => {
    const edge = { stroke: 'rgba(0,0,0,0)', width: 0, points: { show: false } };
    return [edge, edge, {
      stroke: colours[k], width: 1.5,
      points: { show: false, size: 6, width: 1.25, fill: panel, stroke: colours[k], filter: () => [...flags[k]] },
    }];
  });
}

/**
 * @param {HTMLElement} box
 * @param {import('./series.js').Drawn[]} drawn
 * @param {number} start ms
 * @param {number} end ms
 */
function plot(box, drawn, start, end) {
  const colours = depthColours(drawn.length, dark());
  const { data, flags } = columns(drawn);
  const [{ line }] = drawn;
  const places = digits(line.quantity, line.unit);
  const canvas = el('div', { class: 'plot', data: { testid: 'chart' } });
  const keys = el('div', { class: 'chart-keys' });
  const width = box.clientWidth || 348;
  const bands = drawn.slice(0, drawn.length > 3 ? 1 : 3).map((_, k) => ({ series: [1 + 3 * k, 2 + 3 * k], fill: `${colours[k]}2e` }));
  fill(box, canvas, keys);
  const chart = new uPlot({
    width, height: HEIGHT, padding: [8, 8, 0, 0], legend: { show: false }, bands,
    cursor: { drag: { x: false, y: false }, points: { size: 6 }, y: false },
    tzDate: (/** @type {number} */ ts) => uPlot.tzDate(new Date(ts * 1000), ZONE),
    scales: { x: { range: [start / 1000, end / 1000] } },
    axes: axes(), series: [{}, ...seriesOf(drawn, colours, flags)],
    hooks: { drawAxes: [midnights], draw: [(/** @type {any} */ u) => lonely(u, flags)], setCursor: [(/** @type {any} */ u) => drawKeys(u.cursor.idx)] },
  }, data, canvas);
  const drawKeys = (/** @type {number|null|undefined} */ at) => fill(keys, el('span', { class: 'chart-when', text: at === null || at === undefined ? t('chart.now') : moment(data[0][at] * 1000) }), ...drawn.map((d, k) => {
    const value = at === null || at === undefined ? d.samples[d.samples.length - 1]?.mean : neighbourhood(data[3 + 3 * k], at);
    const words = value === null || value === undefined ? '–' : number(value, places);
    return el('span', { class: 'chart-key' }, el('i', { style: { background: colours[k] } }), el('span', { text: d.line.label }), el('b', { text: words }));
  }));
  drawKeys(null);
  new ResizeObserver(() => { if (box.clientWidth && box.clientWidth !== chart.width) chart.setSize({ width: box.clientWidth, height: HEIGHT }); }).observe(box);
}

/** The value at an instant, or the one just before when another line was read then. @param {any[]} column @param {number} i */
function neighbourhood(column, i) {
  for (let j = i; j >= Math.max(0, i - 8); j -= 1) if (column[j] !== undefined) return column[j];
  return null;
}

/**
 * The chart with its choice of quantity and range.
 * @param {HTMLElement} box
 * @param {() => import('../state.js').Latest[]} rows newest value of each candidate stream
 */
export async function drawChart(box, rows) {
  const quantities = [...new Set(rows().map((r) => r.quantity))].filter((q) => q !== 'valid_share');
  if (!quantities.length) { fill(box, empty(t('state.none'))); return; }
  let quantity = quantities.includes(state.shown) ? state.shown : quantities[0];
  const plotBox = el('div', { class: 'plot-box' });
  const heads = el('div', { class: 'chart-heads' });
  const foot = el('p', { class: 'chart-note muted' });
  const draw = async () => {
    fill(heads, chips(quantities, quantity, quantityName, (q) => { quantity = q; draw(); }),
      chips(Object.keys(RANGES), view.range, (r) => t(`chart.${r}`), (r) => { choose(r); draw(); }));
    fill(plotBox, bones([100], 'bones-chart'));
    await attempt(plotBox, foot, quantity, rows(), draw);
  };
  fill(box, heads, plotBox, foot);
  await draw();
}

/** @param {string} range */
function choose(range) {
  view.range = range;
  sessionStorage.setItem(KEY, range);
}

/** @param {HTMLElement} box @param {HTMLElement} foot @param {string} quantity @param {any[]} rows @param {() => void} again */
async function attempt(box, foot, quantity, rows, again) {
  const range = RANGES[/** @type {keyof RANGES} */ (view.range)];
  const bucket = quantity === 'ndvi' ? 'none' : range.bucket;
  const lines = linesOf(quantity, rows);
  const end = now();
  const start = end - range.days * 86_400_000;
  try {
    const drawn = await observe(lines, start, end, bucket);
    const some = drawn.some((d) => d.samples.length);
    foot.textContent = [t(`chart.note.${bucket}`), unitWord(lines[0].unit), drawn.some((d) => d.samples.some((s) => s.flagged)) ? t('chart.flagged') : ''].filter(Boolean).join(' · ');
    if (some) plot(box, drawn, start, end);
    else fill(box, nothing(again));
  } catch (error) {
    fill(box, failed(error, 'chart', again));
  }
}

/** @param {() => void} again */
function nothing(again) {
  const names = Object.keys(RANGES);
  const wider = names[names.indexOf(view.range) + 1];
  const button = wider ? el('button', { class: 'link', text: t('chart.wider'), on: { click: () => { choose(wider); again(); } } }) : null;
  return el('div', { class: 'empty empty-chart' }, el('span', { text: t('chart.empty') }), button);
}

/** @param {string[]} keys @param {string} chosen @param {(key: string) => string} name @param {(key: string) => void} act */
const chips = (keys, chosen, name, act) => el('div', { class: 'chips' }, ...keys.map((key) => el('button', {
  class: 'chip', 'aria-pressed': String(key === chosen), text: name(key), data: { key }, on: { click: () => act(key) },
})));
