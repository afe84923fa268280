/** The platform's API, with the session's token, problem details and paging. */
import { tell } from './state.js';

const TOKEN = 'heitu.token';

/** An answer that is not a success: `status` 0 means the server was not reached. */
export class Problem extends Error {
  /** @param {number} status @param {string} title @param {string} detail */
  constructor(status, title, detail) {
    super(detail || title);
    this.status = status;
    this.title = title;
  }
}

export const token = () => sessionStorage.getItem(TOKEN);

/** @param {string|null} value */
export function keep(value) {
  if (value) sessionStorage.setItem(TOKEN, value);
  else sessionStorage.removeItem(TOKEN);
}

/** Headers that carry the token, for requests that others make (the map's tiles). */
export const bearer = () => (token() ? { Authorization: `Bearer ${token()}` } : {});

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function ask(path, init = {}) {
  const headers = { Accept: 'application/json', ...bearer(), ...init.headers };
  let answer;
  try {
    answer = await fetch(path, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    tell('unreachable');
    throw new Problem(0, 'unreachable', '');
  }
  tell('reached');
  if (answer.ok) return answer;
  throw await problem(answer);
}

/** @param {Response} answer */
async function problem(answer) {
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401 && token()) tell('unauthenticated');
  return new Problem(answer.status, String(body.title ?? answer.statusText), String(body.detail ?? ''));
}

/**
 * GET a JSON document.
 * @param {string} path
 * @param {Record<string, any>} [query] lists repeat the key; null and undefined are left out
 * @param {AbortSignal} [signal]
 */
export async function get(path, query = {}, signal) {
  const answer = await ask(path + search(query), { signal });
  return answer.json();
}

/** @param {string} path @param {any} [body] @param {string} [method] */
export async function send(path, body, method = 'POST') {
  const answer = await ask(path, {
    method,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return answer.status === 204 ? null : answer.json();
}

/** @param {Record<string, any>} query */
export function search(query) {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).filter((v) => v !== null && v !== undefined).map((v) => [key, String(v)]));
  return pairs.length ? `?${new URLSearchParams(pairs)}` : '';
}

/**
 * Follow `next` to the end of a list (or `most` pages of it).
 * @param {string} path
 * @param {Record<string, any>} [query]
 * @param {number} [most]
 * @returns {Promise<any[]>} items of a list or features of a collection
 */
export async function all(path, query = {}, most = 20) {
  const found = [];
  let after = null;
  for (let page = 0; page < most; page += 1) {
    const body = await get(path, { ...query, after });
    found.push(...(body.items ?? body.features));
    after = body.next;
    if (!after) break;
  }
  return found;
}
