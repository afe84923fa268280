/** What the page knows, and who wants to hear when it changes. */

/**
 * @typedef {{zh: string, en: string}} Words
 * @typedef {{code: string, name: string}} RegionRef
 * @typedef {'real'|'relocated'|'synthetic'} Provenance
 * @typedef {{id: number, key: string, name: Words, kind: string, region: RegionRef,
 *   location: [number, number], provenance: Provenance, note: Words}} Farm
 * @typedef {{id: number, channel: string, quantity: string, label: Words, unit: string,
 *   depth_cm: number|null}} Stream
 * @typedef {{id: number, key: string, name: Words, farm_id: number, field_id: number|null,
 *   region: RegionRef, location: [number, number], provenance: Provenance,
 *   datastreams: Stream[]}} Device
 * @typedef {{datastream: number, device: {id: number, key: string, name: Words}|null,
 *   field_id: number|null, farm_id: number, location: [number, number]|null, quantity: string,
 *   label: Words, unit: string, depth_cm: number|null, time: string, value: number,
 *   quality: string[], provenance: Provenance, age_s: number}} Latest
 * @typedef {{id: string, product: string, title: Words, scene: string, time: string,
 *   bbox: number[], provenance: Provenance, age_days: number, tiles: string,
 *   legend: {unit: string, stops: {value: number, color: string}[]}, min_zoom: number,
 *   max_zoom: number, valid_share: number}} Layer
 * @typedef {{kind: 'field'|'device'|'farm'|'region', id: number|string}} Selection
 */

export const state = {
  /** @type {any} */ about: null,
  /** @type {any} */ person: null,
  /** @type {Map<string, any>} region features by code */ regions: new Map(),
  /** @type {Map<number, Farm>} */ farms: new Map(),
  /** @type {Map<number, any>} field features by id */ fields: new Map(),
  /** @type {Map<number, Device>} */ devices: new Map(),
  /** @type {Map<number, Latest>} newest reading by datastream */ latest: new Map(),
  /** @type {Map<string, any>} the register of quantities by key */ quantities: new Map(),
  /** @type {Layer[]} newest first */ layers: [],
  /** server clock minus ours, milliseconds */ skew: 0,
  /** quantity that colours discs and counties */ shown: 'soil_moisture',
  /** @type {Record<string, boolean>} */
  on: { counties: true, names: true, sensors: true, fields: true, alarms: true, satellite: false },
  /** @type {string|null} id of the satellite layer on the map */ layer: null,
  /** @type {import('./alarms.js').Alarm[]} open ones, newest first */ alarms: [],
  /** @type {Record<string, number>} open ones by severity */ alarmCounts: {},
  opacity: 0.85,
  /** @type {Selection|null} */ selection: null,
  online: true,
  loaded: false,
  /** the visitor did something: the demonstration stops leading */ touched: false,
};

/** @type {Map<string, Set<(payload?: any) => void>>} */
const listeners = new Map();

/**
 * Call `fn` whenever `topic` is told; returns a function that stops it.
 * @param {string} topic
 * @param {(payload?: any) => void} fn
 */
export function on(topic, fn) {
  const set = listeners.get(topic) ?? new Set();
  listeners.set(topic, set.add(fn));
  return () => set.delete(fn);
}

/** @param {string} topic @param {any} [payload] */
export function tell(topic, payload) {
  for (const fn of [...(listeners.get(topic) ?? [])]) fn(payload);
}

/** @param {Selection|null} selection @param {{fly?: boolean}} [how] */
export function select(selection, how = {}) {
  state.selection = selection;
  tell('selection', { selection, fly: how.fly ?? true });
}

/** The server's idea of now, milliseconds since 1970. */
export const now = () => Date.now() + state.skew;

/**
 * The newest readings of a set of datastreams' owner.
 * @param {(row: Latest) => boolean} test
 * @returns {Latest[]} shallowest first
 */
export function latestWhere(test) {
  return [...state.latest.values()].filter(test).sort((a, b) => (a.depth_cm ?? 0) - (b.depth_cm ?? 0));
}
