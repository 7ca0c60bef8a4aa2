// The browsers of the tests, and what a page must be for all readers. TOUCHSTONE_BROWSER chooses chromium or firefox;
// TOUCHSTONE_CHROMIUM and TOUCHSTONE_FIREFOX name the programs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, firefox } from 'playwright-core';

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core')), 'utf8');

/** Browsers from Debian; the driver speaks WebDriver BiDi with Firefox. */
const BROWSERS = {
  chromium: () =>
    chromium.launch({
      executablePath: process.env.TOUCHSTONE_CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    }),
  firefox: () =>
    firefox.launch({ channel: 'moz-firefox', executablePath: process.env.TOUCHSTONE_FIREFOX ?? '/usr/bin/firefox-esr' }),
};
export const BROWSER = process.env.TOUCHSTONE_BROWSER ?? 'chromium';

/** Starts a browser by its name. */
export const launchBrowser = (name) => BROWSERS[name]();
export const launch = () => launchBrowser(BROWSER);

export const VIEWS = [
  { viewport: { width: 1280, height: 900 }, locale: 'en-US', colorScheme: 'light' },
  { viewport: { width: 360, height: 740 }, locale: 'zh-CN', colorScheme: 'light' },
  { viewport: { width: 360, height: 740 }, locale: 'en-US', colorScheme: 'dark' },
  { viewport: { width: 1280, height: 900 }, locale: 'zh-CN', colorScheme: 'dark' },
];

/** What axe-core finds wrong with the page. */
export async function violations(page) {
  const run = "axe.run(document, { resultTypes: ['violations'] })";
  const found = await page.evaluate(`globalThis.axe ?? (() => { ${AXE} })(); ${run}`);
  return found.violations.map(({ id, nodes }) => [id, nodes[0].html]);
}

/**
 * Requires that axe-core finds nothing on the page, and that nobody has to scroll sideways. Firefox, where axe-core is slow,
 * gets every fourth of the pairs of scene and view: each scene in one view, and all views.
 */
export async function checkReadable(page, what, view, scene = 0) {
  const { viewport } = view;
  if (BROWSER !== 'firefox' || (scene + VIEWS.indexOf(view)) % VIEWS.length === 0) assert.deepEqual(await violations(page), [], what);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= viewport.width, `${what} is ${width} px wide`);
}
