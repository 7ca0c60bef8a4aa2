// What the application can show, each a scene of its own: for the tests that everyone can read it, and for the pictures
// that are looked at before a release (`npm run pictures`).

import { hex, utf8 } from '../../src/bytes.js';
import { sha256 } from '../../src/hashes.js';
import { bodyOf, fileOf, read } from '../../test/support/files.js';
import { bytesOf } from '../../test/support/repository.js';
import { nodeStatus } from './node_status.js';
import { serve } from './server.js';
import { CODE, LAMP, LAMP_PATH, MADE_OF, OPENINGS, SEALED, SET, WAY, custody, ledgerOf, making, opening, recall } from './story.js';

const PIN = 'touchstone-chain';
const DESIGN = bytesOf('chain-core/tests/data/evidence/compromised.evidence');
const DESIGN_FILE = 'three';

/** A node that shows another world at each scene, all at one address. */
export class Stage {
  static async start(more = {}) {
    const stage = new Stage();
    stage.server = await serve({
      evidence: (item) => stage.evidence(item),
      designs: { [hex(sha256(utf8(DESIGN_FILE)))]: [hex(read(DESIGN).design)] },
      designEvidence: { [hex(read(DESIGN).design)]: DESIGN },
      status: () => nodeStatus(),
      scans: () => ['scan-many-places'],
      openings: 'https://openings.example',
      ...more,
    });
    return stage;
  }

  /** Shows the lamp, as this ledger has it, to a reader who compared this chain, or none. */
  async show(page, ledger, { path = LAMP_PATH, pinned = true, evidence = null } = {}) {
    this.evidence = evidence ?? ((item) => ledger.evidence(item));
    const digits = pinned === true ? hex(ledger.chainId) : pinned ? hex(pinned) : null;
    await page.evaluate(([name, value]) => (value === null ? localStorage.removeItem(name) : localStorage.setItem(name, value)), [PIN, digits]);
    await page.goto(`${this.server.url}${path}`);
    await page.waitForSelector('[data-verdict]');
  }
}

/** Opens all that is folded. */
export const unfold = (page) =>
  page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });

const way = () => ledgerOf(WAY);

/** By name: shows it on a page that has the stage's first page open. `verdict` is what it must come to. */
export const SCENES = {
  'first page': { show: (page, { server }) => page.goto(`${server.url}/app/`) },
  checked: { verdict: 'checked', show: (page, stage) => stage.show(page, way()) },
  'checked, the chain for the first time': { verdict: 'reservations', show: (page, stage) => stage.show(page, way(), { pinned: null }) },
  'recalled, unfolded': {
    verdict: 'suspect',
    show: async (page, stage) => {
      await stage.show(page, ledgerOf([...WAY, recall([LAMP])]));
      await unfold(page);
    },
  },
  unknown: { verdict: 'suspect', show: (page, stage) => stage.show(page, ledgerOf([making]), { path: '/01/09521321000018/21/2' }) },
  tampered: {
    verdict: 'unchecked',
    show: (page, stage) => {
      const ledger = way();
      const body = Uint8Array.from(bodyOf(ledger.evidence(LAMP)));
      body[Buffer.from(body).indexOf('desk lamp')] ^= 1;
      return stage.show(page, ledger, { evidence: () => fileOf(body, 2) });
    },
  },
  'another chain': {
    verdict: 'unchecked',
    show: (page, stage) => stage.show(page, ledgerOf(WAY, { chain: 'imitation' }), { pinned: way().chainId }),
  },
  cloned: {
    verdict: 'suspect',
    show: async (page, stage) => {
      await stage.show(page, way());
      await page.click('#scans-tell');
      await page.waitForSelector('[data-verdict=suspect]');
    },
  },
  'a code that fits': {
    verdict: 'checked',
    show: async (page, stage) => {
      await stage.show(page, ledgerOf(SEALED));
      await page.fill('#activation', CODE);
      await page.press('#activation', 'Enter');
      await page.waitForSelector('#opening-tell');
    },
  },
  'opened before': {
    verdict: 'reservations',
    show: (page, stage) => stage.show(page, ledgerOf([...SEALED, opening('market', OPENINGS, CODE)])),
  },
  trace: {
    verdict: 'checked',
    show: async (page, stage) => {
      await stage.show(page, ledgerOf(MADE_OF, { records: { [SET]: { custody } } }));
      await page.click('#trace-all');
      await page.waitForFunction(() => document.querySelectorAll('svg.trace .box.known').length === 2);
    },
  },
  designs: {
    show: async (page, { server }) => {
      await page.evaluate((name) => localStorage.removeItem(name), PIN);
      await page.goto(`${server.url}/app/`);
      await page.setInputFiles('#files', [{ name: 'chair.step', mimeType: 'application/octet-stream', buffer: Buffer.from(DESIGN_FILE) }]);
      await page.waitForSelector('[data-how]');
    },
  },
  'this node': {
    show: async (page, { server }) => {
      await page.goto(`${server.url}/app/?node`);
      await page.waitForSelector('[data-node]');
    },
  },
};
