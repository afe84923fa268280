/** The label that synthetic and relocated data carry everywhere. */
import { el } from './dom.js';
import { t } from './i18n.js';

/** @param {string} provenance @returns {HTMLElement|null} */
export function tag(provenance) {
  if (!provenance || provenance === 'real') return null;
  return el('span', { class: `tag tag-${provenance}`, title: t(`tag.${provenance}.title`), text: t(`tag.${provenance}`) });
}

/** One tag per provenance among some things, 'real' left out. @param {Iterable<{provenance: string}>} things */
export function tags(things) {
  const found = new Set([...things].map((thing) => thing.provenance));
  return ['relocated', 'synthetic'].filter((p) => found.has(p)).map(tag);
}
