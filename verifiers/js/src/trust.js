// What a verifier was given to trust: a chain, and roots of time-stamp authorities.

import { fromHex } from './bytes.js';
import { readGenesis } from './genesis.js';
import { sha256 } from './hashes.js';
import { Refusal } from './refusal.js';

const BLOCK = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/** The certificates in text of PEM. */
export function readPem(text) {
  const found = [...text.matchAll(BLOCK)].map(([, base64]) =>
    Uint8Array.from(atob(base64.replace(/\s/g, '')), (character) => character.charCodeAt(0)),
  );
  if (found.length === 0)
    throw new TypeError('no certificate in PEM: a line "-----BEGIN CERTIFICATE-----" is missing');
  return found;
}

/** The chain id of a genesis document. Another kind of file would make an honest record one of another chain. */
export function chainOf(genesis) {
  try {
    readGenesis(genesis);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new TypeError(`this is no genesis document: ${error.message}`);
  }
  return sha256(genesis);
}

/** Reads the options `genesis` or `chainId`, and `tsaRoots`. */
export function readTrust({ genesis = null, chainId = null, tsaRoots = [] }) {
  let trusted = genesis === null ? null : chainOf(genesis);
  if (chainId !== null) {
    if (typeof chainId === 'string' && !/^[0-9a-fA-F]{64}$/.test(chainId)) {
      throw new TypeError('a chain id has 64 hexadecimal digits: the SHA-256 of the genesis file');
    }
    const named = typeof chainId === 'string' ? fromHex(chainId) : chainId;
    if (named.length !== 32) throw new TypeError('a chain id has 32 bytes');
    if (trusted !== null && trusted.join() !== named.join()) {
      throw new TypeError('the genesis document is not that of the chain id');
    }
    trusted = named;
  }
  const list = Array.isArray(tsaRoots) ? tsaRoots : [tsaRoots];
  return {
    chainId: trusted,
    roots: list.flatMap((root) => (typeof root === 'string' ? readPem(root) : [root])),
  };
}
