#!/usr/bin/env python3
"""Pulses of a public beacon: a real one of NIST holds, draws are told with theirs, and nothing of them is bent."""

import datetime
import json
import pathlib
import sys
import unittest

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_public_key

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from beacon import check_beacon, check_pulse, output, pulse_ms, signed, time_stamp  # noqa: E402
from disputes import read_disputes  # noqa: E402
from evidence import FIRST, Examination  # noqa: E402
from proofs import sha256  # noqa: E402
from report import facts  # noqa: E402
from reviewed import examine  # noqa: E402
from wire import Refusal, decode, encode  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[2] / "chain-core/tests/data"
GENESIS = (DATA / "evidence/genesis.json").read_bytes()
CHAIN = sha256(GENESIS)
FILE = (DATA / "evidence/pulsed.evidence").read_bytes()
EVIDENCE = decode("Evidence", FILE[len(FIRST) : -32])


def nist():
    """The beacon of NIST, a pulse that it published, and the pulse's output value."""
    return published("nist-1918805.json", "nist.pem", 512)


def published(file, key, size):
    """A beacon with a key of so many bytes, and a pulse of it, from files."""
    told = json.loads((DATA / "beacon" / file).read_text())["pulse"]
    numbers = load_pem_public_key((DATA / "beacon" / key).read_bytes()).public_numbers()
    assert numbers.e == 65537
    beacon = {
        "modulus": numbers.n.to_bytes(size, "big"),
        "chain_index": told["chainIndex"],
        "period_ms": 60_000,
        "delay_ms": 120_000,
        "wait_ms": 21_600_000,
    }
    stamp = datetime.datetime.fromisoformat(told["timeStamp"].replace("Z", "+00:00"))
    time_ms = int(stamp.timestamp()) * 1000
    assert told["timeStamp"] == time_stamp(time_ms)
    pulse = {
        "uri": told["uri"],
        "version": told["version"],
        "cipher_suite": told["cipherSuite"],
        "period_ms": told["period"],
        "certificate_id": bytes.fromhex(told["certificateId"]),
        "chain_index": told["chainIndex"],
        "pulse_index": told["pulseIndex"],
        "time_ms": time_ms,
        "local_random_value": bytes.fromhex(told["localRandomValue"]),
        "external_source_id": bytes.fromhex(told["external"]["sourceId"]),
        "external_status": told["external"]["statusCode"],
        "external_value": bytes.fromhex(told["external"]["value"]),
        "list_values": [bytes.fromhex(one["value"]) for one in told["listValues"]],
        "precommitment_value": bytes.fromhex(told["precommitmentValue"]),
        "status": told["statusCode"],
        "signature": bytes.fromhex(told["signatureValue"]),
    }
    return beacon, pulse, bytes.fromhex(told["outputValue"])


def flipped(name):
    """A bend of the first byte of a field."""
    return lambda pulse: pulse.update({name: bytes([pulse[name][0] ^ 1]) + pulse[name][1:]})


def raised(name, by=1):
    """A bend of a number."""
    return lambda record: record.update({name: record[name] + by})


HASHES = ("certificate_id", "local_random_value", "external_source_id", "external_value", "precommitment_value")
BENDS = [
    *map(flipped, (*HASHES, "signature")),
    *map(raised, ("cipher_suite", "period_ms", "chain_index", "pulse_index", "external_status", "status")),
    raised("time_ms", 60_000),
    raised("uri", "x"),
    raised("version", "0"),
    raised("list_values", [bytes(64)]),
    lambda p: p["list_values"].reverse(),
    lambda p: p["list_values"].pop(),
    lambda p: p.update(signature=p["signature"] + b"\0"),
]


class Pulses(unittest.TestCase):
    def test_a_pulse_of_nist_holds(self):
        beacon, pulse, value = nist()
        revealed_ms = pulse["time_ms"] - 150_000
        check_pulse(beacon, revealed_ms, pulse)
        self.assertEqual((len(signed(pulse)), output(pulse)), (807, value))
        for number, bend in enumerate(BENDS):
            _, bent, _ = nist()
            bend(bent)
            with self.assertRaises(Refusal, msg=number):
                check_pulse(beacon, revealed_ms, bent)
        for other in (
            {"modulus": b"\0" + beacon["modulus"]},
            {"modulus": beacon["modulus"][1:]},
            {"modulus": beacon["modulus"][:255]},
            {"modulus": b""},
            {"modulus": b"\xff" * 513},
            {"chain_index": 3},
            {"period_ms": 30_000},
            {"delay_ms": 180_001},
        ):
            with self.assertRaises(Refusal, msg=other):
                check_pulse(beacon | other, revealed_ms, pulse)

    def test_a_pulse_by_a_larger_key_is_refused(self):
        beacon, pulse, value = published("large.json", "large.pem", 513)
        self.assertEqual(output(pulse), value)
        with self.assertRaises(Refusal):
            check_pulse(beacon, pulse["time_ms"] - 120_000, pulse)

    def test_a_pulse_of_another_form_is_refused_though_signed(self):
        key = load_der_private_key((DATA / "beacon/test-key.pk8").read_bytes(), None)
        beacon, _, _ = nist()
        beacon["modulus"] = key.public_key().public_numbers().n.to_bytes(256, "big")

        def checked(bend):
            _, pulse, _ = nist()
            bend(pulse)
            pulse["signature"] = key.sign(signed(pulse), PKCS1v15(), SHA512())
            check_pulse(beacon, pulse["time_ms"] - 120_000, pulse)

        checked(lambda pulse: None)
        shorter = [lambda pulse, name=name: pulse.update({name: pulse[name][1:]}) for name in HASHES]
        others = [
            lambda pulse: pulse.update(cipher_suite=1),
            lambda pulse: pulse.update(period_ms=30_000),
            lambda pulse: pulse.update(chain_index=3),
            lambda pulse: pulse.update(uri="x" * 257),
            lambda pulse: pulse.update(version="x" * 33),
            lambda pulse: pulse["list_values"].pop(),
            lambda pulse: pulse["list_values"].append(bytes(64)),
            lambda pulse: pulse["list_values"].insert(0, pulse["list_values"].pop() + b"x"),
        ]
        for bend in shorter + others:
            with self.assertRaises(Refusal):
                checked(bend)

    def test_a_block_names_one_pulse(self):
        beacon, _, _ = nist()
        for after, expected in ((0, 120_000), (1, 180_000), (60_000, 180_000), (60_001, 240_000)):
            self.assertEqual(pulse_ms(beacon, 6_000_000 + after), 6_000_000 + expected)
        with self.assertRaises(Refusal):
            time_stamp((1 << 64) - 1)

    def test_draws_are_told_with_their_pulses(self):
        examination = Examination(FILE, CHAIN)
        verdict, rows = examination.examine()
        self.assertEqual([row for row in rows if row[2] == "failed"], [])
        shown = sorted(facts(examination)["disputes"]["shown"], key=lambda one: one["listing"])
        taken = [one["review"]["panels"][0]["beacon"] for one in shown]
        self.assertEqual([one and one["chain_index"] for one in taken], [7, 7, None])
        self.assertEqual(taken[0]["pulse_index"], taken[0]["pulse_ms"] // 60_000)
        self.assertEqual(len(taken[0]["output_value"]), 128)
        self.assertEqual((taken[1]["pulse_index"], taken[1]["output_value"]), (None, None))

    def test_nothing_of_a_draws_beacon_is_bent(self):
        examination, design = Examination(FILE, CHAIN), EVIDENCE["design"]
        examination.examine()
        states = examination.states

        def read(told):
            return read_disputes(design, EVIDENCE["disputes"]["ids"], [], told.__getitem__)

        read(states)
        draws = {key: decode("Draw", value) for key, value in states.items() if key.startswith(b"draw/")}
        with_pulse = [key for key, draw in draws.items() if draw["beacon"] and draw["beacon"]["pulse"]]
        without = [key for key, draw in draws.items() if draw["beacon"] and not draw["beacon"]["pulse"]]
        self.assertEqual((len(draws), len(with_pulse), len(without)), (3, 1, 1))

        def within(bend):
            return lambda taken: bend(taken["pulse"])

        def named(bend):
            return lambda taken: bend(taken["beacon"])

        bends = [
            *map(within, BENDS),
            named(flipped("modulus")),
            named(raised("chain_index")),
            named(raised("period_ms")),
            named(raised("delay_ms", 60_000)),
            named(lambda b: b.update(wait_ms=0)),
            named(lambda b: b.update(period_ms=0)),
            raised("revealed_ms", 60_000),
            raised("closed_ms", 30_000_000),
            lambda taken: taken.update(closed_ms=0),
            lambda taken: taken.update(revealed_ms=0),
            lambda taken: taken.update(pulse=None),
            lambda taken: taken.update(pulse=None, closed_ms=1 << 60),
        ]
        waits = [
            lambda taken: taken.update(closed_ms=taken["revealed_ms"] + 21_600_000),
            lambda taken: taken.update(pulse=draws[with_pulse[0]]["beacon"]["pulse"]),
            named(lambda b: b.update(period_ms=0)),
            lambda taken: taken.update(revealed_ms=0),
        ]
        for key, bend in [(with_pulse[0], bend) for bend in bends] + [(without[0], bend) for bend in waits]:
            record = decode("Draw", states[key])
            bend(record["beacon"])
            with self.assertRaises(Refusal, msg=(key, record["beacon"])):
                read(states | {key: encode("Draw", record)})
        (plain,) = [key for key, draw in draws.items() if draw["beacon"] is None]
        for key, beacon in ((plain, draws[with_pulse[0]]["beacon"]), (with_pulse[0], None)):
            record = decode("Draw", states[key]) | {"beacon": beacon}
            with self.assertRaises(Refusal, msg=key):
                read(states | {key: encode("Draw", record)})

    def test_a_review_file_holds_its_pulse(self):
        data = (DATA / "evidence/pulsed.review").read_bytes()
        _, ((panel, drawn),), _, _ = examine(data, GENESIS)
        check_beacon(drawn["beacon"])
        self.assertEqual((len(panel["seats"]), drawn["beacon"]["pulse"]["chain_index"]), (5, 7))


if __name__ == "__main__":
    unittest.main()
