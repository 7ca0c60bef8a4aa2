#!/usr/bin/env python3
"""Tells the import story to real nodes, and prints what is proven of a unit: for tests/tests/stories/python_client.rs.

    live.py GENESIS STORY UNIT ORGANISATION=NODE=KEY...

The organisations stand in the order in which the story's submitters are named below.
"""

import hashlib
import json
import pathlib
import sys
import time

from touchstone import Answer, Client, Offer, Rejected, Signer, WrongCode, open_label

SUBMITTERS = ("platform", "logistics-a", "logistics-b", "ip-office")


def tell(story, people):
    """Captures the story's documents, each by the organisation that submits it; (its person, its document)."""
    offer = None
    for line in (story / "submitters.txt").read_text(encoding="utf-8").splitlines():
        who, file, *step = line.split()
        client, signer = people[who]
        document = (story / file).read_bytes()
        match step:
            case ["offer", to]:
                deadline_ms = int(time.time() * 1000) + 3_600_000
                handover = Offer(people[to][1].organisation, deadline_ms)
                offer = client.capture(signer, document, handover).id
            case ["accept"]:
                client.capture(signer, document, Answer(offer))
            case _:
                client.capture(signer, document)


def open_twice(people):
    """Makes a thing with a code under its label's cover, and has two members open it; what each was told, and a stranger."""
    salt, code = bytes(range(16)), "0123456789AB"
    recorded = f"sha256:{salt.hex()}:{hashlib.sha256(salt + code.encode()).hexdigest()}"
    sealed = "https://id.gs1.org/01/09521001000017/21/SEALED-1"
    making = {
        "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld", {"touchstone": "urn:touchstone:epcis:"}],
        "type": "ObjectEvent",
        "eventTime": "2026-03-01T08:30:00.000Z",
        "eventTimeZoneOffset": "+00:00",
        "action": "ADD",
        "bizStep": "commissioning",
        "epcList": [sealed],
        "ilmd": {"touchstone:activation": recorded},
    }
    client, signer = people["platform"]
    client.capture(signer, making)
    told = []
    for who, typed in (("logistics-a", "0123-4567-89ac"), ("logistics-a", "o123 4567 89ab"), ("logistics-b", code), ("logistics-a", code)):
        client, signer = people[who]
        try:
            opening = open_label(client, signer, sealed, typed)
            told.append([opening.organisation == people["logistics-a"][1].organisation, opening.is_first])
        except WrongCode:
            told.append("wrong")
    return told


def main():
    """Runs the story."""
    genesis, story, unit, *given = sys.argv[1:]
    people = {}
    for name, words in zip(SUBMITTERS, given):
        organisation, node, key = words.split("=")
        people[name] = Client(node, genesis), Signer(organisation, key)
    tell(pathlib.Path(story), people)
    client, signer = people["platform"]
    item = client.item(unit)
    absent = client.item("https://id.gs1.org/01/09521001000017/21/never-made")
    try:
        client.capture(signer, {"type": "ObjectEvent"})
        refused = None
    except Rejected as error:
        refused = {"code": error.code, "rule": error.rule, "event": error.event}
    told = {
        "holder": item.holder,
        "basis": item.basis,
        "inside": item.inside,
        "texts": [event.data.decode() for event in item.events],
        "reservations": [element for element, _ in item.reservations],
        "absent": absent.events == () and absent.holder is None,
        "no_design": client.design(bytes(32)).deposit["recorded"],
        "record": client.record(b"item/" + unit.encode()) is not None,
        "refused": refused,
        "opened": open_twice(people),
        "chain_id": client.status().chain_id.hex(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
