"""A client of a Touchstone ledger that proves every answer before it gives it.

    from touchstone import Client, Signer

Asking needs the genesis document alone, recording a key of an enrolled organisation. The verification is that of
verifiers/python, which was written from the documents and shares no code with the node.
"""

from touchstone.answers import Design, Event, Item, Proven, Recorded
from touchstone.client import Client
from touchstone.errors import Behind, NoAnswer, NotVerified, Rejected, TouchstoneError, Undecided, WrongCode
from touchstone.opening import Opening, open_label
from touchstone.signer import Answer, Claim, Offer, Signer

__all__ = [
    "Answer",
    "Behind",
    "Claim",
    "Client",
    "Design",
    "Event",
    "Item",
    "NoAnswer",
    "NotVerified",
    "Offer",
    "Opening",
    "Proven",
    "Recorded",
    "Rejected",
    "Signer",
    "TouchstoneError",
    "Undecided",
    "WrongCode",
    "open_label",
]
