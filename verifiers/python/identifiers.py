"""Identifiers of things, classes, places and parties, in the canonical form of docs/format.md,
"Identifiers": a GS1 Digital Link at id.gs1.org for whatever GS1 keys name, any other absolute URI as it is.
"""

import re

from wire import Refusal

LONGEST = 512
HOST = "https://id.gs1.org"
ALLOWED = r"(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
ABSOLUTE_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:(?=.){ALLOWED}(?:#{ALLOWED})?")
# GS1's character set 82, and 39 of component and part identifiers.
X = r"[A-Za-z0-9!\"%&'()*+,./:;<=>?_-]"
Y = r"[A-Z0-9#/-]"
# Keys of GS1: the form of the value (n: the digits of which the last is the check digit), and the
# qualifiers that may follow, in their order, as alternatives.
KEYS = {
    "00": (r"(?P<n>\d{18})", []),
    "01": (r"(?P<n>\d{8}|\d{12,14})", [("22", "10", "21"), ("235",)]),
    "253": (rf"(?P<n>\d{{13}}){X}{{0,17}}", []),
    "255": (r"(?P<n>\d{13})\d{0,12}", []),
    "401": (rf"\d{{4}}{X}{{1,26}}", []),
    "402": (r"(?P<n>\d{17})", []),
    "414": (r"(?P<n>\d{13})", [("254",)]),
    "415": (r"(?P<n>\d{13})", [("8020",)]),
    "417": (r"(?P<n>\d{13})", []),
    "8003": (rf"0(?P<n>\d{{13}}){X}{{0,16}}", []),
    "8004": (rf"\d{{4}}{X}{{1,26}}", []),
    "8006": (r"(?P<n>\d{14})(?P<piece>\d\d)(?P<total>\d\d)", [("22", "10", "21")]),
    "8010": (rf"\d{{4}}{Y}{{1,26}}", [("8011",)]),
    "8013": (rf"(?P<m>\d{{4}}{X}{{3,21}})", []),
    "8017": (r"(?P<n>\d{18})", [("8019",)]),
    "8018": (r"(?P<n>\d{18})", [("8019",)]),
}
QUALIFIERS = {
    "22": rf"{X}{{1,20}}",
    "10": rf"{X}{{1,20}}",
    "21": rf"{X}{{1,20}}",
    "235": rf"{X}{{1,28}}",
    "254": rf"{X}{{1,20}}",
    "8011": r"0|[1-9]\d{0,11}",
    "8019": r"\d{1,10}",
    "8020": rf"{X}{{1,25}}",
}
FORMS = {ai: re.compile(form, re.ASCII) for ai, (form, _) in KEYS.items()}
FORMS.update({ai: re.compile(form, re.ASCII) for ai, form in QUALIFIERS.items()})
# What stays itself in the path of a Digital Link; everything else is percent-encoded.
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!'()*+,:;=")
# EPC schemes that GS1 Digital Link has no form for.
WITHOUT_LINK = ("gid", "adi", "usdod", "bic", "imovn")
URN = re.compile(r"urn:epc:(.*)", re.IGNORECASE | re.DOTALL)
EPC = re.compile(r"(id|class|idpat):([a-z]+):(.*)", re.DOTALL)


def canonical(text):
    """The canonical form of an identifier; refuses text that isn't one."""
    if not ABSOLUTE_URI.fullmatch(text):
        raise Refusal("an identifier isn't an absolute URI")
    if len(text) > LONGEST:
        raise Refusal("an identifier has more than 512 bytes")
    urn = URN.fullmatch(text)
    if urn:
        return from_urn(text, urn[1])
    return from_link(text)


def check_digit(digits):
    """The check digit that GS1 appends to these digits."""
    total = sum(int(digit) * (3 if i % 2 == 0 else 1) for i, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def check_pair(text):
    """The two check characters that GS1 appends to a model's number."""
    primes = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
    places = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
    total = sum(places.index(c) * prime for c, prime in zip(reversed(text), primes)) % 1021
    pair = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
    return pair[total // 32] + pair[total % 32]


def percent_decode(text):
    """Text without percent-encoding, byte by byte as Latin-1, so that no form admits what isn't ASCII."""
    return re.sub("%([0-9A-Fa-f]{2})", lambda escape: chr(int(escape[1], 16)), text)


def percent_encode(text):
    """A value in the path of a canonical Digital Link."""
    return "".join(c if c in PLAIN else f"%{ord(c):02X}" for c in text)


def link(elements):
    """The canonical Digital Link of a key and its qualifiers, from (application identifier, value)."""
    checked = []
    for ai, value in elements:
        form = FORMS[ai].fullmatch(value)
        if not form:
            raise Refusal(f"the value of ({ai}) in an identifier has a wrong form")
        named = form.groupdict()
        if "n" in named and check_digit(named["n"][:-1]) != named["n"][-1]:
            raise Refusal(f"the check digit of ({ai}) in an identifier is wrong")
        if "m" in named and check_pair(named["m"][:-2]) != named["m"][-2:]:
            raise Refusal(f"the check characters of ({ai}) in an identifier are wrong")
        if "piece" in named and not 1 <= int(named["piece"]) <= int(named["total"]):
            raise Refusal("an identifier's piece isn't one of its total")
        checked.append((ai, value.rjust(14, "0") if ai == "01" else value))
    # A serial number names the thing whatever its lot and variant; extension 0 is the whole place.
    if checked[-1][0] == "21":
        checked = [checked[0], checked[-1]]
    checked = [element for element in checked if element != ("254", "0")]
    return HOST + "".join(f"/{ai}/{percent_encode(value)}" for ai, value in checked)


def from_link(text):
    """The canonical form of a URI that isn't an EPC URN."""
    parts = re.match(r"https?://([^/?#]*)([^?#]*)(.*)", text, re.IGNORECASE | re.DOTALL)
    if not parts:
        return text
    authority, path, rest = parts.groups()
    strict = authority.lower() == "id.gs1.org"
    elements = elements_of(path) if is_query(rest) else None
    if elements is None:
        if strict:
            raise Refusal("an identifier at id.gs1.org isn't a GS1 key with its qualifiers")
        return text
    try:
        return link(elements)
    except Refusal:
        if strict:
            raise
    return text


def is_query(rest):
    """Whether nothing, or a query of pairs alone, follows the path."""
    if not rest:
        return True
    return rest[0] == "?" and "#" not in rest and all(pair.find("=") > 0 for pair in rest[1:].split("&"))


def elements_of(path):
    """The last key in a path with its qualifiers, which end the path; None where there is none."""
    segments = path.split("/")
    elements = []
    for at in range(len(segments) - 2, 0, -2):
        ai, value = segments[at], percent_decode(segments[at + 1])
        elements.insert(0, (ai, value))
        if ai in KEYS:
            qualifiers = tuple(other for other, _ in elements[1:])
            fit = any(in_order(qualifiers, allowed) for allowed in KEYS[ai][1]) or not qualifiers
            return elements if fit else None
        if ai not in QUALIFIERS:
            return None
    return None


def in_order(qualifiers, allowed):
    """Whether the qualifiers are some of the allowed ones, in their order, each once."""
    places = [allowed.index(ai) if ai in allowed else -1 for ai in qualifiers]
    return -1 not in places and all(a < b for a, b in zip(places, places[1:]))


def digits(text, least, most):
    """Digits, so many of them."""
    if not re.fullmatch(rf"[0-9]{{{least},{most}}}", text):
        raise Refusal("an EPC URN's parts have a wrong form")
    return text


def company(prefix, reference, length):
    """A company prefix (6 to 12 digits) and a reference that together have so many digits."""
    digits(prefix, 6, 12)
    if len(prefix) + len(reference) != length or not re.fullmatch("[0-9]*", reference):
        raise Refusal("an EPC URN's parts have a wrong form")
    return prefix + reference


def first_moved(prefix, reference, length):
    """The digits of both, the reference's first before the prefix, with their check digit."""
    company(prefix, reference, length)
    if not reference:
        raise Refusal("an EPC URN's parts have a wrong form")
    body = reference[0] + prefix + reference[1:]
    return body + check_digit(body)


def gtin(prefix, reference):
    """The GTIN of a company prefix and an item reference, whose first digit is the indicator."""
    return first_moved(prefix, reference, 13)


def with_check(prefix, reference, length):
    """The digits of prefix and reference with their check digit."""
    body = company(prefix, reference, length)
    return body + check_digit(body)


def some(text):
    """Text that isn't empty."""
    if not text:
        raise Refusal("an EPC URN's parts have a wrong form")
    return text


def sscc(prefix, reference):
    """The SSCC of a company prefix and a serial reference, whose first digit is the extension digit."""
    return first_moved(prefix, reference, 17)


def itip(prefix, reference, piece, total):
    """The identification of a piece of a trade item."""
    return gtin(prefix, reference) + piece + total


# Of each EPC scheme: how many parts it has, and its elements.
SCHEMES = {
    "id:sgtin": (3, lambda p, r, s: [("01", gtin(p, r)), ("21", s)]),
    "id:sscc": (2, lambda p, r: [("00", sscc(p, r))]),
    "id:sgln": (3, lambda p, r, s: [("414", with_check(p, r, 12)), ("254", s)]),
    "id:pgln": (2, lambda p, r: [("417", with_check(p, r, 12))]),
    "id:grai": (3, lambda p, r, s: [("8003", "0" + with_check(p, r, 12) + some(s))]),
    "id:giai": (2, lambda p, r: [("8004", digits(p, 6, 12) + some(r))]),
    "id:gsrn": (2, lambda p, r: [("8018", with_check(p, r, 17))]),
    "id:gsrnp": (2, lambda p, r: [("8017", with_check(p, r, 17))]),
    "id:gdti": (3, lambda p, r, s: [("253", with_check(p, r, 12) + some(s))]),
    "id:sgcn": (3, lambda p, r, s: [("255", with_check(p, r, 12) + some(s))]),
    "id:cpi": (3, lambda p, r, s: [("8010", digits(p, 6, 12) + some(r)), ("8011", s)]),
    "id:ginc": (2, lambda p, r: [("401", digits(p, 6, 12) + some(r))]),
    "id:gsin": (2, lambda p, r: [("402", with_check(p, r, 16))]),
    "id:itip": (5, lambda p, r, n, t, s: [("8006", itip(p, r, n, t)), ("21", s)]),
    "id:upui": (3, lambda p, r, s: [("01", gtin(p, r)), ("235", s)]),
    "class:lgtin": (3, lambda p, r, s: [("01", gtin(p, r)), ("10", s)]),
    "idpat:sgtin": (2, lambda p, r: [("01", gtin(p, r))]),
    "idpat:upui": (2, lambda p, r: [("01", gtin(p, r))]),
    "idpat:grai": (2, lambda p, r: [("8003", "0" + with_check(p, r, 12))]),
    "idpat:gdti": (2, lambda p, r: [("253", with_check(p, r, 12))]),
    "idpat:sgcn": (2, lambda p, r: [("255", with_check(p, r, 12))]),
    "idpat:cpi": (2, lambda p, r: [("8010", digits(p, 6, 12) + some(r))]),
    "idpat:itip": (4, lambda p, r, n, t: [("8006", itip(p, r, n, t))]),
}


def from_urn(text, rest):
    """The canonical form of an EPC URN, from what follows its first `urn:epc:`."""
    form = EPC.fullmatch(rest)
    if form and form[1] == "id" and form[2] in WITHOUT_LINK:
        return text
    scheme = form and f"{form[1]}:{form[2]}"
    if scheme not in SCHEMES:
        raise Refusal("an EPC URN is of a kind that isn't used in EPCIS")
    count, elements = SCHEMES[scheme]
    value = form[3]
    if form[1] == "idpat":
        if not value.endswith(".*"):
            raise Refusal("an EPC URN is of a kind that isn't used in EPCIS")
        value = value[:-2]
    if re.search("[/?#&~@$\\[\\]]", value):
        raise Refusal("an EPC URN's parts have a wrong form")
    parts = value.split(".", count - 1)
    if len(parts) != count:
        raise Refusal("an EPC URN's parts have a wrong form")
    return link(elements(*(percent_decode(part) for part in parts)))
