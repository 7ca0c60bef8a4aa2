// The rules on scans, on scans that are made here; scans_bench.js has their rates over a population.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { SCAN_RULES_VERSION, assessScans, coarse } from '../scans.js';
import { pathOf, textOf } from '../../test/support/repository.js';

const VECTORS = 'tests/data/scans/vectors.txt';

const SHANGHAI = [31.2, 121.5];
const BEIJING = [39.9, 116.4];
const CHENGDU = [30.7, 104.1];
const SUZHOU = [31.3, 120.6];

const scan = ([latitude, longitude], hours, visitor = 1) =>
  coarse({ latitude, longitude, timeMs: hours * 3_600_000, visitor });

test('one place, however often, is nothing', () => {
  assert.deepEqual(assessScans([]), []);
  const many = Array.from({ length: 200 }, (_, i) => scan(SHANGHAI, i, i));
  assert.deepEqual(assessScans(many), []);
});

test('a place near by is the same place', () => {
  assert.deepEqual(assessScans([scan(SHANGHAI, 0), scan(SUZHOU, 0), scan(SHANGHAI, 1)]), []);
});

test('one journey, and one wrong position, are no alarm', () => {
  assert.deepEqual(assessScans([scan(SHANGHAI, 0), scan(BEIJING, 6)]), []);
  assert.deepEqual(assessScans([scan(SHANGHAI, 0), scan(SHANGHAI, 1), scan(CHENGDU, 1), scan(SHANGHAI, 2)]), []);
});

test('two impossible ways that no one wrong position explains are', () => {
  const scans = [scan(SHANGHAI, 0), scan(CHENGDU, 0), scan(SHANGHAI, 24), scan(CHENGDU, 24)];
  assert.deepEqual(assessScans(scans.slice(0, 3)), []);
  assert.deepEqual(assessScans(scans), ['scan-impossible-travel']);
});

test('three far places within the window are, and not beyond it', () => {
  const scans = [scan(SHANGHAI, 0), scan(BEIJING, 200), scan(CHENGDU, 400)];
  assert.deepEqual(assessScans(scans.slice(0, 2)), []);
  assert.deepEqual(assessScans(scans), ['scan-many-places']);
  assert.deepEqual(assessScans([scan(SHANGHAI, 0), scan(BEIJING, 200), scan(CHENGDU, 61 * 24)]), []);
});

test('many visitors far from the first scan are', () => {
  const away = (count) => [scan(SHANGHAI, 0), ...Array.from({ length: count }, (_, i) => scan(BEIJING, 48 + i, i))];
  assert.deepEqual(assessScans(away(12)), []);
  assert.deepEqual(assessScans(away(13)), ['scan-many-visitors']);
});

test('a scan keeps no exact place and time', () => {
  const kept = coarse({ latitude: 31.23, longitude: 121.47, timeMs: 3_600_000 * 5 + 1234, visitor: 7 });
  assert.deepEqual(kept, { row: 62, column: 242, hour: 5, visitor: 7 });
});

// A node decides by the same rules, written again (node/src/scans/rules.rs): both are held to these sequences.
// TOUCHSTONE_WRITE_VECTORS=1 writes them.
test('the vectors for other implementations are what these rules decide', () => {
  const cities = [SHANGHAI, BEIJING, CHENGDU, SUZHOU, [-33.9, 18.4], [64.1, -21.9], [-17.7, 178.0], [-17.5, -179.5]];
  let state = 1;
  // Numerical Recipes' generator: the same everywhere.
  const below = (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  const sequence = () => {
    const home = cities[below(cities.length)];
    let hours = 480_000 + below(1000);
    const spread = 1 + below(4);
    return Array.from({ length: 1 + below(30) }, () => {
      hours += below(3) === 0 ? below(24 * 20) : below(6);
      const place = below(10) < 2 * spread ? cities[below(cities.length)] : home;
      return scan([place[0] + below(9) / 10, place[1] + below(9) / 10], hours, below(40));
    });
  };
  const lines = Array.from({ length: 400 }, sequence).map((scans) => {
    const codes = assessScans(scans).join(',') || 'none';
    return `${codes} = ${scans.map(({ row, column, hour, visitor }) => `${row} ${column} ${hour} ${visitor}`).join('; ')}`;
  });
  const text = `# Scans of one serial number each, as row, column, hour and visitor, and what the rules of version ${SCAN_RULES_VERSION} find.\n${lines.join('\n')}\n`;
  if (process.env.TOUCHSTONE_WRITE_VECTORS) writeFileSync(pathOf(VECTORS), text);
  assert.equal(textOf(VECTORS), text);
});
