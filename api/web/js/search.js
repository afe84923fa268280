/** Search over what is loaded: regions, farms, fields, devices. */
import { el, fill } from './dom.js';
import { placeName, say, t } from './i18n.js';
import { icon } from './icons.js';
import { select, state } from './state.js';
import { region } from './map/touch.js';
import { boundsOf, frame } from './map/map.js';
import { lineage } from './map/regions.js';

const MOST = 8;

/** @typedef {{kind: 'region'|'farm'|'field'|'device', id: any, name: string, more: string, text: string}} Entry */

/** @returns {Entry[]} */
function entries() {
  const place = (/** @type {any} */ ref) => lineage(ref?.code ?? '').slice(1).map(placeName).join(' › ');
  const entry = (/** @type {any} */ kind, /** @type {any} */ id, /** @type {any} */ words, /** @type {string} */ key, /** @type {any} */ ref) => {
    const both = typeof words === 'string' ? words : `${words.zh} ${words.en}`;
    return { kind, id, name: say(words), more: place(ref), text: `${both} ${key}`.toLowerCase() };
  };
  return [
    ...[...state.regions.values()].map(({ properties: p }) => ({ ...entry('region', p.code, placeName(p), `${p.name} ${p.code}`, { code: p.parent }) })),
    ...[...state.farms.values()].map((f) => entry('farm', f.id, f.name, f.key, f.region)),
    ...[...state.fields.values()].map(({ properties: p }) => entry('field', p.id, p.name, p.key, p.region)),
    ...[...state.devices.values()].map((d) => entry('device', d.id, d.name, d.key, d.region)),
  ];
}

/** @param {string} q @returns {Entry[]} names that begin with the words first */
export function matches(q) {
  const words = q.trim().toLowerCase();
  if (!words) return [];
  const found = entries().filter((e) => e.text.includes(words));
  return found.sort((a, b) => Number(b.text.startsWith(words)) - Number(a.text.startsWith(words))).slice(0, MOST);
}

/** @param {Entry} entry */
function go(entry) {
  state.touched = true;
  if (entry.kind !== 'region') { select({ kind: entry.kind, id: entry.id }); return; }
  region(entry.id);
  const feature = state.regions.get(entry.id);
  if (feature) frame(boundsOf(feature.geometry), 10.5);
}

/** A combobox with a list under it. */
export function searchBox() {
  const input = /** @type {HTMLInputElement} */ (el('input', {
    type: 'search', placeholder: t('bar.search'), 'aria-label': t('bar.search'), role: 'combobox',
    'aria-expanded': 'false', 'aria-controls': 'found', autocomplete: 'off', spellcheck: 'false', data: { testid: 'search' },
  }));
  const list = el('ul', { id: 'found', class: 'found', role: 'listbox', hidden: true });
  const open = el('button', { class: 'ghost search-open', 'aria-label': t('bar.search'), on: { click: () => { box.classList.add('open'); input.focus(); } } }, icon('search'));
  const box = el('div', { class: 'search' }, open, icon('search', 16), input, list);
  behave(box, input, list);
  return box;
}

/** @param {HTMLElement} box @param {HTMLInputElement} input @param {HTMLElement} list */
function behave(box, input, list) {
  /** @type {Entry[]} */
  let found = [];
  let chosen = 0;
  const close = () => { list.hidden = true; input.setAttribute('aria-expanded', 'false'); box.classList.remove('open'); };
  const take = (/** @type {Entry|undefined} */ entry) => {
    if (!entry) return;
    input.value = '';
    input.blur();
    close();
    go(entry);
  };
  const draw = () => {
    list.hidden = !input.value.trim();
    input.setAttribute('aria-expanded', String(!list.hidden));
    const none = el('li', { class: 'found-none', text: t('bar.search.none', { q: input.value.trim() }) });
    fill(list, ...(found.length ? found.map((entry, i) => option(entry, i === chosen, () => take(entry))) : [none]));
  };
  input.addEventListener('input', () => { found = matches(input.value); chosen = 0; draw(); });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') chosen = Math.min(found.length - 1, chosen + 1);
    else if (event.key === 'ArrowUp') chosen = Math.max(0, chosen - 1);
    else if (event.key === 'Enter') { take(found[chosen]); return; }
    else if (event.key === 'Escape') { input.value = ''; input.blur(); close(); return; }
    else return;
    event.preventDefault();
    draw();
  });
  input.addEventListener('blur', () => setTimeout(close, 150));
}

/** @param {Entry} entry @param {boolean} isChosen @param {() => void} take */
function option(entry, isChosen, take) {
  const names = { region: 'region', farm: 'farm', field: 'field', device: 'probe' };
  return el('li', { role: 'option', class: 'option', 'aria-selected': String(isChosen), on: { mousedown: (e) => { e.preventDefault(); take(); } } },
    icon(names[entry.kind], 18), el('span', { class: 'option-name', text: entry.name }), el('span', { class: 'option-more', text: entry.more }));
}
