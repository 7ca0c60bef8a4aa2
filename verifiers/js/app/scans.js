// Copies told by how often and where one serial number is scanned. A copy has the label of one genuine thing, so that
// one number shows up in places where one thing can't have been. A scan is kept coarse: a cell of half a degree, the
// hour, and a visitor's mark that is salted anew each day, so that it tells scans of one day apart and no person.
// No rule says that the thing at hand is the copy: the genuine one gets the same verdict.

/** Raised whenever a rule or a bound changes. */
export const SCAN_RULES_VERSION = 1;

/** What scans may tell; a node's answer has no other codes. */
export const SCAN_CODES = ['scan-impossible-travel', 'scan-many-places', 'scan-many-visitors'];

const HOUR_MS = 3_600_000;
const EARTH_KM = 6371;
/** Edge of a cell, in degrees. */
export const CELL = 0.5;
/** Two places in one cell, or in cells that touch, are taken for one: so much may the distance of two cells mislead. */
const CELL_KM = 160;
/** Airliners do less than this between cities, the way to and from the airport included. */
const FASTEST_KMH = 800;
/** Scans older than this say nothing of each other: goods are moved, sold again, given away. */
const WINDOW_MS = 60 * 24 * HOUR_MS;
/** Places that one thing may be scanned in within the window, each farther than NEAR_KM from all others. */
const MAX_PLACES = 2;
const NEAR_KM = 150;
/** Visitors within the window who are far from the first scan: a thing on a shelf is looked at by many, in one place. */
const MAX_VISITORS_AWAY = 12;

/** A scan as it is kept: never the exact place or time. */
export const coarse = ({ latitude, longitude, timeMs, visitor }) => ({
  row: Math.floor(latitude / CELL),
  column: Math.floor(longitude / CELL),
  hour: Math.floor(timeMs / HOUR_MS),
  visitor,
});

/** Kilometres between the middles of two cells, on the sphere. */
function distance(a, b) {
  const radians = (degrees) => (degrees * Math.PI) / 180;
  const [phi, psi] = [a, b].map(({ row }) => radians((row + 0.5) * CELL));
  const delta = radians((b.column - a.column) * CELL);
  const half = Math.sin((psi - phi) / 2) ** 2 + Math.cos(phi) * Math.cos(psi) * Math.sin(delta / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(half)));
}

/** Whether no thing comes from one scan's place to the other's in time. Hours are whole: up to one more may lie between. */
function isImpossible(a, b) {
  const way = distance(a, b) - CELL_KM;
  return way > FASTEST_KMH * (Math.abs(a.hour - b.hour) + 1);
}

/**
 * Whether all impossible ways vanish when one scan is left out: a telephone's position may be wrong once. Two wrong ones
 * are not explained so.
 */
function isOneWrongPlace(scans) {
  const ways = [];
  scans.forEach((a, i) => {
    for (let k = i + 1; k < scans.length; k++) if (isImpossible(a, scans[k])) ways.push([i, k]);
  });
  if (ways.length < 2) return true;
  return ways[0].some((suspected) => ways.every((way) => way.includes(suspected)));
}

/** Places that are far from each other, greedily and in the order of time. */
function farPlaces(scans) {
  const places = [];
  for (const scan of scans) if (places.every((place) => distance(place, scan) > NEAR_KM)) places.push(scan);
  return places;
}

/**
 * What the coarse scans of one serial number tell, in the order in which they came: codes, or none. The last scan
 * is the one that is judged; scans before the window are left out.
 */
export function assessScans(scans) {
  const last = scans[scans.length - 1];
  if (last === undefined) return [];
  const recent = scans.filter(({ hour }) => (last.hour - hour) * HOUR_MS <= WINDOW_MS);
  const found = [];
  if (!isOneWrongPlace(recent)) found.push('scan-impossible-travel');
  if (farPlaces(recent).length > MAX_PLACES) found.push('scan-many-places');
  // A mark tells visitors of one day apart, and is another one the next day.
  const marks = ({ visitor, hour }) => `${Math.floor(hour / 24)} ${visitor}`;
  const away = new Set(recent.filter((scan) => distance(scan, recent[0]) > NEAR_KM).map(marks));
  if (away.size > MAX_VISITORS_AWAY) found.push('scan-many-visitors');
  return found;
}
