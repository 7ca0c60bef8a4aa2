"""What is proven, as a program reads it."""

import dataclasses
import json


@dataclasses.dataclass(frozen=True)
class Recorded:
    """A transaction that is proven to stand in a block."""

    id: bytes
    height: int
    index: int
    #: The block's time, milliseconds since 1970.
    time_ms: int
    block_id: bytes


@dataclasses.dataclass(frozen=True)
class Event:
    """An event of an item's history."""

    height: int
    transaction: int
    event: int
    #: The block's time, milliseconds since 1970; the event's own is in `data`.
    time_ms: int
    organisation: str
    #: The containers through which the item shares it, from the inner to the outer; empty: its own.
    via: tuple
    #: The exact bytes that the organisation signed.
    data: bytes

    def json(self):
        """The event as a dict."""
        return json.loads(self.data)


@dataclasses.dataclass(frozen=True)
class Proven:
    """What an evidence file proves, and the file: it convinces others too (docs/evidence.md)."""

    evidence: bytes
    #: As `touchstone verify --json` tells them: docs/examination.schema.json.
    facts: dict
    #: What holds, with something left to weigh: (element, reason).
    reservations: tuple

    @property
    def height(self):
        """The block that the answer is as of."""
        return self.facts["height"]

    @property
    def time_ms(self):
        """That block's time, milliseconds since 1970."""
        return self.facts["time_ms"]

    def save(self, path):
        """Writes the evidence file."""
        with open(path, "xb") as file:
            file.write(self.evidence)


@dataclasses.dataclass(frozen=True)
class Item(Proven):
    """An item: every event that was recorded for it and for the containers while it was in them."""

    events: tuple

    @property
    def holder(self):
        """The id of the organisation that has it; None: of none it is recorded."""
        custody = self.facts["custody"]
        return custody and custody["holder"]

    @property
    def basis(self):
        """On whose word the holder has it: `handover`, `prefix` or `own-word`; None without a holder."""
        custody = self.facts["custody"]
        return custody and custody["basis"]

    @property
    def inside(self):
        """The containers that it is in, from the inner to the outer."""
        return tuple(self.facts["history"]["inside"])


@dataclasses.dataclass(frozen=True)
class Design(Proven):
    """A design's deposit."""

    @property
    def deposit(self):
        """Its record, by name; `recorded` says whether there is one."""
        return self.facts["deposit"]
