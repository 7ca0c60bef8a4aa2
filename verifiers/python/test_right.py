#!/usr/bin/env python3
"""Who owns a design, as evidence files tell it once it was passed on."""

import copy
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from evidence import Examination  # noqa: E402
from proofs import sha256  # noqa: E402
from report import deposit  # noqa: E402
from sample_ledger import seal  # noqa: E402
from wire import decode, encode  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[2] / "chain-core/tests/data/evidence"
KEY = b"right/"


def examined(data):
    examination = Examination(data, sha256((DATA / "genesis.json").read_bytes()))
    return examination, *examination.examine()


class Right(unittest.TestCase):
    def setUp(self):
        self.examination, self.verdict, _ = examined((DATA / "transferred.evidence").read_bytes())

    def test_the_owner_is_told(self):
        self.assertEqual(self.verdict, "verified")
        told = deposit(self.examination, self.examination.evidence["design"])["right"]
        self.assertEqual((told["owner"], len(told["owners"]), told["earlier_owners"]), ("market", 2, 0))

    def test_the_record_takes_the_right(self):
        evidence = copy.deepcopy(self.examination.evidence)
        evidence["states"] = [state for state in evidence["states"] if not state["key"].startswith(KEY)]
        _, verdict, rows = examined(seal(evidence))
        self.assertEqual(verdict, "not-verified")
        self.assertEqual([row[0] for row in rows if row[2] == "failed"], ["completeness"])

    def test_a_right_begins_with_its_depositor(self):
        key = next(state["key"] for state in self.examination.evidence["states"] if state["key"].startswith(KEY))
        record, design = decode("Right", self.examination.states[key]), self.examination.evidence["design"]
        for bend in (
            lambda r: r["owners"].clear(),
            lambda r: r["owners"].pop(0),
            lambda r: r["owners"].reverse(),
            lambda r: r["owners"][0].update(organisation="carrier"),
            lambda r: r["owners"][0].update(since_ms=1),
        ):
            bent = copy.deepcopy(record)
            bend(bent)
            self.examination.states[key] = encode("Right", bent)
            with self.assertRaises(Exception):
                self.examination.own(design, self.examination.design)


if __name__ == "__main__":
    unittest.main()
