// What was offered, answered and claimed in an item's history (docs/evidence.md, "Handovers").

import { hex } from './bytes.js';
import { UNANSWERED } from './custody.js';
import { types } from './messages.js';
import { decode } from './protobuf.js';
import { MissingValue, demand } from './refusal.js';

const ANSWERS = { 1: 'accepted', 2: 'rejected', 3: 'accepted-with-discrepancy', 4: 'withdrawn' };
const WITHDRAWN = 4;

/**
 * Reads the statements of these transactions, in their order. `ask` gives the state's value at a key, null where it is
 * absent; `lenient` lets a record be missing from the file; `time` is the anchor's.
 */
export function readHandovers(transactions, ask, lenient, time) {
  const record = (id) => {
    let value;
    try {
      value = ask('offer/', id);
    } catch (error) {
      if (lenient && error instanceof MissingValue) return null;
      throw error;
    }
    demand(value !== null, 'an offer of the history is not recorded');
    return decode(types.Offer, value);
  };
  const statements = [];
  for (const transaction of transactions) {
    const { offer, answer, claim } = transaction.capture_events;
    if (offer !== null)
      statements.push({ transaction, offer: readOffer(transaction, offer, record(transaction.id), time) });
    else if (answer !== null) {
      statements.push({ transaction, answer: readAnswer(transaction, answer, record(answer.offer)) });
    } else if (claim !== null) statements.push({ transaction, claim: { reason: claim.reason } });
  }
  return statements;
}

const isAt = (position, { height, index }) => position.height === height && position.transaction === index;

function readOffer(transaction, { to, deadline_ms: deadline }, record, time) {
  if (record === null) return { to, deadline_ms: deadline, status: null, discrepancy: null };
  demand(isAt(record.position, transaction), 'the record of an offer is of another transaction');
  demand(record.from === transaction.organisation, 'the record of an offer names another organisation');
  demand(record.to === to && record.deadline_ms === deadline, 'the record of an offer says something else');
  const { outcome, discrepancy } = record;
  let status = ANSWERS[outcome];
  if (outcome === UNANSWERED) status = deadline < time ? 'void' : 'open';
  demand(status !== undefined, 'an offer has an unknown outcome');
  return { to, deadline_ms: deadline, status, discrepancy: discrepancy === '' ? null : discrepancy };
}

function readAnswer(transaction, { offer, outcome, discrepancy }, record) {
  const status = ANSWERS[outcome];
  demand(status !== undefined, 'an answer has an unknown outcome');
  if (record !== null) {
    demand(record.answered !== null && isAt(record.answered, transaction), 'the offer was answered elsewhere');
    demand(
      record.outcome === outcome && record.discrepancy === discrepancy,
      'the record of an offer has another answer',
    );
    const party = outcome === WITHDRAWN ? record.from : record.to;
    demand(transaction.organisation === party, 'somebody else answered the offer');
  }
  return { offer: hex(offer), status, discrepancy: discrepancy === '' ? null : discrepancy };
}

/** Whether a statement leaves a question to weigh. */
export const isDoubtful = ({ offer, answer, claim }) =>
  claim !== undefined ||
  (offer !== undefined && offer.discrepancy !== null) ||
  (answer !== undefined && answer.discrepancy !== null);
