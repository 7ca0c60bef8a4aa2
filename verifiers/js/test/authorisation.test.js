// Answers about authorisation: yes and no as their files prove them, and nothing that was bent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, utf8 } from '../src/bytes.js';
import { sha256 } from '../src/hashes.js';
import { types } from '../src/messages.js';
import { decode, encode } from '../src/protobuf.js';
import { verifyAuthorisation } from '../node.js';
import { bytesOf } from './support/repository.js';

const MAGIC = utf8('touchstone/authorisation/v1\n');
const genesis = bytesOf('chain-core/tests/data/evidence/genesis.json');
const file = (name) => bytesOf(`chain-core/tests/data/evidence/${name}.authorisation`);
const content = (name) => file(name).slice(MAGIC.length, -32);
const seal = (body) => concat(MAGIC, body, sha256(concat(MAGIC, body)));
const verify = (bytes) => verifyAuthorisation(bytes, { genesis });

test('yes and no', async () => {
  for (const [name, verdict, why] of [
    ['yes', 'yes', /^licence /],
    ['no', 'no', /one that it stands on was ended/],
    ['nobody', 'no', /no licence for it/],
  ]) {
    const answer = await verify(file(name));
    assert.deepEqual([answer.verdict, answer.territory], [verdict, 'CN']);
    assert.match(answer.why, why);
  }
});

test('no bit can be bent', async () => {
  for (const name of ['yes', 'no']) {
    const good = content(name);
    const told = await verify(seal(good));
    for (let bit = 0; bit < 8 * good.length; bit += 7) {
      const bent = Uint8Array.from(good);
      bent[bit >> 3] ^= 1 << (bit & 7);
      // Another moment that these records settle too is another question.
      const answer = await verify(seal(bent)).catch(() => null);
      if (answer !== null) assert.notDeepEqual(answer, told, `${name}, bit ${bit}`);
    }
  }
});

test('nothing can be left out or withheld', async () => {
  for (const name of ['yes', 'no', 'nobody']) {
    const whole = decode(types.AuthorisationFile, content(name));
    for (let at = 0; at < whole.answer.values.length; at++) {
      const values = whole.answer.values;
      const others = [
        values.toSpliced(at, 1),
        values.toSpliced(at, 0, values[at]),
        values.with(at, { ...values[at], value: new Uint8Array(1) }),
      ];
      if (values[at].proof !== null) others.push(values.with(at, { value: null, proof: null }));
      for (const other of others) {
        const bent = { ...whole, answer: { ...whole.answer, values: other } };
        await assert.rejects(verify(seal(encode(types.AuthorisationFile, bent))), { name: 'Refusal' });
      }
    }
  }
});
