// Headers, commit certificates, the validators' sets, and transactions (docs/format.md, "Blocks", "Votes and
// certificates", "Transactions").

import { compare, concat, equal, nameOf } from './bytes.js';
import { verifySignature } from './ed25519.js';
import { blockId, tagged, transactionId, validatorsHash } from './hashes.js';
import { types } from './messages.js';
import { decode, encode } from './protobuf.js';
import { demand } from './refusal.js';

const transactionTag = tagged('touchstone/transaction/v1');
const voteTag = tagged('touchstone/vote/v1');

const MAX_VALIDATORS = 100;
const MAX_POWER = 1n << 48n;
/** 9999-12-31T23:59:59.999Z */
const MAX_TIME_MS = 253_402_300_799_999n;
const MAX_ENVELOPE = 4 * 1024 * 1024;
const PRECOMMIT = 2;

/** Reads the exact bytes of a header of the chain; adds its block id. */
export function readHeader(bytes, chainId) {
  const header = decode(types.Header, bytes);
  demand(header.version === 1, "the header's version is not 1");
  for (const field of [
    'chain_id',
    'parent',
    'proposer',
    'transaction_root',
    'state_root',
    'validators_hash',
    'next_validators_hash',
  ]) {
    demand(header[field].length === 32, () => `the header's ${field} has not 32 bytes`);
  }
  demand(equal(header.chain_id, chainId), 'the header is of another chain');
  demand(header.height > 0n, 'the header has no height');
  demand(header.time_ms <= MAX_TIME_MS, "the header's time is beyond the year 9999");
  return { ...header, id: blockId(bytes) };
}

export const totalPower = (set) => set.validators.reduce((sum, { power }) => sum + power, 0n);

/** Requires a well-formed set; gives it with its hash, its total power and the power of each key. */
export function readValidatorSet(set) {
  const { validators } = set;
  demand(validators.length >= 1 && validators.length <= MAX_VALIDATORS, 'a set has 1 to 100 validators');
  validators.forEach((validator, i) => {
    demand(validator.public_key.length === 32, "a validator's key has not 32 bytes");
    demand(
      i === 0 || compare(validators[i - 1].public_key, validator.public_key) < 0,
      "the validators' keys do not ascend",
    );
    demand(validator.power >= 1n, 'a validator has no power');
  });
  const power = totalPower(set);
  demand(power <= MAX_POWER, 'the validators have too much power');
  demand(set.first_height >= 1n, 'the set has no first height');
  const powers = new Map(validators.map((validator) => [nameOf(validator.public_key), validator.power]));
  return { ...set, power, powers, hash: validatorsHash(encode(types.ValidatorSet, set)) };
}

/** Requires that the certificate proves the header, whose set is given. */
export async function checkCertificate(certificate, header, set, chainId) {
  demand(equal(header.validators_hash, set.hash), 'the header names other validators than those of its height');
  demand(certificate.height === header.height, 'the certificate is of another height');
  demand(equal(certificate.block_id, header.id), 'the certificate is of another block');
  const { signatures } = certificate;
  let signed = 0n;
  signatures.forEach(({ public_key: key, signature }, i) => {
    demand(key.length === 32 && signature.length === 64, "a certificate's signature has another length");
    demand(i === 0 || compare(signatures[i - 1].public_key, key) < 0, "the certificate's keys do not ascend");
    const power = set.powers.get(nameOf(key));
    demand(power !== undefined, 'the certificate has a signature by a key that is not in the set');
    signed += power;
  });
  const { height, round, block_id } = certificate;
  const vote = encode(types.Vote, { kind: PRECOMMIT, height, round, block_id });
  const message = concat(voteTag, chainId, vote);
  const held = await Promise.all(
    signatures.map(({ public_key: key, signature }) => verifySignature(key, signature, message)),
  );
  demand(held.every(Boolean), 'a signature of the certificate does not hold');
  demand(
    3n * signed > 2n * set.power,
    () => `validators with ${signed} of ${set.power} voting power signed: ` + 'not more than 2/3',
  );
}

/** The sets that vote, from genesis on, by the heights at which they begin. */
export class ValidatorSets {
  constructor(genesisSet, chainId) {
    this.chainId = chainId;
    this.changes = [{ height: 0n, set: readValidatorSet(genesisSet) }];
  }

  get current() {
    return this.changes[this.changes.length - 1];
  }

  /** Takes the next change: a header, its certificate and the set that follows. */
  async apply(change) {
    const { height: before, set } = this.current;
    const header = readHeader(change.header.header, this.chainId);
    demand(header.height > before, "the changes' heights do not ascend");
    await checkCertificate(change.header.certificate, header, set, this.chainId);
    const next = readValidatorSet(change.next_validators);
    demand(equal(next.hash, header.next_validators_hash), 'the set is not the one that the header names next');
    demand(next.first_height === header.height + 1n, 'the set does not begin at the next height');
    this.changes.push({ height: header.height, set: next });
  }

  /** The set that votes on a height: that of the last change below it. */
  at(height) {
    for (let i = this.changes.length - 1; i > 0; i--) {
      if (this.changes[i].height < height) return this.changes[i].set;
    }
    return this.changes[0].set;
  }
}

/** Reads a certified header and requires that the set of its height decided it. */
export async function checkCertifiedHeader(certified, sets) {
  const header = readHeader(certified.header, sets.chainId);
  await checkCertificate(certified.certificate, header, sets.at(header.height), sets.chainId);
  return header;
}

/** The transaction's actions: one of them is set. */
const ACTIONS = types.Transaction.fields.filter(({ label }) => label === 'oneof').map(({ key }) => key);

/** Reads an envelope and requires that its one signature holds; gives the transaction, its id and key. */
export async function checkEnvelope(bytes, chainId) {
  demand(bytes.length <= MAX_ENVELOPE, 'the envelope is larger than 4 MiB');
  const envelope = decode(types.Envelope, bytes);
  const transaction = decode(types.Transaction, envelope.body);
  demand(
    ACTIONS.some((action) => transaction[action] !== null),
    'the transaction has no action',
  );
  demand(envelope.signatures.length === 1, 'the envelope has not exactly one signature');
  const [{ public_key: key, signature }] = envelope.signatures;
  const message = concat(transactionTag, chainId, envelope.body);
  demand(await verifySignature(key, signature, message), "the transaction's signature does not hold");
  return { ...transaction, key, id: transactionId(chainId, envelope.body) };
}
