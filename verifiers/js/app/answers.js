// Asking nodes: evidence files, and which other members may be asked. Every answer has a deadline and a greatest size,
// and counts for nothing before it is examined.

import { canonicalIdentifier } from '../src/identifiers.js';
import { Refusal } from '../src/refusal.js';
import { SCAN_CODES } from './scans.js';

export const EVIDENCE_TYPE = 'application/x-touchstone-evidence';
const MAX_EVIDENCE = 64 << 20;
const MAX_SMALL = 1 << 20;
const DEADLINE_MS = 30_000;
/** An opening takes a block. */
const OPENING_DEADLINE_MS = 60_000;
/** A second member is asked beside the first, and isn't waited for as long. */
const SECOND_DEADLINE_MS = 8000;

/** Why there is no answer: a code of the rules, and values for its sentence. */
export class NoAnswer extends Error {
  constructor(code, values = {}) {
    super(code);
    this.code = code;
    this.values = values;
  }
}

/** The bytes of an answer, at most so many. */
async function readBounded(response, most) {
  const chunks = [];
  let length = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new NoAnswer('too-large');
    }
    chunks.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function ask(url, accept, most, deadline, told = null) {
  try {
    const response = await fetch(url, {
      method: told === null ? 'GET' : 'POST',
      headers: { Accept: accept, ...(told !== null && { 'Content-Type': 'application/json' }) },
      body: told === null ? undefined : JSON.stringify(told),
      signal: AbortSignal.timeout(deadline),
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      redirect: 'error',
    });
    const bytes = await readBounded(response, response.ok ? most : MAX_SMALL);
    if (response.ok) return bytes;
    throw new NoAnswer('server-refuses', { status: response.status, reason: detailOf(bytes) });
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    // A lost connection, a deadline, a foreign origin: the browser doesn't tell which.
    throw new NoAnswer('no-answer', { reason: error.name === 'TimeoutError' ? 'timeout' : '' });
  }
}

function detailOf(bytes) {
  try {
    const { detail } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof detail === 'string' ? detail.slice(0, 300) : '';
  } catch {
    return '';
  }
}

const address = (base, subject) => `${base}/evidence?${new URLSearchParams(subject)}`;

/** An evidence file from this node. */
export const askEvidence = (subject) => ask(address('', subject), EVIDENCE_TYPE, MAX_EVIDENCE, DEADLINE_MS);

/** An evidence file from another member, whose address its operator lists. */
export const askSecond = (member, subject) =>
  ask(address(member.url, subject), EVIDENCE_TYPE, MAX_EVIDENCE, SECOND_DEADLINE_MS);

/** An evidence file about a design. */
export const askDesignEvidence = (id) => ask(`/designs/${id}/evidence`, EVIDENCE_TYPE, MAX_EVIDENCE, DEADLINE_MS);

async function askJson(path, told = null, deadline = SECOND_DEADLINE_MS) {
  const bytes = await ask(path, 'application/json', MAX_SMALL, deadline, told);
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) throw new NoAnswer('no-answer', { reason: '' });
    throw error;
  }
}

/** The ids of designs that were disclosed with a file, by its hash: the node's word. */
export async function askDesigns(hash) {
  const { designs } = await askJson(`/app/designs.json?file=${hash}`);
  return designs.filter((id) => /^[0-9a-f]{64}$/.test(id));
}

/** What the node says of itself. */
export const askStatus = () => askJson('/app/status.json');

/** A list that this node gives to members, each entry in a form; null where it doesn't tell. */
async function askList(path, form) {
  try {
    const list = await askJson(path);
    return list.map(form);
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof TypeError) return null;
    throw error;
  }
}

const jobState = ({ running, success }) => (running ? 'jobRunning' : success ? 'jobRecorded' : 'jobRefused');

/** Captures that came to this node, the newest first, and why one was refused. */
export const askJobs = () =>
  askList('/capture', (job) => ({
    createdMs: Date.parse(job.createdAt),
    state: jobState(job),
    reason: typeof job.errors?.[0]?.detail === 'string' ? job.errors[0].detail : '',
  }));

/** Named queries that this node keeps, by what they ask. */
export const askQueries = () => askList('/queries', ({ name, query }) => ({ name: String(name), asks: JSON.stringify(query) }));

const ORIGIN = /^https?:\/\/[^/?#]+$/;

/** Other members' nodes, as this node's operator lists them; whether this one counts scans; and who records openings. */
export async function askMembers() {
  const { members, scans, openings } = await askJson('/app/members.json');
  return {
    members: members
      .filter(({ name, url }) => typeof name === 'string' && ORIGIN.test(url))
      .filter(({ url }) => url !== window.location.origin),
    countsScans: scans === true,
    openings: ORIGIN.test(openings) ? openings : null,
  };
}

/** Has the opening of a thing's label recorded; which transaction holds the first, and whether it is this one. */
export async function tellOpening(url, item, code) {
  const { first, transaction } = await askJson(`${url}/openings`, { item, code }, OPENING_DEADLINE_MS);
  // One whose outcome isn't known yet may be the first, too.
  return { isFirst: first !== false, transaction };
}

/** Tells a coarse scan, and gives what this node's scans of the thing say: codes that the rules know. */
export async function tellScan(item, { row, column }) {
  const { codes } = await askJson('/app/scans.json', { item, row, column });
  return SCAN_CODES.filter((code) => codes.includes(code));
}

const KEY_PATH = /^\/(00|01|253|255|401|402|414|417|8003|8004|8006|8010|8017|8018)\//;

/** What a Digital Link says: the item, and what is printed beside it; null where the address is no Digital Link. */
export function readAddress({ pathname, search }) {
  if (!KEY_PATH.test(pathname)) return null;
  return readCode(`https://id.gs1.org${pathname}${search}`);
}

/** The same of a link or an identifier that somebody typed; throws `NoAnswer` where it is none. */
export function readCode(source) {
  let url = null;
  // Element strings in brackets, as they are printed beside a code.
  const printedForm = source.trim().replace(/\s+/g, '');
  const path = /^\(\d{2,4}\)/.test(printedForm) ? pathOf(printedForm) : source.trim();
  try {
    url = new URL(path);
  } catch {
    // An EPC URN is a URL too; anything else isn't an identifier here.
    throw new NoAnswer('bad-code');
  }
  const attributes = url.searchParams;
  const lot = /\/10\/([^/]+)/.exec(url.pathname);
  try {
    const bare = url.protocol === 'urn:' ? path : `https://id.gs1.org${url.pathname}`;
    const item = canonicalIdentifier(bare);
    if (!/^https:\/\/id\.gs1\.org\/\d{2,4}\//.test(item)) throw new NoAnswer('bad-code');
    return {
      item,
      printed: {
        lot: lot !== null ? decodeURIComponent(lot[1]) : attributes.get('10'),
        expiry: attributes.get('17'),
      },
    };
  } catch (error) {
    if (error instanceof Refusal || error instanceof URIError) throw new NoAnswer('bad-code');
    throw error;
  }
}

/** The Digital Link of element strings in brackets: keys and qualifiers in its path, the rest as attributes. */
function pathOf(source) {
  const elements = [...source.matchAll(/\((\d{2,4})\)([^(]*)/g)].map(([, ai, value]) => [ai, value]);
  const isQualifier = ([ai], i) => i === 0 || ['22', '10', '21', '235', '254', '8011', '8019', '8020'].includes(ai);
  const order = ['22', '10', '21', '235', '254', '8011', '8019', '8020'];
  const path = elements.filter(isQualifier).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const rest = elements.filter((element, i) => !isQualifier(element, i));
  const text = path.map(([ai, value]) => `/${ai}/${encodeURIComponent(value)}`).join('');
  return `https://id.gs1.org${text}${rest.length > 0 ? `?${new URLSearchParams(rest)}` : ''}`;
}

/** The lot of an item whose GTIN is known; null where it has none. */
export function lotOf(item, lot) {
  const gtin = /^https:\/\/id\.gs1\.org\/01\/(\d{14})\/21\//.exec(item);
  if (gtin === null || lot === null) return null;
  try {
    return canonicalIdentifier(`https://id.gs1.org/01/${gtin[1]}/10/${encodeURIComponent(lot)}`);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
