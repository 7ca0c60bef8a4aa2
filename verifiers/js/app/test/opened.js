// What the tests of the application share: a browser for each file of tests, a server that answers as a node, and pages
// of which no fault, and no request for anybody else, goes unnoticed.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { hex } from '../../src/bytes.js';
import { launch } from '../../page/test/browser.js';
import { serve } from './server.js';

export const MINUTE = 60_000;
const SHANGHAI = { latitude: 31.2304, longitude: 121.4737 };
/** What every one of these ledgers is told about. */
export const COMMON = ['proof-independence', 'one-server'];

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Starts a server for a test; `ledger` gives its evidence. */
export async function node(t, ledger, more = {}) {
  const server = await serve({ evidence: (item) => ledger.evidence(item), ...more });
  t.after(server.stop);
  return server;
}

/** Opens an address; faults, and requests for anybody but `servers`, fail the test. */
export async function open(url, { servers = [], pin = null, allowed = [], init = null, place = SHANGHAI, ...options } = {}) {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.faults = [];
  const origins = [new URL(url).origin, ...servers];
  const fault = (text) => {
    if (!allowed.some((part) => text.includes(part))) page.faults.push(text);
  };
  // Firefox tells of a refused request either way.
  page.on('pageerror', (error) => fault(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') fault(message.text());
  });
  page.on('request', (request) => {
    const asked = request.url();
    if (!/^(data|blob):/.test(asked) && !origins.includes(new URL(asked).origin)) page.faults.push(`asks for ${asked}`);
  });
  if (pin !== null) {
    await page.addInitScript((digits) => {
      try {
        window.localStorage.setItem('touchstone-chain', digits);
      } catch {
        // The empty page before has no storage.
      }
    }, hex(pin));
  }
  // Drivers differ in how they tell a browser where it is; the page asks this.
  await page.addInitScript((coords) => {
    navigator.geolocation.getCurrentPosition = (found, failed) => (coords === null ? failed({ code: 1 }) : found({ coords }));
  }, place);
  if (init !== null) await page.addInitScript(init);
  await page.goto(url);
  return page;
}

/** The verdict and the codes that it rests on. */
export async function outcome(page) {
  await page.waitForSelector('[data-verdict]');
  return page.evaluate(() => ({
    verdict: document.querySelector('[data-verdict]').dataset.verdict,
    codes: [...document.querySelectorAll('[data-code]')].map(({ dataset }) => dataset.code),
  }));
}

export const look = async (url, options) => {
  const page = await open(url, options);
  const found = await outcome(page);
  assert.deepEqual(page.faults, []);
  await page.context().close();
  return found;
};
