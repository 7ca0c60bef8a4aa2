#!/usr/bin/env node
// Runs the tests of both pages in Chromium and Firefox, side by side: a page mostly waits for its browser. Firefox, which
// takes longer, gets two processes. What a process said is printed once it has ended. Exit code 1 where a test failed.
//   npm run test:page --prefix verifiers/js

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const at = (name) => fileURLToPath(new URL(name, import.meta.url));
const APP = ['../../app/test/app.test.js'];
const OTHERS = ['page.test.js', 'reading.test.js', '../../app/test/designs.test.js', '../../app/test/reading.test.js'];
const RUNS = [
  ['firefox', APP],
  ['firefox', OTHERS],
  ['chromium', [...APP, ...OTHERS]],
];

async function run([browser, files]) {
  const start = performance.now();
  const tests = spawn(process.execPath, ['--test-reporter=spec', at('suite.js'), ...files.map(at)], {
    env: { ...process.env, TOUCHSTONE_BROWSER: browser },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = [];
  tests.stdout.on('data', (bytes) => said.push(bytes));
  const [code, signal] = await once(tests, 'close');
  const outcome = code === 0 ? 'passed' : `FAILED (${signal ?? code})`;
  process.stdout.write(`${Buffer.concat(said)}\n${browser}: ${outcome}, ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
  return code === 0;
}

const passed = await Promise.all(RUNS.map(run));
process.exitCode = passed.every(Boolean) ? 0 : 1;
