// The report on an examination, in the form of docs/examination.schema.json.

import { hex } from './bytes.js';
import { versionOf } from './examination.js';
import { compareExhibits } from './exhibits.js';
import { describeFacts, place } from './facts.js';
import { sha256 } from './hashes.js';
import { say } from './words.js';

export const TOOL = { name: 'touchstone-verify', version: '0.1.0' };

/** 3: not verified; 7: an exhibit isn't shown to be recorded; 6: reservations; 0: verified. */
function exitCode(verdict, exhibits) {
  if (verdict === 'not-verified') return 3;
  if (exhibits === 'not-compared' || exhibits === 'not-recorded') return 7;
  return verdict === 'verified' ? 0 : 6;
}

/** Describes an examination that has run; `exhibits` are names and SHA-256 of files. */
export function describeReport(examination, verdict, exhibits, now, language) {
  const compared = compareExhibits(examination, exhibits);
  return {
    format: 'touchstone/examination/v1',
    tool: TOOL,
    examined_ms: now,
    exit_code: exitCode(verdict, compared.verdict),
    file: {
      sha256: hex(sha256(examination.bytes)),
      bytes: examination.bytes.length,
      version: versionOf(examination.bytes),
    },
    verdict,
    checks: examination.rows.map(({ element, article, result, findings }) => ({
      element,
      article,
      result,
      findings: findings.map((finding) => say(finding, language)),
    })),
    exhibits: {
      verdict: compared.verdict,
      files: compared.files.map((file) => ({
        ...file,
        matches: file.matches.map((match) => (match.event ? { event: place(match.event) } : match)),
      })),
    },
    // What isn't verified says nothing: its content is not shown.
    facts: examination.holds ? describeFacts(examination) : null,
  };
}

/** The report as JSON; integers that a JavaScript number would round are written exactly. */
export function toJson(value) {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${toJson(member)}`);
  return `{${members.join(',')}}`;
}
