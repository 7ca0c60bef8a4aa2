// Trust at first sight: the chain that the reader compared once, and keeps. It comes from the reader alone, never from
// an address or a label: one that a forger prints must not pin the forger's chain.

import { wordlist as english } from '@scure/bip39/wordlists/english.js';
import { wordlist as chinese } from '@scure/bip39/wordlists/simplified-chinese.js';
import { fromHex, hex } from '../src/bytes.js';
import { sha256 } from '../src/hashes.js';

const PIN = 'touchstone-chain';
const BITS = 11;

/** The 24 words of a chain id, as `touchstone genesis page` prints them (BIP-39: the last holds the checksum). */
export function chainWords(chainId, language) {
  const list = language === 'zh' ? chinese : english;
  const bytes = [...chainId, sha256(chainId)[0]];
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits.match(new RegExp(`.{${BITS}}`, 'g')).map((index) => list[parseInt(index, 2)]);
}

/** The digits in groups of four. */
export const chainDigits = (chainId) => hex(chainId).match(/.{4}/g).join(' ');

/** Storage that may be missing: private windows refuse it, pages from the disk may have none. */
function storage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** The pinned chain id, or null. */
export function pinnedChain() {
  const digits = storage()?.getItem(PIN) ?? '';
  return /^[0-9a-f]{64}$/.test(digits) ? fromHex(digits) : null;
}

/** Keeps a chain id; whether it was kept. */
export function pinChain(chainId) {
  try {
    storage().setItem(PIN, hex(chainId));
    return true;
  } catch {
    return false;
  }
}

export const forgetChain = () => storage()?.removeItem(PIN);
