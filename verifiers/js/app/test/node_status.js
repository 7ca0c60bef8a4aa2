// What a member's node says of itself.

const key = (i) => String(i).repeat(64);
const VALIDATORS = ['maker', 'carrier', 'market', 'office'].map((organisation, i) => ({ public_key: key(i), organisation, power: 1 }));

/** At a height, each block of which the first proposed and the first three signed; halted for a reason, or not. */
export const nodeStatus = ({ height = 3, halt = null } = {}) => ({
  version: '0.1.0 (commit 0123456789ab)',
  chain_id: 'ab'.repeat(32),
  chain_name: 'sample',
  height,
  block_id: 'cd'.repeat(32),
  time_ms: 1_772_000_000_000,
  round: 0,
  pending_transactions: 2,
  connected_peers: 3,
  validator: true,
  syncing: false,
  halt,
  validators: VALIDATORS,
  blocks: Array.from({ length: height }, (_, i) => ({
    height: height - i,
    id: 'ef'.repeat(32),
    time_ms: 1_772_000_000_000,
    transactions: 1,
    proposer: key(0),
    signers: [0, 1, 2].map(key),
  })),
});
