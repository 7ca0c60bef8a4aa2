"""The code under a label's cover: whoever opens it first has that recorded (docs/verdicts.md, "Codes under a cover")."""

import dataclasses
import hashlib
import re
import time

from touchstone.errors import Rejected, WrongCode
from touchstone.verification import Refusal, canonical

_RECORDED = re.compile(r"sha256:([0-9a-f]{32}):([0-9a-f]{64})")
_NAMESPACE = "urn:touchstone:epcis:"
_CONTEXT = ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld", {"touchstone": _NAMESPACE}]
#: A thing that another organisation holds.
_NOT_THE_HOLDER = 307


@dataclasses.dataclass(frozen=True)
class Opening:
    """The first proven use of a label's code."""

    organisation: str
    #: The block's time, milliseconds since 1970.
    time_ms: int
    height: int
    #: Whether this call recorded it; if not, somebody had the code before.
    is_first: bool


def _local(name):
    return re.split("[:/#]", name)[-1]


def _standing(events):
    """The documents of events that stand: neither declared wrong (EPCIS 2.0 §7.4.1.2) nor such a declaration."""
    told = [(event.organisation, event.json()) for event in events]
    wrong = set()
    for by, (organisation, document) in enumerate(told):
        name = document.get("eventID")
        if not document.get("errorDeclaration") or not name:
            continue
        # The last one before it of that name, by the same organisation.
        for at in range(by - 1, -1, -1):
            whose, earlier = told[at]
            if whose == organisation and earlier.get("eventID") == name and not earlier.get("errorDeclaration"):
                wrong.add(at)
                break
    return [document for at, (_, document) in enumerate(told) if at not in wrong and not document.get("errorDeclaration")]


def _names(listed, thing):
    """Whether a list of an event names the thing with this canonical identifier."""
    for name in listed or []:
        try:
            if canonical(name) == thing:
                return True
        except Refusal:
            continue
    return False


def _begins(document, thing):
    """Whether an event brings the thing into being (docs/custody.md, "Life")."""
    if document.get("type") == "ObjectEvent":
        return document.get("action") == "ADD" and _names(document.get("epcList"), thing)
    return document.get("type") == "TransformationEvent" and _names(document.get("outputEPCList"), thing)


def _recorded(client, item):
    """What the maker recorded of the code, with the last standing event that brings the thing into being.

    The history tells of containers and of what was made of the thing, too: their codes are others'.
    """
    thing = canonical(item)
    beginnings = [document for document in _standing(client.item(item).events) if _begins(document, thing)]
    for name, value in (beginnings[-1].get("ilmd") or {}).items() if beginnings else ():
        if _local(name) == "activation" and isinstance(value, str) and _RECORDED.fullmatch(value):
            return value
    raise WrongCode("the thing's maker recorded no code under a cover")


# Capital letters, and what they are taken for. Other alphabets' letters stay as they are.
_CAPITALS = str.maketrans({letter: letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"})
_ALIKE = str.maketrans("OIL", "011")


def _letters(typed):
    """A code as people type it: small letters, spaces, look-alikes."""
    return re.sub(r"[\s-]", "", typed).translate(_CAPITALS).translate(_ALIKE)


def fits(recorded, typed):
    """Whether a code is the recorded one."""
    salt, expected = _RECORDED.fullmatch(recorded).groups()
    return hashlib.sha256(bytes.fromhex(salt) + _letters(typed).encode()).hexdigest() == expected


def _first(client, recorded):
    """The first event under the label's identifier that has the code; None: proven that there is none."""
    for event in client.item(f"urn:touchstone:activation:{recorded}").events:
        for name, value in event.json().items():
            if _local(name) == "openingCode" and isinstance(value, str) and fits(recorded, value):
                return event
    return None


def open_label(client, signer, item, code):
    """Records that the label of a thing was opened, unless that is recorded already; gives the first opening.

    `item` is the thing's identifier, `code` what its holder typed. Raises `WrongCode` where the code isn't the thing's.
    Two calls at once record one opening each at most, and both give the first.
    """
    recorded = _recorded(client, item)
    if not fits(recorded, code):
        raise WrongCode("the code isn't the one that the maker recorded for this thing")
    first, is_first = _first(client, recorded), False
    if first is None:
        event = {
            "@context": _CONTEXT,
            "type": "ObjectEvent",
            "eventTime": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "eventTimeZoneOffset": "+00:00",
            "action": "OBSERVE",
            "epcList": [f"urn:touchstone:activation:{recorded}"],
            "touchstone:openingCode": _letters(code),
        }
        try:
            mine = client.capture(signer, event)
        except Rejected as refusal:
            # Somebody else was first, between the two questions.
            if refusal.code != _NOT_THE_HOLDER:
                raise
            mine = None
        first = _first(client, recorded)
        is_first = mine is not None and first is not None and (first.height, first.transaction) == (mine.height, mine.index)
    if first is None:
        raise WrongCode("another member recorded something under this label without its code; tell the consortium")
    return Opening(first.organisation, first.time_ms, first.height, is_first)
