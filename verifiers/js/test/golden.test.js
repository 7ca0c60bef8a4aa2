// Every golden evidence file, as a library and as programs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyEvidence as examineInNode } from '../node.js';
import { ELEMENTS, fingerprint, toJson, usePoints, verifyEvidence } from '../index.js';
import Ajv from 'ajv/dist/2020.js';
import { types } from '../src/messages.js';
import { decode } from '../src/protobuf.js';
import { read, write } from './support/files.js';
import { bytesOf, golden, goldenNames, goldenPath, pathOf, textOf } from './support/repository.js';

const GENESIS = 'chain-core/tests/data/evidence/genesis.json';
const genesis = bytesOf(GENESIS);
const stampedRoot = bytesOf('chain-core/tests/data/evidence/stamped-root.der');
const lamp = bytesOf('chain-core/tests/data/evidence/lamp.txt');

const results = (report) => Object.fromEntries(report.checks.map(({ element, result }) => [element, result]));

const UNASKED = { authorisations: 'not-given' };
const DEPOSIT = { ...UNASKED, custody: 'not-given', handovers: 'not-given', 'time-stamps': 'not-given' };
const STORY = { ...UNASKED, disputes: 'not-given', 'time-stamps': 'not-given', opening: 'not-given' };
/** Of the first version: files didn't tell of disputes. */
const FIRST = { ...DEPOSIT, disputes: 'not-given' };
const ITEM = { ...STORY, handovers: 'not-given' };

/** What differs from "passed" in each file, for a verifier that has the genesis document. */
const EXPECTED = {
  'absent.evidence': { ...ITEM, custody: 'not-given' },
  'claimed.evidence': {
    ...STORY,
    custody: 'reservation',
    handovers: 'reservation',
    independence: 'reservation',
  },
  'compromised.evidence': { ...FIRST, keys: 'reservation' },
  'design.evidence': FIRST,
  'sanctioned.evidence': { ...DEPOSIT, opening: 'not-given', disputes: 'passed', authorisations: 'passed' },
  'pulsed.evidence': { ...DEPOSIT, opening: 'not-given', disputes: 'passed' },
  'routed.evidence': { ...DEPOSIT, opening: 'not-given', disputes: 'reservation' },
  'disputed.evidence': { ...DEPOSIT, opening: 'not-given', disputes: 'reservation', authorisations: 'passed' },
  'emptied.evidence': { ...STORY, independence: 'reservation' },
  'handover.evidence': {
    ...STORY,
    custody: 'reservation',
    handovers: 'reservation',
    independence: 'reservation',
  },
  'item.evidence': ITEM,
  'look-alike.evidence': DEPOSIT,
  'disclosed-fields.evidence': DEPOSIT,
  'drafts.evidence': DEPOSIT,
  'fields.evidence': DEPOSIT,
  'left-out.evidence': { ...STORY, handovers: 'reservation', independence: 'reservation' },
  'offered.evidence': STORY,
  'original.evidence': DEPOSIT,
  'transferred.evidence': { ...DEPOSIT, opening: 'not-given' },
  'vouched.evidence': { ...DEPOSIT, opening: 'not-given' },
  'withdrawn.evidence': { ...DEPOSIT, opening: 'not-given' },
  'stamped.evidence': { ...ITEM, 'time-stamps': 'reservation' },
};

/** The form of reports, as documented. */
const isReport = new Ajv({ strict: false }).compile(JSON.parse(textOf('docs/examination.schema.json')));

test('each golden file has an expectation', () => assert.deepEqual(goldenNames, Object.keys(EXPECTED).sort()));

for (const name of goldenNames) {
  test(`${name} by both implementations of signatures`, async () => {
    const reports = [await examineInNode(golden(name), { genesis, now: 1 })];
    await usePoints();
    reports.push(await verifyEvidence(golden(name), { genesis, now: 1 }));
    assert.deepEqual(reports[0], reports[1]);
    assert.ok(isReport(reports[0]), JSON.stringify(isReport.errors));
    const expected = Object.fromEntries(
      ELEMENTS.map(([element]) => [element, EXPECTED[name][element] ?? 'passed']),
    );
    assert.deepEqual(results(reports[0]), expected);
    const reserved = Object.values(expected).includes('reservation');
    assert.equal(reports[0].verdict, reserved ? 'verified-with-reservations' : 'verified');
  });
}

test('without a trusted chain the genesis document is to be compared, with another one nothing holds', async () => {
  const unknown = await verifyEvidence(golden('design.evidence'));
  assert.equal(results(unknown).genesis, 'reservation');
  assert.match(unknown.checks[1].findings[0], new RegExp(fingerprint(genesis)));
  const other = await verifyEvidence(golden('design.evidence'), { chainId: '0'.repeat(64) });
  assert.equal(other.verdict, 'not-verified');
  assert.equal(other.facts, null);
  assert.deepEqual(Object.values(results(other)).slice(0, 3), ['passed', 'failed', 'not-checked']);
  await assert.rejects(verifyEvidence(golden('design.evidence'), { chainId: 'e0d9' }), TypeError);
  await assert.rejects(
    verifyEvidence(golden('design.evidence'), { chainId: '0'.repeat(64), genesis }),
    TypeError,
  );
});

test('trusted authorities', async () => {
  const stamped = await verifyEvidence(golden('stamped.evidence'), { genesis, tsaRoots: [stampedRoot] });
  assert.equal(results(stamped)['time-stamps'], 'passed');
  assert.deepEqual(
    stamped.facts.stamps.map(({ trusted }) => trusted),
    [true, false, true],
  );
  assert.equal(stamped.facts.stamps[0].no_later_than_ms, 1772000067000);
});

test('files that are handed in have verdicts of their own', async () => {
  const exhibit = async (name, ...files) => {
    const report = await verifyEvidence(golden(name), { genesis, originals: files });
    assert.ok(isReport(report), JSON.stringify(isReport.errors));
    const { exhibits, exit_code: code } = report;
    return [exhibits.verdict, code, ...exhibits.files.map(({ matches }) => matches)];
  };
  const original = { name: 'lamp.txt', bytes: lamp };
  const changed = { name: 'changed', bytes: Uint8Array.from([...lamp, 10]) };
  assert.deepEqual(await exhibit('design.evidence'), ['none', 0]);
  assert.deepEqual(await exhibit('design.evidence', original), ['recorded', 0, [{ file: 1 }]]);
  assert.deepEqual(await exhibit('design.evidence', original, changed), ['not-recorded', 7, [{ file: 1 }], []]);
  assert.deepEqual(await exhibit('absent.evidence', original), ['not-recorded', 7, []]);
  assert.deepEqual(await exhibit('stamped.evidence'), ['none', 6]);
  assert.deepEqual(await exhibit('stamped.evidence', original), ['not-recorded', 7, []]);
  const { history } = read(golden('item.evidence')).transactions.reduce(
    ({ history: events }, { envelope }) => ({
      history: [
        ...events,
        ...decode(types.Transaction, decode(types.Envelope, envelope).body).capture_events.events,
      ],
    }),
    { history: [] },
  );
  const event = { name: 'event', bytes: history[0] };
  assert.deepEqual(await exhibit('item.evidence', event), [
    'recorded',
    0,
    [{ event: { height: 1, transaction: 0, event: 0 } }],
  ]);
  // Without what opens it, nobody can tell; and of a file that isn't verified nothing counts.
  const closed = read(golden('design.evidence'));
  closed.opening = null;
  const report = await verifyEvidence(write(closed), { genesis, originals: [original] });
  assert.deepEqual([report.exhibits.verdict, report.exit_code], ['not-compared', 7]);
  const other = await verifyEvidence(golden('design.evidence'), {
    chainId: '0'.repeat(64),
    originals: [original],
  });
  assert.deepEqual([other.exhibits.verdict, other.exit_code], ['not-compared', 3]);
  assert.ok(isReport(other), JSON.stringify(isReport.errors));
});

test('the facts of an item and a deposit', async () => {
  const { facts, examined_ms: now } = await verifyEvidence(golden('item.evidence'), { now: 1772000012000 });
  assert.equal(now, 1772000012000);
  assert.equal(facts.height, 11);
  assert.equal(facts.history.own_events, 3);
  assert.deepEqual(
    facts.history.events.map(({ height, event, via }) => [height, event, via.length]),
    [
      [1, 0, 0],
      [2, 0, 0],
      [3, 1, 1],
      [7, 0, 0],
    ],
  );
  assert.equal(facts.validators.filter(({ signed }) => signed).length, 4);
  assert.equal(facts.custody.holder, 'carrier');
  assert.equal(facts.custody.one_sided, true);
  const {
    facts: { deposit },
  } = await verifyEvidence(golden('design.evidence'));
  assert.deepEqual(
    deposit.files.map(({ name }) => name),
    ['lamp.txt', 'lamp2.txt'],
  );
  assert.equal(deposit.title_is_recorded, false);
  const chinese = await verifyEvidence(golden('item.evidence'), { language: 'zh' });
  assert.match(chinese.checks[0].findings[0], /^完整/);
});

test('integers that a number would round are written exactly', () => {
  assert.equal(
    toJson({ a: [18446744073709551615n, 1], b: null, c: '"' }),
    '{"a":[18446744073709551615,1],"b":null,"c":"\\""}',
  );
});

const run = (program, args, input) =>
  spawnSync(process.execPath, [fileURLToPath(new URL(`../${program}`, import.meta.url)), ...args], {
    input,
    encoding: 'utf8',
  });

test('the program: text, JSON and exit codes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'touchstone-'));
  const damaged = join(folder, 'damaged.evidence');
  const bytes = golden('item.evidence');
  bytes[3000] ^= 1;
  writeFileSync(damaged, bytes);
  const genesisPath = pathOf(GENESIS);
  const known = run('cli.js', [goldenPath('item.evidence'), '--genesis', genesisPath]);
  assert.equal(known.status, 0);
  assert.match(known.stdout, /^Verdict {3}VERIFIED\n/);
  assert.equal(run('cli.js', [goldenPath('item.evidence')]).status, 6);
  const refused = run('cli.js', [damaged, '--json']);
  assert.equal(refused.status, 3);
  assert.equal(JSON.parse(refused.stdout).checks[0].result, 'failed');
  const failed = run('cli.js', ['--json', '/nowhere']);
  assert.ok(isReport(JSON.parse(failed.stdout)));
  assert.equal(failed.stderr, '');
  for (const wrong of [
    [],
    ['/nowhere'],
    ['--unknown'],
    [damaged, '--chain-id', 'zz'],
    [damaged, '--genesis', '/nowhere'],
    // Another file in its place says nothing about the record.
    [goldenPath('item.evidence'), '--genesis', damaged],
    [goldenPath('item.evidence'), '--genesis', pathOf('verifiers/js/package.json')],
  ]) {
    const { status, stderr, stdout } = run('cli.js', wrong);
    assert.equal(status, 1, wrong.join(' '));
    assert.match(stderr, /^touchstone-verify: .+\n$/);
    assert.equal(stdout, '');
  }
  assert.match(run('cli.js', ['--help']).stdout, /Exit codes/);
});

test('many files in one process, by bytes and by paths', () => {
  const damaged = golden('item.evidence');
  damaged[damaged.length - 1] ^= 1;
  const frames = [golden('item.evidence'), damaged, golden('absent.evidence')].flatMap((bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  const input = Buffer.concat(frames);
  const genesisOption = ['--genesis', pathOf(GENESIS)];
  const lines = ['verified', 'not verified file', 'verified', ''].join('\n');
  assert.equal(run('cli.js', ['--batch', ...genesisOption], input).stdout, lines);
  for (const points of [[], ['--points']]) {
    const judged = run('judge.js', [...points, ...genesisOption], input)
      .stdout.trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      judged.map(({ verdict, element }) => [verdict, element]),
      [
        ['verified', null],
        ['not-verified', 'file'],
        ['verified', null],
      ],
    );
  }
  const short = run('judge.js', genesisOption, input.subarray(0, input.length - 1));
  assert.equal(short.status, 1);
  assert.match(short.stderr, /ends inside a file/);
  const paths = run(
    'judge.js',
    ['--paths'],
    `${goldenPath('item.evidence')}\n${goldenPath('design.evidence')}\n`,
  );
  assert.equal(paths.stdout.trim().split('\n').length, 2);
});
