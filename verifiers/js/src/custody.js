// Who has an item (docs/format.md, "Custody"; docs/evidence.md, "Custody and handovers"). Words of the parties are
// shown as they stand: nothing here says who is right.

import { be64, hex } from './bytes.js';
import { comparePositions } from './links.js';
import { types } from './messages.js';
import { decode } from './protobuf.js';
import { demand } from './refusal.js';

const MAX_CONTAINERS = 17;

export const UNANSWERED = 0;

/**
 * Reads custody after the anchor's block. `ask` gives the state's value at a key, null where it is absent; `time` is
 * the anchor's.
 */
export function readCustody(item, ask, time) {
  const chain = readContainers(item, ask);
  const outermost = chain[chain.length - 1];
  return {
    custody: custodyOf(chain),
    ended: chain.map(({ record }) => record?.ended ?? null).find((end) => end !== null) ?? null,
    offer: openOffer(outermost.record, ask, time),
    claims: chain.flatMap(({ name, record }) =>
      (record?.claims ?? []).map((claim) => ({ item: name, ...claim })),
    ),
    stock: chain[0].record?.stock ?? null,
  };
}

/**
 * The item and the containers that it is in, from the inner to the outer. The last one may have an `emptying`: how
 * the container that it was packed in was emptied since.
 */
function readContainers(item, ask) {
  let link = { name: item, record: readItem(ask('item/', item)), emptying: null };
  const chain = [link];
  while (link.record !== null && link.record.packed !== null) {
    const { container: name, generation } = link.record.packed;
    const record = readItem(ask('item/', name));
    demand(record !== null, 'an item is packed in a container that was never recorded');
    if (record.generation !== generation) {
      const value = ask('emptying/', be64(generation), name);
      demand(value !== null, 'the emptying of a container is absent');
      link.emptying = decode(types.Emptying, value);
      break;
    }
    // One that was emptied since is no container of it any more.
    demand(chain.length <= MAX_CONTAINERS, () => `more than ${MAX_CONTAINERS} containers`);
    link = { name, record, emptying: null };
    chain.push(link);
  }
  return chain;
}

const readItem = (value) => (value === null ? null : decode(types.Item, value));

/** The custody of the first of the chain, read from the outer one inwards. */
function custodyOf(chain) {
  let outer = null;
  for (const { record, emptying } of [...chain].reverse()) {
    if (emptying !== null) outer = emptying.custody;
    const own = record?.custody ?? null;
    const inherits = outer !== null && (own === null || comparePositions(outer.since, record.packed.since) > 0);
    outer = inherits ? outer : own;
  }
  return outer;
}

function openOffer(record, ask, time) {
  if (record === null || record.offer.length === 0) return null;
  const value = ask('offer/', record.offer);
  if (value === null) return null;
  const offer = decode(types.Offer, value);
  if (offer.outcome !== UNANSWERED || offer.deadline_ms < time) return null;
  return { id: hex(record.offer), to: offer.to, deadline_ms: offer.deadline_ms };
}
