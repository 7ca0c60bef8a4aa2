// What the tests of the court's page share: a browser, and the page from the disk, without network.

import { afterEach } from 'node:test';
import { sharedBrowser } from './shared_browser.js';

export const PAGE = new URL('../../touchstone-verify.html', import.meta.url);

// What a test has opened goes on working while it is open.
let contexts = [];
afterEach(async () => {
  await Promise.all(contexts.map((context) => context.close()));
  contexts = [];
});

/** Opens the page; faults and requests that aren't for its own file fail the test. */
export async function open(options = {}, prepare = null) {
  const context = await (await sharedBrowser()).newContext({ offline: true, locale: 'en-US', ...options });
  contexts.push(context);
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
export async function judge(page, files) {
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

export const expected = ({ verdict, checks }) => ({
  verdict,
  results: Object.fromEntries(checks.map(({ element, result }) => [element, result])),
});

/** Drops one file after another on the page, each once the page has judged the one before; their judgements. */
export const judgeAll = (page, files) =>
  page.evaluate(
    async (encoded) => {
      const outcome = document.getElementById('outcome');
      const judged = [];
      for (const text of encoded) {
        document.getElementById('clear').click();
        const done = new Promise((resolve) => {
          const watch = new MutationObserver(() => {
            if (outcome.querySelector('[data-verdict]') === null) return;
            watch.disconnect();
            resolve();
          });
          watch.observe(outcome, { childList: true, subtree: true });
        });
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], 'forged'));
        document.querySelector('h1').dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
        await done;
        judged.push({
          verdict: outcome.querySelector('[data-verdict]').dataset.verdict,
          results: Object.fromEntries([...outcome.querySelectorAll('[data-element]')].map(({ dataset }) => [dataset.element, dataset.result])),
        });
      }
      return judged;
    },
    files.map((file) => Buffer.from(file).toString('base64')),
  );
