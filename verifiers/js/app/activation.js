// Codes under a cover (docs/verdicts.md): what a reader types in, against the salted hash that the maker recorded.

import { concat, fromHex, hex, utf8 } from '../src/bytes.js';
import { sha256 } from '../src/hashes.js';

const RECORDED = /^sha256:([0-9a-f]{32}):([0-9a-f]{64})$/;

/** The recorded value among the members of the thing's master data; null where there is none. */
export function recordedActivation(members) {
  const found = members.find(([name, value]) => /(^|[:/#])activation$/.test(name) && RECORDED.test(value));
  return found === undefined ? null : found[1];
}

/** The identifier under which a label's openings are recorded: its first event is the first opening. */
export const openingsOf = (recorded) => `urn:touchstone:activation:${recorded}`;

/** The openings in a proven history, the first one first: whoever recorded one had the code. Other events are none. */
export function readOpenings(events, recorded) {
  const isCode = ([name, value]) =>
    /(^|[:/#])openingCode$/.test(name) && typeof value === 'string' && isActivation(recorded, value);
  return events.filter(({ document }) => Object.entries(document).some(isCode));
}

/** The letters of a code as people type it: with small letters, spaces and look-alikes. Other alphabets' letters stay. */
export const letters = (typed) =>
  typed
    .replace(/[\s-]/g, '')
    .replace(/[a-z]/g, (letter) => letter.toUpperCase())
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');

/** Whether a code as people type it is the recorded one. */
export function isActivation(recorded, typed) {
  const [, salt, hash] = RECORDED.exec(recorded);
  return hex(sha256(concat(fromHex(salt), utf8(letters(typed))))) === hash;
}
