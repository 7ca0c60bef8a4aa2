#!/usr/bin/env python3
"""Examines a public review of a dispute: that nobody chose the panel, and what its votes make.

Written from docs/format.md, "Public review", alone. It draws the jurors and counts the votes again.

    reviewed.py FILE --genesis FILE [--json]

--json prints one JSON value, with the names that `touchstone review show --json` has.

Exit codes: 0 the records hold; 3 not verified; 1 wrong usage.
"""

import hashlib
import json
import sys

from beacon import check_beacon, output
from moment import printable, utc
from proofs import require, sha256, verify_state
from sealed_file import command, not_verified, read_files, read_sealed, verify_from_genesis
from wire import Refusal, decode

FIRST = b"touchstone/review/v1\n"
LARGEST = 4 << 20
VERDICTS = {1: "upheld", 2: "dismissed", 3: "no quorum", 4: "no majority", 5: "no panel"}
UPHOLD, DISMISS = 1, 2
UPHELD, DISMISSED, NO_QUORUM, NO_MAJORITY, NO_PANEL = 1, 2, 3, 4, 5
OPENED = 4
# The outcome of a dispute that a verdict ends.
OUTCOMES = {UPHELD: 11, DISMISSED: 12}


def tagged(tag, *parts):
    """`H(tag, parts…)`."""
    return hashlib.sha256(b"\0".join([tag.encode(), b"".join(parts)])).digest()


def be(number, size):
    return number.to_bytes(size, "big")


class Numbers:
    """Numbers below bounds, from a seed."""

    def __init__(self, seed):
        self.seed, self.blocks, self.left = seed, 0, []

    def next(self):
        if not self.left:
            block = tagged("touchstone/review-stream/v1", self.seed, be(self.blocks, 8))
            self.left = [int.from_bytes(block[at : at + 8], "big") for at in (0, 8, 16, 24)]
            self.blocks += 1
        return self.left.pop(0)

    def below(self, bound):
        while (number := self.next()) < (1 << 64) % bound:
            pass
        return number % bound


def draw(seed, count, many, excluded):
    """The jurors that a seed draws."""
    numbers, moved, drawn = Numbers(seed), {}, []
    for place in range(count):
        if len(drawn) == many:
            break
        chosen = place + numbers.below(count - place)
        juror = moved.get(chosen, chosen)
        moved[chosen] = moved.get(place, place)
        if juror not in excluded:
            drawn.append(juror)
    return drawn


def seed_of(dispute, instance, panel, drawn):
    values, taken = drawn["values"], drawn["beacon"]
    matter = tagged(
        "touchstone/review-matter/v1",
        dispute["subject"],
        be(dispute["review"]["ground"], 4),
        dispute["respondent"].encode(),
    )
    revealed = b"".join(value["public_key"] + value["preimage"] for value in values if value["preimage"])
    seed = tagged("touchstone/review-seed/v1", matter, be(instance, 4), panel["root"], be(panel["count"], 4), revealed)
    if taken is None or taken["pulse"] is None:
        return seed
    return tagged("touchstone/review-beacon-seed/v1", seed, output(taken["pulse"]))


def check_draw(drawn):
    """Each value is the one that its tip binds, more than a third of the power revealed, and so the pulse follows."""
    for value in drawn["values"]:
        bound = not value["preimage"] or sha256(value["preimage"]) == value["tip"]
        require(bound, f"the value of {value['organisation']} is not what its hash chain bound it to")
    require(drawn["closed_height"] > drawn["height"], "the draw is not over")
    revealed = sum(value["power"] for value in drawn["values"] if value["preimage"])
    total = sum(value["power"] for value in drawn["values"])
    require(3 * revealed > total, "validators of no more than 1/3 of the power revealed")
    if drawn["beacon"] is not None:
        check_beacon(drawn["beacon"])


def result_of(panel, terms, size):
    """The verdict of a panel, its votes, and the hash over the reasons."""
    if not panel["seats"]:
        return NO_PANEL, 0, 0, b""
    voted = [seat for seat in panel["seats"] if seat["state"] == OPENED]
    uphold = sum(seat["choice"] == UPHOLD for seat in voted)
    dismiss = sum(seat["choice"] == DISMISS for seat in voted)
    every, majority = uphold + dismiss, terms["majority_percent"]
    votes = b"".join(be(seat["juror"], 4) + be(seat["choice"], 1) + seat["reasons"] for seat in voted)
    reasons = tagged("touchstone/review-reasons/v1", votes)
    if every < -(-size * terms["quorum_percent"] // 100):
        verdict = NO_QUORUM
    elif uphold * 100 > every * majority:
        verdict = UPHELD
    elif dismiss * 100 > every * majority:
        verdict = DISMISSED
    else:
        verdict = NO_MAJORITY
    return verdict, uphold, dismiss, reasons


def check_review(dispute, panels):
    """Draws the jurors again, and counts the votes; the verdicts in order."""
    results, first = dispute["review"]["results"], set()
    for instance, (panel, drawn) in enumerate(panels):
        terms = panel["terms"]
        size = terms["appeal_panel"] if instance else terms["panel"]
        if panel["seats"]:
            check_draw(drawn)
            seed = seed_of(dispute, instance, panel, drawn)
            require(seed == panel["seed"], f"the seed of panel {instance} is not what the draw gives")
            jurors = draw(seed, panel["count"], size + terms["alternates"], first)
            seats = [seat["juror"] for seat in panel["seats"]]
            require(jurors == seats, f"the jurors of panel {instance} are not those that the seed draws")
        if instance < len(results):
            told = results[instance]
            told = told["verdict"], told["uphold"], told["dismiss"], told["reasons"]
            counted = result_of(panel, terms, size)
            require(told == counted, f"the verdict of panel {instance} is not what its votes make")
        first.update(seat["juror"] for seat in panel["seats"])
    require(len(results) <= len(panels), "there are more verdicts than panels")
    verdicts = [OUTCOMES[result["verdict"]] for result in results if result["verdict"] in OUTCOMES]
    by_panel = dispute["outcome"] in OUTCOMES.values()
    require(not by_panel or verdicts[-1:] == [dispute["outcome"]], "the outcome is not the last verdict")
    return [VERDICTS[result["verdict"]] for result in results]


def read_records(root, identifier, values):
    """The dispute, and each panel with its draw, as the file's values prove them."""
    left = list(values)

    def take(kind, key):
        require(left, "a record that the review tells of is missing")
        found = left.pop(0)
        require(found["value"] is not None and found["proof"] is not None, "a record is withheld or absent")
        verify_state(root, key, found["value"], found["proof"])
        return decode(kind, found["value"])

    dispute = take("Dispute", b"dispute/" + identifier)
    require(dispute["review"] is not None, "the dispute has no review")
    panels = []
    for instance in range(min(dispute["review"]["instance"], 1) + 1):
        panel = take("Panel", b"panel/" + identifier + be(instance, 4))
        drawn = take("Draw", b"draw/" + be(panel["draw"], 8)) if panel["seats"] else None
        panels.append((panel, drawn))
    require(not left, "the file holds records that the review doesn't tell of")
    return dispute, panels


def examine(data, genesis):
    """What a file proves under a genesis document: dispute, panels, verdicts, the header."""
    file = read_sealed(data, FIRST, LARGEST, "review", "ReviewFile")
    header = verify_from_genesis(genesis, file["validator_set_changes"], file["header"])
    require(len(file["dispute"]) == 32, "a dispute's id has 32 bytes")
    dispute, panels = read_records(header["state_root"], file["dispute"], file["values"])
    return dispute, panels, check_review(dispute, panels), header


def value(dispute, panels, verdicts, header):
    """The review for programs."""
    told = []
    for instance, (panel, drawn) in enumerate(panels):
        values = drawn["values"] if drawn else []
        result = dispute["review"]["results"][instance] if instance < len(verdicts) else None
        taken = drawn and drawn["beacon"]
        pulse = taken and taken["pulse"]
        told.append(
            {
                "count": panel["count"],
                "seed": panel["seed"].hex(),
                "values": [{"organisation": one["organisation"], "revealed": one["preimage"].hex()} for one in values],
                "beacon": taken and {"pulse_index": pulse["pulse_index"] if pulse else None},
                "seats": [{"juror": seat["juror"]} for seat in panel["seats"]],
                "result": result
                and {
                    "verdict": verdicts[instance].replace(" ", "-"),
                    "uphold": result["uphold"],
                    "dismiss": result["dismiss"],
                },
            }
        )
    return {
        "complainant": dispute["complainant"],
        "respondent": dispute["respondent"],
        "recounted": True,
        "panels": told,
        "height": header["height"],
        "verified": True,
    }


def main():
    """Runs the command; its exit code."""
    given = command("reviewed.py", __doc__, "review")
    data, genesis = read_files("reviewed.py", given, LARGEST)
    try:
        dispute, panels, verdicts, header = examine(data, genesis)
    except Refusal as refusal:
        return not_verified(refusal, given)
    if given.json:
        print(json.dumps(value(dispute, panels, verdicts, header)))
        return 0
    print(f"HOLDS     the review of {printable(dispute['complainant'])} against {printable(dispute['respondent'])}")
    for instance, (panel, drawn) in enumerate(panels):
        verdict = verdicts[instance] if instance < len(verdicts) else "under way"
        revealed = sum(bool(value["preimage"]) for value in drawn["values"]) if drawn else 0
        seats = len(panel["seats"])
        print(f"Panel {instance}   {seats} of {panel['count']} drawn by the values of {revealed} validators: {verdict}")
        if taken := drawn and drawn["beacon"]:
            pulse = taken["pulse"]
            shown = f"pulse {pulse['pulse_index']}" if pulse else "no pulse in time"
            print(f"          {shown} of the beacon's chain {taken['beacon']['chain_index']}")
    print(f"As of     block {header['height']}, {utc(header['time_ms'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
