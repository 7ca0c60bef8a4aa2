// The transaction tree and the checkpoint's tree, which share one shape (docs/format.md, "Transaction
// tree", "Checkpoints"), and paths in the state tree ("State tree").

import { be64, concat, equal, utf8 } from './bytes.js';
import { sha256, taggedHash } from './hashes.js';
import { demand } from './refusal.js';

const transactionLeaf = taggedHash('touchstone/transaction-leaf/v1');
const transactionNode = taggedHash('touchstone/transaction-node/v1');
const checkpointLeaf = taggedHash('touchstone/checkpoint-block/v1');
const checkpointNode = taggedHash('touchstone/checkpoint-node/v1');

/** The root to which the siblings lead from leaf `index` of `count`; both are bigints. */
function rootFromPath(node, leaf, index, count, siblings) {
  demand(index < count, 'the index is not below the count');
  demand(count < 1n << 63n, 'the count is too great');
  let k = count - 1n + index;
  let depth = 0;
  for (let rest = k; rest > 0n; rest = (rest - 1n) >> 1n) depth++;
  demand(siblings.length === depth, () => `the path has ${siblings.length} siblings, not ${depth}`);
  let value = leaf;
  for (const sibling of siblings) {
    demand(sibling.length === 32, 'a sibling has not 32 bytes');
    value = k & 1n ? node(value, sibling) : node(sibling, value);
    k = (k - 1n) >> 1n;
  }
  return node(be64(count), value);
}

/** Requires that `envelope` is number `index` of the header's transactions. */
export function checkTransactionPath(header, envelope, index, siblings) {
  const root = rootFromPath(
    transactionNode,
    transactionLeaf(envelope),
    BigInt(index),
    header.transaction_count,
    siblings,
  );
  demand(equal(root, header.transaction_root), "the path does not lead to the block's transaction root");
}

/** Root of the tree over all envelopes. */
export function transactionRoot(envelopes) {
  const count = envelopes.length;
  if (count === 0) return taggedHash('touchstone/transaction-empty/v1')();
  const nodes = new Array(2 * count - 1);
  envelopes.forEach((envelope, i) => {
    nodes[count - 1 + i] = transactionLeaf(envelope);
  });
  for (let k = count - 2; k >= 0; k--) nodes[k] = transactionNode(nodes[2 * k + 1], nodes[2 * k + 2]);
  return transactionNode(be64(count), nodes[0]);
}

export const MAX_CHECKPOINT_BLOCKS = 1_048_576n;

/** The root of the checkpoint from `first` to `last` to which the block's path leads. */
export function checkpointRoot(chainId, first, last, height, blockId, validatorsHash, siblings) {
  const leaf = checkpointLeaf(chainId, be64(height), blockId, validatorsHash);
  return rootFromPath(checkpointNode, leaf, height - first, last - first + 1n, siblings);
}

/** The document that an authority stamps. */
export function checkpointDocument(chainId, first, last, root, authority) {
  const tag = utf8('touchstone/checkpoint/v1\0');
  return concat(tag, chainId, be64(first), be64(last), root, utf8(authority));
}

const leafTag = utf8('JMT::LeafNode');
const innerTag = utf8('JMT::IntrnalNode');
const placeholder = utf8('SPARSE_MERKLE_PLACEHOLDER_HASH__');

const bitAt = (path, i) => (path[i >> 3] >> (7 - (i & 7))) & 1;

/** The node of the state tree that a proof starts from; `path` is the key's. */
function startingNode(path, value, proof) {
  const depth = proof.siblings.length;
  demand(depth <= 256, 'the path in the state tree is too long');
  const other = proof.other_leaf;
  if (value !== null) {
    demand(other === null, 'a present key has the proof of an absent one');
    return sha256(concat(leafTag, path, sha256(value)));
  }
  if (other === null) return placeholder;
  demand(
    other.key_hash.length === 32 && other.value_hash.length === 32,
    'the other leaf has not 32 bytes each',
  );
  demand(!equal(other.key_hash, path), "the other leaf is the key's own");
  for (let i = 0; i < depth; i++) {
    demand(bitAt(other.key_hash, i) === bitAt(path, i), "the other leaf is not in the key's place");
  }
  return sha256(concat(leafTag, other.key_hash, other.value_hash));
}

/**
 * What is proven of a state tree. Proofs of many keys share their upper nodes: each node that led to the root is kept with
 * its two halves, and is hashed once. A proof whose sibling differs from such a half can't lead to the root.
 */
export class StateTree {
  constructor(root) {
    this.top = { value: root, halves: null };
  }

  /** Requires that `key` has `value`, or with a value of null that it is absent. */
  check(key, value, proof) {
    const path = sha256(key);
    const start = startingNode(path, value, proof);
    const { siblings } = proof;
    const depth = siblings.length;
    demand(
      siblings.every(({ length }) => length === 32),
      'a sibling in the state tree has not 32 bytes',
    );
    let known = this.top;
    let at = 0;
    for (; at < depth && known.halves !== null; at++) {
      const bit = bitAt(path, at);
      demand(equal(known.halves[1 - bit].value, siblings[depth - 1 - at]), WRONG_PATH);
      known = known.halves[bit];
    }
    let node = { value: start, halves: null };
    for (let i = depth - 1; i >= at; i--) {
      const sibling = { value: siblings[depth - 1 - i], halves: null };
      const halves = bitAt(path, i) === 1 ? [sibling, node] : [node, sibling];
      node = { value: sha256(concat(innerTag, halves[0].value, halves[1].value)), halves };
    }
    demand(equal(node.value, known.value), WRONG_PATH);
    if (node.halves !== null) known.halves = node.halves;
  }
}

const WRONG_PATH = 'the path does not lead to the state root';

/** Requires that under the state root `key` has `value`, or with a value of null that it is absent. */
export const checkStateProof = (root, key, value, proof) => new StateTree(root).check(key, value, proof);
