"""The vectors of docs/fingerprint.md, and what its sentences say. Run: python3 -m unittest, in this folder."""

import pathlib
import unittest

import fingerprint as f

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "fingerprint.md"


def turned(pixels, number):
    if number & 4:
        pixels = [list(column) for column in zip(*pixels)]
    if number & 1:
        pixels = [row[::-1] for row in pixels]
    return pixels[::-1] if number & 2 else pixels


class Fingerprints(unittest.TestCase):
    def test_vectors(self):
        text = DOCUMENT.read_text().split("<!-- vectors: begin -->")[1].split("<!-- vectors: end -->")[0]
        lines = [line.split(" = ") for line in text.splitlines() if " = " in line]
        self.assertGreaterEqual(len(lines), 6)
        for given, expected in lines:
            width, height, seed = map(int, given.split())
            whole, trimmed, a, b = f.fingerprint(f.sample(width, height, seed))
            self.assertEqual(f"{whole.hex()} {trimmed.hex()} {a} {b}", expected, given)

    def test_a_turned_picture_has_turned_bits(self):
        pixels = f.sample(50, 37, 11)
        ours = f.fingerprint(pixels)
        for number in range(8):
            theirs = f.fingerprint(turned(pixels, number))
            self.assertLessEqual(f.distance(f.variant(ours[0], number), theirs[0]), 2)
            self.assertLessEqual(f.distance(f.variant(ours[1], number), theirs[1]), 2)

    def test_a_frame_is_trimmed(self):
        inner = f.sample(40, 30, 3)
        framed = [[(9, 200, 40)] * 60 for _ in range(50)]
        for y, row in enumerate(inner):
            framed[y + 10][10:50] = row
        ours, theirs = f.fingerprint(inner), f.fingerprint(framed)
        self.assertEqual(ours[1], theirs[1])
        self.assertEqual(f.search(theirs, [ours])[2][0][:3], (0, 0, 1))

    def test_plain_pictures_are_never_matched(self):
        plain = f.fingerprint([[(130, 130, 130)] * 30 for _ in range(30)])
        self.assertEqual(plain[2:], (0, 0))
        self.assertEqual(f.search(plain, [plain]), (1, 0, []))

    def test_stripes_are_never_matched(self):
        stripes = f.fingerprint([[(255 * (y // 7 % 2),) * 3] * 60 for y in range(60)])
        self.assertGreaterEqual(stripes[2], f.LEAST_QUALITY)
        self.assertEqual(f.search(stripes, [stripes]), (1, 0, []))


if __name__ == "__main__":
    unittest.main()
