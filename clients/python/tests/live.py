#!/usr/bin/env python3
"""Tells the import story to real nodes, and prints what is proven of a unit: for tests/tests/stories/python_client.rs.

    live.py GENESIS STORY UNIT ORGANISATION=NODE=KEY...

The organisations stand in the order in which the story's submitters are named below.
"""

import json
import pathlib
import sys
import time

from touchstone import Answer, Client, Offer, Rejected, Signer

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
        "chain_id": client.status().chain_id.hex(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
