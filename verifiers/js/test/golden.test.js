// Every golden evidence file, as a library and as programs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyEvidence as examineInNode } from '../node.js';
import { ELEMENTS, fingerprint, usePoints, verifyEvidence } from '../index.js';
import { bytesOf, golden, goldenNames, goldenPath, pathOf } from './support/repository.js';

const GENESIS = 'chain-core/tests/data/evidence/genesis.json';
const genesis = bytesOf(GENESIS);
const stampedRoot = bytesOf('chain-core/tests/data/evidence/stamped-root.der');
const lamp = bytesOf('chain-core/tests/data/evidence/lamp.txt');

const results = (report) => Object.fromEntries(report.checks.map(({ element, result }) => [element, result]));

/** What differs from "passed" in each file, for a verifier that has the genesis document. */
const EXPECTED = {
  'absent.evidence': { 'time-stamps': 'not-given', opening: 'not-given', originals: 'not-given' },
  'compromised.evidence': { keys: 'reservation', 'time-stamps': 'not-given', originals: 'not-given' },
  'design.evidence': { 'time-stamps': 'not-given', originals: 'not-given' },
  'item.evidence': { 'time-stamps': 'not-given', opening: 'not-given', originals: 'not-given' },
  'stamped.evidence': { 'time-stamps': 'reservation', opening: 'not-given', originals: 'not-given' },
};

test('each golden file has an expectation', () => assert.deepEqual(goldenNames, Object.keys(EXPECTED).sort()));

for (const name of goldenNames) {
  test(`${name} by both implementations of signatures`, async () => {
    const reports = [await examineInNode(golden(name), { genesis })];
    await usePoints();
    reports.push(await verifyEvidence(golden(name), { genesis }));
    assert.deepEqual(reports[0], reports[1]);
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

test('trusted authorities, and originals', async () => {
  const stamped = await verifyEvidence(golden('stamped.evidence'), { genesis, tsaRoots: [stampedRoot] });
  assert.equal(results(stamped)['time-stamps'], 'passed');
  assert.deepEqual(
    stamped.facts.stamps.map(({ trusted }) => trusted),
    [true, false, true],
  );
  assert.equal(stamped.facts.stamps[0].no_later_than_ms, 1772000067000);
  const original = await verifyEvidence(golden('design.evidence'), {
    genesis,
    originals: [{ name: 'a', bytes: lamp }],
  });
  assert.equal(results(original).originals, 'passed');
  assert.equal(original.verdict, 'verified');
  const changed = Uint8Array.from([...lamp, 10]);
  const other = await verifyEvidence(golden('design.evidence'), {
    genesis,
    originals: [{ name: 'b', bytes: changed }],
  });
  assert.equal(results(other).originals, 'failed');
  assert.equal(other.verdict, 'not-verified');
  const item = await verifyEvidence(golden('item.evidence'), { genesis });
  const [{ document }] = item.facts.history.events;
  const event = [{ name: 'event', bytes: new TextEncoder().encode(document) }];
  assert.equal(
    results(await verifyEvidence(golden('item.evidence'), { genesis, originals: event })).originals,
    'passed',
  );
});

test('the facts of an item and a deposit', async () => {
  const { facts } = await verifyEvidence(golden('item.evidence'), { now: 1772000012000 });
  assert.equal(facts.height, 11);
  assert.equal(facts.age_ms, 1000);
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
  const {
    facts: { deposit },
  } = await verifyEvidence(golden('design.evidence'));
  assert.deepEqual(
    deposit.files.map(({ name }) => name),
    ['lamp.txt', 'lamp2.txt'],
  );
  assert.equal(deposit.title_is_recorded, false);
  const chinese = await verifyEvidence(golden('item.evidence'), { language: 'zh' });
  assert.match(chinese.checks[0].findings[0], /^文件完整/);
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
  for (const wrong of [
    [],
    ['/nowhere'],
    ['--unknown'],
    [damaged, '--chain-id', 'zz'],
    [damaged, '--genesis', '/nowhere'],
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
