// Questions to assistance centres and false statements in evidence files: they are told, and none of it is bent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCase } from '../src/cases.js';
import { types } from '../src/messages.js';
import { decode } from '../src/protobuf.js';
import { verifyEvidence } from '../node.js';
import { read } from './support/files.js';
import { bytesOf, golden } from './support/repository.js';

const genesis = bytesOf('chain-core/tests/data/evidence/genesis.json');
const latin = (key) => Buffer.from(key).toString('latin1');

test('routes and false statements are told', async () => {
  const { facts } = await verifyEvidence(golden('routed.evidence'), { genesis });
  const { disputes } = facts;
  const { notices, open, false_notices: first, false_declarations: second, centre_dismissed: third } = disputes;
  assert.deepEqual([notices, open, first, second, third], [5, 2, 1, 1, 1]);
  const shown = [...disputes.shown].sort((a, b) => (a.listing < b.listing ? -1 : 1));
  assert.deepEqual(
    shown.map(({ outcome, phase }) => outcome ?? phase),
    ['false-notice', 'centre-dismissed', 'without-measures', 'false-declaration', 'countered'],
  );
  assert.deepEqual(
    shown.map(({ referral }) => referral && [referral.opinion, referral.by_default]),
    [null, ['does-not-infringe', false], [null, true], ['infringes', false], null],
  );
  const found = { notices: 1, declarations: 0 };
  assert.deepEqual(
    shown.map((one) => one.complainant_before),
    [null, found, found, found, found],
  );
  const declared = { notices: 0, declarations: 1 };
  assert.deepEqual(
    shown.map((one) => one.respondent_before),
    [null, null, null, null, declared],
  );
});

test('each rule of a question counts', () => {
  const { states } = read(golden('routed.evidence'));
  const bends = [
    (d) => Object.assign(d, { referral: null, outcome: 13, phase: 5 }),
    (d) => Object.assign(d, { referral: null, outcome: 0, phase: 7 }),
    (d) => (d.referral.centre = 'market'),
    (d) => (d.referral.centre = 'carrier'),
    (d) => (d.referral.by = 'carrier'),
    (d) => (d.referral.reasons = new Uint8Array(0)),
    (d) => (d.referral.rule_book = new Uint8Array(31)),
    (d) => (d.referral.opinion_reasons = new Uint8Array(33)),
    (d) => (d.referral.opinion_rule_book = new Uint8Array(33)),
    (d) => (d.referral.closed_ms = 0n),
    (d) => (d.referral.opinion = d.referral.opinion === 0 ? 3 : 0),
    (d) => Object.assign(d, { outcome: 0, phase: 7 }),
    (d) => {
      Object.assign(d, { outcome: 13, phase: 5 });
      d.referral.opinion = 1;
    },
  ];
  let tried = 0;
  for (const { key, value } of states) {
    if (!latin(key).startsWith('dispute/') || decode(types.Dispute, value).referral === null) continue;
    const id = key.slice('dispute/'.length);
    const nothing = () => assert.fail('no record beside it');
    readCase(id, decode(types.Dispute, value), nothing);
    for (const [number, bend] of bends.entries()) {
      const bent = decode(types.Dispute, value);
      bend(bent);
      assert.throws(() => readCase(id, bent, nothing), /question to an assistance centre/, `${bent.listing} ${number}`);
      tried += 1;
    }
  }
  assert.equal(tried, 3 * bends.length);
});

test('a dispute has an outcome exactly if it has ended', () => {
  const { states } = read(golden('routed.evidence'));
  const disputes = states.filter(({ key }) => latin(key).startsWith('dispute/'));
  assert.ok(disputes.length > 0);
  for (const { key, value } of disputes) {
    const dispute = decode(types.Dispute, value);
    dispute.outcome = dispute.phase === 5 ? 0 : 11;
    const nothing = () => assert.fail('no record beside it');
    const refused = /is open and has an outcome, or has ended and has none/;
    assert.throws(() => readCase(key.slice('dispute/'.length), dispute, nothing), refused);
  }
});
