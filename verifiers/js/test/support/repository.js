// Where the documents, golden files and vectors of the repository are.

import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../../', import.meta.url);

export const pathOf = (name) => fileURLToPath(new URL(name, root));
export const bytesOf = (name) => new Uint8Array(readFileSync(new URL(name, root)));
export const textOf = (name) => readFileSync(new URL(name, root), 'utf8');
export const namesIn = (folder) => readdirSync(new URL(folder, root));

const GOLDEN = 'chain-core/tests/data/evidence/';

export const goldenNames = namesIn(GOLDEN)
  .filter((name) => name.endsWith('.evidence'))
  .sort();
export const golden = (name) => bytesOf(GOLDEN + name);
export const goldenPath = (name) => pathOf(GOLDEN + name);

/** The genesis document and the original of the golden files. */
export const GENESIS = `${GOLDEN}genesis.json`;
export const LAMP = `${GOLDEN}lamp.txt`;

/** The block of text that a document's comments `name: begin` and `name: end` enclose. */
export function block(document, name) {
  const [, text] = new RegExp(`<!-- ${name}: begin -->\\n\`\`\`text\\n([^]*?)\`\`\``).exec(textOf(document));
  return text.trimEnd().split('\n');
}

/** The vectors of docs/format.md by name; values are text. */
export function vectors() {
  const found = new Map();
  for (const line of block('docs/format.md', 'vectors')) {
    const at = line.indexOf(' = ');
    if (at > 0 && !line.startsWith('#')) found.set(line.slice(0, at), line.slice(at + 3));
  }
  return found;
}
