#!/usr/bin/env node
// Examines many evidence files in one process, for campaigns of forgeries: the standard input holds files, each as 4
// bytes of length (big-endian) and its bytes, or with --paths a path in each line. For each one a line of JSON is
// written: {"verdict": …, "element": the one that failed or null, "reason": … or null}. With --points the signatures
// are computed without the platform's cryptography. Options of trust are those of cli.js.

import { createInterface } from 'node:readline';
import { UsageError, parseArguments, readFile, trustOf } from './src/arguments.js';
import { readFrames } from './src/frames.js';
import { usePoints, verifyEvidence } from './node.js';

async function* readPaths() {
  for await (const line of createInterface({ input: process.stdin })) if (line !== '') yield readFile(line);
}

async function main(args) {
  const { values } = parseArguments(args, { paths: { type: 'boolean' }, points: { type: 'boolean' } });
  if (values.help) throw new UsageError('judge.js [--paths] [--points] [--genesis FILE] [--tsa-roots FILE]...');
  const trust = trustOf(values);
  if (values.points) await usePoints();
  for await (const bytes of values.paths ? readPaths() : readFrames(process.stdin)) {
    const { verdict, checks } = await verifyEvidence(bytes, trust);
    const failed = checks.find(({ result }) => result === 'failed');
    const line = { verdict, element: failed?.element ?? null, reason: failed?.findings[0] ?? null };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`judge.js: ${error instanceof UsageError ? error.message : error.stack}\n`);
  process.exitCode = 1;
});
