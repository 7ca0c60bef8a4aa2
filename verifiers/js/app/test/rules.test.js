// The rules as a table: what each makes of what, and that each code can be said.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LEVELS,
  assess,
  checkFindings,
  checkFreshness,
  checkIdentity,
  checkLife,
  checkPrinted,
  checkRecord,
  checkUnanswered,
  namesOneThing,
  prefixDigits,
  readDate,
} from '../rules.js';
import { RULE_TEXTS, sayFinding } from '../rules_texts.js';

const NOW = Date.UTC(2026, 10, 29, 12);
const ITEM = 'https://id.gs1.org/01/09521321000018/21/1';
const MINUTE = 60_000;

const genuine = {
  item: ITEM,
  recorded: true,
  beginning: { organisation: 'maker', prefixes: ['9521321'] },
  ended: null,
  findings: [],
  printed: { lot: null, expiry: null },
  recordedLot: null,
  recordedExpiry: null,
  reservations: [],
  pinned: true,
  timeMs: NOW,
  now: NOW,
  second: { name: 'market', timeMs: NOW, fault: undefined },
};
const codes = (findings) => findings.map(({ code, level }) => `${level} ${code}`);
const verdictOf = (more) => {
  const { verdict, findings } = assess({ ...genuine, ...more });
  return [verdict, ...codes(findings)];
};

test('a thing against which nothing speaks is checked, and only then', () => {
  assert.deepEqual(verdictOf({}), ['checked']);
  assert.deepEqual(verdictOf({ pinned: false }), ['reservations', 'reservation chain-not-compared']);
  assert.deepEqual(verdictOf({ second: null }), ['checked', 'note one-server']);
  assert.deepEqual(verdictOf({ recorded: false }), ['suspect', 'suspect unknown']);
  const none = (path) => verdictOf({ item: `https://id.gs1.org${path}`, recorded: false })[1];
  for (const kind of ['/01/09521321000018', '/01/09521321000018/22/2A']) assert.equal(none(kind), 'unchecked kind-of-product');
  for (const path of ['/01/09521321000018/10/B7', '/00/095213210000000018', '/01/09521321000018/22/2A/21/1'])
    assert.equal(none(path), 'suspect unknown');
  assert.deepEqual(verdictOf({ unchecked: { code: 'no-answer', values: {} }, recorded: false }), [
    'unchecked',
    'unchecked no-answer',
  ]);
});

test('the worst comes first and decides', () => {
  assert.deepEqual(
    verdictOf({ second: null, pinned: false, findings: [{ disposition: 'damaged' }, { disposition: 'recalled' }] }),
    ['suspect', 'suspect recalled', 'reservation damaged', 'reservation chain-not-compared', 'note one-server'],
  );
});

test('only the owner of the prefix brings a thing into being', () => {
  const by = (prefixes) => codes(checkIdentity({ ...genuine, beginning: { organisation: 'x', prefixes } }));
  assert.deepEqual(by(['9521321']), []);
  assert.deepEqual(by(['0952', '9521321']), []);
  for (const prefixes of [[], ['0952132'], ['9521322'], ['21321']])
    assert.deepEqual(by(prefixes), ['suspect not-by-owner'], prefixes.join());
  assert.deepEqual(codes(checkIdentity({ ...genuine, beginning: null })), ['suspect not-commissioned']);
  const lot = 'https://id.gs1.org/01/09521321000018/10/B7';
  assert.deepEqual(codes(checkIdentity({ ...genuine, item: lot })), ['reservation not-one-thing']);
});

test('digits of prefixes begin where the key says', () => {
  for (const [item, digits] of [
    [ITEM, '9521321000018'],
    ['https://id.gs1.org/00/095210010000000017', '95210010000000017'],
    ['https://id.gs1.org/8003/09521321000018A1', '9521321000018A1'],
    ['https://id.gs1.org/8004/9521321A', '9521321A'],
    ['https://example.org/01/09521321000018', null],
  ])
    assert.equal(prefixDigits(item), digits, item);
});

test('a code with a serial number names one thing', () => {
  for (const [path, isOne] of [
    ['01/09521321000018/21/1', true],
    ['01/09521321000018/235/1', true],
    ['00/095210010000000017', true],
    ['8004/9521321A', true],
    ['8003/09521321000018A1', true],
    ['8003/09521321000018', false],
    ['01/09521321000018', false],
    ['01/09521321000018/10/B7', false],
    ['414/9521321000018', false],
  ])
    assert.equal(namesOneThing(`https://id.gs1.org/${path}`), isOne, path);
});

test('ends and findings', () => {
  for (const [how, level] of [
    ['sold', 'reservation'],
    ['consumed', 'suspect'],
    ['destroyed', 'suspect'],
    ['decommissioned', 'suspect'],
  ])
    assert.deepEqual(codes(checkLife({ ended: { how } })), [`${level} ended-${how}`]);
  const found = (disposition) => codes(checkFindings({ findings: [{ disposition }] }));
  assert.deepEqual(found('recalled'), ['suspect recalled']);
  assert.deepEqual(found('stolen'), ['suspect stolen']);
  assert.deepEqual(found('non_conformant'), ['reservation non-conformant']);
  assert.deepEqual(found('conformant'), []);
});

test('what is printed must be what is recorded', () => {
  const check = (printed, recordedLot, recordedExpiry) =>
    codes(checkPrinted({ printed: { lot: null, expiry: null, ...printed }, recordedLot, recordedExpiry, now: NOW }));
  assert.deepEqual(check({ lot: 'B7', expiry: '311231' }, 'B7', '2031-12-31'), []);
  assert.deepEqual(check({ lot: 'B8' }, 'B7', null), ['suspect lot-differs']);
  assert.deepEqual(check({ expiry: '311230' }, null, '2031-12-31T00:00:00Z'), ['suspect expiry-differs']);
  assert.deepEqual(check({ expiry: '311200' }, null, '2031-12-31'), []);
  assert.deepEqual(check({ expiry: '261128' }, null, null), []);
  assert.deepEqual(check({ expiry: '261127' }, null, null), ['suspect expired']);
  assert.deepEqual(check({}, null, '2026-11-01'), ['suspect expired']);
  assert.deepEqual(check({ expiry: '261332' }, null, null), ['reservation expiry-unreadable']);
  // What one side doesn't say, the other can't contradict.
  assert.deepEqual(check({ lot: 'B8' }, null, null), []);
});

test('dates of labels', () => {
  for (const [source, date] of [
    ['260228', '2026-02-28'],
    ['280200', '2028-02-29'],
    ['260230', null],
    ['760101', '2076-01-01'],
    ['770101', '1977-01-01'],
    ['2026-02-28', '2026-02-28'],
    ['2026-02-30', null],
    ['soon', null],
  ])
    assert.equal(readDate(source, NOW), date, source);
});

test('an old answer and a second one that is newer are told', () => {
  const fresh = (timeMs, second, now = NOW) => codes(checkFreshness({ timeMs, now, second }));
  const with_ = (timeMs, fault) => ({ name: 'market', timeMs, fault });
  assert.deepEqual(fresh(NOW, with_(NOW)), []);
  assert.deepEqual(fresh(NOW - 9 * MINUTE, with_(NOW - 9 * MINUTE)), []);
  assert.deepEqual(fresh(NOW - 11 * MINUTE, with_(NOW - 11 * MINUTE)), ['reservation stale']);
  assert.deepEqual(fresh(NOW - 11 * MINUTE, with_(NOW)), ['reservation behind']);
  assert.deepEqual(fresh(NOW, with_(NOW - 60 * MINUTE)), []);
  assert.deepEqual(fresh(NOW, with_(null, 'silent')), ['note second-silent']);
  assert.deepEqual(fresh(NOW, with_(null, 'refused')), ['reservation second-refused']);
});

test('what was asked besides and not answered is a reservation', () => {
  assert.deepEqual(codes(checkUnanswered({ unanswered: ['lot', 'opening'] })), [
    'reservation lot-no-answer',
    'reservation opening-no-answer',
  ]);
  assert.deepEqual(verdictOf({ unanswered: ['lot'] }), ['reservations', 'reservation lot-no-answer']);
  assert.deepEqual(verdictOf({ unanswered: [] }), ['checked']);
});

test("the proof's reservations are said", () => {
  assert.deepEqual(codes(checkRecord({ reservations: ['genesis', 'keys', 'custody', 'independence'] })), [
    'reservation proof-keys',
    'reservation proof-custody',
    'note proof-independence',
  ]);
});

test('each code has a sentence and an advice in both languages', () => {
  const values = new Proxy({}, { get: () => 'X' });
  for (const [code, entry] of Object.entries(RULE_TEXTS)) {
    for (const language of ['en', 'zh']) {
      const { sentence, advice } = sayFinding({ code, values }, language);
      assert.ok(sentence.length > 4 && advice.length > 4, `${code}, ${language}`);
      assert.equal(/[\u4e00-\u9fff]/.test(sentence + advice), language === 'zh', `${code}, ${language}`);
    }
    assert.equal(entry.advice.length, 2);
  }
  assert.deepEqual(LEVELS, ['unchecked', 'suspect', 'reservation', 'note']);
});
