// SHA-256 and the hashes with tags of docs/format.md. They are synchronous: `crypto.subtle.digest`
// costs more for each call than the hash of a tree's node, and is missing outside secure contexts.

import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { concat, utf8 } from './bytes.js';

export const sha256 = (bytes) => nobleSha256(bytes);

/** From so many bytes on, a call of the platform's is quicker. */
const MANY = 1 << 16;

/** Resolves to the SHA-256 of bytes that may be many: by the platform where it has it. */
export async function sha256OfMany(bytes) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle || bytes.length < MANY) return sha256(bytes);
  return new Uint8Array(await subtle.digest('SHA-256', bytes));
}

const zero = new Uint8Array(1);

/** The bytes that precede a tagged or signed message. */
export const tagged = (tag) => concat(utf8(tag), zero);

/** `H(tag, parts…)`: a function of the parts. */
export function taggedHash(tag) {
  const prefix = tagged(tag);
  return (...parts) => sha256(concat(prefix, ...parts));
}

export const transactionId = taggedHash('touchstone/transaction-id/v1');
export const blockId = taggedHash('touchstone/header/v1');
export const validatorsHash = taggedHash('touchstone/validators/v1');
export const linkStep = taggedHash('touchstone/link/v1');
export const changeId = taggedHash('touchstone/change/v1');
export const designFiles = taggedHash('touchstone/design-files/v1');
export const designViews = taggedHash('touchstone/design-views/v1');
export const designContent = taggedHash('touchstone/design-content/v1');
export const draftHead = taggedHash('touchstone/draft/v1');
export const designCommitment = taggedHash('touchstone/design-commitment/v1');
export const designId = taggedHash('touchstone/design-id/v1');
