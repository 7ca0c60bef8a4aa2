#!/usr/bin/env python3
"""Makes the fonts of this folder from Debian's fonts-noto-cjk and fonts-noto-core. Only for
changing the set of characters; a build reads the files that are kept here.

    apt-get install fonts-noto-cjk fonts-noto-core && pip install fonttools==4.68.0
    subset.py /usr/share/fonts
"""

import io
import pathlib
import sys
import zlib

from fontTools import subset, ttLib

FACE = "Noto Sans CJK SC"


def double_bytes(codec, leads):
    """The characters that a double-byte character set has under these lead bytes."""
    found = set()
    for lead in leads:
        for trail in range(0x40, 0xFF):
            try:
                text = bytes([lead, trail]).decode(codec)
            except UnicodeDecodeError:
                continue
            if len(text) == 1:
                found.add(ord(text))
    return found


def chinese():
    """GB 2312 whole, Big5's frequent characters (level 1), and the Latin that goes with them."""
    ranges = [
        (0x20, 0x7F),  # ASCII
        (0xA0, 0x180),  # Latin-1, what there is of Latin Extended-A
        (0x2010, 0x205F),  # punctuation
        (0x20A0, 0x20C1),  # currencies
        (0x3000, 0x3020),  # CJK punctuation
        (0xFF01, 0xFF5F),  # full-width forms
    ]
    chosen = {c for first, end in ranges for c in range(first, end)}
    chosen |= double_bytes("gb2312", range(0xA1, 0xF8))
    chosen |= double_bytes("big5", range(0xA4, 0xC7))
    # What steers the text's direction has no place on a page.
    return chosen - set(range(0x2028, 0x202F)) - {0x200E, 0x200F}


def european():
    """What the Chinese font lacks of Europe's alphabets, and combining accents."""
    ranges = [
        (0x100, 0x250),  # Latin Extended-A and B
        (0x300, 0x346),  # accents
        (0x370, 0x530),  # Greek, Cyrillic
        (0x1E00, 0x2000),  # Latin Extended Additional, Greek Extended
    ]
    return {c for first, end in ranges for c in range(first, end)}


def rare(known, covered):
    """All other Han characters that the font knows: CJK Unified Ideographs, their extensions and compatibility forms."""
    blocks = [(0x2E80, 0x2FE0), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32400)]
    return {c for c in known if any(first <= c < end for first, end in blocks)} - covered


def make(source, number, characters, target):
    font = ttLib.TTFont(source, fontNumber=number, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.drop_tables += ["BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]
    options.desubroutinize = isinstance(target, io.BytesIO)  # what is deflated gets smaller by it
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    font.save(target)
    return set(font.getBestCmap())


def main(fonts):
    source = fonts + "/opentype/noto/NotoSansCJK-Regular.ttc"
    faces = ttLib.TTCollection(source).fonts
    number = next(i for i, f in enumerate(faces) if f["name"].getDebugName(4) == FACE)
    here = pathlib.Path(__file__).parent
    covered = make(source, number, chinese(), here / "NotoSansCJKsc-subset.otf")
    known = set(ttLib.TTFont(source, fontNumber=number).getBestCmap())
    whole = io.BytesIO()
    make(source, number, rare(known, covered), whole)
    (here / "NotoSansCJKsc-rare.otf.zlib").write_bytes(zlib.compress(whole.getvalue(), 9))
    source = fonts + "/truetype/noto/NotoSans-Regular.ttf"
    make(source, -1, european() - covered, here / "NotoSans-subset.ttf")


if __name__ == "__main__":
    main(sys.argv[1])
