/** Building the page out of elements: no markup strings, so no string can become markup. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @typedef {Object} Props
 * @property {string} [class]
 * @property {string} [text] set as textContent
 * @property {Record<string, EventListener>} [on] listeners by event name
 * @property {Record<string, string>} [style] set through the CSSOM, which the CSP allows
 * @property {Record<string, string>} [data] data-* attributes
 */

/**
 * Make an element; keys other than those of `Props` become attributes (false: left out).
 * @param {string} tag
 * @param {Props & Record<string, any>} [props]
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {HTMLElement}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) apply(node, key, value);
  node.append(...children.filter((child) => child || child === ''));
  return node;
}

/** @param {HTMLElement} node @param {string} key @param {any} value */
function apply(node, key, value) {
  if (value === undefined || value === null || value === false) return;
  if (key === 'class') node.className = value;
  else if (key === 'text') node.textContent = value;
  else if (key === 'on') for (const [name, fn] of Object.entries(value)) node.addEventListener(name, fn);
  else if (key === 'style') for (const [name, v] of Object.entries(value)) node.style.setProperty(name, v);
  else if (key === 'data') for (const [name, v] of Object.entries(value)) node.dataset[name] = v;
  else if (key in node && typeof value === 'boolean') node[key] = value;
  else node.setAttribute(key, value === true ? '' : String(value));
}

/**
 * Replace what is inside a node.
 * @param {Element} node
 * @param {...(Node|string|null|undefined|false)} children
 */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child || child === ''));
  return node;
}

/**
 * Make an SVG element.
 * @param {string} tag
 * @param {Record<string, string|number>} attributes
 * @param {...Node} children
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.append(...children);
  return node;
}

/** @param {string} id @returns {HTMLElement} */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Tell whether the visitor asked for less motion. */
export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Tell whether the page has room for panels beside the map. */
export const wide = () => matchMedia('(min-width: 1024px)').matches;
