// Designs that are looked up by their files, and a member's own node, in a headless browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, utf8 } from '../../src/bytes.js';
import { sha256 } from '../../src/hashes.js';
import { violations } from '../../page/test/browser.js';
import { read, write } from '../../test/support/files.js';
import { bytesOf } from '../../test/support/repository.js';
import { nodeStatus } from './node_status.js';
import { open, outcome } from './opened.js';
import { serve } from './server.js';

const golden = (name) => bytesOf(`chain-core/tests/data/evidence/${name}`);
const input = (name, content) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) });

/** A server that knows two designs: a disclosed one of a file "three", and one that only its receipt opens. */
async function designServer(t) {
  const disclosed = golden('compromised.evidence');
  const opened = read(golden('design.evidence'));
  const closed = write({ ...opened, opening: null });
  const [id, secret] = [read(disclosed).design, opened.design].map(hex);
  const three = hex(sha256(utf8('three')));
  const server = await serve({
    evidence: () => 404,
    designs: { [three]: [id] },
    designEvidence: { [id]: disclosed, [secret]: closed },
  });
  t.after(server.stop);
  const { salt, files } = opened.opening;
  const receipt = {
    format: 'touchstone/receipt/v1',
    design_id: secret,
    salt: hex(salt),
    files: files.map((file) => ({ name: file.name, sha256: hex(file.sha256), bytes: 1 })),
  };
  return { server, receipt, id, secret, chainId: sha256(golden('genesis.json')) };
}

test('a design is looked up by its file, or by its receipt, and neither is sent', async (t) => {
  const { server, receipt, id, secret, chainId } = await designServer(t);
  const page = await open(`${server.url}/app/`, { pin: chainId });
  const found = async (...files) => {
    await page.setInputFiles('#files', files);
    await page.waitForSelector('#verdict');
    const told = await page.evaluate(() => ({
      files: [...document.querySelectorAll('[data-file]')].map(({ dataset }) => dataset.file),
      designs: [...document.querySelectorAll('[data-how]')].map((one) => [one.dataset.how, one.textContent]),
    }));
    await page.click('#home');
    return { files: told.files, how: told.designs.map(([how]) => how), text: told.designs.map(([, text]) => text).join() };
  };
  const disclosed = await found(input('chair.step', 'three'));
  assert.deepEqual([disclosed.files, disclosed.how], [['known'], ['disclosed']]);
  for (const part of ['Chair', 'The market', '2026-02-25 06:13:28', id]) assert.ok(disclosed.text.includes(part), part);
  const lamp = input('lamp.txt', golden('lamp.txt'));
  assert.deepEqual((await found(lamp)).files, ['unknown']);
  const own = await found(lamp, input('lamp.touchstone.json', JSON.stringify(receipt)));
  assert.deepEqual([own.files, own.how], [['known'], ['receipt']]);
  assert.ok(own.text.includes(secret) && own.text.includes('The maker'));
  // A receipt that doesn't open the commitment, or another file, shows nothing.
  const bent = { ...receipt, salt: '00'.repeat(32) };
  assert.deepEqual((await found(lamp, input('bent.json', JSON.stringify(bent)))).files, ['unknown']);
  assert.deepEqual((await found(input('a.txt', 'a'), input('lamp.json', JSON.stringify(receipt)))).files, ['unknown']);
  // A certificate's code leads to the design itself.
  await page.goto(`${server.url}/app/?design=${secret}`);
  await page.waitForSelector('[data-how="linked"]');
  assert.ok((await page.textContent('main')).includes('The maker'));
  // What went out are hashes and ids.
  for (const line of server.asked)
    assert.match(line, /^GET \/(app\/(\?design=\w+)?|app\/designs\.json\?file=[0-9a-f]{64}|designs\/[0-9a-f]{64}\/evidence)$/);
  assert.deepEqual(page.faults, []);
});

test('a node that names a design without the file, or bends its evidence, is not believed', async (t) => {
  const { server, id, chainId } = await designServer(t);
  const lamp = hex(sha256(golden('lamp.txt')));
  const bent = Uint8Array.from(golden('compromised.evidence'));
  bent[bent.length - 40] ^= 1;
  for (const [more, code] of [
    [{ designs: { [lamp]: [id] }, designEvidence: { [id]: golden('compromised.evidence') } }, 'other-item'],
    [{ designs: { [lamp]: [id] }, designEvidence: { [id]: bent } }, 'answer-invalid'],
    [{ designs: { [lamp]: [id] }, designEvidence: { [id]: golden('design.evidence') } }, 'other-item'],
  ]) {
    const liar = await serve({ evidence: () => 404, ...more });
    t.after(liar.stop);
    const page = await open(`${liar.url}/app/`, { pin: chainId });
    await page.setInputFiles('#files', [input('lamp.txt', golden('lamp.txt'))]);
    assert.deepEqual(await outcome(page), { verdict: 'unchecked', codes: [code] });
    await page.context().close();
  }
  assert.ok(server.url);
});

test('a member sees its node: blocks as they come, who signed, and captures', async (t) => {
  let height = 3;
  let halt = null;
  const status = () => nodeStatus({ height, halt });
  const server = await serve({ evidence: () => 404, status });
  t.after(server.stop);
  const page = await open(`${server.url}/app/`, { bypassCSP: true });
  await page.click('#node');
  await page.waitForSelector('[data-node="nodeVotes"]');
  const rows = (n) => page.locator('tbody').nth(n).locator('tr');
  assert.equal(await rows(0).count(), 4);
  assert.equal(await rows(1).count(), 3);
  assert.match(await rows(0).nth(0).textContent(), /maker.*signed.*3\s\/\s3/);
  assert.match(await rows(0).nth(3).textContent(), /office.*not signed.*0\s\/\s3/);
  assert.equal(await page.locator('[data-job="jobRecorded"]').count(), 1);
  assert.match(await page.locator('[data-job="jobRefused"]').textContent(), /refused: the item is held by carrier/);
  assert.match(await page.locator('[data-query="shipped"]').textContent(), /shipped .*"EQ_bizStep":\["shipping"\]/);
  height = 4;
  await page.waitForFunction(() => document.querySelectorAll('tbody')[1].rows.length === 4);
  assert.deepEqual(await violations(page), []);
  halt = 'no block for 90 s';
  await page.waitForSelector('[data-node="nodeHalted"]');
  assert.ok((await page.textContent('main')).includes(halt));
  assert.deepEqual(page.faults, []);
});
