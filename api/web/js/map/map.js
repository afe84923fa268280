/** The map: its making, its camera, and who was clicked. */
import { LngLatBounds, Map as MapLibre, setWorkerUrl } from '/vendor/maplibre-gl/maplibre-gl.mjs';
import { bearer } from '../client.js';
import { byId, calm, wide } from '../dom.js';
import { on, state } from '../state.js';
import { dark } from '../theme.js';
import { repaint, style } from './style.js';

export { MapLibre };

const JILIN = new LngLatBounds([121.64, 40.87], [131.31, 46.3]);
const FONTS = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'WenQuanYi Micro Hei', sans-serif";

/** @type {MapLibre} */
export let map;

/** Room taken by what floats over the map, pixels. */
export function padding() {
  const card = !byId('card').hidden;
  if (wide()) {
    return { top: 72, bottom: byId('timebar').hidden ? 40 : 104, left: byId('left').classList.contains('shut') ? 24 : 330, right: card ? 410 : 24 };
  }
  const sheet = card && byId('card').dataset.height !== 'peek' ? window.innerHeight * 0.5 : 96;
  const roomy = window.innerHeight > 800; // else the legend and the credit leave little map
  return { top: roomy ? 64 : 28, bottom: sheet + (roomy ? 16 : 108), left: 16, right: 16 };
}

/** Draw the hatch of stale counties. @param {string} ink */
function hatch(ink) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 8;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  pen.strokeStyle = ink;
  pen.globalAlpha = 0.55;
  for (const shift of [-8, 0, 8]) {
    pen.moveTo(shift, 8);
    pen.lineTo(shift + 8, 0);
  }
  pen.stroke();
  return pen.getImageData(0, 0, 8, 8);
}

/** @returns {Promise<MapLibre>} once its style is there */
export function open() {
  setWorkerUrl(new URL('/vendor/maplibre-gl/maplibre-gl-worker.mjs', location.href).href);
  map = new MapLibre({
    container: 'map', style: style(), bounds: JILIN, fitBoundsOptions: { padding: padding() },
    minZoom: 4.5, maxZoom: 17.5, attributionControl: false, dragRotate: false, pitchWithRotate: false,
    localIdeographFontFamily: FONTS, fadeDuration: calm() ? 0 : 150, canvasContextAttributes: { preserveDrawingBuffer: false },
    transformRequest: (/** @type {string} */ url) =>
      (new URL(url, location.href).pathname.startsWith('/v1/') ? { url, headers: bearer() } : { url }),
  });
  map.touchZoomRotate.disableRotation();
  map.on('styleimagemissing', () => {});
  map.on('movestart', (event) => { if (event.originalEvent) state.touched = true; });
  on('theme', () => {
    map.updateImage('hatch', hatch(dark() ? '#cdbfae' : '#5f5449'));
    repaint(map);
  });
  return new Promise((resolve) => {
    map.once('load', () => {
      map.addImage('hatch', hatch(dark() ? '#cdbfae' : '#5f5449'));
      resolve(map);
    });
  });
}

/** @param {string} id @param {any} features */
export function put(id, features) {
  /** @type {any} */ (map.getSource(id))?.setData({ type: 'FeatureCollection', features });
}

/** @param {any} geometry @returns {LngLatBounds} */
export function boundsOf(geometry) {
  const bounds = new LngLatBounds();
  const walk = (/** @type {any} */ part) => (typeof part[0] === 'number' ? bounds.extend(part) : part.forEach(walk));
  walk(geometry.coordinates);
  return bounds;
}

/** @param {LngLatBounds} bounds @param {number} [maxZoom] @param {number} [duration] */
export function frame(bounds, maxZoom = 15, duration = 1400) {
  map.fitBounds(bounds, { padding: padding(), maxZoom, duration: calm() ? 0 : duration });
}

export const province = (/** @type {number} */ duration = 1400) => frame(JILIN, 9, duration);

/** Wait until everything in view is drawn. */
export const idle = () => new Promise((resolve) => { map.once('idle', () => resolve(undefined)); map.triggerRepaint(); });
