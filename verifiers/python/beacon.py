"""Pulses of a public beacon in draws of jurors: docs/format.md, "Public beacon"."""

import datetime
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from proofs import require
from wire import Refusal

EXPONENT = 65537
DIGEST = 64
MOST_URI, MOST_VERSION = 256, 32


def time_stamp(time_ms):
    """A time as pulses have it."""
    try:
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=time_ms)
    except OverflowError:
        raise Refusal("a pulse's time is none of the calendar's") from None
    return moment.isoformat(timespec="milliseconds") + "Z"


def sized(part):
    """A text or a hash with its length before it."""
    return len(part).to_bytes(4, "big") + part


def signed(pulse):
    """The bytes that a beacon signs."""
    return b"".join(
        [
            sized(pulse["uri"].encode()),
            sized(pulse["version"].encode()),
            pulse["cipher_suite"].to_bytes(4, "big"),
            pulse["period_ms"].to_bytes(4, "big"),
            sized(pulse["certificate_id"]),
            pulse["chain_index"].to_bytes(8, "big"),
            pulse["pulse_index"].to_bytes(8, "big"),
            sized(time_stamp(pulse["time_ms"]).encode()),
            sized(pulse["local_random_value"]),
            sized(pulse["external_source_id"]),
            pulse["external_status"].to_bytes(4, "big"),
            sized(pulse["external_value"]),
            *map(sized, pulse["list_values"]),
            sized(pulse["precommitment_value"]),
            pulse["status"].to_bytes(4, "big"),
        ]
    )


def output(pulse):
    """A pulse's output value."""
    return hashlib.sha512(signed(pulse) + pulse["signature"]).digest()


def pulse_ms(beacon, revealed_ms):
    """Time of the pulse that a draw takes whose values ended at a time."""
    return -(-(revealed_ms + beacon["delay_ms"]) // beacon["period_ms"]) * beacon["period_ms"]


def deadline_ms(beacon, revealed_ms):
    """Up to when the draw waits for it."""
    return revealed_ms + beacon["wait_ms"]


def check_pulse(beacon, revealed_ms, pulse):
    """The pulse is the one that the draw takes, and the beacon signed it."""
    place = pulse["time_ms"], pulse["chain_index"], pulse["period_ms"]
    wanted = pulse_ms(beacon, revealed_ms), beacon["chain_index"], beacon["period_ms"]
    require(place == wanted, "the draw takes another pulse of its beacon")
    names = ("certificate_id", "local_random_value", "external_source_id", "external_value", "precommitment_value")
    digests = [pulse[name] for name in names] + pulse["list_values"]
    formed = all(len(value) == DIGEST for value in digests) and len(pulse["list_values"]) == 5
    bounded = len(pulse["uri"].encode()) <= MOST_URI and len(pulse["version"].encode()) <= MOST_VERSION
    require(formed and bounded and pulse["cipher_suite"] == 0, "the draw's pulse isn't as a beacon has it")
    key = beacon["modulus"]
    modulus = int.from_bytes(key, "big")
    strong = key[:1] != b"\0" and modulus % 2 == 1 and 2048 <= modulus.bit_length() <= 4096
    require(strong, "the beacon's key isn't RSA of 2048 to 4096 bits")
    try:
        public = rsa.RSAPublicNumbers(EXPONENT, modulus).public_key()
        public.verify(pulse["signature"], signed(pulse), padding.PKCS1v15(), hashes.SHA512())
    except (InvalidSignature, ValueError):
        raise Refusal("the draw's pulse isn't signed by its beacon") from None


def check_beacon(taken):
    """The pulse came in time; a draw without it waited up to the deadline."""
    beacon, revealed_ms, closed_ms = taken["beacon"], taken["revealed_ms"], taken["closed_ms"]
    require(beacon["period_ms"] > 0, "the draw's beacon has no period")
    last_ms = deadline_ms(beacon, revealed_ms)
    if taken["pulse"] is None:
        waited = closed_ms > last_ms
    else:
        check_pulse(beacon, revealed_ms, taken["pulse"])
        waited = revealed_ms <= closed_ms <= last_ms
    require(waited and revealed_ms > 0, "the draw took its pulse after the deadline, or went on without it before that")


def report(drawn):
    """What a draw took of a beacon; None where its terms named none."""
    taken = drawn and drawn["beacon"]
    if taken is None:
        return None
    beacon, revealed_ms, pulse = taken["beacon"], taken["revealed_ms"], taken["pulse"]
    return {
        "chain_index": beacon["chain_index"],
        "pulse_ms": pulse_ms(beacon, revealed_ms),
        "deadline_ms": deadline_ms(beacon, revealed_ms),
        "pulse_index": pulse and pulse["pulse_index"],
        "output_value": pulse and output(pulse).hex(),
    }
