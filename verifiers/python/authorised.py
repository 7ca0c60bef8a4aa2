#!/usr/bin/env python3
"""Examines the answer to whether a seller may do something with a design: proven yes, or proven no.

Written from docs/format.md, "Authorisations", alone. It asks the question again of the records in the file.

    authorised.py FILE --genesis FILE [--json]

--json prints one JSON value, with the names that `touchstone authorised --json` has.

Exit codes: 0 yes; 4 no; 6 the records don't tell of so early a time; 3 not verified; 1 wrong usage.
"""

import json
import sys

from moment import printable, utc
from proofs import require, verify_state
from sealed_file import command, not_verified, read_files, read_sealed, verify_from_genesis
from wire import Refusal, decode

FIRST = b"touchstone/authorisation/v1\n"
LARGEST = 4 << 20
WORLD = "001"
NO_SALES = 3
ACTS = {1: "make", 2: "offer", 3: "sell", 4: "import"}
EXIT = {"yes": 0, "no": 4, "untold": 6}


class Undecided(Exception):
    """Something was withheld that the answer takes."""


class Records:
    """The file's records, in the order in which the question reads them."""

    def __init__(self, root, values):
        self.root, self.values, self.read = root, values, {}

    def get(self, key):
        """Whether the record is told, and its value; None where it is proven absent."""
        number = self.read.setdefault(key, len(self.read))
        require(number < len(self.values), "a record that the question reads is missing")
        found = self.values[number]
        if found["proof"] is None:
            require(found["value"] is None, "a record has no proof")
            return False, None
        verify_state(self.root, key, found["value"], found["proof"])
        return True, found["value"]

    def needed(self, kind, key):
        """A record without which nothing is decided; None where it is absent."""
        told, value = self.get(key)
        if not told:
            raise Undecided
        return None if value is None else decode(kind, value)


class Question:
    """May the seller do this with that design there and then?"""

    def __init__(self, asked, records):
        require(len(asked["subject"]) == 32, "a design's id has 32 bytes")
        self.asked, self.records = asked, records
        self.untold = self.withheld = self.owns = False
        self.held = None
        self.why = []

    def answer(self):
        """The verdict, and what it rests on."""
        subject, at = self.asked["subject"], self.asked["time_ms"]
        right = self.records.needed("Right", b"right/" + subject)
        disposed = right is not None
        if not disposed:
            design = self.records.needed("Design", b"design/" + subject)
            if design is None:
                return "no", "no such design was deposited"
            owner = {"organisation": design["organisation"], "since_ms": design["time_ms"]}
            right = {"owners": [owner], "earlier_owners": 0, "ended": None, "until_ms": 0, "sanctioned": 0}
        if right["ended"] is not None and right["ended"]["time_ms"] <= at or 0 < right["until_ms"] < at:
            return "no", "the right had ended before"
        owners = [owner["organisation"] for owner in right["owners"] if owner["since_ms"] <= at]
        if not owners:
            if right["earlier_owners"]:
                return "untold", "the record names later owners only"
            return "no", "it wasn't deposited yet"
        if owners[-1] == self.asked["seller"]:
            self.owns = True
            return "yes", "it owns the right"
        if right["sanctioned"] and (bar := self.sanctioned()) is not None:
            return "no", f"sanction {bar['sanction'].hex()} bars the seller until {utc(bar['until_ms'])}"
        doubtful = self.withheld or self.untold
        if disposed and not doubtful and (licence := self.licence()) is not None:
            return "yes", f"licence {licence['licence'].hex()} until {utc(licence['until_ms'])}"
        if self.withheld:
            raise Undecided
        if self.untold:
            return "untold", "the lists tell of later times only"
        return "no", "; ".join(self.why) or "it doesn't own the right, and there is no licence for it"

    def sanctioned(self):
        """The sanction that bars the seller: its own, or one against all with its register's number."""
        seller = self.asked["seller"]
        bar = self.barred(b"sanctions/" + seller.encode())
        if bar is not None or "." not in seller:
            return bar
        told, value = self.records.get(b"vouched/" + seller.encode())
        self.withheld |= not told
        number = decode("VouchedDesigner", value or b"")["registered_as"]
        return self.barred(b"sanctions-registered/" + number.encode()) if number else None

    def barred(self, key):
        """The sanction of a list that bars the seller at the time."""
        at = self.asked["time_ms"]
        told, value = self.records.get(key)
        self.withheld |= not told
        known = decode("PartySanctions", value or b"")
        for held in known["held"]:
            holds = held["kind"] == NO_SALES and held["from_ms"] <= at <= held["until_ms"]
            if holds and self.asked["subject"] in held["subjects"]:
                return held
        self.untold |= at < known["told_from_ms"]
        return None

    def licence(self):
        """The licence that holds: of the seller, or of the class that it is in."""
        seller = self.asked["seller"]
        voucher, dot, _ = seller.partition(".")
        for licensee, is_class in [(seller, False)] + [(f"{voucher}.*", True)] * bool(dot):
            told, value = self.records.get(b"authorised/" + self.asked["subject"] + licensee.encode())
            if not told:
                self.withheld = True
            if value is None:
                continue
            known = decode("Authorisations", value)
            self.untold |= self.asked["time_ms"] < known["told_from_ms"]
            for licence in known["licences"]:
                short = self.shortfall(licence, is_class)
                if short is None:
                    self.held = licence, licensee
                    return licence
                if short:
                    self.why.append(f"licence {licence['licence'].hex()}: {short}")
        return None

    def shortfall(self, licence, is_class):
        """Why a licence doesn't hold; None if it does, and nothing to say where that is withheld."""
        at = self.asked["time_ms"]
        if self.asked["act"] not in licence["acts"]:
            return "for other acts"
        if WORLD not in licence["territories"] and self.asked["territory"] not in licence["territories"]:
            return "for other places"
        if at < licence["from_ms"]:
            return "it begins later"
        if licence["ended_ms"] and licence["ended_ms"] <= at:
            return f"it was ended at {utc(licence['ended_ms'])}"
        if licence["until_ms"] < at:
            return f"its term ended at {utc(licence['until_ms'])}"
        hidden = False
        for above in licence["above"]:
            require(len(above) == 32, "a licence's id has 32 bytes")
            told, value = self.records.get(b"licence-end/" + above)
            hidden |= not told
            if value is not None:
                ended = decode("LicenceEnd", value)["time_ms"]
                if ended <= at:
                    return f"one that it stands on was ended at {utc(ended)}"
        if hidden:
            self.withheld = True
            return ""
        return self.outside_class() if is_class else None

    def outside_class(self):
        """Why the seller wasn't in its class; None if it was."""
        at = self.asked["time_ms"]
        told, value = self.records.get(b"vouched/" + self.asked["seller"].encode())
        if not told:
            self.withheld = True
            return ""
        vouched = None if value is None else decode("VouchedDesigner", value)
        self.untold |= vouched is not None and at < vouched["from_ms"]
        if vouched is None or not vouched["from_ms"] <= at <= vouched["until_ms"]:
            return "the seller wasn't in its class"
        told, value = self.records.get(b"voucher/" + self.asked["seller"].partition(".")[0].encode())
        if not told:
            self.withheld = True
            return ""
        voucher = decode("Voucher", value or b"")
        early = at < voucher["told_from_ms"]
        self.untold |= early
        rests = any(rest["from_ms"] <= at <= (rest["until_ms"] or at) for rest in voucher["rests"])
        return "the voucher of its class might not vouch then" if early or rests else None


def examine(data, genesis):
    """What a file proves under a genesis document: the question, the verdict, what it rests on, the header."""
    file = read_sealed(data, FIRST, LARGEST, "authorisation", "AuthorisationFile")
    asked, answer = file["question"], file["answer"]
    header = verify_from_genesis(genesis, file["validator_set_changes"], answer["header"])
    records = Records(header["state_root"], answer["values"])
    try:
        verdict, why = Question(asked, records).answer()
    except Undecided:
        raise Refusal("the records that the file holds don't settle the question") from None
    require(len(records.read) == len(answer["values"]), "the file holds records that the question doesn't read")
    return asked, verdict, why, header


def value(asked, verdict, why, header):
    """The answer for programs."""
    return {
        "authorised": verdict,
        "words": [why],
        "design_id": asked["subject"].hex(),
        "seller": asked["seller"],
        "act": ACTS.get(asked["act"], "unknown"),
        "territory": asked["territory"],
        "time_ms": asked["time_ms"],
        "height": header["height"],
        "verified": True,
    }


def main():
    """Runs the command; its exit code."""
    given = command("authorised.py", __doc__, "authorisation")
    data, genesis = read_files("authorised.py", given, LARGEST)
    try:
        asked, verdict, why, header = examine(data, genesis)
    except Refusal as refusal:
        return not_verified(refusal, given)
    if given.json:
        print(json.dumps(value(asked, verdict, why, header)))
        return EXIT[verdict]
    act = ACTS.get(asked["act"], "unknown")
    seller, territory, at = printable(asked["seller"]), printable(asked["territory"]), utc(asked["time_ms"])
    print(f"{verdict.upper()}: whether {seller} may {act} {asked['subject'].hex()} in {territory} at {at}")
    print(f"Because   {printable(why)}")
    print(f"As of     block {header['height']}, {utc(header['time_ms'])}")
    return EXIT[verdict]


if __name__ == "__main__":
    sys.exit(main())
