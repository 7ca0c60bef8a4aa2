// Evidence files, taken apart and put together again.

import { concat, utf8 } from '../../src/bytes.js';
import { sha256 } from '../../src/hashes.js';
import { types } from '../../src/messages.js';
import { decode, encode } from '../../src/protobuf.js';

const magic = (version) => utf8(`touchstone/evidence/v${version}\n`);
const MAGIC_LENGTH = magic(1).length;

/** The version of which a file says it is. */
export const versionOf = (file) => Number(String.fromCharCode(file[MAGIC_LENGTH - 2]));

/** The body between the first bytes and the checksum. */
export const bodyOf = (file) => file.subarray(MAGIC_LENGTH, file.length - 32);

/** A file of a body, with its checksum. */
export function fileOf(body, version = 1) {
  const content = concat(magic(version), body);
  return concat(content, sha256(content));
}

export const read = (file) => decode(types.Evidence, bodyOf(file));
export const write = (evidence, version = 1) => fileOf(encode(types.Evidence, evidence), version);

/** A file as a browser's driver hands it to a page. */
export const asFile = (name, bytes) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) });
