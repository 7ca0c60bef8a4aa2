// Ed25519 on the vectors on which verifiers disagree, by each implementation of rule 4.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { fromHex } from '../src/bytes.js';
import { isUsableKey, useImplementation, usePoints, verifySignature, webCrypto } from '../src/ed25519.js';
import { nodeCrypto } from '../src/node_crypto.js';
import { textOf } from './support/repository.js';

const wycheproof = JSON.parse(textOf('tests/data/ed25519/ed25519_test.json'));
const speccheck = JSON.parse(textOf('tests/data/ed25519/speccheck_cases.json'));

// Of the twelve, rules 1 to 4 let pass the one in which key and R have parts of small order, and both sides agree.
const HOLDS = [3];

const implementations = { points: null, 'node:crypto': nodeCrypto, WebCrypto: webCrypto() };

for (const [name, check] of Object.entries(implementations)) {
  test(`${name}: Wycheproof's signatures`, async () => {
    assert.equal(await useImplementation(check), check !== null);
    let held = 0;
    for (const { publicKey, tests } of wycheproof.testGroups) {
      const key = fromHex(publicKey.pk);
      for (const { tcId, msg, sig, result } of tests) {
        const holds = await verifySignature(key, fromHex(sig), fromHex(msg));
        assert.equal(holds, result === 'valid', `case ${tcId}`);
        if (holds) held++;
      }
    }
    assert.ok(held > 50);
  });

  test(`${name}: weak points`, async () => {
    await useImplementation(check);
    for (const [i, { message, pub_key: key, signature }] of speccheck.entries()) {
      const holds = await verifySignature(fromHex(key), fromHex(signature), fromHex(message));
      assert.equal(holds, HOLDS.includes(i), `case ${i}`);
    }
  });
}

test('points: a key that signs often is judged as at first', async () => {
  await usePoints();
  const { message, pub_key: weak, signature } = speccheck[3];
  const secret = new Uint8Array(32).fill(7);
  const own = ed25519.getPublicKey(secret);
  for (let i = 0; i < 70; i++) {
    const text = Uint8Array.of(i);
    const signed = ed25519.sign(text, secret);
    assert.ok(verifySignature(own, signed, text), `use ${i}`);
    // Neither over another message, nor by another key, nor with another S.
    assert.ok(!verifySignature(own, signed, Uint8Array.of(i + 1)), `use ${i}`);
    assert.ok(!verifySignature(fromHex(weak), signed, text), `use ${i}`);
    signed[40] ^= 1;
    assert.ok(!verifySignature(own, signed, text), `use ${i}`);
    assert.ok(verifySignature(fromHex(weak), fromHex(signature), fromHex(message)), `use ${i}`);
  }
});

test('points: more keys than have tables', async () => {
  await usePoints();
  for (let i = 0; i < 70; i++) {
    const secret = new Uint8Array(32).fill(i);
    const key = ed25519.getPublicKey(secret);
    for (let use = 0; use < 3; use++) {
      const text = Uint8Array.of(i, use);
      const signed = ed25519.sign(text, secret);
      assert.ok(verifySignature(key, signed, text), `key ${i}`);
      assert.ok(!verifySignature(key, signed, Uint8Array.of(use, i, 1)), `key ${i}`);
    }
  }
});

test('an implementation that multiplies by the cofactor, or throws, is not taken', async () => {
  assert.equal(await useImplementation(() => true), false);
  assert.equal(await useImplementation(() => false), false);
  assert.equal(
    await useImplementation(() => {
      throw new Error('unknown algorithm');
    }),
    false,
  );
  await usePoints();
});

test('keys of small order or of another form are not usable', () => {
  const key = (digits) => isUsableKey(fromHex(digits));
  assert.ok(key(speccheck[3].pub_key));
  assert.ok(!key('01'.padEnd(64, '0'))); // the neutral point
  assert.ok(!key('01'.padEnd(62, '0') + '80')); // with the sign of an x that is 0
  assert.ok(!key('00'.padEnd(64, '0'))); // order 4
  assert.ok(!key('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')); // order 2
  assert.ok(!key('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa')); // order 8
  assert.ok(!key('eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')); // y = 2^255 - 18
  assert.ok(!key('02'.padEnd(64, '0'))); // no point
  assert.ok(!key('0303'));
});
