// Who has a thing, and what was offered, answered and claimed, by records as they stand in the state.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { be64, concat, hex, utf8 } from '../src/bytes.js';
import { readCustody } from '../src/custody.js';
import { isDoubtful, readHandovers } from '../src/handovers.js';
import { types } from '../src/messages.js';
import { emptyMessage, encode } from '../src/protobuf.js';
import { MissingValue } from '../src/refusal.js';

const at = (height) => ({ height: BigInt(height), transaction: 0, event: 0 });
const held = (holder, height, basis = 3) => ({
  holder,
  basis,
  since: at(height),
  offer: new Uint8Array(0),
  discrepancy: '',
});
const packed = (container, height, generation = 0n) => ({ container, since: at(height), generation });

/** A state of messages by key; `ask` notes the keys. */
function state(records) {
  const values = new Map();
  for (const [key, type, fields] of records) {
    values.set(hex(key), fields === null ? null : encode(type, { ...emptyMessage(type), ...fields }));
  }
  const asked = [];
  const ask = (...parts) => {
    const key = hex(concat(...parts.map((part) => (typeof part === 'string' ? utf8(part) : part))));
    if (!values.has(key)) throw new MissingValue(key);
    asked.push(key);
    return values.get(key);
  };
  return { ask, asked };
}

const item = (name, fields) => [utf8(`item/${name}`), types.Item, fields];
const emptying = (name, generation, fields) => [
  concat(utf8('emptying/'), be64(generation), utf8(name)),
  types.Emptying,
  { position: at(9), ...fields },
];

function custody(...records) {
  const { ask, asked } = state(records);
  const read = readCustody('a', ask, 100n);
  assert.equal(asked.length, records.length, 'everything is asked for');
  return read;
}

const holder = (...records) => custody(...records).custody?.holder ?? null;

test('a loose thing has its own custody', () => {
  assert.equal(holder(item('a', { custody: held('maker', 1) })), 'maker');
  assert.equal(holder(item('a', {})), null);
  assert.equal(holder(item('a', null)), null);
});

test('a packed thing is with who got the outermost container since', () => {
  const a = item('a', { custody: held('maker', 1), packed: packed('c', 3) });
  assert.equal(holder(a, item('c', { custody: held('maker', 2) })), 'maker');
  assert.equal(holder(a, item('c', { custody: held('carrier', 4) })), 'carrier');
  // Before the packing, or in the same event, is not since.
  assert.equal(holder(a, item('c', { custody: held('market', 3) })), 'maker');
  assert.equal(holder(a, item('c', {})), 'maker');
  assert.equal(
    holder(item('a', { packed: packed('c', 3) }), item('c', { custody: held('market', 1) })),
    'market',
  );
});

test('through containers, from the outer one inwards', () => {
  const a = item('a', { custody: held('maker', 1), packed: packed('c', 3) });
  const c = item('c', { custody: held('maker', 2), packed: packed('p', 5) });
  assert.equal(holder(a, c, item('p', { custody: held('carrier', 6) })), 'carrier');
  assert.equal(holder(a, c, item('p', { custody: held('carrier', 5) })), 'maker');
});

test('what an emptied container held is loose, with who had it then', () => {
  const a = item('a', { custody: held('maker', 1), packed: packed('c', 3) });
  const c = item('c', { generation: 1n, custody: held('market', 20), offer: Uint8Array.of(1) });
  assert.equal(holder(a, c, emptying('c', 0, { custody: held('carrier', 8) })), 'carrier');
  assert.equal(holder(a, c, emptying('c', 0, { custody: held('carrier', 2) })), 'maker');
  assert.equal(holder(a, c, emptying('c', 0, {})), 'maker');
  const { ask } = state([a, c, [concat(utf8('emptying/'), be64(0), utf8('c')), types.Emptying, null]]);
  assert.throws(() => readCustody('a', ask, 1n), { name: 'Refusal' });
});

test('17 containers are around a thing, and one that was emptied since is none of them', () => {
  const name = (n) => (n === 0 ? 'a' : `c${n}`);
  const nested = (count) => Array.from({ length: count }, (_, n) => item(name(n), { packed: packed(name(n + 1), 30 - n) }));
  const custodyBeyond = (count, last) => custody(...nested(count), item(name(count), last));
  assert.equal(custodyBeyond(17, { custody: held('carrier', 40) }).custody.holder, 'carrier');
  const emptied = [...nested(18), item('c18', { generation: 1n }), emptying('c18', 0, { custody: held('maker', 40) })];
  assert.equal(custody(...emptied).custody.holder, 'maker');
  assert.throws(() => custodyBeyond(18, {}), { name: 'Refusal' });
});

test("claims, ends and offers of the containers count, those of an emptied one don't", () => {
  const claim = { organisation: 'market', since: at(7), reason: 'ours' };
  const end = { how: 1, position: at(8) };
  const offer = [
    concat(utf8('offer/'), Uint8Array.of(5)),
    types.Offer,
    { to: 'shop', deadline_ms: 100n, position: at(6) },
  ];
  const c = { claims: [claim], ended: end, offer: Uint8Array.of(5) };
  const inside = custody(item('a', { packed: packed('c', 3) }), item('c', c), offer);
  assert.deepEqual(
    inside.claims.map(({ item: name, reason }) => [name, reason]),
    [['c', 'ours']],
  );
  assert.equal(inside.ended.how, 1);
  assert.equal(inside.offer.to, 'shop');
  const outside = custody(
    item('a', { packed: packed('c', 3) }),
    item('c', { ...c, generation: 2n }),
    emptying('c', 0, {}),
  );
  assert.deepEqual([outside.claims, outside.ended, outside.offer], [[], null, null]);
});

test('an offer is open until its deadline or its answer', () => {
  const a = item('a', { offer: Uint8Array.of(5) });
  const offer = (fields) => custody(a, [concat(utf8('offer/'), Uint8Array.of(5)), types.Offer, fields]).offer;
  assert.equal(offer({ deadline_ms: 100n, position: at(1) }).deadline_ms, 100n);
  assert.equal(offer({ deadline_ms: 99n, position: at(1) }), null);
  assert.equal(offer({ deadline_ms: 100n, position: at(1), outcome: 1 }), null);
  assert.equal(offer(null), null);
});

const ID = Uint8Array.of(7);
const capture = (height, organisation, fields) => ({
  height: BigInt(height),
  index: 0,
  id: ID,
  organisation,
  capture_events: { events: [], offer: null, answer: null, claim: null, ...fields },
});
const offers = capture(2, 'maker', { offer: { to: 'shop', deadline_ms: 50n } });
const answers = (fields) =>
  capture(3, 'shop', { answer: { offer: ID, outcome: 1, discrepancy: '', ...fields } });
const record = (fields) => [
  concat(utf8('offer/'), ID),
  types.Offer,
  { from: 'maker', to: 'shop', deadline_ms: 50n, position: at(2), ...fields },
];

function handovers(transactions, fields, time = 40n, lenient = false) {
  const { ask } = state(fields === undefined ? [] : [record(fields)]);
  return readHandovers(transactions, ask, lenient, time);
}

test('an offer is what its record says became of it', () => {
  const status = (fields, time) => handovers([offers], fields, time)[0].offer.status;
  assert.equal(status({}), 'open');
  assert.equal(status({}, 50n), 'open');
  assert.equal(status({}, 51n), 'void');
  assert.equal(status({ outcome: 1 }), 'accepted');
  assert.equal(status({ outcome: 2 }), 'rejected');
  assert.equal(status({ outcome: 3 }), 'accepted-with-discrepancy');
  assert.equal(status({ outcome: 4 }), 'withdrawn');
  const other = [{ from: 'shop' }, { to: 'market' }, { deadline_ms: 51n }, { position: at(3) }, { outcome: 5 }];
  for (const fields of other) assert.throws(() => handovers([offers], fields), { name: 'Refusal' });
  assert.throws(() => handovers([offers], undefined), { name: 'Refusal' });
});

test('an answer agrees with the record', () => {
  const accepted = { outcome: 1, answered: at(3) };
  assert.equal(handovers([answers()], accepted)[0].answer.status, 'accepted');
  const refuse = (fields, changed = accepted, by = 'shop') =>
    assert.throws(() => handovers([{ ...answers(fields), organisation: by }], changed), { name: 'Refusal' });
  refuse({ outcome: 2 });
  refuse({ outcome: 0 }, { outcome: 0, answered: at(3) });
  refuse({ discrepancy: 'one is missing' });
  refuse({}, { outcome: 1 });
  refuse({}, { outcome: 1, answered: at(4) });
  refuse({}, accepted, 'maker');
  const withdrawn = { outcome: 4, answered: at(3) };
  refuse({ outcome: 4 }, withdrawn, 'shop');
  const own = { ...answers({ outcome: 4 }), organisation: 'maker' };
  assert.equal(handovers([own], withdrawn)[0].answer.status, 'withdrawn');
});

test('claims and discrepancies are to be weighed', () => {
  const doubtful = (transactions, fields) => handovers(transactions, fields).map(isDoubtful);
  assert.deepEqual(doubtful([offers], {}), [false]);
  assert.deepEqual(doubtful([offers], { outcome: 3, discrepancy: 'wet' }), [true]);
  assert.deepEqual(doubtful([answers()], { outcome: 1, answered: at(3) }), [false]);
  const wet = { outcome: 3, discrepancy: 'wet' };
  assert.deepEqual(doubtful([answers(wet)], { ...wet, answered: at(3) }), [true]);
  assert.deepEqual(doubtful([capture(4, 'market', { claim: { reason: 'ours' } })], {}), [true]);
  assert.deepEqual(doubtful([capture(4, 'market', {})], {}), []);
});

test('in a file of the first version records may be missing', () => {
  const read = handovers([offers, answers()], undefined, 40n, true);
  assert.equal(read[0].offer.status, null);
  assert.equal(read[1].answer.status, 'accepted');
});
