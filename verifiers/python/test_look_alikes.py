#!/usr/bin/env python3
"""What an evidence file tells of look-alikes, and that none can be hidden.

The files in chain-core/tests/data/evidence are of a lamp in two pictures, and of a later design that copies one of
them, mirrored.
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
KEY = b"look-alikes/"


def examined(data):
    examination = Examination(data, sha256((DATA / "genesis.json").read_bytes()))
    return examination, *examination.examine()


class LookAlikes(unittest.TestCase):
    def setUp(self):
        self.file = (DATA / "look-alike.evidence").read_bytes()

    def test_the_earlier_design_is_named(self):
        examination, verdict, _ = examined(self.file)
        self.assertEqual(verdict, "verified")
        told = deposit(examination, examination.evidence["design"])["look_alikes"]
        self.assertEqual((told["pictures_searched"], told["designs_searched"]), (2, 1))
        (picture,) = told["pictures"]
        (candidate,) = picture["candidates"]
        self.assertEqual((candidate["distance"], candidate["variant"], candidate["organisation"]), (0, 1, "maker"))
        original, verdict, _ = examined((DATA / "original.evidence").read_bytes())
        self.assertEqual(verdict, "verified")
        self.assertEqual(candidate["design_id"], original.evidence["design"].hex())
        self.assertEqual([picture["found"] for picture in original.look_alikes["pictures"]], [0, 0])

    def test_the_record_takes_the_comparison(self):
        examination, _, _ = examined(self.file)
        evidence = copy.deepcopy(examination.evidence)
        evidence["states"] = [state for state in evidence["states"] if not state["key"].startswith(KEY)]
        _, verdict, rows = examined(seal(evidence))
        self.assertEqual(verdict, "not-verified")
        self.assertEqual([row[0] for row in rows if row[2] == "failed"], ["completeness"])

    def test_every_changed_value_is_refused(self):
        examination, _, _ = examined(self.file)
        key = next(state["key"] for state in examination.evidence["states"] if state["key"].startswith(KEY))
        record = decode("LookAlikes", examination.states[key])
        for bend in (
            lambda r: r["pictures"].clear(),
            lambda r: r["pictures"][0]["candidates"].clear(),
            lambda r: r["pictures"][0].update(found=0),
            lambda r: r["pictures"][0]["candidates"][0].update(distance=48),
            lambda r: r["pictures"][0]["candidates"][0].update(variant=8),
            lambda r: r["pictures"][0]["candidates"][0].update(number=2),
            lambda r: r["pictures"][0]["candidates"][0].update(design_id=examination.evidence["design"]),
            lambda r: r["pictures"][0]["fingerprint"].update(file_hash=bytes(32)),
            lambda r: r["searched"].update(pictures=0),
            lambda r: r.update(specification=b""),
        ):
            bent = copy.deepcopy(record)
            bend(bent)
            examination.states[key] = encode("LookAlikes", bent)
            with self.assertRaises(Exception):
                examination.compare(examination.evidence["design"], examination.design)


if __name__ == "__main__":
    unittest.main()
