// Flips every bit of a file's body whose number is this worker's, with a new checksum, and tells which were accepted.

import { parentPort, workerData } from 'node:worker_threads';
import { verifyEvidence } from '../../node.js';
import { fileOf } from './files.js';

const { body, genesis, first, step } = workerData;
const accepted = [];
let flips = 0;
for (let bit = first; bit < 8 * body.length; bit += step) {
  const flipped = Uint8Array.from(body);
  flipped[bit >> 3] ^= 1 << (bit & 7);
  const { verdict } = await verifyEvidence(fileOf(flipped), { genesis });
  if (verdict !== 'not-verified') accepted.push(bit);
  flips++;
}
parentPort.postMessage({ accepted, flips });
