// A design, looked up by files that stay on this device: they are hashed here, and only a hash or a design's id is asked
// for. What is shown has been examined; a receipt opens what isn't disclosed, and stays here too.

import { be64, equal, fromHex, hex } from '../src/bytes.js';
import { describeFacts } from '../src/facts.js';
import { designCommitment, designFiles, sha256 } from '../src/hashes.js';
import { Refusal } from '../src/refusal.js';
import { NoAnswer, askDesignEvidence, askDesigns } from './answers.js';

const RECEIPT = 'touchstone/receipt/v1';
const MAX_RECEIPT = 1 << 20;
/** Designs that are looked up for one file, at most: anybody may disclose a file of somebody else's. */
const MOST = 8;

/** The receipt in a file, or null where it is none. */
export function readReceipt(bytes) {
  if (bytes.length > MAX_RECEIPT) return null;
  try {
    const { format, design_id: id, salt, files } = JSON.parse(new TextDecoder().decode(bytes));
    if (format !== RECEIPT) return null;
    return { id, salt: fromHex(salt), files: files.map(({ sha256: hash }) => fromHex(hash)) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof Refusal) return null;
    throw error;
  }
}

/** Whether a receipt opens an examined design's commitment. */
function opens({ salt, files }, { design, chainId }) {
  if (salt.length !== 32 || files.length === 0 || files.some(({ length }) => length !== 32)) return false;
  const root = designFiles(be64(files.length), ...files);
  return equal(designCommitment(chainId, design.owner_key, salt, root), design.commitment);
}

/** What a file is to an examined design: one of its files by the record, by the receipt alone, or neither. */
function relation(hash, examination, receipt) {
  const has = (hashes) => hashes.some((one) => equal(one, hash));
  if (has(examination.design.disclosure?.file_hashes ?? [])) return 'disclosed';
  return receipt !== null && opens(receipt, examination) && has(receipt.files) ? 'receipt' : 'none';
}

/**
 * Looks up what files `[{ name, bytes }]` are on the ledger. `examine(bytes, id)` gives an examination that holds, or throws
 * `NoAnswer`. Gives each file with the designs that it was found in, the earliest first.
 */
export async function lookUpFiles(files, examine) {
  const receipts = files.map(({ bytes }) => readReceipt(bytes)).filter(Boolean);
  const originals = files.filter(({ bytes }) => readReceipt(bytes) === null);
  const examined = new Map();
  const examination = async (id) => {
    if (!examined.has(id)) examined.set(id, await examine(await askDesignEvidence(id), id));
    return examined.get(id);
  };
  const found = [];
  for (const { name, bytes } of originals) {
    const hash = sha256(bytes);
    const named = await askDesigns(hex(hash));
    const ids = [...new Set([...receipts.map(({ id }) => id), ...named.slice(0, MOST)])];
    const designs = [];
    for (const id of ids) {
      const one = await examination(id);
      if (one.design === undefined) continue;
      const receipt = receipts.find((two) => two.id === id) ?? null;
      const how = relation(hash, one, receipt);
      // The node named a design that doesn't have the file: it is wrong.
      if (how === 'none' && named.includes(id)) throw new NoAnswer('other-item', { item: id });
      if (how !== 'none') designs.push({ id, how, examination: one, facts: describeFacts(one) });
    }
    designs.sort((a, b) => (a.facts.deposit.time_ms < b.facts.deposit.time_ms ? -1 : 1));
    found.push({ name, hash: hex(hash), designs, more: named.length > MOST });
  }
  return { files: found, receipts: receipts.length };
}

/** The design that a link names. */
export async function lookUpDesign(id, examine) {
  const examination = await examine(await askDesignEvidence(id));
  return { files: [], receipts: 0, linked: { id, how: 'linked', examination, facts: describeFacts(examination) } };
}
