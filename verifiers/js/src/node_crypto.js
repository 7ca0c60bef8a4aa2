// Rule 4 of "Signatures" by node:crypto.

import { createPublicKey, verify } from 'node:crypto';
import { concat, fromHex, hex } from './bytes.js';

// DER of an Ed25519 key up to its 32 bytes (RFC 8410).
const PREFIX = fromHex('302a300506032b6570032100');
const MAX_KEYS = 4096;
const keys = new Map();

/** Rule 4 by node:crypto. */
export function nodeCrypto(key, signature, message) {
  const name = hex(key);
  if (!keys.has(name)) {
    if (keys.size >= MAX_KEYS) keys.clear();
    keys.set(name, createPublicKey({ key: Buffer.from(concat(PREFIX, key)), format: 'der', type: 'spki' }));
  }
  return verify(null, message, keys.get(name), signature);
}
