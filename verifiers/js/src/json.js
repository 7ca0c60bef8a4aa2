// JSON by RFC 8259, strictly: no name twice in an object, no lone surrogates, and numbers as they are written.
// `JSON.parse` takes the last of two equal names and rounds integers beyond 2^53.

import { text } from './bytes.js';
import { Refusal, demand } from './refusal.js';

const MAX_DEPTH = 128;

/** A number as it is written. */
export class JsonNumber {
  constructor(digits) {
    this.digits = digits;
  }
}

/** Parses UTF-8 to Map, array, string, JsonNumber, boolean and null. */
export function parseJson(bytes) {
  const parser = new Parser(text(bytes));
  const value = parser.value(0);
  parser.space();
  demand(parser.at === parser.source.length, 'something follows the JSON value');
  return value;
}

/** Whether one half of a surrogate pair stands without the other. */
function hasHalfPair(text) {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const next = text.charCodeAt(i + 1);
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return true;
    i++;
  }
  return false;
}

class Parser {
  constructor(source) {
    this.source = source;
    this.at = 0;
  }

  space() {
    while (' \t\n\r'.includes(this.source[this.at] ?? 'x')) this.at++;
  }

  /** Takes the character if it is next, after white space. */
  take(character) {
    this.space();
    if (this.source[this.at] !== character) return false;
    this.at++;
    return true;
  }

  expect(character) {
    demand(this.take(character), () => `not JSON: no ${character} at character ${this.at}`);
  }

  value(depth) {
    demand(depth <= MAX_DEPTH, 'JSON is nested too deep');
    this.space();
    const { source, at } = this;
    if (source[at] === '{') return this.object(depth);
    if (source[at] === '[') return this.array(depth);
    if (source[at] === '"') return this.string();
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ]) {
      if (source.startsWith(word, at)) {
        this.at += word.length;
        return value;
      }
    }
    const number = /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
    number.lastIndex = at;
    const found = number.exec(source);
    demand(found, () => `not JSON: no value at character ${at}`);
    this.at = number.lastIndex;
    return new JsonNumber(found[0]);
  }

  object(depth) {
    this.expect('{');
    const members = new Map();
    if (this.take('}')) return members;
    do {
      this.space();
      const name = this.string();
      demand(!members.has(name), () => `the name ${JSON.stringify(name)} stands twice in one object`);
      this.expect(':');
      members.set(name, this.value(depth + 1));
    } while (this.take(','));
    this.expect('}');
    return members;
  }

  array(depth) {
    this.expect('[');
    const elements = [];
    if (this.take(']')) return elements;
    do elements.push(this.value(depth + 1));
    while (this.take(','));
    this.expect(']');
    return elements;
  }

  string() {
    const { source } = this;
    demand(source[this.at] === '"', () => `not JSON: no text at character ${this.at}`);
    // eslint-disable-next-line no-control-regex
    const plain = /[^"\\\u0000-\u001f]*/y;
    let out = '';
    this.at++;
    for (;;) {
      plain.lastIndex = this.at;
      out += plain.exec(source)[0];
      this.at = plain.lastIndex;
      const next = source[this.at++];
      if (next === '"') break;
      demand(next === '\\', 'not JSON: a text has no end, or a control character');
      out += this.escape();
    }
    demand(!hasHalfPair(out), 'not JSON: half a surrogate pair');
    return out;
  }

  escape() {
    const letter = this.source[this.at++];
    const simple = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }[letter];
    if (simple !== undefined) return simple;
    const digits = this.source.slice(this.at, this.at + 4);
    if (letter !== 'u' || !/^[0-9a-fA-F]{4}$/.test(digits)) throw new Refusal('not JSON: an unknown escape');
    this.at += 4;
    return String.fromCharCode(parseInt(digits, 16));
  }
}
