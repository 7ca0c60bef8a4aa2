// Fields and views of a deposit: told as far as they are shown, and none of it bent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readContent } from '../src/content.js';
import { sha256 } from '../src/hashes.js';
import { utf8 } from '../src/bytes.js';
import { verifyEvidence } from '../node.js';
import { read, write } from './support/files.js';
import { bytesOf, golden } from './support/repository.js';

const genesis = bytesOf('chain-core/tests/data/evidence/genesis.json');
const examine = (file) => verifyEvidence(file, { genesis });
const named = ({ name, value }) => [name, value];

test('what the holder shows, and what the owner disclosed, is told', async () => {
  const held = await examine(golden('fields.evidence'));
  const { deposit } = held.facts;
  assert.deepEqual([held.verdict, deposit.title, deposit.title_is_recorded], ['verified', null, false]);
  assert.deepEqual(deposit.content.views, ['front', 'back']);
  assert.deepEqual(deposit.content.fields.map(named), [
    ['class', '06-01'],
    ['author', 'Lin Yue'],
    ['author', '王维'],
  ]);
  const { facts } = await examine(golden('disclosed-fields.evidence'));
  assert.deepEqual([facts.deposit.title, facts.deposit.title_is_recorded], ['折叠椅 "7"', true]);
  assert.deepEqual(
    facts.deposit.content.fields.map(({ name }) => name),
    ['title', 'class'],
  );
});

test('every bent part is refused', async () => {
  const judge = async (bend) => {
    const evidence = read(golden('fields.evidence'));
    bend(evidence.opening, evidence.opening.content);
    const { checks } = await examine(write(evidence));
    return checks.filter(({ result }) => result === 'failed').map(({ element }) => element);
  };
  assert.deepEqual(await judge(() => {}), []);
  const bends = [
    (opening) => (opening.title = 'Chair'),
    (opening) => (opening.content = null),
    (opening) => opening.files.reverse(),
    (_, content) => content.views.reverse(),
    (_, content) => (content.views[0] = 13),
    (_, content) => (content.views[0] = -1),
    (_, content) => content.views.pop(),
    (_, content) => content.digests.pop(),
    (_, content) => (content.digests[0] = content.digests[1]),
    (_, content) => content.disclosures.reverse(),
    (_, content) => content.disclosures.unshift(content.disclosures[0]),
    (_, content) => content.disclosures.push('x'),
    ...Array.from({ length: 12 }, (_, place) => (_opening, content) => (content.digests[place][0] ^= 1)),
  ];
  for (const bend of bends) assert.deepEqual(await judge(bend), ['opening'], bend.toString());
});

test('one field has one disclosure, however it is written', () => {
  const salt = 'BwcHBwcHBwcHBwcHBwcHBw';
  const good = `["${salt}","class","06-01"]`;
  const title = (value) => `["${salt}","title","${value}"]`;
  const written = (text) => Buffer.from(text).toString('base64url');
  const digests = Array.from({ length: 12 }, (_, place) => new Uint8Array(32).fill(place));
  const shown = (disclosure, place) => {
    const content = { views: [0], digests: [...digests], disclosures: [disclosure] };
    content.digests[place] = sha256(utf8(disclosure));
    const found = readContent([new Uint8Array(32)], place === 0 ? (content.title ?? '') : '', content);
    return found.fields;
  };
  assert.deepEqual(shown(written(good), 1).map(named), [['class', '06-01']]);
  const deep = '['.repeat(4000);
  for (const text of [
    '',
    '[]',
    `\ufeff${good}`,
    ` ${good}`,
    `${good}\n`,
    good.replaceAll(',', ', '),
    good.replace('class', 'cl\\u0061ss'),
    good.replace('"06-01"', '6'),
    good.replace('"06-01"', 'null'),
    good.replace(salt, salt.slice(1)),
    good.replace(salt, `${salt.slice(1)}+`),
    good.replace('06-01', '33-01'),
    good.replace('06-01', '06-00'),
    good.replace('06-01', '06-1'),
    good.replace('class', 'Class'),
    good.replace('class', '__proto__'),
    good.replace('class', 'constructor'),
    deep,
    `["${salt}","class",${deep}`,
  ]) {
    assert.throws(() => shown(written(text), 1), { name: 'Refusal' }, text.slice(0, 60));
  }
  for (const value of ['\\ud800', 'a\\nb', '\u007f', '', 'x'.repeat(257)]) {
    assert.throws(() => shown(written(title(value)), 0), /title|RFC 8785/, value.slice(0, 20));
  }
  const whole = written(good);
  for (const text of [`${whole}=`, `+${whole.slice(1)}`, `${whole.slice(0, -1)}1`, 'W'.repeat(8193), 'é']) {
    assert.throws(() => shown(text, 1), { name: 'Refusal' }, text.slice(0, 60));
  }
});
