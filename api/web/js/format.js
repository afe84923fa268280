/** Numbers, units and times as the page writes them; days are Asia/Shanghai days. */
import { language, locale, t } from './i18n.js';
import { now, state } from './state.js';

export const ZONE = 'Asia/Shanghai';
export const DAY = 86_400_000;
/** A device is silent when nothing came for this long, milliseconds. */
export const SILENT = DAY;

/** UCUM codes as people write them. @type {Record<string, string>} */
const UNITS = { Cel: '°C', '1': '', 'm3/m3': '%', '[ppm]': 'ppm', '[pH]': '', deg: '°', 'W/m2': 'W/m²', '[NTU]': 'NTU' };

/** Volumetric water is stored as m³/m³ and shown as per cent by volume. @param {string} unit */
export const factor = (unit) => (unit === 'm3/m3' ? 100 : 1);

/** @param {string} unit UCUM */
export const unitWord = (unit) => UNITS[unit] ?? unit;

/** Digits after the point, on the page, of a quantity. @param {string} quantity @param {string} unit */
export function digits(quantity, unit) {
  if (unit === 'm3/m3') return 1;
  return state.quantities.get(quantity)?.decimals ?? (quantity === 'ndvi' ? 2 : 1);
}

/** @param {number} value @param {number} places */
export const number = (value, places = 0) =>
  value.toLocaleString(locale(), { minimumFractionDigits: places, maximumFractionDigits: places });

/**
 * A value without its unit.
 * @param {number|null|undefined} value in the stored unit
 * @param {string} quantity
 * @param {string} unit
 */
export function figure(value, quantity, unit) {
  return value === null || value === undefined ? '–' : number(value * factor(unit), digits(quantity, unit));
}

/** A value with its unit. @param {number|null|undefined} value @param {string} quantity @param {string} unit */
export function measure(value, quantity, unit) {
  const word = unitWord(unit);
  return word ? `${figure(value, quantity, unit)} ${word}` : figure(value, quantity, unit);
}

/** A share 0..1 as per cent. @param {number|null|undefined} value */
export const share = (value) => (value === null || value === undefined ? '–' : `${number(value * 100)} %`);

/** @param {string} iso @returns {number} milliseconds */
export const at = (iso) => Date.parse(iso);

/** How long ago, in words. @param {number|null} time milliseconds */
export function ago(time) {
  if (time === null || Number.isNaN(time)) return t('time.none');
  const minutes = Math.max(0, Math.round((now() - time) / 60_000));
  if (minutes < 1) return t('time.now');
  if (minutes < 60) return t('time.min', { n: minutes });
  if (minutes < 48 * 60) return t('time.hour', { n: Math.floor(minutes / 60) });
  return t('time.day', { n: Math.floor(minutes / 1440) });
}

/** @param {Record<string, string>} shape */
const writer = (shape) => (/** @type {number|Date} */ time) =>
  new Intl.DateTimeFormat(locale(), { timeZone: ZONE, ...shape }).format(time);

export const clock = writer({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
export const dayMonth = writer({ month: 'short', day: 'numeric' });
export const longDay = writer({ year: 'numeric', month: 'long', day: 'numeric' });
export const weekDay = writer({ weekday: 'short' });
export const moment = writer({ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

const withYear = writer({ year: '2-digit', month: 'short', day: 'numeric' });

/** A day, with its year where that is not the present one. @param {number} time */
export const dayWord = (time) => (dayOf(time).slice(0, 4) === dayOf(now()).slice(0, 4) ? dayMonth(time) : withYear(time));

/** A calendar day of the API ("2026-05-01") as midnight in Shanghai. @param {string} day */
export const dayStart = (day) => Date.parse(`${day}T00:00:00+08:00`);

/** The Shanghai day of an instant, "2026-05-01". @param {number} time */
export const dayOf = (time) => new Date(time + 8 * 3_600_000).toISOString().slice(0, 10);

/** @param {number|null|undefined} cm */
export const depth = (cm) => (cm === null || cm === undefined ? '' : `${number(cm)} cm`);

/** Area in hectares and, in Chinese, mu (1 ha = 15 mu). @param {number} ha */
export const area = (ha) =>
  (language() === 'zh' ? `${number(ha * 15)} 亩（${number(ha, 1)} 公顷）` : `${number(ha, 1)} ha`);

/** Short name of a quantity. @param {string} key */
export function quantityName(key) {
  if (key === 'count') return t('shown.count');
  const short = `q.${key}`;
  if (t(short) !== short) return t(short);
  const words = state.quantities.get(key)?.label ?? [...state.latest.values()].find((r) => r.quantity === key)?.label;
  return words ? words[language()] : key;
}
