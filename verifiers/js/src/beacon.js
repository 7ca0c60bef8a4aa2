// Pulses of a public beacon in draws of jurors (docs/format.md, "Public beacon"). RSA is a power of integers here, as
// for certificates: a page that is opened from a file has no crypto.subtle in each browser.

import { sha512 } from '@noble/hashes/sha2.js';
import { be64, concat, utf8 } from './bytes.js';
import { rsaSigned, SHA_512 } from './certificates.js';
import { demand } from './refusal.js';

const EXPONENT = 65537n;
const DIGEST = 64;
const MOST_URI = 256;
const MOST_VERSION = 32;
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

export function be32(n) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, n);
  return bytes;
}

const sized = (part) => concat(be32(part.length), part);

/** A time as pulses have it. */
function timeStamp(ms) {
  demand(ms <= BigInt(LAST_MS), "a pulse's time is none of the calendar's");
  return new Date(Number(ms)).toISOString();
}

/** The bytes that a beacon signs. */
export const signedOf = (pulse) =>
  concat(
    sized(utf8(pulse.uri)),
    sized(utf8(pulse.version)),
    be32(pulse.cipher_suite),
    be32(pulse.period_ms),
    sized(pulse.certificate_id),
    be64(pulse.chain_index),
    be64(pulse.pulse_index),
    sized(utf8(timeStamp(pulse.time_ms))),
    sized(pulse.local_random_value),
    sized(pulse.external_source_id),
    be32(pulse.external_status),
    sized(pulse.external_value),
    ...pulse.list_values.map(sized),
    sized(pulse.precommitment_value),
    be32(pulse.status),
  );

/** A pulse's output value. */
export const outputOf = (pulse) => sha512(concat(signedOf(pulse), pulse.signature));

/** Time of the pulse that a draw takes whose values ended at a time. */
export function pulseMs({ period_ms: period, delay_ms: delay }, revealed) {
  const step = BigInt(period);
  return ((revealed + BigInt(delay) + step - 1n) / step) * step;
}

/** Up to when the draw waits for it. */
export const deadlineMs = ({ wait_ms: wait }, revealed) => revealed + BigInt(wait);

/** The pulse is the one that the draw takes, and the beacon signed it. */
export function checkPulse(beacon, revealed, pulse) {
  demand(
    pulse.time_ms === pulseMs(beacon, revealed) &&
      pulse.chain_index === beacon.chain_index &&
      pulse.period_ms === beacon.period_ms,
    'the draw takes another pulse of its beacon',
  );
  const digests = [
    pulse.certificate_id,
    pulse.local_random_value,
    pulse.external_source_id,
    pulse.external_value,
    pulse.precommitment_value,
    ...pulse.list_values,
  ];
  demand(
    digests.every(({ length }) => length === DIGEST) &&
      pulse.list_values.length === 5 &&
      utf8(pulse.uri).length <= MOST_URI &&
      utf8(pulse.version).length <= MOST_VERSION &&
      pulse.cipher_suite === 0,
    "the draw's pulse is not as a beacon has it",
  );
  const { modulus } = beacon;
  const bits = modulus.length === 0 ? 0 : modulus.length * 8 - Math.clz32(modulus[0]) + 24;
  demand(
    modulus.length > 0 && modulus[0] > 0 && modulus.at(-1) % 2 === 1 && bits >= 2048 && bits <= 4096,
    "the beacon's key is not RSA of 2048 to 4096 bits",
  );
  demand(
    rsaSigned(modulus, EXPONENT, SHA_512, signedOf(pulse), pulse.signature),
    "the draw's pulse is not signed by its beacon",
  );
}

/** The pulse came in time; a draw without it waited up to the deadline. */
export function checkBeacon({ beacon, pulse, revealed_ms: revealed, closed_ms: closed }) {
  demand(beacon.period_ms > 0, "the draw's beacon has no period");
  const last = deadlineMs(beacon, revealed);
  if (pulse !== null) checkPulse(beacon, revealed, pulse);
  const waited = pulse === null ? closed > last : revealed <= closed && closed <= last;
  demand(
    waited && revealed > 0n,
    'the draw took its pulse after the deadline, or went on without it before that',
  );
}
