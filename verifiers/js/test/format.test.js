// Every vector of docs/format.md, and the tables of messages.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, concat, equal, fromHex, hex, utf8 } from '../src/bytes.js';
import { ValidatorSets, checkCertificate, checkEnvelope, readHeader, readValidatorSet } from '../src/chain.js';
import { readContent } from '../src/content.js';
import { verifySignature } from '../src/ed25519.js';
import { readGenesis } from '../src/genesis.js';
import {
  blockId,
  changeId,
  designCommitment,
  designFiles,
  designId,
  linkStep,
  sha256,
  tagged,
} from '../src/hashes.js';
import { canonicalIdentifier } from '../src/identifiers.js';
import { checkWholeLink } from '../src/links.js';
import { types } from '../src/messages.js';
import { decode, encode } from '../src/protobuf.js';
import { checkToken } from '../src/tokens.js';
import {
  StateTree,
  checkStateProof,
  checkTransactionPath,
  checkpointDocument,
  checkpointRoot,
  transactionRoot,
} from '../src/trees.js';
import { block, bytesOf, textOf, vectors } from './support/repository.js';
import { fill } from './support/sample.js';
import { stateTree } from './support/state_tree.js';

const all = vectors();
const vector = (name) => fromHex(all.get(name));
const numbered = (prefix) => {
  const found = [];
  while (all.has(`${prefix}.${found.length}`)) found.push(vector(`${prefix}.${found.length}`));
  return found;
};
const chainId = vector('genesis.chain_id');
const genesis = readGenesis(bytesOf('chain-core/tests/golden/genesis.json'));

test('the genesis document gives chain id, validators and state root', () => {
  assert.deepEqual(genesis.chainId, chainId);
  assert.deepEqual(encode(types.ValidatorSet, genesis.validators), vector('genesis.validators'));
  assert.deepEqual(readValidatorSet(genesis.validators).hash, vector('genesis.validators_hash'));
  const ids = genesis.organisations.map(({ id }) => utf8(id)).sort(compare);
  const pairs = [
    [utf8('parameters'), encode(types.Parameters, genesis.parameters)],
    [utf8('validators'), vector('genesis.validators')],
    [utf8('organisations'), concat(...ids.flatMap((id) => [id, new Uint8Array(1)]))],
  ];
  for (const { id, name, roles, keys, gs1_prefixes: prefixes, nodes } of genesis.organisations) {
    const record = {
      id,
      name,
      roles,
      gs1_prefixes: prefixes,
      keys: keys.map((key) => fill(types.Key, { public_key: key, valid_from_height: 1n })),
      peers: nodes.map(({ network_key: key, addresses }) => ({ public_key: key, addresses })),
    };
    pairs.push([utf8(`organisation/${id}`), encode(types.Organisation, fill(types.Organisation, record))]);
    for (const key of keys) pairs.push([concat(utf8('key/'), key), utf8(id)]);
    for (const prefix of prefixes) pairs.push([utf8(`prefix/${prefix}`), utf8(id)]);
  }
  assert.equal(hex(stateTree(pairs).root), all.get('genesis.state_root'));
});

test('a design has the commitment and the id of the vectors', () => {
  const files = numbered('design.file');
  const root = designFiles(fromHex('0000000000000002'), ...files);
  assert.deepEqual(root, vector('design.file_root'));
  const owner = vector('key.maker.public');
  const commitment = designCommitment(chainId, owner, vector('design.salt'), root);
  assert.deepEqual(commitment, vector('design.commitment'));
  assert.deepEqual(designId(owner, commitment), vector('design.id'));
  const [goldenRoot, goldenCommitment, goldenId] = textOf('chain-core/tests/golden/design.txt')
    .trim()
    .split('\n');
  assert.equal(goldenRoot, hex(root));
  assert.equal(`${goldenCommitment} ${goldenId}`.length, 129);
});

test('a design with views and fields has the root and the commitment of the vectors', () => {
  const files = numbered('design.file');
  const content = decode(types.DesignContent, vector('content.message'));
  assert.deepEqual(content.disclosures.map(utf8), numbered('content.disclosure'));
  const shown = readContent(files, 'Chair 7', content);
  assert.deepEqual(
    shown.fields.map(({ place, name, value }) => [place, name, value]),
    [
      [0, 'title', 'Chair 7'],
      [4, 'author', '林悦'],
    ],
  );
  assert.deepEqual(shown.views, [0, 2]);
  assert.deepEqual(shown.root, vector('content.root'));
  const owner = vector('key.maker.public');
  const commitment = designCommitment(chainId, owner, vector('design.salt'), shown.root);
  assert.deepEqual(commitment, vector('content.commitment'));
});

test('a transaction is read, and its signature holds', async () => {
  const envelope = vector('transaction.envelope');
  const transaction = await checkEnvelope(envelope, chainId);
  assert.deepEqual(transaction.id, vector('transaction.id'));
  assert.deepEqual(transaction.key, vector('transaction.public_key'));
  assert.equal(new TextDecoder().decode(transaction.capture_events.events[0]), all.get('transaction.event.0'));
  assert.deepEqual(
    concat(tagged('touchstone/transaction/v1'), chainId, vector('transaction.body')),
    vector('transaction.signed_bytes'),
  );
});

test("the transaction tree has the vectors' root and paths", () => {
  const envelopes = numbered('block.transaction');
  assert.deepEqual(transactionRoot(envelopes), vector('tree.root'));
  assert.deepEqual(transactionRoot([]), vector('tree.root_of_none'));
  const header = readHeader(vector('block.header'), chainId);
  assert.deepEqual(header.id, vector('block.id'));
  assert.deepEqual(decode(types.Block, vector('block.bytes')).transactions, envelopes);
  envelopes.forEach((envelope, i) => {
    const siblings = numbered(`tree.proof.${i}.sibling`);
    checkTransactionPath(header, envelope, i, siblings);
    for (let other = 0; other < 4; other++) {
      if (other !== i)
        assert.throws(() => checkTransactionPath(header, envelope, other, siblings), { name: 'Refusal' });
    }
  });
});

test('the golden roots of transactions', () => {
  for (const line of textOf('chain-core/tests/golden/transaction_roots.txt').trim().split('\n')) {
    if (line.startsWith('#')) continue;
    const [count, root] = line.split(' ');
    const envelopes = Array.from({ length: Number(count) }, (_, i) => utf8(`transaction ${i}`));
    assert.equal(hex(transactionRoot(envelopes)), root);
  }
});

test('votes, a certificate and a proposal', async () => {
  const precommit = decode(types.Vote, vector('vote.precommit'));
  assert.equal(precommit.kind, 2);
  assert.equal(decode(types.Vote, vector('vote.nil_prevote')).block_id.length, 0);
  assert.deepEqual(
    concat(tagged('touchstone/vote/v1'), chainId, vector('vote.precommit')),
    vector('vote.signed_bytes'),
  );
  const header = readHeader(vector('block.header'), chainId);
  const certificate = decode(types.CommitCertificate, vector('certificate'));
  const set = readValidatorSet(genesis.validators);
  await checkCertificate(certificate, header, set, chainId);
  const fewer = { ...certificate, signatures: certificate.signatures.slice(1) };
  await assert.rejects(checkCertificate(fewer, header, set, chainId), /not more than 2\/3/);
  const proposal = vector('proposal');
  assert.equal(decode(types.Proposal, proposal).valid_round, 0);
  assert.ok(
    await verifySignature(
      vector('proposal.public_key'),
      vector('proposal.signature'),
      concat(tagged('touchstone/proposal/v1'), chainId, proposal),
    ),
  );
});

test('the validators change as in the vectors', async () => {
  assert.deepEqual(changeId(chainId, vector('change')), vector('change.id'));
  const sets = new ValidatorSets(genesis.validators, chainId);
  const change = {
    header: {
      header: vector('handover.header'),
      certificate: decode(types.CommitCertificate, vector('handover.certificate')),
    },
    next_validators: decode(types.ValidatorSet, vector('handover.next_validators')),
  };
  await sets.apply(change);
  assert.deepEqual(sets.current.set.hash, vector('handover.next_validators_hash'));
  assert.equal(sets.at(6n).first_height, 1n);
  assert.equal(sets.at(7n).first_height, 7n);
  await assert.rejects(sets.apply(change), { name: 'Refusal' });
});

test("a link leads to the vectors' heads", () => {
  const entries = numbered('link.entry');
  let head = new Uint8Array(32);
  entries.forEach((entry, i) => {
    head = linkStep(head, entry);
    assert.deepEqual(head, vector(`link.head.${i}`));
  });
  checkWholeLink({ count: 2n, head }, entries);
  assert.throws(() => checkWholeLink({ count: 1n, head }, entries.slice(0, 1)), /head/);
  assert.throws(() => checkWholeLink({ count: 2n, head }, entries.slice().reverse()), /ascend/);
});

test("the state's values are proven", () => {
  const root = vector('state.root');
  const keys = [...all.keys()]
    .filter((name) => /^state\.\w+\.key$/.test(name))
    .map((name) => name.slice(0, -4));
  assert.ok(keys.length >= 10);
  for (const name of keys) {
    const key = vector(`${name}.key`);
    const value = all.has(`${name}.value`) ? vector(`${name}.value`) : null;
    const other = all.has(`${name}.other_leaf.key_hash`)
      ? { key_hash: vector(`${name}.other_leaf.key_hash`), value_hash: vector(`${name}.other_leaf.value_hash`) }
      : null;
    const proof = { other_leaf: other, siblings: numbered(`${name}.sibling`) };
    checkStateProof(root, key, value, proof);
    const lie = value === null ? new Uint8Array(0) : null;
    assert.throws(() => checkStateProof(root, key, lie, proof), { name: 'Refusal' });
  }
  assert.deepEqual(vector('state.block.value'), blockId(vector('block.header')));
});

test('a checkpoint and its token', async () => {
  const block3 = [vector('checkpoint.3.block.id'), vector('checkpoint.3.validators_hash')];
  const siblings = numbered('checkpoint.3.sibling');
  const root = checkpointRoot(chainId, 2n, 4n, 3n, ...block3, siblings);
  assert.deepEqual(root, vector('checkpoint.root'));
  const document = checkpointDocument(chainId, 2n, 4n, root, all.get('checkpoint.authority'));
  assert.deepEqual(document, vector('checkpoint.document'));
  assert.deepEqual(sha256(document), vector('checkpoint.imprint'));
  const stated = await checkToken(
    vector('checkpoint.token'),
    [vector('checkpoint.certificate')],
    sha256(document),
  );
  assert.equal(stated.genTime, BigInt(Date.UTC(2026, 2, 1, 12, 0, 0, 250)));
  assert.equal(stated.accuracy, 1000n);
  assert.deepEqual(stated.root, vector('checkpoint.certificate'));
  await assert.rejects(checkToken(vector('checkpoint.token'), [], sha256(document)), { name: 'Refusal' });
});

test('identifiers have the canonical forms of the document', () => {
  const examples = block('docs/format.md', 'identifiers');
  assert.ok(examples.length > 60);
  for (const example of examples) {
    const [uri, expected] = example.split(' = ');
    if (expected === 'refused') assert.throws(() => canonicalIdentifier(uri), { name: 'Refusal' }, uri);
    else {
      assert.equal(canonicalIdentifier(uri), expected);
      assert.equal(canonicalIdentifier(expected), expected);
    }
  }
});

// A message's structure without the names of its fields: numbers, marks and types, these taken apart in turn. One that is
// inside itself is told by how far up it stands.
function structure(type, above = []) {
  if (above.includes(type)) return `^${above.length - above.indexOf(type)}`;
  return `{${type.fields
    .map(({ number, label, type: kind, message }) => `${number}${label}${message ? structure(message, [...above, type]) : kind}`)
    .join(' ')}}`;
}

test("the messages are those of the documents' tables", async () => {
  const { declare } = await import('../src/protobuf.js');
  const tables = {};
  for (const document of ['docs/format.md', 'docs/evidence.md']) {
    for (const [, name, row] of textOf(document).matchAll(/^\| `(\w+)` \| (\\?\|? ?\d+ .*) \|$/gm)) {
      const fields = row.replaceAll('\\|', '|').replaceAll(/ \([^)]*\)/g, '');
      // docs/evidence.md has a `Transaction` of its own.
      tables[name in tables ? `Evidence${name}` : name] = fields.replaceAll('\\', '');
    }
  }
  if (tables.EvidenceTransaction)
    tables.Evidence = tables.Evidence.replace('`Transaction`', '`EvidenceTransaction`');
  for (const name of ['StateProof', 'OtherLeaf']) {
    tables[name] = {
      StateProof: '1 other_leaf? `OtherLeaf`, 2 siblings* bytes',
      OtherLeaf: '1 key_hash bytes, 2 value_hash bytes',
    }[name];
  }
  const documented = new Set(Object.values(declare(tables)).map((type) => structure(type)));
  const notInTables = ['PageProof', 'ProvenHead', 'StateReply', 'LinkedEvent', 'ItemReply'];
  for (const type of Object.values(types)) {
    if (!notInTables.includes(type.name))
      assert.ok(documented.has(structure(type)), `${type.name} differs from the documents`);
  }
  assert.ok(documented.size > 40);
});

test('no other encoding of a message is accepted', () => {
  const refuse = (type, digits) =>
    assert.throws(() => decode(type, fromHex(digits)), { name: 'Refusal' }, digits);
  assert.equal(decode(types.Position, fromHex('08011002')).transaction, 2);
  refuse(types.Position, '10020801'); // out of order
  refuse(types.Position, '08010801'); // twice
  refuse(types.Position, '0800'); // a default
  refuse(types.Position, '088100'); // a longer varint
  refuse(types.Position, '2001'); // an unknown field
  refuse(types.Position, '0a0101'); // another type
  refuse(types.Position, '1080808080808010'); // above uint32
  refuse(types.Position, '08ffffffffffffffffff02'); // above uint64
  refuse(types.Position, '08'); // ends early
  refuse(types.Position, '888000' + '01'); // a longer tag
  refuse(types.CompleteLink, '0a01ff'); // not UTF-8
  refuse(types.CaptureEvents, '1a001200'); // two members of a oneof, out of order
  refuse(types.CaptureEvents, '12001a00'); // two members of a oneof
  assert.deepEqual(decode(types.CaptureEvents, fromHex('0a001200')).events[0].length, 0);
  assert.deepEqual(decode(types.Organisation, fromHex('1a020102')).roles, [1, 2]);
  refuse(types.Organisation, '1801'); // a list that isn't packed
  refuse(types.Organisation, '1a00'); // an empty packed list
  assert.equal(decode(types.Vote, fromHex('08ffffffffffffffffff01')).kind, -1);
  refuse(types.Vote, '08ffffffff0f'); // an enum that isn't extended to 64 bits
  assert.ok(equal(encode(types.Proposal, decode(types.Proposal, fromHex('2000'))), fromHex('2000')));
});

test('proofs that share nodes are checked as each alone', () => {
  const pairs = Array.from({ length: 40 }, (_, i) => [utf8(`key ${i}`), utf8(`value ${i}`)]);
  const tree = stateTree(pairs);
  const names = [...pairs.map(([name]) => name), utf8('absent'), utf8('missing'), utf8('neither')];
  const proofs = names.map((name) => ({ name, ...tree.prove(name) }));
  const flip = (bytes, at) => Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ 1 : byte));
  for (const { name, value, proof } of proofs) {
    const known = new StateTree(tree.root);
    for (const one of proofs) known.check(one.name, one.value, one.proof);
    known.check(name, value, proof);
    const lies = [
      [value === null ? utf8('x') : flip(value, 0), proof],
      [value === null ? utf8('') : null, proof],
      [value, { ...proof, siblings: proof.siblings.slice(1) }],
      [value, { ...proof, siblings: proof.siblings.slice(0, -1) }],
      [value, { ...proof, siblings: [...proof.siblings, new Uint8Array(32)] }],
      ...proof.siblings.flatMap((sibling, at) =>
        [0, 31].map((byte) => [value, { ...proof, siblings: proof.siblings.with(at, flip(sibling, byte)) }]),
      ),
    ];
    for (const [lie, bent] of lies) {
      assert.throws(() => known.check(name, lie, bent), { name: 'Refusal' });
      assert.throws(() => checkStateProof(tree.root, name, lie, bent), { name: 'Refusal' });
    }
  }
});
