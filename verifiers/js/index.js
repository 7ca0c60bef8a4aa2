// Examines Touchstone evidence files offline. See README.md, and docs/evidence.md for what is examined.

import { checkItemAnswer, readSets } from './src/answers.js';
import { checkAuthorisation } from './src/authorisation.js';
import { hex } from './src/bytes.js';
import { prepareSignatures } from './src/ed25519.js';
import { Examination } from './src/examination.js';
import { sha256 } from './src/hashes.js';
import { describeReport } from './src/report.js';
import { readTrust } from './src/trust.js';

export { canonicalIdentifier } from './src/identifiers.js';
export { ELEMENTS } from './src/examination.js';
export { Refusal } from './src/refusal.js';
export { toJson } from './src/report.js';
export { usePoints } from './src/ed25519.js';

/**
 * Examines the bytes of an evidence file. Resolves to a report; throws only where the options are wrong or this
 * program fails, never for what is in the file.
 */
export async function verifyEvidence(bytes, options = {}) {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('the evidence file is given as Uint8Array');
  const trust = readTrust(options);
  const exhibits = (options.originals ?? []).map(({ name, bytes: content, sha256: hash }) => ({
    name,
    hash: hash ?? sha256(content),
  }));
  await prepareSignatures();
  const examination = new Examination(bytes, trust);
  const verdict = await examination.run();
  return describeReport(examination, verdict, exhibits, options.now ?? Date.now(), options.language ?? 'en');
}

/**
 * Checks a node's answer about an item, the message `ItemReply`, under a trusted genesis document and the changes of the
 * validators since, each the bytes of a `ValidatorSetChange`. Rejects with a `Refusal` where it doesn't hold.
 */
export async function verifyItemAnswer(bytes, { item, genesis, changes = [] }) {
  await prepareSignatures();
  return checkItemAnswer(bytes, item, await readSets(genesis, changes));
}

/**
 * Examines a file that answers whether a seller may do something with a design, under the exact bytes of a trusted genesis
 * document: `verdict` is yes, no or untold. Rejects with a `Refusal` where it doesn't hold.
 */
export async function verifyAuthorisation(bytes, { genesis }) {
  await prepareSignatures();
  return checkAuthorisation(bytes, genesis);
}

/** SHA-256 as hexadecimal digits, as for chain ids and originals. */
export const fingerprint = (bytes) => hex(sha256(bytes));
