#!/usr/bin/env node
// How long an examination takes: in Node and in headless Chromium, with the platform's cryptography and without, and
// with a processor four times slower. Prints medians in milliseconds.

import { chromium } from 'playwright-core';
import { verifyEvidence } from '../node.js';
import { sampleEvidence } from '../test/support/sample.js';

const PAGE = new URL('../touchstone-verify.html', import.meta.url).href;
const RUNS = 7;

const median = (times) => [...times].sort((a, b) => a - b)[times.length >> 1];

async function inNode(file) {
  const times = [];
  for (let i = 0; i < RUNS; i++) {
    const start = performance.now();
    await verifyEvidence(file);
    times.push(performance.now() - start);
  }
  return median(times);
}

async function inChromium(browser, file, { subtle, slower }) {
  const page = await (await browser.newContext({ offline: true })).newPage();
  if (!subtle)
    await page.addInitScript(() => Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined }));
  await page.goto(PAGE);
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
  const times = [];
  for (let i = 0; i < RUNS; i++) {
    await page.click('#clear');
    await page.setInputFiles('#files', {
      name: 'sample.evidence',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(file),
    });
    await page.waitForSelector('[data-verdict^="verified"]', { timeout: 300_000 });
    times.push(Number(await page.getAttribute('#verdict', 'data-ms')));
  }
  await page.context().close();
  return median(times);
}

const browser = await chromium.launch({
  executablePath: process.env.TOUCHSTONE_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
process.stdout.write(
  '| events | Node | Chromium | without crypto.subtle | four times slower |\n|---|---|---|---|---|\n',
);
for (const events of [10, 100, 1000]) {
  const { file } = sampleEvidence(events);
  const row = [
    await inNode(file),
    await inChromium(browser, file, { subtle: true, slower: 1 }),
    await inChromium(browser, file, { subtle: false, slower: 1 }),
    await inChromium(browser, file, { subtle: true, slower: 4 }),
  ];
  process.stdout.write(`| ${events} | ${row.map((ms) => Math.round(ms)).join(' | ')} |\n`);
}
await browser.close();
