// Ed25519 by the four rules of docs/format.md, "Signatures". Rules 1 to 3 are checked here, since
// implementations differ on weak points. Rule 4 goes to a fast implementation where one is at hand
// that passes the trial below, else to the points of @noble/curves (its `verify` multiplies by the
// cofactor, which the rules forbid).

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, equal, fromHex, nameOf } from './bytes.js';

const { Point } = ed25519;
const P = Point.Fp.ORDER;
const L = Point.Fn.ORDER;

function littleEndian(bytes) {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  return value;
}

const withoutSign = (bytes) => littleEndian(bytes) & ((1n << 255n) - 1n);

/** The y coordinates of the eight points of small order, little-endian. */
const smallOrder = (() => {
  // A multiple by L of a point that isn't in the prime subgroup has small order; y = 3 gives order 8.
  const ys = new Set();
  for (let y = 2n; ys.size < 5; y++) {
    const bytes = new Uint8Array(32);
    bytes[0] = Number(y);
    let point;
    try {
      point = Point.fromBytes(bytes, false);
    } catch {
      continue;
    }
    const torsion = point.multiplyUnsafe(L - 1n).add(point);
    for (let multiple = torsion, i = 0; i < 8; i++, multiple = multiple.add(torsion)) {
      ys.add(multiple.toAffine().y);
    }
  }
  return [...ys].map((y) => {
    const bytes = new Uint8Array(32);
    for (let i = 0, rest = y; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
    return bytes;
  });
})();

/** Whether 32 bytes encode, canonically, a point of small order; the top bit is the sign of x. */
const hasSmallOrder = (bytes) =>
  smallOrder.some((y) => y[0] === bytes[0] && y.every((byte, i) => byte === (i === 31 ? bytes[i] & 0x7f : bytes[i])));

const ORDER = Uint8Array.from({ length: 32 }, (_, i) => Number((L >> BigInt(8 * i)) & 0xffn));

/** Whether 32 bytes, little-endian, are below L. */
function isBelowOrder(bytes) {
  for (let i = 31; i >= 0; i--) if (bytes[i] !== ORDER[i]) return bytes[i] < ORDER[i];
  return false;
}

/** At most so many keys are remembered; a chain has few. */
const MAX_KEYS = 4096;
const keys = new Map();

/** So many keys have tables of their multiples, at most; a large one takes half a megabyte. */
const MAX_TABLES = 64;
let tables = 0;

// From its second use on a key's multiples stand in a table, which costs as much as two signatures and saves two thirds of
// each; a long file's keys are used often enough for a large one.
const [SMALL_FROM, SMALL_WINDOW, LARGE_FROM, LARGE_WINDOW] = [2, 3, 64, 6];

/** What is known of a key: its point's opposite, which rule 4 multiplies; null where rule 1 or 2 doesn't hold. */
function pointOf(key) {
  const name = nameOf(key);
  let known = keys.get(name);
  if (known === undefined) {
    if (keys.size >= MAX_KEYS) {
      keys.clear();
      tables = 0;
    }
    const point = readPoint(key);
    known = point === null ? null : { point: point.negate(), uses: 0, hasTable: false };
    keys.set(name, known);
  }
  return known;
}

/** A multiple of a key's point. */
function multiple(known, scalar) {
  known.uses++;
  if (known.uses === SMALL_FROM && tables < MAX_TABLES) {
    tables++;
    known.hasTable = true;
    known.point.precompute(SMALL_WINDOW);
  }
  if (known.uses === LARGE_FROM && known.hasTable) known.point.precompute(LARGE_WINDOW);
  return known.point.multiplyUnsafe(scalar);
}

function readPoint(key) {
  const y = withoutSign(key);
  if (y >= P || hasSmallOrder(key)) return null;
  try {
    return Point.fromBytes(key, false);
  } catch {
    return null;
  }
}

/** Whether a public key may be used at all: rules 1 and 2. */
export const isUsableKey = (key) => key.length === 32 && pointOf(key) !== null;

/** Rule 4 by points: the encoding of `S·B − k·A` is R. */
export function holdsByPoints(key, signature, message) {
  const known = pointOf(key);
  if (known === null) return false;
  const k = littleEndian(sha512(concat(signature.subarray(0, 32), key, message))) % L;
  const s = littleEndian(signature.subarray(32));
  const r = Point.BASE.multiplyUnsafe(s).add(multiple(known, k));
  return equal(r.toBytes(), signature.subarray(0, 32));
}

// Signatures on which implementations differ (novifinancial/ed25519-speccheck, cases 3 and 4): in both the
// key has a part of small order. The first holds by rule 4, the second only with the cofactor.
const TRIAL = [
  {
    holds: true,
    message: '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    key: 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    signature:
      '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f' +
      '87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
  },
  {
    holds: false,
    message: 'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    key: 'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    signature:
      '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512' +
      '5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
  },
];

let fast = null;
let prepared = null;

/** Settles once how rule 4 is computed, where nothing was chosen: by WebCrypto if it passes the trial. */
export function prepareSignatures() {
  return prepared ?? useImplementation(webCrypto());
}

/** Computes rule 4 by points from now on, whatever else is at hand. */
export const usePoints = () => useImplementation(null);

/**
 * Takes `check(key, signature, message)`, which may give a promise, for rule 4, if it judges the trial as
 * the rules do; with null, points are used. Resolves to whether it was taken.
 */
export function useImplementation(check) {
  prepared = tryOut(check);
  return prepared;
}

async function tryOut(check) {
  fast = check !== null && (await passes(check)) ? check : null;
  // Points are tried, too. What they need besides, such as the base point's table, is made so while the page waits for an
  // answer, and not at the first signature.
  if (fast === null && !(await passes(holdsByPoints))) throw new Error('signatures come out wrong here');
  return fast !== null;
}

async function passes(check) {
  try {
    for (const { holds, message, key, signature } of TRIAL) {
      if ((await check(fromHex(key), fromHex(signature), fromHex(message))) !== holds) return false;
    }
  } catch {
    return false;
  }
  return true;
}

/** Rule 4 by the browser's own cryptography, or null where there is none. */
export function webCrypto() {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return null;
  const imported = new Map();
  return (key, signature, message) => {
    const name = nameOf(key);
    const known = imported.get(name);
    if (known !== undefined) return subtle.verify('Ed25519', known, signature, message);
    return subtle.importKey('raw', key, 'Ed25519', false, ['verify']).then((fresh) => {
      if (imported.size >= MAX_KEYS) imported.clear();
      imported.set(name, fresh);
      return subtle.verify('Ed25519', fresh, signature, message);
    });
  };
}

let remote = null;

/** Has `check(key, signature, message)` decide all four rules, by `verifyHere` in another thread; null: here again. */
export function useRemote(check) {
  remote = check;
}

/** Whether a signature over a message holds, by all four rules; or a promise of that. */
export function verifySignature(key, signature, message) {
  return remote === null ? verifyHere(key, signature, message) : remote(key, signature, message);
}

/** The same, computed in this thread. */
export function verifyHere(key, signature, message) {
  if (key.length !== 32 || signature.length !== 64 || pointOf(key) === null) return false;
  if (hasSmallOrder(signature) || !isBelowOrder(signature.subarray(32))) return false;
  if (fast === null) return holdsByPoints(key, signature, message);
  return fast(key, signature, message);
}
