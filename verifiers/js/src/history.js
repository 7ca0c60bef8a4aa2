// The whole history of an item: its own link, and those of the containers it was in while it was in them
// (docs/format.md, "Containment"; docs/evidence.md, "Completeness of an item").

import { equal } from './bytes.js';
import { canonicalIdentifier } from './identifiers.js';
import { sha256 } from './hashes.js';
import { parseJson } from './json.js';
import { comparePositions } from './links.js';
import { demand } from './refusal.js';

const MAX_CONTAINERS = 17;
const MAX_LINKS = 2000;
/** Honest files take a few steps for each entry; a made-up one could take the square of their number. */
const MAX_STEPS = 100_000_000;

/**
 * What an event does to containment: its container, and the things packed into it (ADD), taken out of it
 * (DELETE), or whether it empties it; null if it does nothing.
 */
export function readContainment(bytes) {
  const event = parseJson(bytes);
  demand(event instanceof Map, 'an event is not an object');
  if (event.get('type') !== 'AggregationEvent' || event.get('parentID') == null) return null;
  const action = event.get('action');
  if (action !== 'ADD' && action !== 'DELETE') return null;
  const list = (name) => {
    const value = event.get(name) ?? [];
    demand(Array.isArray(value), () => `${name} is not a list`);
    return value;
  };
  const identifier = (value) => {
    demand(typeof value === 'string', 'an identifier is not text');
    return canonicalIdentifier(value);
  };
  const container = identifier(event.get('parentID'));
  const children = new Set(list('childEPCs').map(identifier));
  const empties = action === 'DELETE' && children.size === 0 && list('childQuantityList').length === 0;
  return { action, container, children, empties };
}

/** The index of the first entry of which the place fulfils a condition that no later one breaks. */
function search(entries, holds) {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(entries[middle].position)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const firstAfter = (entries, position) => search(entries, (at) => comparePositions(at, position) > 0);
const firstNotBefore = (entries, position) => search(entries, (at) => comparePositions(at, position) >= 0);

const place = ({ height, transaction }) => `${height}/${transaction}`;
const placeOfEvent = ({ height, transaction, event }) => `${height}/${transaction}/${event}`;

export class Histories {
  /**
   * `links` maps items to their decoded entries, whole; `transactions` are the file's, with height, index and
   * their block.
   */
  constructor(links, transactions) {
    this.links = links;
    this.transactions = new Map(
      transactions.map((transaction) => [
        place({ height: transaction.height, transaction: transaction.index }),
        transaction,
      ]),
    );
    this.contents = new Map();
    this.neededLinks = new Set();
    this.neededTransactions = new Set();
    this.steps = 0;
  }

  entries(item) {
    const entries = this.links.get(item);
    demand(entries !== undefined, () => `the link of ${item} is not in the file`);
    return entries;
  }

  /** Requires that every entry whose transaction is in the file agrees with it. */
  checkContents() {
    for (const entries of this.links.values()) for (const entry of entries) this.checkContent(entry);
  }

  checkContent(entry) {
    const transaction = this.transactions.get(place(entry.position));
    if (transaction === undefined) return;
    const capture = transaction.capture_events;
    demand(capture !== null, "an entry's transaction captures no events");
    const event = capture.events[entry.position.event];
    demand(event !== undefined, "an entry's transaction has not so many events");
    demand(equal(entry.transaction_id, transaction.id), 'an entry names another transaction');
    const at = placeOfEvent(entry.position);
    if (!this.contents.has(at)) {
      this.contents.set(at, { bytes: event, hash: sha256(event), transaction, containment: undefined });
    }
    demand(equal(entry.content_hash, this.contents.get(at).hash), 'an entry names another event');
    demand(entry.organisation === transaction.organisation, 'an entry names another organisation');
    demand(entry.time_ms === transaction.block.time_ms, 'an entry has another time than its block');
  }

  /** The content of an entry that must have one. */
  content(entry) {
    const content = this.contents.get(placeOfEvent(entry.position));
    demand(content !== undefined, () => `the event at ${placeOfEvent(entry.position)} is not in the file`);
    this.neededTransactions.add(place(entry.position));
    return content;
  }

  containment(entry) {
    const content = this.content(entry);
    if (content.containment === undefined) content.containment = readContainment(content.bytes);
    return content.containment;
  }

  /** Whether an entry packs the item (the container), takes it out (null), or neither (undefined). */
  move(entry, item) {
    const change = this.containment(entry);
    if (change === null || !change.children.has(item)) return undefined;
    return change.action === 'ADD' ? change.container : null;
  }

  requirePacking(container, position) {
    this.neededLinks.add(container);
    demand(this.neededLinks.size <= MAX_LINKS, () => `more than ${MAX_LINKS} links`);
    const entries = this.entries(container);
    const entry = entries[firstAfter(entries, position) - 1];
    demand(
      entry !== undefined && comparePositions(entry.position, position) === 0,
      () => `the link of ${container} has no entry for the packing at ${placeOfEvent(position)}`,
    );
  }

  /** The item's history: entries by position, and how many of them are its own. */
  of(item) {
    this.neededLinks.add(item);
    const own = this.entries(item);
    const found = new Map();
    this.inside = [];
    this.follow(item, null, null, null, [], found);
    const history = [...found.values()].sort((a, b) => comparePositions(a.entry.position, b.entry.position));
    return { history, inside: this.inside, own: own.length, shared: history.length - own.length };
  }

  /**
   * Adds the item's entries after `from` up to and with `to` (null: without bound), and those that it shares
   * meanwhile. `inside` is the container that it is in at the beginning, with the place of that packing; `via` are
   * the containers by which it is reached, from the inner to the outer.
   */
  follow(item, from, to, inside, via, found) {
    demand(via.length <= MAX_CONTAINERS, () => `more than ${MAX_CONTAINERS} containers`);
    let stay = inside && { container: inside.container, packed: inside.packed, from };
    const end = (position) => {
      if (stay === null) return;
      this.stay(stay, position, via, found);
      stay = null;
    };
    for (const entry of this.between(item, from, to)) {
      const { position } = entry;
      const content = this.content(entry);
      const at = placeOfEvent(position);
      if (!found.has(at)) found.set(at, { entry, content, via });
      const container = this.move(entry, item);
      if (typeof container === 'string') {
        end(position);
        stay = { container, packed: position, from: position };
      } else if (container === null && stay !== null && this.containment(entry).container === stay.container) {
        end(position);
      }
    }
    end(to);
  }

  /** Follows the container during a stay in it that ends at `to` at the latest. */
  stay({ container, packed, from }, to, via, found) {
    this.requirePacking(container, packed);
    let last = to;
    for (const entry of this.between(container, from, to)) {
      if (this.empties(entry, container)) {
        last = entry.position;
        break;
      }
    }
    // Without an end it lasts to the anchor: the item is in it now.
    if (last === null) this.inside.push(container);
    const inside = this.whereIs(container, from);
    this.follow(container, from, last, inside, [...via, container], found);
  }

  /** The container that `item` is in just before a place, with the place of its packing; null if it is loose. */
  whereIs(item, position) {
    const entries = this.entries(item);
    for (let i = firstNotBefore(entries, position) - 1; i >= 0; i--) {
      this.step();
      const container = this.move(entries[i], item);
      if (container === undefined) continue;
      if (container === null) return null;
      const packed = entries[i].position;
      this.requirePacking(container, packed);
      const others = this.entries(container);
      let emptied = false;
      // All of these entries have content, also those after an emptying.
      for (let k = firstAfter(others, packed); k < firstNotBefore(others, position); k++) {
        this.step();
        if (this.empties(others[k], container)) emptied = true;
      }
      return emptied ? null : { container, packed };
    }
    return null;
  }

  empties(entry, container) {
    const change = this.containment(entry);
    return change !== null && change.empties && change.container === container;
  }

  /** The entries after `from` up to and with `to`; null is without bound. */
  *between(item, from, to) {
    const entries = this.entries(item);
    const end = to === null ? entries.length : firstAfter(entries, to);
    for (let i = from === null ? 0 : firstAfter(entries, from); i < end; i++) {
      this.step();
      yield entries[i];
    }
  }

  step() {
    demand(++this.steps <= MAX_STEPS, 'following the containers takes more steps than this verifier takes');
  }
}
