// A visit to the application in a browser, of which no fault, and no request for anybody else, goes unnoticed.

import { hex } from '../../src/bytes.js';

const SHANGHAI = { latitude: 31.2304, longitude: 121.4737 };

/** Opens an address; what is wrong, and requests for anybody but `servers`, are the page's `faults`. */
export async function visit(browser, url, { servers = [], pin = null, allowed = [], init = null, place = SHANGHAI, ...options } = {}) {
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
