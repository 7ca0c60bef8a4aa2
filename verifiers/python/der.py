"""DER (X.690) as docs/evidence.md describes it in "What a token is": one reader for tokens and certificates.

Read by hand: parsers of certificates at large accept more than the document does, or less.
"""

import collections
import datetime

from proofs import require
from wire import Refusal

TAGS = {
    "BOOLEAN": 0x01,
    "INTEGER": 0x02,
    "BITS": 0x03,
    "OCTETS": 0x04,
    "NULL": 0x05,
    "OID": 0x06,
    "UTCTime": 0x17,
    "GeneralizedTime": 0x18,
    "SEQUENCE": 0x30,
    "SET": 0x31,
    "[0]": 0xA0,
    "[1]": 0xA1,
    "[3]": 0xA3,
    "[0]primitive": 0x80,
    "[1]primitive": 0x81,
}

Element = collections.namedtuple("Element", "tag content whole")


def elements(data):
    """The elements that bytes consist of, one behind the other; only of the outer ones is the form examined."""
    found, at = [], 0
    while at < len(data):
        start, tag = at, data[at]
        require(tag & 31 != 31, "DER: a tag of more than one byte")
        require(at + 1 < len(data), "DER: an element ends too early")
        size, at = data[at + 1], at + 2
        require(size != 128, "DER: an indefinite length")
        if size > 128:
            length = data[at : at + size - 128]
            require(len(length) == size - 128, "DER: a length ends too early")
            at, size = at + len(length), int.from_bytes(length, "big")
            require(length[0] and size > 127, "DER: a length isn't in its shortest form")
        require(at + size <= len(data), "DER: an element ends too early")
        found.append(Element(tag, data[at : at + size], data[start : at + size]))
        at += size
    return found


def one(data, kind):
    """The one element of a kind that bytes are; it is DER down to the last element inside."""
    found = match(data, kind)[0]
    left = [found]
    while left:
        element = left.pop()
        check_element(element)
        if element.tag & 32:
            left.extend(elements(element.content))
    return found


def check_element(element):
    """Requires the form that DER asks of an element of a universal type."""
    tag, content = element.tag, element.content
    if tag >= 64:
        return
    require(tag & 31 and bool(tag & 32) == (tag & 31 in (16, 17)), "DER: an element has the wrong tag")
    if tag == TAGS["INTEGER"]:
        require(content, "DER: an empty INTEGER")
        longer = len(content) > 1 and (content[0], content[1] >> 7) in ((0, 0), (255, 1))
        require(not longer, "DER: an INTEGER isn't in its shortest form")
    elif tag == TAGS["BOOLEAN"]:
        require(content in (b"\0", b"\xff"), "DER: a BOOLEAN is neither 0x00 nor 0xff")
    elif tag == TAGS["BITS"]:
        # A keyUsage stands inside an OCTET STRING, which isn't looked into here.
        require(content[:1] == b"\0", "DER: a BIT STRING has unused bits")
    elif tag == TAGS["NULL"]:
        require(not content, "DER: a NULL isn't empty")
    elif tag == TAGS["OID"]:
        require(content and content[-1] < 128, "DER: an OID ends too early")
        starts = [0] + [i + 1 for i, byte in enumerate(content[:-1]) if byte < 128]
        require(all(content[i] != 128 for i in starts), "DER: an OID isn't in its shortest form")


def match(data, form):
    """The elements that bytes consist of, one for each kind of the form; None where one with a `?` is missing."""
    found, at, matched = elements(data), 0, []
    for kind in form.split():
        if at < len(found) and found[at].tag == TAGS[kind.rstrip("?")]:
            matched.append(found[at])
            at += 1
        else:
            require(kind.endswith("?"), f"DER: no {kind} where one should be")
            matched.append(None)
    require(at == len(found), "DER: something stands behind the last field")
    return matched


def number(element):
    """The value of an INTEGER."""
    return int.from_bytes(element.content, "big", signed=True)


def oid(element):
    """The text of an OID; numbers of more than 128 bits are in hex, as Python limits the decimals of a text."""
    numbers, n = [], 0
    for byte in element.content:
        n = n << 7 | byte & 127
        if byte < 128:
            numbers.append(n)
            n = 0
    first = min(numbers[0] // 40, 2)
    numbers[:1] = first, numbers[0] - 40 * first
    return ".".join(str(n) if n < 2**128 else hex(n) for n in numbers)


def time_ms(element):
    """Milliseconds of a UTCTime or GeneralizedTime; a fraction finer than that is rounded up (rule 5)."""
    text = element.content.decode("latin-1")
    require(text.endswith("Z") and text.isascii(), "a time isn't UTC")
    text, point, fraction = text[:-1].partition(".")
    if element.tag == TAGS["UTCTime"]:
        require(not point and len(text) == 12, "a UTCTime isn't YYMMDDhhmmssZ")
        text = ("19" if text[:2] >= "50" else "20") + text
    require(len(text) == 14 and text.isdigit(), "a time isn't YYYYMMDDhhmmssZ")
    if point:
        # X.690, 11.7: a fraction has no trailing zeros.
        ends = fraction.isdigit() and len(fraction) <= 9 and fraction[-1] != "0"
        require(ends, "a time's fraction isn't of 1 to 9 digits, the last no zero")
    try:
        parts = [int(text[:4])] + [int(text[i : i + 2]) for i in range(4, 14, 2)]
        moment = datetime.datetime(*parts) - datetime.datetime(1970, 1, 1)
    except ValueError:
        raise Refusal("a time isn't a real date and time") from None
    return moment // datetime.timedelta(milliseconds=1) + -(-int(fraction.ljust(9, "0")) // 1_000_000)
