// Traces by the rules of docs/traces.md, over made-up histories.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TraceGraph, depthOf } from '../trace.js';
import { shortName } from '../trace_view.js';

const unit = (n) => `https://id.gs1.org/01/09521321000018/21/${n}`;
const lot = (n) => `https://id.gs1.org/01/09521321000025/10/${n}`;
const [CASE, PALLET] = ['https://id.gs1.org/00/095213210000000012', 'https://id.gs1.org/00/095213210000000029'];

const at = (height) => ({ height: BigInt(height), transaction: 0, event: 0 });
const event = (height, document, via = []) => ({
  entry: { position: at(height) },
  document,
  via,
  isDeclaration: false,
  declaredWrongBy: null,
});
const made = (height, inputs, outputs, via) =>
  event(height, { type: 'TransformationEvent', inputEPCList: inputs, outputEPCList: outputs }, via);
const packs = (height, container, children, action = 'ADD', via = []) =>
  event(height, { type: 'AggregationEvent', parentID: container, action, childEPCs: children }, via);
const record = (item, ...events) => ({ item, events });

const told = (graph, side) => graph.of(side).map(({ item, how, bound }) => [item, how, bound === null ? null : Number(bound.height)]);
const follow = (graph, item, ...events) => {
  const node = graph.of('outcomes').find((one) => one.item === item);
  graph.follow(node, record(item, ...events));
  return node;
};

test('inputs are where a thing comes from, outputs what a recall reaches, amounts of lots included', () => {
  const amounts = event(2, {
    type: 'TransformationEvent',
    inputQuantityList: [{ epcClass: lot('C1'), quantity: 3 }],
    inputEPCList: ['urn:epc:id:sgtin:9521321.000001.8'],
    outputEPCList: [unit(1)],
    outputQuantityList: [{ epcClass: lot('W'), quantity: 1 }],
  });
  const graph = new TraceGraph(record(unit(1), amounts, made(5, [unit(1)], [unit(2), unit(3)])));
  assert.deepEqual(told(graph, 'origins'), [[unit(8), 'made', 2], [lot('C1'), 'made', 2]]);
  assert.deepEqual(told(graph, 'outcomes'), [[unit(2), 'made', 5], [unit(3), 'made', 5]]);
  const set = follow(graph, unit(2), made(5, [unit(1)], [unit(2), unit(3)]), made(7, [unit(2)], [unit(9)]));
  assert.deepEqual(told(graph, 'outcomes').at(-1), [unit(9), 'made', 7]);
  assert.equal(depthOf(graph.of('outcomes').at(-1)), 2);
  assert.deepEqual(graph.from(set, 'outcomes').map(({ item }) => item), [unit(9)]);
  assert.equal(graph.open.length, 4);
});

test('what is in a container goes with it, from the time on that counts', () => {
  const events = [
    packs(1, CASE, [unit(1), unit(2), unit(3)]),
    packs(3, CASE, [unit(1)], 'DELETE'),
    packs(6, CASE, [unit(4)]),
    packs(7, CASE, [unit(2)], 'DELETE'),
  ];
  // Asked for itself: everything that was ever in it; it came from what is in it now.
  const graph = new TraceGraph(record(CASE, ...events));
  assert.deepEqual(told(graph, 'outcomes').map(([item]) => item), [unit(1), unit(2), unit(3), unit(4)]);
  assert.deepEqual(told(graph, 'origins').map(([item]) => item), [unit(3), unit(4)]);
  // Reached at 5: what had left before isn't affected; what was in it then is, from then on.
  const later = new TraceGraph(record(PALLET, packs(5, PALLET, [CASE])));
  follow(later, CASE, ...events);
  assert.deepEqual(told(later, 'outcomes'), [
    [CASE, 'packed', 5],
    [unit(4), 'packed', 6],
    [unit(2), 'packed', 5],
    [unit(3), 'packed', 5],
  ]);
});

test('a container that was emptied carries nothing on', () => {
  const graph = new TraceGraph(record(PALLET, packs(5, PALLET, [CASE])));
  follow(graph, CASE, packs(1, CASE, [unit(1)]), packs(4, CASE, [], 'DELETE'), packs(8, CASE, [unit(2)]));
  assert.deepEqual(told(graph, 'outcomes').map(([item]) => item), [CASE, unit(2)]);
});

test('a thing that went into a transformation inside its container is in the outputs', () => {
  const graph = new TraceGraph(record(unit(1), packs(1, CASE, [unit(1)]), made(4, [CASE], [unit(5)], [CASE])));
  assert.deepEqual(told(graph, 'outcomes'), [[unit(5), 'made', 4]]);
  // Another container's transformation isn't its own.
  const other = new TraceGraph(record(unit(1), packs(1, CASE, [unit(1)]), made(4, [PALLET], [unit(5)], [CASE])));
  assert.deepEqual(told(other, 'outcomes'), []);
});

test('neighbours and the container around a thing are not affected', () => {
  const graph = new TraceGraph(record(unit(1), packs(1, CASE, [unit(1), unit(2)])));
  assert.deepEqual([told(graph, 'outcomes'), told(graph, 'origins')], [[], []]);
});

test('what was made before the input went in is no outcome', () => {
  const graph = new TraceGraph(record(lot('A'), made(5, [lot('A')], [lot('B')])));
  follow(graph, lot('B'), made(3, [lot('B')], [unit(1)]), made(5, [lot('A')], [lot('B')]), made(6, [lot('B')], [unit(2)]));
  assert.deepEqual(told(graph, 'outcomes').map(([item]) => item), [lot('B'), unit(2)]);
});

test('a thing counts from the earliest time at which it was reached', () => {
  const graph = new TraceGraph(record(lot('A'), made(2, [lot('A')], [lot('B')]), made(5, [lot('A')], [lot('C')])));
  follow(graph, lot('C'), made(5, [lot('A')], [lot('C')]), made(3, [lot('B')], [lot('C')]), made(4, [lot('C')], [unit(1)]));
  assert.deepEqual(told(graph, 'outcomes').map(([item]) => item), [lot('B'), lot('C')]);
  follow(graph, lot('B'), made(2, [lot('A')], [lot('B')]), made(3, [lot('B')], [lot('C')]));
  // Through B the lot C was reached at 3, so that what was made of it at 4 is reached too.
  assert.deepEqual(told(graph, 'outcomes'), [[lot('B'), 'made', 2], [lot('C'), 'made', 3], [unit(1), 'made', 4]]);
});

test('a declaration is no connection, and what it declares wrong is followed', () => {
  const wrong = { ...made(2, [unit(1)], [unit(2)]), declaredWrongBy: 1 };
  const graph = new TraceGraph(record(unit(1), wrong, { ...made(3, [unit(1)], [unit(3)]), isDeclaration: true }));
  assert.deepEqual(told(graph, 'outcomes').map(([item]) => item), [unit(2)]);
  assert.equal(graph.of('outcomes')[0].event.declaredWrongBy, 1);
});

test('names in the drawing are short', () => {
  assert.equal(shortName(unit(12)), '…00018 · 12');
  assert.equal(shortName(CASE), '095213210000000012');
  assert.equal(shortName(unit('A'.repeat(40))).length, 22);
});
