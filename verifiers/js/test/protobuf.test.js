// `decode` takes exactly what `encode` writes: made-up messages of every type come back, and of changed bytes those that
// are taken are written again as they were.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equal, hex } from '../src/bytes.js';
import { types } from '../src/messages.js';
import { decode, emptyMessage, encode } from '../src/protobuf.js';

/** A generator that is the same in every run (mulberry32). */
function seeded(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const EDGES = [0n, 1n, 127n, 128n, 2n ** 28n, 2n ** 32n - 1n, 2n ** 49n - 1n, 2n ** 49n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];
const TEXTS = ['', 'a', '\u{feff}é', '器物 𝄞'];

function valueOf(field, random, depth) {
  if (field.message) return made(field.message, random, depth + 1);
  switch (field.type) {
    case 'bytes':
      return Uint8Array.from({ length: random(4) * random(3) }, () => random(256));
    case 'string':
      return TEXTS[random(TEXTS.length)];
    case 'uint64':
      return EDGES[random(EDGES.length)];
    case 'uint32':
      return Number(EDGES[random(6)]);
    default:
      return [0, 1, 3, 2 ** 31 - 1, -1, -(2 ** 31)][random(6)];
  }
}

/** A message of a type, with whatever its fields may hold. */
function made(type, random, depth = 0) {
  const message = emptyMessage(type);
  const choice = random(type.fields.length + 1);
  type.fields.forEach((field, i) => {
    if (field.label === 'oneof') {
      if (i === choice) message[field.key] = valueOf(field, random, depth);
    } else if (field.label === 'repeated') {
      message[field.key] = Array.from({ length: random(depth > 2 ? 2 : 3) }, () => valueOf(field, random, depth));
    } else if (random(3) > 0) {
      message[field.key] = valueOf(field, random, depth);
    }
  });
  return message;
}

test('every message comes back', () => {
  const random = seeded(1);
  for (const type of Object.values(types)) {
    for (let i = 0; i < 60; i++) {
      const bytes = encode(type, made(type, random));
      assert.ok(equal(encode(type, decode(type, bytes)), bytes), `${type.name} ${hex(bytes)}`);
    }
  }
});

test('changed bytes that are taken are written again as they were', () => {
  const random = seeded(2);
  let taken = 0;
  for (const type of Object.values(types)) {
    for (let i = 0; i < 400; i++) {
      const bytes = [...encode(type, made(type, random))];
      for (let changes = 1 + random(2); changes > 0; changes--) {
        const at = random(bytes.length + 1);
        const value = random(4) === 0 ? random(256) : [0, 1, 2, 8, 10, 0x7f, 0x80, 0xff][random(8)];
        bytes.splice(at, random(2), ...(random(3) > 0 ? [value] : []));
      }
      const changed = Uint8Array.from(bytes);
      let message;
      try {
        message = decode(type, changed);
      } catch (error) {
        assert.equal(error.name, 'Refusal', `${type.name} ${hex(changed)}`);
        continue;
      }
      taken++;
      assert.ok(equal(encode(type, message), changed), `${type.name} ${hex(changed)}`);
    }
  }
  assert.ok(taken > 1000, `${taken}`);
});

test('no message lies in more than a hundred others', () => {
  const type = types.MasterDataAttribute;
  const nested = (depth) => {
    let fields = [];
    for (let i = 0; i < depth; i++) fields = [{ ...emptyMessage(type), id: 'a', fields }];
    return encode(type, { ...emptyMessage(type), id: 'a', fields });
  };
  assert.equal(decode(type, nested(100)).id, 'a');
  for (const depth of [101, 1000]) assert.throws(() => decode(type, nested(depth)), { name: 'Refusal' });
});
