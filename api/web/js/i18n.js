/** Words of the page in Chinese and English; the choice is kept in the browser. */
import { tell } from './state.js';
import zh from './words/zh.js';
import en from './words/en.js';
import { PLACES } from './words/places.js';

const KEY = 'heitu.language';
/** @type {Record<string, Record<string, string>>} */
const TABLES = { zh, en };

let current = localStorage.getItem(KEY) === 'en' ? 'en' : 'zh';
document.documentElement.lang = current === 'zh' ? 'zh-CN' : 'en';

/** @returns {'zh'|'en'} */
export const language = () => /** @type {'zh'|'en'} */ (current);

/** BCP 47 tag for number and date formats. */
export const locale = () => (current === 'zh' ? 'zh-CN' : 'en-GB');

/** @param {'zh'|'en'} next */
export function setLanguage(next) {
  current = next;
  localStorage.setItem(KEY, next);
  document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en';
  tell('language');
}

/**
 * The words for a key, with {names} filled in; an unknown key shows itself.
 * @param {string} key
 * @param {Record<string, any>} [values]
 */
export function t(key, values = {}) {
  const words = TABLES[current][key] ?? TABLES.zh[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

/** Whether the tables hold a key (for codes that come from the server). @param {string} key */
export const knows = (key) => key in TABLES[current];

/**
 * Pick the language of a two-language value of the API.
 * @param {{zh: string, en: string}|string|null|undefined} words
 */
export function say(words) {
  if (!words) return '';
  if (typeof words === 'string') return words;
  return words[current] || words.zh || words.en || '';
}

/** Name of a division: the register is Chinese; English comes from our table. @param {{code: string, name: string}} region */
export const placeName = (region) => (current === 'en' ? PLACES[region.code] ?? region.name : region.name);
