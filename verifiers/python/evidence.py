"""The examination of an evidence file, element by element, as docs/evidence.md orders it."""

from checkpoints import doubts, verify_stamps
from genesis import read_genesis
from history import Links, whole_history
from proofs import (
    be64,
    block_id,
    check_validators,
    commitment,
    position_of,
    read_envelope,
    require,
    sha256,
    tagged,
    validators_hash,
    verify_certified,
    verify_state,
    verify_transaction,
)
from wire import Refusal, decode

FIRST = b"touchstone/evidence/v1\n"
LARGEST = 268_435_456
ARTICLES = {
    "file": 16,
    "genesis": 17,
    "validators": 17,
    "anchor": 16,
    "state": 16,
    "blocks": 16,
    "transactions": 16,
    "completeness": 16,
    "keys": 17,
    "time": 17,
    "time-stamps": 17,
    "independence": 17,
    "opening": 18,
    "originals": 18,
}


class Reservation(Exception):
    """An element holds, with something left to weigh."""


class NotGiven(Exception):
    """There is nothing to examine."""


class Proven:
    """A transaction of the file: in its block, its signature holds."""

    def __init__(self, body, signer, identity, height, time_ms):
        self.body, self.signer, self.identity = body, signer, identity
        self.height, self.time_ms = height, time_ms


class Examination:
    """One file, with what its elements have established so far."""

    def __init__(self, data, originals=(), trusted=None, roots=()):
        """`originals` are (name, SHA-256) of original files, `trusted` is the chain id that is trusted, if any.

        `roots` are the exact bytes of the root certificates of the time-stamp authorities that are trusted.
        """
        self.data, self.originals, self.trusted, self.roots = data, originals, trusted, roots
        self.asked, self.stamped, self.unstamped = set(), [], []

    def examine(self):
        """The verdict, and (element, article, result, reason) of each element in order."""
        results, failed = {}, None
        for element in ARTICLES:
            try:
                result = "passed", getattr(self, "check_" + element.replace("-", "_"))()
            except Reservation as reservation:
                result = "reservation", str(reservation)
            except NotGiven as not_given:
                result = "not-given", str(not_given)
            except Refusal as refusal:
                result, failed = ("failed", str(refusal)), element
            results[element] = result
            if failed:
                break
        if not failed and self.asked != set(self.states):
            failed = "state"
            results["state"] = "failed", "a value of the state isn't needed"
        if failed:
            self.stamped, self.unstamped = [], []
        verdict = "not-verified" if failed else "verified"
        if not failed and any(result == "reservation" for result, _ in results.values()):
            verdict = "verified-with-reservations"
        unchecked = "not-checked", "an element before it failed"
        rows = [(name, article, *results.get(name, unchecked)) for name, article in ARTICLES.items()]
        return verdict, rows

    # ---- Elements ----

    def check_file(self):
        require(len(self.data) <= LARGEST, "the file is too large")
        require(self.data.startswith(FIRST), "the file isn't an evidence file of this version")
        require(sha256(self.data[:-32]) == self.data[-32:], "the checksum doesn't fit")
        self.evidence = decode("Evidence", self.data[len(FIRST) : -32])
        return "whole, and canonically encoded"

    def check_genesis(self):
        document = self.evidence["genesis"]
        self.chain_id = sha256(document)
        self.first_set = read_genesis(document)
        if self.trusted is None:
            raise Reservation(f"compare the chain id {self.chain_id.hex()} with the published one")
        require(self.trusted == self.chain_id, "the file is of another chain than the trusted one")
        return "the chain is the trusted one"

    def check_validators(self):
        self.sets, last = [(0, self.first_set)], 0
        for handover in self.evidence["handovers"]:
            header = verify_certified(self.chain_id, handover["header"], self.sets[-1][1])
            require(header["height"] > last, "hand-overs don't ascend by height")
            last, following = header["height"], handover["next_validators"]
            check_validators(following)
            require(following["first_height"] == last + 1, "a hand-over to validators of another height")
            require(header["next_validators_hash"] == validators_hash(following), "a hand-over names another set")
            self.sets.append((last, following))
        return f"{len(self.sets) - 1} hand-overs"

    def set_at(self, height):
        """The validators that vote at a height: those of the last hand-over below it."""
        return [members for below, members in self.sets if below < height or below == 0][-1]

    def certified(self, certified):
        """The header that a certificate of the set of its height decided."""
        height = decode("Header", certified["header"])["height"]
        return verify_certified(self.chain_id, certified, self.set_at(height))

    def check_anchor(self):
        certified = self.evidence["anchor"]
        self.head = self.certified(certified)
        require(self.sets[-1][0] < self.head["height"], "a hand-over isn't below the anchor")
        return f"block {block_id(certified['header']).hex()} at height {self.head['height']}"

    def check_state(self):
        self.states, last = {}, None
        for state in self.evidence["states"]:
            require(last is None or last < state["key"], "keys don't ascend")
            last = state["key"]
            verify_state(self.head["state_root"], state["key"], state["value"], state["proof"])
            self.states[last] = state["value"]
        return f"{len(self.states)} values"

    def ask(self, key):
        """The value of a key, which the file must hold; None where it is proven absent."""
        require(key in self.states, f"{key!r} isn't in the states")
        self.asked.add(key)
        return self.states[key]

    def record(self, kind, key):
        """The record at a key, which must be present."""
        value = self.ask(key)
        require(value is not None, f"{key!r} is absent")
        return decode(kind, value)

    def check_blocks(self):
        self.headers, last = {}, 0
        for certified in self.evidence["blocks"]:
            header = self.certified(certified)
            height = header["height"]
            require(height > last, "blocks don't ascend by height")
            last = height
            if height == self.head["height"]:
                require(certified["header"] == self.evidence["anchor"]["header"], "a block isn't the anchor")
            else:
                identity = self.ask(b"block/" + be64(height))
                require(identity == block_id(certified["header"]), "a block isn't the chain's")
            self.headers[height] = header
        return f"{len(self.headers)} blocks"

    def check_transactions(self):
        self.proven, last = {}, (-1, -1)
        for transaction in self.evidence["transactions"]:
            place = transaction["height"], transaction["index"]
            require(place > last, "transactions don't ascend")
            last = place
            require(place[0] in self.headers, "a transaction's block is missing")
            header = self.headers[place[0]]
            root, count = header["transaction_root"], header["transaction_count"]
            verify_transaction(root, count, place[1], transaction["envelope"], transaction["siblings"])
            body, signer, identity = read_envelope(self.chain_id, transaction["envelope"])
            self.proven[place] = Proven(body, signer, identity, place[0], header["time_ms"])
        require({height for height, _ in self.proven} == set(self.headers), "a block holds none of the transactions")
        return f"{len(self.proven)} transactions"

    def check_completeness(self):
        self.design, self.content_hashes = None, set()
        if self.evidence["item"] is not None:
            return self.complete_item(self.evidence["item"])
        require(self.evidence["design"] is not None, "the file is about nothing")
        return self.complete_design(self.evidence["design"])

    def complete_item(self, item):
        """The completeness of an item's history."""
        links = Links(self.evidence["links"], lambda name: self.ask(b"item/" + name.encode()), self.proven)
        self.content_hashes, own, shared = whole_history(item, links)
        return f"{own} events of its own, {shared} of its containers"

    def complete_design(self, design):
        """The completeness of a deposit's record."""
        require(not self.evidence["links"], "a design has no links")
        value = self.ask(b"design/" + design)
        if value is None:
            require(not self.proven, "a design that isn't recorded has transactions")
            return "no such design was deposited"
        record = decode("Design", value)
        identity = tagged("touchstone/design-id/v1", record["owner_key"], record["commitment"])
        require(identity == design, "the record is of another design")
        require(len(self.proven) == 1, "a design has exactly one transaction")
        ((place, transaction),) = self.proven.items()
        deposit = transaction.body["deposit_design"]
        require(position_of(record["position"])[:2] == place, "the transaction isn't at the record's position")
        require(transaction.identity == record["transaction_id"], "the record names another transaction")
        require(transaction.signer == record["owner_key"], "the owner didn't sign")
        require(transaction.body["organisation"] == record["organisation"], "the record names another organisation")
        require(deposit is not None and deposit["commitment"] == record["commitment"], "another deposit")
        require(transaction.time_ms == record["time_ms"], "the record names another time")
        self.design = record
        return "the deposit's record and its transaction agree"

    def check_keys(self):
        doubtful = []
        for transaction in self.proven.values():
            name = transaction.body["organisation"]
            organisation = self.record("Organisation", b"organisation/" + name.encode())
            keys = [key for key in organisation["keys"] if key["public_key"] == transaction.signer]
            require(keys, f"the signing key isn't one of {name}'s")
            until = keys[0]["valid_until_height"]
            valid = keys[0]["valid_from_height"] <= transaction.height and (not until or transaction.height <= until)
            require(valid, f"a key of {name} wasn't valid when it signed")
            since = keys[0]["compromised_since_ms"]
            if since and since <= transaction.time_ms:
                doubtful.append(f"{name}'s key {transaction.signer.hex()} since {since} ms")
        if doubtful:
            raise Reservation("somebody else may have signed: " + "; ".join(sorted(set(doubtful))))
        return f"{len(self.proven)} signatures"

    def check_time(self):
        parameters = self.record("Parameters", b"parameters")
        self.error_ms = parameters["precision_ms"] + parameters["message_delay_ms"]
        return f"a block's time is within {self.error_ms} ms of honest validators' clocks"

    def check_time_stamps(self):
        checkpoints, stamps, blocks = (self.evidence[name] for name in ("checkpoints", "stamps", "blocks"))
        if not checkpoints and not stamps:
            self.unstamped = list(self.headers)
            raise NotGiven("there is chain time only")
        self.stamped = verify_stamps(self.chain_id, checkpoints, stamps, blocks, self.headers, self.roots)
        covered = {height for one in self.stamped for height in one.heights}
        self.unstamped = [height for height in self.headers if height not in covered]
        if found := doubts(self.stamped, self.headers, self.error_ms):
            raise Reservation("; ".join(found))
        return f"{len(self.stamped)} tokens stamp {len(covered)} of {len(self.headers)} blocks"

    def check_independence(self):
        parties = {transaction.body["organisation"] for transaction in self.proven.values()}
        members = self.set_at(self.head["height"])["validators"]
        for member in members:
            self.record("Organisation", b"organisation/" + member["organisation"].encode())
        total = sum(member["power"] for member in members)
        held = sum(member["power"] for member in members if member["organisation"] in parties)
        if 3 * held >= total:
            raise Reservation(f"parties of this record hold {held} of {total} voting power")
        return f"parties of this record hold {held} of {total} voting power"

    def check_opening(self):
        opening, self.opened = self.evidence["opening"], set()
        if self.design is None:
            require(opening is None, "an opening without a recorded design")
            raise NotGiven("there is no commitment to open")
        disclosure = self.design["disclosure"]
        if opening is not None:
            salt, hashes = opening["salt"], [file["sha256"] for file in opening["files"]]
        elif disclosure is not None:
            salt, hashes = disclosure["salt"], disclosure["file_hashes"]
        else:
            raise NotGiven("the commitment isn't opened")
        opened = commitment(self.chain_id, self.design["owner_key"], salt, hashes)
        require(opened == self.design["commitment"], "salt and files don't open the commitment")
        self.opened = set(hashes)
        return f"salt and {len(hashes)} files open the commitment"

    def check_originals(self):
        if not self.originals:
            raise NotGiven("no original files were handed in")
        known = self.opened | self.content_hashes
        for name, digest in self.originals:
            require(digest in known, f"{name} isn't among the files or events of this record")
        return f"{len(self.originals)} files are those recorded"
