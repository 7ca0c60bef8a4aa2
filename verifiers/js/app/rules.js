// "Is this the real one?": what a buyer should conclude from what the ledger knows. Each rule is a function of plain
// values that gives findings; each finding has a code that never changes its meaning, a level, and in
// rules_texts.js a sentence and an advice in both languages. No rule says that a thing is fake: the ledger can't see it.

/** Raised whenever a rule, or what a code means, changes. */
export const RULES_VERSION = 4;

/** Levels of findings, from the worst. `note` changes no verdict: it says what isn't known. */
export const LEVELS = ['unchecked', 'suspect', 'reservation', 'note'];

/** An answer whose block is older than this, by the reader's clock, is out of date. Chains make a block each minute. */
const STALE_MS = 10 * 60_000;
/** A second member that has proven blocks so much newer shows that the first one lags or hides them. */
export const BEHIND_MS = 2 * 60_000;

const DAY_MS = 86_400_000;

const finding = (code, level, values = {}) => ({ code, level, values });

/** Digits in which a company prefix begins the value of an identifier (docs/format.md, "Custody"). */
export function prefixDigits(item) {
  const match = /^https:\/\/id\.gs1\.org\/(\d{2,4})\/([^/]+)/.exec(item);
  if (match === null) return null;
  const [, ai, value] = match;
  return ['00', '01', '8003'].includes(ai) ? value.slice(1) : value;
}

/** Whether an identifier names one thing alone: a serial number, a logistic unit, an asset. */
export function namesOneThing(item) {
  const path = item.replace('https://id.gs1.org', '');
  return /\/21\/|\/235\/|^\/00\/|^\/8004\/|^\/8003\/\d{14}[^/]|^\/8006\/\d{18}\/21\//.test(path);
}

/** Whether an identifier names a kind of product: no unit, and no lot of it. */
export const namesAKind = (item) => /^https:\/\/id\.gs1\.org\/01\/\d{14}(\/22\/[^/]+)?$/.test(item);

/** Date of an expiry as labels and records write it: YYMMDD (GS1 General Specifications 7.12) or ISO 8601; null if neither. */
export function readDate(source, now) {
  const short = /^(\d{2})(\d{2})(\d{2})$/.exec(source);
  if (short !== null) {
    const [yy, month, day] = short.slice(1).map(Number);
    // The century is the one that makes the year nearest to this one: at most 50 years on, 49 back.
    const current = new Date(now).getUTCFullYear();
    let year = current - (current % 100) + yy;
    if (year - current > 50) year -= 100;
    else if (year - current < -49) year += 100;
    // Day 00 is the last of its month.
    return isoDate(year, month, day === 0 ? new Date(Date.UTC(year, month, 0)).getUTCDate() : day);
  }
  const long = /^(\d{4})-(\d{2})-(\d{2})(?:T.*)?$/.exec(source);
  return long === null ? null : isoDate(...long.slice(1).map(Number));
}

function isoDate(year, month, day) {
  const date = new Date(Date.UTC(year, month - 1, day));
  const isReal = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return isReal ? date.toISOString().slice(0, 10) : null;
}

/** Nothing recorded, or nobody who may have brought it into being. `beginning`: who recorded that, with its prefixes. */
export function checkIdentity({ item, recorded, beginning }) {
  // Goods are recorded by unit or lot, so a record of their kind is missed by nobody.
  if (!recorded) return [namesAKind(item) ? finding('kind-of-product', 'unchecked') : finding('unknown', 'suspect')];
  if (!namesOneThing(item)) return [finding('not-one-thing', 'reservation')];
  if (beginning === null) return [finding('not-commissioned', 'suspect')];
  const digits = prefixDigits(item);
  const owns = digits !== null && beginning.prefixes.some((prefix) => digits.startsWith(prefix));
  return owns ? [] : [finding('not-by-owner', 'suspect', { organisation: beginning.organisation })];
}

/** A life that has ended. Sold isn't wrong by itself: the reader may be the buyer. */
export function checkLife({ ended }) {
  if (ended === null) return [];
  return [finding(`ended-${ended.how ?? 'decommissioned'}`, ended.how === 'sold' ? 'reservation' : 'suspect', ended)];
}

/** What was recorded of the thing, or of its lot, and not taken back. `recalls` of the lot have its identifier. */
export function checkFindings({ findings }) {
  const level = { recalled: 'suspect', stolen: 'suspect' };
  return findings
    .filter(({ disposition }) => disposition !== 'conformant')
    .map(({ disposition, ...values }) =>
      finding(disposition.replaceAll('_', '-'), level[disposition] ?? 'reservation', values),
    );
}

/** What is printed beside the identifier, against what its maker recorded. */
export function checkPrinted({ printed, recordedLot, recordedExpiry, now }) {
  const found = [];
  if (printed.lot !== null && recordedLot !== null && printed.lot !== recordedLot)
    found.push(finding('lot-differs', 'suspect', { printed: printed.lot, recorded: recordedLot }));
  const expiry = recordedExpiry === null ? null : readDate(recordedExpiry, now);
  const printedExpiry = printed.expiry === null ? null : readDate(printed.expiry, now);
  if (printed.expiry !== null && printedExpiry === null)
    found.push(finding('expiry-unreadable', 'reservation', { printed: printed.expiry }));
  else if (printedExpiry !== null && expiry !== null && printedExpiry !== expiry)
    found.push(finding('expiry-differs', 'suspect', { printed: printedExpiry, recorded: expiry }));
  const last = expiry ?? printedExpiry;
  // Till the day's end in every zone.
  if (last !== null && Date.parse(last) + DAY_MS + DAY_MS / 2 < now) found.push(finding('expired', 'suspect', { last }));
  return found;
}

/** Reservations of the proof that every buyer of such goods would get, whatever the thing is: they are said, and decide nothing. */
const COMMON = ['independence', 'time-stamp-roots'];

/** Somebody had the code under the cover before: nothing wrong by itself, the reader may be the one. */
export function checkOpening({ opening }) {
  return !opening ? [] : [finding('opened', 'reservation', { event: opening, organisation: opening.organisation, timeMs: opening.recordedMs })];
}

/** What else this node was asked, the thing's lot or its label's openings, and gave no answer that holds and is of now. */
export function checkUnanswered({ unanswered }) {
  return (unanswered ?? []).map((what) => finding(`${what}-no-answer`, 'reservation'));
}

/** What this node's scans of the thing say about copies; null where the reader didn't ask. Never more than suspect. */
export function checkScans({ scans }) {
  return (scans ?? []).map((code) => finding(code, 'suspect'));
}

/** The proof's own reservations, by element. Which chain to trust is asked apart, see `checkChain`. */
export function checkRecord({ reservations }) {
  return reservations
    .filter((element) => element !== 'genesis')
    .map((element) => finding(`proof-${element}`, COMMON.includes(element) ? 'note' : 'reservation'));
}

/** The chain is the one that the reader once compared, or isn't compared yet. */
export const checkChain = ({ pinned }) => (pinned ? [] : [finding('chain-not-compared', 'reservation')]);

/** How new the answer is. `second`: what another member answered; null where none is known. */
export function checkFreshness({ timeMs, now, second }) {
  const found = [];
  const seconds = second?.timeMs ?? null;
  if (seconds !== null && seconds - timeMs > BEHIND_MS)
    found.push(finding('behind', 'reservation', { minutes: Math.round((seconds - timeMs) / 60_000) }));
  if (now - Math.max(timeMs, seconds ?? 0) > STALE_MS)
    found.push(finding('stale', 'reservation', { timeMs: Math.max(timeMs, seconds ?? 0) }));
  if (second === null) found.push(finding('one-server', 'note'));
  else if (second.fault === 'silent') found.push(finding('second-silent', 'note', { name: second.name }));
  else if (second.fault === 'refused') found.push(finding('second-refused', 'reservation', { name: second.name }));
  return found;
}

const RULES = [
  checkIdentity,
  checkLife,
  checkFindings,
  checkPrinted,
  checkOpening,
  checkUnanswered,
  checkScans,
  checkRecord,
  checkChain,
  checkFreshness,
];

/**
 * The verdict and what it rests on, the worst first: `checked`, `reservations`, `suspect`, or `unchecked` where there is
 * nothing to check. Where `facts.unchecked` says why, no rule is asked.
 */
export function assess(facts) {
  const findings = facts.unchecked
    ? [finding(facts.unchecked.code, 'unchecked', facts.unchecked.values)]
    : RULES.flatMap((rule) => rule(facts));
  findings.sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
  const worst = findings[0]?.level ?? 'note';
  const verdict = { unchecked: 'unchecked', suspect: 'suspect', reservation: 'reservations' }[worst] ?? 'checked';
  return { version: RULES_VERSION, verdict, findings };
}
