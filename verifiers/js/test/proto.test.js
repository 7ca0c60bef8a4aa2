// The messages against the .proto files that nodes and clients are built from: names, numbers, types, and which fields
// exclude each other. The documents' tables have no names of fields that a program could compare; these files do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkEnvelope } from '../src/chain.js';
import { types } from '../src/messages.js';
import { emptyMessage } from '../src/protobuf.js';
import { textOf } from './support/repository.js';
import { SampleLedger } from './support/sample.js';

/** The messages and enums of a .proto file: fields by number as `name label type`. */
function readProto(file) {
  const source = textOf(`proto/touchstone/${file}`).replace(/\/\/.*$/gm, '');
  const enums = new Set([...source.matchAll(/^\s*enum (\w+)/gm)].map(([, name]) => name));
  const messages = new Map();
  for (const [, name, body] of source.matchAll(/^message (\w+) \{\n([^]*?)^\}/gm)) {
    const fields = new Map();
    let isOneof = false;
    for (const line of body.split('\n')) {
      if (/^\s*oneof /.test(line)) isOneof = true;
      else if (/^\s*\}/.test(line)) isOneof = false;
      const found = /^\s*(repeated |optional )?([\w.]+) (\w+) = (\d+)/.exec(line);
      if (found === null) continue;
      const [, label = '', type, field, number] = found;
      fields.set(Number(number), { field, label: isOneof ? 'oneof' : label.trim(), type: type.split('.').pop() });
    }
    messages.set(name, fields);
  }
  return { messages, enums };
}

const files = ['ledger.proto', 'node.proto', 'evidence.proto'].map(readProto);
const enums = new Set(files.flatMap((file) => [...file.enums]));

/** In these files a message that is missing may be marked so or not; scalars are marked where absence differs from zero. */
const isOptional = ({ label }) => label === 'optional';

test('each message has the names, numbers and types of the .proto files', () => {
  let compared = 0;
  for (const [, name, type] of Object.entries(types).map(([key, value]) => [key, value.name, value])) {
    const [ledger, node, evidence] = files.map(({ messages }) => messages.get(name));
    // evidence.proto has a message of the name of the ledger's.
    const declared = name === 'ProvenTransaction' ? files[2].messages.get('Transaction') : ledger ?? node ?? evidence;
    assert.ok(declared, `${name} is in no .proto file`);
    assert.deepEqual([...declared.keys()], type.fields.map(({ number }) => number), name);
    for (const { number, key, label, type: kind, message } of type.fields) {
      const { field, type: stated, ...rest } = declared.get(number);
      const place = `${name}.${key}`;
      assert.equal(key, field, place);
      const wanted = enums.has(stated) ? 'enum' : name === 'Evidence' && stated === 'Transaction' ? 'ProvenTransaction' : stated;
      assert.equal(kind, wanted, place);
      assert.equal(label === 'repeated', rest.label === 'repeated', place);
      assert.equal(label === 'oneof', rest.label === 'oneof', place);
      if (message === null) assert.equal(label === 'optional', isOptional(rest), place);
    }
    compared++;
  }
  assert.ok(compared > 80, `${compared}`);
});

test('a transaction is one of any action', async () => {
  const ledger = new SampleLedger({ events: [] });
  const actions = [...files[0].messages.get('Transaction').values()].filter(({ label }) => label === 'oneof');
  assert.ok(actions.length > 20);
  for (const { field, type } of actions) {
    const { envelope } = ledger.signed({ [field]: emptyMessage(types[type]) });
    const transaction = await checkEnvelope(envelope, ledger.chainId);
    assert.notEqual(transaction[field], null, field);
  }
  await assert.rejects(checkEnvelope(ledger.signed({}).envelope, ledger.chainId), /no action/);
});
