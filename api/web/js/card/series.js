/** Observations made ready for the chart: gaps stay gaps, flags stay visible. */
import { all } from '../client.js';
import { say } from '../i18n.js';
import { at, depth, factor } from '../format.js';

/**
 * @typedef {{id: number, label: string, quantity: string, unit: string, depth: number|null}} Line
 * @typedef {{t: number, mean: number, min: number, max: number, flagged: boolean}} Sample seconds, shown unit
 * @typedef {{line: Line, samples: Sample[]}} Drawn
 */

/** How long a view looks back and how it sums up. */
export const RANGES = {
  '24h': { days: 1, bucket: 'none' }, '7d': { days: 7, bucket: 'hour' },
  '30d': { days: 30, bucket: 'hour' }, '1y': { days: 366, bucket: 'day' },
};

/**
 * Lines of a quantity: by depth for one device; the topmost of each for several.
 * @param {string} quantity
 * @param {import('../state.js').Latest[]} rows newest value of each candidate stream
 * @returns {Line[]}
 */
export function linesOf(quantity, rows) {
  const own = rows.filter((r) => r.quantity === quantity);
  const devices = new Set(own.map((r) => r.device?.id));
  const several = devices.size > 1;
  const top = new Map();
  for (const r of own) if (!top.has(r.device?.id)) top.set(r.device?.id, r);
  return (several ? [...top.values()] : own).slice(0, 6).map((r) => ({
    id: r.datastream, quantity, unit: r.unit, depth: r.depth_cm,
    label: nameOf(r, several),
  }));
}

/** Device and depth, the depth once. @param {import('../state.js').Latest} r @param {boolean} several */
function nameOf(r, several) {
  const name = several ? say(r.device?.name) : '';
  const deep = depth(r.depth_cm);
  return [name, name.includes(deep) ? '' : deep].filter(Boolean).join(' ') || say(r.label);
}

/**
 * @param {Line[]} lines
 * @param {number} start ms
 * @param {number} end ms
 * @param {string} bucket
 * @returns {Promise<Drawn[]>}
 */
export async function observe(lines, start, end, bucket) {
  const items = await all('/v1/observations', {
    datastream: lines.map((l) => l.id), start: new Date(start).toISOString(), end: new Date(end).toISOString(), bucket, limit: 5000,
  }, 12);
  return lines.map((line) => ({
    line, samples: items.filter((i) => i.datastream === line.id).map((i) => sample(i, factor(line.unit))).filter((s) => s !== null)
      .sort((a, b) => a.t - b.t),
  }));
}

/** @param {any} item @param {number} k @returns {Sample|null} */
function sample(item, k) {
  if (item.start !== undefined) {
    if (item.mean === null) return null;
    return { t: at(item.start) / 1000, mean: item.mean * k, min: item.min * k, max: item.max * k, flagged: item.n_good < item.n };
  }
  if (item.value === null) return null;
  return { t: at(item.time) / 1000, mean: item.value * k, min: item.value * k, max: item.value * k, flagged: item.quality.length > 0 };
}

/**
 * Spans without samples: a step is a gap when it is over three times the usual one.
 * @param {Sample[]} samples
 * @returns {{from: number, to: number, middle: number}[]}
 */
export function gaps(samples) {
  const steps = samples.slice(1).map((s, i) => s.t - samples[i].t);
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  return steps.flatMap((step, i) => (step > usual * 3
    ? [{ from: samples[i].t, to: samples[i + 1].t, middle: samples[i].t + usual }] : []));
}

/**
 * Columns for uPlot on one time axis: x, then max, min, mean of each line; null breaks a
 * line (uPlot looks only at it and its neighbours, so a gap is null at every instant inside),
 * undefined means another line's instant.
 * @param {Drawn[]} drawn
 */
export function columns(drawn) {
  const times = new Set(drawn.flatMap((d) => [...d.samples.map((s) => s.t), ...gaps(d.samples).map((g) => g.middle)]));
  const x = [...times].sort((a, b) => a - b);
  const place = new Map(x.map((time, i) => [time, i]));
  const flags = drawn.map(() => new Set());
  const data = drawn.flatMap((d, k) => {
    const [high, low, mean] = [0, 1, 2].map(() => new Array(x.length).fill(undefined));
    for (const s of d.samples) {
      const i = place.get(s.t) ?? 0;
      [high[i], low[i], mean[i]] = [s.max, s.min, s.mean];
      if (s.flagged) flags[k].add(i);
    }
    for (const gap of gaps(d.samples)) {
      const last = place.get(gap.to) ?? 0;
      for (let i = (place.get(gap.from) ?? 0) + 1; i < last; i += 1) [high[i], low[i], mean[i]] = [null, null, null];
    }
    return [high, low, mean];
  });
  return { data: [x, ...data], flags };
}
