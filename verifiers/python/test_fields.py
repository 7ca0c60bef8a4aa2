#!/usr/bin/env python3
"""What an evidence file shows of a deposit's fields and views, and that none of it can be bent.

The files in chain-core/tests/data/evidence are of two chairs: of one the holder shows class and authors, of the other
its owner disclosed title and class.
"""

import base64
import copy
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from evidence import Examination  # noqa: E402
from fields import NAMES, check_value, read_disclosure  # noqa: E402
from proofs import sha256  # noqa: E402
from report import deposit  # noqa: E402
from sample_ledger import seal  # noqa: E402
from wire import Refusal  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[2] / "chain-core/tests/data/evidence"


def examined(data):
    examination = Examination(data, sha256((DATA / "genesis.json").read_bytes()))
    return examination, *examination.examine()


def told(data):
    examination, verdict, _ = examined(data)
    return verdict, deposit(examination, examination.evidence["design"])


def written(text):
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


class Fields(unittest.TestCase):
    def test_what_the_holder_shows(self):
        verdict, found = told((DATA / "fields.evidence").read_bytes())
        self.assertEqual((verdict, found["title"], found["title_is_recorded"]), ("verified", None, False))
        self.assertEqual(found["content"]["views"], ["front", "back"])
        shown = [(field["name"], field["value"]) for field in found["content"]["fields"]]
        self.assertEqual(shown, [("class", "06-01"), ("author", "Lin Yue"), ("author", "王维")])

    def test_what_the_owner_disclosed(self):
        verdict, found = told((DATA / "disclosed-fields.evidence").read_bytes())
        self.assertEqual((verdict, found["title"], found["title_is_recorded"]), ("verified", '折叠椅 "7"', True))
        self.assertEqual([field["name"] for field in found["content"]["fields"]], ["title", "class"])

    def test_every_bent_part_is_refused(self):
        examination, _, _ = examined((DATA / "fields.evidence").read_bytes())

        def bent(bend):
            evidence = copy.deepcopy(examination.evidence)
            bend(evidence["opening"], evidence["opening"]["content"])
            _, verdict, rows = examined(seal(evidence))
            return verdict, [row[0] for row in rows if row[2] == "failed"]

        self.assertEqual(bent(lambda o, c: None)[0], "verified")
        for at, bend in enumerate(
            (
                lambda o, c: o.update(title="Chair"),
                lambda o, c: o.update(content=None),
                lambda o, c: o["files"].reverse(),
                lambda o, c: o["files"].clear(),
                lambda o, c: c["views"].reverse(),
                lambda o, c: c.update(views=[2, 0]),
                lambda o, c: c.update(views=[2]),
                lambda o, c: c.update(views=[2, 13]),
                lambda o, c: c["digests"].pop(),
                lambda o, c: c["digests"].reverse(),
                lambda o, c: c.update(digests=[bytes(32)] + c["digests"][1:]),
                lambda o, c: c.update(digests=[c["digests"][1]] + c["digests"][1:]),
                lambda o, c: c["disclosures"].reverse(),
                lambda o, c: c["disclosures"].insert(0, c["disclosures"][0]),
                lambda o, c: c["disclosures"].append("x"),
            )
        ):
            self.assertEqual(bent(bend), ("not-verified", ["opening"]), at)
        for place in range(12):
            digests = examination.evidence["opening"]["content"]["digests"]
            changed = digests[:place] + [sha256(digests[place])] + digests[place + 1 :]
            self.assertEqual(bent(lambda o, c: c.update(digests=changed))[0], "not-verified", place)

    def test_one_field_has_one_disclosure(self):
        salt = "BwcHBwcHBwcHBwcHBwcHBw"
        good = f'["{salt}","class","06-01"]'
        self.assertEqual(read_disclosure(written(good)), ("class", "06-01"))
        deep = "[" * 4000
        for text in (
            "",
            "[]",
            "\ufeff" + good,
            " " + good,
            good + "\n",
            good.replace(",", ", "),
            good.replace("class", "cl\\u0061ss"),
            good.replace('"06-01"', "6"),
            good.replace('"06-01"', "NaN"),
            good.replace('"06-01"', "1" * 5000),
            good.replace('"06-01"', "null"),
            good.replace(salt, salt[1:]),
            good.replace(salt, salt[1:] + "+"),
            good.replace("class", "title").replace("06-01", "\\ud800"),
            good.replace("class", "title").replace("06-01", "\ud800"),
            good.replace("class", "title").replace("06-01", "a\\nb"),
            good.replace("class", "title").replace("06-01", "\x7f"),
            good.replace("class", "title").replace("06-01", ""),
            good.replace("class", "title").replace("06-01", "x" * 257),
            good.replace("class", "Class"),
            good.replace("class", "drafts"),
            deep,
            f'["{salt}","class",{deep}',
        ):
            with self.assertRaises(Refusal, msg=text[:60]):
                read_disclosure(written(text))
        good = written(good)
        for text in (good + "=", good + "\n", "+" + good[1:], good[:-1] + "1", "W" * 8193, "é"):
            with self.assertRaises(Refusal, msg=text[:60]):
                read_disclosure(text)

    def test_a_locarno_class_has_its_form(self):
        for value in ("01-01", "06-01", "09-99", "32-01"):
            check_value("class", value)
        for value in ("", "6-1", "00-01", "33-01", "06-00", "06-001", "06_01", "06-01\n", "０６-０１", "+6-01"):
            with self.assertRaises(Refusal, msg=value):
                check_value("class", value)

    def test_each_name_has_places_of_its_own(self):
        self.assertEqual([place for places, _ in NAMES.values() for place in places], list(range(12)))


if __name__ == "__main__":
    unittest.main()
