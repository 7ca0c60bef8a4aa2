#!/usr/bin/env python3
"""What an evidence file tells of the drafts before a deposit, and that none of it can be left out, moved or bent.

The file in chain-core/tests/data/evidence is of a chair with three drafts, whose head the deposit covers.
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


def examined(data):
    examination = Examination(data, sha256((DATA / "genesis.json").read_bytes()))
    return examination, *examination.examine()


class Drafts(unittest.TestCase):
    def setUp(self):
        self.examination, self.verdict, self.rows = examined((DATA / "drafts.evidence").read_bytes())

    def judged(self, bend):
        evidence = copy.deepcopy(self.examination.evidence)
        bend(evidence["opening"])
        _, verdict, rows = examined(seal(evidence))
        row = next(row for row in rows if row[0] == "opening")
        return verdict, row[2], row[3]

    def test_the_drafts_are_told(self):
        self.assertEqual(self.verdict, "verified", self.rows)
        found = deposit(self.examination, self.examination.evidence["design"])["drafts"]
        self.assertEqual([draft["number"] for draft in found], [1, 2, 3])
        self.assertEqual((found[0]["who"], found[0]["device"]), ("Lin Yue", "bench"))
        self.assertEqual(found[2]["files"][0]["sha256"], None)
        self.assertIn("1 of 2 files", next(row[3] for row in self.rows if row[0] == "opening"))

    def test_what_is_missing_moved_or_altered_is_named(self):
        for bend, said in (
            (lambda o: o["drafts"].pop(1), "draft 3 stands where draft 2 should"),
            (lambda o: o["drafts"].reverse(), "draft 3 stands where draft 1 should"),
            (lambda o: o["drafts"].insert(1, o["drafts"][0]), "draft 1 stands where draft 2 should"),
            (lambda o: o["drafts"].pop(), "there are 2 drafts"),
            (lambda o: o["drafts"].append(b""), "draft 0 stands where draft 4 should"),
        ):
            verdict, result, reason = self.judged(bend)
            self.assertEqual((verdict, result), ("not-verified", "failed"), said)
            self.assertIn(said, reason)
        hidden = [text for text in self.examination.evidence["opening"]["content"]["disclosures"]]
        names = [name for _, name, _, _ in self.examination.content.fields]
        kept = [text for text, name in zip(hidden, names) if name != "drafts"]
        self.assertIn("without the deposit's field", self.judged(lambda o: o["content"].update(disclosures=kept))[2])
        self.assertEqual(self.judged(lambda o: o.update(drafts=[]))[:2], ("verified", "passed"))

    def test_every_changed_field_is_found(self):
        def bent(at, change):
            def bend(opening):
                draft = decode("Draft", opening["drafts"][at])
                change(draft)
                opening["drafts"][at] = encode("Draft", draft)

            return self.judged(bend)

        changes = (
            lambda d: d.update(time_ms=d["time_ms"] + 1),
            lambda d: d.update(who="Wang"),
            lambda d: d.update(device="other"),
            lambda d: d.update(tool="other"),
            lambda d: d["files"][0].update(name=bytes(32)),
            lambda d: d["files"][0].update(sha256=bytes(32)),
        )
        for at in range(3):
            for which, change in enumerate(changes):
                verdict, result, reason = bent(at, change)
                self.assertEqual((verdict, result), ("not-verified", "failed"), (at, which))
                self.assertIn(f"draft {at + 1}" if at == 2 else f"draft {at + 2} follows", reason)
        for change in (
            lambda d: d.update(who=""),
            lambda d: d.update(who="x" * 129),
            lambda d: d.update(tool="a\nb"),
            lambda d: d.update(files=[]),
            lambda d: d.update(files=d["files"] * 2),
            lambda d: d["files"][0].update(name=bytes(31)),
            lambda d: d["files"][0].update(sha256=bytes(31)),
            lambda d: d["files"][0].update(sha256=b""),
            lambda d: d.update(time_ms=2**63),
        ):
            self.assertIn("draft 1 has another form", bent(0, change)[2])


if __name__ == "__main__":
    unittest.main()
