// Drawings: sensor readings over time, and places on a map. Each has its content as text too.

import { LAND } from './land.js';

const SVG = 'http://www.w3.org/2000/svg';

/** An SVG element. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** As wide as on a phone, so that its letters keep their size there. */
const PLOT = { width: 400, height: 150, left: 48, right: 12, top: 12, bottom: 28 };

/** Round steps of an axis: 1, 2 or 5 times a power of ten. */
function ticks(low, high, wanted) {
  const raw = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= raw);
  const marks = [];
  for (let mark = Math.ceil(low / step) * step; mark <= high + step / 1e6; mark += step) marks.push(Number(mark.toPrecision(12)));
  return marks;
}

/** One series: a bar from the least to the greatest value of each reading's time, and a line through the middles. */
export function chart({ points }, title, dateText) {
  const first = Math.min(...points.map(({ from }) => from));
  const last = Math.max(...points.map(({ to }) => to));
  const span = last - first || 1;
  let low = Math.min(...points.map((point) => point.low));
  let high = Math.max(...points.map((point) => point.high));
  const margin = (high - low || Math.abs(high) || 1) * 0.1;
  low -= margin;
  high += margin;
  const x = (ms) => PLOT.left + ((ms - first) / span) * (PLOT.width - PLOT.left - PLOT.right);
  const y = (value) => PLOT.top + ((high - value) / (high - low)) * (PLOT.height - PLOT.top - PLOT.bottom);
  const fixed = (number) => number.toFixed(1);
  const middles = points.filter(({ middle }) => middle !== null);
  return svg(
    'svg',
    { viewBox: `0 0 ${PLOT.width} ${PLOT.height}`, role: 'img', 'aria-label': title, class: 'chart' },
    ticks(low, high, 4).map((mark) => [
      svg('line', { class: 'grid', x1: PLOT.left, x2: PLOT.width - PLOT.right, y1: fixed(y(mark)), y2: fixed(y(mark)) }),
      svg('text', { x: PLOT.left - 6, y: fixed(y(mark) + 4), 'text-anchor': 'end' }, String(mark)),
    ]),
    svg('text', { x: PLOT.left, y: PLOT.height - 8 }, dateText(first)),
    last > first
      ? svg('text', { x: PLOT.width - PLOT.right, y: PLOT.height - 8, 'text-anchor': 'end' }, dateText(last))
      : null,
    points.map(({ from, to, low: least, high: most, exception }) => {
      const width = Math.max(x(to) - x(from), 3);
      const height = Math.max(y(least) - y(most), 2);
      return svg('rect', {
        class: exception === '' ? 'range' : 'range alarm',
        x: fixed(x(from)),
        y: fixed(y(most)),
        width: fixed(width),
        height: fixed(height),
      });
    }),
    middles.length > 1
      ? svg('polyline', {
          class: 'middle',
          points: middles.map(({ from, to, middle }) => `${fixed(x((from + to) / 2))},${fixed(y(middle))}`).join(' '),
        })
      : null,
  );
}

const UNITS = 2;
const WORLD = { width: 720, height: 300 };

/** Places in order, joined by a line; numbers stand at them, which the list beside the map explains. */
export function map(places, title) {
  const spots = places.map(({ latitude, longitude }) => [(longitude + 180) * UNITS, (90 - latitude) * UNITS]);
  const [xs, ys] = [0, 1].map((axis) => spots.map((spot) => spot[axis]));
  const around = (values, least, most) => {
    const room = Math.max((Math.max(...values) - Math.min(...values)) * 0.2, 20);
    return [Math.max(Math.min(...values) - room, 0), Math.min(Math.max(...values) + room, most), least];
  };
  let [left, right] = around(xs, 0, WORLD.width);
  let [top, bottom] = around(ys, 0, WORLD.height + 60);
  // Twice as wide as high, whatever the places are.
  if (right - left < 2 * (bottom - top)) {
    const middle = (left + right) / 2;
    [left, right] = [middle - (bottom - top), middle + (bottom - top)];
  } else {
    const middle = (top + bottom) / 2;
    [top, bottom] = [middle - (right - left) / 4, middle + (right - left) / 4];
  }
  const size = (right - left) / 40;
  return svg(
    'svg',
    {
      viewBox: [left, top, right - left, bottom - top].map((number) => number.toFixed(1)).join(' '),
      role: 'img',
      'aria-label': title,
      class: 'map',
    },
    svg('path', { class: 'land', d: LAND }),
    svg('polyline', {
      class: 'way',
      'stroke-width': (size / 6).toFixed(2),
      points: spots.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' '),
    }),
    spots.map(([x, y], i) => [
      svg('circle', { class: 'spot', cx: x.toFixed(1), cy: y.toFixed(1), r: size.toFixed(2) }),
      svg(
        'text',
        { class: 'number', x: x.toFixed(1), y: (y + size / 2.2).toFixed(2), 'font-size': (1.3 * size).toFixed(2), 'text-anchor': 'middle' },
        String(i + 1),
      ),
    ]),
  );
}
