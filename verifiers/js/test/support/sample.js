// A ledger made here: a block and a transaction for each event, and evidence of each item that they name. For the
// benches, for the pages, and for what the golden files are too short to show.

import { ed25519 } from '@noble/curves/ed25519.js';
import { be64, compare, concat, hex, utf8 } from '../../src/bytes.js';
import {
  blockId,
  linkStep,
  sha256,
  tagged,
  taggedHash,
  transactionId,
  validatorsHash,
} from '../../src/hashes.js';
import { types } from '../../src/messages.js';
import { emptyMessage, encode } from '../../src/protobuf.js';
import { transactionRoot } from '../../src/trees.js';
import { write } from './files.js';
import { stateTree } from './state_tree.js';

const ORGANISATIONS = ['carrier', 'maker', 'market', 'office'];
const ITEM = 'https://id.gs1.org/01/09521321000018/21/1';
const START_MS = 1_772_000_000_000;
const STEP_MS = 1000;
const ACCEPTED = 1;
const DEADLINE_MS = 4_000_000_000_000n;

/** A message with these fields, and the others empty. */
export const fill = (type, fields) => ({ ...emptyMessage(type), ...fields });
const bytes = (type, fields) => encode(type, fill(type, fields));
const key = (name) => {
  const secret = sha256(utf8(name));
  return { secret, public_key: ed25519.getPublicKey(secret) };
};

const parameters = {
  precision_ms: 500,
  message_delay_ms: 4000,
  max_block_bytes: 4_194_304,
  max_block_transactions: 10_000,
  max_transaction_bytes: 1_048_576,
  max_events_per_transaction: 1000,
};

/** An event that an observer may record about an item. */
const observation = (i, startMs) => ({
  '@context': ['https://ref.gs1.org/standards/epcis/epcis-context.jsonld'],
  type: 'ObjectEvent',
  eventTime: new Date(startMs + STEP_MS * i).toISOString(),
  eventTimeZoneOffset: '+00:00',
  action: 'OBSERVE',
  bizStep: 'storing',
  epcList: [ITEM],
  readPoint: { id: `https://id.gs1.org/414/9521321000018/254/${i}` },
});

/**
 * A ledger with a block and a transaction for each event. `events`: documents with the organisation that records each and
 * the items that it names. `records` are fields of items' records beside their links; `roles` and `prefixes` those of
 * organisations. `offerTo` and `accepts` make an event's transaction offer its items, or accept the last offer. The anchor comes a step after the last event, or at `anchorMs`.
 */
export class SampleLedger {
  constructor({ events, records = {}, roles = {}, prefixes = {}, chain = 'sample', startMs = START_MS, anchorMs = null }) {
    this.members = ORGANISATIONS.map((id) => ({
      id,
      name: `The ${id}`,
      roles: roles[id] ?? [1],
      prefixes: prefixes[id] ?? [],
      key: key(`${id} signs`),
      validator: key(`${id} votes`),
    }));
    this.validators = this.members
      .map(({ id, validator }) => ({
        public_key: validator.public_key,
        power: 1n,
        organisation: id,
        secret: validator.secret,
      }))
      .sort((a, b) => compare(a.public_key, b.public_key));
    this.genesis = utf8(
      JSON.stringify({
        format: 'touchstone/genesis/v1',
        chain,
        time_ms: START_MS,
        parameters,
        organisations: this.members.map(({ id, name, key: own, validator }) => ({
          id,
          name,
          roles: ['platform'],
          keys: [hex(own.public_key)],
          nodes: [
            {
              network_key: hex(key(`${id} connects`).public_key),
              addresses: [],
              validator_key: hex(validator.public_key),
            },
          ],
        })),
      }),
    );
    this.chainId = sha256(this.genesis);
    const setHash = validatorsHash(encode(types.ValidatorSet, { validators: this.validators, first_height: 1n }));
    this.base = {
      version: 1,
      chain_id: this.chainId,
      proposer: this.validators[0].public_key,
      validators_hash: setHash,
      next_validators_hash: setHash,
    };
    this.startMs = startMs;
    this.items = new Map();
    this.blocks = [];
    this.heads = [];
    this.offers = [];
    this.pairs = [];
    this.parent = this.chainId;
    events.forEach((event, i) => this.record(event, i + 1));
    this.commit(records, anchorMs ?? startMs + STEP_MS * (events.length + 1));
  }

  certify(header) {
    const { height } = header;
    const headerBytes = bytes(types.Header, header);
    const id = blockId(headerBytes);
    const vote = bytes(types.Vote, { kind: 2, height, block_id: id });
    const message = concat(tagged('touchstone/vote/v1'), this.chainId, vote);
    const signatures = this.validators
      .slice(0, 3)
      .map(({ public_key, secret }) => ({ public_key, signature: ed25519.sign(message, secret) }));
    return {
      id,
      certified: { header: headerBytes, certificate: { height, round: 0, block_id: id, signatures } },
    };
  }

  /** The part of a capture that hands over: an offer, or the acceptance of the last one. */
  statement({ offerTo, accepts }) {
    if (offerTo) return { offer: fill(types.OfferCustody, { to: offerTo, deadline_ms: DEADLINE_MS }) };
    if (!accepts) return {};
    return { answer: fill(types.AnswerOffer, { offer: this.offers.at(-1).id, outcome: ACCEPTED }) };
  }

  /** Keeps what the state says of offers. */
  handOver({ organisation, offerTo, accepts, items = [ITEM] }, id, position) {
    if (offerTo) this.offers.push({ id, from: organisation, to: offerTo, items, position, answered: null });
    if (accepts) this.offers.at(-1).answered = position;
  }

  /** An envelope with a transaction of an organisation's; `action` are its fields. */
  signed(action, organisation = 'maker') {
    const body = bytes(types.Transaction, { organisation, ...action });
    const { secret, public_key } = this.members.find(({ id }) => id === organisation).key;
    const signature = ed25519.sign(concat(tagged('touchstone/transaction/v1'), this.chainId, body), secret);
    const envelope = bytes(types.Envelope, { body, signatures: [{ public_key, signature }] });
    return { envelope, id: transactionId(this.chainId, body) };
  }

  capture(i, recorded) {
    const { organisation, document } = recorded;
    const statement = this.statement(recorded);
    const event = utf8(JSON.stringify(document));
    const action = {
      created_ms: BigInt(this.startMs + STEP_MS * i),
      capture_events: fill(types.CaptureEvents, { events: [event], ...statement }),
    };
    return { event, ...this.signed(action, organisation) };
  }

  /** Adds a block with one event. */
  record(recorded, i) {
    const { event, envelope, id } = this.capture(i, recorded);
    const time = BigInt(this.startMs + STEP_MS * i);
    const height = BigInt(i);
    const { id: block, certified } = this.certify({
      ...this.base,
      height,
      time_ms: time,
      parent: this.parent,
      transaction_root: transactionRoot([envelope]),
      transaction_count: 1n,
      state_root: sha256(be64(i)),
    });
    this.parent = block;
    this.pairs.push([concat(utf8('block/'), be64(i)), block]);
    this.blocks.push({ certified, transaction: { height, index: 0, envelope, siblings: [] }, organisation: recorded.organisation });
    const position = { height, transaction: 0, event: 0 };
    this.handOver(recorded, id, position);
    const entry = bytes(types.LinkEntry, {
      position,
      transaction_id: id,
      content_hash: sha256(event),
      organisation: recorded.organisation,
      time_ms: time,
    });
    for (const item of recorded.items ?? [ITEM]) {
      if (!this.items.has(item)) this.items.set(item, { entries: [], documents: [], heights: [], head: new Uint8Array(32) });
      const link = this.items.get(item);
      link.entries.push(entry);
      link.documents.push(event);
      link.heights.push(i);
      link.head = linkStep(link.head, entry);
      const count = link.entries.length;
      if (count % 256 === 0) this.heads.push([headKey(item, count), link.head]);
    }
  }

  /** Computes the state after the last block, and the anchor. */
  commit(records, anchorMs) {
    for (const [name, { entries, head }] of this.items) {
      const item = fill(types.Item, { link: { count: BigInt(entries.length), head }, ...records[name] });
      this.pairs.push([utf8(`item/${name}`), encode(types.Item, item)]);
    }
    for (const { id, answered, ...offer } of this.offers) {
      const outcome = answered === null ? {} : { outcome: ACCEPTED, answered };
      const record = bytes(types.Offer, { ...offer, deadline_ms: DEADLINE_MS, ...outcome });
      this.pairs.push([concat(utf8('offer/'), id), record]);
    }
    const bigints = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, BigInt(value)]));
    this.pairs.push([utf8('parameters'), bytes(types.Parameters, bigints)]);
    for (const { id, name, roles, prefixes, key: own } of this.members) {
      const keys = [fill(types.Key, { public_key: own.public_key, valid_from_height: 1n })];
      this.pairs.push([
        utf8(`organisation/${id}`),
        bytes(types.Organisation, { id, name, roles, keys, gs1_prefixes: prefixes }),
      ]);
    }
    this.tree = stateTree([...this.pairs, ...this.heads]);
    this.anchor = this.certify({
      ...this.base,
      height: BigInt(this.blocks.length + 1),
      time_ms: BigInt(anchorMs),
      parent: this.parent,
      transaction_root: taggedHash('touchstone/transaction-empty/v1')(),
      state_root: this.tree.root,
    }).certified;
  }

  /** The evidence file about an item, which was never in a container. */
  evidence(item, version = 2) {
    const link = this.items.get(item) ?? { entries: [], heights: [] };
    const named = [`item/${item}`, 'parameters', ...ORGANISATIONS.map((id) => `organisation/${id}`)].map(utf8);
    const offers = this.offers.filter(({ items }) => items.includes(item)).map(({ id }) => concat(utf8('offer/'), id));
    const keys = [...named, ...offers, ...link.heights.map((height) => concat(utf8('block/'), be64(height)))];
    const states = keys.sort(compare).map((name) => ({ key: name, ...this.tree.prove(name) }));
    const blocks = link.heights.map((height) => this.blocks[height - 1]);
    const evidence = fill(types.Evidence, {
      genesis: this.genesis,
      anchor: this.anchor,
      item,
      states,
      links: [{ item, entries: link.entries }],
      blocks: blocks.map(({ certified }) => certified),
      transactions: blocks.map(({ transaction }) => transaction),
    });
    return write(evidence, version);
  }

  /** A node's answer about an item with the entries from one number up to another. */
  answer(item, from, to) {
    const { entries, documents } = this.items.get(item);
    const { value, proof } = this.tree.prove(utf8(`item/${item}`));
    const begin = Math.floor(from / 256) * 256;
    const end = Math.min(Math.ceil(to / 256) * 256, entries.length);
    const headAt = (n) => {
      const { value: proven, proof: path } = this.tree.prove(headKey(item, n));
      return { head: proven, proof: path };
    };
    return bytes(types.ItemReply, {
      record: { header: this.anchor, key: utf8(`item/${item}`), value, proof },
      from: BigInt(from),
      events: entries.slice(from, to).map((entry, i) => ({ entry, event: documents[from + i] })),
      proof:
        from < to
          ? {
              before: entries.slice(begin, from),
              after: entries.slice(to, end),
              first: begin === 0 ? null : headAt(begin),
              last: end === entries.length ? null : headAt(end),
            }
          : null,
    });
  }
}

const headKey = (item, n) => concat(utf8('link-head/'), sha256(utf8(`item/${item}`)), be64(n));

/** Evidence of an item with this many events, and the genesis document. */
export function sampleEvidence(events, version = 2) {
  const ledger = new SampleLedger({
    events: Array.from({ length: events }, (_, i) => ({
      organisation: 'carrier',
      document: observation(i + 1, START_MS),
    })),
    records: {
      [ITEM]: {
        custody: fill(types.Custody, {
          holder: 'carrier',
          basis: 1,
          since: { height: 1n, transaction: 0, event: 0 },
        }),
      },
    },
  });
  const { genesis } = ledger;
  return {
    file: ledger.evidence(ITEM, version),
    genesis,
    item: ITEM,
    answer: (from, to) => ledger.answer(ITEM, from, to),
  };
}
