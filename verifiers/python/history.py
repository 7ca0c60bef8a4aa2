"""An item's complete history: its own entries and those of the containers that it was in meanwhile,
by docs/evidence.md, "Completeness of an item", and docs/format.md, "Containment".
"""

import json

from identifiers import canonical
from proofs import read_link, require, sha256
from wire import Refusal, decode

MOST_CONTAINERS_AROUND = 17
MOST_LINKS = 2000
BEFORE_ALL = (0, 0, 0)
# Later than every position, whose parts are below 2^64.
AFTER_ALL = (2**64, 0, 0)


class Containment:
    """What one event says about containment: ADD or DELETE, the container, the children (none: all)."""

    def __init__(self, action, container, children, everything):
        self.action, self.container = action, container
        self.children, self.everything = children, everything


def read_event(data):
    """What an event's exact bytes say about containment; None where it doesn't change it."""
    try:
        event = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refusal("an event isn't JSON") from None
    require(isinstance(event, dict), "an event isn't an object")
    if event.get("type") != "AggregationEvent" or event.get("action") not in ("ADD", "DELETE"):
        return None
    container, children = event.get("parentID"), event.get("childEPCs", [])
    require(isinstance(container, str), "an event names no container")
    require(isinstance(children, list) and all(isinstance(c, str) for c in children), "children aren't identifiers")
    quantities = event.get("childQuantityList", [])
    everything = event["action"] == "DELETE" and not children and not quantities
    return Containment(event["action"], canonical(container), {canonical(c) for c in children}, everything)


class Links:
    """The links of the file, each proven complete, and the events of the transactions that it holds."""

    def __init__(self, links, records, transactions):
        """`records` gives an item's record or None, `transactions` what stands at (height, index)."""
        names = [link["item"] for link in links]
        require(all(a.encode() < b.encode() for a, b in zip(names, names[1:])), "links don't ascend by item")
        require(len(names) <= MOST_LINKS, "there are more than 2,000 links")
        self.entries, self.transactions, self.events = {}, transactions, {}
        for link in links:
            value = records(link["item"])
            record = decode("Item", value)["link"] if value is not None else {"count": 0, "head": bytes(32)}
            self.entries[link["item"]] = read_link(record["count"], record["head"], link["entries"])

    def of(self, item):
        """The entries of an item's link, by position."""
        require(item in self.entries, f"the link of {item} is missing")
        return self.entries[item]

    def event(self, position, entry):
        """What the event of an entry says about containment; it is the one that the entry names."""
        key = (position, entry["transaction_id"], entry["content_hash"], entry["organisation"], entry["time_ms"])
        if key not in self.events:
            self.events[key] = self.checked_event(position, entry)
        return self.events[key]

    def checked_event(self, position, entry):
        """Reads and compares the event of an entry."""
        require(position[:2] in self.transactions, "the transaction of an entry is missing")
        transaction = self.transactions[position[:2]]
        capture = transaction.body["capture_events"]
        require(capture is not None, "an entry's transaction isn't a capture")
        require(position[2] < len(capture["events"]), "an entry's transaction has no such event")
        data = capture["events"][position[2]]
        require(transaction.identity == entry["transaction_id"], "an entry names another transaction")
        require(sha256(data) == entry["content_hash"], "an entry names another event")
        require(transaction.body["organisation"] == entry["organisation"], "an entry names another organisation")
        require(transaction.time_ms == entry["time_ms"], "an entry names another time")
        return read_event(data)


class History:
    """Follows an item outwards through its containers."""

    def __init__(self, links):
        self.links, self.used = links, set()
        # The entries of the history by position, and the positions before the item's stays that show where
        # its containers were then.
        self.entries, self.before = {}, set()
        # By position the containers through which an entry is shared, from the inner to the outer; and
        # those that the item is in at the end.
        self.via, self.inside = {}, ()

    def moves(self, item, after, until):
        """The item's own packings and unpackings in a span, as (position, event)."""
        for position, entry in self.links.of(item):
            if after < position <= until:
                event = self.links.event(position, entry)
                if event is not None and item in event.children:
                    yield position, event

    def packed_at(self, item, at):
        """Where the item is right after a position, as (container, since), or None: looks back to its last move."""
        for position, entry in reversed(self.links.of(item)):
            if position > at:
                continue
            self.before.add(position)
            event = self.links.event(position, entry)
            if event is not None and item in event.children:
                if event.action == "DELETE" or self.emptied(event.container, position, at):
                    return None
                return event.container, position
        return None

    def emptied(self, container, since, until):
        """Whether an event after `since`, to `until`, empties the container that was packed then."""
        self.used.add(container)
        positions = [position for position, _ in self.links.of(container)]
        require(since in positions, "a container's link lacks the packing")
        for position, entry in self.links.of(container):
            if since < position <= until:
                self.before.add(position)
                event = self.links.event(position, entry)
                if event is not None and event.everything and event.container == container:
                    return True
        return False

    def stays(self, item, after, until):
        """The item's stays within a span as (container, after, until)."""
        packed = self.packed_at(item, after) if after != BEFORE_ALL else None
        packed = packed and (packed[0], after)
        for position, event in self.moves(item, after, until):
            if packed and (event.action == "ADD" or event.container == packed[0]):
                yield self.stay(*packed, position)
                packed = None
            if event.action == "ADD":
                packed = event.container, position
        if packed:
            yield self.stay(*packed, until)

    def stay(self, container, after, until):
        """A stay in a container, which ends where that is emptied."""
        for position, entry in self.links.of(container):
            if after < position <= until:
                event = self.links.event(position, entry)
                if event is not None and event.everything and event.container == container:
                    return container, after, position
        return container, after, until

    def follow(self, item, after, until, around=()):
        """Adds the entries of an item after one position, to another, and those of its containers meanwhile.

        `around` are the containers from the item of the history to this one, which is the last of them.
        """
        require(len(around) <= MOST_CONTAINERS_AROUND, "more than 17 containers around the item")
        if until == AFTER_ALL and len(around) > len(self.inside):
            self.inside = around
        self.used.add(item)
        for position, entry in self.links.of(item):
            if after < position <= until:
                self.entries[position] = entry
                if position not in self.via or len(around) < len(self.via[position]):
                    self.via[position] = around
        for container, since, end in self.stays(item, after, until):
            positions = [position for position, _ in self.links.of(container)]
            require(since == after or since in positions, "a container's link lacks the packing")
            self.follow(container, since, end, (*around, container))


def whole_history(item, links):
    """An item's history, and how many events are its own and its containers'."""
    require(canonical(item) == item, "the item's identifier isn't canonical")
    history = History(links)
    history.follow(item, BEFORE_ALL, AFTER_ALL)
    require(history.used == set(links.entries), "a link isn't one of the item or its containers")
    for position, entry in sorted(history.entries.items()):
        links.event(position, entry)
    needed = {position[:2] for position in history.before.union(history.entries)}
    require(needed == set(links.transactions), "a transaction is of no use to the history")
    own = len(links.of(item))
    return history, own, len(history.entries) - own
