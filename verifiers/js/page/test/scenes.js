// What the court's page can show: files that are dropped on it, and what they must come to.

import { asFile } from '../../test/support/files.js';
import { LAMP, golden, goldenPath, pathOf } from '../../test/support/repository.js';

function forgery() {
  const bytes = golden('item.evidence');
  bytes[400] ^= 1;
  return asFile('forged', bytes);
}

const RESERVATIONS = 'verified-with-reservations';

export const SCENES = {
  'the empty page': { files: [] },
  'an item': { files: [goldenPath('item.evidence')], verdict: RESERVATIONS },
  'a design and its original': { files: [goldenPath('design.evidence'), pathOf(LAMP)], verdict: RESERVATIONS },
  'time stamps': { files: [goldenPath('stamped.evidence')], verdict: RESERVATIONS },
  'nothing recorded': { files: [goldenPath('absent.evidence')], verdict: RESERVATIONS },
  'a forgery': { files: [forgery()], verdict: 'not-verified' },
};
