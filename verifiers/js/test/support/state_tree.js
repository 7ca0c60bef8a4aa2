// The state tree over keys and values, built anew from docs/format.md, "State tree": its root and proofs.

import { compare, concat, utf8 } from '../../src/bytes.js';
import { sha256 } from '../../src/hashes.js';

const EMPTY = utf8('SPARSE_MERKLE_PLACEHOLDER_HASH__');
const bit = (path, i) => (path[i >> 3] >> (7 - (i & 7))) & 1;
const leafHash = ({ path, value }) => sha256(concat(utf8('JMT::LeafNode'), path, sha256(value)));

function build(leaves, depth) {
  if (leaves.length === 0) return { hash: EMPTY };
  if (leaves.length === 1) return { hash: leafHash(leaves[0]), leaf: leaves[0] };
  const halves = [0, 1].map((side) =>
    build(
      leaves.filter(({ path }) => bit(path, depth) === side),
      depth + 1,
    ),
  );
  return { hash: sha256(concat(utf8('JMT::IntrnalNode'), halves[0].hash, halves[1].hash)), halves };
}

/** The tree over pairs of key and value. */
export function stateTree(pairs) {
  const leaves = pairs
    .map(([key, value]) => ({ path: sha256(key), value }))
    .sort((a, b) => compare(a.path, b.path));
  const top = build(leaves, 0);
  return {
    root: top.hash,
    /** The proof that a key has its value, or that it is absent. */
    prove(key) {
      const path = sha256(key);
      const siblings = [];
      let node = top;
      for (let depth = 0; node.halves; depth++) {
        const side = bit(path, depth);
        siblings.unshift(node.halves[1 - side].hash);
        node = node.halves[side];
      }
      const present = node.leaf !== undefined && compare(node.leaf.path, path) === 0;
      const other =
        node.leaf === undefined || present
          ? null
          : { key_hash: node.leaf.path, value_hash: sha256(node.leaf.value) };
      return { value: present ? node.leaf.value : null, proof: { other_leaf: other, siblings } };
    },
  };
}
