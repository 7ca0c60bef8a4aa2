// Files of a ledger that is made here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyEvidence, verifyItemAnswer } from '../node.js';
import { sampleEvidence } from './support/sample.js';

test('a long history is verified in both versions of the file', async () => {
  for (const version of [1, 2]) {
    const { file, genesis } = sampleEvidence(40, version);
    const report = await verifyEvidence(file, { genesis });
    // The one organisation that acts holds a quarter of the power.
    assert.equal(report.verdict, 'verified', JSON.stringify(report.checks, null, 1));
    assert.equal(report.file.version, version);
    assert.equal(report.facts.history.events.length, 40);
    assert.equal(report.facts.custody.holder, 'carrier');
  }
});

test("a node's answer proves the page that it gives", async () => {
  const { genesis, item, answer } = sampleEvidence(300);
  const verify = (bytes, id = item) => verifyItemAnswer(bytes, { item: id, genesis });
  for (const [from, to] of [
    [0, 300],
    [0, 10],
    [250, 260],
    [299, 300],
    [256, 256 + 40],
  ]) {
    const read = await verify(answer(from, to));
    assert.equal(read.count, 300n);
    assert.deepEqual(
      read.events.map(({ position }) => Number(position.height)),
      Array.from({ length: to - from }, (_, i) => from + i + 1),
    );
    assert.match(new TextDecoder().decode(read.events[0].bytes), /ObjectEvent/);
  }
  assert.equal((await verify(answer(300, 300))).events.length, 0);
  const refuse = (bytes, id) => assert.rejects(verify(bytes, id), { name: 'Refusal' });
  await refuse(answer(299, 299));
  await refuse(answer(0, 10), 'https://id.gs1.org/01/09521321000018/21/2');
  const good = answer(250, 260);
  for (let at = 0; at < good.length; at += 131) {
    const flipped = Uint8Array.from(good);
    flipped[at] ^= 16;
    await refuse(flipped);
  }
});
