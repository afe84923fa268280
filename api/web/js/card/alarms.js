/** The alarms of a device: open ones with a way to acknowledge, and what was before. */
import { acknowledge, mayAcknowledge } from '../alarms.js';
import { get } from '../client.js';
import { el, fill } from '../dom.js';
import { say, t } from '../i18n.js';
import { at, moment } from '../format.js';
import { icon } from '../icons.js';
import { empty } from './frame.js';

/** @param {any} alarm */
function when(alarm) {
  const opened = moment(at(alarm.opened));
  return alarm.cleared ? t('alarm.span', { from: opened, to: moment(at(alarm.cleared)) }) : t('alarm.since', { from: opened });
}

/** @param {any} alarm @param {(next: any) => void} redraw */
function hand(alarm, redraw) {
  if (alarm.acknowledged) return el('p', { class: 'muted small', text: t('alarm.acknowledged', { who: alarm.acknowledged.by, when: moment(at(alarm.acknowledged.at)) }) });
  if (alarm.state !== 'open' || !mayAcknowledge()) return null;
  const fault = el('p', { class: 'fault', role: 'alert', hidden: true });
  const act = async () => {
    try { redraw(await acknowledge(alarm.id)); } catch (error) {
      fault.hidden = false;
      fault.textContent = /** @type {any} */ (error).message;
    }
  };
  return el('div', {}, el('button', { class: 'plain', data: { testid: 'alarm-acknowledge' }, on: { click: act } }, icon('check', 16), el('span', { text: t('alarm.acknowledge') })), fault);
}

/** @param {any} alarm @returns {HTMLElement} */
function row(alarm) {
  const node = el('li', { class: `alarm alarm-${alarm.severity} alarm-${alarm.state}`, data: { testid: 'alarm', alarm: String(alarm.id) } });
  const draw = (/** @type {any} */ it) => fill(node,
    el('div', { class: 'alarm-top' }, icon('alert', 16), el('b', { text: say(it.title) }), el('span', { class: 'alarm-word', text: t(it.state === 'open' ? `alarm.${it.severity}` : 'alarm.cleared') })),
    el('p', { class: 'alarm-reason', text: say(it.reason) }),
    it.state === 'open' && say(it.text) ? el('p', { class: 'alarm-text', text: say(it.text) }) : null,
    el('p', { class: 'muted small', text: `${when(it)} · ${t('alarm.source', { source: it.source })}` }), hand(it, draw));
  draw(alarm);
  return node;
}

/** @param {HTMLElement} box @param {Record<string, any>} query @param {AbortSignal} [signal] */
export async function drawAlarmsOf(box, query, signal) {
  const [open, all] = await Promise.all([
    get('/v1/alarms', { ...query, limit: 20 }, signal), get('/v1/alarms', { ...query, state: 'cleared', limit: 5 }, signal),
  ]);
  const found = [...open.items, ...all.items];
  fill(box, found.length ? el('ul', { class: 'alarms' }, ...found.map(row)) : empty(t('alarm.none.device'), 'check'));
}
