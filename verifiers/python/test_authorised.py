#!/usr/bin/env python3
"""Answers about authorisation: yes and no as their files prove them, and nothing that was bent."""

import contextlib
import copy
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from authorised import FIRST, examine, main  # noqa: E402
from moment import printable, utc  # noqa: E402
from proofs import sha256  # noqa: E402
from wire import Refusal, decode, encode  # noqa: E402

DATA = pathlib.Path(__file__).resolve().parents[2] / "chain-core/tests/data/evidence"
GENESIS = (DATA / "genesis.json").read_bytes()


def content(name):
    return (DATA / f"{name}.authorisation").read_bytes()[len(FIRST) : -32]


def sealed(message):
    data = FIRST + message
    return data + sha256(data)


def judged(message):
    """The verdict on a file with this content."""
    return examine(sealed(message), GENESIS)[1]


class Authorised(unittest.TestCase):
    def test_yes_and_no(self):
        for name, expected, words in (
            ("yes", "yes", "licence "),
            ("no", "no", "one that it stands on was ended"),
            ("nobody", "no", "no licence for it"),
        ):
            asked, verdict, why, _ = examine((DATA / f"{name}.authorisation").read_bytes(), GENESIS)
            self.assertEqual((verdict, asked["act"], asked["territory"]), (expected, 3, "CN"))
            self.assertIn(words, why)

    def test_another_chain(self):
        other = GENESIS.replace(b'"test"', b'"best"')
        self.assertNotEqual(other, GENESIS)
        self.assertRaises(Refusal, examine, sealed(content("yes")), other)

    def test_no_bit_can_be_bent(self):
        for name in ("yes", "no"):
            good = content(name)
            told = decode("AuthorisationFile", good)["question"]
            for bit in range(0, 8 * len(good), 7):
                bent = bytearray(good)
                bent[bit // 8] ^= 1 << bit % 8
                try:
                    asked, verdict, _, _ = examine(sealed(bytes(bent)), GENESIS)
                except Refusal:
                    continue
                # Another moment that these records settle too is another question.
                self.assertNotEqual(asked, told, (name, bit))

    def test_nothing_can_be_left_out_or_withheld(self):
        for name in ("yes", "no", "nobody"):
            file = decode("AuthorisationFile", content(name))
            for at in range(len(file["answer"]["values"])):
                for bend in (
                    lambda values: values.pop(at),
                    lambda values: values.insert(at, values[at]),
                    lambda values: values[at].update(proof=None),
                    lambda values: values[at].update(proof=None, value=None),
                    lambda values: values[at].update(value=b"\x01"),
                ):
                    bent = copy.deepcopy(file)
                    bend(bent["answer"]["values"])
                    if bent != file:
                        self.assertRaises(Refusal, judged, encode("AuthorisationFile", bent))

    def test_the_validators_are_followed(self):
        file = decode("AuthorisationFile", content("yes"))
        self.assertEqual(len(file["validator_set_changes"]), 1)
        for bend in (lambda changes: changes.clear(), lambda changes: changes.insert(0, changes[0])):
            bent = copy.deepcopy(file)
            bend(bent["validator_set_changes"])
            self.assertRaises(Refusal, judged, encode("AuthorisationFile", bent))

    def test_what_it_says_is_for_programs(self):
        genesis = str(DATA / "genesis.json")
        with tempfile.TemporaryDirectory() as folder:
            bent = pathlib.Path(folder) / "bent.authorisation"
            bent.write_bytes((DATA / "yes.authorisation").read_bytes()[:-1])
            for file, document, code, told in (
                (DATA / "yes.authorisation", genesis, 0, {"authorised": "yes", "act": "sell", "verified": True}),
                (DATA / "no.authorisation", genesis, 4, {"authorised": "no", "territory": "CN"}),
                (bent, genesis, 3, {"error": "not-verified", "exit_code": 3}),
                (bent, str(bent), 1, {"error": "usage", "exit_code": 1}),
            ):
                said = io.StringIO()
                command = ["authorised.py", str(file), "--genesis", document, "--json"]
                with mock.patch.object(sys, "argv", command), contextlib.redirect_stdout(said):
                    try:
                        self.assertEqual(main(), code)
                    except SystemExit:
                        self.assertEqual(code, 1)
                found = json.loads(said.getvalue())
                self.assertEqual(told.items() & found.items(), told.items(), file)

    def test_what_it_says_is_for_people(self):
        for name, code, words in (
            ("yes", 0, ("YES: whether ", "in CN at 2026-", "Because   licence ", " until 2026-", "As of     block ")),
            ("no", 4, ("NO: whether ", "in CN at 2026-", "one that it stands on was ended at 2026-")),
        ):
            said = io.StringIO()
            command = ["authorised.py", str(DATA / f"{name}.authorisation"), "--genesis", str(DATA / "genesis.json")]
            with mock.patch.object(sys, "argv", command), contextlib.redirect_stdout(said):
                self.assertEqual(main(), code)
            for part in words:
                self.assertIn(part, said.getvalue())
            self.assertNotIn("'", said.getvalue())
            self.assertNotIn(" ms", said.getvalue())
        # What is no genesis document examines nothing: wrong usage, as in verify.py, and no word on the file.
        for wrong in (DATA / "yes.authorisation", DATA / "missing.json"):
            command = ["authorised.py", str(DATA / "yes.authorisation"), "--genesis", str(wrong)]
            with mock.patch.object(sys, "argv", command), self.assertRaises(SystemExit) as ended:
                main()
            self.assertIn("authorised.py: ", ended.exception.code)
        # No time is too large to be said, and no text commands the terminal.
        self.assertEqual(utc(2**64 - 1), "18446744073709551615 ms after 1970")
        self.assertEqual(printable("争\x1b[2J"), "争\\x1b[2J")


if __name__ == "__main__":
    unittest.main()
