// What a verified file holds, in the form of docs/examination.schema.json.

import { ACTS } from './authorisation.js';
import { deadlineMs, outputOf, pulseMs } from './beacon.js';
import { hex } from './bytes.js';
import { describeCheck, describeHandOver, describeParty, describeSanction } from './cases.js';
import { describeContent } from './content.js';
import { COUNT_NAMES } from './disputes.js';
import { describeDraft } from './drafts.js';

const BASES = { 1: 'own-word', 2: 'prefix', 3: 'handover' };
const ENDINGS = { 1: 'sold', 2: 'consumed', 3: 'destroyed', 4: 'decommissioned' };

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** A number where it is exact, else the bigint; `toJson` writes both as digits. */
const number = (value) => (value <= SAFE ? Number(value) : value);

/** A place in the ledger. */
export const place = ({ height, transaction, event }) => ({ height: number(height), transaction, event });

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

function describeHistory({ evidence, history, inside, own }) {
  return {
    item: evidence.item,
    own_events: own,
    inside,
    events: history.map(({ entry, via }) => ({
      ...place(entry.position),
      time_ms: number(entry.time_ms),
      organisation: entry.organisation,
      content_hash: hex(entry.content_hash),
      via,
    })),
  };
}

/** Null where the file doesn't tell. */
function describeCustody(held) {
  if (held === undefined) return null;
  const { custody, ended, offer, claims, stock } = held;
  const basis = custody && (BASES[custody.basis] ?? 'own-word');
  return {
    holder: custody?.holder ?? null,
    basis,
    one_sided: basis && basis === 'own-word',
    since: custody === null ? null : place(custody.since),
    discrepancy: orNull(custody?.discrepancy),
    ended: ended && { how: ENDINGS[ended.how] ?? 'decommissioned', position: place(ended.position) },
    offer: offer && { ...offer, deadline_ms: number(offer.deadline_ms) },
    claims: claims.map(({ item, organisation, since, reason }) => ({
      item,
      organisation,
      since: place(since),
      reason: orNull(reason),
    })),
    stock: stock && {
      unit: stock.unit,
      holdings: stock.holdings.map(({ organisation, millionths }) => ({
        organisation,
        millionths: number(millionths),
      })),
    },
  };
}

const orNull = (text) => (text === undefined || text === '' ? null : text);

function describeStatement({ transaction, offer, answer, claim }) {
  return {
    height: number(transaction.height),
    transaction: transaction.index,
    id: hex(transaction.id),
    time_ms: number(transaction.block.time_ms),
    organisation: transaction.organisation,
    ...(offer && { offer: { ...offer, deadline_ms: number(offer.deadline_ms) } }),
    ...(answer && { answer }),
    ...(claim && { claim }),
  };
}

function describeLookAlikes({ specification, time_ms: time, searched, pictures }) {
  return {
    specification: hex(specification),
    time_ms: number(time),
    pictures_searched: number(searched.pictures),
    designs_searched: number(searched.designs),
    pictures: pictures.map(({ fingerprint, found, candidates }) => ({
      file_sha256: hex(fingerprint.file_hash),
      whole: hex(fingerprint.whole),
      trimmed: hex(fingerprint.trimmed),
      whole_quality: fingerprint.whole_quality,
      trimmed_quality: fingerprint.trimmed_quality,
      found: number(found),
      candidates: candidates.map((candidate) => ({
        number: number(candidate.number),
        design_id: hex(candidate.design_id),
        file_sha256: hex(candidate.file_hash),
        distance: candidate.distance,
        variant: candidate.variant,
        part: candidate.part,
        organisation: candidate.organisation,
        deposited_height: number(candidate.deposited.height),
        deposited_ms: number(candidate.deposited_ms),
      })),
    })),
  };
}

const CHECKS = { 1: 'in-person', 2: 'remote', 3: 'business-register', 4: 'other' };

const describeVouching = ({ voucher, name, check, withdrawn, ...rest }) => ({
  voucher,
  name,
  check: CHECKS[check],
  check_words: rest.check_words,
  registered_as: rest.registered_as,
  from_ms: number(rest.from_ms),
  until_ms: number(rest.until_ms),
  withdrawn_ms: withdrawn === null ? null : number(withdrawn.time_ms),
  withdrawn_reason: withdrawn === null ? null : withdrawn.reason,
});

const describeRight = ({ owners, earlier_owners: earlier, offered, ended }) => ({
  owner: owners.at(-1).organisation,
  owners: owners.map(({ organisation, since_ms: since }) => ({ organisation, since_ms: number(since) })),
  earlier_owners: earlier,
  offered:
    offered === null ? null : { id: hex(offered.id), to: offered.to, deadline_ms: number(offered.deadline_ms) },
  ended_ms: ended === null ? null : number(ended.time_ms),
  ended_reason: ended === null ? null : ended.reason,
});

function describeDeposit({ evidence, design: record, opened, content, drafts, lookAlikes, vouching, right }) {
  const { opening } = evidence;
  const disclosure = record?.disclosure ?? null;
  const recordedTitle = orNull(disclosure?.title);
  return {
    id: hex(evidence.design),
    recorded: record !== undefined,
    commitment: record === undefined ? null : hex(record.commitment),
    owner_key: record === undefined ? null : hex(record.owner_key),
    organisation: record?.organisation ?? null,
    time_ms: record === undefined ? null : number(record.time_ms),
    // Without a disclosure it is the holder's word, as the files' names are.
    title: orNull(recordedTitle ?? opening?.title),
    title_is_recorded: recordedTitle !== null,
    disclosed_ms: disclosure === null ? null : number(disclosure.time_ms),
    files: (opened ?? []).map((hash, i) => ({ sha256: hex(hash), name: orNull(opening?.files[i].name) })),
    ...(content?.views.length > 0 && { content: describeContent(content) }),
    ...(drafts?.length > 0 && { drafts: drafts.map(describeDraft) }),
    ...(lookAlikes && { look_alikes: describeLookAlikes(lookAlikes) }),
    ...(vouching && { vouching: describeVouching(vouching) }),
    ...(right && { right: describeRight(right) }),
  };
}

/** Words of disputes, by their numbers; page/texts.js has them in both languages. */
export const PHASES = [
  '',
  'noticed',
  'measures',
  'countered',
  'filed',
  'ended',
  'review',
  'referred',
  'without-measures',
];
const ENDED = 'ended';
export const OUTCOMES = [
  '',
  'refused',
  'withdrawn',
  'upheld',
  'dismissed',
  'false-notice',
  'false-declaration',
  'platform-silent',
  'measures-stand',
  'measures-end',
  'no-ruling',
  'panel-upheld',
  'panel-dismissed',
  'centre-dismissed',
  'not-filed',
];
export const OPINIONS = ['', 'infringes', 'does-not-infringe', 'contested'];
const GROUNDS = ['', 'similarity', 'existing-design', 'authorisation', 'lawful-source'];
const REVIEW_PHASES = ['', 'drawing', 'casting', 'opening', 'decided', 'over'];
export const VERDICTS = ['', 'upheld', 'dismissed', 'no-quorum', 'no-majority', 'no-panel'];
const BALLOTS = ['none', 'cast', 'void', 'counted', 'opened'];
const CHOICES = ['', 'uphold', 'dismiss'];
const word = (words, number) => words[number] || 'unspecified';

const describeBeacon = ({ beacon, pulse, revealed_ms: revealed }) => ({
  chain_index: number(beacon.chain_index),
  pulse_ms: number(pulseMs(beacon, revealed)),
  deadline_ms: number(deadlineMs(beacon, revealed)),
  pulse_index: pulse && number(pulse.pulse_index),
  output_value: pulse && hex(outputOf(pulse)),
});

const describePanel = ({ panel, draw }, result) => ({
  jurors: panel.count,
  drawn_in: draw && number(draw.closed_height),
  seed: draw && hex(panel.seed),
  revealed: (draw?.values ?? []).filter((v) => v.preimage.length > 0).map((v) => hex(v.public_key)),
  silent: (draw?.values ?? []).filter((v) => v.preimage.length === 0).map((v) => v.organisation),
  beacon: draw?.beacon ? describeBeacon(draw.beacon) : null,
  seats: panel.seats.map(({ juror, state, choice, reasons }) => ({
    juror,
    ballot: word(BALLOTS, state),
    choice: CHOICES[choice] || null,
    reasons_sha256: hex(reasons) || null,
  })),
  verdict: result ? word(VERDICTS, result.verdict) : null,
  uphold: result?.uphold ?? null,
  dismiss: result?.dismiss ?? null,
});

const describeReview = (review, panels) => ({
  ground: word(GROUNDS, review.ground),
  opened_by: review.opened_by,
  opened_ms: number(review.opened_ms),
  phase: word(REVIEW_PHASES, review.phase),
  panels: panels.map((panel, i) => describePanel(panel, review.results[i])),
});

const describeFalse = (before) =>
  before && { notices: number(before.notices), declarations: number(before.declarations) };

const describeReferral = (asked) =>
  asked && {
    centre: asked.centre,
    by: asked.by,
    referred_ms: number(asked.referred_ms),
    deadline_ms: number(asked.deadline_ms),
    reasons_sha256: hex(asked.reasons),
    rule_book_sha256: hex(asked.rule_book) || null,
    opinion: OPINIONS[asked.opinion] || null,
    opinion_reasons_sha256: hex(asked.opinion_reasons) || null,
    opinion_rule_book_sha256: hex(asked.opinion_rule_book) || null,
    closed_ms: asked.closed_ms > 0n ? number(asked.closed_ms) : null,
    by_default: asked.opinion === 0 && asked.closed_ms > asked.deadline_ms,
  };

function describeDispute({ id, dispute, panels, checks, sanctions }) {
  const phase = word(PHASES, dispute.phase);
  return {
    id: hex(id),
    complainant: dispute.complainant,
    platform: dispute.platform,
    respondent: dispute.respondent,
    listing: dispute.listing,
    noticed_ms: number(dispute.noticed_ms),
    phase,
    outcome: phase === ENDED ? word(OUTCOMES, dispute.outcome) : null,
    ended_ms: phase === ENDED ? number(dispute.ended_ms) : null,
    referral: describeReferral(dispute.referral),
    complainant_before: describeFalse(dispute.complainant_before),
    respondent_before: describeFalse(dispute.respondent_before),
    review: dispute.review && describeReview(dispute.review, panels),
    handovers: dispute.handovers.map(describeHandOver),
    checks: checks.map(describeCheck),
    sanctions: sanctions.map(describeSanction),
  };
}

const describeDisputes = ({ tally, shown, parties }) => ({
  ...Object.fromEntries(COUNT_NAMES.map((name) => [name, number(tally[name])])),
  shown: shown.map(describeDispute),
  parties: parties.map(describeParty),
});

const describeAnswer = ({ asked, verdict, owns, held }) => ({
  seller: asked.seller,
  act: ACTS[asked.act],
  territory: asked.territory,
  time_ms: number(asked.time_ms),
  answer: verdict,
  owner: owns,
  licence: held && hex(held.licence.licence),
  licensee: held && held.licensee,
  until_ms: held && number(held.licence.until_ms),
});

/** The content of an examination in which no element failed. */
export function describeFacts(examination) {
  const { header, evidence, names } = examination;
  const isItem = evidence.item !== null;
  const signers = new Set(evidence.anchor.certificate.signatures.map(({ public_key: key }) => hex(key)));
  return {
    subject: isItem ? { item: evidence.item } : { design: hex(evidence.design) },
    chain_id: hex(examination.chainId),
    chain_name: examination.document.chain,
    height: number(header.height),
    time_ms: number(header.time_ms),
    block_id: hex(header.id),
    time_error_ms: number(examination.errorMs),
    validators: examination.sets
      .at(header.height)
      .validators.map(({ organisation, public_key: key, power }) => ({
        public_key: hex(key),
        power: number(power),
        organisation,
        name: names.get(organisation),
        signed: signers.has(hex(key)),
      })),
    transactions: examination.signed.map(({ height, index, id, block, organisation, key }) => ({
      height: number(height),
      index,
      id: hex(id),
      time_ms: number(block.time_ms),
      organisation,
      name: names.get(organisation),
      signer: hex(key),
    })),
    history: isItem ? describeHistory(examination) : null,
    custody: isItem ? describeCustody(examination.held) : null,
    handovers: (examination.statements ?? []).map(describeStatement),
    deposit: isItem ? null : describeDeposit(examination),
    disputes: examination.disputed && describeDisputes(examination.disputed),
    authorisations: examination.answers.map(describeAnswer),
    stamps: examination.stamps.map(describeStamp),
  };
}
