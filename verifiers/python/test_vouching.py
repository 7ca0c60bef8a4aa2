#!/usr/bin/env python3
"""What an evidence file tells of who vouched for a designer, and that it can't be hidden or bent.

The files in chain-core/tests/data/evidence are of a designer's two deposits, each under a vouching of its own; the
later one was withdrawn afterwards.
"""

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
KEY = b"vouching/"


def examined(data):
    examination = Examination(data, sha256((DATA / "genesis.json").read_bytes()))
    return examination, *examination.examine()


def told(name):
    examination, verdict, _ = examined((DATA / name).read_bytes())
    return examination, verdict, deposit(examination, examination.evidence["design"])["vouching"]


class Vouching(unittest.TestCase):
    def test_who_vouched_is_told(self):
        _, verdict, first = told("vouched.evidence")
        self.assertEqual((verdict, first["voucher"], first["check"]), ("verified", "market", "in-person"))
        self.assertEqual((first["name"], first["check_words"], first["withdrawn_ms"]), ("Lin", "passport", None))
        _, verdict, second = told("withdrawn.evidence")
        self.assertEqual((verdict, second["withdrawn_reason"]), ("verified", "a false passport"))
        self.assertGreater(second["until_ms"], first["until_ms"])

    def test_the_record_takes_the_vouching(self):
        examination, _, _ = examined((DATA / "vouched.evidence").read_bytes())
        for key in (KEY, b"organisation/market"):
            evidence = copy.deepcopy(examination.evidence)
            evidence["states"] = [state for state in evidence["states"] if not state["key"].startswith(key)]
            _, verdict, rows = examined(seal(evidence))
            self.assertEqual(verdict, "not-verified")
            self.assertEqual([row[0] for row in rows if row[2] == "failed"], ["completeness"], key)

    def test_every_changed_value_is_refused(self):
        examination, _, _ = examined((DATA / "withdrawn.evidence").read_bytes())
        key = next(state["key"] for state in examination.evidence["states"] if state["key"].startswith(KEY))
        record, design = decode("Vouching", examination.states[key]), examination.design
        deposited = design["position"]
        self.assertTrue(examination.vouch(design))
        for bend in (
            lambda r, d: r.update(voucher="office"),
            lambda r, d: r.update(designer="market.lim"),
            lambda r, d: r.update(from_ms=d["time_ms"] + 1),
            lambda r, d: r.update(until_ms=d["time_ms"] - 1),
            lambda r, d: r.update(position=deposited),
            lambda r, d: r["withdrawn"].update(position=deposited),
            lambda r, d: r.update(check=0),
            lambda r, d: r.update(check=5),
            lambda r, d: d.update(vouching=None),
            lambda r, d: d.update(vouching=7),
            lambda r, d: d.update(organisation="market"),
            lambda r, d: d.update(organisation="office.lin"),
        ):
            bent, of = copy.deepcopy(record), copy.deepcopy(design)
            bend(bent, of)
            examination.states[key] = encode("Vouching", bent)
            with self.assertRaises(Exception):
                examination.vouch(of)


if __name__ == "__main__":
    unittest.main()
