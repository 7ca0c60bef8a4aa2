// Asks a reader who agrees where the thing is scanned, so that copies show (docs/verdicts.md, "Copies"). The position is
// made coarse on this device before anything is sent.

import { h } from '../page/dom.js';
import { NoAnswer } from './answers.js';
import { coarse } from './scans.js';
import { TEXTS, pick } from './texts.js';

const DEADLINE_MS = 20_000;

/** The cell that this device is in; rejects where the reader refuses or the device doesn't know. */
async function here() {
  const position = await new Promise((resolve, reject) =>
    navigator.geolocation.getCurrentPosition(resolve, reject, { enableHighAccuracy: false, maximumAge: 600_000, timeout: DEADLINE_MS }),
  );
  const { latitude, longitude } = position.coords;
  return coarse({ latitude, longitude, timeMs: 0, visitor: 0 });
}

export class ScansView {
  /** `tell` sends a cell and gives codes; `told` hears them; `guarded` shows any other failure as the page's. */
  constructor(tell, told, guarded) {
    this.tell = tell;
    this.told = told;
    this.guarded = guarded;
    this.failure = null;
  }

  /** The section; `codes` are what was learned, null before. */
  render(language, codes) {
    const t = (name) => pick(TEXTS[name], language);
    const isPossible = window.isSecureContext && navigator.geolocation !== undefined;
    const state = codes === null ? this.failure && t(this.failure) : t(codes.length === 0 ? 'scansNone' : 'scansFound');
    return h(
      'section',
      { class: 'scans', 'aria-labelledby': 'scans-heading' },
      h('h2', { id: 'scans-heading' }, t('scans')),
      h('p', {}, t('scansWhy')),
      h('p', { class: 'hint' }, t('scansPrivacy')),
      h('p', { role: 'status', id: 'scans-status' }, state ?? (isPossible ? '' : t('scansNotHere'))),
      codes === null &&
        isPossible &&
        h('p', { class: 'actions' }, h('button', { type: 'button', id: 'scans-tell', onclick: this.guarded(() => this.ask(t)) }, t('scansTell'))),
    );
  }

  async ask(t) {
    const status = document.getElementById('scans-status');
    status.textContent = t('scansWorking');
    let cell;
    try {
      cell = await here();
    } catch {
      this.failure = 'scansNoPlace';
      status.textContent = t(this.failure);
      return;
    }
    try {
      this.told(await this.tell(cell));
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.failure = 'scansNoAnswer';
      status.textContent = t(this.failure);
    }
  }
}
