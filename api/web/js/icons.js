/** The project's own icons: 20 px, 1.5 px stroke. */
import { svg } from './dom.js';

/** @type {Record<string, string[]>} path data by name */
const PATHS = {
  search: ['M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12Z', 'm13.5 13.5 3.5 3.5'],
  close: ['m5 5 10 10', 'M15 5 5 15'],
  layers: ['m10 3 7 3.8-7 3.8-7-3.8L10 3Z', 'm3 10.2 7 3.8 7-3.8', 'm3 13.5 7 3.8 7-3.8'],
  place: ['M10 17s5.5-4.6 5.5-9A5.5 5.5 0 0 0 4.5 8c0 4.4 5.5 9 5.5 9Z', 'M10 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z'],
  sun: ['M10 13.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4Z', 'M10 2.5v1.5M10 16v1.5M2.5 10H4M16 10h1.5M4.7 4.7l1 1M14.3 14.3l1 1M15.3 4.7l-1 1M5.7 14.3l-1 1'],
  moon: ['M16.5 12A7 7 0 0 1 8 3.5a7 7 0 1 0 8.5 8.5Z'],
  person: ['M10 10a3.3 3.3 0 1 0 0-6.6A3.3 3.3 0 0 0 10 10Z', 'M3.8 17c.6-3 3.1-4.5 6.2-4.5s5.6 1.5 6.2 4.5'],
  chevron: ['m7.5 5 5 5-5 5'],
  down: ['m5 7.5 5 5 5-5'],
  up: ['M10 16V4', 'm5.5 8.5L10 4l4.5 4.5'],
  fall: ['M10 4v12', 'm5.5 11.5 4.5 4.5 4.5-4.5'],
  flat: ['M4 10h12', 'm11.5 5.5L16 10l-4.5 4.5'],
  play: ['M6.5 4.5v11l9-5.5-9-5.5Z'],
  pause: ['M7 4.5v11', 'M13 4.5v11'],
  back: ['M14 4.5 7.5 10 14 15.5v-11Z', 'M5 4.5v11'],
  next: ['m6 4.5 6.5 5.5L6 15.5v-11Z', 'M15 4.5v11'],
  plus: ['M10 4v12', 'M4 10h12'],
  minus: ['M4 10h12'],
  check: ['m4 10.5 4 4 8-9'],
  edit: ['m4 16 .7-3.3 8.5-8.5 2.6 2.6-8.5 8.5L4 16Z', 'm11.5 5.9 2.6 2.6'],
  alert: ['M10 3.5 2.5 16.5h15L10 3.5Z', 'M10 8.5v3.5', 'M10 14.3v.1'],
  info: ['M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z', 'M10 9.2v4', 'M10 6.7v.1'],
  why: ['M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z', 'M8 8.2a2 2 0 1 1 2.7 1.9c-.5.2-.7.5-.7 1v.5', 'M10 13.8v.1'],
  sprout: ['M10 17V9.5', 'M10 12.5c-4 0-5.8-2-5.8-5 4 0 5.8 2 5.8 5Z', 'M10 9.5c0-3.2 1.8-5.5 6-5.5 0 3.2-2 5.5-6 5.5Z'],
  probe: ['M7 3h6v5H7z', 'M8.5 8v9M11.5 8v9', 'M4 11h1.5M14.5 11H16'],
  field: ['M3 6.5 10 3l7 3.5v7L10 17l-7-3.5v-7Z', 'M6.5 5v10M13.5 5v10M10 3v14'],
  farm: ['M3 16.5V9l4-3 4 3v7.5', 'M11 16.5V11h6v5.5', 'M2 16.5h16', 'M6 16.5v-4h2v4'],
  region: ['M4 6.5 8 4l4.5 2L16.5 4v10L12.5 16.5l-4.5-2-4 2.2V6.5Z'],
  satellite: ['m8 8 4 4', 'm6 4 3.5 3.5-2 2L4 6l2-2ZM14 16l-3.5-3.5 2-2L16 14l-2 2Z', 'M4.5 12a4 4 0 0 0 3.5 3.5', 'M2.8 13.5a5.5 5.5 0 0 0 3.7 3.7'],
  home: ['M3.5 9.5 10 4l6.5 5.5', 'M5.5 8.5V16h9V8.5'],
  retry: ['M16 10a6 6 0 1 1-1.9-4.4', 'M16.2 3v3.2H13'],
  download: ['M10 3.5V13', 'm6 9.5 4 4 4-4', 'M4 16.5h12'],
  exit: ['M8 4H4.5v12H8', 'M8.5 10H17', 'm13.5 6.5L17 10l-3.5 3.5'],
};

/**
 * Draw an icon.
 * @param {string} name
 * @param {number} [size] edge, pixels
 */
export function icon(name, size = 20) {
  const paths = (PATHS[name] ?? []).map((d) => svg('path', { d }));
  return svg('svg', {
    viewBox: '0 0 20 20', width: size, height: size, fill: 'none', stroke: 'currentColor',
    'stroke-width': 1.5, 'stroke-linecap': 'round', 'stroke-linejoin': 'round',
    'aria-hidden': 'true', class: 'icon',
  }, ...paths);
}
