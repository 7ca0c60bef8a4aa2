// Codes under a cover (docs/verdicts.md): what a reader types in, against the salted hash that the maker recorded.

import { concat, fromHex, hex, utf8 } from '../src/bytes.js';
import { sha256 } from '../src/hashes.js';

const RECORDED = /^sha256:([0-9a-f]{32}):([0-9a-f]{64})$/;

/** The recorded value among the members of the thing's master data; null where there is none. */
export function recordedActivation(members) {
  const found = members.find(([name, value]) => /(^|[:/#])activation$/.test(name) && RECORDED.test(value));
  return found === undefined ? null : found[1];
}

/** Whether a code as people type it, with small letters, spaces or look-alikes, is the recorded one. */
export function isActivation(recorded, typed) {
  const [, salt, hash] = RECORDED.exec(recorded);
  const code = typed
    .toUpperCase()
    .replace(/[\s-]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  return hex(sha256(concat(fromHex(salt), utf8(code)))) === hash;
}
