// The browsers of the tests, and what a page must be for all readers. TOUCHSTONE_BROWSER chooses chromium or firefox;
// TOUCHSTONE_CHROMIUM and TOUCHSTONE_FIREFOX name the programs.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium, firefox } from 'playwright-core';

export const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core')), 'utf8');

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
