// Every text of the pages has its Chinese, and every word that a record of a case can say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TEXTS as APP_TEXTS } from '../app/texts.js';
import { verifyEvidence } from '../node.js';
import * as page from '../page/texts.js';
import { ACTS } from '../src/authorisation.js';
import * as cases from '../src/cases.js';
import { OPINIONS, OUTCOMES, PHASES, VERDICTS } from '../src/facts.js';
import { printable } from '../src/printable.js';
import { golden } from './support/repository.js';

const CHINESE = /\p{Script=Han}/u;

test('every text has its English and its Chinese, each in its own language', () => {
  const tables = { app: APP_TEXTS, page: page.TEXTS, words: page.WORDS, endings: page.ENDINGS, bases: page.BASES };
  for (const [table, texts] of Object.entries({ ...tables, statuses: page.STATUSES, exhibits: page.EXHIBITS })) {
    for (const [name, [english, chinese]] of Object.entries(texts)) {
      // What names the other language is written in it.
      const [en, zh] = name === 'other' ? [chinese, english] : [english, chinese];
      assert.ok(en.length > 0 && !CHINESE.test(en), `${table}, ${name}: ${en}`);
      assert.match(zh, CHINESE, `${table}, ${name}`);
    }
  }
});

test('every word of disputes, checks, hand-overs, sanctions and answers has its text', () => {
  const { CHECK_KINDS, SAMPLE_VERDICTS, CHECK_STATES, HAND_OVER_STATES, SANCTION_KINDS, SANCTION_OUTCOMES } = cases;
  const ofCases = [CHECK_KINDS, SAMPLE_VERDICTS, CHECK_STATES, HAND_OVER_STATES, SANCTION_KINDS, SANCTION_OUTCOMES];
  const words = [...ofCases, PHASES, OUTCOMES, OPINIONS, VERDICTS, Object.values(ACTS), ['yes', 'no', 'untold', 'unspecified']];
  for (const word of words.flat().filter(Boolean)) {
    assert.ok(Object.hasOwn(page.WORDS, word), word);
    assert.match(page.wordText(word, 'zh'), CHINESE, word);
    assert.doesNotMatch(page.wordText(word, 'en'), CHINESE, word);
  }
});

test('a dispute with its checks and sanctions is told in the language of the page', async () => {
  const { facts } = await verifyEvidence(golden('sanctioned.evidence'));
  // No browser: of an element its text is kept.
  const element = () => ({ text: '', append(...parts) { this.text += parts.join(''); }, setAttribute() {} });
  globalThis.document = { createElement: element, createTextNode: String };
  const { Report } = await import('../page/report.js');
  const told = (language) => {
    const rows = new Report(language, { names: {} }).rightRows(facts);
    return rows.flatMap(([, lines]) => lines.filter((line) => typeof line === 'string')).join('\n');
  };
  const [english, chinese] = [told('en'), told('zh')];
  const said = ['test purchase', 'not authentic', 'handed over:', 'may not sell', 'confirmed on appeal', 'warning'];
  for (const word of said) assert.ok(english.includes(word), word);
  for (const word of ['试购', '非真品', '案件移送：', '禁止销售', '复议维持', '警告', '工商登记号： 91310000', '不可以'])
    assert.ok(chinese.includes(word), `${word}\n${chinese}`);
  assert.doesNotMatch(english, CHINESE);
  for (const [english] of Object.values(page.WORDS))
    assert.ok(!new RegExp(`(^|[ :,;])${english}($|[ :,;])`, 'm').test(chinese), `${english}\n${chinese}`);
});

test('marks that reorder or hide text are shown', () => {
  // Those that `plain` of cli/src/output.rs escapes.
  for (const mark of ['\u00ad', '\u061c', '\u200b', '\u202e', '\u2028', '\u2060', '\ufeff', '\u{e0061}'])
    assert.match(printable(`a${mark}b`), /^a\[U\+[0-9A-F]{4,5}\]b$/, escape(mark));
  assert.equal(printable('Zürich 東京 👍🏽'), 'Zürich 東京 👍🏽');
});
