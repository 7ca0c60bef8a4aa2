// The drafts before a deposit: told, and none left out, moved or bent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { types } from '../src/messages.js';
import { decode, encode } from '../src/protobuf.js';
import { verifyEvidence } from '../node.js';
import { read, write } from './support/files.js';
import { bytesOf, golden } from './support/repository.js';

const genesis = bytesOf('chain-core/tests/data/evidence/genesis.json');
const examine = (file) => verifyEvidence(file, { genesis });

/** The element *opening* of the file with another opening. */
async function judge(bend) {
  const evidence = read(golden('drafts.evidence'));
  bend(evidence.opening);
  const { checks } = await examine(write(evidence));
  return checks.find(({ element }) => element === 'opening');
}

test('the drafts are told', async () => {
  const { verdict, facts } = await examine(golden('drafts.evidence'));
  assert.equal(verdict, 'verified');
  const { drafts } = facts.deposit;
  assert.deepEqual(
    drafts.map(({ number }) => number),
    [1, 2, 3],
  );
  assert.deepEqual([drafts[0].who, drafts[0].device], ['Lin Yue', 'bench']);
  assert.equal(drafts[2].files[0].sha256, null);
});

test('what is missing, moved or altered is named', async () => {
  for (const [bend, said] of [
    [({ drafts }) => drafts.splice(1, 1), /draft 3 stands where draft 2 should/],
    [({ drafts }) => drafts.reverse(), /draft 3 stands where draft 1 should/],
    [({ drafts }) => drafts.splice(1, 0, drafts[0]), /draft 1 stands where draft 2 should/],
    [({ drafts }) => drafts.pop(), /there are 2 drafts/],
    [({ drafts }) => drafts.push(new Uint8Array()), /draft 0 stands where draft 4 should/],
    [({ content }) => content.disclosures.pop(), /without the deposit's field/],
  ]) {
    const { result, findings } = await judge(bend);
    assert.equal(result, 'failed', said.source);
    assert.match(findings.join('\n'), said);
  }
  assert.equal((await judge((opening) => (opening.drafts = []))).result, 'passed');
});

test('every changed field is found', async () => {
  for (const at of [0, 1, 2]) {
    for (const change of [
      (draft) => (draft.time_ms += 1n),
      (draft) => (draft.who = 'Wang'),
      (draft) => (draft.device = 'other'),
      (draft) => (draft.tool = 'other'),
      (draft) => (draft.who = ''),
      (draft) => (draft.tool = 'a\nb'),
      (draft) => (draft.files = []),
      (draft) => draft.files.push(draft.files[0]),
      (draft) => (draft.files[0].name[0] ^= 1),
      (draft) => (draft.files[0].sha256 = new Uint8Array(32)),
      (draft) => (draft.files[0].sha256 = new Uint8Array(31)),
      (draft) => (draft.files[0].bytes += 1n),
    ]) {
      const { result } = await judge(({ drafts }) => {
        const draft = decode(types.Draft, drafts[at]);
        change(draft);
        drafts[at] = encode(types.Draft, draft);
      });
      assert.equal(result, 'failed', `${at} ${change}`);
    }
  }
});
