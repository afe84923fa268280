/** Light and dark: the visitor's choice, else the system's. */
import { tell } from './state.js';

const KEY = 'heitu.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

/** @returns {'light'|'dark'} */
export function theme() {
  const kept = localStorage.getItem(KEY);
  if (kept === 'light' || kept === 'dark') return kept;
  return system.matches ? 'dark' : 'light';
}

export const dark = () => theme() === 'dark';

function apply() {
  document.documentElement.dataset.theme = theme();
  document.querySelector('meta[name=theme-color]')?.setAttribute('content', css('--paper'));
  tell('theme');
}

export function flip() {
  localStorage.setItem(KEY, dark() ? 'light' : 'dark');
  apply();
}

/** A colour of the current theme. @param {string} name custom property */
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

document.documentElement.dataset.theme = theme();
system.addEventListener('change', apply);
