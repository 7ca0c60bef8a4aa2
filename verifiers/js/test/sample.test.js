// Files of a ledger that is made here.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyEvidence } from '../node.js';
import { sampleEvidence } from './support/sample.js';

test('a long history is verified in both versions of the file', async () => {
  for (const version of [1, 2]) {
    const { file, genesis } = sampleEvidence(40, version);
    const report = await verifyEvidence(file, { genesis });
    // The one organisation that acts holds a quarter of the power.
    assert.equal(report.verdict, 'verified', JSON.stringify(report.checks, null, 1));
    assert.equal(report.file.version, version);
    assert.equal(report.facts.history.events.length, 40);
    assert.equal(report.facts.custody.holder, 'carrier');
  }
});
