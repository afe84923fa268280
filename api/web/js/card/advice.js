/** The advice: action, window, probability, reasons, evidence, and the officer's word on it. */
import { get, send } from '../client.js';
import { el, fill } from '../dom.js';
import { say, t } from '../i18n.js';
import { DAY, at, dayMonth, dayStart, moment, share } from '../format.js';
import { icon } from '../icons.js';
import { now, state } from '../state.js';
import { tag } from '../tag.js';
import { calendar } from './calendar.js';
import { evidenceOf } from './evidence.js';
import { empty, failed } from './frame.js';

const FIRST = 4; // reasons shown before the visitor asks for the rest
const MAY_ADVISE = ['agronomist', 'officer', 'operator'];

/** Probability in words. @param {number} p */
function likely(p) {
  const step = [0.9, 0.7, 0.45, 0.2].findIndex((limit) => p >= limit);
  return t(`likely.${step === -1 ? 1 : 5 - step}`);
}

/** @param {any} rec */
function chance(rec) {
  if (rec.probability === null || rec.probability === undefined) return null;
  const bar = el('div', { class: 'meter', role: 'img', 'aria-label': share(rec.probability) }, el('i', { style: { width: `${Math.round(rec.probability * 100)}%` } }));
  return el('div', { class: 'chance' },
    el('p', {}, el('b', { text: `${likely(rec.probability)} ${share(rec.probability)}` }), el('span', { text: say(rec.probability_of) })), bar);
}

/** @param {any} rec */
function reasons(rec) {
  const items = rec.reasons.map((/** @type {any} */ r) =>
    el('li', { data: { code: r.code } }, el('span', { text: say(r.text) }), r.source ? el('small', { class: 'source', text: say(r.source) }) : null));
  const list = el('ol', { class: 'reasons', data: { testid: 'advice-reasons' } }, ...items.slice(0, FIRST));
  if (items.length <= FIRST) return list;
  const more = el('button', { class: 'link', text: t('advice.reasons.more', { n: items.length - FIRST }), on: { click: () => { list.append(...items.slice(FIRST)); more.remove(); } } });
  return el('div', { class: 'reasons-box' }, list, more);
}

/** @param {any} rec */
function decided(rec) {
  const { decision, by, at: when, note } = rec.decision;
  return el('div', { class: `decided ${decision}` }, icon(decision === 'confirmed' ? 'check' : 'edit', 18),
    el('div', {}, el('b', { text: t(`advice.${decision}`, { who: by }) }), el('span', { class: 'muted', text: moment(at(when)) }), note ? el('p', { text: note }) : null));
}

/** @param {any} rec @param {(rec: any) => void} redraw */
function decide(rec, redraw) {
  const note = /** @type {HTMLTextAreaElement} */ (el('textarea', { rows: '2', placeholder: t('advice.note'), 'aria-label': t('advice.note') }));
  const fault = el('p', { class: 'fault', role: 'alert', hidden: true });
  const act = async (/** @type {string} */ decision) => {
    try {
      redraw(await send(`/v1/recommendations/${rec.id}/decision`, { decision, note: note.value.trim() || null }));
    } catch (error) {
      fault.hidden = false;
      fault.textContent = /** @type {Error} */ (error).message || t('error.unreachable');
    }
  };
  const change = () => {
    if (!note.value.trim()) { fault.hidden = false; fault.textContent = t('advice.note.required'); note.focus(); return; }
    act('overridden');
  };
  const form = el('div', { class: 'override', hidden: true }, note,
    el('div', { class: 'buttons' }, el('button', { class: 'primary', text: t('advice.send'), on: { click: change } }),
      el('button', { class: 'plain', text: t('advice.cancel'), on: { click: () => { form.hidden = true; buttons.hidden = false; } } })));
  const buttons = el('div', { class: 'buttons' },
    el('button', { class: 'primary', data: { testid: 'advice-confirm' }, on: { click: () => act('confirmed') } }, icon('check', 18), el('span', { text: t('advice.confirm') })),
    el('button', { class: 'plain', data: { testid: 'advice-change' }, on: { click: () => { form.hidden = false; buttons.hidden = true; note.focus(); } } }, icon('edit', 18), el('span', { text: t('advice.change') })));
  return el('div', { class: 'decide' }, buttons, form, fault);
}

/** @param {any} rec @param {(rec: any) => void} redraw */
function verdict(rec, redraw) {
  if (rec.decision) return decided(rec);
  if (state.person?.role === 'officer') return decide(rec, redraw);
  return el('p', { class: 'muted small', text: t('advice.officer') });
}

/** @param {HTMLElement} box @param {any} rec */
function draw(box, rec) {
  const redraw = (/** @type {any} */ next) => draw(box, { ...rec, ...next });
  const expired = rec.expired || dayStart(String(rec.expires).slice(0, 10)) + DAY < now();
  const until = t('advice.expires', { day: dayMonth(dayStart(String(rec.expires).slice(0, 10))) });
  fill(box, el('article', { class: `advice advice-${rec.status}`, data: { testid: 'advice', status: rec.status } },
    el('div', { class: 'advice-top' }, icon(rec.status === 'refused' ? 'alert' : 'sprout', 18), el('span', { class: 'status', text: t(`advice.status.${rec.status}`) }),
      expired ? el('span', { class: 'tag tag-expired', text: t('advice.expired') }) : null, tag(rec.provenance), el('span', { class: 'muted', text: until })),
    el('p', { class: 'action', data: { testid: 'advice-action' }, text: say(rec.action_text) }),
    rec.window ? calendar(rec.window) : null, chance(rec), reasons(rec), evidenceOf(rec), verdict(rec, redraw)));
}

/** @param {HTMLElement} box @param {any} field feature */
function offer(box, field) {
  const fault = el('div');
  if (!MAY_ADVISE.includes(state.person?.role)) {
    fill(box, empty(`${t('advice.none')} ${t('advice.who')}`, 'sprout'));
    return;
  }
  const button = el('button', { class: 'primary', data: { testid: 'advice-ask' }, text: t('advice.ask'), on: { click: () => make() } });
  const make = async () => {
    button.textContent = t('advice.asking');
    try {
      draw(box, await send('/v1/recommendations', { field_id: field.properties.id, kind: 'sowing_window', crop: 'maize' }));
    } catch (error) {
      button.textContent = t('advice.ask');
      fill(fault, failed(error, 'advice', make));
    }
  };
  fill(box, empty(t('advice.none'), 'sprout'), button, fault);
}

/** The newest advice for a field, or the way to ask for one. @param {HTMLElement} box @param {any} field @param {AbortSignal} signal */
export async function drawAdvice(box, field, signal) {
  const { items } = await get('/v1/recommendations', { field: field.properties.id }, signal);
  const [rec] = items.sort((/** @type {any} */ a, /** @type {any} */ b) => b.as_of.localeCompare(a.as_of) || b.issued.localeCompare(a.issued));
  if (!rec) { offer(box, field); return; }
  const inner = el('div');
  const choose = (/** @type {any} */ chosen) => {
    const days = items.slice(0, 4).map((/** @type {any} */ r) => el('button', {
      class: 'chip', 'aria-pressed': String(r === chosen), text: dayMonth(dayStart(r.as_of)), on: { click: () => choose(r) },
    }));
    fill(box, items.length > 1 ? el('div', { class: 'chips as-of' }, el('span', { class: 'muted small', text: t('advice.others') }), ...days) : null, inner);
    draw(inner, chosen);
  };
  choose(rec);
}
