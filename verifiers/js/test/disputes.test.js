// Disputes and licences in evidence files: draw, verdict and authorisation are found again, and nothing is bent or hidden.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkReview, drawJurors } from '../src/disputes.js';
import { types } from '../src/messages.js';
import { decode } from '../src/protobuf.js';
import { verifyEvidence } from '../node.js';
import { Report } from '../page/report.js';
import { read, write } from './support/files.js';
import { bytesOf, golden } from './support/repository.js';

const genesis = bytesOf('chain-core/tests/data/evidence/genesis.json');
const examine = (file) => verifyEvidence(file, { genesis });
const keyOf = ({ key }) => Buffer.from(key).toString('latin1');
const failed = ({ checks }) => checks.filter(({ result }) => result === 'failed').map(({ element }) => element);

test('draw, verdict and authorisation come from one file', async () => {
  const { facts } = await examine(golden('disputed.evidence'));
  const { disputes, authorisations } = facts;
  assert.deepEqual([disputes.notices, disputes.panel_upheld, disputes.panel_dismissed], [3, 1, 1]);
  const outcomes = disputes.shown.map(({ outcome }) => outcome).sort();
  assert.deepEqual(outcomes, ['panel-dismissed', 'panel-upheld']);
  const verdicts = disputes.shown.flatMap(({ review }) => review.panels.map(({ verdict }) => verdict)).sort();
  assert.deepEqual(verdicts, ['dismissed', 'upheld', 'upheld']);
  const answers = authorisations.map(({ seller, answer, owner }) => [seller, answer, owner]);
  assert.deepEqual(answers, [
    ['maker', 'yes', true],
    ['nobody', 'no', false],
    ['office', 'yes', false],
    ['office', 'no', false],
  ]);
});

test('a dispute is shown in the order of time', async () => {
  const { facts } = await examine(golden('disputed.evidence'));
  globalThis.document = { createElement: () => ({ setAttribute() {}, append() {} }) };
  const rows = new Report('en', {}).rightRows(facts);
  delete globalThis.document;
  const lines = rows.map(([, lines]) => lines.filter((line) => typeof line === 'string'));
  const one = lines.find((lines) => lines.some((line) => line.endsWith(': dismissed by a panel'))).join('\n');
  const places = [': noticed', 'upheld; jurors', 'dismissed; jurors', ': dismissed by a panel'].map((part) =>
    one.indexOf(part),
  );
  assert.ok(!places.includes(-1), one);
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
    one,
  );
});

test('a draw is an order of places', () => {
  const first = [29, 95, 77, 8, 89, 78, 67, 66, 81, 12, 63, 73];
  assert.deepEqual(drawJurors(new Uint8Array(32).fill(7), 97, 12, new Set()), first);
  const all = drawJurors(new Uint8Array(32), 50, 50, new Set());
  assert.deepEqual(
    [...all].sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i),
  );
  const left = all.filter((juror) => juror % 3 > 0);
  assert.deepEqual(drawJurors(new Uint8Array(32), 50, 50, new Set(all.filter((j) => j % 3 === 0))), left);
});

test('no record can be left out', async () => {
  const whole = read(golden('disputed.evidence'));
  const about = ['dispute', 'panel/', 'draw/', 'authorised/', 'licence-end/', 'right/'];
  let hidden = 0;
  for (const { key } of whole.states.filter((state) => about.some((prefix) => keyOf(state).startsWith(prefix)))) {
    const states = whole.states.filter((state) => state.key !== key);
    assert.notDeepEqual(failed(await examine(write({ ...whole, states }))), [], keyOf({ key }));
    hidden += 1;
  }
  assert.ok(hidden >= 12);
});

test('what is asked is in order, and answered whole', async () => {
  const whole = read(golden('disputed.evidence'));
  const { ids } = whole.disputes;
  const many = Array.from({ length: 33 }, (_, i) => new Uint8Array(32).fill(i));
  for (const [disputes, element] of [
    [{ ids: ids.slice(1) }, 'state'],
    [null, 'state'],
    [{ ids: [...ids].reverse() }, 'disputes'],
    [{ ids: [...ids, ids[1]] }, 'disputes'],
    [{ ids: [ids[0].slice(1), ids[1]] }, 'disputes'],
    [{ ids: many }, 'disputes'],
  ]) {
    const bent = { ...whole, disputes: disputes && { parties: [], ...disputes } };
    assert.deepEqual(failed(await examine(write(bent))), [element]);
  }
  const { questions } = whole;
  for (const bent of [
    [...questions].reverse(),
    [questions[0], ...questions],
    questions.map((one) => ({ ...one, act: 5 })),
    Array.from({ length: 33 }, (_, i) => ({ ...questions[0], time_ms: BigInt(i) })),
  ]) {
    assert.deepEqual(failed(await examine(write({ ...whole, questions: bent }))), ['authorisations']);
  }
  assert.deepEqual(failed(await examine(write({ ...whole, questions: questions.slice(0, 1) }))), ['state']);
});

test('each field of the records counts', () => {
  const whole = read(golden('disputed.evidence'));
  const find = (type, prefix) => {
    const { value } = whole.states.find((state) => keyOf(state).startsWith(prefix));
    return decode(types[type], value);
  };
  const recordOf = (id) => {
    const name = Buffer.from(id).toString('latin1');
    const dispute = find('Dispute', `dispute/${name}`);
    const panels = Array.from({ length: dispute.review.instance + 1 }, (_, i) => {
      const panel = find('Panel', `panel/${name}\0\0\0${String.fromCharCode(i)}`);
      const number = Buffer.alloc(8);
      number.writeBigUInt64BE(panel.draw);
      return { panel, draw: find('Draw', `draw/${number.toString('latin1')}`) };
    });
    return { dispute, panels };
  };
  const told = whole.disputes.ids.map(recordOf).find(({ panels }) => panels.length === 2);
  checkReview(told.dispute, told.panels);
  const flip = (bytes) => (bytes[0] ^= 1);
  for (const bend of [
    ({ dispute }) => flip(dispute.subject),
    ({ dispute }) => (dispute.respondent = 'x'),
    ({ dispute }) => (dispute.outcome = 11),
    ({ dispute }) => (dispute.review.ground = 2),
    ({ dispute }) => (dispute.review.results[0].verdict = 2),
    ({ dispute }) => (dispute.review.results[0].uphold = 2),
    ({ dispute }) => (dispute.review.results[1].dismiss = 4),
    ({ dispute }) => flip(dispute.review.results[1].reasons),
    ({ panels }) => panels.pop(),
    ({ panels }) => flip(panels[0].panel.root),
    ({ panels }) => (panels[0].panel.count = 21),
    ({ panels }) => flip(panels[0].panel.seed),
    ({ panels }) => panels[0].panel.seats.pop(),
    ({ panels }) => (panels[1].panel.seats[0].juror = 99),
    ({ panels }) => (panels[0].panel.seats[0].choice = 2),
    ({ panels }) => (panels[0].panel.seats[0].state = 1),
    ({ panels }) => flip(panels[1].panel.seats[0].reasons),
    ({ panels }) => flip(panels[0].draw.values[0].preimage),
    ({ panels }) => (panels[0].draw.values[0].preimage = new Uint8Array(0)),
    ({ panels }) => (panels[0].draw.closed_height = 0n),
  ]) {
    const bent = structuredClone(told);
    bend(bent);
    assert.throws(() => checkReview(bent.dispute, bent.panels), { name: 'Refusal' }, bend.toString());
  }
});
