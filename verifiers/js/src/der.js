// DER as docs/evidence.md asks for it: every element down to the last is checked before any is read. The rules
// are this project's own ("What a token is"), stricter than those of the libraries for ASN.1, so it is read here.

import { compare, equal, hex } from './bytes.js';
import { Refusal, demand } from './refusal.js';

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
};

/** One element: its tag, its content, and all of its bytes. */
function readElement(bytes, at) {
  demand(at + 2 <= bytes.length, 'DER: an element ends early');
  const tag = bytes[at];
  demand((tag & 0x1f) !== 0x1f, 'DER: a tag of more than one byte');
  let length = bytes[at + 1];
  let start = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    demand(count >= 1 && count <= 4, 'DER: a length that is indefinite or too long');
    demand(start + count <= bytes.length, 'DER: an element ends early');
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + bytes[start + i];
    demand(length >= 0x80 && bytes[start] !== 0, 'DER: a length that is not the shortest');
    start += count;
  }
  const end = start + length;
  demand(end <= bytes.length, 'DER: an element ends early');
  return { tag, content: bytes.subarray(start, end), bytes: bytes.subarray(at, end), end };
}

/** The elements that stand one after the other. */
export function elements(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const element = readElement(bytes, at);
    found.push(element);
    at = element.end;
  }
  return found;
}

function checkInteger({ content }) {
  demand(content.length >= 1, 'DER: an INTEGER without bytes');
  const spare =
    content.length > 1 &&
    ((content[0] === 0 && content[1] < 0x80) || (content[0] === 0xff && content[1] >= 0x80));
  demand(!spare, 'DER: an INTEGER that is not the shortest');
}

function checkPrimitive(element) {
  const { tag, content } = element;
  if (tag === TAG.integer) checkInteger(element);
  if (tag === TAG.boolean) {
    demand(content.length === 1 && (content[0] === 0 || content[0] === 0xff), 'DER: a BOOLEAN that is neither');
  }
  if (tag === TAG.bitString)
    demand(content.length >= 1 && content[0] === 0, 'DER: a BIT STRING with unused bits');
  if (tag === TAG.null) demand(content.length === 0, 'DER: a NULL with content');
  demand(tag !== 0x10 && tag !== 0x11, 'DER: a SEQUENCE or SET that is not constructed');
}

/** Reads bytes that are one element; what is inside isn't looked at. */
export function readWhole(bytes) {
  const whole = readElement(bytes, 0);
  demand(whole.end === bytes.length, 'DER: something follows the last element');
  return whole;
}

/** Reads bytes that are one element, valid down to the last one in it. */
export function parse(bytes) {
  const whole = readWhole(bytes);
  // Without recursion: how deep elements are nested is up to who made the file.
  const pending = [whole];
  while (pending.length > 0) {
    const element = pending.pop();
    const constructed = (element.tag & 0x20) !== 0;
    if (!constructed) {
      checkPrimitive(element);
      continue;
    }
    const universal = (element.tag & 0xc0) === 0;
    demand(
      !universal || element.tag === TAG.sequence || element.tag === TAG.set,
      'DER: a constructed element of a primitive type',
    );
    pending.push(...elements(element.content));
  }
  return whole;
}

/** Takes the elements of a constructed one in order. */
export class Fields {
  constructor(element, tag, what) {
    demand(element.tag === tag, () => `${what} has another type`);
    this.all = elements(element.content);
    this.what = what;
    this.at = 0;
  }

  get left() {
    return this.all.length - this.at;
  }

  /** The next one, which must have the tag. */
  take(tag) {
    const element = this.optional(tag);
    if (element === null) throw new Refusal(`${this.what} lacks a field or has another`);
    return element;
  }

  any() {
    demand(this.left > 0, () => `${this.what} lacks a field`);
    return this.all[this.at++];
  }

  /** The next one if it has the tag, else null. */
  optional(tag) {
    if (this.left === 0 || this.all[this.at].tag !== tag) return null;
    return this.all[this.at++];
  }

  end() {
    demand(this.left === 0, () => `${this.what} has a field that is not allowed`);
  }
}

/** The one element inside an explicit tag or the like. */
export function only(element, tag, what) {
  const fields = new Fields(element, tag, what);
  const inner = fields.any();
  fields.end();
  return inner;
}

/** The number that an INTEGER's (or implicitly tagged one's) content says. */
export function integer(element) {
  checkInteger(element);
  let value = 0n;
  for (const byte of element.content) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * element.content.length, value);
}

/** A number from `least` to `most`. */
export function numberWithin(element, least, most, what) {
  const value = integer(element);
  demand(value >= least && value <= most, () => `${what} is out of range`);
  return value;
}

export const boolean = (element) => element.content[0] === 0xff;

/** Dotted text of an object identifier. */
export function oidText(content) {
  const numbers = [];
  let value = 0n;
  for (const byte of content) {
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(value);
      value = 0n;
    }
  }
  if (numbers.length === 0) return '';
  const first = numbers[0] < 40n ? 0n : numbers[0] < 80n ? 1n : 2n;
  return [first, numbers[0] - 40n * first, ...numbers.slice(1)].join('.');
}

/** The content of an object identifier, from its dotted text. */
export function oid(dotted) {
  const [a, b, ...rest] = dotted.split('.').map(Number);
  const bytes = [];
  for (const number of [40 * a + b, ...rest]) {
    const group = [number % 128];
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128))
      group.unshift(128 + (left % 128));
    bytes.push(...group);
  }
  return Uint8Array.from(bytes);
}

/** Requires that no element's content or bytes, as `select` gives them, stand twice. */
export function requireDistinct(list, select, what) {
  const sorted = list.map(select).sort(compare);
  for (let i = 1; i < sorted.length; i++)
    demand(!equal(sorted[i - 1], sorted[i]), () => `${what} stands twice`);
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Milliseconds since 1970 of a real date and time, as text of digits `YYYYMMDDhhmmss`. */
function milliseconds(digits) {
  const [year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/
    .exec(digits)
    .slice(1)
    .map(Number);
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 && leap ? 29 : DAYS[month - 1];
  demand(
    year >= 1 && days !== undefined && day >= 1 && day <= days && hour < 24 && minute < 60 && second < 60,
    'a date or time that does not exist',
  );
  const date = new Date(0);
  // `Date.UTC` takes years below 100 for those of the twentieth century.
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return BigInt(date.getTime());
}

/** The time of a certificate, in milliseconds: UTCTime, or GeneralizedTime without a fraction. */
export function certificateTime(element) {
  const source = String.fromCharCode(...element.content);
  if (element.tag === TAG.utcTime) {
    demand(/^\d{12}Z$/.test(source), 'a UTCTime of another form');
    return milliseconds((Number(source.slice(0, 2)) >= 50 ? '19' : '20') + source.slice(0, 12));
  }
  demand(
    element.tag === TAG.generalizedTime && /^\d{14}Z$/.test(source),
    "a certificate's time of another form",
  );
  return milliseconds(source.slice(0, 14));
}

/** genTime in milliseconds; a finer fraction is rounded up. */
export function tokenTime(element) {
  const source = String.fromCharCode(...element.content);
  const found = /^(\d{14})(?:\.(\d{0,8}[1-9]))?Z$/.exec(source);
  demand(found, 'genTime has another form');
  const fraction = BigInt((found[2] ?? '').padEnd(9, '0'));
  const time = milliseconds(found[1]) + (fraction + 999_999n) / 1_000_000n;
  demand(time >= 0n && Number(found[1].slice(0, 4)) >= 1970, 'genTime is before 1970');
  return time;
}

const ATTRIBUTES = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
};

const BMP_STRING = 0x1e;
/** UTF8String, PrintableString, TeletexString and IA5String, all read as UTF-8. */
const TEXT_TAGS = [0x0c, 0x13, 0x14, 0x16];

function valueText({ tag, content }) {
  let decoder;
  if (TEXT_TAGS.includes(tag)) decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  else if (tag === BMP_STRING) decoder = new TextDecoder('utf-16be', { ignoreBOM: true });
  else return hex(content);
  // eslint-disable-next-line no-control-regex
  return decoder.decode(content).replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** A Name as people read it (docs/evidence.md, "What a verifier says"). */
export function nameText(name) {
  const parts = [];
  for (const set of elements(name.content)) {
    for (const attribute of elements(set.content)) {
      const [type, value] = elements(attribute.content);
      const dotted = oidText(type.content);
      parts.push(`${ATTRIBUTES[dotted] ?? dotted}=${valueText(value)}`);
    }
  }
  return parts.join(', ');
}
