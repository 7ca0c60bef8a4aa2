// JSON by RFC 8259, strictly.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../src/bytes.js';
import { JsonNumber, parseJson } from '../src/json.js';

const parse = (text) => parseJson(utf8(text));

test('values are read', () => {
  assert.deepEqual(parse(' {"a" : [1, -2.5e+3, true, false, null, "x"]}\n').get('a'), [
    new JsonNumber('1'),
    new JsonNumber('-2.5e+3'),
    true,
    false,
    null,
    'x',
  ]);
  assert.equal(parse('"\\u00e9\\n\\/\\"\\ud83d\\ude00"'), 'é\n/"😀');
  assert.equal(parse('[]').length, 0);
  assert.equal(parse('{}').size, 0);
  assert.equal(parse(`${'['.repeat(100)}${']'.repeat(100)}`).length, 1);
});

test('anything else is refused', () => {
  const texts = [
    '',
    ' ',
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '[1,]',
    '{,}',
    '{"a"}',
    '{a:1}',
    "'a'",
    '01',
    '+1',
    '1.',
    '.5',
    '1e',
    '-',
    'NaN',
    'tru',
    '"\n"',
    '"\\x"',
    '"\\u12"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\ud800"',
    '"a',
    '1 2',
    '\ufeff1',
    '\u00a01',
    '['.repeat(1_000_000),
    '{"a":'.repeat(1_000_000),
  ];
  for (const text of texts) assert.throws(() => parse(text), { name: 'Refusal' }, text.slice(0, 20));
  assert.throws(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22)), { name: 'Refusal' });
});
