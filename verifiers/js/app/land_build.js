#!/usr/bin/env node
// Makes land.js: the outlines of land as one SVG path, from Natural Earth (public domain) by way of world-atlas. There are
// no borders on it. Run it when world-atlas changes.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { transform, arcs, objects } = JSON.parse(readFileSync(here('../node_modules/world-atlas/land-110m.json'), 'utf8'));
/** Half a degree. */
const UNITS = 2;

/** An arc's points in whole units: x from 0 at 180° W, y from 0 at 90° N. */
const points = arcs.map((arc) => {
  let [x, y] = [0, 0];
  return arc.map(([dx, dy]) => {
    x += dx;
    y += dy;
    const longitude = x * transform.scale[0] + transform.translate[0];
    const latitude = y * transform.scale[1] + transform.translate[1];
    return [Math.round((longitude + 180) * UNITS), Math.round((90 - latitude) * UNITS)];
  });
});

const WIDTH = 360 * UNITS;
const SOUTH = 180 * UNITS;

/** A ring as a path; one that crosses 180° is unrolled and drawn on both sides, one around the pole goes down to it. */
function ring(indices) {
  const all = indices.flatMap((index) => (index < 0 ? [...points[~index]].reverse() : points[index]));
  let turn = 0;
  const kept = [];
  all.forEach(([x, y], i) => {
    const before = i === 0 ? x : all[i - 1][0];
    if (x - before > WIDTH / 2) turn -= WIDTH;
    if (before - x > WIDTH / 2) turn += WIDTH;
    const last = kept[kept.length - 1];
    if (last === undefined || last[0] !== x + turn || last[1] !== y) kept.push([x + turn, y]);
  });
  if (kept.length < 4) return '';
  if (turn !== 0) kept.push([kept[kept.length - 1][0], SOUTH], [kept[0][0], SOUTH]);
  const xs = kept.map(([x]) => x);
  const shifts = [0, Math.min(...xs) < 0 && WIDTH, Math.max(...xs) > WIDTH && -WIDTH].filter((shift) => shift !== false);
  return shifts.map((shift) => draw(kept.map(([x, y]) => [x + shift, y]))).join('');
}

function draw([[x, y], ...rest]) {
  let [px, py] = [x, y];
  const steps = rest.map(([nx, ny]) => {
    const step = `${nx - px} ${ny - py}`;
    [px, py] = [nx, ny];
    return step;
  });
  return `M${x} ${y}l${steps.join(' ').replaceAll(' -', '-')}z`;
}

const path = objects.land.geometries
  .flatMap(({ type, arcs: shape }) => (type === 'Polygon' ? [shape] : shape))
  .flatMap((polygon) => polygon.map(ring))
  .join('');
writeFileSync(
  here('land.js'),
  '// Made by land_build.js from Natural Earth, 1:110m, which is in the public domain. Half degrees from 180° W and 90° N.\n' +
    `export const LAND = '${path}';\n`,
);
