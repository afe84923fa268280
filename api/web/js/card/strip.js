/** The satellite strip: a thumbnail per date with the share of valid pixels; null stays null. */
import { all, ask } from '../client.js';
import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { at, dayWord, number, share } from '../format.js';
import { state, tell } from '../state.js';
import { boundsOf } from '../map/map.js';
import { css } from '../theme.js';
import { tag } from '../tag.js';
import { empty } from './frame.js';

const [WIDTH, HEIGHT] = [74, 52];
const MOST = 12;

/** Web Mercator position in tiles of zoom 0. @param {number} lon @param {number} lat */
function mercator(lon, lat) {
  const s = Math.sin((lat * Math.PI) / 180);
  return [(lon + 180) / 360, 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)];
}

/** The piece of the tile pyramid that frames a field. @param {any} field @param {import('../state.js').Layer} layer @param {number} ratio */
function windowOf(field, layer, ratio) {
  const box = boundsOf(field.geometry);
  const [x0, y0] = mercator(box.getWest(), box.getNorth());
  const [x1, y1] = mercator(box.getEast(), box.getSouth());
  const size = Math.max((x1 - x0) / WIDTH, (y1 - y0) / HEIGHT) * 1.35; // world widths per CSS pixel
  const ideal = Math.round(Math.log2(1 / (256 * size)) + Math.log2(ratio));
  const z = Math.min(layer.max_zoom, Math.max(layer.min_zoom, ideal));
  return { left: (x0 + x1) / 2 - (WIDTH / 2) * size, top: (y0 + y1) / 2 - (HEIGHT / 2) * size, size, z };
}

/** @param {HTMLCanvasElement} canvas @param {any} field @param {import('../state.js').Layer} layer */
async function paint(canvas, field, layer) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  [canvas.width, canvas.height] = [WIDTH * ratio, HEIGHT * ratio];
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const { left, top, size, z } = windowOf(field, layer, ratio);
  const n = 2 ** z;
  const edge = (1 / n / size) * ratio; // canvas pixels per tile
  pen.imageSmoothingEnabled = false;
  const jobs = [];
  for (let x = Math.floor(left * n); x <= (left + WIDTH * size) * n; x += 1) {
    for (let y = Math.floor(top * n); y <= (top + HEIGHT * size) * n; y += 1) {
      jobs.push(tile(layer, z, x, y).then((image) => {
        if (image) pen.drawImage(image, (x - left * n) * edge, (y - top * n) * edge, edge, edge);
      }));
    }
  }
  await Promise.all(jobs);
  outline(pen, field, ([lon, lat]) => {
    const [mx, my] = mercator(lon, lat);
    return [((mx - left) / size) * ratio, ((my - top) / size) * ratio];
  }, ratio);
}

/** @param {CanvasRenderingContext2D} pen @param {any} field @param {(p: number[]) => number[]} place @param {number} ratio */
function outline(pen, field, place, ratio) {
  const rings = field.geometry.type === 'Polygon' ? [field.geometry.coordinates[0]] : field.geometry.coordinates.map((/** @type {any} */ p) => p[0]);
  for (const [style, width] of [[css('--panel'), 2.5], [css('--ink'), 1]]) {
    pen.strokeStyle = String(style);
    pen.lineWidth = Number(width) * ratio;
    for (const ring of rings) {
      pen.beginPath();
      ring.forEach((/** @type {number[]} */ p, /** @type {number} */ i) => { const [x, y] = place(p); i ? pen.lineTo(x, y) : pen.moveTo(x, y); });
      pen.stroke();
    }
  }
}

/** @param {import('../state.js').Layer} layer @param {number} z @param {number} x @param {number} y */
async function tile(layer, z, x, y) {
  const path = layer.tiles.replace('{z}', String(z)).replace('{x}', String(x)).replace('{y}', String(y));
  const answer = await ask(path, { headers: { Accept: 'image/png' } }).catch(() => null);
  if (!answer || answer.status === 204) return null;
  return createImageBitmap(await answer.blob()).catch(() => null);
}

/** @param {any} item @param {any} field */
function shot(item, field) {
  const layer = state.layers.find((l) => l.scene === item.scene && l.product === 'ndvi');
  const canvas = /** @type {HTMLCanvasElement} */ (el('canvas', { class: 'shot-image', 'aria-hidden': 'true' }));
  if (layer) paint(canvas, field, layer);
  const isNull = item.mean === null;
  const clear = item.cloud_share === null ? t('strip.valid', { share: share(item.valid_share) }) : t('strip.cloud', { share: share(item.cloud_share) });
  const words = isNull ? t('strip.null') : number(item.mean, 2);
  const title = `${item.n_valid}/${item.n_total} · ${t('strip.valid', { share: share(item.valid_share) })}${isNull ? ` · ${t('strip.why')}` : ''}`;
  const pick = () => { if (!layer) return; state.layer = layer.id; state.on.satellite = true; tell('layers'); };
  return el('button', { class: `shot${isNull ? ' null' : ''}`, title, 'aria-pressed': String(layer?.id === state.layer && state.on.satellite), data: { layer: layer?.id ?? '' }, on: { click: pick } },
    canvas, el('span', { class: 'shot-date', text: dayWord(at(item.time)) }), el('b', { class: 'shot-value', text: words }), el('span', { class: 'shot-cloud', text: clear }));
}

/**
 * @param {HTMLElement} box
 * @param {any} field feature
 * @param {AbortSignal} signal
 * @param {(items: any[]) => void} found told the dates, newest first
 */
export async function drawStrip(box, field, signal, found) {
  const items = (await all(`/v1/fields/${field.properties.id}/zonal`, { product: 'ndvi' })).sort((a, b) => b.time.localeCompare(a.time));
  if (signal.aborted) return;
  found(items);
  if (!items.length) { fill(box, empty(t('strip.empty'), 'satellite')); return; }
  const marks = [...new Set(items.map((i) => i.provenance))].map(tag).filter(Boolean);
  box.parentElement?.querySelector('.section-head')?.append(...marks);
  fill(box, el('div', { class: 'strip' }, ...items.slice(0, MOST).map((item) => shot(item, field))));
}

/** Mark the date that is on the map. */
export function markShot() {
  for (const node of document.querySelectorAll('.shot')) {
    node.setAttribute('aria-pressed', String(state.on.satellite && /** @type {HTMLElement} */ (node).dataset.layer === state.layer));
  }
}
