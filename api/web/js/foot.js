/** The map's foot: scale, attribution, approval number; and the floating buttons. */
import { byId, el, fill, calm, wide } from './dom.js';
import { say, t } from './i18n.js';
import { number } from './format.js';
import { icon } from './icons.js';
import { on, state } from './state.js';
import { map } from './map/map.js';
import { shut } from './panel.js';
import { toast } from './toast.js';

const scale = el('div', { class: 'scale', 'aria-hidden': 'true' }, el('i'), el('span'));

/** A round distance for about 90 pixels. */
function drawScale() {
  const metres = (40_075_016.686 * Math.cos((map.getCenter().lat * Math.PI) / 180)) / (512 * 2 ** map.getZoom());
  const most = metres * 90;
  const power = 10 ** Math.floor(Math.log10(most));
  const round = [5, 2, 1].map((k) => k * power).find((d) => d <= most) ?? power;
  const [bar, words] = /** @type {HTMLElement[]} */ ([...scale.children]);
  bar.style.width = `${round / metres}px`;
  words.textContent = round >= 1000 ? `${number(round / 1000)} km` : `${number(round)} m`;
}

function drawFoot() {
  const { about } = state;
  const sources = (about?.attribution ?? []).map(say).join(' · ');
  const approval = about?.map_approval_number ? t('map.approval', { n: about.map_approval_number }) : t('map.approval.none');
  fill(byId('foot'), scale, el('p', { class: 'credit', text: [sources, approval].filter(Boolean).join(' · ') }));
}

function mine() {
  if (!navigator.geolocation) { toast('alert', t('map.mine'), t('map.mine.denied')); return; }
  navigator.geolocation.getCurrentPosition(({ coords }) => {
    const inside = coords.longitude > 121.6 && coords.longitude < 131.4 && coords.latitude > 40.8 && coords.latitude < 46.4;
    if (inside) map.easeTo({ center: [coords.longitude, coords.latitude], zoom: 13, duration: calm() ? 0 : 1200 });
    else toast('alert', t('map.mine'), t('map.mine.out'));
  }, () => toast('alert', t('map.mine'), t('map.mine.denied')));
}

function drawFabs() {
  const fab = (/** @type {string} */ name, /** @type {string} */ key, /** @type {() => void} */ act, kind = '') =>
    el('button', { class: `fab ${kind}`, title: t(key), 'aria-label': t(key), on: { click: act } }, icon(name));
  const zoom = (/** @type {number} */ way) => () => { state.touched = true; map.easeTo({ zoom: map.getZoom() + way, duration: calm() ? 0 : 250 }); };
  const layers = () => {
    const left = byId('left');
    shut(!left.classList.contains('shut'));
    if (!wide()) document.body.classList.toggle('with-panel', !left.classList.contains('shut'));
  };
  fill(byId('fabs'), fab('layers', 'map.layers', layers, 'fab-layers'), fab('place', 'map.mine', mine),
    el('div', { class: 'fab-pair' }, fab('plus', 'map.in', zoom(1)), fab('minus', 'map.out', zoom(-1))));
}

export function openFoot() {
  drawFoot();
  drawFabs();
  drawScale();
  map.on('move', drawScale);
  on('language', () => { drawFoot(); drawFabs(); drawScale(); });
  on('about', drawFoot);
}
