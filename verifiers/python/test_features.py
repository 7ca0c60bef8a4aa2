"""The vectors of docs/regions.md. Run: python3 -m unittest, in this folder."""

import hashlib
import pathlib
import unittest

from features import features
from fingerprint import sample

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "regions.md"


class Features(unittest.TestCase):
    def test_vectors(self):
        text = DOCUMENT.read_text().split("<!-- vectors: begin -->")[1].split("<!-- vectors: end -->")[0]
        lines = [line.split(" = ") for line in text.splitlines() if " = " in line]
        self.assertGreaterEqual(len(lines), 6)
        for given, expected in lines:
            found = features(sample(*map(int, given.split())))
            self.assertEqual(f"{(len(found) - 4) // 37} {hashlib.sha256(found).hexdigest()}", expected, given)


if __name__ == "__main__":
    unittest.main()
