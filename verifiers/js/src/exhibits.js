// Files that somebody hands in beside the evidence (docs/evidence.md, "Exhibits"). Each has a verdict of its own; a wrong
// one says nothing about the record.

import { hex } from './bytes.js';

/** From the best to the worst. */
const VERDICTS = ['none', 'recorded', 'not-compared', 'not-recorded'];

/** Compares files, given as name and SHA-256, with an examination that has run. */
export function compareExhibits(examination, files) {
  const recorded = new Map();
  const add = (hash, match) => {
    const name = hex(hash);
    recorded.set(name, [...(recorded.get(name) ?? []), match]);
  };
  if (examination.holds) {
    (examination.opened ?? []).forEach((hash, i) => add(hash, { file: i + 1 }));
    for (const { entry } of examination.history ?? []) add(entry.content_hash, { event: entry.position });
  }
  const closed = examination.holds && examination.design !== undefined && examination.opened === undefined;
  const unknown = !examination.holds || closed ? 'not-compared' : 'not-recorded';
  const compared = files.map(({ name, hash }) => {
    const sha256 = hex(hash);
    const matches = recorded.get(sha256) ?? [];
    return { name, sha256, verdict: matches.length > 0 ? 'recorded' : unknown, matches };
  });
  const worst = compared.reduce((most, { verdict }) => Math.max(most, VERDICTS.indexOf(verdict)), 0);
  return { verdict: VERDICTS[worst], files: compared };
}
