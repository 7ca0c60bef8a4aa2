// Arguments of the two programs, and what they name.

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readTrust } from './trust.js';

/** Wrong usage, or a file that can't be read. */
export class UsageError extends Error {}

export function readFile(path) {
  try {
    const bytes = readFileSync(path);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  } catch (error) {
    throw new UsageError(`${path} can't be read: ${error.message}`);
  }
}

/** The options that both programs take, and others. */
export function parseArguments(args, others = {}) {
  const options = {
    genesis: { type: 'string' },
    'chain-id': { type: 'string' },
    'tsa-roots': { type: 'string', multiple: true },
    help: { type: 'boolean', short: 'h' },
    ...others,
  };
  let parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error.message);
  }
  return parsed;
}

/** The trust that the options name, as `verifyEvidence` takes it. */
export function trustOf(values) {
  const trust = { tsaRoots: [] };
  if (values.genesis !== undefined) trust.genesis = readFile(values.genesis);
  if (values['chain-id'] !== undefined) trust.chainId = values['chain-id'];
  for (const path of values['tsa-roots'] ?? []) {
    const bytes = readFile(path);
    // DER begins with the tag of a SEQUENCE.
    trust.tsaRoots.push(bytes[0] === 0x30 ? bytes : new TextDecoder().decode(bytes));
  }
  try {
    readTrust(trust);
  } catch (error) {
    throw new UsageError(error.message);
  }
  return trust;
}
