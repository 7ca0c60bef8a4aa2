#!/usr/bin/env node
// How well scans tell copies: a seeded population of honest things and of cloned serial numbers. Prints the assumptions
// and the rates; the exit code is 1 where a rate misses its bound.
//   node app/scans_bench.js [--seed N] [--scans N] [--clones N]

import { parseArgs } from 'node:util';
import { SCAN_RULES_VERSION, assessScans, coarse } from './scans.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    scans: { type: 'string', default: '1000000' },
    clones: { type: 'string', default: '1000' },
  },
});
const [SEED, SCANS, CLONES] = [values.seed, values.scans, values.clones].map(Number);
const MAX_FALSE_ALARMS = 0.0005;
const MIN_FLAGGED = 0.95;

/** Cities with rough positions, and their people in millions: the weights by which buyers live there. */
const CITIES = `Shanghai 31.2 121.5 25,Beijing 39.9 116.4 22,Chongqing 29.6 106.5 16,Tianjin 39.1 117.2 13,Guangzhou 23.1 113.3 18,
Shenzhen 22.5 114.1 17,Chengdu 30.7 104.1 16,Nanjing 32.1 118.8 9,Wuhan 30.6 114.3 12,Xian 34.3 108.9 12,Hangzhou 30.3 120.2 11,
Dongguan 23.0 113.8 10,Foshan 23.0 113.1 9,Shenyang 41.8 123.4 9,Qingdao 36.1 120.4 10,Jinan 36.7 117.0 9,Harbin 45.8 126.5 10,
Zhengzhou 34.7 113.6 12,Changsha 28.2 112.9 10,Dalian 38.9 121.6 7,Kunming 25.0 102.7 8,Changchun 43.9 125.3 8,Xiamen 24.5 118.1 5,
Ningbo 29.9 121.6 9,Suzhou 31.3 120.6 12,Hefei 31.8 117.3 9,Nanning 22.8 108.3 8,Shijiazhuang 38.0 114.5 11,Taiyuan 37.9 112.6 5,
Guiyang 26.6 106.7 6,Nanchang 28.7 115.9 6,Fuzhou 26.1 119.3 8,Wenzhou 28.0 120.7 9,Urumqi 43.8 87.6 4,Lanzhou 36.1 103.8 4,
Hohhot 40.8 111.7 3,Yinchuan 38.5 106.3 2,Xining 36.6 101.8 2,Haikou 20.0 110.3 3,Lhasa 29.7 91.1 1,Wuxi 31.6 120.3 7,
Xuzhou 34.3 117.2 9,Linyi 35.1 118.3 11,Baoding 38.9 115.5 9,Nantong 32.0 120.9 8,Quanzhou 24.9 118.6 9,Yantai 37.5 121.4 7,
Luoyang 34.6 112.4 7,Zhanjiang 21.3 110.4 7,Ganzhou 25.8 114.9 9,Zunyi 27.7 106.9 7,Mianyang 31.5 104.7 5,Yichang 30.7 111.3 4`
  .split(',')
  .map((line) => line.trim().split(' '))
  .map(([, latitude, longitude, people]) => ({
    latitude: Number(latitude),
    longitude: Number(longitude),
    people: Number(people),
  }));
const PEOPLE = CITIES.reduce((sum, { people }) => sum + people, 0);

/** Assumptions about honest things. */
const WRONG_PLACE = 0.003; // of scans: the position is that of some other city
const MOVES_ONCE = 0.03; // of things: taken to another city, by train or plane
const MOVES_TWICE = 0.003; // given on, or brought back
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 0, 1);

/** sfc32, seeded: the same numbers on every machine. */
function generator(seed) {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, seed | 0];
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 20; i++) next();
  return next;
}
const random = generator(SEED);
const chance = (share) => random() < share;
const between = (low, high) => low + random() * (high - low);

function city() {
  let at = random() * PEOPLE;
  return CITIES.find(({ people }) => (at -= people) < 0) ?? CITIES[0];
}

/** Somewhere in a city's surroundings. */
const around = ({ latitude, longitude }) => ({
  latitude: latitude + between(-0.3, 0.3),
  longitude: longitude + between(-0.3, 0.3),
});

const scan = (place, timeMs) =>
  coarse({ ...around(chance(WRONG_PLACE) ? city() : place), timeMs, visitor: Math.floor(random() * 1e9) });

/** How often an honest thing is scanned: mostly once, some on a shelf by many. */
function honestCount() {
  const at = random();
  if (at < 0.55) return 1;
  if (at < 0.8) return 2;
  if (at < 0.92) return 3;
  if (at < 0.995) return 4 + Math.floor(random() * 5);
  return 10 + Math.floor(random() * 40);
}

/** The scans of an honest thing: at home, or on its way to another city, hours after it left. */
function* honest() {
  const moves = chance(MOVES_TWICE) ? 2 : chance(MOVES_ONCE) ? 1 : 0;
  const places = Array.from({ length: moves + 1 }, city);
  let timeMs = START_MS + between(0, 300 * DAY_MS);
  let at = 0;
  const count = honestCount();
  for (let i = 0; i < count; i++) {
    if (at < moves && chance(0.4)) {
      at++;
      // The way takes at least as long as a plane with the ways to and from it.
      timeMs += between(5 * HOUR_MS, 10 * DAY_MS);
    }
    yield scan(places[at], timeMs);
    timeMs += chance(0.5) ? between(0.01 * HOUR_MS, 4 * HOUR_MS) : between(0, 30 * DAY_MS);
  }
}

const scanned = { scans: 0, things: 0, alarms: 0, alarmed: 0 };
while (scanned.scans < SCANS) {
  const past = [];
  let alarmed = false;
  for (const one of honest()) {
    past.push(one);
    scanned.scans++;
    if (assessScans(past).length > 0) {
      scanned.alarms++;
      alarmed = true;
    }
  }
  scanned.things++;
  if (alarmed) scanned.alarmed++;
}

/** One label copied many times: the genuine thing's scans, and those of copies all over the country within a month. */
function clone() {
  const genuine = [...honest()].slice(0, 3);
  const start = genuine[0].hour * HOUR_MS + between(0, 10 * DAY_MS);
  const copies = Array.from({ length: 3 }, () => ({ ...scan(city(), start + between(0, 30 * DAY_MS)), copy: true }));
  return [...genuine, ...copies].sort((a, b) => a.hour - b.hour);
}

let flagged = 0;
const byCopy = [0, 0, 0];
for (let i = 0; i < CLONES; i++) {
  const past = [];
  let copies = 0;
  for (const one of clone()) {
    past.push(one);
    if (one.copy) copies++;
    if (one.copy && assessScans(past).length > 0) {
      byCopy[copies - 1]++;
      flagged++;
      break;
    }
  }
}

const percent = (share) => `${(100 * share).toFixed(3)} %`;
const falseAlarms = scanned.alarms / scanned.scans;
const isGood = falseAlarms <= MAX_FALSE_ALARMS && flagged / CLONES >= MIN_FLAGGED;
process.stdout.write(
  `rules of scans, version ${SCAN_RULES_VERSION}, seed ${SEED}\n` +
    `assumed: ${CITIES.length} cities by their people; ${percent(WRONG_PLACE)} of positions wrong; ` +
    `${percent(MOVES_ONCE)} of things taken to another city, ${percent(MOVES_TWICE)} to two; copies sold anywhere within 30 days\n` +
    `honest: ${scanned.scans} scans of ${scanned.things} things; false alarms ${scanned.alarms} = ${percent(falseAlarms)} of scans, ` +
    `${percent(scanned.alarmed / scanned.things)} of things (bound: ${percent(MAX_FALSE_ALARMS)} of scans)\n` +
    `cloned: ${CLONES} serial numbers; flagged at the first, second, third scan of a copy: ${byCopy.join(', ')}; ` +
    `in all ${percent(flagged / CLONES)} (bound: ${percent(MIN_FLAGGED)})\n`,
);
process.exitCode = isGood ? 0 : 1;
