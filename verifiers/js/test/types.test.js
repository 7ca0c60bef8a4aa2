// The declared types are those of what the library exports and gives.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as portable from '../index.js';
import * as library from '../node.js';
import { GENESIS, LAMP, bytesOf, golden, goldenNames } from './support/repository.js';
import { sampleEvidence } from './support/sample.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const genesis = bytesOf(GENESIS);

const compile = (...files) =>
  spawnSync(
    process.execPath,
    [
      here('../node_modules/typescript/bin/tsc'),
      ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--module', 'nodenext'],
      ...files,
    ],
    { encoding: 'utf8' },
  );

/** A value as a program's text: what is written out is held against its type member by member, and none too many. */
function literal(value) {
  if (value instanceof Uint8Array) return 'new Uint8Array()';
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return value === undefined ? 'undefined' : JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${literal(member)}`);
  return `{ ${members.join(', ')} }`;
}

/** What the compiler says of values under their types. */
function check(values) {
  const folder = mkdtempSync(join(tmpdir(), 'types-'));
  try {
    const path = join(folder, 'values.ts');
    const lines = values.map(([type, value], n) => `export const v${n}: ${type} = ${value};`);
    writeFileSync(path, [`import type * as t from ${JSON.stringify(here('../index.js'))};`, ...lines].join('\n'));
    return compile(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('each export is used as it is declared', () => {
  const compiled = compile(here('support/uses.ts'));
  assert.equal(compiled.status, 0, compiled.stdout);
});

test('what is exported is declared, and nothing else', () => {
  assert.deepEqual(Object.keys(library).sort(), Object.keys(portable).sort());
  const names = Object.fromEntries(Object.keys(library).map((name) => [name, true]));
  const of = (names) => check([['Record<keyof typeof t, true>', literal(names)]]);
  const compiled = of(names);
  assert.equal(compiled.status, 0, compiled.stdout);
  assert.notEqual(of({ ...names, another: true }).status, 0);
  const { usePoints, ...fewer } = names;
  assert.ok(usePoints);
  assert.notEqual(of(fewer).status, 0);
});

test('every report and answer has its type', async () => {
  const values = [];
  const originals = [{ name: 'lamp.txt', bytes: bytesOf(LAMP) }];
  for (const name of goldenNames) {
    for (const options of [{ genesis, originals }, {}]) {
      values.push(['t.Report', literal(await library.verifyEvidence(golden(name), options))]);
    }
  }
  values.push(['t.Report', literal(await library.verifyEvidence(new Uint8Array(9), { genesis }))]);
  for (const name of ['yes', 'no', 'nobody']) {
    const file = bytesOf(`chain-core/tests/data/evidence/${name}.authorisation`);
    values.push(['t.AuthorisationAnswer', literal(await library.verifyAuthorisation(file, { genesis }))]);
  }
  const { genesis: other, item, answer } = sampleEvidence(10);
  values.push(['t.ItemAnswer', literal(await library.verifyItemAnswer(answer(0, 10), { item, genesis: other }))]);
  const compiled = check(values);
  assert.equal(compiled.status, 0, compiled.stdout);
  // The compiler does look at them.
  for (const [was, is] of [
    ['"verdict": "', '"verdict": "un'],
    ['"findings": ', '"finding": '],
    ['"stamps": [', '"stamp": [], "stamps": ['],
  ]) {
    const [[type, text]] = values;
    assert.ok(text.includes(was), was);
    assert.notEqual(check([[type, text.replace(was, is)]]).status, 0, was);
  }
});
