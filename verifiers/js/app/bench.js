#!/usr/bin/env node
// How long the application takes to check an item of 10 and of 1,000 events: in headless Chromium, there with a processor
// four times slower, and in Firefox; with the browser's cryptography and without. Prints medians in milliseconds, and how
// busy the machine was. Chromium's throttling slows the page's own thread; its workers, which verify signatures of long
// histories, keep their speed.
//   npm run bench:app --prefix verifiers/js

import { cpus, loadavg } from 'node:os';
import { launchBrowser } from '../page/test/browser.js';
import { sampleEvidence } from '../test/support/sample.js';
import { serve } from './test/server.js';

const RUNS = 9;
const median = (times) => [...times].sort((a, b) => a - b)[times.length >> 1];

/** Each run opens the page anew, as a scan does. */
async function times(browser, url, { slower = 1, subtle = true, runs = RUNS }) {
  const context = await browser.newContext();
  const measured = [];
  for (let i = 0; i < runs; i++) {
    const page = await context.newPage();
    if (!subtle) await page.addInitScript(() => Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined }));
    if (slower > 1) {
      const session = await context.newCDPSession(page);
      await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
    }
    await page.goto(url);
    await page.waitForSelector('[data-verdict]', { timeout: 300_000 });
    measured.push(Number(await page.getAttribute('main', 'data-ms')));
    await page.close();
  }
  await context.close();
  return measured;
}

const chromium = await launchBrowser('chromium');
const firefox = await launchBrowser('firefox');
const busy = () => loadavg()[0].toFixed(1);
process.stdout.write(`Checking an item, medians of ${RUNS} in ms; load ${busy()} on ${cpus().length} processors.\n\n`);
process.stdout.write('| events | Chromium | four times slower | Firefox | without crypto.subtle: Chromium | Firefox |\n');
process.stdout.write('|---|---|---|---|---|---|\n');
for (const events of [10, 1000]) {
  const { file, item } = sampleEvidence(events);
  const server = await serve({ evidence: () => file });
  const url = `${server.url}${new URL(item).pathname}`;
  const row = [
    await times(chromium, url, {}),
    await times(chromium, url, { slower: 4 }),
    await times(firefox, url, {}),
    await times(chromium, url, { subtle: false, runs: 3 }),
    await times(firefox, url, { subtle: false, runs: 3 }),
  ];
  process.stdout.write(`| ${events} | ${row.map((one) => Math.round(median(one))).join(' | ')} |\n`);
  await server.stop();
}
process.stdout.write(`\nLoad at the end: ${busy()}.\n`);
await chromium.close();
await firefox.close();
