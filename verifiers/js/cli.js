#!/usr/bin/env node
// Examines an evidence file offline and prints what was checked.

import { basename } from 'node:path';
import { UsageError, parseArguments, readFile, trustOf } from './src/arguments.js';
import { readFrames } from './src/frames.js';
import { printable } from './src/printable.js';
import { toJson, verifyEvidence } from './node.js';

const USAGE = `Examines a Touchstone evidence file offline: what was checked, and what follows.

    touchstone-verify FILE [ORIGINAL...] [--genesis FILE | --chain-id HEX] [--tsa-roots FILE]... [--json]
    touchstone-verify --batch [--genesis FILE | --chain-id HEX] [--tsa-roots FILE]...

  FILE             the evidence file
  ORIGINAL         original files to compare with the record
  --genesis FILE   the genesis document from a trusted place
  --chain-id HEX   its SHA-256, instead of the document
  --tsa-roots FILE root certificates, in PEM or DER, of time-stamp authorities that are to be trusted
  --json           print the report as JSON
  --batch          examine files from the standard input, each as 4 bytes of length (big-endian) and its bytes;
                   each is answered with a line: "verified", "verified with reservations", or "not verified" and the
                   element that failed

Exit codes: 0 verified; 3 not verified; 6 verified, with reservations to weigh; 7 verified, with reservations or without,
but an original isn't shown to be part of the record; 1 wrong usage or an unreadable file: nothing was examined.

    touchstone-verify unit.evidence --genesis genesis.json
    touchstone-verify design.evidence lamp.step --chain-id e0d9bc86… --json
`;

const TITLES = {
  verified: 'VERIFIED',
  'not-verified': 'NOT VERIFIED',
  'verified-with-reservations': 'VERIFIED WITH RESERVATIONS',
};

function printText(report) {
  const lines = [`Verdict   ${TITLES[report.verdict]}`];
  for (const { element, article, result, findings } of report.checks) {
    const [first, ...more] = findings;
    lines.push(`  ${element.padEnd(13)} Art. ${article}  ${result.padEnd(12)} ${first}`);
    for (const finding of more) lines.push(`${' '.repeat(38)}${finding}`);
  }
  for (const { name, verdict } of report.exhibits.files) lines.push(`Original  ${verdict.padEnd(12)}  ${name}`);
  process.stdout.write(`${lines.map((line) => printable(line)).join('\n')}\n`);
}

async function batch(trust) {
  for await (const bytes of readFrames(process.stdin)) {
    const { verdict, checks } = await verifyEvidence(bytes, trust);
    const failed = checks.find(({ result }) => result === 'failed');
    process.stdout.write(`${verdict.replaceAll('-', ' ')}${failed ? ` ${failed.element}` : ''}\n`);
  }
  return 0;
}

async function main(args) {
  const { values, positionals } = parseArguments(args, {
    json: { type: 'boolean' },
    batch: { type: 'boolean' },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const trust = trustOf(values);
  if (values.batch) {
    if (positionals.length > 0 || values.json) throw new UsageError('--batch takes no file and no --json');
    return batch(trust);
  }
  const [path, ...originals] = positionals;
  if (path === undefined) throw new UsageError('name an evidence file; --help tells more');
  const report = await verifyEvidence(readFile(path), {
    ...trust,
    originals: originals.map((original) => ({ name: basename(original), bytes: readFile(original) })),
  });
  if (values.json) process.stdout.write(`${toJson(report)}\n`);
  else printText(report);
  return report.exit_code;
}

/** Nothing was examined: says why, as JSON on the standard output where that was asked for. */
function fail(error, json) {
  const usage = error instanceof UsageError;
  if (json) {
    const value = { error: usage ? 'usage' : 'fault', message: error.message, exit_code: 1 };
    process.stdout.write(`${toJson(value)}\n`);
  } else {
    process.stderr.write(`touchstone-verify: ${usage ? error.message : error.stack}\n`);
  }
  process.exitCode = 1;
}

const args = process.argv.slice(2);
main(args).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => fail(error, args.includes('--json')),
);
