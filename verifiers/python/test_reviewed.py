#!/usr/bin/env python3
"""Public reviews: draw and verdict as their files prove them, and nothing that was bent."""

import contextlib
import copy
import io
import json
import pathlib
import sys
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from proofs import sha256  # noqa: E402
from reviewed import FIRST, be, check_review, draw, examine, main, result_of, seed_of  # noqa: E402
from sample_ledger import SampleLedger  # noqa: E402
from wire import Refusal, decode, encode  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[2] / "chain-core/tests/data/evidence"
GENESIS = (DATA / "genesis.json").read_bytes()
TERMS = {
    "panel": 3,
    "appeal_panel": 5,
    "alternates": 2,
    "quorum_percent": 51,
    "majority_percent": 50,
    "commit_days": 3,
    "open_days": 2,
    "appeal_days": 7,
    "reveal_blocks": 8,
}
DISPUTE = bytes(range(32))


def content(name):
    return (DATA / f"{name}.review").read_bytes()[len(FIRST) : -32]


def sealed(message):
    data = FIRST + message
    return data + sha256(data)


def drawing(ledger, first):
    """A draw in which the last validator is silent."""
    values = []
    for member in ledger.everyone:
        preimage = sha256(member["public_key"] + be(first, 1))
        silent = member is ledger.everyone[-1]
        values.append(member | {"tip": sha256(preimage), "preimage": b"" if silent else preimage})
    return {"height": first, "last_height": first + 8, "values": values, "closed_height": first + 9, "beacon": None}


def made():
    """A ledger with a review whose first verdict an appeal turned round, and its file."""
    ledger = SampleLedger()
    dispute = {
        "subject": sha256(b"lamp"),
        "complainant": "maker",
        "platform": "market",
        "respondent": "carrier",
        "phase": 5,
        "outcome": 12,
        "review": {"ground": 1, "phase": 5, "instance": 1, "results": []},
    }
    excluded, panels = set(), []
    for instance, (size, choice) in enumerate(((3, 1), (5, 2))):
        drawn = drawing(ledger, 10 * instance + 1)
        panel = {"root": sha256(b"jurors"), "count": 40, "terms": TERMS, "draw": instance}
        panel["seed"] = seed_of(dispute, instance, panel, drawn)
        jurors = draw(panel["seed"], 40, size + 2, excluded)
        voted = {"state": 4, "choice": choice, "reasons": sha256(b"why")}
        panel["seats"] = [
            {"juror": juror} | (voted if place < size else {"state": 0, "choice": 0, "reasons": b""})
            for place, juror in enumerate(jurors)
        ]
        verdict, uphold, dismiss, reasons = result_of(panel, TERMS, size)
        told = {"verdict": verdict, "uphold": uphold, "dismiss": dismiss, "time_ms": 7, "reasons": reasons}
        dispute["review"]["results"].append(told)
        excluded.update(jurors)
        panels.append((panel, drawn))
    ledger.state[b"dispute/" + DISPUTE] = encode("Dispute", dispute)
    keys = [b"dispute/" + DISPUTE]
    for instance, (panel, drawn) in enumerate(panels):
        keys += [b"panel/" + DISPUTE + be(instance, 4), b"draw/" + be(instance, 8)]
        ledger.state[keys[-2]], ledger.state[keys[-1]] = encode("Panel", panel), encode("Draw", drawn)
    ledger.block()
    proven = [ledger.prove(key) for key in keys]
    values = [{"value": state["value"], "proof": state["proof"]} for state in proven]
    return ledger, {"dispute": DISPUTE, "header": ledger.blocks[-1][0], "values": values}


LEDGER, FILE = made()


class Made(unittest.TestCase):
    """Files of a ledger that is made up here."""

    def setUp(self):
        self.file = encode("ReviewFile", FILE)

    def test_a_review_holds(self):
        dispute, panels, verdicts, _ = examine(sealed(self.file), LEDGER.genesis)
        self.assertEqual((verdicts, dispute["outcome"]), (["upheld", "dismissed"], 12))
        self.assertEqual([len(panel["seats"]) for panel, _ in panels], [5, 7])

    def test_no_bit_can_be_bent(self):
        for bit in range(0, 8 * len(self.file), 41):
            bent = bytearray(self.file)
            bent[bit // 8] ^= 1 << bit % 8
            self.assertRaises(Refusal, examine, sealed(bytes(bent)), LEDGER.genesis)

    def test_nothing_can_be_left_out_or_added(self):
        for at in range(len(FILE["values"])):
            for bend in (
                lambda values: values.pop(at),
                lambda values: values.insert(at, values[at]),
                lambda values: values[at].update(proof=None),
                lambda values: values[at].update(value=None),
            ):
                bent = copy.deepcopy(FILE)
                bend(bent["values"])
                self.assertRaises(Refusal, examine, sealed(encode("ReviewFile", bent)), LEDGER.genesis)

    def test_each_field_of_the_records_counts(self):
        dispute, panels, _, _ = examine(sealed(self.file), LEDGER.genesis)
        bends = {
            "subject": lambda d, p: d.update(subject=bytes(32)),
            "respondent": lambda d, p: d.update(respondent="x"),
            "ground": lambda d, p: d["review"].update(ground=2),
            "outcome": lambda d, p: d.update(outcome=11),
            "verdict": lambda d, p: d["review"]["results"][0].update(verdict=2),
            "uphold": lambda d, p: d["review"]["results"][0].update(uphold=2),
            "dismiss": lambda d, p: d["review"]["results"][1].update(dismiss=4),
            "reasons": lambda d, p: d["review"]["results"][1].update(reasons=bytes(32)),
            "a panel": lambda d, p: p.pop(),
            "root": lambda d, p: p[0][0].update(root=bytes(32)),
            "count": lambda d, p: p[0][0].update(count=21),
            "seed": lambda d, p: p[0][0].update(seed=bytes(32)),
            "a seat": lambda d, p: p[0][0]["seats"].pop(),
            "a juror": lambda d, p: p[1][0]["seats"][0].update(juror=99),
            "a choice": lambda d, p: p[0][0]["seats"][0].update(choice=2),
            "a state": lambda d, p: p[0][0]["seats"][0].update(state=1),
            "a reason": lambda d, p: p[1][0]["seats"][0].update(reasons=bytes(32)),
            "a value": lambda d, p: p[0][1]["values"][0].update(preimage=bytes(32)),
            "a value left out": lambda d, p: p[0][1]["values"][0].update(preimage=b""),
            "an open draw": lambda d, p: p[0][1].update(closed_height=0),
        }
        for name, bend in bends.items():
            other, others = copy.deepcopy(dispute), copy.deepcopy(panels)
            bend(other, others)
            self.assertRaises(Refusal, check_review, other, others)


@unittest.skipUnless((DATA / "appealed.review").exists(), "the ledger's tests write the files")
class Reviewed(unittest.TestCase):
    def test_draw_and_verdict_are_found_again(self):
        dispute, panels, verdicts, _ = examine(sealed(content("appealed")), GENESIS)
        self.assertEqual((verdicts, dispute["outcome"]), (["upheld", "dismissed"], 12))
        self.assertEqual([len(panel["seats"]) for panel, _ in panels], [5, 7])
        _, panels, verdicts, _ = examine(sealed(content("waiting")), GENESIS)
        self.assertEqual((verdicts, panels[0][0]["seats"]), ([], []))

    def test_what_it_says_is_for_programs(self):
        said = io.StringIO()
        command = ["reviewed.py", str(DATA / "appealed.review"), "--genesis", str(DATA / "genesis.json"), "--json"]
        with mock.patch.object(sys, "argv", command), contextlib.redirect_stdout(said):
            self.assertEqual(main(), 0)
        found = json.loads(said.getvalue())
        self.assertEqual([panel["result"]["verdict"] for panel in found["panels"]], ["upheld", "dismissed"])
        self.assertEqual([len(panel["seats"]) for panel in found["panels"]], [5, 7])
        self.assertEqual((found["recounted"], found["verified"]), (True, True))

    def test_another_chain(self):
        other = GENESIS.replace(b'"test"', b'"best"')
        self.assertNotEqual(other, GENESIS)
        self.assertRaises(Refusal, examine, sealed(content("appealed")), other)

    def test_no_bit_can_be_bent(self):
        for name in ("appealed", "waiting"):
            good = content(name)
            for bit in range(0, 8 * len(good), 97):
                bent = bytearray(good)
                bent[bit // 8] ^= 1 << bit % 8
                self.assertRaises(Refusal, examine, sealed(bytes(bent)), GENESIS)

    def test_nothing_can_be_left_out(self):
        for name in ("appealed", "waiting"):
            file = decode("ReviewFile", content(name))
            for at in range(len(file["values"])):
                for bend in (
                    lambda values: values.pop(at),
                    lambda values: values.insert(at, values[at]),
                    lambda values: values[at].update(proof=None),
                    lambda values: values[at].update(value=None),
                ):
                    bent = copy.deepcopy(file)
                    bend(bent["values"])
                    self.assertRaises(Refusal, examine, sealed(encode("ReviewFile", bent)), GENESIS)


class Draw(unittest.TestCase):
    def test_a_draw_is_an_order_of_places(self):
        self.assertEqual(draw(b"\x07" * 32, 97, 6, set()), [29, 95, 77, 8, 89, 78])
        drawn = draw(bytes(32), 50, 50, set())
        self.assertEqual(sorted(drawn), list(range(50)))
        self.assertEqual(draw(bytes(32), 50, 7, set()), drawn[:7])
        left = [juror for juror in drawn if juror not in drawn[::3]]
        self.assertEqual(draw(bytes(32), 50, 50, set(drawn[::3])), left)


if __name__ == "__main__":
    unittest.main()
