// Byte strings: joining, comparing, and their text forms.

import { Refusal } from './refusal.js';

const encoder = new TextEncoder();
// `ignoreBOM` keeps a byte order mark in the text, so that rules can see and refuse it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const utf8 = (text) => encoder.encode(text);

/** The text of bytes that must be valid UTF-8. */
export function text(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Refusal('text is not valid UTF-8');
  }
}

export function concat(...parts) {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Below 0, 0 or above 0, by bytes and then by length. */
export function compare(a, b) {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}

export const equal = (a, b) => a.length === b.length && compare(a, b) === 0;

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function hex(bytes) {
  let out = '';
  for (const byte of bytes) out += digits[byte];
  return out;
}

/** A short text that only these bytes have, for maps. */
export const nameOf = (bytes) => String.fromCharCode.apply(null, bytes);

export function fromHex(digits) {
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new Refusal('not hexadecimal digits');
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** `n` as 8 bytes, big-endian. */
export function be64(n) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(n));
  return bytes;
}

/** A Unicode character of category Cc. */
// eslint-disable-next-line no-control-regex
export const hasControl = (text) => /[\u0000-\u001f\u007f-\u009f]/.test(text);
