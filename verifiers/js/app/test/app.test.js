// The application in a headless browser, against a server that answers as a node: from the scanned link to the verdict,
// for answers that hold and answers that don't; and it asks nobody else.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hex } from '../../src/bytes.js';
import { sha256 } from '../../src/hashes.js';
import { PAGES, buildPage } from '../../page/build.js';
import { BROWSER } from '../../page/test/browser.js';
import { bodyOf, fileOf, read, write } from '../../test/support/files.js';
import { sampleEvidence } from '../../test/support/sample.js';
import { COMMON, MINUTE, look, node, open, outcome } from './opened.js';
import { serve, serveOpenings } from './server.js';
import {
  CHIPS,
  CODE,
  LAMP,
  LAMP_PATH,
  LOT,
  MADE_OF,
  OPENINGS,
  SEALED,
  SET,
  SET_PATH,
  WAY,
  custody,
  endOf,
  firstTransaction,
  ledgerOf,
  making,
  opening,
  recall,
  sale,
} from './story.js';

test('the page is what its sources give, and small', async () => {
  const page = readFileSync(PAGES.app.target);
  assert.ok(page.equals(await buildPage(PAGES.app)), 'run node page/build.js');
  assert.ok(gzipSync(page, { level: 9 }).length <= 150 * 1024);
});

test('a scanned link shows the verified way, after the chain was compared once', async (t) => {
  const server = await node(t, ledgerOf(WAY));
  const page = await open(`${server.url}${LAMP_PATH}?17=311231`);
  assert.deepEqual(await outcome(page), { verdict: 'reservations', codes: ['chain-not-compared', ...COMMON] });
  assert.equal(await page.locator('#trust .words li').count(), 24);
  await page.click('#pin');
  await page.waitForSelector('[data-verdict="checked"]');
  assert.deepEqual(await outcome(page), { verdict: 'checked', codes: COMMON });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'verdict');
  assert.deepEqual(
    await page.evaluate(() => [...document.querySelectorAll('[data-stage]')].map(({ dataset }) => dataset.stage)),
    ['production', 'packing', 'loading-port', 'voyage', 'import-port', 'warehouse', 'customs', 'retail'],
  );
  assert.equal(await page.locator('svg.chart').count(), 2);
  assert.equal(await page.locator('svg.map circle').count(), 3);
  const text = await page.textContent('main');
  for (const part of ['The maker', 'handover accepted: both sides signed', 'China', 'desk lamp <b>9</b>', '2026-03-02 09:15 (UTC+08:00)'])
    assert.ok(text.includes(part), part);
  // The pin stays for the next scan.
  await page.goto(`${server.url}${LAMP_PATH}`);
  assert.equal((await outcome(page)).verdict, 'checked');
  await page.click('.pinned summary');
  await page.click('#forget');
  await page.waitForSelector('[data-verdict="reservations"]');
  assert.deepEqual(page.faults, []);
});

const VERDICTS = [
  ['unknown', [making], { path: '/01/09521321000018/21/2' }, 'suspect', 'unknown'],
  ['named by its kind alone', [making], { path: '/01/09521321000018' }, 'unchecked', 'kind-of-product'],
  ['recalled', [...WAY, recall([LAMP])], {}, 'suspect', 'recalled'],
  ["recalled with its lot", [...WAY, recall([LOT], { epcList: [] })], {}, 'suspect', 'recalled'],
  ['sold', [...WAY, sale], { record: endOf(1, 10) }, 'reservations', 'ended-sold'],
  ['destroyed', WAY, { record: endOf(3, 9) }, 'suspect', 'ended-destroyed'],
  ['of another lot than printed', WAY, { path: `/01/09521321000018/10/B8/21/1` }, 'suspect', 'lot-differs'],
  ['of another expiry than printed', WAY, { path: `${LAMP_PATH}?17=301231` }, 'suspect', 'expiry-differs'],
  ['not made by the owner of its prefix', WAY, { prefixes: {} }, 'suspect', 'not-by-owner'],
  ['not recorded as made', WAY.slice(1), {}, 'suspect', 'not-commissioned'],
  ['stale', WAY, { ageMs: 60 * MINUTE }, 'reservations', 'stale'],
];

for (const [what, steps, { path = LAMP_PATH, ...options }, verdict, code] of VERDICTS) {
  test(`a thing that is ${what}`, async (t) => {
    const ledger = ledgerOf(steps, options);
    const server = await node(t, ledger);
    const found = await look(`${server.url}${path}`, { pin: ledger.chainId });
    assert.equal(found.verdict, verdict);
    assert.equal(found.codes[0], code);
  });
}

test('a tampered answer is no answer, and shows nothing', async (t) => {
  const ledger = ledgerOf(WAY);
  const body = Uint8Array.from(bodyOf(ledger.evidence(LAMP)));
  const place = Buffer.from(body).indexOf('desk lamp');
  body[place] ^= 1;
  const server = await node(t, ledger, { evidence: () => fileOf(body, 2) });
  const page = await open(`${server.url}${LAMP_PATH}`, { pin: ledger.chainId });
  assert.deepEqual(await outcome(page), { verdict: 'unchecked', codes: ['answer-invalid'] });
  assert.equal(await page.locator('[data-stage]').count(), 0);
  assert.ok(!(await page.textContent('main')).includes('The maker'));
});

test('another chain than the pinned one is told, with both', async (t) => {
  const server = await node(t, ledgerOf(WAY, { chain: 'imitation' }));
  const page = await open(`${server.url}${LAMP_PATH}`, { pin: ledgerOf([making]).chainId });
  assert.deepEqual(await outcome(page), { verdict: 'unchecked', codes: ['other-chain'] });
  assert.equal(await page.locator('.trust .words').count(), 2);
  assert.equal(await page.locator('[data-stage]').count(), 0);
});

test('an answer about another thing, an error and an address without a code are told', async (t) => {
  const ledger = ledgerOf(WAY);
  const other = await node(t, ledger, { evidence: () => ledger.evidence(LOT) });
  assert.deepEqual(await look(`${other.url}${LAMP_PATH}`), { verdict: 'unchecked', codes: ['other-item'] });
  const refusing = await node(t, ledger, { evidence: () => 503 });
  assert.deepEqual(await look(`${refusing.url}${LAMP_PATH}`, { allowed: ['503'] }), {
    verdict: 'unchecked',
    codes: ['server-refuses'],
  });
  assert.deepEqual(await look(`${refusing.url}/01/09521321000019`), { verdict: 'unchecked', codes: ['bad-code'] });
});

test('a node that hides newer blocks is found out by a second member, whose answer is shown', async (t) => {
  const now = Date.now();
  const startMs = now - 30 * MINUTE;
  const old = ledgerOf(WAY, { startMs, anchorMs: now - 20 * MINUTE });
  const newer = ledgerOf([...WAY, recall([LAMP])], { startMs, anchorMs: now });
  const origins = [];
  const second = await node(t, newer, { origins });
  const members = [{ name: 'market', url: second.url }];
  const first = await node(t, old, { members });
  origins.push(first.url);
  const found = await look(`${first.url}${LAMP_PATH}`, { servers: [second.url], pin: old.chainId });
  assert.deepEqual(found, { verdict: 'suspect', codes: ['recalled', 'behind', 'proof-independence'] });
  // A second that agrees leaves nothing to say.
  const agreeing = await node(t, newer, { members });
  origins.push(agreeing.url);
  const agreed = await look(`${agreeing.url}${LAMP_PATH}`, { servers: [second.url], pin: old.chainId });
  assert.deepEqual(agreed.codes, ['recalled', 'proof-independence']);
});

test('a second member with a chain of its own shows nothing before a chain was compared either', async (t) => {
  const now = Date.now();
  const ledger = ledgerOf(WAY, { startMs: now - 30 * MINUTE, anchorMs: now - 5 * MINUTE });
  const forged = ledgerOf([making], { chain: 'imitation', anchorMs: now });
  const origins = [];
  const second = await node(t, forged, { origins });
  const first = await node(t, ledger, { members: [{ name: 'market', url: second.url }] });
  origins.push(first.url);
  const page = await open(`${first.url}${LAMP_PATH}`, { servers: [second.url] });
  const codes = ['chain-not-compared', 'second-refused', 'proof-independence'];
  assert.deepEqual(await outcome(page), { verdict: 'reservations', codes });
  assert.equal(await page.locator('[data-stage]').count(), 8);
  assert.deepEqual(page.faults, []);
});

test("a second member that doesn't answer, or wrongly, is told", async (t) => {
  const ledger = ledgerOf(WAY);
  const everyone = { includes: () => true };
  const cases = [
    ['second-refused', { evidence: () => ledger.evidence(LOT), origins: everyone }],
    ['second-silent', { evidence: () => 503, origins: everyone }],
    // A member whose operator doesn't let this page ask.
    ['second-silent', {}],
  ];
  for (const [code, more] of cases) {
    const second = await node(t, ledger, more);
    const first = await node(t, ledger, { members: [{ name: 'market', url: second.url }] });
    const allowed = ['503', 'Access-Control-Allow-Origin', 'ERR_FAILED', 'Cross-Origin'];
    const found = await look(`${first.url}${LAMP_PATH}`, { servers: [second.url], pin: ledger.chainId, allowed });
    assert.ok(found.codes.includes(code), `${code}: ${found.codes}`);
  }
});

test("a recall of the lot is kept back by no other chain, no old block and no silence", async (t) => {
  const startMs = Date.now() - 30 * MINUTE;
  const recalled = ledgerOf([...WAY, recall([LOT], { epcList: [] })], { startMs });
  const others = [
    () => ledgerOf(WAY, { startMs, chain: 'imitation' }).evidence(LOT),
    () => ledgerOf(WAY, { startMs, anchorMs: Date.now() - 20 * MINUTE }).evidence(LOT),
    () => 503,
  ];
  for (const other of others) {
    const server = await node(t, recalled, { evidence: (item) => (item === LOT ? other() : recalled.evidence(item)) });
    // Also where no chain was compared yet.
    for (const [pin, codes] of [[recalled.chainId, []], [undefined, ['chain-not-compared']]]) {
      const found = await look(`${server.url}${LAMP_PATH}`, { pin, allowed: ['503'] });
      assert.deepEqual(found, { verdict: 'reservations', codes: ['lot-no-answer', ...codes, ...COMMON] });
    }
  }
});

test('a code that is typed in is looked up', async (t) => {
  const ledger = ledgerOf(WAY);
  const server = await node(t, ledger);
  const page = await open(`${server.url}/app/`, { pin: ledger.chainId });
  await page.fill('#code', '(01)09521321000018(21)1(10)B7');
  await page.press('#code', 'Enter');
  assert.equal((await outcome(page)).verdict, 'checked');
  await page.click('#home');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'code');
  await page.fill('#code', 'lamp');
  await page.press('#code', 'Enter');
  assert.deepEqual((await outcome(page)).codes, ['bad-code']);
  await page.goBack();
  await page.waitForSelector('[data-verdict="checked"]');
  assert.deepEqual(page.faults, []);
});

test('a cloned serial is suspect by the scans that the node counts, which learns a cell and nothing exact', async (t) => {
  const ledger = ledgerOf(WAY);
  const seen = [];
  let answer = ['scan-many-places', 'fake'];
  const server = await node(t, ledger, { scans: (told) => (seen.push(told), answer) });
  const ask = async (options = {}) => {
    const page = await open(`${server.url}${LAMP_PATH}`, { pin: ledger.chainId, allowed: ['503'], ...options });
    assert.equal((await outcome(page)).verdict, 'checked');
    await page.click('#scans-tell');
    return page;
  };
  const cloned = await ask();
  await cloned.waitForSelector('[data-verdict=suspect]');
  assert.deepEqual((await outcome(cloned)).codes, ['scan-many-places', ...COMMON]);
  assert.equal(await cloned.evaluate(() => document.activeElement.id), 'verdict');
  assert.deepEqual(seen, [{ item: LAMP, row: 62, column: 242 }]);
  answer = [];
  const good = await ask();
  await good.waitForFunction(() => document.getElementById('scans-status').textContent.includes('do not speak of copies'));
  assert.equal((await outcome(good)).verdict, 'checked');
  answer = 503;
  const silent = await ask();
  await silent.waitForFunction(() => document.getElementById('scans-status').textContent.includes('no answer'));
  const hidden = await ask({ place: null });
  await hidden.waitForFunction(() => document.getElementById('scans-status').textContent.includes('nothing was sent'));
  assert.equal(seen.length, 3);
  for (const page of [cloned, good, silent, hidden]) assert.deepEqual(page.faults, []);
  // A node that counts none doesn't ask.
  const other = await node(t, ledger);
  const page = await open(`${other.url}${LAMP_PATH}`, { pin: ledger.chainId });
  await outcome(page);
  assert.equal(await page.locator('#scans-tell').count(), 0);
});

test('a label whose code was used says when, and who recorded it; and only the code opens it', async (t) => {
  const sealed = ledgerOf(SEALED);
  const server = await node(t, sealed);
  const page = await open(`${server.url}${LAMP_PATH}`, { pin: sealed.chainId });
  assert.equal((await outcome(page)).verdict, 'checked');
  assert.match(await page.textContent('#activation-opened'), /No use of the code is recorded/);
  for (const [typed, answer] of [['0123 4567 89ab', /^It fits/], ['0123 4567 89ac', /does not fit/]]) {
    await page.fill('#activation', typed);
    await page.press('#activation', 'Enter');
    assert.match(await page.textContent('#activation-answer'), answer);
    // Nobody is named who would record it.
    assert.equal(await page.locator('#opening-tell').count(), 0);
  }
  // What has another code opens nothing, though it came first.
  const wrong = ledgerOf([...SEALED, opening('carrier', OPENINGS, '0123456789AC')]);
  const guessed = await node(t, wrong);
  assert.equal((await look(`${guessed.url}${LAMP_PATH}`, { pin: sealed.chainId })).verdict, 'checked');
  const opened = ledgerOf([...SEALED, opening('carrier', OPENINGS, '0123456789AC'), opening('market', OPENINGS, CODE), opening('office', OPENINGS, CODE)]);
  const second = await node(t, opened);
  const told = await open(`${second.url}${LAMP_PATH}`, { pin: sealed.chainId });
  assert.deepEqual(await outcome(told), { verdict: 'reservations', codes: ['opened', ...COMMON] });
  assert.match(await told.textContent('[data-code=opened]'), /The market recorded that on \d{4}-/);
  // A node that keeps the answer back is told.
  const silent = await node(t, opened, { evidence: (item) => (item === OPENINGS ? 503 : opened.evidence(item)) });
  const hidden = await open(`${silent.url}${LAMP_PATH}`, { pin: sealed.chainId, allowed: ['503'] });
  assert.deepEqual(await outcome(hidden), { verdict: 'reservations', codes: ['opening-no-answer', ...COMMON] });
  assert.match(await hidden.textContent('#activation-opened'), /could not be looked up/);
  for (const one of [page, told, hidden]) assert.deepEqual(one.faults, []);
});

test('a reader has an opening recorded by pressing, sees it proven, and the second hears of the first', async (t) => {
  const startMs = Date.now() - MINUTE;
  let ledger = ledgerOf(SEALED, { startMs });
  const opened = ledgerOf([...SEALED, opening('market', OPENINGS, CODE)], { startMs });
  const transaction = firstTransaction(opened, OPENINGS);
  const origins = [];
  let answer = () => {
    ledger = opened;
    return { first: true, organisation: 'market', transaction };
  };
  const door = await serveOpenings({ origins, open: () => answer() });
  t.after(door.stop);
  // The node shows the opening a moment later than it was recorded.
  let late = 1;
  const evidence = (item) => (item === OPENINGS && ledger === opened && late-- > 0 ? ledgerOf(SEALED, { startMs }) : ledger).evidence(item);
  const server = await node(t, ledger, { evidence, openings: door.url });
  origins.push(server.url);
  const ask = async (typed = '0123-4567-89ab', options = {}) => {
    const page = await open(`${server.url}${LAMP_PATH}`, { servers: [door.url], pin: opened.chainId, ...options });
    assert.equal((await outcome(page)).verdict, 'checked');
    await page.fill('#activation', typed);
    await page.press('#activation', 'Enter');
    return page;
  };
  const said = (page, part) => page.waitForFunction((text) => document.getElementById('opening-status').textContent.includes(text), part);
  const wrong = await ask('0123 4567 89ac');
  assert.match(await wrong.textContent('#activation-answer'), /does not fit/);
  assert.equal(await wrong.locator('#opening-tell').count(), 0);

  const first = await ask();
  assert.deepEqual(door.asked, [], 'the code left the device before its reader agreed');
  assert.ok((await first.textContent('#opening')).includes(new URL(door.url).host));
  await first.click('#opening-tell');
  await said(first, 'yours is the first use');
  assert.equal((await outcome(first)).verdict, 'checked');
  assert.match(await first.textContent('#activation-opened'), /^Your opening was recorded on \d{4}-.*, market$/);
  assert.equal(await first.evaluate(() => document.activeElement.id), 'opening-status');
  assert.deepEqual(door.told, [{ item: LAMP, code: CODE }]);
  assert.deepEqual(door.asked, ['OPTIONS /openings', 'POST /openings']);
  await first.click('#language');
  assert.match(await first.textContent('#opening-status'), /您是首次使用此验证码/);

  // Who had the page open meanwhile, and who comes later.
  ledger = ledgerOf(SEALED, { startMs });
  const beaten = await ask();
  answer = () => {
    ledger = opened;
    return { first: false, organisation: 'market', transaction };
  };
  await beaten.click('#opening-tell');
  await beaten.waitForSelector('[data-code=opened]');
  assert.match(await beaten.textContent('#opening-status'), /before you/);
  assert.match(await beaten.textContent('[data-code=opened]'), /The market recorded that on \d{4}-/);
  const later = await open(`${server.url}${LAMP_PATH}`, { pin: opened.chainId });
  assert.deepEqual((await outcome(later)).codes, ['opened', ...COMMON]);
  await later.fill('#activation', CODE);
  await later.press('#activation', 'Enter');
  assert.equal(await later.locator('#opening-tell').count(), 0);

  // Whose word isn't proven isn't shown: the transaction is another's.
  ledger = ledgerOf(SEALED, { startMs });
  const deceived = await ask();
  answer = () => {
    ledger = opened;
    return { first: true, organisation: 'market', transaction: '0'.repeat(64) };
  };
  await deceived.click('#opening-tell');
  await deceived.waitForSelector('[data-code=opened]');
  for (const page of [wrong, first, beaten, later, deceived]) assert.deepEqual(page.faults, []);
});

test('why an opening is not recorded is told, and nothing is claimed of it', async (t) => {
  const ledger = ledgerOf(SEALED);
  const origins = [];
  let status = 429;
  const door = await serveOpenings({ origins, open: () => status });
  t.after(door.stop);
  const server = await node(t, ledger, { openings: door.url });
  origins.push(server.url);
  const allowed = ['429', '409', '503', '400', '403', 'Access-Control-Allow-Origin', 'ERR_FAILED', 'Cross-Origin', 'Same Origin'];
  const page = await open(`${server.url}${LAMP_PATH}`, { servers: [door.url], pin: ledger.chainId, allowed });
  await outcome(page);
  await page.fill('#activation', CODE);
  await page.press('#activation', 'Enter');
  const cases = [
    [429, 'try again in a minute'],
    [409, 'without its code'],
    [503, 'could not be recorded now'],
    [400, 'refused'],
  ];
  const press = async (part) => {
    await page.click('#opening-tell');
    await page.waitForFunction((text) => document.getElementById('opening-status').textContent.includes(text), part);
    assert.match(await page.textContent('#activation-opened'), /No use of the code is recorded/);
    assert.equal((await outcome(page)).verdict, 'checked');
  };
  for (const [code, part] of cases) {
    status = code;
    await press(part);
  }
  // Its operator doesn't let this page ask.
  origins.length = 0;
  await press('There was no answer');
  assert.deepEqual(page.faults, []);
});

test('what a thing is made of, and what became of it, is followed thing by thing, each checked', async (t) => {
  const ledger = ledgerOf(MADE_OF, { records: { [SET]: { custody }, [CHIPS]: {} } });
  let isWrong = false;
  const server = await node(t, ledger, { evidence: (item) => ledger.evidence(isWrong && item === CHIPS ? LAMP : item) });
  const page = await open(`${server.url}${LAMP_PATH}`, { pin: ledger.chainId });
  await outcome(page);
  const listed = (side) => page.evaluate((one) => [...document.querySelectorAll(`[data-side=${one}] [data-trace]`)].map(({ dataset }) => dataset.trace), side);
  assert.deepEqual([await listed('origins'), await listed('outcomes')], [[CHIPS], [SET]]);
  assert.equal(await page.locator('svg.trace .box').count(), 3);
  assert.equal(server.asked.filter((line) => line.includes('C1')).length, 0);
  // By the keyboard: what was followed has the focus, and says who has it.
  await page.focus('#trace-outcomes-0-follow');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#trace-outcomes-0:focus');
  assert.match(await page.textContent('#trace-outcomes-0'), /Who has it: The market/);
  assert.equal(await page.locator('svg.trace .box.known').count(), 1);
  // An answer that doesn't hold shows nothing.
  isWrong = true;
  await page.click('svg.trace .box.open');
  await page.waitForSelector('svg.trace .box.fault');
  assert.match(await page.textContent('#trace-origins-0'), /nothing of it is shown/);
  // From the set back to all that it is made of.
  isWrong = false;
  await page.goto(`${server.url}${SET_PATH}`);
  await outcome(page);
  await page.click('#trace-origins-0-follow');
  await page.waitForSelector('#trace-origins-1');
  assert.deepEqual(await listed('origins'), [LAMP, CHIPS]);
  await page.goto(`${server.url}${new URL(CHIPS).pathname}`);
  await outcome(page);
  await page.click('#trace-outcomes-0-follow');
  await page.click('#trace-outcomes-1-follow');
  await page.waitForFunction(() => document.querySelectorAll('svg.trace .box.known').length === 2);
  assert.deepEqual(await listed('outcomes'), [LAMP, SET]);
  assert.deepEqual(page.faults, []);
});

for (const [how, init] of [
  ['workers', null],
  ['no workers', () => Object.defineProperty(window, 'Worker', { value: undefined })],
  ['workers that fail', () => (window.Worker = class { postMessage() { setTimeout(() => this.onerror(new Event('error'))); } })],
]) {
  test(`a long history is checked by ${how}, and none that was changed`, async (t) => {
    const { file, item, genesis } = sampleEvidence(150);
    assert.ok(file.length > 200_000);
    const changed = read(file);
    const last = changed.blocks.at(-1).certificate.signatures.at(-1);
    last.signature = Uint8Array.from(last.signature, (byte, i) => (i === 40 ? byte ^ 1 : byte));
    for (const [bytes, verdict] of [[file, 'suspect'], [write(changed, 2), 'unchecked']]) {
      const server = await serve({ evidence: () => bytes });
      t.after(server.stop);
      const page = await open(`${server.url}${new URL(item).pathname}`, { pin: sha256(genesis), init });
      let started = 0;
      page.on('worker', () => started++);
      // Before the listener was there, the page may have started it.
      const found = await outcome(page);
      assert.equal(found.verdict, verdict);
      if (verdict === 'unchecked') assert.deepEqual(found.codes, ['answer-invalid']);
      if (BROWSER === 'chromium') assert.equal(started + page.workers().length > 0, how === 'workers');
      assert.deepEqual(page.faults, []);
      await page.context().close();
    }
  });
}

test('the evidence can be saved, and is the one that was checked', async (t) => {
  const ledger = ledgerOf(WAY);
  const server = await node(t, ledger);
  const page = await open(`${server.url}${LAMP_PATH}`);
  await outcome(page);
  // Firefox's driver doesn't tell of downloads: what is handed to the browser is looked at in both.
  await page.evaluate(() => {
    const create = URL.createObjectURL;
    URL.createObjectURL = (blob) => {
      window.saved = blob.arrayBuffer().then((buffer) => [...new Uint8Array(buffer)]);
      return create(blob);
    };
  });
  const download = BROWSER === 'chromium' ? page.waitForEvent('download') : null;
  await page.click('#save');
  assert.ok(Buffer.from(await page.evaluate(() => window.saved)).equals(Buffer.from(ledger.evidence(LAMP))));
  const saved = await download;
  if (saved !== null) assert.equal(saved.suggestedFilename(), '01-09521321000018-21-1.evidence');
});

test('without the browser’s cryptography and storage it decides the same', async (t) => {
  const ledger = ledgerOf(WAY);
  const server = await node(t, ledger);
  const init = () => {
    Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });
    Object.defineProperty(window, 'localStorage', {
      get() {
        throw new DOMException('refused', 'SecurityError');
      },
    });
  };
  const page = await open(`${server.url}${LAMP_PATH}`, { servers: [server.url], init });
  assert.deepEqual((await outcome(page)).codes, ['chain-not-compared', ...COMMON]);
  await page.click('#pin');
  await page.waitForSelector('.trust [role=status]');
});

test('nothing is asked but this page, its members and the evidence', async (t) => {
  const server = await node(t, ledgerOf(WAY));
  await look(`${server.url}${LAMP_PATH}`);
  const kinds = new Set(server.asked.map((line) => line.split('?')[0]));
  assert.deepEqual([...kinds].sort(), [`GET ${LAMP_PATH}`, 'GET /app/members.json', 'GET /evidence'].sort());
});
