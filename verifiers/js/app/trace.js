// What a thing was made of, and what became of it, by the rules of docs/traces.md: read from histories that were each
// proven complete, so that no server can leave a thing out or invent one. Order is the ledger's; time counts.

import { comparePositions } from '../src/links.js';
import { identifier, listOf, textOf } from './journey.js';

/** Sides of a trace: what the thing came from, and what a recall of it would reach. */
export const SIDES = ['origins', 'outcomes'];

const isAfter = (position, bound) => bound === null || comparePositions(position, bound) > 0;

/** What a transformation names on one side: things, and amounts of classes. */
function parts(document, side) {
  const amounts = listOf(document[`${side}QuantityList`]).map((one) => one?.epcClass);
  return [...listOf(document[`${side}EPCList`]), ...amounts].filter((one) => textOf(one) !== '').map(identifier);
}

/** What an aggregation event of this container does: packs or takes out things, or empties it; null for none of these. */
function packing({ document, isDeclaration }, container) {
  if (isDeclaration || document.type !== 'AggregationEvent' || identifier(document.parentID) !== container) return null;
  const children = listOf(document.childEPCs).map(identifier);
  if (document.action === 'ADD') return { packs: children, takes: [] };
  if (document.action !== 'DELETE') return null;
  const empties = children.length === 0 && listOf(document.childQuantityList).length === 0;
  return { packs: [], takes: empties ? null : children };
}

/** What is in a container, with the event that packed it, changed by one more event. */
function changeContent(content, event, container) {
  const change = packing(event, container);
  if (change === null) return;
  if (change.takes === null) content.clear();
  else change.takes.forEach((child) => content.delete(child));
  change.packs.forEach((child) => content.set(child, event));
}

const connection = (item, how, event, bound) => ({ item, how, event, bound });

/** What came of a thing after `since` (null: ever): outputs it went into, and what was in it then or came into it later. */
function forward({ item, events }, since) {
  const found = [];
  const content = new Map();
  for (const event of events) {
    const { entry, via, document, isDeclaration } = event;
    const { position } = entry;
    const isLater = isAfter(position, since);
    const used = via.at(-1) ?? item;
    if (isLater && !isDeclaration && document.type === 'TransformationEvent' && parts(document, 'input').includes(used))
      parts(document, 'output').forEach((one) => found.push(connection(one, 'made', event, position)));
    if (via.length > 0) continue;
    const packed = packing(event, item)?.packs ?? [];
    if (isLater && packed.length > 0) packed.forEach((one) => found.push(connection(one, 'packed', event, position)));
    else if (!isLater) changeContent(content, event, item);
  }
  // What was in it when it was reached, though it may have left since.
  content.forEach((event, one) => found.push(connection(one, 'packed', event, since)));
  return found;
}

/** What a thing came from, up to `until` (null: now): inputs of the transformations it came out of, and its content then. */
function backward({ item, events }, until) {
  const found = [];
  const content = new Map();
  for (const event of events) {
    const { entry, via, document, isDeclaration } = event;
    if (via.length > 0 || (until !== null && isAfter(entry.position, until))) continue;
    if (!isDeclaration && document.type === 'TransformationEvent' && parts(document, 'output').includes(item))
      parts(document, 'input').forEach((one) => found.push(connection(one, 'made', event, entry.position)));
    changeContent(content, event, item);
  }
  content.forEach((event, one) => found.push(connection(one, 'packed', event, until)));
  return found;
}

/** Whether one bound lets more through than another, on this side. */
function isWider(side, bound, other) {
  if (other === null) return false;
  if (bound === null) return true;
  const order = comparePositions(bound, other);
  return side === 'outcomes' ? order < 0 : order > 0;
}

/** How many steps lead to a thing. */
export const depthOf = ({ from }) => (from === null ? 0 : depthOf(from) + 1);

/**
 * The graph of what was reached so far. It begins with one record, and grows by each record that is followed. `record`s
 * have `item` and `events` as an `ItemRecord` has them, of a history that an examination has proven.
 */
export class TraceGraph {
  constructor(record) {
    this.start = { item: record.item, side: null, bound: null, from: null, record, fault: null };
    /** By side and item: each thing once on a side, reached by the way that lets the most through. */
    this.reached = new Map();
    for (const side of SIDES) this.connect(this.start, side);
  }

  /** The things of a side, in the order in which they were reached. */
  of(side) {
    return [...this.reached.values()].filter((node) => node.side === side);
  }

  /** Things whose own record wasn't looked at yet. */
  get open() {
    return [...this.reached.values()].filter(({ record, fault }) => record === null && fault === null);
  }

  /** The things that were reached from one, on a side. */
  from(node, side) {
    return this.of(side).filter(({ from }) => from === node);
  }

  /** Takes a thing's record, and goes on from there. */
  follow(node, record) {
    node.record = record;
    node.fault = null;
    this.connect(node, node.side);
  }

  connect(node, side) {
    const found = side === 'outcomes' ? forward(node.record, node.bound) : backward(node.record, node.bound);
    for (const { item, how, event, bound } of found) if (item !== this.start.item) this.reach(node, side, item, how, event, bound);
  }

  reach(from, side, item, how, event, bound) {
    const key = `${side} ${item}`;
    const known = this.reached.get(key);
    if (known !== undefined && !isWider(side, bound, known.bound)) return;
    const way = { from, how, event, bound };
    if (known === undefined) this.reached.set(key, { item, side, record: null, fault: null, ...way });
    else {
      Object.assign(known, way);
      // What it led to is read again under the wider bound.
      if (known.record !== null) this.connect(known, side);
    }
  }
}
