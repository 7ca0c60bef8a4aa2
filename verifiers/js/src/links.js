// Links: hash chains over entries, whole or a page of them (docs/format.md, "Links", "Pages").

import { be64, concat, equal, utf8 } from './bytes.js';
import { linkStep, sha256 } from './hashes.js';
import { types } from './messages.js';
import { decode } from './protobuf.js';
import { demand } from './refusal.js';
import { checkStateProof } from './trees.js';

const EMPTY_HEAD = new Uint8Array(32);
const PAGE = 256n;

/** Order of places in the ledger. */
export function comparePositions(a, b) {
  if (a.height !== b.height) return a.height < b.height ? -1 : 1;
  return a.transaction - b.transaction || a.event - b.event;
}

/** Decodes entries whose positions must strictly ascend. */
function readEntries(entries) {
  let last = null;
  return entries.map((bytes) => {
    const entry = decode(types.LinkEntry, bytes);
    demand(last === null || comparePositions(last, entry.position) < 0, "the entries' positions do not ascend");
    last = entry.position;
    return entry;
  });
}

const headAfter = (head, entries) => entries.reduce((before, entry) => linkStep(before, entry), head);

/** Requires that these exact entries are the whole link; gives them decoded. */
export function checkWholeLink(link, entries) {
  demand(
    link.count === BigInt(entries.length),
    () => `the link has ${link.count} entries, not ${entries.length}`,
  );
  const decoded = readEntries(entries);
  demand(equal(headAfter(EMPTY_HEAD, entries), link.head), "the entries do not lead to the link's head");
  return decoded;
}

/** The link of an item that isn't in the state. */
export const emptyLink = { count: 0n, head: EMPTY_HEAD };

const headKey = (recordKey, count) => concat(utf8('link-head/'), sha256(recordKey), be64(count));

/**
 * Requires that `entries` are those from number `from` on of the link in the record at `recordKey`, proven
 * under the same state root; gives them decoded.
 */
export function checkPage(stateRoot, recordKey, link, from, entries, proof) {
  const count = link.count;
  const to = from + BigInt(entries.length);
  demand(from < to && to <= count, 'the page holds no entries of the link');
  const begin = (from / PAGE) * PAGE;
  const rounded = ((to + PAGE - 1n) / PAGE) * PAGE;
  const end = rounded < count ? rounded : count;
  demand(BigInt(proof.before.length) === from - begin, 'the page has not the entries before it');
  demand(BigInt(proof.after.length) === end - to, 'the page has not the entries after it');
  const head = (proven, number) => {
    demand(proven !== null && proven.head.length === 32, 'a head of the page is missing');
    checkStateProof(stateRoot, headKey(recordKey, number), proven.head, proven.proof);
    return proven.head;
  };
  demand(begin !== 0n || proof.first === null, 'the page has a head that it does not need');
  demand(end !== count || proof.last === null, 'the page has a head that it does not need');
  const first = begin === 0n ? EMPTY_HEAD : head(proof.first, begin);
  const last = end === count ? link.head : head(proof.last, end);
  const all = [...proof.before, ...entries, ...proof.after];
  const decoded = readEntries(all);
  demand(equal(headAfter(first, all), last), "the page's entries do not lead to its head");
  return decoded.slice(proof.before.length, proof.before.length + entries.length);
}
