/** Colour ramps: perceptually even, colour-blind safe, with a fixed domain per quantity. */
import { state } from './state.js';

/** matplotlib's viridis, plasma and cividis (CC0), sampled evenly. */
const VIRIDIS = ['#440154', '#482475', '#414487', '#355f8d', '#2a788e', '#21908d', '#22a884', '#42be71', '#7ad151', '#bddf26', '#fde725'];
const PLASMA = ['#0d0887', '#41049d', '#6a00a8', '#8f0da4', '#b12a90', '#cc4778', '#e16462', '#f2844b', '#fca636', '#fcce25', '#f0f921'];
const CIVIDIS = ['#00224e', '#123570', '#3b496c', '#575d6d', '#707173', '#8a8678', '#a59c74', '#c3b369', '#e1cc55', '#fee838'];

/**
 * Domain in the stored unit and ramp; a fixed domain keeps a colour's meaning from day to day.
 * @type {Record<string, {low: number, high: number, colours: string[]}>}
 */
const KNOWN = {
  soil_moisture: { low: 0.05, high: 0.45, colours: [...VIRIDIS].reverse() },
  soil_temperature: { low: -5, high: 30, colours: PLASMA },
  air_temperature: { low: -20, high: 35, colours: PLASMA },
  water_temperature: { low: 0, high: 30, colours: PLASMA },
  soil_ec: { low: 0, high: 2, colours: CIVIDIS },
  ndvi: { low: -0.2, high: 1, colours: ['#8c510a', '#d8b365', '#f6e8c3', '#c7e9b4', '#5ab45f', '#1b7837', '#00441b'] },
  count: { low: 0, high: 20, colours: VIRIDIS.slice(1, 9).reverse() },
};

/** The ramp of a quantity; one without its own uses the register's plausible range. @param {string} quantity */
export function ramp(quantity) {
  if (KNOWN[quantity]) return KNOWN[quantity];
  const range = state.quantities.get(quantity);
  return { low: range?.low ?? 0, high: range?.high ?? 1, colours: VIRIDIS };
}

/** @param {string} hex @returns {number[]} red, green, blue */
const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** @param {number[]} rgb */
const hex = (rgb) => `#${rgb.map((c) => Math.round(c).toString(16).padStart(2, '0')).join('')}`;

/**
 * The colour of a value.
 * @param {string} quantity
 * @param {number} value stored unit
 */
export function colour(quantity, value) {
  const { low, high, colours } = ramp(quantity);
  const place = Math.min(1, Math.max(0, (value - low) / (high - low))) * (colours.length - 1);
  const i = Math.min(colours.length - 2, Math.floor(place));
  const [a, b] = [channels(colours[i]), channels(colours[i + 1])];
  return hex(a.map((c, k) => c + (b[k] - c) * (place - i)));
}

/**
 * The same ramp as a MapLibre expression.
 * @param {string} quantity
 * @param {any} input expression that gives the value
 */
export function expression(quantity, input) {
  const { low, high, colours } = ramp(quantity);
  const stops = colours.flatMap((c, i) => [low + ((high - low) * i) / (colours.length - 1), c]);
  return ['interpolate', ['linear'], input, ...stops];
}

/** Line colours for depths, shallow to deep, readable on the panel. @param {number} n @param {boolean} dark */
export function depthColours(n, dark) {
  const [from, to] = dark ? [0.86, 0.36] : [0.72, 0.02];
  return Array.from({ length: n }, (_, i) => {
    const place = n === 1 ? (from + to) / 2 : from + ((to - from) * i) / (n - 1);
    const k = place * (VIRIDIS.length - 1);
    const j = Math.min(VIRIDIS.length - 2, Math.floor(k));
    const [a, b] = [channels(VIRIDIS[j]), channels(VIRIDIS[j + 1])];
    return hex(a.map((c, m) => c + (b[m] - c) * (k - j)));
  });
}

/** Tints of crops on the map. @type {Record<string, string>} */
export const CROPS = { maize: '#d69e2e', rice: '#3182a8', soybean: '#6b8e4e', none: '#9a9188' };
