/** A soft ring where a reading just arrived. */
import { Marker } from '/vendor/maplibre-gl/maplibre-gl.mjs';
import { calm, el } from '../dom.js';
import { state } from '../state.js';
import { map } from './map.js';

const MOST = 12; // rings at once: more would be noise, and each is a DOM node

/** @param {Iterable<number>} ids devices */
export function pulse(ids) {
  if (calm() || !state.on.sensors || document.hidden) return;
  const bounds = map.getBounds();
  let drawn = 0;
  for (const id of ids) {
    const device = state.devices.get(id);
    if (!device || !bounds.contains(device.location) || drawn >= MOST) continue;
    drawn += 1;
    const ring = el('div', { class: 'pulse' }, el('i'));
    const marker = new Marker({ element: ring }).setLngLat(device.location).addTo(map);
    setTimeout(() => marker.remove(), 1800);
  }
}
