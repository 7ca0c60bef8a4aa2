// Each export as its declaration has it, for test/types.test.js: nobody runs this file.

import {
  ELEMENTS,
  Refusal,
  canonicalIdentifier,
  fingerprint,
  toJson,
  usePoints,
  verifyAuthorisation,
  verifyEvidence,
  verifyItemAnswer,
} from '../../index.js';
import type { AuthorisationAnswer, Check, Element, Facts, ItemAnswer, Report, Verdict } from '../../index.js';

export async function examine(bytes: Uint8Array, genesis: Uint8Array): Promise<string> {
  const report: Report = await verifyEvidence(bytes, {
    genesis,
    chainId: genesis,
    tsaRoots: [bytes, 'PEM'],
    originals: [{ name: 'lamp.step', bytes }, { name: 'lamp.dwg', sha256: bytes }],
    now: 1,
    language: 'zh',
  });
  const verdict: Verdict = report.verdict;
  const failed: Check[] = report.checks.filter(({ result }) => result === 'failed');
  const facts: Facts | null = report.facts;
  const isItem = facts !== null && 'item' in facts.subject;
  return `${verdict} ${failed.length} ${isItem} ${fingerprint(bytes)} ${toJson(report)}`;
}

export async function ask(bytes: Uint8Array, genesis: Uint8Array): Promise<[ItemAnswer, AuthorisationAnswer] | string> {
  const fast: boolean = await usePoints();
  const elements: Element[] = ELEMENTS.map(([element]) => element);
  try {
    const item = canonicalIdentifier('urn:epc:id:sgtin:9521234.050001.A1');
    return [
      await verifyItemAnswer(bytes, { item, genesis, changes: [bytes] }),
      await verifyAuthorisation(bytes, { genesis }),
    ];
  } catch (error) {
    if (error instanceof Refusal) return `${error.message} ${fast} ${elements.length}`;
    throw error;
  }
}

// A file is no text, an examination needs one, and a report's verdict is one of three.
// @ts-expect-error
verifyEvidence('file');
// @ts-expect-error
verifyItemAnswer(new Uint8Array(), { item: 'x' });
// @ts-expect-error
export const verdict: Verdict = 'true';
