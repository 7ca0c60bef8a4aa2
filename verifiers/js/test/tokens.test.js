// Tokens that OpenSSL made, and what is refused of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, hex } from '../src/bytes.js';
import { TAG, elements, parse, readWhole } from '../src/der.js';
import { sha256 } from '../src/hashes.js';
import { checkToken } from '../src/tokens.js';
import { bytesOf } from './support/repository.js';

const data = (name) => bytesOf(`chain-core/tests/data/tsa/${name}`);
const imprint = sha256(data('document.txt'));

/** The token of a response: `SEQUENCE { status, token? }`. */
const tokenOf = (response) => elements(readWhole(response).content)[1]?.bytes;

test('an RSA authority under an intermediate one', async () => {
  const token = tokenOf(data('rsa.tsr'));
  const stated = await checkToken(token, [data('rsa-root.der')], imprint);
  assert.deepEqual(stated.root, data('rsa-root.der'));
  assert.match(stated.signer, /CN=/);
  await assert.rejects(checkToken(token, [], imprint), /no certificate of the issuer/);
  await assert.rejects(checkToken(token, [data('rsa-root.der')], sha256(imprint)), /stamps something else/);
  const more = [data('rsa-root.der'), data('ec-root.der')].sort((a, b) => Buffer.compare(a, b));
  await assert.rejects(checkToken(token, more, imprint), /the chain that the token lacks/);
});

test('P-384 over SHA-384, without certificates in the token', async () => {
  const certificates = [data('ec-root.der'), data('ec-signer.der')].sort((a, b) => Buffer.compare(a, b));
  const stated = await checkToken(tokenOf(data('ec.tsr')), certificates, imprint);
  assert.deepEqual(stated.root, data('ec-root.der'));
  await assert.rejects(checkToken(tokenOf(data('ec.tsr')), certificates.reverse(), imprint), /ascend/);
});

test('an attribute that names the certificate by SHA-1', async () => {
  const stated = await checkToken(tokenOf(data('sha1.tsr')), [data('rsa-root.der')], imprint);
  assert.ok(stated.genTime > 0n);
});

test('a response that refuses has no token', () => assert.equal(tokenOf(data('refused.tsr')), undefined));

test('no bit of a token or a certificate can be flipped', async () => {
  const certificates = [data('ec-root.der'), data('ec-signer.der')].sort((a, b) => Buffer.compare(a, b));
  const token = tokenOf(data('ec.tsr'));
  const refuse = (changed, others, what) =>
    assert.rejects(checkToken(changed, others, imprint), { name: 'Refusal' }, what);
  const flip = (bytes, bit) => {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >> 3] ^= 1 << (bit & 7);
    return flipped;
  };
  for (let bit = 0; bit < 8 * token.length; bit += 3)
    await refuse(flip(token, bit), certificates, `token, bit ${bit}`);
  for (const [i, certificate] of certificates.entries()) {
    for (let bit = 0; bit < 8 * certificate.length; bit += 7) {
      const others = certificates.map((one, k) => (k === i ? flip(one, bit) : one));
      await refuse(
        token,
        others.sort((a, b) => Buffer.compare(a, b)),
        `certificate ${i}, bit ${bit}`,
      );
    }
  }
});

test('DER is read in its one form', () => {
  const refuse = (...bytes) =>
    assert.throws(() => parse(Uint8Array.from(bytes)), { name: 'Refusal' }, hex(bytes));
  assert.equal(parse(Uint8Array.of(0x30, 0)).tag, TAG.sequence);
  refuse();
  refuse(0x30);
  refuse(0x30, 0x80, 0, 0); // an indefinite length
  refuse(0x30, 0x81, 0); // a longer length
  refuse(0x30, 1);
  refuse(0x30, 0, 0); // something behind
  refuse(0x1f, 0); // a tag of more bytes
  refuse(0x02, 0);
  refuse(0x02, 2, 0, 1); // a longer INTEGER
  refuse(0x02, 2, 0xff, 0x80);
  refuse(0x01, 1, 1);
  refuse(0x03, 2, 1, 0); // unused bits
  refuse(0x24, 0); // constructed OCTET STRING
  refuse(0x10, 0); // primitive SEQUENCE
  refuse(0x30, 2, 0x02, 0); // down to the last element
  let deep = Uint8Array.of(0x30, 0);
  for (let i = 0; i < 20_000; i++) {
    const length =
      deep.length < 0x80
        ? [deep.length]
        : deep.length < 0x100
          ? [0x81, deep.length]
          : [0x82, deep.length >> 8, deep.length & 255];
    if (deep.length > 65_000) break;
    deep = concat(Uint8Array.of(0x30, ...length), deep);
  }
  assert.equal(parse(deep).tag, TAG.sequence);
});
