// The application in a headless browser, against a server that answers as a node: from the scanned link to the verdict,
// for answers that hold and answers that don't; it can be read by everyone; and it asks nobody else.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hex, utf8 } from '../../src/bytes.js';
import { sha256 } from '../../src/hashes.js';
import { PAGES, buildPage } from '../../page/build.js';
import { AXE, BROWSER, VIEWS, launch } from '../../page/test/browser.js';
import { bodyOf, fileOf, read, write } from '../../test/support/files.js';
import { bytesOf } from '../../test/support/repository.js';
import { sampleEvidence } from '../../test/support/sample.js';
import { serve } from './server.js';
import { LAMP, LAMP_PATH, LOT, WAY, endOf, ledgerOf, making, recall, sale } from './story.js';

const PICTURES = process.env.TOUCHSTONE_PICTURES ?? null;
const MINUTE = 60_000;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Starts a server for a test; `ledger` gives its evidence. */
async function node(t, ledger, more = {}) {
  const server = await serve({ evidence: (item) => ledger.evidence(item), ...more });
  t.after(server.stop);
  return server;
}

/** Opens an address; faults, and requests for anybody but `servers`, fail the test. */
async function open(url, { servers = [], pin = null, allowed = [], init = null, ...options } = {}) {
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
  if (init !== null) await page.addInitScript(init);
  await page.goto(url);
  return page;
}

/** The verdict and the codes that it rests on. */
async function outcome(page) {
  await page.waitForSelector('[data-verdict]');
  return page.evaluate(() => ({
    verdict: document.querySelector('[data-verdict]').dataset.verdict,
    codes: [...document.querySelectorAll('[data-code]')].map(({ dataset }) => dataset.code),
  }));
}

const look = async (url, options) => {
  const page = await open(url, options);
  const found = await outcome(page);
  assert.deepEqual(page.faults, []);
  await page.context().close();
  return found;
};

/** What every one of these ledgers is told about. */
const COMMON = ['proof-independence', 'one-server'];

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

for (const view of VIEWS) {
  const name = `${view.viewport.width} px, ${view.locale}, ${view.colorScheme}`;
  test(`everyone can read it: ${name}`, async (t) => {
    // axe-core is put in as a script of the test's, which the page's policy would refuse.
    const ledger = ledgerOf([...WAY, recall([LAMP])]);
    const server = await node(t, ledger);
    const page = await open(`${server.url}/app/`, { ...view, bypassCSP: true });
    const check = async (what) => {
      const found = await page.evaluate(`${AXE}; axe.run()`);
      assert.deepEqual(
        found.violations.map(({ id, nodes }) => [id, nodes[0].html]),
        [],
        what,
      );
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= view.viewport.width, `${what} is ${width} px wide`);
      if (PICTURES !== null) {
        mkdirSync(PICTURES, { recursive: true });
        const file = `${BROWSER}-${view.viewport.width}-${view.locale}-${view.colorScheme}-${what.replaceAll(' ', '-')}.png`;
        writeFileSync(`${PICTURES}/${file}`, await page.screenshot({ fullPage: true }));
      }
    };
    await page.waitForSelector('#code');
    assert.equal(await page.evaluate(() => document.documentElement.lang), view.locale === 'zh-CN' ? 'zh-CN' : 'en');
    await check('first page');
    await page.goto(`${server.url}${LAMP_PATH}`);
    await outcome(page);
    await check('recalled');
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true;
    });
    await check('recalled with details');
    await page.goto(`${server.url}/01/09521321000018/21/2`);
    await outcome(page);
    await check('unknown');
    const before = await page.textContent('h1');
    await page.click('#language');
    assert.notEqual(await page.textContent('h1'), before);
    // What its words name is Chinese, and nothing is left in the other language.
    await check('other language');
    const good = await node(t, ledgerOf(WAY));
    await page.goto(`${good.url}${LAMP_PATH}`);
    await outcome(page);
    await page.click('#pin');
    await page.waitForSelector('[data-verdict="checked"]');
    await check('checked');
  });
}

const golden = (name) => bytesOf(`chain-core/tests/data/evidence/${name}`);
const input = (name, content) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(content) });

/** A server that knows two designs: a disclosed one of a file "three", and one that only its receipt opens. */
async function designServer(t) {
  const disclosed = golden('compromised.evidence');
  const opened = read(golden('design.evidence'));
  const closed = write({ ...opened, opening: null });
  const [id, secret] = [read(disclosed).design, opened.design].map(hex);
  const three = hex(sha256(utf8('three')));
  const server = await serve({
    evidence: () => 404,
    designs: { [three]: [id] },
    designEvidence: { [id]: disclosed, [secret]: closed },
  });
  t.after(server.stop);
  const { salt, files } = opened.opening;
  const receipt = {
    format: 'touchstone/receipt/v1',
    design_id: secret,
    salt: hex(salt),
    files: files.map((file) => ({ name: file.name, sha256: hex(file.sha256), bytes: 1 })),
  };
  return { server, receipt, id, secret, chainId: sha256(golden('genesis.json')) };
}

test('a design is looked up by its file, or by its receipt, and neither is sent', async (t) => {
  const { server, receipt, id, secret, chainId } = await designServer(t);
  const page = await open(`${server.url}/app/`, { pin: chainId });
  const found = async (...files) => {
    await page.setInputFiles('#files', files);
    await page.waitForSelector('#verdict');
    const told = await page.evaluate(() => ({
      files: [...document.querySelectorAll('[data-file]')].map(({ dataset }) => dataset.file),
      designs: [...document.querySelectorAll('[data-how]')].map((one) => [one.dataset.how, one.textContent]),
    }));
    await page.click('#home');
    return { files: told.files, how: told.designs.map(([how]) => how), text: told.designs.map(([, text]) => text).join() };
  };
  const disclosed = await found(input('chair.step', 'three'));
  assert.deepEqual([disclosed.files, disclosed.how], [['known'], ['disclosed']]);
  for (const part of ['Chair', 'The market', '2026-02-25 06:13:28', id]) assert.ok(disclosed.text.includes(part), part);
  const lamp = input('lamp.txt', golden('lamp.txt'));
  assert.deepEqual((await found(lamp)).files, ['unknown']);
  const own = await found(lamp, input('lamp.touchstone.json', JSON.stringify(receipt)));
  assert.deepEqual([own.files, own.how], [['known'], ['receipt']]);
  assert.ok(own.text.includes(secret) && own.text.includes('The maker'));
  // A receipt that doesn't open the commitment, or another file, shows nothing.
  const bent = { ...receipt, salt: '00'.repeat(32) };
  assert.deepEqual((await found(lamp, input('bent.json', JSON.stringify(bent)))).files, ['unknown']);
  assert.deepEqual((await found(input('a.txt', 'a'), input('lamp.json', JSON.stringify(receipt)))).files, ['unknown']);
  // A certificate's code leads to the design itself.
  await page.goto(`${server.url}/app/?design=${secret}`);
  await page.waitForSelector('[data-how="linked"]');
  assert.ok((await page.textContent('main')).includes('The maker'));
  // What went out are hashes and ids.
  for (const line of server.asked)
    assert.match(line, /^GET \/(app\/(\?design=\w+)?|app\/designs\.json\?file=[0-9a-f]{64}|designs\/[0-9a-f]{64}\/evidence)$/);
  assert.deepEqual(page.faults, []);
});

test('a node that names a design without the file, or bends its evidence, is not believed', async (t) => {
  const { server, id, chainId } = await designServer(t);
  const lamp = hex(sha256(golden('lamp.txt')));
  const bent = Uint8Array.from(golden('compromised.evidence'));
  bent[bent.length - 40] ^= 1;
  for (const [more, code] of [
    [{ designs: { [lamp]: [id] }, designEvidence: { [id]: golden('compromised.evidence') } }, 'other-item'],
    [{ designs: { [lamp]: [id] }, designEvidence: { [id]: bent } }, 'answer-invalid'],
    [{ designs: { [lamp]: [id] }, designEvidence: { [id]: golden('design.evidence') } }, 'other-item'],
  ]) {
    const liar = await serve({ evidence: () => 404, ...more });
    t.after(liar.stop);
    const page = await open(`${liar.url}/app/`, { pin: chainId });
    await page.setInputFiles('#files', [input('lamp.txt', golden('lamp.txt'))]);
    assert.deepEqual(await outcome(page), { verdict: 'unchecked', codes: [code] });
    await page.context().close();
  }
  assert.ok(server.url);
});

test('a member sees its node: blocks as they come, who signed, and captures', async (t) => {
  const validators = ['maker', 'carrier', 'market', 'office'].map((organisation, i) => ({
    public_key: String(i).repeat(64),
    organisation,
    power: 1,
  }));
  let height = 3;
  let halt = null;
  const status = () => ({
    version: '0.1.0 (commit 0123456789ab)',
    chain_id: 'ab'.repeat(32),
    chain_name: 'sample',
    height,
    block_id: 'cd'.repeat(32),
    time_ms: 1_772_000_000_000,
    round: 0,
    pending_transactions: 2,
    connected_peers: 3,
    validator: true,
    syncing: false,
    halt,
    validators,
    blocks: Array.from({ length: height }, (_, i) => ({
      height: height - i,
      id: 'ef'.repeat(32),
      time_ms: 1_772_000_000_000,
      transactions: 1,
      proposer: validators[0].public_key,
      signers: validators.slice(0, 3).map(({ public_key: key }) => key),
    })),
  });
  const server = await serve({ evidence: () => 404, status });
  t.after(server.stop);
  const page = await open(`${server.url}/app/`, { bypassCSP: true });
  await page.click('#node');
  await page.waitForSelector('[data-node="nodeVotes"]');
  const rows = (n) => page.locator('tbody').nth(n).locator('tr');
  assert.equal(await rows(0).count(), 4);
  assert.equal(await rows(1).count(), 3);
  assert.match(await rows(0).nth(0).textContent(), /maker.*signed.*3 \/ 3/);
  assert.match(await rows(0).nth(3).textContent(), /office.*not signed.*0 \/ 3/);
  assert.equal(await page.locator('[data-job="jobRecorded"]').count(), 1);
  height = 4;
  await page.waitForFunction(() => document.querySelectorAll('tbody')[1].rows.length === 4);
  const checked = await page.evaluate(`${AXE}; axe.run()`);
  assert.deepEqual(checked.violations.map(({ id }) => id), []);
  halt = 'no block for 90 s';
  await page.waitForSelector('[data-node="nodeHalted"]');
  assert.ok((await page.textContent('main')).includes(halt));
  assert.deepEqual(page.faults, []);
});

test('the keyboard reaches everything', async (t) => {
  const server = await node(t, ledgerOf(WAY));
  const page = await open(`${server.url}${LAMP_PATH}`);
  await outcome(page);
  await page.focus('#language');
  const reached = new Set(['language']);
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
  }
  for (const wanted of ['language', 'print', 'save', 'retry', 'home', 'pin', 'SUMMARY'])
    assert.ok(reached.has(wanted), `${wanted} can't be reached`);
});

test('it prints', async (t) => {
  const server = await node(t, ledgerOf(WAY));
  const page = await open(`${server.url}${LAMP_PATH}`);
  await outcome(page);
  if (BROWSER === 'chromium') {
    await page.emulateMedia({ media: 'print' });
    assert.ok(!(await page.isVisible('#print')));
    assert.ok(await page.isVisible('[data-verdict]'));
  }
  assert.match((await page.pdf({ format: 'A4' })).toString('latin1', 0, 5), /^%PDF-/);
});

test('nothing is asked but this page, its members and the evidence', async (t) => {
  const server = await node(t, ledgerOf(WAY));
  await look(`${server.url}${LAMP_PATH}`);
  const kinds = new Set(server.asked.map((line) => line.split('?')[0]));
  assert.deepEqual([...kinds].sort(), [`GET ${LAMP_PATH}`, 'GET /app/members.json', 'GET /evidence'].sort());
});
