#!/usr/bin/env python3
"""Makes NotoSansCJKsc-subset.otf from Debian's fonts-noto-cjk. Only for changing the set of
characters; a build reads the file that is kept here.

    apt-get install fonts-noto-cjk && pip install fonttools==4.68.0
    subset.py /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc NotoSansCJKsc-subset.otf
"""

import sys

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


def characters():
    """GB 2312 whole, Big5's frequent characters (level 1), and the alphabets of Europe."""
    ranges = [
        (0x20, 0x7F),  # ASCII
        (0xA0, 0x180),  # Latin-1, Latin Extended-A
        (0x370, 0x400),  # Greek
        (0x400, 0x460),  # Cyrillic
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


def main(source, target):
    faces = ttLib.TTCollection(source).fonts
    number = next(i for i, f in enumerate(faces) if f["name"].getDebugName(4) == FACE)
    font = ttLib.TTFont(source, fontNumber=number, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.drop_tables += ["BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    font.save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
