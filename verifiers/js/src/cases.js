// Checks, hand-overs and sanctions that an evidence file shows beside its disputes (docs/format.md, "Checks, hand-overs
// and sanctions").

import { compare, equal, hex, utf8 } from './bytes.js';
import { types } from './messages.js';
import { decode } from './protobuf.js';
import { demand } from './refusal.js';

const MOST = 32;
const HASH = 32;
const HELD = 8;
const ENDED = 5;
// Numbers of the enums DisputePhase, DisputeOutcome and CentreOpinion.
const REFERRED = 7;
const CENTRE_DISMISSED = 13;
const DOES_NOT_INFRINGE = 2;
// Numbers of the enums CaseCheckKind, CaseCheckState, HandOverState, SampleVerdict and SanctionOutcome.
const TEST_PURCHASE = 1;
const SUPERVISOR_NOTICE = 3;
const CLOSED = 1;
const DEFAULTED = 2;
const ACCEPTED = 1;
const LAPSED = 2;
const UNDETERMINED = 3;
const CONFIRMED = 1;
const LIFTED = 2;
const NOT_APPEALED = 3;
const NOT_DECIDED = 4;
/** Against whom an outcome of a dispute has found something. */
const AGAINST = { 3: 'respondent', 11: 'respondent', 6: 'respondent', 5: 'complainant' };

/** A dispute has an outcome exactly if it has ended. */
function checkEnd({ phase, outcome }) {
  demand(
    (phase === ENDED) === (outcome !== 0),
    'a dispute is open and has an outcome, or has ended and has none',
  );
}

/** The hand-overs lead to the authority that the dispute names. */
function checkHandovers({ handovers, authority, phase }) {
  let holder = handovers.length > 0 ? handovers[0].from : authority;
  handovers.forEach((offered, i) => {
    const { state, closed_ms: closed } = offered;
    const isLast = i === handovers.length - 1;
    const fits =
      (state === 0 && isLast && phase !== ENDED) ||
      (state === ACCEPTED && closed <= offered.deadline_ms) ||
      (state === LAPSED && closed >= offered.offered_ms);
    demand(
      fits && offered.from === holder && offered.to !== holder && offered.rule_book.length === HASH,
      "a dispute's hand-overs do not lead to its authority",
    );
    if (state === ACCEPTED) holder = offered.to;
  });
  demand(holder === authority, "a dispute's hand-overs do not lead to its authority");
}

/** What a dispute's record tells of its question to an assistance centre agrees with the rules. */
function checkReferral(dispute) {
  const { referral: asked, phase, platform, complainant, respondent } = dispute;
  const isByCentre = phase === ENDED && dispute.outcome === CENTRE_DISMISSED;
  const waits = phase === REFERRED;
  const wrong = "a dispute's question to an assistance centre is not what the rules make of one";
  if (asked === null) {
    demand(!isByCentre && !waits, wrong);
    return;
  }
  const { closed_ms: closed, opinion, by, rule_book: book } = asked;
  const isGiven = opinion !== 0;
  const length = isGiven ? HASH : 0;
  const inTime = isGiven
    ? !waits && closed >= asked.referred_ms && closed <= asked.deadline_ms
    : (closed === 0n) === waits;
  demand(
    inTime &&
      asked.reasons.length === HASH &&
      asked.opinion_reasons.length === length &&
      asked.opinion_rule_book.length === length &&
      ((by === platform && book.length === HASH) || (by === complainant && book.length === 0)) &&
      ![platform, complainant, respondent].includes(asked.centre) &&
      (!isByCentre || opinion === DOES_NOT_INFRINGE),
    wrong,
  );
}

/** A check that a dispute's record names agrees with it and with the rules. */
function checkCheck(dispute, check) {
  const { kind, state, closed_ms: closed, deadline_ms: deadline } = check;
  demand(equal(check.dispute, dispute), 'a check is of another dispute');
  const waits = kind === TEST_PURCHASE || kind === SUPERVISOR_NOTICE;
  const isAnswered = waits && state === CLOSED;
  const length = isAnswered ? HASH : 0;
  demand(
    check.rule_book.length === HASH && check.answer.length === length && check.answer_rule_book.length === length,
    'a check lacks a rule book or its answer, or has one too many',
  );
  const inTime =
    (state === 0 && waits && closed === 0n) ||
    (state === CLOSED && (!isAnswered || closed <= deadline)) ||
    (state === DEFAULTED && waits && closed > deadline);
  demand(inTime, 'a check was not closed at the side of its deadline that it tells of');
  const isSample = isAnswered && kind === TEST_PURCHASE;
  demand(
    !isSample || check.seal_confirmed === 1 || check.verdict === UNDETERMINED,
    'a verdict was given on a sample whose seal was not confirmed',
  );
}

/** A sanction that a dispute's record names rests on it, and its appeal went by the rules. */
function checkSanction(id, dispute, sanction) {
  const party = dispute.phase === ENDED ? dispute[AGAINST[dispute.outcome]] : undefined;
  demand(
    sanction.grounds.some((ground) => equal(ground, id)) && sanction.party === party,
    'a sanction does not rest on what its dispute found',
  );
  const isAppealed = sanction.appealed_ms > 0n;
  const { outcome, closed_ms: closed, deadline_ms: deadline } = sanction;
  demand(
    !isAppealed || (sanction.authority !== sanction.issuer && sanction.authority !== sanction.party),
    "a sanction's appeal went to its issuer or its party",
  );
  const isDecided = outcome === CONFIRMED || outcome === LIFTED;
  const length = isDecided ? HASH : 0;
  const fits =
    (outcome === 0 && closed === 0n) ||
    (isDecided && isAppealed && closed <= deadline) ||
    (outcome === NOT_APPEALED && !isAppealed && closed > deadline) ||
    (outcome === NOT_DECIDED && isAppealed && closed > deadline);
  const isCut = (outcome !== LIFTED && outcome !== NOT_DECIDED) || sanction.until_ms < closed;
  demand(
    fits &&
      isCut &&
      sanction.rule_book.length === HASH &&
      sanction.decision.length === length &&
      sanction.decision_rule_book.length === length,
    "a sanction's term or decision is not what its outcome makes",
  );
}

/** A party's record counts what it names, and agrees with the sanctions that are shown beside it. */
function checkParty(party, list, shown) {
  const { held, imposed } = list;
  const closed = list.confirmed + list.lifted + list.not_appealed + list.not_decided;
  const agrees = shown
    .filter(({ sanction }) => sanction.party === party)
    .every(({ id, sanction }) => {
      const found = held.find((one) => equal(one.sanction, id));
      if (found === undefined) return sanction.until_ms < list.told_from_ms;
      return ['kind', 'from_ms', 'until_ms'].every((name) => found[name] === sanction[name]);
    });
  demand(
    closed <= imposed && BigInt(held.length) <= imposed && held.length <= HELD && agrees,
    "a party's sanctions are not those that its record counts or others tell of",
  );
}

/** The checks and sanctions that a dispute's record names, each with its id. */
export function readCase(id, dispute, record) {
  checkEnd(dispute);
  checkHandovers(dispute);
  checkReferral(dispute);
  const checks = dispute.checks.map((one) => {
    demand(one.length === HASH, "a check's id has not 32 bytes");
    const check = record(types.CaseCheck, 'check/', one);
    checkCheck(id, check);
    return { id: one, check };
  });
  const sanctions = dispute.sanctions.map((one) => {
    demand(one.length === HASH, "a sanction's id has not 32 bytes");
    const sanction = record(types.Sanction, 'sanction/', one);
    checkSanction(id, dispute, sanction);
    return { id: one, sanction };
  });
  return { checks, sanctions };
}

/** The sanctions of the parties that the file shows. */
export function readParties(parties, shown, ask) {
  demand(parties.length <= MOST, `the file shows more than ${MOST} parties`);
  const told = (type, ...parts) => decode(type, ask(...parts) ?? new Uint8Array(0));
  return parties.map((party, i) => {
    demand(i === 0 || compare(utf8(parties[i - 1]), utf8(party)) < 0, 'the parties do not ascend');
    const own = told(types.PartySanctions, 'sanctions/', party);
    checkParty(party, own, shown);
    const number = party.includes('.') ? told(types.VouchedDesigner, 'vouched/', party).registered_as : '';
    if (number === '') return { party, own, number: null, registered: null };
    const registered = told(types.PartySanctions, 'sanctions-registered/', number);
    checkParty('', registered, shown);
    return { party, own, number, registered };
  });
}

/** Words of records, by their numbers; page/texts.js has them in both languages. */
export const CHECK_KINDS = [null, 'test-purchase', 'spot-check', 'supervisor-notice'];
export const SAMPLE_VERDICTS = [null, 'authentic', 'not-authentic', 'undetermined'];
export const CHECK_STATES = ['waits', 'closed', 'defaulted'];
export const HAND_OVER_STATES = ['offered', 'accepted', 'lapsed'];
export const SANCTION_KINDS = [null, 'warning', 'no-notices', 'no-sales'];
export const SANCTION_OUTCOMES = [null, 'confirmed', 'lifted', 'not-appealed', 'not-decided'];

const word = (words, number) => words[number] ?? 'unspecified';
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const number = (value) => (value <= SAFE ? Number(value) : value);
const moment = (value) => (value > 0n ? number(value) : null);
const hash = (bytes) => hex(bytes) || null;

/** A hand-over, in the form of docs/examination.schema.json. */
export const describeHandOver = (offered) => ({
  from: offered.from,
  to: offered.to,
  reasons_sha256: hex(offered.reasons),
  rule_book_sha256: hex(offered.rule_book),
  offered_ms: number(offered.offered_ms),
  deadline_ms: number(offered.deadline_ms),
  state: word(HAND_OVER_STATES, offered.state),
  closed_ms: moment(offered.closed_ms),
});

/** A check, and what became of it. */
export const describeCheck = ({ id, check }) => ({
  id: hex(id),
  kind: word(CHECK_KINDS, check.kind),
  by: check.by,
  at_ms: number(check.at_ms),
  place: check.place,
  report_sha256: hash(check.report),
  rule_book_sha256: hash(check.rule_book),
  seal_sha256: hash(check.seal),
  custody_sha256: hash(check.custody),
  to: check.to || null,
  recorded_ms: number(check.recorded_ms),
  state: word(CHECK_STATES, check.state),
  deadline_ms: moment(check.deadline_ms),
  verdict: SAMPLE_VERDICTS[check.verdict] ?? null,
  seal_confirmed: check.kind === TEST_PURCHASE && check.state === CLOSED ? check.seal_confirmed === 1 : null,
  answer_sha256: hash(check.answer),
  answer_rule_book_sha256: hash(check.answer_rule_book),
  closed_ms: moment(check.closed_ms),
});

/** A sanction, and what became of its appeal. */
export const describeSanction = ({ id, sanction }) => ({
  id: hex(id),
  party: sanction.party,
  registered_as: sanction.registered_as || null,
  kind: word(SANCTION_KINDS, sanction.kind),
  issuer: sanction.issuer,
  grounds: sanction.grounds.map(hex),
  reasons_sha256: hash(sanction.reasons),
  rule_book_sha256: hash(sanction.rule_book),
  from_ms: number(sanction.from_ms),
  until_ms: number(sanction.until_ms),
  outcome: SANCTION_OUTCOMES[sanction.outcome] ?? null,
  by_default: sanction.outcome === NOT_APPEALED || sanction.outcome === NOT_DECIDED,
  deadline_ms: number(sanction.deadline_ms),
  authority: sanction.authority || null,
  appealed_ms: moment(sanction.appealed_ms),
  appeal_sha256: hash(sanction.appeal),
  decision_sha256: hash(sanction.decision),
  decision_rule_book_sha256: hash(sanction.decision_rule_book),
  closed_ms: moment(sanction.closed_ms),
});

const describeList = (list) => ({
  imposed: number(list.imposed),
  confirmed: number(list.confirmed),
  lifted: number(list.lifted),
  not_appealed: number(list.not_appealed),
  not_decided: number(list.not_decided),
  told_from_ms: number(list.told_from_ms),
  held: list.held.map((held) => ({
    sanction: hex(held.sanction),
    kind: word(SANCTION_KINDS, held.kind),
    subjects: held.subjects.map(hex),
    from_ms: number(held.from_ms),
    until_ms: number(held.until_ms),
  })),
});

/** The sanctions of a party, and of all with its register's number. */
export const describeParty = ({ party, own, number: registered, registered: list }) => ({
  ...describeList(own),
  organisation: party,
  registered_as: registered,
  registered: list && describeList(list),
});
