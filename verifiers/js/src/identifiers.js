// The canonical form of identifiers (docs/format.md, "Identifiers").

import { utf8, text } from './bytes.js';
import { Refusal, demand } from './refusal.js';

const MAX_BYTES = 512;

/** X: the characters of GS1's set 82 that values may have. Their order is that of ASCII. */
const SET_82 = '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
const CHECK_CHARACTERS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
const PRIMES = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83];

const X = `[${SET_82.replace(/[\]\\^-]/g, '\\$&')}]`;
const form = (pattern) => new RegExp(`^(?:${pattern.replaceAll('X', X)})$`);

/** The digit that makes the weighted sum of all digits a multiple of 10. */
export function checkDigit(digits) {
  let sum = 0;
  for (let i = digits.length - 1, weight = 3; i >= 0; i--, weight = 4 - weight)
    sum += weight * Number(digits[i]);
  return String((10 - (sum % 10)) % 10);
}

const checked = (digits) => checkDigit(digits.slice(0, -1)) === digits.slice(-1);

function checkedPair(value) {
  const body = value.slice(0, -2);
  let sum = 0;
  for (let i = 0; i < body.length; i++) sum += SET_82.indexOf(body[body.length - 1 - i]) * PRIMES[i];
  sum %= 1021;
  return value.slice(-2) === CHECK_CHARACTERS[sum >> 5] + CHECK_CHARACTERS[sum & 31];
}

function piece(value) {
  const number = Number(value.slice(14, 16));
  const total = Number(value.slice(16, 18));
  return checked(value.slice(0, 14)) && number >= 1 && number <= total;
}

const QUALIFIERS = {
  22: form('X{1,20}'),
  10: form('X{1,20}'),
  21: form('X{1,20}'),
  254: form('X{1,20}'),
  235: form('X{1,28}'),
  8011: form('0|[1-9][0-9]{0,11}'),
  8019: form('[0-9]{1,10}'),
  8020: form('X{1,25}'),
};

/** Keys: the form of the value, a further check, and the orders of qualifiers. */
const KEYS = {
  '00': { form: form('[0-9]{18}'), check: checked },
  '01': { form: form('[0-9]{8}|[0-9]{12,14}'), check: checked, qualifiers: [['22', '10', '21'], ['235']] },
  253: { form: form('[0-9]{13}X{0,17}'), check: (value) => checked(value.slice(0, 13)) },
  255: { form: form('[0-9]{13,25}'), check: (value) => checked(value.slice(0, 13)) },
  401: { form: form('[0-9]{4}X{1,26}') },
  8004: { form: form('[0-9]{4}X{1,26}') },
  402: { form: form('[0-9]{17}'), check: checked },
  414: { form: form('[0-9]{13}'), check: checked, qualifiers: [['254']] },
  415: { form: form('[0-9]{13}'), check: checked, qualifiers: [['8020']] },
  417: { form: form('[0-9]{13}'), check: checked },
  8003: { form: form('0[0-9]{13}X{0,16}'), check: (value) => checked(value.slice(1, 14)) },
  8006: { form: form('[0-9]{18}'), check: piece, qualifiers: [['22', '10', '21']] },
  8010: { form: form('[0-9]{4}[A-Z0-9#/-]{1,26}'), qualifiers: [['8011']] },
  8013: { form: form('[0-9]{4}X{3,21}'), check: checkedPair },
  8017: { form: form('[0-9]{18}'), check: checked, qualifiers: [['8019']] },
  8018: { form: form('[0-9]{18}'), check: checked, qualifiers: [['8019']] },
};

const key = (ai) => (Object.hasOwn(KEYS, ai) ? KEYS[ai] : undefined);

const escapes = (source) => !/%(?![0-9a-fA-F]{2})/.test(source);

/** What percent-encoding stands for, or null if it isn't valid UTF-8. */
function percentDecode(source) {
  const bytes = [];
  for (let i = 0; i < source.length; i++) {
    if (source[i] === '%') {
      bytes.push(parseInt(source.slice(i + 1, i + 3), 16));
      i += 2;
    } else {
      bytes.push(source.charCodeAt(i));
    }
  }
  try {
    return text(Uint8Array.from(bytes));
  } catch {
    return null;
  }
}

const percentEncode = (value) =>
  value.replace(
    /[^A-Za-z0-9._!'()*+,:;=-]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );

/** Whether key and qualifiers, pairs of application identifier and value, have the table's form. */
function fits([[ai, value], ...qualifiers]) {
  const rule = key(ai);
  if (!rule || !rule.form.test(value) || (rule.check && !rule.check(value))) return false;
  return [[], ...(rule.qualifiers ?? [])].some((order) => {
    let next = 0;
    return qualifiers.every(([qualifier, text]) => {
      const place = order.indexOf(qualifier, next);
      next = place + 1;
      return place >= 0 && QUALIFIERS[qualifier].test(text);
    });
  });
}

/** The canonical form of key and qualifiers that fit. */
function canonical(elements) {
  const present = new Set(elements.map(([ai]) => ai));
  const path = elements
    .filter(([ai]) => !(present.has('21') && (ai === '22' || ai === '10')))
    .filter(([ai, value]) => !(ai === '254' && value === '0'))
    .map(([ai, value]) => `/${ai}/${percentEncode(ai === '01' ? value.padStart(14, '0') : value)}`);
  return `https://id.gs1.org${path.join('')}`;
}

/** Key and qualifiers at the end of a Digital Link's path, or null where it isn't one. */
function digitalLinkElements(uri) {
  if (uri.includes('#')) return null;
  const [, rest, query] = /^https?:\/\/([^?]*)(?:\?(.*))?$/is.exec(uri) ?? [];
  if (rest === undefined) return null;
  if (query !== undefined && !query.split('&').every((pair) => pair.indexOf('=') > 0)) return null;
  const segments = rest.split('/').slice(1);
  for (let at = segments.length - 2; at >= 0; at -= 2) {
    if (!key(segments[at])) continue;
    const elements = [];
    for (let i = at; i < segments.length; i += 2) {
      const value = percentDecode(segments[i + 1]);
      if (value === null) return null;
      elements.push([segments[i], value]);
    }
    return fits(elements) ? elements : null;
  }
  return null;
}

const isGs1Host = (uri) => /^https?:\/\/id\.gs1\.org(?:[/?#]|$)/i.test(uri);

// EPC URNs: how long prefix and reference are together (0: the reference is text), how many parts there are,
// and the elements that they make.
const gtin = (p, r) => {
  const digits = r[0] + p + r.slice(1);
  return digits + checkDigit(digits);
};
const joined = (p, r) => p + r + checkDigit(p + r);
const two = (part) => demand(/^[0-9]{2}$/.test(part), "a piece's numbers have two digits");
const itip = (p, r, a, b) => {
  two(a);
  two(b);
  return ['8006', gtin(p, r) + a + b];
};
const serial = (s) => {
  demand(s !== '', 'the serial number is empty');
  return s;
};

const URNS = {
  'id:sgtin': [
    13,
    3,
    (p, r, s) => [
      ['01', gtin(p, r)],
      ['21', s],
    ],
  ],
  'id:upui': [
    13,
    3,
    (p, r, s) => [
      ['01', gtin(p, r)],
      ['235', s],
    ],
  ],
  'id:itip': [13, 5, (p, r, a, b, s) => [itip(p, r, a, b), ['21', s]]],
  'class:lgtin': [
    13,
    3,
    (p, r, s) => [
      ['01', gtin(p, r)],
      ['10', s],
    ],
  ],
  'id:sscc': [17, 2, (p, r) => [['00', gtin(p, r)]]],
  'id:sgln': [
    12,
    3,
    (p, r, s) => [
      ['414', joined(p, r)],
      ['254', s],
    ],
  ],
  'id:pgln': [12, 2, (p, r) => [['417', joined(p, r)]]],
  'id:grai': [12, 3, (p, r, s) => [['8003', `0${joined(p, r)}${serial(s)}`]]],
  'id:gdti': [12, 3, (p, r, s) => [['253', joined(p, r) + serial(s)]]],
  'id:sgcn': [12, 3, (p, r, s) => [['255', joined(p, r) + serial(s)]]],
  'id:gsrn': [17, 2, (p, r) => [['8018', joined(p, r)]]],
  'id:gsrnp': [17, 2, (p, r) => [['8017', joined(p, r)]]],
  'id:gsin': [16, 2, (p, r) => [['402', joined(p, r)]]],
  'id:giai': [0, 2, (p, r) => [['8004', p + r]]],
  'id:ginc': [0, 2, (p, r) => [['401', p + r]]],
  'id:cpi': [
    0,
    3,
    (p, r, s) => [
      ['8010', p + r],
      ['8011', s],
    ],
  ],
  'idpat:sgtin': [13, 3, (p, r) => [['01', gtin(p, r)]]],
  'idpat:upui': [13, 3, (p, r) => [['01', gtin(p, r)]]],
  'idpat:itip': [13, 5, (p, r, a, b) => [itip(p, r, a, b)]],
  'idpat:grai': [12, 3, (p, r) => [['8003', `0${joined(p, r)}`]]],
  'idpat:gdti': [12, 3, (p, r) => [['253', joined(p, r)]]],
  'idpat:sgcn': [12, 3, (p, r) => [['255', joined(p, r)]]],
  'idpat:cpi': [0, 3, (p, r) => [['8010', p + r]]],
};

/** URNs in which the reference's first digit moves before the prefix. */
const MOVES_A_DIGIT = new Set([
  'id:sgtin',
  'id:upui',
  'id:itip',
  'class:lgtin',
  'id:sscc',
  'idpat:sgtin',
  'idpat:upui',
  'idpat:itip',
]);

const KEPT_URNS = ['id:gid', 'id:adi', 'id:usdod', 'id:bic', 'id:imovn'];

function splitParts(value, count) {
  const parts = value.split('.');
  demand(parts.length >= count, 'the EPC URN has too few parts');
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join('.')];
}

function canonicalUrn(uri) {
  const [, scheme, value] = /^urn:epc:([^:]*:[^:]*):(.*)$/is.exec(uri) ?? [];
  demand(scheme !== undefined, 'not an EPC URN');
  if (KEPT_URNS.includes(scheme) && value !== '') return uri;
  demand(Object.hasOwn(URNS, scheme), () => `EPC URNs of ${scheme} have no canonical form`);
  const [length, count, make] = URNS[scheme];
  const pattern = scheme.startsWith('idpat:');
  demand(!/[/?#&~@$[\]]/.test(value), 'the EPC URN has a character that is to be percent-encoded');
  let parts = splitParts(value, count);
  if (pattern) {
    demand(parts.pop() === '*', 'the pattern does not end with .*');
    demand(!parts.includes('*'), 'the pattern has more than one *');
  }
  parts = parts.map(percentDecode);
  demand(!parts.includes(null), 'the EPC URN is not UTF-8');
  const [prefix, reference] = parts;
  demand(/^[0-9]{6,12}$/.test(prefix), 'a company prefix has 6 to 12 digits');
  if (length === 0) {
    demand(reference !== '', 'the reference is empty');
  } else {
    demand(
      /^[0-9]*$/.test(reference) && prefix.length + reference.length === length,
      () => `prefix and reference have not ${length} digits`,
    );
    demand(reference !== '' || !MOVES_A_DIGIT.has(scheme), 'the reference is empty');
  }
  const elements = make(...parts);
  demand(fits(elements), "the EPC URN's values do not have the form of their keys");
  return canonical(elements);
}

/** The canonical form of an identifier; refuses what isn't one. */
export function canonicalIdentifier(uri) {
  demand(utf8(uri).length <= MAX_BYTES, 'an identifier has at most 512 bytes');
  demand(
    /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]+$/.test(uri) &&
      escapes(uri) &&
      uri.split('#').length <= 2,
    () => `${JSON.stringify(uri)} is not an absolute URI`,
  );
  if (/^urn:epc:/i.test(uri)) return canonicalUrn(uri);
  if (!/^https?:\/\//i.test(uri)) return uri;
  const elements = digitalLinkElements(uri);
  if (elements !== null) return canonical(elements);
  if (isGs1Host(uri)) throw new Refusal('a URI at id.gs1.org is a GS1 Digital Link');
  return uri;
}
