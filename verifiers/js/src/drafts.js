// The drafts before a deposit (docs/evidence.md, "Drafts").

import { equal, hasControl, hex, utf8, compare } from './bytes.js';
import { draftsHead } from './content.js';
import { draftHead } from './hashes.js';
import { types } from './messages.js';
import { decode } from './protobuf.js';
import { demand } from './refusal.js';

const MAX_BYTES = 65_536;
const MAX_FILES = 256;
const MAX_WORDS = 128;
const MAX_TIME = 253_402_300_799_999n;

/** The drafts with their heads, what is said of them, and what is left to weigh. */
export function readDrafts(entries, content, { files, latest }) {
  const field = content.fields.find(({ name }) => name === 'drafts');
  demand(
    field !== undefined || entries.length === 0,
    "drafts without the deposit's field that holds their head",
  );
  if (field === undefined) return { drafts: [], findings: [], doubts: [] };
  const { count, head } = draftsHead(field.value);
  if (entries.length === 0) return { drafts: [], findings: [['draftsElsewhere', { count }]], doubts: [] };
  let before = new Uint8Array(32);
  const drafts = entries.map((entry, i) => {
    const draft = readDraft(i + 1, before, entry);
    before = draftHead(entry);
    return { ...draft, head: before };
  });
  demand(drafts.length === count, `there are ${drafts.length} drafts, and the deposit's head counts ${count}`);
  demand(hex(before) === head, `the drafts lead to another head than the deposited one: draft ${count} was altered`);
  const drafted = new Set(drafts.flatMap((draft) => draft.files.map(({ sha256 }) => hex(sha256))));
  const known = files.filter((hash) => drafted.has(hex(hash))).length;
  const [first, last] = [drafts[0].time_ms, drafts.at(-1).time_ms];
  return {
    drafts,
    findings: [['drafted', { count, first, last, known, files: files.length }]],
    doubts: doubtsAbout(drafts, latest),
  };
}

/** The draft of this number, which must follow a head. */
function readDraft(number, before, entry) {
  demand(entry.length <= MAX_BYTES, `draft ${number} is too large`);
  const draft = decode(types.Draft, entry);
  const { number: found, previous, who, device, tool, files } = draft;
  demand(
    found === BigInt(number),
    `draft ${found} stands where draft ${number} should: one is missing, or they are out of order`,
  );
  const fits =
    [who, device, tool].every(isWord) &&
    previous.length === 32 &&
    draft.time_ms <= MAX_TIME &&
    files.length >= 1 &&
    files.length <= MAX_FILES &&
    files.every(isFile) &&
    files.every(({ name }, i) => i === 0 || compare(files[i - 1].name, name) < 0);
  demand(fits, `draft ${number} has another form`);
  demand(
    equal(previous, before),
    `draft ${number} follows another draft ${number - 1}: that one, or this, was altered`,
  );
  return draft;
}

function isWord(text) {
  const { length } = utf8(text);
  return length >= 1 && length <= MAX_WORDS && !hasControl(text);
}

const isFile = ({ name, sha256, bytes }) =>
  name.length === 32 && (sha256.length === 32 || (sha256.length === 0 && bytes === 0n));

/** Times that can't all be true. */
function doubtsAbout(drafts, latest) {
  const doubts = [];
  const back = drafts.find(({ time_ms: time }, i) => i > 0 && time < drafts[i - 1].time_ms);
  if (back) doubts.push(['draftSetBack', { number: back.number }]);
  const late = drafts.find(({ time_ms: time }) => time > latest);
  if (late) doubts.push(['draftLate', { number: late.number }]);
  return doubts;
}

/** A draft for programs. */
export const describeDraft = ({ number, head, time_ms: time, who, device, tool, files }) => ({
  number: Number(number),
  head: hex(head),
  time_ms: Number(time),
  who,
  device,
  tool,
  files: files.map(({ name, sha256, bytes }) => ({
    name_digest: hex(name),
    sha256: sha256.length === 0 ? null : hex(sha256),
    bytes: bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : bytes,
  })),
});
