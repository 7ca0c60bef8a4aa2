// Canonical protobuf (docs/format.md, "Canonical protobuf"). Messages are declared in the notation of
// the document's tables. `decode` takes exactly what `encode` writes: that tests hold against each other.

import { concat, text, utf8 } from './bytes.js';
import { Refusal } from './refusal.js';

/** Marks what stands for a message that is missing and isn't optional. */
const ABSENT = Symbol('absent');

/** More values than any file of the greatest size holds in earnest: they would only fill the memory. */
const MAX_VALUES = 8_000_000;
/** Messages around a message, at most. */
const MAX_DEPTH = 100;

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
    if (fields.some(({ number }, i) => i > 0 && number <= fields[i - 1].number))
      throw new TypeError(`${name}: fields do not ascend by number`);
    types[name] = { name, fields, byNumber: new Map(fields.map((field, i) => [field.number, i])) };
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
  for (const field of type.fields) message[field.key] = defaultOf(field);
  if (absent) Object.defineProperty(message, ABSENT, { value: true });
  return message;
}

const NO_BYTES = new Uint8Array(0);

/** What stands for a field that isn't written. */
function defaultOf({ type, label, message }) {
  if (label === 'repeated') return [];
  if (label !== 'one') return null;
  if (message) return emptyMessage(message, true);
  if (type === 'bytes') return NO_BYTES;
  if (type === 'string') return '';
  return type === 'uint64' ? 0n : 0;
}

/** Whether a message that isn't optional is there. */
export const isAbsent = (message) => message[ABSENT] === true;

/** Decodes the one accepted encoding of a message. */
export function decode(type, bytes) {
  return read(type, new Reader(bytes), bytes.length, { left: MAX_VALUES, depth: 0 });
}

/** Below it, numbers are exact; so far, seven bytes of a varint lead. */
const EXACT_BYTES = 7;

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** A varint of the least length, below 2^64: a number where that is exact, else a bigint. */
  varint(end) {
    const { bytes } = this;
    let value = 0;
    let unit = 1;
    for (let i = 0; i < 10; i++) {
      if (this.at >= end) throw new Refusal('a number ends early');
      const byte = bytes[this.at++];
      if (i === 9 && byte > 1) throw new Refusal('a number has more than 64 bits');
      if (byte === 0 && i > 0) throw new Refusal('a number has more bytes than it needs');
      if (i < EXACT_BYTES) {
        value += (byte & 0x7f) * unit;
        unit *= 128;
      } else {
        value = BigInt(value) | (BigInt(byte & 0x7f) << BigInt(7 * i));
      }
      if (byte < 0x80) return value;
    }
    throw new Refusal('a number has more than 64 bits');
  }

  /** Where a field with a length ends; it begins here. */
  endOfField(end) {
    const length = this.varint(end);
    if (length > end - this.at) throw new Refusal('a field ends early');
    return this.at + Number(length);
  }

  take(end) {
    const stop = this.endOfField(end);
    const taken = this.bytes.subarray(this.at, stop);
    this.at = stop;
    return taken;
  }
}

/** Reads fields up to `end`; those that are passed over have their defaults. */
function read(type, reader, end, budget) {
  const { fields } = type;
  const message = {};
  let given = 0;
  let last = -1;
  let chosen = false;
  while (reader.at < end) {
    if (--budget.left <= 0) throw new Refusal('more values than this verifier takes');
    const tag = reader.varint(end);
    const index = type.byNumber.get(Number(BigInt(tag) >> 3n));
    if (index === undefined) throw new Refusal(`${type.name} has no field ${BigInt(tag) >> 3n}`);
    const field = fields[index];
    const { key, label } = field;
    if (index < last) throw new Refusal(`${type.name}: fields are out of order`);
    if (index === last && (label !== 'repeated' || field.type === 'enum'))
      throw new Refusal(`${type.name}.${key} stands twice`);
    last = index;
    for (; given < index; given++) message[fields[given].key] = defaultOf(fields[given]);
    if (given === index) {
      if (label === 'repeated') message[key] = [];
      given++;
    }
    if (label === 'oneof') {
      if (chosen) throw new Refusal(`${type.name} has two members of a oneof`);
      chosen = true;
    }
    const value = readValue(field, Number(BigInt(tag) & 7n), reader, end, budget, type);
    if (label === 'repeated' && field.type !== 'enum') message[key].push(value);
    else message[key] = value;
  }
  for (; given < fields.length; given++) message[fields[given].key] = defaultOf(fields[given]);
  return message;
}

function readValue(field, wire, reader, end, budget, type) {
  const isList = field.label === 'repeated' && field.type === 'enum';
  const isDelimited = isList || field.message || field.type === 'bytes' || field.type === 'string';
  if (wire !== (isDelimited ? 2 : 0)) throw new Refusal(`${type.name}.${field.key} has another type`);
  if (field.message) {
    const stop = reader.endOfField(end);
    if (++budget.depth > MAX_DEPTH) throw new Refusal(`more than ${MAX_DEPTH} messages in one another`);
    const inner = read(field.message, reader, stop, budget);
    budget.depth--;
    return inner;
  }
  const value = isDelimited ? reader.take(end) : reader.varint(end);
  const isDefault = isDelimited ? value.length === 0 : value === 0;
  if (isDefault && (field.label === 'one' || isList))
    throw new Refusal(`${type.name}.${field.key} is written although it is empty`);
  if (isList) return packed(value);
  if (field.type === 'bytes') return value;
  if (field.type === 'string') return text(value);
  if (field.type === 'uint64') return BigInt(value);
  if (field.type === 'enum') return enumOf(value);
  if (value >= 2 ** 32) throw new Refusal(`${type.name}.${field.key} is too great`);
  return value;
}

/** An int32, which was extended to 64 bits where it is negative. */
function enumOf(value) {
  if (value >= 2 ** 31 && value < 2n ** 64n - 2n ** 31n) throw new Refusal('an enum is beyond 32 bits');
  return Number(BigInt.asIntN(32, BigInt(value)));
}

function packed(bytes) {
  const reader = new Reader(bytes);
  const values = [];
  while (reader.at < bytes.length) values.push(enumOf(reader.varint(bytes.length)));
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
