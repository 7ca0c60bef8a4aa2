// Canonical protobuf (docs/format.md, "Canonical protobuf"). Messages are declared in the notation of
// the document's tables. `decode` reads strictly, writes the message again and requires the same bytes.

import { concat, equal, text, utf8 } from './bytes.js';
import { Refusal, demand } from './refusal.js';

/** Marks what stands for a message that is missing and isn't optional. */
const ABSENT = Symbol('absent');

/** More values than any file of the greatest size holds in earnest: they would only fill the memory. */
const MAX_VALUES = 8_000_000;

const SCALARS = new Set(['bytes', 'string', 'uint32', 'uint64', 'enum']);
const FIELD = /^(\|?) ?(\d+) (\w+)([*?]?) `?(\w+)`?$/;

/**
 * Declares messages: an object of names and fields, such as
 * `'1 link Link, 2 packed? Packing, | 3 item string, | 4 design bytes'`.
 */
export function declare(tables, known = {}) {
  const types = { ...known };
  for (const [name, row] of Object.entries(tables)) {
    const fields = row.split(', ').map((field) => {
      const [, bar, number, key, mark, type] = FIELD.exec(field);
      const label = bar ? 'oneof' : mark === '*' ? 'repeated' : mark === '?' ? 'optional' : 'one';
      return { number: Number(number), key, type, label };
    });
    types[name] = { name, fields, byNumber: new Map(fields.map((field) => [field.number, field])) };
  }
  for (const type of Object.values(types)) {
    for (const field of type.fields) {
      field.message = SCALARS.has(field.type) ? null : types[field.type];
      if (field.message === undefined) throw new TypeError(`${type.name}: unknown type ${field.type}`);
    }
  }
  return types;
}

/** The message without fields. A oneof is null fields, of which at most one is set. */
export function emptyMessage(type, absent = false) {
  const message = {};
  for (const { key, type: kind, label, message: inner } of type.fields) {
    if (label === 'repeated') message[key] = [];
    else if (label === 'optional' || label === 'oneof') message[key] = null;
    else if (inner) message[key] = emptyMessage(inner, true);
    else message[key] = defaultOf(kind);
  }
  if (absent) Object.defineProperty(message, ABSENT, { value: true });
  return message;
}

function defaultOf(kind) {
  if (kind === 'bytes') return new Uint8Array(0);
  if (kind === 'string') return '';
  return kind === 'uint64' ? 0n : 0;
}

/** Whether a message that isn't optional is there. */
export const isAbsent = (message) => message[ABSENT] === true;

/** Decodes the one accepted encoding of a message. */
export function decode(type, bytes) {
  const budget = { left: MAX_VALUES };
  const message = read(type, bytes, budget);
  demand(equal(encode(type, message), bytes), () => `${type.name} is not canonically encoded`);
  return message;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** A varint below 2^64. */
  varint() {
    let value = 0n;
    let small = 0;
    for (let i = 0; i < 10; i++) {
      demand(this.at < this.bytes.length, 'a number ends early');
      const byte = this.bytes[this.at++];
      demand(i < 9 || byte <= 1, 'a number has more than 64 bits');
      if (i < 4) small += (byte & 0x7f) * 2 ** (7 * i);
      else value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt(small) | value;
    }
    throw new Refusal('a number has more than 64 bits');
  }

  take() {
    const length = this.varint();
    demand(length <= BigInt(this.bytes.length - this.at), 'a field ends early');
    const start = this.at;
    this.at += Number(length);
    return this.bytes.subarray(start, this.at);
  }
}

function read(type, bytes, budget) {
  const message = emptyMessage(type);
  const seen = new Set();
  const reader = new Reader(bytes);
  let last = 0;
  let chosen = null;
  while (reader.at < bytes.length) {
    demand(--budget.left > 0, 'more values than this verifier takes');
    const tag = reader.varint();
    const field = type.byNumber.get(Number(tag >> 3n));
    demand(field, () => `${type.name} has no field ${tag >> 3n}`);
    demand(field.number >= last, () => `${type.name}: fields are out of order`);
    last = field.number;
    const { key, label } = field;
    if (label !== 'repeated') {
      demand(!seen.has(key), () => `${type.name}.${key} stands twice`);
      seen.add(key);
    }
    if (label === 'oneof') {
      demand(chosen === null, () => `${type.name} has two members of a oneof`);
      chosen = key;
    }
    const wire = Number(tag & 7n);
    if (label === 'repeated' && field.type === 'enum') {
      demand(wire === 2 && !seen.has(key), () => `${type.name}.${key} is not one packed list`);
      seen.add(key);
      message[key] = packed(reader.take());
      continue;
    }
    const value = readValue(field, wire, reader, budget, type);
    if (label === 'repeated') message[key].push(value);
    else message[key] = value;
  }
  return message;
}

function readValue(field, wire, reader, budget, type) {
  const delimited = field.message || field.type === 'bytes' || field.type === 'string';
  demand(wire === (delimited ? 2 : 0), () => `${type.name}.${field.key} has another type`);
  if (field.message) return read(field.message, reader.take(), budget);
  if (field.type === 'bytes') return reader.take();
  if (field.type === 'string') return text(reader.take());
  const number = reader.varint();
  if (field.type === 'uint64') return number;
  if (field.type === 'enum') return Number(BigInt.asIntN(32, number));
  demand(number < 1n << 32n, () => `${type.name}.${field.key} is too great`);
  return Number(number);
}

function packed(bytes) {
  const reader = new Reader(bytes);
  const values = [];
  while (reader.at < bytes.length) values.push(Number(BigInt.asIntN(32, reader.varint())));
  return values;
}

/** Encodes a message in its one accepted form. */
export function encode(type, message) {
  const parts = [];
  write(type, message, parts);
  return concat(...(parts.length > 50_000 ? joinMany(parts) : parts));
}

// A call takes only so many arguments.
function joinMany(parts) {
  const joined = [];
  for (let i = 0; i < parts.length; i += 50_000) joined.push(concat(...parts.slice(i, i + 50_000)));
  return joined;
}

function write(type, message, parts) {
  let size = 0;
  const put = (bytes) => {
    parts.push(bytes);
    size += bytes.length;
  };
  const delimited = (field, value) => {
    put(varint(BigInt(field.number * 8 + 2)));
    if (!field.message) {
      const bytes = field.type === 'string' ? utf8(value) : value;
      put(varint(BigInt(bytes.length)));
      put(bytes);
      return;
    }
    const inner = [];
    const length = write(field.message, value, inner);
    put(varint(BigInt(length)));
    for (const part of inner) put(part);
  };
  for (const field of type.fields) {
    const value = message[field.key];
    if (field.label === 'repeated') {
      if (field.type !== 'enum') for (const element of value) delimited(field, element);
      else if (value.length > 0) {
        delimited({ ...field, type: 'bytes' }, concat(...value.map(enumVarint)));
      }
      continue;
    }
    if (value === null || (field.message && isAbsent(value))) continue;
    const always = field.label !== 'one' || field.message;
    if (field.message || field.type === 'bytes' || field.type === 'string') {
      if (always || value.length > 0) delimited(field, value);
    } else if (always || BigInt(value) !== 0n) {
      put(varint(BigInt(field.number * 8)));
      put(field.type === 'enum' ? enumVarint(value) : varint(BigInt(value)));
    }
  }
  return size;
}

const enumVarint = (value) => varint(BigInt.asUintN(64, BigInt(value)));

function varint(value) {
  if (value < 128n) return Uint8Array.of(Number(value));
  const bytes = [];
  let rest = value;
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
