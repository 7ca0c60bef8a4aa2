// The genesis document: each rule of docs/format.md, "Chain id and genesis", is broken once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../src/bytes.js';
import { readGenesis } from '../src/genesis.js';
import { textOf } from './support/repository.js';

const source = textOf('chain-core/tests/golden/genesis.json');
const read = (text) => readGenesis(utf8(text));

/** The document with a change. */
function changed(edit) {
  const document = JSON.parse(source);
  edit(document, document.organisations);
  return JSON.stringify(document);
}

test('the golden document holds, and its form is free', () => {
  assert.equal(read(source).organisations.length, 4);
  assert.equal(read(changed(() => {})).validators.validators.length, 4);
  assert.equal(read(JSON.stringify(JSON.parse(source), null, 7)).chain, JSON.parse(source).chain);
});

test('a lifetime may be missing, null or a day', () => {
  const lifetime = (value) =>
    read(
      changed((d) => {
        d.parameters.transaction_lifetime_ms = value;
      }),
    ).parameters.transaction_lifetime_ms;
  assert.equal(lifetime(undefined), 0n);
  assert.equal(lifetime(null), 0n);
  assert.equal(lifetime(86_400_000), 86_400_000n);
});

const weak = '01'.padEnd(64, '0');
const key = (organisations, i) => organisations[i].keys[0];
const nodeOf = (organisations) => organisations.find(({ nodes }) => nodes?.length > 0).nodes[0];

const FAULTS = {
  'another format': (d) => {
    d.format = 'touchstone/genesis/v2';
  },
  'an unknown member': (d) => {
    d.note = 1;
  },
  'a missing member': (d) => {
    delete d.time_ms;
  },
  'an unknown parameter': (d) => {
    d.parameters.speed = 1;
  },
  'a missing parameter': (d) => {
    delete d.parameters.precision_ms;
  },
  'a parameter out of range': (d) => {
    d.parameters.precision_ms = 60_001;
  },
  'a parameter of 0': (d) => {
    d.parameters.message_delay_ms = 0;
  },
  'a lifetime of less than a minute': (d) => {
    d.parameters.transaction_lifetime_ms = 59_999;
  },
  'a lifetime of more than 366 days': (d) => {
    d.parameters.transaction_lifetime_ms = 31_622_400_001;
  },
  'a block smaller than a transaction': (d) => {
    d.parameters.max_block_bytes = d.parameters.max_transaction_bytes - 1;
  },
  'a number as text': (d) => {
    d.time_ms = '1';
  },
  'a fraction': (d) => {
    d.time_ms = 1.5;
  },
  'a negative number': (d) => {
    d.time_ms = -1;
  },
  'an empty chain': (d) => {
    d.chain = '';
  },
  'a long chain': (d) => {
    d.chain = 'é'.repeat(33);
  },
  'a control character': (d) => {
    d.chain = 'a\u0085';
  },
  'an id twice': (d, o) => {
    o[1].id = o[0].id;
  },
  'an id with a capital': (d, o) => {
    o[0].id = 'Market';
  },
  'an id of one letter': (d, o) => {
    o[0].id = 'm';
  },
  'no name': (d, o) => {
    o[0].name = '';
  },
  'no roles': (d, o) => {
    o[0].roles = [];
  },
  'a role twice': (d, o) => {
    o[0].roles = ['court', 'court'];
  },
  'an unknown role': (d, o) => {
    o[0].roles = ['judge'];
  },
  'no keys': (d, o) => {
    o[0].keys = [];
  },
  'a key twice': (d, o) => {
    o[0].keys.push(key(o, 0));
  },
  'a key of two organisations': (d, o) => {
    o[0].keys.push(key(o, 1));
  },
  'a key in capitals': (d, o) => {
    o[0].keys = [key(o, 0).toUpperCase()];
  },
  'a weak key': (d, o) => {
    o[0].keys.push(weak);
  },
  'a weak network key': (d, o) => {
    nodeOf(o).network_key = weak;
  },
  'a weak validator': (d, o) => {
    nodeOf(o).validator_key = weak;
  },
  'a network key twice': (d, o) => {
    const { nodes } = o.find((one) => one.nodes?.length > 0);
    nodes.push({ ...nodes[0], validator_key: null });
  },
  'nine addresses': (d, o) => {
    nodeOf(o).addresses = Array(9).fill('a');
  },
  'a long address': (d, o) => {
    nodeOf(o).addresses = ['a'.repeat(257)];
  },
  'an unknown member of a node': (d, o) => {
    nodeOf(o).port = 1;
  },
  'a short prefix': (d, o) => {
    o[0].gs1_prefixes = ['952'];
  },
  'a prefix twice': (d, o) => {
    o[0].gs1_prefixes = ['8888', '8888'];
  },
  'a prefix of two': (d, o) => {
    o[0].gs1_prefixes = ['8888'];
    o[1].gs1_prefixes = ['8888'];
  },
  "a prefix within another one's": (d, o) => {
    o[0].gs1_prefixes = ['8888'];
    o[1].gs1_prefixes = ['88881'];
  },
  'prefixes that are null': (d, o) => {
    o[0].gs1_prefixes = null;
  },
};

for (const [name, edit] of Object.entries(FAULTS)) {
  test(`refused: ${name}`, () => {
    assert.throws(() => read(changed(edit)), { name: 'Refusal' });
  });
}

test('a name twice in an object, a byte order mark and a leading zero are refused', () => {
  assert.throws(() => read(source.replace('{', '{"chain":"a",')), { name: 'Refusal' });
  assert.throws(() => read(`\ufeff${source}`), { name: 'Refusal' });
  assert.throws(() => read(source.replace(/"time_ms": ?/, '"time_ms":0')), { name: 'Refusal' });
});

test("an organisation's own prefixes may begin with one another", () => {
  assert.doesNotThrow(() =>
    read(
      changed((d, o) => {
        o[0].gs1_prefixes = ['8888', '88881'];
      }),
    ),
  );
});
