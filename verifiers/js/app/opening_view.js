// The code under a label's cover: compared on this device, with what is proven of earlier uses; and, where this node names
// somebody who records openings, sent there once its reader asks for that (docs/verdicts.md, "Codes under a cover"). What
// is shown of an opening is what the ledger proves, not what was answered.

import { hex } from '../src/bytes.js';
import { printable } from '../src/printable.js';
import { h } from '../page/dom.js';
import { isActivation, letters } from './activation.js';
import { NoAnswer } from './answers.js';
import { TEXTS, pick } from './texts.js';
import { utcTime } from './times.js';

/** How often an opening that was recorded is looked up until it is proven, and how long between two times. */
const LOOKS = 15;
const PAUSE_MS = 1000;
/** What a refusal is called, by its status. */
const REFUSALS = { 409: 'openingTaken', 429: 'openingTooOften', 503: 'openingBusy' };

export class OpeningView {
  /**
   * `opened` is what is proven of the uses of a `recorded` code. `door` is null, or the `host` that records openings with
   * `tell`, which sends a code there, and `look`, which has the uses proven again. `told` hears of the first use, and
   * whether it is this reader's; `guarded` shows any other failure as the page's.
   */
  constructor({ recorded, opened, door, told, guarded }) {
    Object.assign(this, { recorded, opened, door, told, guarded });
    this.typed = '';
    this.answer = null; // a text's name: what comparing came to
    this.state = null; // a text's name: what became of the opening
    this.isOwn = false;
    this.isUnderWay = false;
  }

  /** The section. */
  render(language) {
    this.language = language;
    const t = (name) => pick(TEXTS[name], language);
    const input = h('input', { type: 'text', id: 'activation', autocomplete: 'off', spellcheck: 'false', required: true });
    input.value = this.typed;
    input.addEventListener('input', () => (this.typed = input.value));
    const compare = (event) => {
      event.preventDefault();
      this.compare();
      this.renew();
    };
    return h(
      'section',
      { id: 'opening', 'aria-labelledby': 'opening-heading' },
      h('h2', { id: 'opening-heading' }, t('activation')),
      h('p', { id: 'activation-opened' }, this.uses(language)),
      h(
        'form',
        { onsubmit: compare },
        h('label', { for: 'activation' }, t('activationLabel')),
        input,
        h('p', { class: 'actions' }, h('button', { type: 'submit' }, t('activationCheck'))),
        h('p', { role: 'status', id: 'activation-answer' }, this.answer === null ? '' : t(this.answer)),
      ),
      this.isOffered && [
        h('p', { class: 'hint' }, t('openingWhy')),
        h('p', { class: 'hint' }, `${t('openingTo')} `, h('code', {}, this.door.host)),
        h(
          'p',
          { class: 'actions' },
          h('button', { type: 'button', id: 'opening-tell', disabled: this.isUnderWay, onclick: this.guarded(() => this.ask()) }, t('openingTell')),
        ),
      ],
      this.door !== null && h('p', { role: 'status', id: 'opening-status', tabindex: '-1' }, this.state === null ? '' : t(this.state)),
    );
  }

  /** What is proven of the code's uses. */
  uses(language) {
    const t = (name) => pick(TEXTS[name], language);
    const [first] = this.opened.openings;
    if (!first) return t(this.opened.state === 'asked' ? 'activationNone' : 'activationUnknown');
    const comma = language === 'zh' ? '，' : ', ';
    return `${t(this.isOwn ? 'openingOwn' : 'activationOpened')} ${utcTime(first.recordedMs)}${comma}${printable(first.organisation)}`;
  }

  /** Whether the reader may have an opening recorded: of a code that fits, and that nobody used. */
  get isOffered() {
    return this.door !== null && this.answer === 'activationFitsHere' && this.opened.openings.length === 0;
  }

  compare() {
    const fits = this.door === null ? 'activationFits' : 'activationFitsHere';
    this.answer = isActivation(this.recorded, this.typed) ? fits : 'activationDiffers';
    this.state = null;
  }

  /** Shows the section anew, where it is shown. */
  renew() {
    const shown = document.getElementById('opening');
    if (shown === null) return;
    const focused = document.activeElement?.id;
    shown.replaceWith(this.render(this.language));
    if (focused) document.getElementById(focused)?.focus();
  }

  async ask() {
    // The reader may change what is typed meanwhile.
    const code = letters(this.typed);
    if (!isActivation(this.recorded, code)) return this.settle('activationDiffers');
    this.isUnderWay = true;
    this.settle('openingWorking');
    try {
      const answer = await this.door.tell(code);
      const opened = await this.proven();
      this.isUnderWay = false;
      if (opened === null) return this.settle('openingNotShown');
      this.opened = opened;
      const [first] = opened.openings;
      this.isOwn = answer.isFirst && hex(first.entry.transaction_id) === answer.transaction;
      this.state = this.isOwn ? 'openingRecorded' : 'openingBefore';
      this.told(first, this.isOwn);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.isUnderWay = false;
      this.settle(REFUSALS[error.values.status] ?? (error.values.status ? 'openingRefused' : 'openingNoAnswer'));
    }
  }

  /** The uses, once one is proven; null where none is, though it was awaited. */
  async proven() {
    for (let look = 0; look < LOOKS; look++) {
      if (look > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      const opened = await this.door.look();
      if (opened.openings.length > 0) return opened;
    }
    return null;
  }

  settle(state) {
    this.state = state;
    this.renew();
  }
}
