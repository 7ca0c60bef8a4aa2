// Who vouched for a designer: told, and neither hidden nor bent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { types } from '../src/messages.js';
import { decode, encode } from '../src/protobuf.js';
import { Examination } from '../src/examination.js';
import { verifyEvidence } from '../node.js';
import { read, write } from './support/files.js';
import { bytesOf, golden } from './support/repository.js';

const genesis = bytesOf('chain-core/tests/data/evidence/genesis.json');
const examine = (file) => verifyEvidence(file, { genesis });
const keyOf = ({ key }) => Buffer.from(key).toString('latin1');

test('who vouched is told', async () => {
  const { facts } = await examine(golden('vouched.evidence'));
  const { vouching } = facts.deposit;
  assert.deepEqual([vouching.voucher, vouching.name, vouching.check], ['market', 'Lin', 'in-person']);
  assert.equal(vouching.withdrawn_ms, null);
  const later = await examine(golden('withdrawn.evidence'));
  assert.equal(later.facts.deposit.vouching.withdrawn_reason, 'a false passport');
});

test('a file without the vouching, or without the voucher, proves nothing', async () => {
  for (const prefix of ['vouching/', 'organisation/market']) {
    const evidence = read(golden('vouched.evidence'));
    evidence.states = evidence.states.filter((state) => !keyOf(state).startsWith(prefix));
    const { checks } = await examine(write(evidence));
    const failed = checks.filter(({ result }) => result === 'failed').map(({ element }) => element);
    assert.deepEqual(failed, ['completeness'], prefix);
  }
});

test('every changed value is refused', () => {
  const evidence = read(golden('withdrawn.evidence'));
  const valueOf = (prefix) => evidence.states.find((state) => keyOf(state).startsWith(prefix));
  const design = decode(types.Design, valueOf('design/').value);
  const { key, value } = valueOf('vouching/');
  const office = valueOf('organisation/market').value;
  const judge = (bend) => {
    const [found, record] = [decode(types.Vouching, value), structuredClone(design)];
    bend(found, record);
    const examination = new Examination();
    const names = [key, ...['organisation/market', 'organisation/office'].map((name) => Buffer.from(name))];
    const values = [encode(types.Vouching, found), office, office];
    examination.values = new Map(names.map((name, i) => [Buffer.from(name).toString('hex'), values[i]]));
    examination.asked = new Set();
    examination.names = new Map();
    examination.vouched(record);
  };
  judge(() => {});
  const { position, time_ms: time } = design;
  for (const bend of [
    (found) => (found.voucher = 'office'),
    (found) => (found.designer = 'market.lim'),
    (found) => (found.from_ms = time + 1n),
    (found) => (found.until_ms = time - 1n),
    (found) => (found.position = position),
    (found) => (found.withdrawn.position = position),
    (found) => (found.check = 0),
    (found) => (found.check = 5),
    (_, record) => (record.vouching = null),
    (_, record) => (record.vouching = 7n),
    (_, record) => (record.organisation = 'market'),
    (_, record) => (record.organisation = 'office.lin'),
  ]) {
    assert.throws(() => judge(bend), undefined, bend.toString());
  }
});
