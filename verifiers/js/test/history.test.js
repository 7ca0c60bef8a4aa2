// Histories through containers, told as small stories.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../src/bytes.js';
import { sha256 } from '../src/hashes.js';
import { Histories, readContainment } from '../src/history.js';

const id = (name) => `id.example:${name}`;

/**
 * A ledger of one event a block. An event is `[action, container, …children]`, or `['see', …things]`; a `-` before a
 * name leaves its entry's content out of the file.
 */
function ledger(...events) {
  const links = new Map();
  const transactions = [];
  events.forEach(([action, ...names], i) => {
    const height = BigInt(i + 1);
    const things = names.map((name) => id(name));
    const event =
      action === 'see'
        ? { type: 'ObjectEvent', action: 'OBSERVE', epcList: things }
        : { type: 'AggregationEvent', action, parentID: things[0], childEPCs: things.slice(1) };
    const bytes = utf8(JSON.stringify(event));
    const transaction = {
      height,
      index: 0,
      id: sha256(bytes),
      organisation: 'carrier',
      block: { time_ms: height },
      capture_events: { events: [bytes] },
    };
    transactions.push(transaction);
    for (const thing of things) {
      const entry = {
        position: { height, transaction: 0, event: 0 },
        transaction_id: transaction.id,
        content_hash: sha256(bytes),
        organisation: 'carrier',
        time_ms: height,
      };
      links.set(thing, [...(links.get(thing) ?? []), entry]);
    }
  });
  return { links, transactions };
}

/** Heights of the history, the containers that the thing is in, and the transactions that are needed. */
function tell({ links, transactions }, thing) {
  const histories = new Histories(links, transactions);
  histories.checkContents();
  const { history, inside, own } = histories.of(id(thing));
  return {
    heights: history.map(({ entry }) => Number(entry.position.height)),
    inside: inside.map((name) => name.slice(id('').length)),
    own,
    via: history.map(({ via }) => via.length),
    needed: [...histories.neededTransactions].map((place) => Number(place.split('/')[0])).sort((a, b) => a - b),
    links: [...histories.neededLinks].map((name) => name.slice(id('').length)).sort(),
  };
}

const without = ({ links, transactions }, height) => ({
  links,
  transactions: transactions.filter((transaction) => Number(transaction.height) !== height),
});

test("a thing shares its container's events from packing to unpacking", () => {
  const story = ledger(
    ['see', 'c'],
    ['ADD', 'c', 'a'],
    ['see', 'c'],
    ['DELETE', 'c', 'a'],
    ['see', 'c'],
    ['see', 'a'],
  );
  const told = tell(story, 'a');
  assert.deepEqual(told.heights, [2, 3, 4, 6]);
  assert.deepEqual(told.via, [0, 1, 0, 0]);
  assert.equal(told.own, 3);
  assert.deepEqual(told.inside, []);
  // Event 1 tells where the container was, event 5 nothing.
  assert.deepEqual(told.needed, [1, 2, 3, 4, 6]);
  for (const missing of told.needed)
    assert.throws(() => tell(without(story, missing), 'a'), { name: 'Refusal' });
  assert.deepEqual(tell(without(story, 5), 'a').heights, told.heights);
});

test('emptying the container as a whole ends it, at any depth', () => {
  const story = ledger(['ADD', 'c', 'a'], ['DELETE', 'c'], ['see', 'c'], ['see', 'a']);
  assert.deepEqual(tell(story, 'a').heights, [1, 2, 4]);
  const deep = ledger(['ADD', 'c', 'a'], ['ADD', 'p', 'c'], ['DELETE', 'p'], ['see', 'p'], ['see', 'c']);
  const told = tell(deep, 'a');
  assert.deepEqual(told.heights, [1, 2, 3, 5]);
  assert.deepEqual(told.inside, ['c']);
});

test("a container that was packed before carries its own container's events", () => {
  const story = ledger(['ADD', 'p', 'c'], ['see', 'p'], ['ADD', 'c', 'a'], ['see', 'p'], ['see', 'c']);
  const told = tell(story, 'a');
  assert.deepEqual(told.heights, [3, 4, 5]);
  assert.deepEqual(told.via, [0, 2, 1]);
  assert.deepEqual(told.inside, ['c', 'p']);
  // Events 1 and 2 tell that the container was in the other one when the stay began.
  assert.deepEqual(told.needed, [1, 2, 3, 4, 5]);
});

test('a container that was packed in another one which was emptied since is loose', () => {
  const story = ledger(
    ['ADD', 'p', 'c'],
    ['DELETE', 'p'],
    ['see', 'p'],
    ['ADD', 'c', 'a'],
    ['see', 'p'],
    ['see', 'c'],
  );
  const told = tell(story, 'a');
  assert.deepEqual(told.heights, [4, 6]);
  assert.deepEqual(told.inside, ['c']);
  assert.deepEqual(told.links, ['a', 'c', 'p']);
  // All entries of the emptied one up to the packing have content, also those behind the emptying.
  assert.deepEqual(told.needed, [1, 2, 3, 4, 6]);
  assert.throws(() => tell(without(story, 3), 'a'), { name: 'Refusal' });
});

test('a container moves from one to another while a thing is in it', () => {
  const story = ledger(
    ['ADD', 'c', 'a'],
    ['ADD', 'p', 'c'],
    ['see', 'p'],
    ['DELETE', 'p', 'c'],
    ['see', 'p'],
    ['ADD', 'q', 'c'],
    ['see', 'q'],
    ['see', 'p'],
  );
  const told = tell(story, 'a');
  assert.deepEqual(told.heights, [1, 2, 3, 4, 6, 7]);
  assert.deepEqual(told.inside, ['c', 'q']);
});

test('another content, order or place is refused', () => {
  const story = () => ledger(['ADD', 'c', 'a'], ['see', 'c'], ['see', 'a']);
  const change = (edit) => {
    const changed = story();
    edit(changed.links.get(id('c')), changed.links.get(id('a')), changed);
    assert.throws(() => tell(changed, 'a'), { name: 'Refusal' });
  };
  change((c) => {
    c[1] = { ...c[1], content_hash: c[0].content_hash };
  });
  change((c) => {
    c[1] = { ...c[1], organisation: 'market' };
  });
  change((c) => {
    c[1] = { ...c[1], time_ms: 7n };
  });
  change((c) => {
    c[1] = { ...c[1], transaction_id: c[0].transaction_id };
  });
  change((c) => {
    c[1] = { ...c[1], position: { ...c[1].position, event: 1 } };
  });
  change((c) => c.shift());
  change((c, a, changed) => changed.links.delete(id('c')));
  change((c, a, changed) => {
    changed.transactions[1].capture_events = null;
  });
});

test('at most 17 containers are around a thing', () => {
  const nested = (count) => ledger(...Array.from({ length: count }, (_, i) => ['ADD', `c${i + 1}`, `c${i}`]));
  assert.equal(tell(nested(17), 'c0').inside.length, 17);
  assert.throws(() => tell(nested(18), 'c0'), /more than 17/);
});

test('a declaration that a packing was wrong counts as the packing does', () => {
  const event = { type: 'AggregationEvent', action: 'ADD', parentID: id('c'), childEPCs: [id('a')] };
  const wrong = { ...event, errorDeclaration: { declarationTime: '2026-03-01T08:30:00Z' } };
  const read = (value) => readContainment(utf8(JSON.stringify(value)));
  assert.deepEqual(read(wrong), read(event));
});

test('what an event does to containment', () => {
  const read = (event) => readContainment(utf8(JSON.stringify(event)));
  const base = { type: 'AggregationEvent', parentID: 'urn:epc:id:sscc:9521321.0000000001' };
  assert.equal(read({ ...base, action: 'OBSERVE', childEPCs: [id('a')] }), null);
  assert.equal(read({ ...base, type: 'AssociationEvent', action: 'ADD', childEPCs: [id('a')] }), null);
  assert.equal(read({ ...base, parentID: undefined, action: 'ADD', childEPCs: [id('a')] }), null);
  const added = read({ ...base, action: 'ADD', childEPCs: ['urn:epc:id:sgtin:9521321.000001.1', id('a')] });
  assert.equal(added.container, 'https://id.gs1.org/00/095213210000000018');
  assert.deepEqual([...added.children], ['https://id.gs1.org/01/09521321000018/21/1', id('a')]);
  assert.equal(read({ ...base, action: 'DELETE' }).empties, true);
  assert.equal(read({ ...base, action: 'DELETE', childEPCs: [] }).empties, true);
  assert.equal(read({ ...base, action: 'DELETE', childQuantityList: [{ epcClass: 'x' }] }).empties, false);
  assert.throws(() => read({ ...base, action: 'ADD', childEPCs: ['no uri'] }), { name: 'Refusal' });
  assert.throws(() => readContainment(utf8('{"type":"a","type":"b"}')), { name: 'Refusal' });
  assert.throws(() => readContainment(utf8('not JSON')), { name: 'Refusal' });
});
