/** The top bar: name, where we are, search, date, language, theme, person. */
import { byId, el, fill } from './dom.js';
import { language, placeName, setLanguage, t } from './i18n.js';
import { dayMonth, longDay, weekDay } from './format.js';
import { icon } from './icons.js';
import { now, on, select, state } from './state.js';
import { flip, dark } from './theme.js';
import { boundsOf, frame, map, province } from './map/map.js';
import { lineage } from './map/regions.js';
import { searchBox } from './search.js';
import { personButton } from './person.js';

const crumbs = el('nav', { class: 'crumbs', 'aria-label': '地区 Region', data: { testid: 'crumbs' } });

/** The county that is chosen, else the one in the middle of the map when near enough. */
function here() {
  const chosen = state.selection;
  if (chosen?.kind === 'region') return String(chosen.id);
  if (chosen?.kind === 'field') return state.fields.get(Number(chosen.id))?.properties.region.code;
  if (chosen?.kind === 'device') return state.devices.get(Number(chosen.id))?.region.code;
  if (chosen?.kind === 'farm') return state.farms.get(Number(chosen.id))?.region.code;
  if (map.getZoom() < 8) return '220000';
  const middle = map.project(map.getCenter());
  const [found] = map.queryRenderedFeatures(middle, { layers: ['county-fill'] });
  return found?.properties.code ?? '220000';
}

/** @param {any} region properties */
function go(region) {
  const feature = state.regions.get(region.code);
  state.touched = true;
  if (region.level === 'province') { select(null); province(); return; }
  select({ kind: 'region', id: region.code }, { fly: false });
  frame(boundsOf(feature.geometry), 10.5);
}

function drawCrumbs() {
  const chain = lineage(here());
  fill(crumbs, ...chain.flatMap((region, i) => [
    i ? icon('chevron', 14) : null,
    el('button', { class: 'crumb', text: placeName(region), 'aria-current': i === chain.length - 1 ? 'location' : false, on: { click: () => go(region) } }),
  ]));
}

/** @param {string} name @param {string} title @param {() => void} act @param {string} [testid] */
const button = (name, title, act, testid) => el('button', {
  class: 'ghost', title, 'aria-label': title, on: { click: act }, data: testid ? { testid } : {},
}, icon(name));

function draw() {
  document.title = t('app.title');
  const today = el('time', { class: 'today' }, el('b', { text: dayMonth(now()) }), el('span', { text: weekDay(now()) }));
  today.title = longDay(now());
  fill(byId('bar'),
    el('button', { class: 'brand', title: t('bar.home'), on: { click: () => go({ level: 'province', code: '220000' }) } },
      el('img', { src: '/web/favicon.svg', alt: '', width: '26', height: '26' }),
      el('b', { text: t('app.name') }), el('span', { text: t('app.sub') })),
    crumbs, searchBox(), today,
    el('button', { class: 'ghost lang', title: t('bar.language'), 'aria-label': t('bar.language'), text: t('bar.language.short'), data: { testid: 'lang' }, on: { click: () => setLanguage(language() === 'zh' ? 'en' : 'zh') } }),
    button(dark() ? 'sun' : 'moon', t('bar.theme'), flip, 'theme'),
    personButton());
  drawCrumbs();
}

export function openBar() {
  draw();
  on('language', draw);
  on('theme', draw);
  on('person', draw);
  on('regions', drawCrumbs);
  on('selection', drawCrumbs);
  map.on('moveend', drawCrumbs);
}
