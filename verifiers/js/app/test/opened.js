// What the tests of the application share: a browser, a server that answers as a node, and pages of which no fault, and
// no request for anybody else, goes unnoticed.

import assert from 'node:assert/strict';
import { afterEach } from 'node:test';
import { sharedBrowser } from '../../page/test/shared_browser.js';
import { serve } from './server.js';
import { outcome, visit } from './visit.js';

export { outcome };

export const MINUTE = 60_000;
/** What every one of these ledgers is told about. */
export const COMMON = ['proof-independence', 'one-server'];

// What a test has opened goes on working while it is open.
let pages = [];
afterEach(async () => {
  await Promise.all(pages.map((page) => page.context().close()));
  pages = [];
});

/** Starts a server for a test; `ledger` gives its evidence. */
export async function node(t, ledger, more = {}) {
  const server = await serve({ evidence: (item) => ledger.evidence(item), ...more });
  t.after(server.stop);
  return server;
}

/** Opens an address; faults, and requests for anybody but `servers`, fail the test. */
export async function open(url, options) {
  const page = await visit(await sharedBrowser(), url, options);
  pages.push(page);
  return page;
}

export const look = async (url, options) => {
  const page = await open(url, options);
  const found = await outcome(page);
  assert.deepEqual(page.faults, []);
  return found;
};
