#!/usr/bin/env python3
"""Tests of the verifier on sample ledgers, whose validators sign what no honest ones would."""

import json
import pathlib
import random
import sys
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from evidence import Examination, Proven  # noqa: E402
from fields import read_content  # noqa: E402
from history import AFTER_ALL, BEFORE_ALL, History, Links  # noqa: E402
from proofs import (  # noqa: E402
    bit,
    check_validators,
    commitment,
    leaf,
    read_envelope,
    read_header,
    read_link,
    sha256,
    tagged,
    verify_state,
    verify_transaction,
)
from sample_ledger import SampleLedger, Signer, event, seal, state_tree, transaction_tree  # noqa: E402
from wire import Refusal, decode, encode  # noqa: E402


def thing(name):
    """An identifier."""
    return f"https://id.gs1.org/01/09521321000018/21/{name}"


def examine_sample(evidence):
    """The verdict on a file of a sample ledger, and the element that failed or isn't sure, in one text."""
    verdict, rows = Examination(seal(evidence), trusted=sha256(evidence["genesis"])).examine()
    return " ".join([verdict, *(element for element, _, result, _ in rows if result in ("failed", "reservation"))])


class Histories(unittest.TestCase):
    """Complete and incomplete histories of an item `i`."""

    def ledger(self, *events):
        """A ledger with an event in each block, and an empty block after them."""
        ledger = SampleLedger()
        for one in events:
            ledger.block(ledger.capture("carrier", one))
        ledger.block()
        return ledger

    def verdict(self, ledger, links, heights, item="i"):
        """What follows from these links and the transactions of these blocks."""
        evidence = ledger.evidence([(h, 0) for h in heights], [thing(name) for name in links], item=thing(item))
        return examine_sample(evidence)

    def complete(self, ledger, links, heights):
        """These links and blocks are the history: with one less, or one more, it isn't believed."""
        self.assertEqual(self.verdict(ledger, links, heights), "verified")
        for name in links:
            self.assertEqual(self.verdict(ledger, set(links) - {name}, heights), "not-verified completeness", name)
        for height in heights:
            fewer = self.verdict(ledger, links, set(heights) - {height})
            self.assertEqual(fewer, "not-verified completeness", height)
        for height in set(range(1, len(ledger.blocks))) - set(heights):
            more = self.verdict(ledger, links, set(heights) | {height})
            self.assertEqual(more, "not-verified completeness", height)
        for item in set(ledger.links) - {thing(name) for name in links}:
            evidence = ledger.evidence([(h, 0) for h in heights], [thing(n) for n in links] + [item], item=thing("i"))
            self.assertEqual(examine_sample(evidence), "not-verified completeness", item)

    def test_an_item_shares_its_containers_events_while_it_is_inside(self):
        ledger = self.ledger(
            event("OBSERVE", thing("box"), [thing("x")]),
            event("ADD", thing("box"), [thing("i")]),
            event("OBSERVE", thing("box"), [thing("x")]),
            event("ADD", thing("pallet"), [thing("box")]),
            event("OBSERVE", thing("pallet"), [thing("x")]),
            event("DELETE", thing("pallet"), [thing("box")]),
            event("OBSERVE", thing("pallet"), [thing("x")]),
            event("DELETE", thing("box"), [thing("i")]),
            event("OBSERVE", thing("box"), [thing("x")]),
        )
        self.complete(ledger, {"i", "box", "pallet"}, {1, 2, 3, 4, 5, 6, 8})

    def test_a_container_that_was_packed_before_the_item(self):
        ledger = self.ledger(
            event("OBSERVE", thing("box"), [thing("x")]),
            event("ADD", thing("truck"), [thing("box")]),
            event("OBSERVE", thing("truck"), [thing("x")]),
            event("ADD", thing("box"), [thing("i")]),
            event("OBSERVE", thing("truck"), [thing("x")]),
            event("DELETE", thing("truck")),
            event("OBSERVE", thing("truck"), [thing("x")]),
        )
        self.complete(ledger, {"i", "box", "truck"}, {2, 3, 4, 5, 6})

    def test_a_container_that_was_never_packed_shows_all_its_past(self):
        ledger = self.ledger(
            event("OBSERVE", thing("box"), [thing("x")]),
            event("ADD", thing("box"), [thing("y")]),
            event("ADD", thing("box"), [thing("i")]),
        )
        self.complete(ledger, {"i", "box"}, {1, 2, 3})

    def test_a_container_that_was_unpacked_before_the_item_shows_no_more(self):
        ledger = self.ledger(
            event("ADD", thing("truck"), [thing("box")]),
            event("DELETE", thing("truck"), [thing("box")]),
            event("OBSERVE", thing("box"), [thing("x")]),
            event("ADD", thing("box"), [thing("i")]),
            event("OBSERVE", thing("truck"), [thing("x")]),
        )
        self.complete(ledger, {"i", "box"}, {2, 3, 4})

    def test_emptying_ends_a_stay(self):
        ledger = self.ledger(
            event("ADD", thing("box"), [thing("i")]),
            event("DELETE", thing("box")),
            event("OBSERVE", thing("box"), [thing("x")]),
            event("ADD", thing("crate"), [thing("i")]),
            event("OBSERVE", thing("crate"), [thing("x")]),
        )
        self.complete(ledger, {"i", "box", "crate"}, {1, 2, 4, 5})

    def test_a_container_that_was_emptied_before_holds_nothing(self):
        ledger = self.ledger(
            event("ADD", thing("box"), [thing("tray"), thing("i")]),
            event("DELETE", thing("box")),
            event("ADD", thing("tray"), [thing("i")]),
            event("OBSERVE", thing("box"), [thing("x")]),
            event("OBSERVE", thing("tray"), [thing("x")]),
        )
        self.complete(ledger, {"i", "box", "tray"}, {1, 2, 3, 5})

    def test_only_what_empties_as_a_whole_empties(self):
        classes = [{"epcClass": "https://id.gs1.org/01/09521321000018/10/L", "quantity": 1}]
        ledger = self.ledger(
            event("ADD", thing("box"), [thing("i")]),
            event("DELETE", thing("box"), childQuantityList=classes),
            event("DELETE", thing("box"), [thing("x")]),
            event("ADD", thing("box"), childQuantityList=classes),
            event("DELETE", thing("other"), [thing("i")]),
            event("OBSERVE", thing("box"), type="AssociationEvent"),
        )
        self.complete(ledger, {"i", "box"}, {1, 2, 3, 4, 5, 6})

    def test_the_next_packing_ends_a_stay(self):
        ledger = self.ledger(
            event("ADD", thing("box"), [thing("i")]),
            event("ADD", thing("crate"), [thing("i")]),
            event("OBSERVE", thing("box"), [thing("x")]),
            event("OBSERVE", thing("crate"), [thing("x")]),
        )
        self.complete(ledger, {"i", "box", "crate"}, {1, 2, 4})

    def test_identifiers_are_compared_in_canonical_form(self):
        ledger = self.ledger(
            event("ADD", "urn:epc:id:sgtin:9521321.000001.box", ["https://shop.example/01/9521321000018/10/L/21/i"]),
            event("OBSERVE", "https://shop.example/01/9521321000018/21/box?17=270101", [thing("x")]),
        )
        self.complete(ledger, {"i", "box"}, {1, 2})

    def random_story(self, chance):
        """Events that a ledger lets in, and the positions of those that concern `i`, by telling the story."""
        inside, events, concerned = {}, [], set()

        def around(name):
            while name := inside.get(name):
                yield name

        for height in range(1, chance.randrange(3, 16)):
            container, action = chance.choice("abcdi"), chance.choice(("ADD", "ADD", "ADD", "DELETE", "ALL", "OBSERVE"))
            children = chance.sample("iabcd", chance.choice((1, 1, 2)))
            if action == "ADD":
                closed = {container, *around(container)}
                children = [child for child in children if child not in inside and child not in closed]
            if action in ("DELETE", "ALL"):
                children = [child for child in inside if inside[child] == container]
            if action == "OBSERVE" or (action != "ALL" and not children):
                action, children = "OBSERVE", ["x"]
            named = {container, *children} if action != "ALL" else {container}
            if named & {"i", *around("i")}:
                concerned.add(height)
            for child in children:
                if action == "ADD":
                    inside[child] = container
                elif action != "OBSERVE":
                    del inside[child]
            spelled = [] if action == "ALL" else [thing(child) for child in children]
            events.append(event("DELETE" if action == "ALL" else action, thing(container), spelled))
        return events, concerned

    def test_histories_are_what_happened_and_nothing_less_is_believed(self):
        for seed in range(60):
            events, concerned = self.random_story(random.Random(seed))
            ledger = self.ledger(*events)
            proven = {}
            for height in range(1, len(ledger.blocks)):
                body, signer, identity = read_envelope(ledger.chain_id, ledger.blocks[height - 1][1][0])
                proven[height, 0] = Proven(body, signer, identity, height, ledger.time_ms(height))
            names = sorted({*ledger.links, thing("i")})
            links = [{"item": name, "entries": ledger.links.get(name, [])} for name in names]
            history = History(Links(links, lambda name: ledger.state.get(b"item/" + name.encode()), proven))
            history.follow(thing("i"), BEFORE_ALL, AFTER_ALL)
            self.assertEqual({height for height, _, _ in history.entries}, concerned, seed)
            needed = {height for height, _, _ in history.before.union(history.entries)}
            self.complete(ledger, {name.rsplit("/", 1)[1] for name in history.used}, needed)

    def test_another_spelling_of_a_name_proves_nothing(self):
        ledger = self.ledger(event("OBSERVE", thing("i")))
        for spelling in ("urn:epc:id:sgtin:9521321.000001.i", "https://ID.gs1.org/01/09521321000018/21/i"):
            evidence = ledger.evidence([], [spelling], item=spelling)
            self.assertEqual(examine_sample(evidence), "not-verified completeness")

    def test_links_are_bounded(self):
        ledger = self.ledger(event("ADD", thing("box"), [thing("i")]))
        for most, verdict in ((2, "verified"), (1, "not-verified completeness")):
            with unittest.mock.patch("history.MOST_LINKS", most):
                self.assertEqual(self.verdict(ledger, ["i", "box"], [1]), verdict)

    def test_nothing_was_recorded(self):
        ledger = self.ledger(event("OBSERVE", thing("box"), [thing("x")]))
        for name in ("nothing", "never", "nowhere", "no", "none"):
            self.assertEqual(self.verdict(ledger, [name], [], name), "verified")
        self.assertEqual(self.verdict(ledger, ["box"], [], "box"), "not-verified completeness")

    def test_at_most_seventeen_containers_are_around_an_item(self):
        for depth, verdict in ((17, "verified"), (18, "not-verified completeness")):
            names = ["i", *(f"c{n}" for n in range(depth))]
            packings = [event("ADD", thing(outer), [thing(inner)]) for inner, outer in zip(names, names[1:])]
            ledger = self.ledger(*packings)
            self.assertEqual(self.verdict(ledger, names, range(1, depth + 1)), verdict)

    def test_a_containers_link_has_the_packing(self):
        ledger = SampleLedger()
        capture, effect = ledger.capture("carrier", event("ADD", thing("box"), [thing("i")]))

        def for_the_item_alone(height, index):
            effect(height, index)
            del ledger.links[thing("box")], ledger.state[b"item/" + thing("box").encode()]

        ledger.block((capture, for_the_item_alone))
        self.assertEqual(self.verdict(ledger, ["i", "box"], [1]), "not-verified completeness")

    def test_entries_and_events_agree(self):
        for change in (
            {"transaction_id": bytes(32)},
            {"content_hash": bytes(32)},
            {"organisation": "maker"},
            {"time_ms": 1},
            {"position": {"height": 1, "transaction": 0, "event": 1}},
        ):
            ledger = SampleLedger()
            capture, effect = ledger.capture("carrier", event("OBSERVE", thing("i")))

            def untrue(height, index, ledger=ledger, effect=effect, change=change):
                effect(height, index)
                (entry,) = ledger.links[thing("i")]
                ledger.links[thing("i")] = [encode("LinkEntry", decode("LinkEntry", entry) | change)]
                ledger.put_item(thing("i"))

            ledger.block((capture, untrue))
            self.assertEqual(self.verdict(ledger, ["i"], [1]), "not-verified completeness", change)

    def test_an_entry_is_of_a_capture(self):
        ledger = SampleLedger()
        deposit, _ = ledger.deposit("carrier", bytes(32), [bytes(32)])
        _, effect = ledger.capture("carrier", event("OBSERVE", thing("i")))
        ledger.block((deposit, effect))
        self.assertEqual(self.verdict(ledger, ["i"], [1]), "not-verified completeness")

    def test_entries_ascend(self):
        ledger = SampleLedger()
        one = event("OBSERVE", thing("i"))
        ledger.block(ledger.capture("carrier", one, one))
        ledger.links[thing("i")].reverse()
        ledger.put_item(thing("i"))
        ledger.block()
        self.assertEqual(self.verdict(ledger, ["i"], [1]), "not-verified completeness")

    def test_events_that_no_validator_lets_in(self):
        for untrue in (
            event("ADD", 5, [thing("i")]),
            event("ADD", "no uri", [thing("i")]),
            event("ADD", "x:\ud800", [thing("i")]),
            event("ADD", thing("box"), [5]),
            [],
            b"{",
            b"\xff",
            b"[" * 100_000,
        ):
            ledger = SampleLedger()
            capture, effect = ledger.capture("carrier", event("OBSERVE", thing("i")))
            content = untrue if isinstance(untrue, bytes) else json.dumps(untrue).encode()
            envelope, identity = ledger.envelope("carrier", capture_events={"events": [content]})

            def effect_of(height, index, ledger=ledger, effect=effect, content=content, identity=identity):
                effect(height, index)
                entry = decode("LinkEntry", ledger.links[thing("i")][0])
                entry |= {"content_hash": sha256(content), "transaction_id": identity}
                ledger.links[thing("i")] = [encode("LinkEntry", entry)]
                ledger.put_item(thing("i"))

            ledger.block((envelope, effect_of))
            self.assertEqual(self.verdict(ledger, ["i"], [1]), "not-verified completeness", untrue)


class Records(unittest.TestCase):
    """Deposits, keys and parties."""

    SALT, FILES = bytes(range(32)), [sha256(b"front"), sha256(b"back")]

    def deposit(self, **changes):
        """A ledger with a deposit by maker, in the second of two transactions; changes are made to its record."""
        ledger = SampleLedger()
        before = ledger.capture("carrier", event("OBSERVE", thing("x")))
        ledger.block(before, ledger.deposit("maker", self.SALT, self.FILES, changes))
        return ledger

    def verdict(self, ledger, places=((1, 1),), **fields):
        """What follows from the deposit with these transactions."""
        return examine_sample(ledger.evidence(list(places), design=ledger.design, **fields))

    def opening(self, salt=SALT, files=tuple(FILES)):
        """An opening."""
        return {"salt": salt, "files": [{"sha256": digest} for digest in files]}

    def test_a_deposit_and_its_record_agree(self):
        ledger = self.deposit()
        self.assertEqual(self.verdict(ledger), "verified")
        self.assertEqual(self.verdict(ledger, [(1, 0), (1, 1)]), "not-verified completeness")
        self.assertEqual(self.verdict(ledger, [(1, 0)]), "not-verified completeness")
        for change in (
            {"commitment": bytes(32)},
            {"organisation": "carrier"},
            {"owner_key": Signer("another").public},
            {"position": {"height": 1, "transaction": 0}},
            {"transaction_id": bytes(32)},
            {"time_ms": 1},
        ):
            self.assertEqual(self.verdict(self.deposit(**change)), "not-verified completeness", change)

    def test_another_deposit_or_action_is_not_the_one(self):
        for action in ({"deposit_design": {"commitment": bytes(32)}}, {"approve_change": {"change": {}}}):
            ledger = SampleLedger()
            _, effect = ledger.deposit("maker", self.SALT, self.FILES)
            envelope, identity = ledger.envelope("maker", **action)

            def as_if(height, index, ledger=ledger, effect=effect, identity=identity):
                effect(height, index)
                key = b"design/" + ledger.design
                record = decode("Design", ledger.state[key]) | {"transaction_id": identity}
                ledger.state[key] = encode("Design", record)

            ledger.block((envelope, as_if))
            self.assertEqual(self.verdict(ledger, [(1, 0)]), "not-verified completeness")

    def test_the_owner_signs(self):
        ledger = SampleLedger()
        _, effect = ledger.deposit("maker", self.SALT, self.FILES)
        envelope, identity = ledger.envelope("maker", Signer("another"), deposit_design={"commitment": bytes(32)})

        def by_another(height, index):
            effect(height, index)
            key = b"design/" + ledger.design
            record = decode("Design", ledger.state[key]) | {"transaction_id": identity, "commitment": bytes(32)}
            ledger.design = tagged("touchstone/design-id/v1", record["owner_key"], bytes(32))
            ledger.state[b"design/" + ledger.design] = encode("Design", record)

        ledger.block((envelope, by_another))
        self.assertEqual(self.verdict(ledger, [(1, 0)]), "not-verified completeness")

    def test_a_record_is_of_the_design_asked_for(self):
        ledger = self.deposit()
        record = ledger.state[b"design/" + ledger.design]
        ledger.design = bytes(32)
        ledger.state[b"design/" + ledger.design] = record
        ledger.block()
        self.assertEqual(self.verdict(ledger), "not-verified completeness")

    def test_nothing_was_deposited(self):
        ledger = self.deposit()
        ledger.design = bytes(32)
        self.assertEqual(self.verdict(ledger, []), "verified")
        self.assertEqual(self.verdict(ledger), "not-verified completeness")
        self.assertEqual(self.verdict(ledger, [], opening=self.opening()), "not-verified opening")

    def test_every_organisation_has_a_record(self):
        for name, element in (("maker", "keys"), ("office", "independence")):
            ledger = self.deposit()
            del ledger.state[b"organisation/" + name.encode()]
            ledger.block()
            self.assertEqual(self.verdict(ledger), f"not-verified {element}")

    def test_openings(self):
        ledger = self.deposit()
        self.assertEqual(self.verdict(ledger, opening=self.opening()), "verified")
        for wrong in (
            self.opening(salt=bytes(32)),
            self.opening(salt=bytes(31)),
            self.opening(files=self.FILES[::-1]),
            self.opening(files=[b"".join(self.FILES)]),
            self.opening(files=[]),
        ):
            self.assertEqual(self.verdict(ledger, opening=wrong), "not-verified opening")

    def test_a_commitment_has_a_form(self):
        def opened(salt, files):
            return commitment(bytes(32), bytes(32), salt, read_content(files, "", None).root)

        many = self.FILES * 501
        for salt, files in ((bytes(31), self.FILES), (self.SALT, [bytes(31)]), (self.SALT, []), (self.SALT, many)):
            self.assertRaises(Refusal, opened, salt, files)

    def test_a_disclosure_opens_too(self):
        disclosure = {"salt": self.SALT, "file_hashes": self.FILES, "title": "Chair", "time_ms": 5, "height": 1}
        self.assertEqual(self.verdict(self.deposit(disclosure=disclosure)), "verified")
        disclosure["salt"] = bytes(32)
        self.assertEqual(self.verdict(self.deposit(disclosure=disclosure)), "not-verified opening")

    def test_keys_are_valid_at_their_height(self):
        for key, verdict in (
            ({"valid_from_height": 1}, "verified"),
            ({"valid_from_height": 2}, "not-verified keys"),
            ({"valid_from_height": 1, "valid_until_height": 1}, "verified"),
            ({"valid_from_height": 0, "valid_until_height": 1}, "verified"),
            ({"valid_from_height": 1, "compromised_since_ms": 1}, "verified-with-reservations keys"),
            ({"valid_from_height": 1, "compromised_since_ms": 2**60}, "verified"),
            ({"valid_from_height": 1, "compromised_since_ms": 1, "dispute": 1}, "verified-with-reservations keys"),
            ({"valid_from_height": 1, "dispute": 1}, "verified"),
            ({"valid_from_height": 1, "dispute": 2}, "verified"),
            ({"valid_from_height": 1, "standing": (1, 1)}, "verified"),
            ({"valid_from_height": 1, "standing": (2, 0)}, "not-verified keys"),
        ):
            ledger = SampleLedger()
            ledger.put_organisation("maker", **key)
            ledger.block(ledger.deposit("maker", self.SALT, self.FILES))
            self.assertEqual(self.verdict(ledger, [(1, 0)]), verdict, key)
        ledger = SampleLedger()
        ledger.put_organisation("maker", valid_from_height=1, valid_until_height=1)
        ledger.block()
        ledger.block(ledger.deposit("maker", self.SALT, self.FILES))
        self.assertEqual(self.verdict(ledger, [(2, 0)]), "not-verified keys")

    def test_a_key_is_the_organisations_own(self):
        ledger = self.deposit()
        ledger.signers["maker"] = Signer("another")
        ledger.put_organisation("maker", valid_from_height=1)
        ledger.block()
        self.assertEqual(self.verdict(ledger), "not-verified keys")

    def test_parties_with_a_third_of_the_power_are_a_reservation(self):
        for parties, verdict in ((1, "verified"), (2, "verified-with-reservations independence")):
            ledger = SampleLedger()
            named = ledger.NAMES[:parties]
            ledger.block(*(ledger.capture(name, event("OBSERVE", thing("i"))) for name in named))
            places = [(1, index) for index in range(parties)]
            evidence = ledger.evidence(places, [thing("i")], item=thing("i"))
            self.assertEqual(examine_sample(evidence), verdict)


class Chains(unittest.TestCase):
    """Blocks, changes of the validator set and transactions."""

    def ledger(self, *hand_overs):
        """A ledger with an event in block 1, and changes of the validator set to sets of organisations in the next ones."""
        ledger = SampleLedger()
        ledger.block(ledger.capture("carrier", event("OBSERVE", thing("i"))))
        for names in hand_overs:
            ledger.block(hand_over=names)
        ledger.block()
        return ledger

    def evidence(self, ledger, **fields):
        """The evidence about the event."""
        return ledger.evidence([(1, 0)], [thing("i")], item=thing("i"), **fields)

    def test_hand_overs(self):
        sets = ("carrier", "maker"), ("maker", "market", "office")
        ledger = self.ledger(*sets)
        whole = self.evidence(ledger)
        self.assertEqual(len(whole["validator_set_changes"]), 2)
        self.assertEqual(examine_sample(whole), "verified")
        first, second = whole["validator_set_changes"]
        everyone = ledger.validator_set(ledger.NAMES, first["next_validators"]["first_height"])
        unchanged = first["next_validators"]
        for changes, element in (
            ([], "anchor"),
            ([first], "anchor"),
            ([second], "validators"),
            ([second, first], "validators"),
            ([first, first], "validators"),
            ([{**first, "next_validators": everyone}, second], "validators"),
            ([{**first, "next_validators": {}}, second], "validators"),
            ([first, {**second, "next_validators": everyone}], "validators"),
            ([{**first, "next_validators": unchanged | {"first_height": 1}}, second], "validators"),
        ):
            self.assertEqual(examine_sample(whole | {"validator_set_changes": changes}), f"not-verified {element}")

    def test_a_set_votes_from_the_next_height_on(self):
        for shift, verdict in ((0, "verified"), (1, "not-verified validators"), (-1, "not-verified validators")):
            ledger = SampleLedger()
            plain = ledger.validator_set
            ledger.validator_set = lambda names, first, plain=plain, shift=shift: plain(names, first + shift)
            ledger.block(hand_over=("maker", "market", "office"))
            ledger.block(ledger.capture("carrier", event("OBSERVE", thing("i"))))
            evidence = ledger.evidence([(2, 0)], [thing("i")], item=thing("i"))
            self.assertEqual(examine_sample(evidence), verdict, shift)

    def test_a_set_speaks_for_its_heights_alone(self):
        ledger = self.ledger(("maker", "market", "office"), SampleLedger.NAMES)
        self.assertEqual(examine_sample(self.evidence(ledger)), "verified", "block 1 is the first set's")
        early = self.evidence(ledger)
        early["anchor"] = ledger.blocks[1][0]
        self.assertEqual(examine_sample(early), "not-verified anchor", "a change is at its height")
        forked = self.ledger(("maker", "market", "office"))
        forked.set_changes.append({"header": forked.blocks[-1][0], "next_validators": forked.validators})
        evidence = self.evidence(forked)
        evidence["validator_set_changes"] = forked.set_changes[:1] * 2
        self.assertEqual(examine_sample(evidence), "not-verified validators", "heights ascend")

    def test_hand_overs_ascend(self):
        ledger = SampleLedger()
        for _ in range(2):
            ledger.block(hand_over=SampleLedger.NAMES)
        ledger.block(ledger.capture("carrier", event("OBSERVE", thing("i"))))
        evidence = ledger.evidence([(3, 0)], [thing("i")], item=thing("i"))
        self.assertEqual(examine_sample(evidence), "verified")
        evidence["validator_set_changes"].reverse()
        self.assertEqual(examine_sample(evidence), "not-verified validators")

    def test_a_block_beside_the_chain_is_refused(self):
        ledger, fork = self.ledger(), self.ledger()
        fork.blocks.clear()
        fork.block(fork.capture("carrier", event("OBSERVE", thing("j"))), time_ms=7)
        evidence = self.evidence(ledger)
        evidence["blocks"] = [fork.blocks[0][0]]
        self.assertEqual(examine_sample(evidence), "not-verified blocks")
        ledger, fork = SampleLedger(), SampleLedger()
        for chain, time_ms in ((ledger, 5), (fork, 6)):
            chain.block(chain.capture("carrier", event("OBSERVE", thing("i"))), time_ms=time_ms)
        evidence = self.evidence(ledger)
        self.assertEqual(evidence["blocks"], [evidence["anchor"]])
        evidence["blocks"] = [fork.blocks[0][0]]
        self.assertEqual(examine_sample(evidence), "not-verified blocks", "the anchor's own height")

    def test_headers(self):
        for change in ({"version": 2}, {"parent": b""}, {"proposer": bytes(31)}, {"chain_id": bytes(32)}):
            ledger = SampleLedger()
            ledger.block(ledger.capture("carrier", event("OBSERVE", thing("i"))), **change)
            self.assertEqual(examine_sample(self.evidence(ledger)), "not-verified anchor", change)
        self.assertRaises(Refusal, read_header, bytes(32), b"")
        ledger = self.ledger()
        header = ledger.blocks[0][0]["header"]
        self.assertEqual(read_header(ledger.chain_id, header)["height"], 1)
        unplaced = encode("Header", decode("Header", header) | {"height": 0})
        self.assertRaises(Refusal, read_header, ledger.chain_id, unplaced)

    def test_validator_sets(self):
        def keys(*numbers):
            return {"validators": [{"public_key": bytes([n]) * 32, "power": 1} for n in numbers], "first_height": 1}

        check_validators(keys(*range(100)))
        for wrong in (
            keys(),
            keys(*range(101)),
            keys(2, 1),
            keys(1, 1),
            keys(1) | {"first_height": 0},
            keys(1) | {"validators": [{"public_key": b"", "power": 1}]},
            keys(1) | {"validators": [{"public_key": bytes(32), "power": 0}]},
            keys(1) | {"validators": [{"public_key": bytes(32), "power": 2**48 + 1}]},
        ):
            self.assertRaises(Refusal, check_validators, wrong)

    def test_envelopes(self):
        ledger = SampleLedger()
        good, identity = ledger.envelope("carrier", capture_events={"events": [b"{}"]})
        self.assertEqual(read_envelope(ledger.chain_id, good)[2], identity)
        self.assertRaises(Refusal, read_envelope, bytes(32), good)
        envelope = decode("Envelope", good)
        (signature,) = envelope["signatures"]
        for wrong in ([], [signature, signature], [signature | {"signature": bytes(64)}]):
            forged = encode("Envelope", envelope | {"signatures": wrong})
            self.assertRaises(Refusal, read_envelope, ledger.chain_id, forged)
        self.assertRaises(Refusal, read_envelope, ledger.chain_id, ledger.envelope("carrier")[0])
        large, _ = ledger.envelope("carrier", capture_events={"events": [bytes(4 * 1024 * 1024)]})
        self.assertRaises(Refusal, read_envelope, ledger.chain_id, large)

    def test_a_transaction_is_at_one_place(self):
        for count in range(1, 6):
            envelopes = [bytes([n]) for n in range(count)]
            root, paths = transaction_tree(envelopes)
            for index, (envelope, path) in enumerate(zip(envelopes, paths)):
                verify_transaction(root, count, index, envelope, path)
                for wrong in (
                    *((root, other, index, envelope, path) for other in range(8) if other != count),
                    *((root, count, other, envelope, path) for other in range(8) if other != index),
                    (root, count, index, b"x", path),
                    (root, count, index, envelope, [*path, bytes(32)]),
                    (root, count, index, envelope, path[:-1]) if path else (root, 0, 0, envelope, path),
                    (bytes(32), count, index, envelope, path),
                ):
                    self.assertRaises(Refusal, verify_transaction, *wrong)
        left, right = tagged("touchstone/transaction-leaf/v1", b"a"), b"b"
        joined = tagged("touchstone/transaction-node/v1", left, right)
        root = tagged("touchstone/transaction-node/v1", (2).to_bytes(8, "big"), joined)
        self.assertRaises(Refusal, verify_transaction, root, 2, 0, b"a", [right])


class States(unittest.TestCase):
    """Proofs of presence and absence."""

    LEAVES = {f"key {n}".encode(): f"value {n}".encode() for n in range(40)}

    def setUp(self):
        self.ledger = SampleLedger()
        self.ledger.state = dict(self.LEAVES)
        self.ledger.root, self.ledger.paths = state_tree([(sha256(k), sha256(v)) for k, v in self.LEAVES.items()])

    def check(self, key, value, proof):
        """Verifies a claim."""
        verify_state(self.ledger.root, key, value, {"other_leaf": None, "siblings": []} | proof)

    def test_each_key_is_present_with_its_value_alone(self):
        for key, value in self.LEAVES.items():
            proof = self.ledger.prove(key)["proof"]
            self.check(key, value, proof)
            own = {"key_hash": sha256(key), "value_hash": sha256(value)}
            for wrong, wrongly in (
                (b"other", proof),
                (b"", proof),
                (None, proof),
                (None, proof | {"other_leaf": own}),
                (value, proof | {"other_leaf": own}),
                (value, {"siblings": proof["siblings"][1:]}),
                (value, {"siblings": proof["siblings"] + [bytes(32)]}),
                (value, {"siblings": [s[:31] for s in proof["siblings"]]}),
            ):
                self.assertRaises(Refusal, self.check, key, wrong, wrongly)

    def test_hashes_in_a_proof_have_their_length(self):
        """A leaf whose two hashes are parted elsewhere has the same hash, and would hide the key."""
        for key, value in self.LEAVES.items():
            path, digest, siblings = sha256(key), sha256(value), self.ledger.paths[sha256(key)]
            for other in ((path[:31], path[31:] + digest), (path + digest[:1], digest[1:])):
                self.assertEqual(leaf(*other), leaf(path, digest))
                other = {"key_hash": other[0], "value_hash": other[1]}
                self.assertRaises(Refusal, self.check, key, None, {"other_leaf": other, "siblings": siblings})
            self.assertRaises(Refusal, self.check, key, value, {"siblings": [bytes(32)] * 257})

    def test_other_keys_are_absent(self):
        by_leaf = by_nothing = 0
        for number in range(200):
            key = f"other {number}".encode()
            proof = self.ledger.prove(key)["proof"]
            by_leaf += "other_leaf" in proof
            by_nothing += "other_leaf" not in proof
            self.check(key, None, proof)
            self.assertRaises(Refusal, self.check, key, b"", proof)
        self.assertGreater(min(by_leaf, by_nothing), 10)

    def test_a_leaf_elsewhere_proves_no_absence(self):
        present = next(iter(self.LEAVES))
        for key, value in self.LEAVES.items():
            if key != present:
                other = {"key_hash": sha256(key), "value_hash": sha256(value)}
                proof = {"other_leaf": other, "siblings": self.ledger.paths[sha256(key)]}
                self.assertRaises(Refusal, self.check, present, None, proof)

    def test_a_leaf_that_hides_the_key_proves_no_absence(self):
        """With a leaf's inner place read as a leaf, the bits before the place still have to agree."""
        key, value = next(iter(self.LEAVES.items()))
        path = sha256(key)
        depth = len(self.ledger.paths[path])
        flipped = bytes([path[0] ^ 0x80]) + path[1:]
        self.assertGreater(depth, 0)
        lie = SampleLedger()
        node = leaf(flipped, sha256(value))
        root = node
        for i, sibling in enumerate(self.ledger.paths[path]):
            pair = sibling + root if bit(path, depth - 1 - i) else root + sibling
            root = sha256(b"JMT::IntrnalNode" + pair)
        lie.root = root
        proof = {"other_leaf": {"key_hash": flipped, "value_hash": sha256(value)}, "siblings": self.ledger.paths[path]}
        self.assertRaises(Refusal, verify_state, root, key, None, proof)

    def test_links(self):
        ledger = SampleLedger()
        ledger.block(ledger.capture("carrier", event("OBSERVE", thing("i")), event("OBSERVE", thing("i"))))
        entries = ledger.links[thing("i")]
        record = decode("Item", ledger.state[b"item/" + thing("i").encode()])["link"]
        self.assertEqual(len(read_link(2, record["head"], entries)), 2)
        for wrong in ((1, record["head"], entries), (2, bytes(32), entries), (1, record["head"], entries[:1])):
            self.assertRaises(Refusal, read_link, *wrong)


if __name__ == "__main__":
    unittest.main()
