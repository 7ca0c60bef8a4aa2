// Checks, hand-overs and sanctions in evidence files: all that a dispute tells of is shown, and none of it is bent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDisputes, readQuestions } from '../src/disputes.js';
import { types } from '../src/messages.js';
import { decode, encode } from '../src/protobuf.js';
import { verifyEvidence } from '../node.js';
import { read, write } from './support/files.js';
import { bytesOf, golden } from './support/repository.js';

const genesis = bytesOf('chain-core/tests/data/evidence/genesis.json');
const examine = (file) => verifyEvidence(file, { genesis });
const failed = ({ checks }) => checks.filter(({ result }) => result === 'failed').map(({ element }) => element);
const latin = (bytes) => Buffer.from(bytes).toString('latin1');
const ABOUT = ['check/', 'sanction/', 'sanctions', 'vouched/'];

test('all of it is told', async () => {
  const { facts } = await examine(golden('sanctioned.evidence'));
  const { shown, parties } = facts.disputes;
  const [first, second] = [...shown].sort((a, b) => (a.listing < b.listing ? -1 : 1));
  assert.deepEqual(
    first.checks.map(({ kind, state, verdict, seal_confirmed: seal }) => [kind, state, verdict, seal]),
    [
      ['test-purchase', 'closed', 'not-authentic', true],
      ['test-purchase', 'closed', 'undetermined', false],
      ['spot-check', 'closed', 'not-authentic', null],
      ['supervisor-notice', 'closed', null, null],
      ['supervisor-notice', 'waits', null, null],
    ],
  );
  assert.deepEqual(
    first.handovers.map(({ from, to, state }) => [from, to, state]),
    [
      ['office', 'tribunal', 'accepted'],
      ['tribunal', 'office', 'lapsed'],
    ],
  );
  assert.equal(first.sanctions[0].outcome, 'confirmed');
  assert.equal(second.sanctions[0].registered_as, '91310000');
  assert.deepEqual(
    parties.map(({ organisation, imposed, registered_as: number }) => [organisation, imposed, number]),
    [
      ['carrier', 1, null],
      ['market.lin', 1, '91310000'],
    ],
  );
  assert.equal(facts.authorisations[0].answer, 'no');
});

test('nothing can be left out', async () => {
  const whole = read(golden('sanctioned.evidence'));
  const hidden = whole.states.filter(({ key }) => ABOUT.some((prefix) => latin(key).startsWith(prefix)));
  assert.equal(hidden.length, 11);
  for (const state of hidden) {
    const states = whole.states.filter((other) => other !== state);
    assert.notDeepEqual(failed(await examine(write({ ...whole, states }))), [], latin(state.key));
  }
  const { parties } = whole.disputes;
  for (const [bent, element] of [
    [parties.slice(0, 1), 'state'],
    [[...parties].reverse(), 'disputes'],
    [[...parties, 'market.lin'], 'disputes'],
  ]) {
    const disputes = { ...whole.disputes, parties: bent };
    assert.deepEqual(failed(await examine(write({ ...whole, disputes }))), [element]);
  }
});

test('a sanction bars from its block to its end', () => {
  const { states, questions, design } = read(golden('sanctioned.evidence'));
  const values = new Map(states.map(({ key, value }) => [latin(key), value]));
  const list = decode(types.PartySanctions, values.get('sanctions/carrier'));
  const [held] = list.held;
  // The file needs no licence for its no.
  const licence = {
    licence: new Uint8Array(32),
    above: [],
    acts: [3],
    territories: ['CN'],
    from_ms: 0n,
    until_ms: 2n ** 60n,
    ended_ms: 0n,
  };
  const licences = encode(types.Authorisations, { licences: [licence], told_from_ms: 0n });
  values.set(`authorised/${latin(design)}carrier`, licences);
  const verdict = (time, sanctions) => {
    const told = new Map(values).set('sanctions/carrier', encode(types.PartySanctions, sanctions));
    const ask = (...parts) => told.get(parts.map((part) => (typeof part === 'string' ? part : latin(part))).join(''));
    return readQuestions(design, [{ ...questions[0], time_ms: time }], ask)[0].verdict;
  };
  assert.equal(verdict(held.from_ms - 1n, list), 'yes');
  assert.equal(verdict(held.from_ms, list), 'no');
  assert.equal(verdict(held.until_ms, list), 'no');
  const now = questions[0].time_ms;
  assert.equal(verdict(now, { ...list, held: [{ ...held, kind: 1 }] }), 'yes');
  assert.equal(verdict(now, { ...list, held: [{ ...held, subjects: [new Uint8Array(32)] }] }), 'yes');
  assert.equal(verdict(now, { ...list, held: [], told_from_ms: now + 1n }), 'untold');
});

test('each rule counts', () => {
  const { states, disputes, design } = read(golden('sanctioned.evidence'));
  const values = new Map(states.map(({ key, value }) => [latin(key), value]));
  const ask =
    (records) =>
    (...parts) =>
      records.get(parts.map((part) => (typeof part === 'string' ? part : latin(part))).join(''));
  const examined = (records) => readDisputes(design, disputes.ids, disputes.parties, ask(records));
  examined(values);
  const late = 2n ** 60n;
  const none = new Uint8Array(0);
  const zeros = new Uint8Array(32);
  const longer = (bytes) => Uint8Array.of(...bytes, 1);
  const bends = {
    Dispute: [
      (r) => (r.authority = 'office'),
      (r) => (r.handovers[0].from = 'tribunal'),
      (r) => (r.handovers[0].to = 'office'),
      (r) => (r.handovers[0].closed_ms = late),
      (r) => (r.handovers[0].rule_book = none),
      (r) => r.handovers.reverse(),
      (r) => (r.handovers[1].state = 0),
      (r) => (r.handovers[1].closed_ms = 1n),
    ],
    CaseCheck: [
      (r) => (r.dispute = zeros),
      (r) => (r.rule_book = none),
      (r) => (r.answer = longer(r.answer)),
      (r) => (r.answer_rule_book = longer(r.answer_rule_book)),
      (r) => (r.state = 2),
    ],
    Sanction: [
      (r) => (r.party = 'maker'),
      (r) => (r.grounds = [zeros]),
      (r) => (r.rule_book = none),
      (r) => (r.decision = longer(r.decision)),
      (r) => (r.decision_rule_book = longer(r.decision_rule_book)),
      (r) => (r.outcome = 4),
      (r) => (r.outcome = 2),
      (r) => (r.until_ms += 1n),
      (r) => (r.from_ms += 1n),
      (r) => (r.kind = 2),
      (r) => (r.closed_ms = late),
    ],
    PartySanctions: [(r) => (r.imposed = 0n), (r) => (r.confirmed = 2n), (r) => (r.not_decided = 2n)],
  };
  const prefixes = {
    'dispute/': 'Dispute',
    'check/': 'CaseCheck',
    'sanction/': 'Sanction',
    sanctions: 'PartySanctions',
  };
  let tried = 0;
  for (const [key, value] of values) {
    const found = Object.entries(prefixes).find(([prefix]) => key.startsWith(prefix));
    if (found === undefined) continue;
    const type = types[found[1]];
    if (found[1] === 'Dispute' && decode(type, value).handovers.length === 0) continue;
    for (const [number, bend] of bends[found[1]].entries()) {
      const record = decode(type, value);
      bend(record);
      const bent = new Map(values).set(key, encode(type, record));
      assert.throws(() => examined(bent), undefined, `${found[1]} ${number}`);
      tried += 1;
    }
  }
  assert.ok(tried >= 60, `${tried}`);
  // A verdict takes a whole seal, and nobody decides about its own sanction.
  for (const [key, value] of values) {
    if (key.startsWith('check/')) {
      const check = decode(types.CaseCheck, value);
      if (check.seal_confirmed !== 1) continue;
      check.seal_confirmed = 0;
      assert.throws(() => examined(new Map(values).set(key, encode(types.CaseCheck, check))));
      check.verdict = 3;
      examined(new Map(values).set(key, encode(types.CaseCheck, check)));
    } else if (key.startsWith('sanction/')) {
      const sanction = decode(types.Sanction, value);
      if (sanction.appealed_ms === 0n) continue;
      for (const own of ['issuer', 'party']) {
        const bent = { ...sanction, authority: sanction[own] };
        assert.throws(() => examined(new Map(values).set(key, encode(types.Sanction, bent))));
      }
    }
  }
});
