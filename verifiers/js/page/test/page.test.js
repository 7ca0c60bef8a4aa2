// The page in a headless browser, from the disk and without network: it judges as the library does, with the browser's
// cryptography and without; and it asks nobody for anything.
// TOUCHSTONE_PAGE_FORGERIES says how many forgeries are shown to it: half of them with the browser's cryptography, the others
// without.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fingerprint, verifyEvidence } from '../../node.js';
import { asFile, bodyOf, fileOf, versionOf } from '../../test/support/files.js';
import { GENESIS, LAMP, bytesOf, golden, goldenNames, goldenPath, pathOf } from '../../test/support/repository.js';
import { buildPage } from '../build.js';
import { PAGE, expected, judge, judgeAll, open } from './opened.js';

/** Forgeries that are handed to the page in one go. */
const TOGETHER = 50;
const FORGERIES = Number(process.env.TOUCHSTONE_PAGE_FORGERIES ?? 1000);

test('the page is what its sources give', async () => {
  assert.ok(readFileSync(PAGE).equals(await buildPage()), 'run node page/build.js');
});

const withoutSubtle = () => {
  Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });
};

for (const [half, [what, prepare]] of [
  ["with the browser's cryptography", null],
  ['without', withoutSubtle],
].entries()) {
  test(`every golden file is judged as by the library, ${what}`, async () => {
    const page = await open({}, prepare);
    assert.equal(await page.evaluate(() => crypto.subtle !== undefined), prepare === null);
    for (const name of goldenNames) {
      assert.deepEqual(await judge(page, goldenPath(name)), expected(await verifyEvidence(golden(name))), name);
    }
    assert.deepEqual(page.faults, []);
  });

  test(`forgeries are judged as by the library, ${what}`, async () => {
    const page = await open({}, prepare);
    // Bits all over each file, in strides that have no common factor with its structure.
    const forgeries = Array.from({ length: FORGERIES / 2 }, (_, at) => {
      const i = 2 * at + half;
      const name = goldenNames[i % goldenNames.length];
      const body = Uint8Array.from(bodyOf(golden(name)));
      const bit = (i * 7919) % (8 * body.length);
      body[bit >> 3] ^= 1 << (bit & 7);
      return { what: `${name}, bit ${bit}`, file: fileOf(body, versionOf(golden(name))) };
    });
    for (let at = 0; at < forgeries.length; at += TOGETHER) {
      const some = forgeries.slice(at, at + TOGETHER);
      const judged = await judgeAll(page, some.map(({ file }) => file));
      for (const [i, { what, file }] of some.entries()) assert.deepEqual(judged[i], expected(await verifyEvidence(file)), what);
    }
    assert.deepEqual(page.faults, []);
  });
}

test('originals, a trusted chain and trusted roots count', async () => {
  const page = await open();
  const judged = await judge(page, [goldenPath('design.evidence'), pathOf(LAMP)]);
  assert.equal(judged.verdict, 'verified-with-reservations');
  assert.equal(await page.locator('[data-exhibit="recorded"]').count(), 1);
  // Another file in its place says nothing about the record.
  await page.setInputFiles('#genesis', pathOf(LAMP));
  await page.waitForSelector('.notice');
  assert.equal(await page.locator('[data-verdict]').count(), 0);
  await page.setInputFiles('#genesis', pathOf(GENESIS));
  await page.waitForSelector('[data-verdict="verified"]');
  const design = asFile('design.evidence', golden('design.evidence'));
  const other = await judge(page, [design, asFile('other.txt', [1, 2])]);
  assert.equal(other.verdict, 'verified-with-reservations');
  assert.equal(await page.locator('[data-exhibit="not-recorded"]').count(), 1);
  await page.click('#clear');
  await page.fill('#chain', '0'.repeat(64));
  await page.setInputFiles('#files', goldenPath('stamped.evidence'));
  await page.waitForSelector('[data-verdict="not-verified"]');
  await page.fill('#chain', fingerprint(bytesOf(GENESIS)));
  await page.press('#chain', 'Tab');
  await page.waitForSelector('[data-verdict="verified-with-reservations"]');
  await page.setInputFiles('#roots', pathOf('chain-core/tests/data/evidence/stamped-root.der'));
  await page.waitForSelector('[data-verdict="verified"]');
  await page.fill('#chain', 'e0d9');
  await page.press('#chain', 'Tab');
  await page.waitForSelector('.notice');
  assert.equal(await page.locator('[data-verdict]').count(), 0);
  assert.deepEqual(page.faults, []);
});

test('files are chosen in the words of the page, whatever the browser speaks', async () => {
  for (const [locale, choose, none] of [['en-US', 'Choose files…', 'none chosen'], ['zh-CN', '选择文件…', '未选择']]) {
    const page = await open({ locale });
    assert.equal(await page.textContent('#filesChoose'), choose);
    assert.equal(await page.textContent('#filesChosen'), none);
    const chooser = page.waitForEvent('filechooser');
    await page.click('.choose');
    await (await chooser).setFiles(goldenPath('item.evidence'));
    await page.waitForSelector('[data-verdict]');
    assert.equal(await page.textContent('#filesChosen'), 'item.evidence');
    await page.click('#clear');
    assert.equal(await page.textContent('#filesChosen'), none);
    assert.deepEqual(page.faults, []);
    const typed = await open({ locale });
    // A key that comes before the window is in front is lost: it is pressed again, as a person would.
    const chosen = typed.waitForEvent('filechooser', { timeout: 60_000 }).then(() => true);
    do {
      await typed.bringToFront();
      await typed.press('#files', 'Space');
    } while (!(await Promise.race([chosen, typed.waitForTimeout(3_000)])));
  }
});

test('files that are dropped on the page are taken', async () => {
  const page = await open();
  await page.evaluate(
    (bytes) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(bytes)], 'item.evidence'));
      document
        .querySelector('h1')
        .dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
    },
    [...golden('item.evidence')],
  );
  await page.waitForSelector('[data-verdict="verified-with-reservations"]');
  assert.equal(await page.locator('.history li').count(), 4);
  await page.click('#clear');
  await page.setInputFiles('#files', asFile('note.txt', [104, 105]));
  await page.waitForSelector('.notice');
  assert.equal(await page.locator('[data-verdict]').count(), 0);
});

test('what is in a file stays text', async () => {
  const page = await open();
  const design = asFile('design.evidence', golden('design.evidence'));
  await judge(page, [design, asFile('<img src=x onerror=alert(1)>\u202e.txt', [1])]);
  assert.equal(await page.locator('#outcome img').count(), 0);
  const shown = await page.textContent('#outcome');
  assert.ok(shown.includes('<img src=x onerror=alert(1)>[U+202E].txt'));
  // The policy lets no other script in.
  await page.evaluate(() => {
    const script = document.createElement('script');
    try {
      script.textContent = 'window.injected = true';
      document.body.append(script);
    } catch {
      /* refused */
    }
  });
  assert.equal(await page.evaluate(() => window.injected), undefined);
});
