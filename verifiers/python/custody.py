"""Who has an item, and how it changed hands: docs/evidence.md, "Custody and handovers", and docs/format.md, "Custody".

What the parties say is shown as they said it; nothing here tells who is right.
"""

from proofs import be64, position_of, require
from wire import Refusal, decode

MOST_CONTAINERS_AROUND = 17
NOBODY_YET = (-1, -1, -1)

BASES = {1: "own-word", 2: "prefix", 3: "handover"}
ENDINGS = {1: "sold", 2: "consumed", 3: "destroyed", 4: "decommissioned"}
OUTCOMES = {1: "accepted", 2: "rejected", 3: "accepted-with-discrepancy", 4: "withdrawn"}
UNANSWERED, WITHDRAWN = 0, 4


class NotInFile(Refusal):
    """A record that the file doesn't hold."""


class Records:
    """The ledger's records, as the file proves them."""

    def __init__(self, ask):
        """`ask` gives the value of a key, None where it is absent, and raises NotInFile where the file lacks it."""
        self.ask = ask

    def item(self, name):
        """The record of an item; one that is absent has no fields."""
        value = self.ask(b"item/" + name.encode())
        return decode("Item", value if value is not None else b"")

    def emptying(self, container, generation):
        """The record of the emptying that ended a generation of a container."""
        value = self.ask(b"emptying/" + be64(generation) + container.encode())
        require(value is not None, f"the emptying of {container} is absent")
        return decode("Emptying", value)

    def offer(self, identity):
        """An offer, by its id; None where there is none."""
        value = self.ask(b"offer/" + identity)
        return None if value is None else decode("Offer", value)


def later(own, packed_since, around):
    """The custody of what is, or was, in a container: the container's if that changed hands since the packing."""
    if own is None:
        return around
    began = NOBODY_YET if around is None else position_of(around["since"])
    return around if began > packed_since else own


class Custody:
    """An item's custody after a block of this time."""

    def __init__(self, item, records, now_ms):
        self.containers, self.claims = [], []
        # From the item outwards: what each record says of itself, and since when it is packed in the next one.
        layers, name = [], item
        while True:
            record = records.item(name)
            self.claims += [(name, claim) for claim in record["claims"]]
            own, packing = record["custody"], record["packed"]
            if packing is not None:
                since = position_of(packing["since"])
                if records.item(packing["container"])["generation"] != packing["generation"]:
                    ended = records.emptying(packing["container"], packing["generation"])
                    own, packing = later(own, since, ended["custody"]), None
            layers.append((record, own, None if packing is None else since))
            if packing is None:
                break
            name = packing["container"]
            require(len(self.containers) < MOST_CONTAINERS_AROUND, "more than 17 containers are around the item")
            require(name != item, "the item is in itself")
            self.containers.append(name)
        self.stock = layers[0][0]["stock"]
        outermost, self.held, _ = layers[-1]
        self.ended = outermost["ended"]
        for record, own, since in reversed(layers[:-1]):
            self.held = later(own, since, self.held)
            self.ended = record["ended"] or self.ended
        self.offer = None
        if outermost["offer"]:
            offer = records.offer(outermost["offer"])
            if offer is not None and status(offer, now_ms) == "open":
                self.offer = outermost["offer"], offer

    def report(self):
        """The same by names."""
        held, ended = self.held, self.ended
        offer = None
        if self.offer is not None:
            identity, record = self.offer
            offer = {"id": identity.hex(), "to": record["to"], "deadline_ms": record["deadline_ms"]}
        return {
            "holder": held and held["holder"],
            "basis": held and BASES.get(held["basis"], "own-word"),
            "one_sided": held and BASES.get(held["basis"], "own-word") == "own-word",
            "since": held and held["since"],
            "discrepancy": (held and held["discrepancy"]) or None,
            "ended": ended and {"how": ENDINGS.get(ended["how"], "decommissioned"), "position": ended["position"]},
            "offer": offer,
            "claims": [
                {
                    "item": item,
                    "organisation": claim["organisation"],
                    "since": claim["since"],
                    "reason": claim["reason"] or None,
                }
                for item, claim in self.claims
            ],
            "stock": self.stock,
        }

    def words(self):
        """The same for a person."""
        if self.held is None:
            said = ["nobody said that it has the item, or it is of a kind that nobody can have"]
        else:
            basis = BASES.get(self.held["basis"], "own-word")
            said = [f"with {self.held['holder']} since block {self.held['since']['height']}, by {basis}"]
            if self.held["discrepancy"]:
                said.append(f"DISCREPANCY stated when it was received: {self.held['discrepancy']}")
        if self.offer is not None:
            said.append(f"on offer to {self.offer[1]['to']}")
        if self.ended is not None:
            said.append(f"{ENDINGS.get(self.ended['how'], 'decommissioned')}, in block {self.ended['position']['height']}")
        for item, claim in self.claims:
            why = claim["reason"] or "it held it by its own word before"
            said.append(f"DISPUTED: {claim['organisation']} claims {item}: {why}")
        return said


def status(offer, now_ms):
    """What became of an offer, by its record; None where no outcome says it."""
    if offer["outcome"] != UNANSWERED:
        return OUTCOMES.get(offer["outcome"])
    return "open" if now_ms <= offer["deadline_ms"] else "void"


class Handovers:
    """The offers, answers and claims among the transactions of an item's history."""

    def __init__(self, transactions, records, now_ms, may_lack):
        """`transactions` are (place, transaction) in the ledger's order; `may_lack`: the file may lack records of offers."""
        self.records, self.now_ms, self.may_lack = records, now_ms, may_lack
        self.statements, self.lacks = [], False
        for place, transaction in transactions:
            capture = transaction.body["capture_events"]
            if capture is None:
                continue
            for kind, read in (("offer", self.read_offer), ("answer", self.read_answer), ("claim", self.read_claim)):
                if capture[kind] is not None:
                    said = read(capture[kind], place, transaction)
                    self.statements.append((place, transaction, kind, said))

    def record(self, identity):
        """The record of an offer, which must be present; None where the file may lack it and does."""
        try:
            record = self.records.offer(identity)
        except NotInFile:
            if not self.may_lack:
                raise
            self.lacks = True
            return None
        require(record is not None, f"the offer {identity.hex()} is absent")
        return record

    def read_offer(self, offer, place, transaction):
        record = self.record(transaction.identity)
        if record is not None:
            require(position_of(record["position"])[:2] == place, "an offer's record is of another transaction")
            require(record["from"] == transaction.body["organisation"], "an offer's record names another giver")
            require(record["to"] == offer["to"], "an offer's record names another receiver")
            require(record["deadline_ms"] == offer["deadline_ms"], "an offer's record names another deadline")
            require(status(record, self.now_ms) is not None, "an offer's record has no outcome that is known")
        return {
            "to": offer["to"],
            "deadline_ms": offer["deadline_ms"],
            "status": None if record is None else status(record, self.now_ms),
            "discrepancy": (record and record["discrepancy"]) or None,
        }

    def read_answer(self, answer, place, transaction):
        require(answer["outcome"] in OUTCOMES, "an answer has no outcome")
        record = self.record(answer["offer"])
        if record is not None:
            answered = record["answered"]
            require(answered is not None and position_of(answered)[:2] == place, "an offer was answered elsewhere")
            require(record["outcome"] == answer["outcome"], "an offer's record has another outcome")
            require(record["discrepancy"] == answer["discrepancy"], "an offer's record has another discrepancy")
            by = record["from"] if answer["outcome"] == WITHDRAWN else record["to"]
            require(by == transaction.body["organisation"], "somebody else answered an offer")
        return {
            "offer": answer["offer"].hex(),
            "status": OUTCOMES[answer["outcome"]],
            "discrepancy": answer["discrepancy"] or None,
        }

    def read_claim(self, claim, _place, _transaction):
        return {"reason": claim["reason"]}

    def is_contested(self):
        """Whether a claim or a discrepancy is among them."""
        return any(kind == "claim" or said["discrepancy"] for _, _, kind, said in self.statements)

    def report(self):
        """The statements by names."""
        return [
            {
                "height": place[0],
                "transaction": place[1],
                "id": transaction.identity.hex(),
                "time_ms": transaction.time_ms,
                "organisation": transaction.body["organisation"],
                kind: said,
            }
            for place, transaction, kind, said in self.statements
        ]

    def words(self):
        """The same for a person."""
        lines = []
        for place, transaction, kind, said in self.statements:
            by, where = transaction.body["organisation"], f"block {place[0]}"
            if kind == "offer":
                lines.append(f"{where}: {by} offered it to {said['to']}: {said['status'] or 'how it ended is not in the file'}")
            elif kind == "answer":
                lines.append(f"{where}: {by} {said['status']}")
            else:
                lines.append(f"{where}: CLAIM, one-sided, by {by}: {said['reason']}")
            if kind != "claim" and said["discrepancy"]:
                lines.append(f"DISCREPANCY: {said['discrepancy']}")
        return lines
