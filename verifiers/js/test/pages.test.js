// Pages of long links, under a state that is built here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { be64, concat, utf8 } from '../src/bytes.js';
import { linkStep, sha256 } from '../src/hashes.js';
import { checkPage } from '../src/links.js';
import { types } from '../src/messages.js';
import { encode } from '../src/protobuf.js';
import { stateTree } from './support/state_tree.js';

const key = utf8('item/https://id.gs1.org/01/09521321000018/21/1');
const headKey = (n) => concat(utf8('link-head/'), sha256(key), be64(n));

function story(count) {
  const entries = [];
  const pairs = [[key, Uint8Array.of(1)]];
  let head = new Uint8Array(32);
  for (let i = 1; i <= count; i++) {
    const entry = encode(types.LinkEntry, {
      position: { height: BigInt(i), transaction: 0, event: 0 },
      transaction_id: sha256(be64(i)),
      content_hash: new Uint8Array(32),
      organisation: 'maker',
      time_ms: 1n,
    });
    entries.push(entry);
    head = linkStep(head, entry);
    if (i % 256 === 0) pairs.push([headKey(i), head]);
  }
  const tree = stateTree(pairs);
  const proven = (n) => {
    const { value, proof } = tree.prove(headKey(n));
    return { head: value, proof };
  };
  return { entries, link: { count: BigInt(count), head }, root: tree.root, proven };
}

/** The honest proof for the entries from `from` up to `to`, exclusive. */
function page({ entries, link, proven }, from, to) {
  const begin = Math.floor(from / 256) * 256;
  const end = Math.min(Math.ceil(to / 256) * 256, entries.length);
  return {
    before: entries.slice(begin, from),
    after: entries.slice(to, end),
    first: begin === 0 ? null : proven(begin),
    last: BigInt(end) === link.count ? null : proven(end),
  };
}

const long = story(700);

test('any page of a link is proven', () => {
  for (const [from, to] of [
    [0, 1],
    [0, 700],
    [0, 256],
    [256, 512],
    [255, 257],
    [300, 301],
    [600, 700],
    [512, 700],
    [10, 690],
  ]) {
    const entries = long.entries.slice(from, to);
    const decoded = checkPage(long.root, key, long.link, BigInt(from), entries, page(long, from, to));
    assert.deepEqual(
      decoded.map(({ position }) => Number(position.height)),
      entries.map((_, i) => from + i + 1),
    );
  }
});

test('a page at another place, with an entry less or other heads is refused', () => {
  const entries = long.entries.slice(300, 400);
  const proof = page(long, 300, 400);
  const refuse = (from, list, changed) =>
    assert.throws(() => checkPage(long.root, key, long.link, from, list, changed), { name: 'Refusal' });
  refuse(301n, entries, proof);
  refuse(44n, entries, proof);
  refuse(300n, entries.slice(1), proof);
  refuse(300n, [], proof);
  refuse(300n, [...entries.slice(0, 50), entries[51], entries[50], ...entries.slice(52)], proof);
  refuse(300n, entries, { ...proof, first: null });
  refuse(300n, entries, { ...proof, last: null });
  refuse(300n, entries, { ...proof, first: proof.last });
  refuse(300n, entries, { ...proof, before: proof.before.slice(1) });
  refuse(300n, entries, { ...proof, after: [] });
  const last = page(long, 600, 700);
  refuse(600n, long.entries.slice(600), { ...last, last: long.proven(512) });
  refuse(0n, long.entries.slice(0, 10), { ...page(long, 0, 10), first: long.proven(256) });
  assert.throws(() => checkPage(long.root, utf8('item/x'), long.link, 300n, entries, proof), {
    name: 'Refusal',
  });
});
