// The way of a thing as the page reads it: a lamp's, made here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareSignatures } from '../../src/ed25519.js';
import { Examination } from '../../src/examination.js';
import { isActivation, letters, readOpenings, recordedActivation } from '../activation.js';
import { readCode } from '../answers.js';
import { ItemRecord } from '../record.js';
import { assignStages, readEvents, readFindings, standing, word } from '../journey.js';
import { textOf } from '../../test/support/repository.js';
import { localTime } from '../times.js';
import { LAMP, LOT, WAY, ledgerOf, making, recall } from './story.js';

async function read(steps, item = LAMP) {
  await prepareSignatures();
  const examination = new Examination(ledgerOf(steps).evidence(item), { chainId: null, roots: [] });
  assert.notEqual(await examination.run(), 'not-verified', JSON.stringify(examination.rows.find((r) => r.result === 'failed')));
  return new ItemRecord(examination);
}

test("a lamp's way has its stages in order", async () => {
  const record = await read(WAY);
  assert.deepEqual(
    record.stages.map(({ stage, events }) => [stage, events.map(({ step }) => step)]),
    [
      ['production', ['commissioning']],
      ['packing', ['shipping']],
      ['loading-port', ['arriving', 'loading']],
      ['voyage', ['transporting']],
      ['import-port', ['unloading']],
      ['warehouse', ['storing']],
      ['customs', ['inspecting']],
      ['retail', ['stocking']],
    ],
  );
  assert.deepEqual(record.data, {
    lot: 'B7',
    expiry: '2031-12-31',
    origin: 'CN',
    members: [
      ['cbvmda:lotNumber', 'B7'],
      ['cbvmda:itemExpirationDate', '2031-12-31'],
      ['cbvmda:countryOfOrigin', 'CN'],
      ['example:model', 'desk lamp <b>9</b>'],
    ],
  });
  assert.equal(record.beginning.organisation, 'The maker');
  assert.deepEqual(record.beginning.prefixes, ['9521321']);
  assert.deepEqual(record.sensors.map(({ kind, unit, points }) => [kind, unit, points.map(({ middle }) => middle)]), [
    ['Temperature', 'CEL', [21.5, 27.9, 24]],
    ['RelativeHumidity', 'P1', [61, 72, 66]],
  ]);
  assert.deepEqual(record.events[2].place, { ids: ['geo:31.34,121.64'], latitude: 31.34, longitude: 121.64 });
  assert.deepEqual(record.events.map(({ statement }) => statement?.kind ?? null).slice(0, 3), [null, 'offer', 'answer']);
});

/** An event as `readEvents` gives it, as far as stages ask. */
const plain = (organisation, document, statement = null) => ({
  organisation,
  document,
  statement,
  type: document.type,
  action: document.action ?? '',
  step: word(document.bizStep),
  disposition: word(document.disposition),
  begins: document.type === 'ObjectEvent' && document.action === 'ADD',
});

test("the import story's stages are those that its documents are named by", () => {
  const roles = { platform: [1, 3, 10], 'logistics-a': [2], 'logistics-b': [2], 'ip-office': [4, 7, 9] };
  const story = 'tests/data/import-story';
  const events = textOf(`${story}/submitters.txt`)
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [who, file, step] = line.split(' ');
      const statement = step === 'accept' ? { kind: 'answer' } : step === 'offer' ? { kind: 'offer' } : null;
      const { eventList } = JSON.parse(textOf(`${story}/${file}`)).epcisBody;
      return eventList.map((document) => ({ ...plain(who, document, statement), file }));
    });
  const stages = assignStages(events, (id) => roles[id]);
  const found = new Map();
  events.forEach(({ file }, i) => found.set(file, [...new Set([...(found.get(file) ?? []), stages[i]])]));
  assert.deepEqual(
    [...found],
    [
      ['01-factory-commissioning.json', ['production']],
      ['02-factory-packing.json', ['packing']],
      ['03-factory-palletising-and-shipping.json', ['packing']],
      ['04-loading-port.json', ['loading-port']],
      ['05-sea-transport.json', ['voyage']],
      ['06-import-port.json', ['import-port']],
      ['07-bonded-warehouse.json', ['warehouse']],
      ['08-customs-inspection.json', ['customs']],
      ['09-unpacking.json', ['warehouse']],
      ['10-laboratory-inspection.json', ['inspection']],
      ['11-shop-delivery.json', ['distribution']],
      ['12-retail.json', ['retail']],
      ['13-last-mile.json', ['last-mile']],
    ],
  );
});

test('a warehouse before the port of loading is no part of it', () => {
  const at = (bizStep, place) => plain('carrier', { type: 'ObjectEvent', action: 'OBSERVE', bizStep, readPoint: { id: place } });
  const [store, port] = ['https://id.gs1.org/414/9521321000018/254/hall', 'https://example.org/port/quay'];
  const way = [at('storing', store), at('arriving', port), at('storing', port), at('loading', port), at('unloading', 'https://example.org/other')];
  const stages = assignStages(way, () => [2]);
  assert.deepEqual(stages.slice(0, 4), ['warehouse', 'loading-port', 'loading-port', 'loading-port']);
});

const correct = (step, reason) => ({
  ...step,
  document: {
    ...step.document,
    errorDeclaration: { declarationTime: '2026-05-02T00:00:00Z', reason },
  },
});

test('what is declared wrong counts for nothing, and stays visible', async () => {
  const wrong = recall([LAMP], { eventID: 'urn:uuid:1' });
  const record = await read([making, wrong, correct(wrong, 'incorrect_data')]);
  assert.deepEqual(record.findings, []);
  assert.equal(record.events[1].declaredWrongBy, 2);
  assert.ok(record.events[2].isDeclaration);
  // Another organisation's declaration with the same id is about its own event.
  const other = { ...correct(wrong, 'incorrect_data'), organisation: 'market' };
  const kept = await read([making, wrong, other]);
  assert.deepEqual(kept.findings.map(({ disposition }) => disposition), ['recalled']);
});

/** The events of an examined history: documents, each with the containers that the thing was in. */
const eventsOf = (item, told) =>
  readEvents({
    evidence: { item },
    history: told.map(([document, via = []], i) => ({
      entry: { organisation: 'maker', time_ms: 0n, position: { height: BigInt(i), transaction: 0, event: 0 } },
      content: { bytes: new TextEncoder().encode(JSON.stringify(document)), transaction: { capture_events: {} } },
      via,
    })),
  });

test('who names a thing as a class says nothing of it', () => {
  const [thing, box] = ['urn:x:1', 'urn:x:box'];
  const seen = { type: 'ObjectEvent', action: 'OBSERVE', bizStep: 'storing', epcList: [thing] };
  const ofClass = (epcClass) => ({ ...seen, bizStep: 'destroying', disposition: 'recalled', epcList: [], quantityList: [{ epcClass }] });
  const packed = { type: 'AggregationEvent', action: 'ADD', parentID: box, childEPCs: [thing] };
  const counted = (item, ...told) => {
    const events = eventsOf(item, told);
    const stages = assignStages(events, () => []);
    return [standing(events).length, readFindings(events).length, stages.includes('end')];
  };
  // Whichever comes first; and what only classes name is one.
  assert.deepEqual(counted(thing, [seen], [ofClass(thing)]), [1, 0, false]);
  assert.deepEqual(counted(thing, [ofClass(thing)], [seen]), [1, 0, false]);
  assert.deepEqual(counted(thing, [ofClass(thing)]), [1, 1, true]);
  // What names it as both is about it, and so is what names another class.
  assert.deepEqual(counted(thing, [seen], [{ ...ofClass(thing), epcList: [thing] }]), [2, 1, true]);
  assert.deepEqual(counted(thing, [seen], [{ ...ofClass('urn:x:2'), epcList: [thing] }]), [2, 1, true]);
  // The container around it is a thing as well.
  assert.deepEqual(counted(thing, [packed], [ofClass(box), [box]]), [1, 0, false]);
  assert.deepEqual(counted(thing, [packed], [{ ...seen, bizStep: 'destroying', epcList: [box] }, [box]]), [2, 0, true]);
  // It stands among the events around it.
  const [making, transport] = [{ ...seen, action: 'ADD' }, { ...seen, bizStep: 'transporting' }];
  const stages = assignStages(eventsOf(thing, [[ofClass(thing)], [making], [ofClass(thing)], [transport]]), () => []);
  assert.deepEqual(stages, ['production', 'production', 'production', 'voyage']);
});

test('a finding can be taken back', async () => {
  const set = recall([LAMP], { disposition: 'active', persistentDisposition: { set: ['non_conformant'] } });
  const unset = recall([LAMP], { disposition: 'active', persistentDisposition: { unset: ['non_conformant'] } });
  assert.deepEqual((await read([making, set])).findings.map(({ disposition }) => disposition), ['non_conformant']);
  assert.deepEqual((await read([making, set, unset])).findings, []);
});

test('a finding is taken back by nobody but who recorded it', async () => {
  for (const disposition of ['recalled', 'stolen']) {
    const set = recall([LAMP], { disposition });
    const unset = recall([LAMP], { disposition: 'active', persistentDisposition: { unset: [disposition] } });
    const found = async (...steps) => (await read([making, ...steps])).findings.map((one) => one.disposition);
    assert.deepEqual(await found(set, { ...unset, organisation: 'market' }), [disposition]);
    assert.deepEqual(await found(set, unset), []);
  }
});

test("a lot's recall is in the lot's record", async () => {
  const lotEvent = recall([LOT], { epcList: [], quantityList: [{ epcClass: 'urn:epc:class:lgtin:9521321.000001.B7' }] });
  const record = await read([making, lotEvent], LOT);
  assert.deepEqual(record.findings.map(({ disposition }) => disposition), ['recalled']);
});

test('a code under a cover is compared with its salted hash', () => {
  // As cli/src/label/tests.rs has them.
  const recorded = 'sha256:bce1062b50759abfe4092e53789dc2e7:781f3f255285386d8c2966eea56f781694c13c89bd687601d21564725fcd1983';
  assert.equal(recordedActivation([['touchstone:activation', recorded]]), recorded);
  assert.equal(recordedActivation([['urn:touchstone:epcis:activation', recorded]]), recorded);
  assert.equal(recordedActivation([['touchstone:activation', 'sha256:00']]), null);
  assert.equal(recordedActivation([['example:deactivation', recorded]]), null);
  for (const typed of ['05AF-MSY3-8DJQ', ' 05afmsy38djq ', 'O5AFMSY38DJQ']) assert.ok(isActivation(recorded, typed), typed);
  for (const typed of ['', '05AFMSY38DJ']) assert.ok(!isActivation(recorded, typed), typed);
});

test('an opening is one whichever of its members has the code', () => {
  const recorded = 'sha256:bce1062b50759abfe4092e53789dc2e7:781f3f255285386d8c2966eea56f781694c13c89bd687601d21564725fcd1983';
  const documents = [
    { 'a:openingCode': '0123456789AB' },
    { 'a:openingCode': '0123456789AB', 'b:openingCode': '05AFMSY38DJQ' },
    { 'touchstone:openingCode': '05AFMSY38DJQ' },
  ];
  const found = readOpenings(documents.map((document) => ({ document })), recorded);
  assert.deepEqual(found.map(({ document }) => document), documents.slice(1));
  // As the gateway reads a code: what only resembles a letter is none.
  assert.equal(letters('oiıſ'), '01ıſ');
});

test('codes are read as people have them', () => {
  for (const [source, item, lot, expiry] of [
    ['https://shop.example/01/09521321000018/10/B7/21/1?17=311231', LAMP, 'B7', '311231'],
    ['(01)09521321000018(21)1(10)B7(17)311231', LAMP, 'B7', '311231'],
    ['urn:epc:id:sgtin:9521321.000001.1', LAMP, null, null],
    ['https://id.gs1.org/00/095210010000000017', 'https://id.gs1.org/00/095210010000000017', null, null],
  ])
    assert.deepEqual(readCode(source), { item, printed: { lot, expiry } }, source);
  for (const source of ['', 'lamp', 'https://example.org/', '(01)09521321000019', 'https://x.example/01/%zz'])
    assert.throws(() => readCode(source), { code: 'bad-code' }, source);
});

test('times are shown where they happened', () => {
  assert.equal(localTime(Date.UTC(2026, 2, 2, 1, 15), '+08:00'), '2026-03-02 09:15 (UTC+08:00)');
  assert.equal(localTime(Date.UTC(2026, 2, 2, 1, 15), '-03:30'), '2026-03-01 21:45 (UTC-03:30)');
  assert.equal(localTime(NaN, ''), '');
});
