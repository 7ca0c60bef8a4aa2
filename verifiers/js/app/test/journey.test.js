// The way of a thing as the page reads it: a lamp's, made here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareSignatures } from '../../src/ed25519.js';
import { Examination } from '../../src/examination.js';
import { isActivation, recordedActivation } from '../activation.js';
import { readCode } from '../answers.js';
import { ItemRecord } from '../record.js';
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

test('a finding can be taken back', async () => {
  const set = recall([LAMP], { disposition: 'active', persistentDisposition: { set: ['non_conformant'] } });
  const unset = recall([LAMP], { disposition: 'active', persistentDisposition: { unset: ['non_conformant'] } });
  assert.deepEqual((await read([making, set])).findings.map(({ disposition }) => disposition), ['non_conformant']);
  assert.deepEqual((await read([making, set, unset])).findings, []);
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
