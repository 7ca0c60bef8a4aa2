#!/usr/bin/env node
// Makes docs/page.png, the README's picture: the page after a scan of the lamp that the tests tell of.
//   npm run picture --prefix verifiers/js
// The language button is in Chinese: without a font for it (Debian's fonts-droid-fallback) the picture has boxes.

import { fileURLToPath } from 'node:url';
import { launchBrowser } from '../page/test/browser.js';
import { serve } from './test/server.js';
import { LAMP_PATH, WAY, ledgerOf } from './test/story.js';

const TARGET = fileURLToPath(new URL('../../../docs/page.png', import.meta.url));
const SIZE = { width: 460, height: 860 };

const ledger = ledgerOf(WAY, { now: Date.UTC(2026, 3, 16, 12) });
const server = await serve({ evidence: (item) => ledger.evidence(item) });
const browser = await launchBrowser('chromium');
const page = await (await browser.newContext({ viewport: SIZE, locale: 'en-US', colorScheme: 'light' })).newPage();
// The record is from that day, and so is the picture.
await page.addInitScript(`Date.now = () => ${Date.UTC(2026, 3, 16, 12, 1)}`);
await page.goto(`${server.url}${LAMP_PATH}`);
await page.click('#pin');
await page.waitForSelector('[data-verdict="checked"]');
await page.evaluate(() => {
  for (const one of document.querySelectorAll('.pinned')) one.remove();
  document.activeElement.blur();
});
await page.screenshot({ path: TARGET });
await browser.close();
await server.stop();
