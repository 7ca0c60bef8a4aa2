// What a deposit covers beside its files: views and fields (docs/format.md, "Design content").

import { be64, hasControl, hex, text, utf8 } from './bytes.js';
import { designContent, designFiles, designViews, sha256 } from './hashes.js';
import { Refusal, demand } from './refusal.js';

const MAX_FILES = 1000;
const PLACES = 12;
const MAX_DISCLOSURE = 8192;
const MAX_DRAFTS = 65_536;

/** Of each name the places of its digests, from and to inside, and what a value is. */
const NAMES = {
  title: { from: 0, to: 0, fits: (value) => isText(value, 256) },
  class: { from: 1, to: 1, fits: (value) => /^(0[1-9]|[12][0-9]|3[0-2])-(0[1-9]|[1-9][0-9])$/.test(value) },
  description: { from: 2, to: 2, fits: (value) => isText(value, 2048) },
  drafts: { from: 3, to: 3, fits: (value) => draftsHead(value) !== null },
  author: { from: 4, to: 11, fits: (value) => isText(value, 256) },
};

/** The views by their number. */
const VIEWS = [
  null,
  'perspective',
  'front',
  'back',
  'top',
  'bottom',
  'left',
  'right',
  'reference',
  'unfolded',
  'exploded',
  'cross-section',
  'enlarged',
];

function isText(value, limit) {
  const { length } = utf8(value);
  return length >= 1 && length <= limit && !hasControl(value);
}

/** Count and head of the drafts before a deposit, or null. */
export function draftsHead(value) {
  const found = /^([1-9][0-9]{0,4}):([0-9a-f]{64})$/.exec(value);
  return found !== null && Number(found[1]) <= MAX_DRAFTS ? { count: Number(found[1]), head: found[2] } : null;
}

/** What is shown beside the files' hashes: the root that the commitment is to, views, and fields. */
export function readContent(hashes, title, content) {
  demand(hashes.length >= 1 && hashes.length <= MAX_FILES, 'the opening has not 1 to 1000 files');
  demand(
    hashes.every(({ length }) => length === 32),
    'the opening has another form',
  );
  const files = designFiles(be64(hashes.length), ...hashes);
  if (content === null) return { root: files, views: [], fields: [] };
  const { views, digests, disclosures } = content;
  demand(
    views.length === hashes.length && views.every((view) => view >= 0 && view < VIEWS.length),
    'the content has not a view of each file',
  );
  demand(
    digests.length === PLACES && digests.every(({ length }) => length === 32),
    'the content has not a digest of each place',
  );
  const places = new Map(digests.map((digest, place) => [hex(digest), place]));
  demand(places.size === PLACES, 'two places have one digest');
  let last = -1;
  const fields = disclosures.map((disclosure) => {
    const { name, value } = readDisclosure(disclosure);
    const place = places.get(hex(sha256(utf8(disclosure)))) ?? -1;
    const { from, to } = NAMES[name];
    demand(place >= from && place <= to, `the deposit does not cover this field ${name}`);
    demand(place > last, 'fields are not in the order of their places');
    last = place;
    return { place, name, value, disclosure };
  });
  const covered = fields.find(({ name }) => name === 'title')?.value ?? '';
  demand(title === covered, 'the title is not the one that the deposit covers');
  const shown = designViews(be64(views.length), Uint8Array.from(views));
  return { root: designContent(files, shown, ...digests), views, fields };
}

/** Name and value of a field, in RFC 9901's form as RFC 8785 writes it. */
function readDisclosure(disclosure) {
  demand(
    disclosure.length <= MAX_DISCLOSURE && /^[A-Za-z0-9_-]*$/.test(disclosure),
    'a disclosure is not base64url of the allowed length',
  );
  const { bytes, isCanonical } = fromBase64Url(disclosure);
  demand(isCanonical, 'a disclosure is not canonical base64url');
  const written = text(bytes);
  const parts = parse(written);
  demand(
    Array.isArray(parts) && parts.length === 3 && parts.every((part) => typeof part === 'string'),
    'a disclosure is not [salt, name, value]',
  );
  const [salt, name, value] = parts;
  // Half a character, escaped, would be written again as it came.
  demand(
    JSON.stringify(parts) === written && !/[\ud800-\udfff]/u.test(written + value) && /^[A-Za-z0-9_-]{22}$/.test(salt),
    'a disclosure is not as RFC 8785 writes it',
  );
  demand(Object.hasOwn(NAMES, name), 'a field of another name');
  demand(NAMES[name].fits(value), `the field ${name} has another form`);
  return { name, value };
}

function parse(json) {
  try {
    return JSON.parse(json);
  } catch {
    throw new Refusal('a disclosure is not JSON');
  }
}

function fromBase64Url(digits) {
  const plain = digits.replaceAll('-', '+').replaceAll('_', '/');
  let binary;
  try {
    binary = atob(plain);
  } catch {
    throw new Refusal('a disclosure is not base64url');
  }
  const bytes = Uint8Array.from(binary, (byte) => byte.charCodeAt(0));
  return { bytes, isCanonical: btoa(binary).replace(/=+$/, '') === plain };
}

/** Fields of two openings of one commitment, each once, by their places. */
export function united(fields, others) {
  const places = new Set(fields.map(({ place }) => place));
  return [...fields, ...others.filter(({ place }) => !places.has(place))].sort((a, b) => a.place - b.place);
}

/** Views and fields for programs. */
export const describeContent = ({ views, fields }) => ({
  views: views.map((view) => VIEWS[view]),
  fields: fields.map(({ name, value, disclosure }) => ({ name, value, disclosure })),
});
