#!/usr/bin/env python3
"""Checks, hand-overs and sanctions in evidence files: all that a dispute tells of is shown, and none of it is bent."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from disputes import read_disputes, read_questions  # noqa: E402
from evidence import FIRST, Examination  # noqa: E402
from proofs import sha256  # noqa: E402
from report import facts  # noqa: E402
from sample_ledger import seal  # noqa: E402
from wire import Refusal, decode, encode  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[2] / "chain-core/tests/data/evidence"
CHAIN = sha256((DATA / "genesis.json").read_bytes())
FILE = (DATA / "sanctioned.evidence").read_bytes()
EVIDENCE = decode("Evidence", FILE[len(FIRST) : -32])
ABOUT = (b"check/", b"sanction/", b"sanctions", b"vouched/")


def failed(evidence):
    """The elements that refuse a file."""
    _, rows = Examination(seal(evidence), CHAIN).examine()
    return [row[0] for row in rows if row[2] == "failed"]


class Cases(unittest.TestCase):
    def setUp(self):
        self.states = {state["key"]: state["value"] for state in EVIDENCE["states"]}
        self.design = EVIDENCE["design"]
        self.shown = EVIDENCE["disputes"]

    def read(self, states):
        return read_disputes(self.design, self.shown["ids"], self.shown["parties"], states.__getitem__)

    def test_all_of_it_is_told(self):
        examination = Examination(FILE, CHAIN)
        verdict, rows = examination.examine()
        self.assertEqual([row for row in rows if row[2] == "failed"], [])
        told = facts(examination)
        first, second = sorted(told["disputes"]["shown"], key=lambda one: one["listing"])
        kinds = [(one["kind"], one["state"], one["verdict"], one["seal_confirmed"]) for one in first["checks"]]
        expected = [
            ("test-purchase", "closed", "not-authentic", True),
            ("test-purchase", "closed", "undetermined", False),
            ("spot-check", "closed", "not-authentic", None),
            ("supervisor-notice", "closed", None, None),
            ("supervisor-notice", "waits", None, None),
        ]
        self.assertEqual(kinds, expected)
        states = [(one["from"], one["to"], one["state"]) for one in first["handovers"]]
        self.assertEqual(states, [("office", "tribunal", "accepted"), ("tribunal", "office", "lapsed")])
        self.assertEqual(first["sanctions"][0]["outcome"], "confirmed")
        self.assertEqual(second["sanctions"][0]["registered_as"], "91310000")
        parties = [(one["organisation"], one["imposed"], one["registered_as"]) for one in told["disputes"]["parties"]]
        self.assertEqual(parties, [("carrier", 1, None), ("market.lin", 1, "91310000")])
        self.assertEqual(told["authorisations"][0]["answer"], "no")
        self.assertNotEqual(verdict, "not-verified")

    def test_nothing_can_be_left_out(self):
        hidden = [state for state in EVIDENCE["states"] if state["key"].startswith(ABOUT)]
        self.assertEqual(len(hidden), 11)
        for state in hidden:
            rest = [other for other in EVIDENCE["states"] if other is not state]
            self.assertNotEqual(failed(EVIDENCE | {"states": rest}), [], state["key"])
        fewer = self.shown | {"parties": self.shown["parties"][:1]}
        self.assertEqual(failed(EVIDENCE | {"disputes": fewer}), ["state"])
        for parties in (self.shown["parties"][::-1], self.shown["parties"] + ["market.lin"]):
            self.assertEqual(failed(EVIDENCE | {"disputes": self.shown | {"parties": parties}}), ["disputes"])

    def test_each_rule_counts(self):
        def first(record):
            return record["handovers"][0]

        bends = {
            "Dispute": [
                lambda r: r.update(authority="office"),
                lambda r: first(r).update({"from": "tribunal"}),
                lambda r: first(r).update(to="office"),
                lambda r: first(r).update(closed_ms=2**60),
                lambda r: first(r).update(rule_book=b""),
                lambda r: r["handovers"].reverse(),
                lambda r: r["handovers"][1].update(state=0),
                lambda r: r["handovers"][1].update(closed_ms=1),
            ],
            "CaseCheck": [
                lambda r: r.update(dispute=bytes(32)),
                lambda r: r.update(rule_book=b""),
                lambda r: r.update(answer=r["answer"] + b"x"),
                lambda r: r.update(answer_rule_book=r["answer_rule_book"] + b"x"),
                lambda r: r.update(closed_ms=2**60),
            ],
            "Sanction": [
                lambda r: r.update(party="maker"),
                lambda r: r.update(grounds=[bytes(32)]),
                lambda r: r.update(rule_book=b""),
                lambda r: r.update(decision=r["decision"] + b"x"),
                lambda r: r.update(decision_rule_book=r["decision_rule_book"] + b"x"),
                lambda r: r.update(outcome=4),
                lambda r: r.update(outcome=2),
                lambda r: r.update(until_ms=r["until_ms"] + 1),
                lambda r: r.update(from_ms=r["from_ms"] + 1),
                lambda r: r.update(kind=2),
                lambda r: r.update(closed_ms=2**60),
            ],
            "PartySanctions": [
                lambda r: r.update(imposed=0),
                lambda r: r.update(confirmed=2),
                lambda r: r.update(not_decided=2),
            ],
        }
        prefixes = {b"dispute/": "Dispute", b"check/": "CaseCheck", b"sanction/": "Sanction"}
        prefixes[b"sanctions"] = "PartySanctions"
        self.read(self.states)
        tried = 0
        for key, value in self.states.items():
            kind = next((kind for prefix, kind in prefixes.items() if key.startswith(prefix)), None)
            if kind is None or kind == "Dispute" and not decode(kind, value)["handovers"]:
                continue
            for number, bend in enumerate(bends[kind]):
                record = decode(kind, value)
                # The last check waits: it has no answer that could be late.
                if kind == "CaseCheck" and record["kind"] == 2 and number == 4:
                    continue
                bend(record)
                bent = self.states | {key: encode(kind, record)}
                with self.assertRaises(Refusal, msg=f"{kind} {number}"):
                    self.read(bent)
                tried += 1
        self.assertGreaterEqual(tried, 60)

    def test_a_sanction_bars_from_its_block_to_its_end(self):
        held = decode("PartySanctions", self.states[b"sanctions/carrier"])["held"][0]
        asked = EVIDENCE["questions"][0]
        licence = {"licence": bytes(32), "acts": [3], "territories": ["CN"], "until_ms": 2**60}
        # The file needs no licence for its no.
        licences = encode("Authorisations", {"licences": [licence]})
        self.states[b"authorised/" + self.design + b"carrier"] = licences
        for at, expected in (
            (held["from_ms"] - 1, "yes"),
            (held["from_ms"], "no"),
            (held["until_ms"], "no"),
        ):
            answer = read_questions(self.design, [asked | {"time_ms": at}], self.states.__getitem__)[0]
            self.assertEqual(answer.verdict, expected, at)
        for change in ({"kind": 1}, {"subjects": [bytes(32)]}):
            other = encode("PartySanctions", {"held": [held | change]})
            states = self.states | {b"sanctions/carrier": other}
            self.assertEqual(read_questions(self.design, [asked], states.__getitem__)[0].verdict, "yes")
        later = encode("PartySanctions", {"told_from_ms": asked["time_ms"] + 1})
        states = self.states | {b"sanctions/carrier": later}
        self.assertEqual(read_questions(self.design, [asked], states.__getitem__)[0].verdict, "untold")

    def test_a_verdict_takes_a_whole_seal(self):
        for key, value in self.states.items():
            if key.startswith(b"check/") and (check := decode("CaseCheck", value))["seal_confirmed"]:
                check["seal_confirmed"] = 0
                self.assertRaises(Refusal, self.read, self.states | {key: encode("CaseCheck", check)})
                check["verdict"] = 3
                self.read(self.states | {key: encode("CaseCheck", check)})

    def test_nobody_decides_about_its_own_sanction(self):
        for key, value in self.states.items():
            if key.startswith(b"sanction/") and (sanction := decode("Sanction", value))["appealed_ms"]:
                for own in ("issuer", "party"):
                    bent = sanction | {"authority": sanction[own]}
                    self.assertRaises(Refusal, self.read, self.states | {key: encode("Sanction", bent)})


if __name__ == "__main__":
    unittest.main()
