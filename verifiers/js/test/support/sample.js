// A ledger of any length, made here: evidence of an item with as many events as wanted, a block and a transaction for
// each. For the bench, and for what the golden files are too short to show.

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

const fill = (type, fields) => ({ ...emptyMessage(type), ...fields });
const bytes = (type, fields) => encode(type, fill(type, fields));
const key = (name) => {
  const secret = sha256(utf8(name));
  return { secret, public_key: ed25519.getPublicKey(secret) };
};

const members = ORGANISATIONS.map((id) => ({ id, key: key(`${id} signs`), validator: key(`${id} votes`) }));
const validators = members
  .map(({ id, validator }) => ({
    public_key: validator.public_key,
    power: 1n,
    organisation: id,
    secret: validator.secret,
  }))
  .sort((a, b) => compare(a.public_key, b.public_key));
const set = encode(types.ValidatorSet, { validators, first_height: 1n });

const parameters = {
  precision_ms: 500,
  message_delay_ms: 4000,
  max_block_bytes: 4_194_304,
  max_block_transactions: 10_000,
  max_transaction_bytes: 1_048_576,
  max_events_per_transaction: 1000,
};

const genesis = utf8(
  JSON.stringify({
    format: 'touchstone/genesis/v1',
    chain: 'sample',
    time_ms: START_MS,
    parameters,
    organisations: members.map(({ id, key: own, validator }) => ({
      id,
      name: `The ${id}`,
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
const chainId = sha256(genesis);

const headKey = (n) => concat(utf8('link-head/'), sha256(utf8(`item/${ITEM}`)), be64(n));

function certify(header) {
  const { height } = header;
  const headerBytes = bytes(types.Header, header);
  const id = blockId(headerBytes);
  const vote = bytes(types.Vote, { kind: 2, height, block_id: id });
  const message = concat(tagged('touchstone/vote/v1'), chainId, vote);
  const signatures = validators
    .slice(0, 3)
    .map(({ public_key, secret }) => ({ public_key, signature: ed25519.sign(message, secret) }));
  return {
    id,
    certified: { header: headerBytes, certificate: { height, round: 0, block_id: id, signatures } },
  };
}

function capture(i) {
  const event = utf8(
    JSON.stringify({
      '@context': ['https://ref.gs1.org/standards/epcis/epcis-context.jsonld'],
      type: 'ObjectEvent',
      eventTime: new Date(START_MS + 1000 * i).toISOString(),
      eventTimeZoneOffset: '+00:00',
      action: 'OBSERVE',
      bizStep: 'storing',
      epcList: [ITEM],
      readPoint: { id: `https://id.gs1.org/414/9521321000018/254/${i}` },
    }),
  );
  const body = bytes(types.Transaction, {
    organisation: 'carrier',
    created_ms: BigInt(START_MS + 1000 * i),
    capture_events: fill(types.CaptureEvents, { events: [event] }),
  });
  const { secret, public_key } = members[0].key;
  const signature = ed25519.sign(concat(tagged('touchstone/transaction/v1'), chainId, body), secret);
  const envelope = bytes(types.Envelope, { body, signatures: [{ public_key, signature }] });
  return { event, envelope, id: transactionId(chainId, body) };
}

/** Evidence of an item with this many events, and the genesis document. */
export function sampleEvidence(events, version = 2) {
  const setHash = validatorsHash(set);
  const base = {
    version: 1,
    chain_id: chainId,
    proposer: validators[0].public_key,
    validators_hash: setHash,
    next_validators_hash: setHash,
  };
  const blocks = [];
  const transactions = [];
  const entries = [];
  const documents = [];
  const heads = [];
  const pairs = [];
  let parent = chainId;
  let head = new Uint8Array(32);
  for (let i = 1; i <= events; i++) {
    const { event, envelope, id } = capture(i);
    const time = BigInt(START_MS + 1000 * i);
    const height = BigInt(i);
    const { id: block, certified } = certify({
      ...base,
      height,
      time_ms: time,
      parent,
      transaction_root: transactionRoot([envelope]),
      transaction_count: 1n,
      state_root: sha256(be64(i)),
    });
    parent = block;
    blocks.push(certified);
    pairs.push([concat(utf8('block/'), be64(i)), block]);
    transactions.push({ height, index: 0, envelope, siblings: [] });
    const entry = bytes(types.LinkEntry, {
      position: { height, transaction: 0, event: 0 },
      transaction_id: id,
      content_hash: sha256(event),
      organisation: 'carrier',
      time_ms: time,
    });
    entries.push(entry);
    head = linkStep(head, entry);
    documents.push(event);
    if (i % 256 === 0) heads.push([headKey(i), head]);
  }
  const item = fill(types.Item, {
    link: { count: BigInt(events), head },
    custody: fill(types.Custody, {
      holder: 'carrier',
      basis: 1,
      since: { height: 1n, transaction: 0, event: 0 },
    }),
  });
  pairs.push([utf8(`item/${ITEM}`), encode(types.Item, item)]);
  const bigints = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, BigInt(value)]));
  pairs.push([utf8('parameters'), encode(types.Parameters, bigints)]);
  for (const { id, key: own } of members) {
    const keys = [fill(types.Key, { public_key: own.public_key, valid_from_height: 1n })];
    pairs.push([
      utf8(`organisation/${id}`),
      bytes(types.Organisation, { id, name: `The ${id}`, roles: [1], keys }),
    ]);
  }
  const tree = stateTree([...pairs, ...heads]);
  const { certified: anchor } = certify({
    ...base,
    height: BigInt(events + 1),
    time_ms: BigInt(START_MS + 1000 * (events + 1)),
    parent,
    transaction_root: taggedHash('touchstone/transaction-empty/v1')(),
    state_root: tree.root,
  });
  const states = pairs.sort(([a], [b]) => compare(a, b)).map(([name]) => ({ key: name, ...tree.prove(name) }));
  /** A node's answer with the entries from one number up to another. */
  const answer = (from, to) => {
    const { value, proof } = tree.prove(utf8(`item/${ITEM}`));
    const begin = Math.floor(from / 256) * 256;
    const end = Math.min(Math.ceil(to / 256) * 256, events);
    const headAt = (n) => {
      const { value: proven, proof: path } = tree.prove(headKey(n));
      return { head: proven, proof: path };
    };
    return bytes(types.ItemReply, {
      record: { header: anchor, key: utf8(`item/${ITEM}`), value, proof },
      from: BigInt(from),
      events: entries.slice(from, to).map((entry, i) => ({ entry, event: documents[from + i] })),
      proof:
        from < to
          ? {
              before: entries.slice(begin, from),
              after: entries.slice(to, end),
              first: begin === 0 ? null : headAt(begin),
              last: end === events ? null : headAt(end),
            }
          : null,
    });
  };
  const evidence = fill(types.Evidence, {
    genesis,
    anchor,
    item: ITEM,
    states,
    links: [{ item: ITEM, entries }],
    blocks,
    transactions,
  });
  return { file: write(evidence, version), genesis, item: ITEM, answer };
}
