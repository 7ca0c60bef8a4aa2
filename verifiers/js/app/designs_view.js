// What files are on the ledger, as elements of the page.

import { h } from '../page/dom.js';
import { Report } from '../page/report.js';
import { printable } from '../src/printable.js';
import { TEXTS, pick } from './texts.js';

const WORDS = { disclosed: 'designDisclosed', receipt: 'designByReceipt', linked: 'designLinked' };

export class DesignsView {
  constructor(language) {
    this.language = language;
  }

  t(name) {
    return pick(TEXTS[name], this.language);
  }

  /** Where files are chosen; `take` is called with them. */
  chooser(take) {
    const input = h('input', {
      type: 'file',
      id: 'files',
      multiple: true,
      'aria-labelledby': 'filesLabel filesChoose',
      onchange: () => take([...input.files]),
    });
    return h(
      'section',
      { class: 'designs' },
      h('h2', {}, this.t('designHeading')),
      h('p', { class: 'hint' }, this.t('designNote')),
      h('p', { id: 'filesLabel', class: 'label' }, this.t('designLabel')),
      h('p', { class: 'file' }, h('span', { class: 'choose' }, input, h('label', { for: 'files', id: 'filesChoose' }, this.t('chooseFiles')))),
    );
  }

  /** What was found, file by file. */
  found({ files, receipts, linked }) {
    const heading = h('h2', { id: 'verdict', tabindex: '-1' }, this.t('designHeading'));
    if (linked) return [heading, this.design(linked, false)];
    return [
      heading,
      receipts > 0 && h('p', { class: 'hint' }, this.t('designReceipts')),
      files.length === 0 && h('p', { class: 'notice', role: 'status' }, this.t('designNoFile')),
      files.map((file) => this.file(file)),
    ];
  }

  file({ name, hash, designs, more }) {
    const known = designs.length > 0;
    return h(
      'section',
      { class: 'design-file', 'data-file': known ? 'known' : 'unknown' },
      h('h3', {}, printable(name)),
      h('p', {}, 'SHA-256 ', h('code', {}, hash)),
      !known && [h('p', { class: 'notice' }, this.t('designUnknown')), h('p', { class: 'hint' }, this.t('designUnknownHint'))],
      designs.map((design, i) => this.design(design, i === 0)),
      more && h('p', { class: 'hint' }, this.t('designMore')),
    );
  }

  design({ how, examination, facts }, isFirst) {
    const report = new Report(this.language, examination);
    return h(
      'article',
      { class: 'design', 'data-how': how },
      h(
        'p',
        { class: 'what' },
        h('strong', {}, this.t(WORDS[how])),
        isFirst && h('span', { class: 'badge' }, this.t('designFirst')),
      ),
      report.facts(facts),
      h('details', {}, h('summary', {}, this.t('proofShow')), report.examination(examination.rows)),
    );
  }
}
