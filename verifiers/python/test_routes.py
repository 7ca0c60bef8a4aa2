#!/usr/bin/env python3
"""Questions to assistance centres and false statements in evidence files: they are told, and none of it is bent."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from cases import check_end  # noqa: E402
from disputes import read_disputes  # noqa: E402
from evidence import FIRST, Examination  # noqa: E402
from proofs import sha256  # noqa: E402
from report import facts  # noqa: E402
from wire import Refusal, decode, encode  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[2] / "chain-core/tests/data/evidence"
CHAIN = sha256((DATA / "genesis.json").read_bytes())
FILE = (DATA / "routed.evidence").read_bytes()
EVIDENCE = decode("Evidence", FILE[len(FIRST) : -32])


class Routes(unittest.TestCase):
    def setUp(self):
        self.examination = Examination(FILE, CHAIN)
        self.verdict, self.rows = self.examination.examine()

    def test_routes_and_false_statements_are_told(self):
        self.assertEqual([row for row in self.rows if row[2] == "failed"], [])
        disputes = facts(self.examination)["disputes"]
        counts = {name: count for name, count in disputes.items() if name not in ("shown", "parties") and count}
        expected = {"notices": 5, "open": 2, "false_notices": 1, "false_declarations": 1, "centre_dismissed": 1}
        self.assertEqual(counts, expected)
        shown = sorted(disputes["shown"], key=lambda one: one["listing"])
        ended = [one["outcome"] or one["phase"] for one in shown]
        words = ["false-notice", "centre-dismissed", "without-measures", "false-declaration", "countered"]
        self.assertEqual(ended, words)
        asked = [one["referral"] and (one["referral"]["opinion"], one["referral"]["by_default"]) for one in shown]
        self.assertEqual(asked, [None, ("does-not-infringe", False), (None, True), ("infringes", False), None])
        first = [one["complainant_before"] for one in shown]
        self.assertEqual(first, [None] + [{"notices": 1, "declarations": 0}] * 4)
        second = [one["respondent_before"] for one in shown]
        self.assertEqual(second, [None] * 4 + [{"notices": 0, "declarations": 1}])

    def test_each_rule_counts(self):
        states, design = self.examination.states, EVIDENCE["design"]
        shown = EVIDENCE["disputes"]

        def read(states):
            return read_disputes(design, shown["ids"], shown["parties"], states.__getitem__)

        read(states)
        bends = [
            lambda r: r.update(referral=None, outcome=13, phase=5),
            lambda r: r.update(referral=None, outcome=0, phase=7),
            lambda r: r["referral"].update(centre="market"),
            lambda r: r["referral"].update(centre="carrier"),
            lambda r: r["referral"].update(by="carrier"),
            lambda r: r["referral"].update(reasons=b""),
            lambda r: r["referral"].update(rule_book=bytes(31)),
            lambda r: r["referral"].update(opinion_reasons=r["referral"]["opinion_reasons"] + b"x"),
            lambda r: r["referral"].update(opinion_rule_book=r["referral"]["opinion_rule_book"] + b"x"),
            lambda r: r["referral"].update(closed_ms=0),
            lambda r: r["referral"].update(opinion=3 if not r["referral"]["opinion"] else 0),
            lambda r: r.update(outcome=0, phase=7),
            lambda r: r.update(phase=5, outcome=13) or r["referral"].update(opinion=1),
        ]
        tried = 0
        for key, value in states.items():
            if not key.startswith(b"dispute/") or not decode("Dispute", value)["referral"]:
                continue
            for number, bend in enumerate(bends):
                record = decode("Dispute", value)
                bend(record)
                with self.assertRaisesRegex(Refusal, "question to an assistance", msg=f"{record['listing']} {number}"):
                    read(states | {key: encode("Dispute", record)})
                tried += 1
        self.assertEqual(tried, 3 * len(bends))

    def test_a_dispute_has_an_outcome_exactly_if_it_has_ended(self):
        states = self.examination.states.items()
        disputes = [decode("Dispute", value) for key, value in states if key.startswith(b"dispute/")]
        self.assertTrue(disputes)
        for record in disputes:
            check_end(record)
            record["outcome"] = 0 if record["phase"] == 5 else 11
            with self.assertRaisesRegex(Refusal, "is open and has an outcome, or has ended and has none"):
                check_end(record)


if __name__ == "__main__":
    unittest.main()
