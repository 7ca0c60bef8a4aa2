// Evidence files, taken apart and put together again.

import { concat, utf8 } from '../../src/bytes.js';
import { sha256 } from '../../src/hashes.js';
import { types } from '../../src/messages.js';
import { decode, encode } from '../../src/protobuf.js';

const MAGIC = utf8('touchstone/evidence/v1\n');

/** The body between the first bytes and the checksum. */
export const bodyOf = (file) => file.subarray(MAGIC.length, file.length - 32);

/** A file of a body, with its checksum. */
export function fileOf(body) {
  const content = concat(MAGIC, body);
  return concat(content, sha256(content));
}

export const read = (file) => decode(types.Evidence, bodyOf(file));
export const write = (evidence) => fileOf(encode(types.Evidence, evidence));
