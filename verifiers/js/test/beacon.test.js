// Pulses of a public beacon: a real one of NIST holds, draws are told with theirs, and nothing of them is bent.

import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { test } from 'node:test';
import { checkPulse, outputOf, pulseMs, signedOf } from '../src/beacon.js';
import { fromHex, hex } from '../src/bytes.js';
import { rsaSigned, SHA_512 } from '../src/certificates.js';
import { readDisputes } from '../src/disputes.js';
import { types } from '../src/messages.js';
import { decode, encode } from '../src/protobuf.js';
import { verifyEvidence } from '../node.js';
import { read } from './support/files.js';
import { bytesOf, golden, textOf } from './support/repository.js';

const genesis = bytesOf('chain-core/tests/data/evidence/genesis.json');
const DATA = 'chain-core/tests/data/beacon/';
const latin = (key) => Buffer.from(key).toString('latin1');
const bytes = (digits) => fromHex(digits.toLowerCase());

/** The beacon of NIST, a pulse that it published, and the pulse's output value. */
const nist = () => published('nist-1918805.json', 'nist.pem');

/** A beacon, a pulse of it and its output value, from files. */
function published(file, key) {
  const { pulse: told } = JSON.parse(textOf(DATA + file));
  const { n, e } = createPublicKey(textOf(DATA + key)).export({ format: 'jwk' });
  assert.equal(e, 'AQAB');
  const modulus = new Uint8Array(Buffer.from(n, 'base64url'));
  const chain = BigInt(told.chainIndex);
  const beacon = { modulus, chain_index: chain, period_ms: 60_000, delay_ms: 120_000, wait_ms: 21_600_000 };
  const pulse = {
    uri: told.uri,
    version: told.version,
    cipher_suite: told.cipherSuite,
    period_ms: told.period,
    certificate_id: bytes(told.certificateId),
    chain_index: BigInt(told.chainIndex),
    pulse_index: BigInt(told.pulseIndex),
    time_ms: BigInt(Date.parse(told.timeStamp)),
    local_random_value: bytes(told.localRandomValue),
    external_source_id: bytes(told.external.sourceId),
    external_status: told.external.statusCode,
    external_value: bytes(told.external.value),
    list_values: told.listValues.map(({ value }) => bytes(value)),
    precommitment_value: bytes(told.precommitmentValue),
    status: told.statusCode,
    signature: bytes(told.signatureValue),
  };
  return { beacon, pulse, output: told.outputValue.toLowerCase() };
}

const BENDS = [
  (p) => (p.uri += 'x'),
  (p) => (p.version += '0'),
  (p) => (p.cipher_suite = 1),
  (p) => (p.period_ms += 1),
  (p) => (p.certificate_id[0] ^= 1),
  (p) => (p.chain_index += 1n),
  (p) => (p.pulse_index += 1n),
  (p) => (p.time_ms += 60_000n),
  (p) => (p.local_random_value[63] ^= 1),
  (p) => (p.external_source_id[0] ^= 1),
  (p) => (p.external_status = 1),
  (p) => (p.external_value[0] ^= 1),
  (p) => (p.list_values[4][0] ^= 1),
  (p) => p.list_values.reverse(),
  (p) => p.list_values.push(new Uint8Array(64)),
  (p) => p.list_values.pop(),
  (p) => (p.precommitment_value[0] ^= 1),
  (p) => (p.status = 2),
  (p) => (p.signature[0] ^= 1),
  (p) => (p.signature = new Uint8Array([...p.signature, 0])),
];

test('a pulse of NIST holds', () => {
  const { beacon, pulse, output } = nist();
  const revealed = pulse.time_ms - 150_000n;
  checkPulse(beacon, revealed, pulse);
  assert.equal(signedOf(pulse).length, 807);
  assert.equal(hex(outputOf(pulse)), output);
  for (const bend of BENDS) {
    const bent = nist().pulse;
    bend(bent);
    assert.throws(() => checkPulse(beacon, revealed, bent), { name: 'Refusal' }, bend.toString());
  }
  for (const other of [
    { modulus: new Uint8Array([0, ...beacon.modulus]) },
    { modulus: beacon.modulus.slice(1) },
    { modulus: beacon.modulus.slice(0, 255) },
    { modulus: new Uint8Array(0) },
    { modulus: new Uint8Array(513).fill(255) },
    { chain_index: 3n },
    { period_ms: 30_000 },
    { delay_ms: 180_001 },
  ]) {
    assert.throws(() => checkPulse({ ...beacon, ...other }, revealed, pulse), { name: 'Refusal' });
  }
});

test('a pulse by a larger key is refused', () => {
  const { beacon, pulse, output } = published('large.json', 'large.pem');
  assert.equal(beacon.modulus.length, 513);
  assert.equal(hex(outputOf(pulse)), output);
  assert.ok(rsaSigned(beacon.modulus, 65537n, SHA_512, signedOf(pulse), pulse.signature));
  assert.throws(() => checkPulse(beacon, pulse.time_ms - 120_000n, pulse), { name: 'Refusal' });
});

test('a pulse of another form is refused though signed', () => {
  const der = { key: Buffer.from(bytesOf(`${DATA}test-key.pk8`)), format: 'der', type: 'pkcs8' };
  const key = createPrivateKey(der);
  const { n } = createPublicKey(key).export({ format: 'jwk' });
  const beacon = { ...nist().beacon, modulus: new Uint8Array(Buffer.from(n, 'base64url')) };
  const check = (bend) => {
    const { pulse } = nist();
    bend(pulse);
    pulse.signature = new Uint8Array(sign('sha512', signedOf(pulse), key));
    checkPulse(beacon, pulse.time_ms - 120_000n, pulse);
  };
  check(() => {});
  const hashes = [
    'certificate_id',
    'local_random_value',
    'external_source_id',
    'external_value',
    'precommitment_value',
  ];
  for (const bend of [
    ...hashes.map((name) => (p) => (p[name] = p[name].slice(1))),
    (p) => (p.cipher_suite = 1),
    (p) => (p.period_ms = 30_000),
    (p) => (p.uri = 'x'.repeat(257)),
    (p) => (p.version = 'x'.repeat(33)),
    (p) => p.list_values.pop(),
    (p) => p.list_values.push(new Uint8Array(64)),
    (p) => (p.list_values[0] = new Uint8Array(65)),
  ]) {
    assert.throws(() => check(bend), { name: 'Refusal' }, bend.toString());
  }
});

test('a block names one pulse', () => {
  const { beacon } = nist();
  for (const [after, expected] of [
    [0n, 120_000n],
    [1n, 180_000n],
    [60_000n, 180_000n],
    [60_001n, 240_000n],
  ]) {
    assert.equal(pulseMs(beacon, 6_000_000n + after), 6_000_000n + expected);
  }
  const late = { ...nist().pulse, time_ms: (1n << 64n) - 1n };
  assert.throws(() => signedOf(late), { name: 'Refusal' });
});

test('draws are told with their pulses', async () => {
  const { facts } = await verifyEvidence(golden('pulsed.evidence'), { genesis });
  const shown = [...facts.disputes.shown].sort((a, b) => (a.listing < b.listing ? -1 : 1));
  const [first, second, third] = shown.map(({ review }) => review.panels[0].beacon);
  assert.deepEqual([first.chain_index, second.chain_index, third], [7, 7, null]);
  assert.equal(first.pulse_index, first.pulse_ms / 60_000);
  assert.equal(first.output_value.length, 128);
  assert.deepEqual([second.pulse_index, second.output_value], [null, null]);
});

test("nothing of a draw's beacon is bent", () => {
  const whole = read(golden('pulsed.evidence'));
  const states = new Map(whole.states.map(({ key, value }) => [latin(key), value]));
  const examine = (told) =>
    readDisputes(whole.design, whole.disputes.ids, [], (...parts) => {
      const key = parts.map((part) => (typeof part === 'string' ? part : latin(part))).join('');
      assert.ok(told.has(key), key);
      return told.get(key);
    });
  examine(states);
  const draws = [...states].filter(([key]) => key.startsWith('draw/'));
  const taken = draws.map(([key, value]) => [key, decode(types.Draw, value).beacon]);
  const [shown] = taken.find(([, beacon]) => beacon?.pulse);
  const [waited] = taken.find(([, beacon]) => beacon && !beacon.pulse);
  // What is decoded are views: bent in a copy.
  const drawAt = (key) => decode(types.Draw, states.get(key).slice());
  const { pulse } = drawAt(shown).beacon;
  const bends = [
    ...BENDS.map((bend) => (d) => bend(d.pulse)),
    (d) => (d.beacon.modulus[9] ^= 1),
    (d) => (d.beacon.chain_index += 1n),
    (d) => (d.beacon.period_ms += 1),
    (d) => (d.beacon.period_ms = 0),
    (d) => (d.beacon.delay_ms += 60_000),
    (d) => (d.beacon.wait_ms = 0),
    (d) => (d.revealed_ms += 60_000n),
    (d) => (d.revealed_ms = 0n),
    (d) => (d.closed_ms += 30_000_000n),
    (d) => (d.closed_ms = 0n),
    (d) => (d.pulse = null),
    (d) => Object.assign(d, { pulse: null, closed_ms: 1n << 60n }),
  ];
  const waits = [
    (d) => (d.closed_ms = d.revealed_ms + 21_600_000n),
    (d) => (d.pulse = pulse),
    (d) => (d.beacon.period_ms = 0),
    (d) => (d.revealed_ms = 0n),
  ];
  for (const [key, bend] of [...bends.map((one) => [shown, one]), ...waits.map((one) => [waited, one])]) {
    const draw = drawAt(key);
    bend(draw.beacon);
    const bent = new Map(states).set(key, encode(types.Draw, draw));
    assert.throws(() => examine(bent), { name: 'Refusal' }, bend.toString());
  }
  examine(states);
});
