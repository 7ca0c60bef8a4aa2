// The page in headless Chromium, from the disk and without network: it judges as the library does, with the browser's
// cryptography and without; it can be read by everyone; and it asks nobody for anything.
// TOUCHSTONE_PAGE_FORGERIES says how many forgeries are shown to it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fingerprint, verifyEvidence } from '../../node.js';
import { bodyOf, fileOf, versionOf } from '../../test/support/files.js';
import { bytesOf, golden, goldenNames, goldenPath, pathOf } from '../../test/support/repository.js';
import { buildPage } from '../build.js';
import { AXE, BROWSER, VIEWS, launch } from './browser.js';

const PAGE = new URL('../../touchstone-verify.html', import.meta.url);
const GENESIS = 'chain-core/tests/data/evidence/genesis.json';
const LAMP = 'chain-core/tests/data/evidence/lamp.txt';
const FORGERIES = Number(process.env.TOUCHSTONE_PAGE_FORGERIES ?? 100);

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Opens the page; faults and requests that aren't for its own file fail the test. */
async function open(options = {}, prepare = null) {
  const context = await browser.newContext({ offline: true, locale: 'en-US', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && page.faults.push(message.text()));
  page.on('request', (request) => request.url() !== PAGE.href && page.faults.push(`asks for ${request.url()}`));
  if (prepare !== null) await page.addInitScript(prepare);
  await page.goto(PAGE.href);
  return page;
}

/** Shows files to the page and waits for its judgement: verdict and each element's result. */
async function judge(page, files) {
  await page.click('#clear');
  await page.setInputFiles('#files', files);
  await page.waitForSelector('[data-verdict]');
  return judgement(page);
}

const judgement = (page) =>
  page.evaluate(() => ({
    verdict: document.querySelector('[data-verdict]').dataset.verdict,
    results: Object.fromEntries(
      [...document.querySelectorAll('[data-element]')].map(({ dataset }) => [dataset.element, dataset.result]),
    ),
  }));

const expected = ({ verdict, checks }) => ({
  verdict,
  results: Object.fromEntries(checks.map(({ element, result }) => [element, result])),
});

const asFile = (name, bytes) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) });

test('the page is what its sources give', async () => {
  assert.ok(readFileSync(PAGE).equals(await buildPage()), 'run node page/build.js');
});

const withoutSubtle = () => {
  Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });
};

for (const [what, prepare] of [
  ["with the browser's cryptography", null],
  ['without', withoutSubtle],
]) {
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
    for (let i = 0; i < FORGERIES; i++) {
      const name = goldenNames[i % goldenNames.length];
      const body = Uint8Array.from(bodyOf(golden(name)));
      const bit = (i * 7919) % (8 * body.length);
      body[bit >> 3] ^= 1 << (bit & 7);
      const file = fileOf(body, versionOf(golden(name)));
      const report = await verifyEvidence(file);
      assert.deepEqual(await judge(page, asFile('forged', file)), expected(report), `${name}, bit ${bit}`);
    }
    assert.deepEqual(page.faults, []);
  });
}

test('originals, a trusted chain and trusted roots count', async () => {
  const page = await open();
  const judged = await judge(page, [goldenPath('design.evidence'), pathOf(LAMP)]);
  assert.equal(judged.verdict, 'verified-with-reservations');
  assert.equal(await page.locator('[data-exhibit="recorded"]').count(), 1);
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

for (const view of VIEWS) {
  const name = `${view.viewport.width} px, ${view.locale}, ${view.colorScheme}`;
  test(`everyone can read it: ${name}`, async () => {
    // axe-core is put in as a script of the test's, which the page's policy would refuse.
    const page = await open({ ...view, bypassCSP: true });
    const check = async (what) => {
      const found = await page.evaluate(`${AXE}; axe.run()`);
      assert.deepEqual(
        found.violations.map(({ id, nodes }) => [id, nodes[0].html]),
        [],
        what,
      );
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= view.viewport.width, `${what} is ${width} px wide`);
    };
    await check('the empty page');
    assert.equal(
      await page.evaluate(() => document.documentElement.lang),
      view.locale === 'zh-CN' ? 'zh-CN' : 'en',
    );
    for (const file of ['item.evidence', 'design.evidence', 'stamped.evidence', 'absent.evidence']) {
      await judge(page, [goldenPath(file), ...(file === 'design.evidence' ? [pathOf(LAMP)] : [])]);
      await page.evaluate(() =>
        document.querySelectorAll('details').forEach((details) => {
          details.open = true;
        }),
      );
      await check(file);
    }
    const forged = golden('item.evidence');
    forged[400] ^= 1;
    await judge(page, asFile('forged', forged));
    await check('a forgery');
    const before = await page.textContent('h1');
    await page.click('#language');
    assert.notEqual(await page.textContent('h1'), before);
    await check('the other language');
    assert.deepEqual(page.faults, []);
    // The checker bites.
    await page.evaluate(() => document.querySelector('label').remove());
    assert.notEqual((await page.evaluate('axe.run()')).violations.length, 0);
  });
}

test('the keyboard reaches everything, and the verdict gets the focus', async () => {
  const page = await open();
  await judge(page, goldenPath('item.evidence'));
  assert.equal(await page.evaluate(() => document.activeElement.id), 'verdict');
  await page.focus('#language');
  const reached = new Set(['language']);
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
  }
  for (const wanted of ['language', 'files', 'chain', 'genesis', 'roots', 'print', 'clear', 'SUMMARY']) {
    assert.ok(reached.has(wanted), `${wanted} can't be reached`);
  }
});

test('it prints', async () => {
  const page = await open();
  await judge(page, goldenPath('item.evidence'));
  if (BROWSER === 'chromium') {
    await page.emulateMedia({ media: 'print' });
    assert.ok(!(await page.isVisible('form')));
    assert.ok(await page.isVisible('[data-verdict]'));
  }
  assert.match((await page.pdf({ format: 'A4' })).toString('latin1', 0, 5), /^%PDF-/);
});
