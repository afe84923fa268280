/** Signing in: a form over the map; the demonstration signs its visitor in by itself. */
import { el, fill } from './dom.js';
import { t } from './i18n.js';
import { keep, send, token, get } from './client.js';
import { icon } from './icons.js';
import { on, state, tell } from './state.js';
import { personName, roleName } from './person.js';

/** Set when the visitor signed out: the demonstration must not sign in again by itself. */
const LEFT = 'heitu.left';

/** @type {HTMLDialogElement|null} */
let dialog = null;

/** @param {string} login @param {string} password */
async function signIn(login, password) {
  const answer = await send('/v1/auth/token', { login, password });
  keep(answer.access_token);
  sessionStorage.removeItem(LEFT);
  await welcome(answer.person);
}

/** @param {any} person */
async function welcome(person) {
  state.person = person;
  tell('person');
  tell('signed-in');
}

export async function signOut() {
  await send('/v1/auth/token', undefined, 'DELETE').catch(() => {});
  keep(null);
  sessionStorage.setItem(LEFT, '1');
  state.person = null;
  tell('person');
  tell('signed-out');
  ask();
}

/** @param {string} name @param {string} label @param {string} type @param {string} complete */
function entry(name, label, type, complete) {
  const input = el('input', { name, type, autocomplete: complete, required: true, data: { testid: `login-${name === 'login' ? 'name' : 'password'}` }, autocapitalize: 'off', spellcheck: 'false' });
  return el('label', { class: 'entry' }, el('span', { text: label }), input);
}

/** Buttons that fill the form in; only the demonstration lists accounts. @param {HTMLFormElement} form */
function accounts(form) {
  const list = state.about?.demo_accounts ?? [];
  if (!list.length) return null;
  const use = (/** @type {any} */ a) => {
    form.login.value = a.login;
    form.password.value = a.password;
    form.querySelector('button[type=submit]')?.focus();
  };
  return el('div', { class: 'accounts' }, el('p', { class: 'muted', text: t('login.demo') }),
    el('div', { class: 'chips' }, ...list.map((/** @type {any} */ a) => el('button', {
      type: 'button', class: 'chip', text: `${personName(a)} · ${roleName(a)}`, on: { click: () => use(a) },
    }))));
}

/**
 * Open the form.
 * @param {{login?: string, password?: string, note?: string}} [filled]
 */
export function ask(filled = {}) {
  tell('asked');
  dialog?.remove();
  const fault = el('p', { class: 'fault', role: 'alert', hidden: !filled.note, text: filled.note ?? '', data: { testid: 'login-fault' } });
  const submit = el('button', { type: 'submit', class: 'primary', text: t('login.submit'), data: { testid: 'login-submit' } });
  const form = /** @type {HTMLFormElement} */ (el('form', { class: 'login', data: { testid: 'login-form' }, method: 'dialog' }));
  fill(form,
    el('div', { class: 'login-head' }, el('img', { src: '/web/favicon.svg', alt: '', width: '40', height: '40' }),
      el('div', {}, el('h1', { text: `${t('app.name')} ${t('app.sub')}` }), el('p', { class: 'muted', text: t('app.tagline') }))),
    el('p', { text: t('login.lead') }),
    entry('login', t('login.name'), 'text', 'username'), entry('password', t('login.password'), 'password', 'current-password'),
    fault, submit, accounts(form),
    el('button', { type: 'button', class: 'ghost login-close', 'aria-label': t('login.later'), title: t('login.later'), on: { click: () => dialog?.close() } }, icon('close')));
  if (filled.login) form.login.value = filled.login;
  if (filled.password) form.password.value = filled.password;
  form.addEventListener('submit', (event) => { event.preventDefault(); submitForm(form, submit, fault); });
  dialog = /** @type {HTMLDialogElement} */ (el('dialog', { class: 'login-dialog' }, form));
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {HTMLFormElement} form @param {HTMLElement} submit @param {HTMLElement} fault */
async function submitForm(form, submit, fault) {
  submit.textContent = t('login.working');
  submit.toggleAttribute('disabled', true);
  try {
    await signIn(form.login.value, form.password.value);
    dialog?.close();
  } catch (error) {
    const { status = 0, message = '' } = /** @type {any} */ (error);
    fault.hidden = false;
    fault.textContent = status === 401 ? t('login.wrong') : status === 0 ? t('error.unreachable') : message;
  }
  submit.textContent = t('login.submit');
  submit.toggleAttribute('disabled', false);
}

/** Continue the kept session, sign the demonstration's visitor in, or show the form. */
export async function begin() {
  on('login', (account) => ask(account ?? {}));
  on('logout', signOut);
  on('unauthenticated', () => { keep(null); state.person = null; tell('person'); ask({ note: t('login.expired') }); });
  on('language', () => { if (dialog?.open) ask(); });
  if (token()) {
    const person = await get('/v1/me').catch(() => null);
    if (person) { await welcome(person); return; }
    if (token()) keep(null);
  }
  const [visitor] = state.about?.demo_accounts ?? [];
  if (state.about?.demo && visitor && !sessionStorage.getItem(LEFT)) await signIn(visitor.login, visitor.password).catch(() => ask());
  else if (!dialog?.open) ask();
}
