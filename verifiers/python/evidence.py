"""The examination of an evidence file, element by element, as docs/evidence.md orders it."""

from checkpoints import doubts, verify_stamps
from custody import Custody, Handovers, NotInFile, Records
from disputes import read_disputes, read_questions
from drafts import doubts as doubts_about
from drafts import read_drafts
from fields import read_content
from genesis import read_genesis
from history import Links, whole_history
from proofs import (
    be64,
    block_id,
    commitment,
    next_validators,
    position_of,
    read_envelope,
    require,
    set_at,
    sha256,
    tagged,
    verify_certified,
    verify_state,
    verify_transaction,
)
from wire import Refusal, decode

FIRST = b"touchstone/evidence/v2\n"
# A file of the first version may lack the records of custody and of offers.
FIRST_OF_ONE = b"touchstone/evidence/v1\n"
LARGEST = 268_435_456
# Number of the enum KeyDispute: the report of a key, or its end, rests on the word of a key that may be a thief's.
CONTESTED = 1
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
    "custody": 17,
    "handovers": 17,
    "time": 17,
    "time-stamps": 17,
    "independence": 17,
    "opening": 18,
    "disputes": 17,
    "authorisations": 17,
}
# What other files begin with, and what they are.
OTHERS = {
    b"%PDF": "it is a PDF: a report or a certificate is made of an evidence file, and proves nothing itself",
    b"{": "it is JSON: a genesis document, a receipt or a credential perhaps",
    b"-----BEGIN": "it is PEM: a key or a certificate",
    b"PK": "it is a ZIP archive: unpack it first",
    b"\x89PNG": "it is a picture",
    b"\xff\xd8": "it is a picture",
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

    def __init__(self, data, trusted=None, roots=()):
        """`trusted` is the chain id that is trusted, if any.

        `roots` are the exact bytes of the root certificates of the time-stamp authorities that are trusted.
        """
        self.data, self.trusted, self.roots = data, trusted, roots
        self.asked, self.stamped, self.unstamped = set(), [], []
        self.version = self.verdict = self.history = self.custody = self.handovers = self.design = None
        self.look_alikes = self.vouching = self.voucher_name = self.right = self.content = None
        self.disputes, self.answers = None, []
        self.drafts = []
        self.said = {}

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
        self.verdict = verdict
        return verdict, rows

    def exhibit(self, digest):
        """What a file with this SHA-256 is to the record: the verdict, and all that it is."""
        if self.verdict == "not-verified":
            return "not-compared", []
        matches = [{"file": at + 1} for at, (known, _) in enumerate(self.files) if known == digest]
        if self.history is not None:
            for position, entry in sorted(self.history.entries.items()):
                if entry["content_hash"] == digest:
                    matches.append({"event": dict(zip(("height", "transaction", "event"), position))})
        closed = self.design is not None and not self.files
        return "recorded" if matches else "not-compared" if closed else "not-recorded", matches

    # ---- Elements ----

    def check_file(self):
        require(len(self.data) <= LARGEST, "the file is too large")
        version = {FIRST: 2, FIRST_OF_ONE: 1}.get(self.data[: len(FIRST)])
        if version is None:
            kind = next((kind for first, kind in OTHERS.items() if self.data.startswith(first)), None)
            kind = "it is empty" if not self.data else kind
            raise Refusal("the file isn't an evidence file that this verifier knows" + (f"; {kind}" if kind else ""))
        require(sha256(self.data[:-32]) == self.data[-32:], "the checksum doesn't fit")
        self.evidence = decode("Evidence", self.data[len(FIRST) : -32])
        self.version = version
        return "whole, and canonically encoded"

    def check_genesis(self):
        document = self.evidence["genesis"]
        self.chain_id, self.document = sha256(document), document
        self.first_set = read_genesis(document)
        if self.trusted is None:
            raise Reservation(f"compare the chain id {self.chain_id.hex()} with the published one")
        if self.trusted != self.chain_id:
            raise Refusal(
                f"the file is of another chain than the trusted one: it says {self.chain_id.hex()},"
                f" the trusted genesis document is of {self.trusted.hex()}"
            )
        return f"the chain is the trusted one: {self.chain_id.hex()}"

    def check_validators(self):
        self.sets = [(0, self.first_set)]
        for change in self.evidence["validator_set_changes"]:
            last, members = self.sets[-1]
            self.sets.append(next_validators(self.chain_id, change, members, last))
        return f"{len(self.sets) - 1} changes of the validator set"

    def set_at(self, height):
        """The validators that vote at a height: those of the last change below it."""
        return set_at(self.sets, height)

    def certified(self, certified):
        """The header that a certificate of the set of its height decided."""
        height = decode("Header", certified["header"])["height"]
        return verify_certified(self.chain_id, certified, self.set_at(height))

    def check_anchor(self):
        certified = self.evidence["anchor"]
        self.head = self.certified(certified)
        require(self.sets[-1][0] < self.head["height"], "a change of the validator set isn't below the anchor")
        self.block_id = block_id(certified["header"])
        return f"block {self.block_id.hex()} at height {self.head['height']}"

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
        if key not in self.states:
            raise NotInFile(f"{key!r} isn't in the states")
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
        self.files = []
        if self.evidence["item"] is not None:
            return self.complete_item(self.evidence["item"])
        require(self.evidence["design"] is not None, "the file is about nothing")
        return self.complete_design(self.evidence["design"])

    def complete_item(self, item):
        """The completeness of an item's history."""
        links = Links(self.evidence["links"], lambda name: self.ask(b"item/" + name.encode()), self.proven)
        self.history, own, shared = whole_history(item, links)
        return f"{own} events of its own, {shared} of its containers"

    def check_custody(self):
        if self.history is None:
            raise NotGiven("a design is in nobody's custody")
        item = self.evidence["item"]
        if not self.history.links.of(item):
            raise NotGiven("nothing is recorded for the item: nobody has it")
        try:
            self.custody = Custody(item, Records(self.ask), self.head["time_ms"])
        except NotInFile:
            if self.version == 1:
                raise NotGiven("not in the file: it is of an earlier version, which holds no custody") from None
            raise
        return self.weighed("custody", self.custody.words(), self.custody.claims)

    def check_handovers(self):
        if self.history is None:
            raise NotGiven("a design is in nobody's custody")
        places = sorted({position[:2] for position in self.history.entries})
        transactions = [(place, self.proven[place]) for place in places]
        may_lack = self.version == 1
        self.handovers = Handovers(transactions, Records(self.ask), self.head["time_ms"], may_lack)
        words = self.handovers.words()
        if not self.handovers.statements:
            raise NotGiven("no offer, answer or claim is part of this history")
        if self.handovers.lacks:
            words.append("not in the file: it is of an earlier version, which holds no records of what became of offers")
        return self.weighed("handovers", words, self.handovers.is_contested())

    def weighed(self, element, words, contested):
        """Passes or is a reservation, with these words."""
        self.said[element] = words
        if contested:
            raise Reservation("; ".join(words))
        return "; ".join(words)

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
        words = self.compare(design, record) + self.vouch(record) + self.own(design, record)
        self.design = record
        return "the deposit's record and its transaction agree" + words

    def vouch(self, record):
        """Who vouched for the depositor; its id and the record say whether somebody did."""
        voucher, dot, _ = record["organisation"].partition(".")
        require(bool(dot) == (record["vouching"] is not None), "the depositor's id and its record contradict each other")
        if not dot:
            return ""
        key = b"vouching/" + be64(record["vouching"]) + record["organisation"].encode()
        found = self.record("Vouching", key)
        parties = (found["voucher"], found["designer"])
        require(parties == (voucher, record["organisation"]), "a vouching of other parties")
        deposited = position_of(record["position"])[:2]
        require(position_of(found["position"])[:2] < deposited, "the vouching isn't from before the deposit")
        require(found["from_ms"] <= record["time_ms"] <= found["until_ms"], "the vouching didn't hold at the deposit")
        withdrawn = found["withdrawn"]
        held = withdrawn is None or position_of(withdrawn["position"])[:2] > deposited
        require(held, "the vouching was withdrawn before the deposit")
        require(1 <= found["check"] <= 4, "the vouching doesn't say how the designer was checked")
        self.vouching, self.voucher_name = found, self.record("Organisation", b"organisation/" + voucher.encode())["name"]
        return f"; {voucher} vouched for the depositor"

    def own(self, design, record):
        """Who owns the design; its record says whether its owner has disposed of it."""
        if not record["disposed"]:
            return ""
        found = self.record("Right", b"right/" + design)
        owners = found["owners"]
        require(owners and all(a["since_ms"] < b["since_ms"] for a, b in zip(owners, owners[1:])), "owners don't ascend")
        first = {"organisation": record["organisation"], "since_ms": record["time_ms"]}
        require(owners[0] == first or found["earlier_owners"], "the right doesn't begin with the depositor")
        self.right = found
        return f"; {owners[-1]['organisation']} owns it"

    def compare(self, design, record):
        """What the design's pictures look like; the record says whether they were compared."""
        if not record["compared"]:
            return ""
        self.look_alikes = self.record("LookAlikes", b"look-alikes/" + design)
        pictures, searched = self.look_alikes["pictures"], self.look_alikes["searched"]["pictures"]
        require(len(pictures) == record["compared"], "other pictures were compared than the record counts")
        require(len(self.look_alikes["specification"]) == 32, "a specification has 32 bytes")
        files = [picture["fingerprint"]["file_hash"] for picture in pictures]
        require(record["disclosure"] is not None, "pictures of an undisclosed design")
        require(all(file in record["disclosure"]["file_hashes"] for file in files), "a picture of another design")
        require(all(a < b for a, b in zip(files, files[1:])), "pictures don't ascend")
        for picture in pictures:
            candidates, found = picture["candidates"], picture["found"]
            require(len(candidates) == min(found, 32) and found <= searched, "not all look-alikes are named")
            order = [(candidate["distance"], candidate["number"]) for candidate in candidates]
            require(all(a < b for a, b in zip(order, order[1:])), "look-alikes are out of order")
            for candidate in candidates:
                within = candidate["distance"] <= 47 and candidate["variant"] <= 7 and candidate["part"] <= 1
                require(within and candidate["number"] < searched, "a look-alike that no search gives")
                lengths = len(candidate["design_id"]) == len(candidate["file_hash"]) == 32
                require(lengths and candidate["design_id"] != design, "a look-alike of no other design")
        found = sum(picture["found"] for picture in pictures)
        return f"; {len(pictures)} pictures compared with all {searched} published before, {found} look-alikes"

    def check_keys(self):
        doubtful, contested, self.names = [], [], {}
        for transaction in self.proven.values():
            name = transaction.body["organisation"]
            organisation = self.record("Organisation", b"organisation/" + name.encode())
            keys = [key for key in organisation["keys"] if key["public_key"] == transaction.signer]
            require(keys, f"the signing key isn't one of {name}'s")
            self.names[name] = organisation["name"]
            until = keys[0]["valid_until_height"]
            valid = keys[0]["valid_from_height"] <= transaction.height and (not until or transaction.height <= until)
            require(valid, f"a key of {name} wasn't valid when it signed")
            acts = organisation["standing"] == 0 or transaction.height <= organisation["standing_height"]
            require(acts, f"{name} was suspended or removed before it signed")
            since = keys[0]["compromised_since_ms"]
            if since and since <= transaction.time_ms:
                about = contested if keys[0]["dispute"] == CONTESTED else doubtful
                about.append(f"{name}'s key {transaction.signer.hex()} since {since} ms")
        found = ["somebody else may have signed: " + "; ".join(sorted(set(doubtful)))] if doubtful else []
        if contested:
            found.append("contested, by a key that may be a thief's: " + "; ".join(sorted(set(contested))))
        if found:
            raise Reservation("; ".join(found))
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
        signers = {signature["public_key"] for signature in self.evidence["anchor"]["certificate"]["signatures"]}
        self.validators = []
        for member in members:
            name = member["organisation"]
            record = self.record("Organisation", b"organisation/" + name.encode())
            self.validators.append((member, record["name"], member["public_key"] in signers))
        total = sum(member["power"] for member in members)
        held = sum(member["power"] for member in members if member["organisation"] in parties)
        if 3 * held >= total:
            raise Reservation(f"organisations that signed here hold {held} of {total} voting power")
        return f"organisations that signed here hold {held} of {total} voting power"

    def check_opening(self):
        opening = self.evidence["opening"]
        if self.design is None:
            require(opening is None, "an opening without a recorded design")
            raise NotGiven("there is no commitment to open")
        disclosure = self.design["disclosure"]
        if opening is None and disclosure is None:
            raise NotGiven("the commitment isn't opened")
        public = disclosure and self.opens(disclosure, disclosure["file_hashes"])
        shown = public
        names = [None] * len(disclosure["file_hashes"]) if disclosure else []
        hashes = disclosure and disclosure["file_hashes"]
        if opening is not None:
            hashes = [file["sha256"] for file in opening["files"]]
            names = [file["name"] or None for file in opening["files"]]
            shown = self.opens(opening, hashes)
            if public is not None:
                shown.fields = sorted(set(shown.fields) | set(public.fields))
        self.files, self.content = list(zip(hashes, names)), shown
        fields = f", {len(shown.fields)} fields are shown" if shown.views else ""
        self.drafts, told = read_drafts(opening["drafts"] if opening else [], self.files, shown)
        found = doubts_about(self.drafts, self.design["time_ms"] + self.error_ms)
        told = f"salt and {len(hashes)} files open the commitment{fields}{told}"
        if found:
            raise Reservation("; ".join([told, *found]))
        return told

    def opens(self, opening, hashes):
        """What salt, files and content show, which must be what the owner committed to."""
        shown = read_content(hashes, opening["title"], opening["content"])
        opened = commitment(self.chain_id, self.design["owner_key"], opening["salt"], shown.root)
        require(opened == self.design["commitment"], "salt and files don't open the commitment")
        return shown

    def check_disputes(self):
        shown = self.evidence["disputes"]
        if self.design is None:
            require(shown is None, "disputes without a recorded design")
            raise NotGiven("there is no right here that a dispute could be about")
        if shown is None:
            raise NotGiven("not in the file: it doesn't tell whether there were disputes")
        self.disputes = read_disputes(self.evidence["design"], shown["ids"], shown["parties"], self.ask)
        if self.disputes.is_weighed():
            raise Reservation(self.disputes.words())
        return self.disputes.words()

    def check_authorisations(self):
        questions = self.evidence["questions"]
        if not questions:
            raise NotGiven("nothing is asked about who may do what with it")
        require(self.evidence["design"] is not None, "a question about a right, in a file without a design")
        self.answers = read_questions(self.evidence["design"], questions, self.ask)
        counts = {verdict: sum(one.verdict == verdict for one in self.answers) for verdict in ("yes", "no", "untold")}
        words = f"asked again of the records: {counts['yes']} yes, {counts['no']} no, {counts['untold']} not told"
        if counts["untold"]:
            raise Reservation(words)
        return words
