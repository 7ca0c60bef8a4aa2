// What a verifier is worth shows in what it refuses: every bit of a small file, each field of every message.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { concat, equal } from '../src/bytes.js';
import { types } from '../src/messages.js';
import { isAbsent } from '../src/protobuf.js';
import { verifyEvidence } from '../node.js';
import { bodyOf, fileOf, read, versionOf, write } from './support/files.js';
import { bytesOf, golden, goldenNames } from './support/repository.js';

const genesis = bytesOf('chain-core/tests/data/evidence/genesis.json');
const examine = (file) => verifyEvidence(file, { genesis });

test('no bit of a file can be flipped, with its old checksum or with a new one', async () => {
  const file = golden('absent.evidence');
  assert.equal((await examine(file)).verdict, 'verified');
  const body = bodyOf(file);
  // One thread for each processor: there are tens of thousands of them.
  const step = availableParallelism();
  const told = await Promise.all(
    Array.from({ length: step }, async (_, first) => {
      const worker = new Worker(new URL('./support/flips_worker.js', import.meta.url), {
        workerData: { body, genesis, first, step },
      });
      const [message] = await once(worker, 'message');
      return message;
    }),
  );
  assert.equal(told.reduce((sum, { flips }) => sum + flips, 0), 8 * body.length);
  assert.deepEqual(told.flatMap(({ accepted }) => accepted), [], 'bits of the body');
  // The checksum finds any of these first.
  for (let at = 0; at < file.length; at++) {
    const flipped = Uint8Array.from(file);
    flipped[at] ^= 1 << (at & 7);
    assert.equal((await examine(flipped)).checks[0].result, 'failed', `byte ${at}`);
  }
});

test('no file can be cut or go on', async () => {
  const file = golden('absent.evidence');
  for (let length = 0; length < file.length; length += 97) {
    assert.equal((await examine(file.subarray(0, length))).checks[0].result, 'failed');
  }
  assert.equal((await examine(fileOf(concat(bodyOf(file), new Uint8Array(1))))).verdict, 'not-verified');
  assert.equal((await examine(new Uint8Array(0))).verdict, 'not-verified');
});

/** Other values for a field, each with what was done. */
function* otherValues({ label, type, message }, value) {
  if (label === 'repeated') {
    for (let i = 0; i < value.length; i++) {
      yield ['drop', [...value.slice(0, i), ...value.slice(i + 1)]];
      yield ['double', [...value.slice(0, i), value[i], ...value.slice(i)]];
      if (i > 0) yield ['swap', [...value.slice(0, i - 1), value[i], value[i - 1], ...value.slice(i + 1)]];
      if (!message) {
        for (const [what, other] of otherScalars(type, value[i])) {
          yield [what, [...value.slice(0, i), other, ...value.slice(i + 1)]];
        }
      }
    }
    if (!message) yield ['add', [...value, defaults[type]]];
    return;
  }
  if ((label === 'optional' || label === 'oneof') && value !== null) yield ['remove', null];
  if (value === null || message) return;
  yield* otherScalars(type, value);
}

const defaults = { bytes: new Uint8Array(0), string: '', uint32: 0, uint64: 0n, enum: 0 };

function* otherScalars(type, value) {
  if (type === 'bytes') {
    if (value.length > 0) {
      const flipped = Uint8Array.from(value);
      flipped[value.length >> 1] ^= 4;
      yield ['flip', flipped];
      yield ['cut', value.subarray(0, value.length - 1)];
      yield ['clear', new Uint8Array(0)];
    }
    yield ['lengthen', concat(value, Uint8Array.of(7))];
  } else if (type === 'string') {
    yield ['lengthen', `${value}7`];
    if (value !== '') yield ['clear', ''];
  } else if (type === 'uint64') {
    yield ['raise', value + 1n];
    if (value > 0n) yield ['lower', value - 1n];
  } else {
    yield ['raise', value + 1];
    if (value > 0) yield ['lower', value - 1];
  }
}

/** All ways to change one field of a message or of those inside; each is undone before the next. */
function* changes(type, message, path) {
  for (const field of type.fields) {
    const value = message[field.key];
    const name = `${path}.${field.key}`;
    for (const [what, other] of otherValues(field, value)) {
      message[field.key] = other;
      yield `${what} ${name}`;
    }
    message[field.key] = value;
    if (!field.message || value === null) continue;
    if (field.label === 'repeated') {
      for (const [i, element] of value.entries()) yield* changes(field.message, element, `${name}[${i}]`);
    } else if (!isAbsent(value)) {
      yield* changes(field.message, value, name);
    }
  }
}

// The holder's words, which nothing proves; and a certificate proves its block without a signature too many.
const UNPROVEN = [
  /^\w+ evidence\.opening\.title$/,
  /^\w+ evidence\.opening\.files\[\d+\]\.name$/,
  /^drop evidence\..*certificate\.signatures$/,
  // Without it the file says less: the disclosure in the record, or nothing, opens the commitment.
  /^remove evidence\.opening$/,
  // A holder shows the fields that he wants to.
  /^drop evidence\.opening\.content\.disclosures$/,
  // A question is the asker's: changed, it has another answer, from the same records or none.
  /^\w+ evidence\.questions\b/,
  // Whose sanctions stand beside the disputes, the asker chooses: without a name the file says less.
  /^drop evidence\.disputes\.parties$/,
  // "Stamps can be left out of a file": the block has chain time only, or another's stamp.
  /^drop evidence\.stamps$/,
];

for (const name of goldenNames) {
  test(`no field of ${name} can be changed`, async () => {
    const evidence = read(golden(name));
    let changed = 0;
    for (const what of changes(types.Evidence, evidence, 'evidence')) {
      const file = write(evidence, versionOf(golden(name)));
      if (equal(file, golden(name))) continue;
      changed++;
      if (UNPROVEN.some((pattern) => pattern.test(what))) continue;
      assert.equal((await examine(file)).verdict, 'not-verified', what);
    }
    assert.ok(changed > 300, `${changed} changes`);
    assert.ok(equal(write(evidence, versionOf(golden(name))), golden(name)));
  });
}

test("what isn't asked for is refused, though it is proven", async () => {
  const evidence = read(golden('absent.evidence'));
  const more = read(golden('item.evidence')).states;
  const known = new Set(evidence.states.map(({ key }) => key.join()));
  const additional = more.find(({ key }) => !known.has(key.join()));
  evidence.states.push(additional);
  evidence.states.sort((a, b) => Buffer.compare(a.key, b.key));
  const report = await examine(write(evidence));
  assert.equal(report.verdict, 'not-verified');
  assert.equal(report.facts, null);
  assert.deepEqual(
    report.checks.filter(({ result }) => result === 'failed').map(({ element }) => element),
    ['state'],
  );
});
