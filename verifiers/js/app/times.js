// Times as people read them.

/** An event's time in the zone that its recorder stated, to the minute. */
export function localTime(ms, offset) {
  if (!Number.isFinite(ms)) return '';
  const match = /^([+-])(\d{2}):(\d{2})$/.exec(offset);
  const minutes = match === null ? 0 : Number(`${match[1]}1`) * (60 * Number(match[2]) + Number(match[3]));
  return `${new Date(ms + 60_000 * minutes).toISOString().slice(0, 16).replace('T', ' ')} (UTC${match === null ? '' : offset})`;
}

/** A time in UTC, to the second. */
export function utcTime(ms) {
  const date = new Date(Number(ms));
  return Number.isNaN(date.getTime()) ? `${ms} ms` : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The day of a time in UTC. */
export const utcDay = (ms) => utcTime(ms).slice(0, 10);
