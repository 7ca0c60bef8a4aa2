// The genesis document (docs/format.md, "Chain id and genesis"): the root of trust.

import { compare, fromHex, hasControl, utf8 } from './bytes.js';
import { isUsableKey } from './ed25519.js';
import { sha256 } from './hashes.js';
import { JsonNumber, parseJson } from './json.js';
import { demand } from './refusal.js';

const ROLES = [
  'platform',
  'logistics',
  'manufacturer',
  'ip-office',
  'court',
  'designer',
  'customs',
  'inspection',
  'laboratory',
  'retail',
  'assistance',
];

const MAX_UINT64 = (1n << 64n) - 1n;

/** The members of an object: those that must be there, and those that may be missing. */
function members(value, what, required, optional = []) {
  demand(value instanceof Map, () => `${what} is not an object`);
  for (const name of value.keys()) {
    demand(required.includes(name) || optional.includes(name), () => `${what} has the unknown member ${name}`);
  }
  for (const name of required) demand(value.has(name), () => `${what} has no ${name}`);
  return Object.fromEntries(value);
}

function list(value, what) {
  demand(Array.isArray(value), () => `${what} is not a list`);
  return value;
}

function string(value, what) {
  demand(typeof value === 'string', () => `${what} is not text`);
  return value;
}

function number(value, what, least = 0n, most = MAX_UINT64) {
  demand(
    value instanceof JsonNumber && /^[0-9]+$/.test(value.digits),
    () => `${what} is not a number of digits`,
  );
  const n = BigInt(value.digits);
  demand(n >= least && n <= most, () => `${what} is not from ${least} to ${most}`);
  return n;
}

function name(value, what, most) {
  const length = utf8(string(value, what)).length;
  demand(
    length >= 1 && length <= most && !hasControl(value),
    () => `${what} is not a name of 1 to ${most} bytes`,
  );
  return value;
}

function key(value, what) {
  demand(/^[0-9a-f]{64}$/.test(string(value, what)), () => `${what} is not 64 digits of lower-case hex`);
  const bytes = fromHex(value);
  demand(isUsableKey(bytes), () => `${what} is not a usable key`);
  return bytes;
}

function once(values, what) {
  demand(new Set(values).size === values.length, () => `${what} stands twice`);
}

function readParameters(value) {
  const read = members(
    value,
    'parameters',
    [
      'precision_ms',
      'message_delay_ms',
      'max_block_bytes',
      'max_block_transactions',
      'max_transaction_bytes',
      'max_events_per_transaction',
    ],
    ['transaction_lifetime_ms'],
  );
  const transactionBytes = number(read.max_transaction_bytes, 'max_transaction_bytes', 1024n, 4_194_304n);
  return {
    precision_ms: number(read.precision_ms, 'precision_ms', 1n, 60_000n),
    message_delay_ms: number(read.message_delay_ms, 'message_delay_ms', 1n, 600_000n),
    max_block_bytes: number(read.max_block_bytes, 'max_block_bytes', transactionBytes, 6_291_456n),
    max_block_transactions: number(read.max_block_transactions, 'max_block_transactions', 1n, 1_048_576n),
    max_transaction_bytes: transactionBytes,
    max_events_per_transaction: number(
      read.max_events_per_transaction,
      'max_events_per_transaction',
      1n,
      100_000n,
    ),
    transaction_lifetime_ms:
      read.transaction_lifetime_ms == null
        ? 0n
        : number(read.transaction_lifetime_ms, 'transaction_lifetime_ms', 60_000n, 31_622_400_000n),
    expired_before_ms: 0n,
  };
}

function readNode(value, organisation) {
  const read = members(value, 'a node', ['network_key', 'addresses'], ['validator_key', 'power']);
  const addresses = list(read.addresses, 'addresses').map((address) => string(address, 'an address'));
  demand(addresses.length <= 8, 'a node has more than 8 addresses');
  demand(
    addresses.every((address) => utf8(address).length <= 256),
    'an address has more than 256 bytes',
  );
  return {
    network_key: key(read.network_key, 'a network key'),
    addresses,
    validator_key: read.validator_key == null ? null : key(read.validator_key, "a validator's key"),
    power: read.power == null ? 1n : number(read.power, 'a power'),
    organisation,
  };
}

function readOrganisation(value) {
  const read = members(value, 'an organisation', ['id', 'name', 'roles', 'keys'], ['gs1_prefixes', 'nodes']);
  const id = string(read.id, 'an id');
  demand(/^[a-z][a-z0-9-]{1,63}$/.test(id), () => `${JSON.stringify(id)} is not an organisation's id`);
  const roles = list(read.roles, 'roles').map((role) => string(role, 'a role'));
  demand(
    roles.length > 0 && roles.every((role) => ROLES.includes(role)),
    () => `${id} has no or unknown roles`,
  );
  once(roles, `a role of ${id}`);
  const keys = list(read.keys, 'keys');
  demand(keys.length >= 1 && keys.length <= 256, () => `${id} has not 1 to 256 keys`);
  const prefixes = read.gs1_prefixes === undefined ? [] : list(read.gs1_prefixes, 'gs1_prefixes');
  for (const prefix of prefixes) {
    demand(/^[0-9]{4,12}$/.test(string(prefix, 'a prefix')), 'a company prefix is not 4 to 12 digits');
  }
  once(prefixes, `a company prefix of ${id}`);
  const nodes = read.nodes === undefined ? [] : list(read.nodes, 'nodes').map((node) => readNode(node, id));
  demand(nodes.length <= 16, () => `${id} has more than 16 nodes`);
  once(
    nodes.map((node) => node.network_key.join()),
    `a network key of ${id}`,
  );
  return {
    id,
    name: name(read.name, `the name of ${id}`, 128),
    // Numbers of the enum Role.
    roles: roles.map((role) => ROLES.indexOf(role) + 1).sort((a, b) => a - b),
    keys: keys.map((digits) => key(digits, `a key of ${id}`)),
    gs1_prefixes: [...prefixes].sort(),
    nodes,
  };
}

/** No company prefix is or begins with one of another organisation. */
function checkPrefixes(organisations) {
  const owners = new Map();
  for (const { id, gs1_prefixes: prefixes } of organisations) {
    for (const prefix of prefixes) {
      demand((owners.get(prefix) ?? id) === id, () => `company prefix ${prefix} has two owners`);
      owners.set(prefix, id);
    }
  }
  for (const [prefix, id] of owners) {
    for (let length = 4; length < prefix.length; length++) {
      demand(
        (owners.get(prefix.slice(0, length)) ?? id) === id,
        () => `company prefix ${prefix} has two owners`,
      );
    }
  }
}

/** Reads the exact bytes of a genesis document. */
export function readGenesis(bytes) {
  const read = members(parseJson(bytes), 'the genesis document', [
    'format',
    'chain',
    'time_ms',
    'parameters',
    'organisations',
  ]);
  demand(read.format === 'touchstone/genesis/v1', 'the genesis document has another format');
  const organisations = list(read.organisations, 'organisations').map(readOrganisation);
  once(
    organisations.map(({ id }) => id),
    "an organisation's id",
  );
  once(
    organisations.flatMap(({ keys }) => keys.map(String)),
    "an organisation's key",
  );
  checkPrefixes(organisations);
  const validators = organisations
    .flatMap(({ nodes }) => nodes)
    .filter((node) => node.validator_key !== null)
    .map(({ validator_key, power, organisation }) => ({ public_key: validator_key, power, organisation }))
    .sort((a, b) => compare(a.public_key, b.public_key));
  return {
    chainId: sha256(bytes),
    chain: name(read.chain, "the chain's name", 64),
    time_ms: number(read.time_ms, 'time_ms'),
    parameters: readParameters(read.parameters),
    organisations,
    validators: { validators, first_height: 1n },
  };
}
