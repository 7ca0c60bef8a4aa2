// Disputes under a design's right, and who may do what with it (docs/evidence.md, "Disputes and authorisations"): panels
// are drawn again, votes counted again, questions asked again (docs/format.md, "Public review", "Authorisations").

import { ACTS, Question } from './authorisation.js';
import { be32, checkBeacon, outputOf } from './beacon.js';
import { be64, compare, concat, equal, hex, utf8 } from './bytes.js';
import { readCase, readParties } from './cases.js';
import { sha256, taggedHash } from './hashes.js';
import { types } from './messages.js';
import { decode } from './protobuf.js';
import { demand } from './refusal.js';

const MOST = 32;
const ENDED = 5;
const OPENED = 4;
const UPHOLD = 1;
const DISMISS = 2;
// Numbers of the enum PanelVerdict, and how a dispute ends by a verdict.
const UPHELD = 1;
const DISMISSED = 2;
const NO_QUORUM = 3;
const NO_MAJORITY = 4;
const NO_PANEL = 5;
const OUTCOMES = { [UPHELD]: 11, [DISMISSED]: 12 };
/** A tally's counts by a dispute's outcome; by default where it is none of these. */
const COUNTS = {
  1: 'refused',
  2: 'withdrawn',
  3: 'upheld',
  4: 'dismissed',
  5: 'false_notices',
  6: 'false_declarations',
  11: 'panel_upheld',
  12: 'panel_dismissed',
  13: 'centre_dismissed',
};
export const COUNT_NAMES = ['notices', 'open', ...Object.values(COUNTS), 'by_default'];
const WEIGHED = ['dismissed', 'panel_dismissed', 'centre_dismissed', 'false_notices'];

const matterHash = taggedHash('touchstone/review-matter/v1');
const seedHash = taggedHash('touchstone/review-seed/v1');
const beaconSeedHash = taggedHash('touchstone/review-beacon-seed/v1');
const streamHash = taggedHash('touchstone/review-stream/v1');
const reasonsHash = taggedHash('touchstone/review-reasons/v1');

/** Numbers below bounds, from a seed. */
function* words(seed) {
  for (let block = 0n; ; block++) {
    const view = new DataView(streamHash(seed, be64(block)).buffer);
    for (const at of [0, 8, 16, 24]) yield view.getBigUint64(at);
  }
}

function below(numbers, bound) {
  const wide = BigInt(bound);
  const least = (1n << 64n) % wide;
  let number;
  do number = numbers.next().value;
  while (number < least);
  return Number(number % wide);
}

/** The jurors that a seed draws. */
export function drawJurors(seed, count, many, excluded) {
  const numbers = words(seed);
  const moved = new Map();
  const drawn = [];
  for (let place = 0; place < count && drawn.length < many; place++) {
    const chosen = place + below(numbers, count - place);
    const juror = moved.get(chosen) ?? chosen;
    moved.set(chosen, moved.get(place) ?? place);
    if (!excluded.has(juror)) drawn.push(juror);
  }
  return drawn;
}

function seedOf(dispute, instance, panel, { values, beacon }) {
  const { subject, respondent, review } = dispute;
  const matter = matterHash(subject, be32(review.ground), utf8(respondent));
  const revealed = values.filter(({ preimage }) => preimage.length > 0);
  const seed = seedHash(
    matter,
    be32(instance),
    panel.root,
    be32(panel.count),
    ...revealed.flatMap(({ public_key: key, preimage }) => [key, preimage]),
  );
  const pulse = beacon?.pulse ?? null;
  return pulse === null ? seed : beaconSeedHash(seed, outputOf(pulse));
}

/**
 * Each value is the one that its tip binds, more than a third of the power revealed, and the pulse is the beacon's that
 * follows from them.
 */
function checkDraw({ values, height, closed_height: closed, beacon }) {
  let total = 0n;
  let revealed = 0n;
  for (const { preimage, tip, power, organisation } of values) {
    total += power;
    if (preimage.length === 0) continue;
    revealed += power;
    demand(equal(sha256(preimage), tip), () => `the value of ${organisation} is not what its chain bound it to`);
  }
  demand(closed > height, 'the draw is not over');
  demand(3n * revealed > total, 'validators of no more than 1/3 of the power revealed');
  if (beacon !== null) checkBeacon(beacon);
}

/** What a panel's votes make. */
function resultOf({ seats, terms }, size) {
  if (seats.length === 0) return { verdict: NO_PANEL, uphold: 0, dismiss: 0, reasons: new Uint8Array(0) };
  const voted = seats.filter(({ state }) => state === OPENED);
  const uphold = voted.filter(({ choice }) => choice === UPHOLD).length;
  const dismiss = voted.filter(({ choice }) => choice === DISMISS).length;
  const every = uphold + dismiss;
  const most = every * terms.majority_percent;
  let verdict = NO_MAJORITY;
  if (every < Math.ceil((size * terms.quorum_percent) / 100)) verdict = NO_QUORUM;
  else if (uphold * 100 > most) verdict = UPHELD;
  else if (dismiss * 100 > most) verdict = DISMISSED;
  const votes = voted.map(({ juror, choice, reasons }) => concat(be32(juror), Uint8Array.of(choice), reasons));
  return { verdict, uphold, dismiss, reasons: reasonsHash(...votes) };
}

/** Draws the jurors again, and counts the votes. */
export function checkReview(dispute, panels) {
  const { results } = dispute.review;
  const first = new Set();
  panels.forEach(({ panel, draw }, instance) => {
    const { terms, seats } = panel;
    const size = instance === 0 ? terms.panel : terms.appeal_panel;
    if (seats.length > 0) {
      checkDraw(draw);
      const seed = seedOf(dispute, instance, panel, draw);
      demand(equal(seed, panel.seed), () => `the seed of panel ${instance} is not what the draw gives`);
      const jurors = drawJurors(seed, panel.count, size + terms.alternates, first);
      demand(
        jurors.length === seats.length && seats.every(({ juror }, i) => juror === jurors[i]),
        () => `the jurors of panel ${instance} are not those that the seed draws`,
      );
    }
    if (instance < results.length) {
      const told = results[instance];
      const counted = resultOf(panel, size);
      demand(
        told.verdict === counted.verdict &&
          told.uphold === counted.uphold &&
          told.dismiss === counted.dismiss &&
          equal(told.reasons, counted.reasons),
        () => `the verdict of panel ${instance} is not what its votes make`,
      );
    }
    for (const { juror } of seats) first.add(juror);
  });
  demand(results.length <= panels.length, 'there are more verdicts than panels');
  const verdicts = results.map(({ verdict }) => OUTCOMES[verdict]).filter((outcome) => outcome !== undefined);
  demand(
    !Object.values(OUTCOMES).includes(dispute.outcome) || verdicts.at(-1) === dispute.outcome,
    'the outcome is not the last verdict',
  );
}

/** The disputes under a design's right; `ask` gives the value at a key, or null where it is absent. */
export function readDisputes(design, ids, parties, ask) {
  demand(ids.length <= MOST, `the file shows more than ${MOST} disputes`);
  const value = ask('dispute-subject/', design);
  const tally = decode(types.DisputeTally, value ?? new Uint8Array(0));
  const counted = Object.fromEntries(COUNT_NAMES.map((name) => [name, 0n]));
  const record = (type, ...parts) => {
    const found = ask(...parts);
    demand(found !== null, 'a record that a dispute tells of is absent');
    return decode(type, found);
  };
  const shown = ids.map((id, i) => {
    demand(id.length === 32, "a dispute's id has not 32 bytes");
    demand(i === 0 || compare(ids[i - 1], id) < 0, 'the disputes do not ascend');
    const dispute = record(types.Dispute, 'dispute/', id);
    demand(equal(dispute.subject, design), 'a dispute about another right');
    const panels = [];
    if (dispute.review !== null) {
      for (let instance = 0; instance <= Math.min(dispute.review.instance, 1); instance++) {
        const panel = record(types.Panel, 'panel/', id, be32(instance));
        const isDrawn = panel.seats.length > 0;
        panels.push({ panel, draw: isDrawn ? record(types.Draw, 'draw/', be64(panel.draw)) : null });
      }
      checkReview(dispute, panels);
    }
    counted.notices++;
    counted[dispute.phase === ENDED ? (COUNTS[dispute.outcome] ?? 'by_default') : 'open']++;
    return { id, dispute, panels, ...readCase(id, dispute, record) };
  });
  demand(
    COUNT_NAMES.every((name) => counted[name] <= tally[name]),
    'the disputes that the file shows went otherwise than the ledger counts',
  );
  const sanctions = shown.flatMap((one) => one.sanctions);
  const told = readParties(parties, sanctions, ask);
  const drawn = shown.flatMap(({ panels }) => panels).filter(({ draw }) => draw !== null).length;
  const beside = {
    checks: shown.flatMap((one) => one.checks).length,
    handovers: shown.flatMap(({ dispute }) => dispute.handovers).length,
    sanctions: sanctions.length,
    parties: told.length,
  };
  return { tally, shown, parties: told, beside, drawn, isWeighed: WEIGHED.some((name) => tally[name] > 0n) };
}

/** The answers to the questions about a design. */
export function readQuestions(design, questions, ask) {
  demand(questions.length <= MOST, `the file asks more than ${MOST} questions`);
  demand(design.length === 32, "a design's id has not 32 bytes");
  const records = {
    get: (type, ...parts) => {
      const value = ask(...parts);
      return value === null ? null : decode(type, value);
    },
  };
  return questions.map((asked, i) => {
    demand(i === 0 || order(questions[i - 1], asked) < 0, 'the questions do not ascend');
    demand(ACTS[asked.act] !== undefined, 'a question names no act');
    const question = new Question({ subject: design, ...asked }, records);
    const [verdict] = question.answer();
    return { asked, verdict, owns: question.owns, held: question.held };
  });
}

const order = (a, b) =>
  compare(utf8(a.seller), utf8(b.seller)) ||
  a.act - b.act ||
  compare(utf8(a.territory), utf8(b.territory)) ||
  (a.time_ms < b.time_ms ? -1 : Number(a.time_ms > b.time_ms));
