/** Who is signed in, what they may see, and the way out. */
import { el, fill } from './dom.js';
import { knows, placeName, say, t } from './i18n.js';
import { icon } from './icons.js';
import { state, tell } from './state.js';

/** Name of a person in either shape of the API. @param {any} person */
export const personName = (person) => say(person?.name ?? { zh: person?.name_zh, en: person?.name_en }) || person?.login || '';

/** @param {any} person */
export const roleName = (person) => (knows(`person.role.${person?.role}`) ? t(`person.role.${person.role}`) : person?.role ?? '');

/** @param {string} name @param {string} text @param {() => void} act */
const item = (name, text, act) => el('button', { class: 'menu-item', on: { click: act } }, icon(name, 18), el('span', { text }));

/** @param {HTMLElement} menu @param {() => void} close */
function drawMenu(menu, close) {
  const { person } = state;
  const others = (state.about?.demo_accounts ?? []).filter((/** @type {any} */ a) => a.login !== person?.login);
  const act = (/** @type {() => void} */ fn) => () => { close(); fn(); };
  fill(menu,
    person ? el('div', { class: 'menu-who' },
      el('b', { text: personName(person) }), el('span', { text: roleName(person) }),
      person.region ? el('span', { class: 'muted', text: `${t('person.scope')} ${placeName(person.region)}` }) : null) : null,
    ...others.map((/** @type {any} */ a) => item('person', t('person.as', { name: `${personName(a)} · ${roleName(a)}` }), act(() => tell('login', a)))),
    person ? item('exit', t('person.out'), act(() => tell('logout'))) : item('person', t('person.in'), act(() => tell('login'))));
}

/** The button of the top bar with its menu. */
export function personButton() {
  const menu = el('div', { class: 'menu', hidden: true });
  const button = el('button', { class: 'ghost person', 'aria-haspopup': 'true', 'aria-expanded': 'false', 'aria-label': t('bar.person'), data: { testid: 'person' } },
    icon('person'), state.person ? el('span', { class: 'person-name', text: personName(state.person) }) : null);
  const close = () => { menu.hidden = true; button.setAttribute('aria-expanded', 'false'); };
  button.addEventListener('click', () => {
    drawMenu(menu, close);
    menu.hidden = !menu.hidden;
    button.setAttribute('aria-expanded', String(!menu.hidden));
  });
  const box = el('div', { class: 'person-box' }, button, menu);
  box.addEventListener('focusout', (event) => {
    if (!box.contains(/** @type {Node|null} */ (event.relatedTarget))) setTimeout(close, 120);
  });
  box.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(); });
  return box;
}
