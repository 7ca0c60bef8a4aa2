// A node's answer about an item: the message `ItemReply`, which its HTTP interface gives as `proof.base64` (docs/http.md).

import { equal, hex, utf8 } from './bytes.js';
import { ValidatorSets, checkCertifiedHeader } from './chain.js';
import { readGenesis } from './genesis.js';
import { sha256 } from './hashes.js';
import { canonicalIdentifier } from './identifiers.js';
import { checkPage } from './links.js';
import { types } from './messages.js';
import { decode } from './protobuf.js';
import { demand } from './refusal.js';
import { checkStateProof } from './trees.js';

const isItem = (key, item) => equal(key, utf8(`item/${item}`));

/** The validators' sets from a genesis document on, by changes that are each the bytes of a `ValidatorSetChange`. */
export async function readSets(genesis, changes) {
  const { chainId, validators } = readGenesis(genesis);
  const sets = new ValidatorSets(validators, chainId);
  for (const change of changes) await sets.apply(decode(types.ValidatorSetChange, change));
  return sets;
}

/**
 * Requires that an answer about an item holds, with all of the events that it gives. An answer with a page proves the
 * events of that page; one without events, that there are none from its first place on.
 */
export async function checkItemAnswer(bytes, id, sets) {
  const item = canonicalIdentifier(id);
  const { record, from, events, proof } = decode(types.ItemReply, bytes);
  const header = await checkCertifiedHeader(record.header, sets);
  demand(isItem(record.key, item), 'the answer is about another item');
  checkStateProof(header.state_root, record.key, record.value, record.proof);
  const held = record.value === null ? null : decode(types.Item, record.value);
  const count = held === null ? 0n : held.link.count;
  let entries = [];
  if (events.length === 0) {
    demand(from >= count && proof === null, 'the answer leaves out events');
  } else {
    demand(held !== null && proof !== null, 'the answer has events without a proof');
    entries = checkPage(
      header.state_root,
      record.key,
      held.link,
      from,
      events.map(({ entry }) => entry),
      proof,
    );
    entries.forEach(({ content_hash: hash }, i) => {
      demand(equal(sha256(events[i].event), hash), 'an event is not the one of its entry');
    });
  }
  return {
    item,
    height: header.height,
    time_ms: header.time_ms,
    count,
    from,
    events: entries.map((entry, i) => ({
      position: entry.position,
      time_ms: entry.time_ms,
      organisation: entry.organisation,
      transaction_id: hex(entry.transaction_id),
      bytes: events[i].event,
    })),
  };
}
