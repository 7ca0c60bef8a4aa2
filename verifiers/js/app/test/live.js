#!/usr/bin/env node
// The application as live nodes serve it, in a headless browser: what a reader does with a label, for the stories over real
// processes (tests/tests/stories/readers.rs). Each line of the output is JSON.
//   node app/test/live.js LINK CHAIN scan                 looks the thing up, and tells a scan
//   node app/test/live.js LINK CHAIN open CODE DOOR       looks it up, compares a code, and has the opening recorded
//   node app/test/live.js FILE CHAIN look-up PAGE         looks a file up on the page at this address

import { fromHex } from '../../src/bytes.js';
import { launch } from '../../page/test/browser.js';
import { outcome, visit } from './visit.js';

const [link, chain, what, ...more] = process.argv.slice(2);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const text = (page, id) => page.evaluate((name) => document.getElementById(name)?.textContent ?? null, id);

const ACTIONS = {
  async scan(browser) {
    const page = await visit(browser, link, { pin: fromHex(chain) });
    say({ looked: await outcome(page) });
    await page.click('#scans-tell');
    await page.waitForFunction(() => document.getElementById('scans-status').textContent.length > 40);
    say({ told: await outcome(page), faults: page.faults });
  },
  async open(browser) {
    const [code, door] = more;
    const page = await visit(browser, link, { pin: fromHex(chain), servers: [door] });
    say({ looked: await outcome(page), uses: await text(page, 'activation-opened') });
    await page.fill('#activation', code);
    await page.press('#activation', 'Enter');
    const isOffered = (await page.locator('#opening-tell').count()) === 1;
    if (isOffered) {
      await page.click('#opening-tell');
      await page.waitForFunction(() => !/^(|Being .*)$/.test(document.getElementById('opening-status').textContent));
    }
    const [state, uses] = [await text(page, 'opening-status'), await text(page, 'activation-opened')];
    say({ opened: await outcome(page), isOffered, state, uses, faults: page.faults });
  },
  async 'look-up'(browser) {
    const [address] = more;
    const page = await visit(browser, address, { pin: fromHex(chain) });
    await page.setInputFiles('#files', link);
    await page.waitForSelector('[data-file]');
    const found = await page.evaluate(() => [...document.querySelectorAll('[data-how]')].map(({ dataset }) => dataset.how));
    say({ file: await page.getAttribute('[data-file]', 'data-file'), found, faults: page.faults });
  },
};

const browser = await launch();
try {
  await ACTIONS[what](browser);
} finally {
  await browser.close();
}
