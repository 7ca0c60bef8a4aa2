#!/usr/bin/env python3
"""Disputes and licences in evidence files: draw, verdict and authorisation are found again from one file."""

import contextlib
import copy
import io
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from disputes import read_disputes, read_questions  # noqa: E402
from evidence import FIRST, Examination  # noqa: E402
from proofs import sha256  # noqa: E402
from report import facts  # noqa: E402
from sample_ledger import seal  # noqa: E402
from verify import print_disputes  # noqa: E402
from wire import Refusal, decode, encode  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[2] / "chain-core/tests/data/evidence"
CHAIN = sha256((DATA / "genesis.json").read_bytes())
FILE = (DATA / "disputed.evidence").read_bytes()
EVIDENCE = decode("Evidence", FILE[len(FIRST) : -32])
ABOUT = (b"dispute", b"panel/", b"draw/", b"authorised/", b"licence-end/", b"right/")


def examined(data):
    examination = Examination(data, CHAIN)
    return examination, *examination.examine()


def failed(evidence):
    """The elements that refuse a file."""
    _, verdict, rows = examined(seal(evidence))
    assert verdict == "not-verified", rows
    return [row[0] for row in rows if row[2] == "failed"]


class Disputes(unittest.TestCase):
    def setUp(self):
        self.examination, self.verdict, self.rows = examined(FILE)

    def test_draw_verdict_and_authorisation_come_from_one_file(self):
        self.assertEqual(self.verdict, "verified-with-reservations")
        told = facts(self.examination)
        disputes = told["disputes"]
        counts = {name: count for name, count in disputes.items() if name not in ("shown", "parties") and count}
        self.assertEqual(counts, {"notices": 3, "open": 1, "panel_upheld": 1, "panel_dismissed": 1})
        outcomes = {one["outcome"]: one["review"]["panels"] for one in disputes["shown"]}
        self.assertEqual([panel["verdict"] for panel in outcomes["panel-dismissed"]], ["upheld", "dismissed"])
        self.assertEqual([len(panel["seats"]) for panel in outcomes["panel-dismissed"]], [5, 7])
        self.assertEqual([len(panel["revealed"]) for panel in outcomes["panel-upheld"]], [4])
        answers = [(one["seller"], one["answer"], one["owner"]) for one in told["authorisations"]]
        expected = [("maker", "yes", True), ("nobody", "no", False), ("office", "yes", False), ("office", "no", False)]
        self.assertEqual(answers, expected)
        self.assertEqual(told["authorisations"][2]["licensee"], "office")

    def test_a_dispute_is_printed_in_the_order_of_time(self):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            print_disputes(facts(self.examination))
        one = next(part for part in printed.getvalue().split("\nDispute ") if "panel-dismissed" in part)
        parts = ["noticed", "jurors drawn again", "upheld: votes", "dismissed: votes", "panel-dismissed"]
        places = [one.index(part) for part in parts]
        self.assertEqual(places, sorted(places), one)

    def test_no_record_can_be_left_out(self):
        hidden = [state for state in EVIDENCE["states"] if state["key"].startswith(ABOUT)]
        self.assertGreaterEqual(len(hidden), 12)
        for state in hidden:
            rest = [other for other in EVIDENCE["states"] if other is not state]
            self.assertTrue(failed(EVIDENCE | {"states": rest}), state["key"])

    def test_what_is_asked_is_in_order_and_answered_whole(self):
        ids, questions = EVIDENCE["disputes"]["ids"], EVIDENCE["questions"]
        for shown, element in (
            ({"ids": ids[1:]}, "state"),
            (None, "state"),
            ({"ids": ids[::-1]}, "disputes"),
            ({"ids": ids + ids[-1:]}, "disputes"),
            ({"ids": [ids[0][1:], ids[1]]}, "disputes"),
            ({"ids": [bytes([n]) * 32 for n in range(33)]}, "disputes"),
        ):
            self.assertEqual(failed(EVIDENCE | {"disputes": shown}), [element])
        for asked in (
            questions[::-1],
            questions[:1] + questions,
            [one | {"act": 5} for one in questions],
            [questions[0] | {"time_ms": n} for n in range(33)],
        ):
            self.assertEqual(failed(EVIDENCE | {"questions": asked}), ["authorisations"])
        self.assertEqual(failed(EVIDENCE | {"questions": questions[:1]}), ["state"])

    def test_records_that_contradict_each_other_are_found(self):
        design, states = EVIDENCE["design"], self.examination.states
        ids = EVIDENCE["disputes"]["ids"]
        kinds = {b"dispute-subject/": "DisputeTally", b"dispute/": "Dispute", b"panel/": "Panel", b"draw/": "Draw"}
        bends = {
            "DisputeTally": [lambda r: r.update(notices=1), lambda r: r.update(panel_upheld=0, panel_dismissed=0)],
            "Dispute": [
                lambda r: r.update(subject=bytes(32)),
                lambda r: r.update(respondent="x"),
                lambda r: r.update(outcome=23 - r["outcome"]),
                lambda r: r.update(phase=4),
                lambda r: r["review"].update(ground=1 + r["review"]["ground"] % 4),
                lambda r: r["review"]["results"][0].update(uphold=2),
            ],
            "Panel": [
                lambda r: r.update(seed=bytes(32)),
                lambda r: r["seats"].pop(),
                lambda r: r["seats"][0].update(choice=3 - r["seats"][0]["choice"]),
            ],
            "Draw": [
                lambda r: r.update(closed_height=0),
                lambda r: r["values"][0].update(preimage=b""),
                lambda r: r["values"][0].update(preimage=bytes(32)),
            ],
        }
        read_disputes(design, ids, [], states.__getitem__)
        tried = 0
        for key, value in states.items():
            kind = next((kind for prefix, kind in kinds.items() if key.startswith(prefix)), None)
            for bend in bends.get(kind, []):
                record = decode(kind, value)
                bend(record)
                bent = states | {key: encode(kind, record)}
                self.assertRaises(Refusal, read_disputes, design, ids, [], bent.__getitem__)
                tried += 1
        self.assertGreaterEqual(tried, 30)

    def test_each_licence_counts(self):
        design, states, asked = EVIDENCE["design"], self.examination.states, EVIDENCE["questions"]

        def verdicts(states):
            return [answer.verdict for answer in read_questions(design, asked, states.__getitem__)]

        self.assertEqual(verdicts(states), ["yes", "no", "yes", "no"])
        (key,) = [key for key in states if key.startswith(b"authorised/") and key.endswith(b"office")]
        for bend in (
            lambda r: r["licences"].clear(),
            lambda r: r["licences"][0].update(until_ms=1),
            lambda r: r["licences"][0].update(acts=[1]),
            lambda r: r["licences"][0].update(territories=["JP"]),
            lambda r: r["licences"][0].update(from_ms=1 << 60),
            lambda r: r["licences"][0].update(ended_ms=1),
        ):
            record = decode("Authorisations", states[key])
            bend(record)
            bent = states | {key: encode("Authorisations", record)}
            self.assertEqual(verdicts(bent), ["yes", "no", "no", "no"])

    def test_no_bit_can_be_bent_but_those_of_questions(self):
        content = FILE[len(FIRST) : -32]
        questions = [encode("AuthorisationQuestion", one) for one in EVIDENCE["questions"]]
        spans = [range(content.index(one), content.index(one) + len(one)) for one in questions]
        for bit in range(0, 8 * len(content), 1009):
            if any(bit // 8 in span for span in spans):
                continue
            bent = bytearray(content)
            bent[bit // 8] ^= 1 << bit % 8
            data = FIRST + bytes(bent)
            _, verdict, _ = examined(data + sha256(data))
            self.assertEqual(verdict, "not-verified", bit)

    def test_a_class_is_empty_while_its_voucher_rests(self):
        licence = {"licence": bytes(32), "acts": [3], "territories": ["001"], "from_ms": 1, "until_ms": 100}
        owner = {"organisation": "maker", "since_ms": 1}
        rests = [{"from_ms": 30, "until_ms": 39}, {"from_ms": 50, "until_ms": 0}]
        states = {
            b"right/" + bytes(32): encode("Right", {"owners": [owner]}),
            b"authorised/" + bytes(32) + b"market.lin": None,
            b"authorised/" + bytes(32) + b"market.*": encode("Authorisations", {"licences": [licence]}),
            b"vouched/market.lin": encode("VouchedDesigner", {"vouchings": 1, "from_ms": 1, "until_ms": 90}),
            b"voucher/market": encode("Voucher", {"designers": 1, "rests": rests, "told_from_ms": 20}),
        }
        times = {10: "untold", 20: "yes", 29: "yes", 30: "no", 39: "no", 40: "yes", 50: "no", 80: "no", 95: "no"}
        for time_ms, expected in times.items():
            asked = {"seller": "market.lin", "act": 3, "territory": "CN", "time_ms": time_ms}
            (answer,) = read_questions(bytes(32), [asked], states.__getitem__)
            self.assertEqual(answer.verdict, expected, time_ms)
            never = states | {b"voucher/market": None}
            (answer,) = read_questions(bytes(32), [asked], never.__getitem__)
            self.assertEqual(answer.verdict, "yes" if time_ms <= 90 else "no", time_ms)


if __name__ == "__main__":
    unittest.main()
