// What a verified file holds, in the shape that `touchstone verify --json` gives it. The examination has proven all of
// it, but for the names and titles that it marks as the holder's.

import { hex, text } from './bytes.js';
import { comparePositions } from './links.js';
import { Refusal } from './refusal.js';

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** A bigint as a JSON number, or as text of digits where a number would lose some. */
const number = (value) => (value <= SAFE ? Number(value) : value.toString());

const MAX_CONTAINERS = 17;
const BASES = ['unspecified', 'own-word', 'prefix', 'handover'];
const ENDINGS = ['unspecified', 'sold', 'consumed', 'destroyed', 'decommissioned'];

const place = ({ height, transaction, event }) => ({ height: number(height), transaction, event });

/** The event exactly as its submitter wrote it; null where that isn't text. */
function eventText(bytes) {
  try {
    return text(bytes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return null;
  }
}

function describeStamp(stamp) {
  const { genTime, accuracy } = stamp;
  return {
    authority: stamp.signer,
    url: stamp.authority,
    first: number(stamp.first),
    last: number(stamp.last),
    heights: stamp.heights.map(number),
    gen_time_ms: number(genTime),
    accuracy_ms: accuracy === null ? null : number(accuracy),
    no_later_than_ms: number(genTime + (accuracy ?? 0n)),
    serial: stamp.serial,
    policy: stamp.policy,
    root_sha256: stamp.rootFingerprint,
    trusted: stamp.trusted,
  };
}

/**
 * The container that an item is in now; null if it is loose, undefined where the file has not its record. An emptied
 * container has nothing of before in it.
 */
function containerOf(record, items) {
  if (!record?.packed) return null;
  const container = items.get(record.packed.container);
  if (!container) return undefined;
  const { emptied } = container;
  return emptied === null || comparePositions(emptied, record.packed.since) < 0 ? container : null;
}

/** Who has an item (docs/format.md, "Custody"); null where nobody is recorded or the file doesn't show it. */
function custodyOf(record, items, depth = 0) {
  if (!record || depth > MAX_CONTAINERS) return null;
  if (!record.packed) return record.custody;
  const container = containerOf(record, items);
  // Of what was in a container that was emptied, a record tells that isn't in the file.
  if (!container) return null;
  const outer = custodyOf(container, items, depth + 1);
  if (outer === null) return null;
  return comparePositions(outer.since, record.packed.since) > 0 ? outer : record.custody;
}

/** How its life ended, or that of a container that it is in. */
function endOf(record, items, depth = 0) {
  if (!record || depth > MAX_CONTAINERS) return null;
  return record.ended ?? endOf(containerOf(record, items), items, depth + 1);
}

function describeHistory({ evidence, items, history, inside, own }) {
  const record = items.get(evidence.item);
  const custody = custodyOf(record, items);
  const ended = endOf(record, items);
  return {
    item: evidence.item,
    own_events: own,
    inside,
    events: history.map(({ entry, content, via }) => ({
      ...place(entry.position),
      time_ms: number(entry.time_ms),
      organisation: entry.organisation,
      content_hash: hex(entry.content_hash),
      via,
      document: eventText(content.bytes),
    })),
    custody: custody && {
      holder: custody.holder,
      basis: BASES[custody.basis] ?? String(custody.basis),
      since: place(custody.since),
      discrepancy: custody.discrepancy,
    },
    claims: (record?.claims ?? []).map(({ organisation, reason, since }) => ({
      organisation,
      reason,
      since: place(since),
    })),
    ended: ended && { how: ENDINGS[ended.how] ?? String(ended.how), ...place(ended.position) },
  };
}

function describeDeposit({ evidence, design: record, opened }) {
  const id = hex(evidence.design);
  if (record === undefined) return { id, recorded: false };
  const { opening } = evidence;
  const { disclosure } = record;
  return {
    id,
    recorded: true,
    commitment: hex(record.commitment),
    owner_key: hex(record.owner_key),
    organisation: record.organisation,
    time_ms: number(record.time_ms),
    title: disclosure?.title ?? opening?.title ?? null,
    title_is_recorded: disclosure !== null,
    disclosed_ms: disclosure === null ? null : number(disclosure.time_ms),
    files: (opened ?? []).map((hash, i) => ({ sha256: hex(hash), name: opening?.files[i].name ?? null })),
  };
}

/** The content of an examination in which no element failed; `now`, in milliseconds, adds how old the anchor is. */
export function describeFacts(examination, now) {
  const { header, evidence } = examination;
  const signers = new Set(evidence.anchor.certificate.signatures.map(({ public_key: key }) => hex(key)));
  return {
    chain_id: hex(examination.chainId),
    chain_name: examination.document.chain,
    height: number(header.height),
    time_ms: number(header.time_ms),
    ...(now === undefined ? {} : { age_ms: now - number(header.time_ms) }),
    block_id: hex(header.id),
    time_error_ms: number(examination.errorMs),
    stamps: examination.stamps.map(describeStamp),
    chain_time_only: examination.unstamped.map(number),
    validators: examination.sets
      .at(header.height)
      .validators.map(({ organisation, public_key: key, power }) => ({
        public_key: hex(key),
        power: number(power),
        organisation,
        name: examination.names.get(organisation),
        signed: signers.has(hex(key)),
      })),
    organisations: Object.fromEntries(examination.names),
    transactions: examination.signed.map(({ height, index, id, block, organisation, key }) => ({
      height: number(height),
      index,
      id: hex(id),
      time_ms: number(block.time_ms),
      organisation,
      signer: hex(key),
    })),
    history: evidence.item === null ? null : describeHistory(examination),
    deposit: evidence.item === null ? describeDeposit(examination) : null,
  };
}
