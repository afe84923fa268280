/** Satellite layers on the map: one at a time, changed without a blank in between. */
import { say } from '../i18n.js';
import { on, state } from '../state.js';
import { map, put } from './map.js';

const PREFIX = 'sky-';

/** The layer that is on, or null. */
export const current = () => state.layers.find((l) => l.id === state.layer) ?? null;

/** The product's name: a title goes on after a dot with what is special to the scene. @param {import('../state.js').Layer} layer */
export const shortTitle = (layer) => say(layer.title).split(' · ')[0];

/** Layers of one product, oldest first. @param {string} product */
export const dates = (product) =>
  state.layers.filter((l) => l.product === product).sort((a, b) => a.time.localeCompare(b.time));

const present = () => map.getStyle().layers.map((l) => l.id).filter((id) => id.startsWith(PREFIX));

/** @param {string} id */
function drop(id) {
  if (map.getLayer(id)) map.removeLayer(id);
  if (map.getSource(id)) map.removeSource(id);
}

function draw() {
  const layer = state.on.satellite ? current() : null;
  const wanted = layer ? PREFIX + layer.id : null;
  const old = present().filter((id) => id !== wanted);
  outline(layer);
  if (!layer || !wanted) { old.forEach(drop); return; }
  if (map.getLayer(wanted)) map.setPaintProperty(wanted, 'raster-opacity', state.opacity);
  else add(wanted, layer);
  if (old.length) map.once('idle', () => old.filter((id) => id !== PREFIX + state.layer).forEach(drop));
}

/** @param {string} id @param {import('../state.js').Layer} layer */
function add(id, layer) {
  map.addSource(id, {
    type: 'raster', tiles: [location.origin + layer.tiles], tileSize: 256, bounds: layer.bbox,
    minzoom: layer.min_zoom, maxzoom: layer.max_zoom,
  });
  map.addLayer({
    id, type: 'raster', source: id, minzoom: layer.min_zoom,
    paint: { 'raster-opacity': state.opacity, 'raster-fade-duration': 0, 'raster-resampling': 'nearest' },
  }, 'county-hover');
}

/** @param {import('../state.js').Layer|null} layer */
function outline(layer) {
  if (!layer) { put('footprint', []); return; }
  const [w, s, e, n] = layer.bbox;
  put('footprint', [{ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates: [[w, s], [e, s], [e, n], [w, n], [w, s]] } }]);
}

export function followSky() {
  draw();
  on('layers', draw);
}
