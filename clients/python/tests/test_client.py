#!/usr/bin/env python3
"""Tests of the client: what a node proves is taken, and nothing else. They run on the built package (`check`)."""

import hashlib
import json
import pathlib
import sys
import tempfile
import time
import types
import unittest
import unittest.mock

sys.path[:0] = [
    str(pathlib.Path(__file__).resolve().parent),
    str(pathlib.Path(__file__).resolve().parents[3] / "verifiers/python"),
]

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402
from cryptography.hazmat.primitives.serialization import (  # noqa: E402
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from sample_ledger import SampleLedger, event  # noqa: E402
from sample_node import SampleNode  # noqa: E402

from touchstone import (  # noqa: E402
    Answer,
    Behind,
    Claim,
    Client,
    Event,
    NoAnswer,
    NotVerified,
    Offer,
    Rejected,
    Signer,
    Undecided,
    WrongCode,
    ledger_pb2,
    node_pb2,
    open_label,
)
from touchstone.documents import events  # noqa: E402

PALLET = "https://id.gs1.org/00/095213210000000018"
UNIT = "https://id.gs1.org/01/09521321000018/21/1"

#: A node that is behind has no time to catch up.
AT_ONCE = unittest.mock.patch("touchstone.client._CATCHES_UP_S", 0.1)


class WithNode(unittest.TestCase):
    """A node with one block, in which the carrier packed a unit."""

    def setUp(self):
        self.ledger = SampleLedger()
        self.packing = event("ADD", PALLET, [UNIT])
        self.ledger.block(self.ledger.capture("carrier", self.packing))
        self.node = SampleNode(self.ledger)
        self.addCleanup(self.node.stop)
        # A slow machine is waited for; where the end of patience is the question, it comes soon.
        self.client = Client(self.node.url, self.ledger.genesis)
        self.impatient = Client(self.node.url, self.ledger.genesis, timeout_s=2)
        self.addCleanup(self.client.close)
        self.addCleanup(self.impatient.close)
        self.signer = Signer("carrier", self.ledger.signers["carrier"].secret)


class Openings(unittest.TestCase):
    """The code under a label's cover, at a client that gives histories as they are listed here."""

    SALT, CODE = bytes(16), "0123456789AB"

    def setUp(self):
        digest = hashlib.sha256(self.SALT + self.CODE.encode()).hexdigest()
        self.recorded = f"sha256:{self.SALT.hex()}:{digest}"
        self.openings = f"urn:touchstone:activation:{self.recorded}"
        making = {"ilmd": {"example:lot": "1", "touchstone:activation": self.recorded}}
        self.histories = {UNIT: [self.event("maker", making)], self.openings: []}
        self.captured, self.refuses = [], None

    def event(self, organisation, document):
        """An event that, unless it says otherwise, brings the unit into being."""
        document = {"type": "ObjectEvent", "action": "ADD", "epcList": [UNIT], **document}
        height = 1 + len(getattr(self, "captured", []))
        return Event(height, 0, 0, 1000 * height, organisation, (), json.dumps(document).encode())

    # What `open_label` asks of a client.

    def item(self, name):
        return types.SimpleNamespace(events=tuple(self.histories[name]))

    def capture(self, signer, document):
        if self.refuses:
            raise self.refuses
        self.captured.append(document)
        event = self.event(signer, document)
        self.histories[document["epcList"][0]].append(event)
        return types.SimpleNamespace(height=event.height, index=0)

    def test_the_first_opening_is_recorded_and_the_second_learns_of_it(self):
        first = open_label(self, "market", UNIT, "o123 4567-89ab")
        self.assertEqual((first.organisation, first.is_first), ("market", True))
        (document,) = self.captured
        self.assertEqual((document["action"], document["epcList"]), ("OBSERVE", [self.openings]))
        second = open_label(self, "office", UNIT, self.CODE)
        self.assertEqual((second.organisation, second.is_first, second.time_ms), ("market", False, first.time_ms))
        self.assertEqual(len(self.captured), 1)

    def test_nothing_is_recorded_without_the_code(self):
        self.assertRaises(WrongCode, open_label, self, "market", UNIT, "0123456789AC")
        self.histories[UNIT] = [self.event("maker", {"ilmd": {"touchstone:activation": "sha256:00"}}), self.event("maker", {})]
        self.assertRaises(WrongCode, open_label, self, "market", UNIT, self.CODE)
        self.assertEqual(self.captured, [])

    def test_an_event_without_the_code_opens_nothing(self):
        self.histories[self.openings].append(self.event("carrier", {"touchstone:openingCode": "0123456789AC"}))
        self.assertTrue(open_label(self, "market", UNIT, self.CODE).is_first)
        # A member that took the identifier without the code is told of.
        self.histories[self.openings] = self.histories[self.openings][:1]
        self.refuses = Rejected(307, "custody", "held by carrier")
        self.assertRaises(WrongCode, open_label, self, "market", UNIT, self.CODE)

    def test_a_code_that_its_maker_took_back_opens_nothing(self):
        (making,) = self.histories[UNIT]
        named = {**making.json(), "eventID": "urn:uuid:1"}
        other = hashlib.sha256(self.SALT + b"ABABABABABAB").hexdigest()
        right = {"ilmd": {"touchstone:activation": f"sha256:{self.SALT.hex()}:{other}"}}
        declared = {**named, "errorDeclaration": {"declarationTime": "2026-03-01T00:00:00Z"}}
        # What another organisation declares takes nothing back.
        self.histories[UNIT] = [self.event("maker", named), self.event("carrier", declared)]
        self.assertTrue(open_label(self, "market", UNIT, self.CODE).is_first)
        self.histories[UNIT] = [self.event("maker", named), self.event("maker", declared), self.event("maker", {})]
        self.assertRaises(WrongCode, open_label, self, "market", UNIT, self.CODE)
        self.histories[UNIT].append(self.event("maker", right))
        self.histories[f"urn:touchstone:activation:{right['ilmd']['touchstone:activation']}"] = []
        self.assertTrue(open_label(self, "market", UNIT, "abab-abab-abab").is_first)

    def test_a_code_of_something_else_is_not_the_makers(self):
        digest = hashlib.sha256(self.SALT + b"ABABABABABAB").hexdigest()
        other = {"ilmd": {"touchstone:activation": f"sha256:{self.SALT.hex()}:{digest}"}}
        made = {"type": "TransformationEvent", "inputEPCList": [UNIT], "outputEPCList": [PALLET], **other}
        self.histories[f"urn:touchstone:activation:{other['ilmd']['touchstone:activation']}"] = []
        # The carrier commissions the pallet on which the unit stands, and makes something of the unit.
        self.histories[UNIT] += [self.event("carrier", {"epcList": [PALLET], **other}), self.event("carrier", made)]
        self.assertRaises(WrongCode, open_label, self, "market", UNIT, "ABAB-ABAB-ABAB")
        self.assertTrue(open_label(self, "market", UNIT, self.CODE).is_first)
        # A maker that made it of other things is its maker.
        own = {"type": "TransformationEvent", "outputEPCList": ["urn:epc:id:sgtin:9521321.000001.1"], **other}
        self.histories[UNIT] = [self.event("maker", own)]
        self.assertTrue(open_label(self, "market", UNIT, "ABAB-ABAB-ABAB").is_first)

    def test_another_refusal_is_passed_on(self):
        self.refuses = Rejected(301, "form", "no")
        self.assertRaises(Rejected, open_label, self, "market", UNIT, self.CODE)


class Recording(WithNode):
    def test_a_transaction_is_recorded_once_it_is_proven(self):
        recorded = self.client.capture(self.signer, self.packing)
        self.assertEqual((recorded.height, recorded.index), (2, 0))
        self.assertEqual(recorded.time_ms, self.ledger.time_ms(2))
        self.assertEqual(self.client.transaction(recorded.id), recorded)
        self.assertIsNone(self.client.transaction(bytes(32)))
        body = ledger_pb2.Transaction.FromString(
            ledger_pb2.Envelope.FromString(self.ledger.blocks[1][1][0]).body
        )
        self.assertEqual((body.organisation, body.WhichOneof("action")), ("carrier", "capture_events"))

    def test_the_same_bytes_are_recorded_once(self):
        envelope = self.signer.capture(self.client.trust.chain_id, events(self.packing))
        self.assertEqual(self.client.submit(envelope), self.client.submit(envelope))
        self.assertEqual(len(self.ledger.blocks), 2)
        self.assertNotEqual(envelope, self.signer.capture(self.client.trust.chain_id, events(self.packing)))
        self.assertRaises(ValueError, self.client.submit, b"\xff")

    def test_a_node_that_goes_away_is_asked_again(self):
        self.node.down = 2
        self.assertEqual(self.client.capture(self.signer, self.packing).height, 2)

    def test_only_the_proof_counts(self):
        self.node.hides = 2
        self.assertEqual(self.client.capture(self.signer, self.packing).height, 2)
        self.node.hides = 1000
        self.assertRaises(Undecided, self.impatient.capture, self.signer, self.packing)

    def test_what_nobody_answers_is_undecided_and_can_be_sent_again(self):
        self.node.down = 1000
        with self.assertRaises(Undecided) as raised:
            self.impatient.capture(self.signer, self.packing)
        self.node.down = 0
        self.assertEqual(self.client.submit(raised.exception.envelope).height, 2)

    def test_a_refusal_has_its_code(self):
        self.node.refuses = node_pb2.Rejected(code=341, rule="event-id-once", message="no", event=0)
        with self.assertRaises(Rejected) as raised:
            self.client.capture(self.signer, self.packing)
        refusal = raised.exception
        self.assertEqual((refusal.code, refusal.rule, refusal.event), (341, "event-id-once", 0))
        self.node.refuses = node_pb2.Rejected(code=106, rule="pool-capacity", message="full")
        self.assertRaises(Undecided, self.impatient.capture, self.signer, self.packing)

    def test_steps_of_a_handover_are_signed(self):
        for handover, name in (
            (Offer("market", 1), "offer"),
            (Answer(bytes(32), "rejected"), "answer"),
            (Claim("found"), "claim"),
        ):
            height = self.client.capture(self.signer, self.packing, handover).height
            envelope = ledger_pb2.Envelope.FromString(self.ledger.blocks[height - 1][1][0])
            body = ledger_pb2.Transaction.FromString(envelope.body)
            self.assertEqual(body.capture_events.WhichOneof("handover"), name)
        self.assertRaises(ValueError, Answer(bytes(32), "perhaps").fields)

    def test_no_field_of_the_proof_can_be_bent(self):
        def flipped(data):
            return bytes([data[0] ^ 1]) + data[1:]

        def signature(proof):
            return proof.header.certificate.signatures[0]

        def of_another(proof):
            other = Signer("carrier", self.ledger.signers["carrier"].secret)
            self.ledger.block((other.capture(self.ledger.chain_id, [b"{}"]), lambda *_: None))
            proof.header.CopyFrom(self.node.certified(len(self.ledger.blocks)))
            proof.envelope = self.ledger.blocks[-1][1][0]

        bends = {
            "header": lambda p: setattr(p.header, "header", flipped(p.header.header)),
            "no header": lambda p: p.ClearField("header"),
            "height": lambda p: setattr(p.header.certificate, "height", 1),
            "round": lambda p: setattr(p.header.certificate, "round", 1),
            "block id": lambda p: setattr(p.header.certificate, "block_id", bytes(32)),
            "key": lambda p: setattr(signature(p), "public_key", flipped(signature(p).public_key)),
            "signature": lambda p: setattr(signature(p), "signature", flipped(signature(p).signature)),
            "too few": lambda p: p.header.certificate.signatures.pop(),
            "envelope": lambda p: setattr(p, "envelope", p.envelope[:-1] + flipped(p.envelope[-1:])),
            "index": lambda p: setattr(p, "index", 1),
            "siblings": lambda p: p.siblings.append(bytes(32)),
            "another": of_another,
            "unknown field": lambda p: p.header.MergeFromString(b"\x7a\x01x"),
        }
        for name, bend in bends.items():

            def bent(method, reply, bend=bend):
                if method == "GetTransaction" and reply.WhichOneof("status") == "committed":
                    bend(reply.committed.proof)

            self.node.bend = bent
            with self.subTest(name), self.assertRaises(NotVerified):
                Client(self.node.url, self.ledger.genesis).capture(self.signer, self.packing)

    def test_validators_are_followed(self):
        fresh = Client(self.node.url, self.ledger.genesis)
        self.ledger.block(hand_over=("maker", "market", "office"))
        self.assertEqual(self.client.capture(self.signer, self.packing).height, 3)
        self.assertEqual(self.client.trust.set_changed_at, 2)

        def other_set(method, reply):
            if method == "GetValidatorSetChanges" and reply.changes:
                reply.changes[0].next_validators.validators.pop()

        self.node.bend = other_set
        self.assertRaises(NotVerified, fresh.capture, self.signer, self.packing)


class Reading(WithNode):
    def test_records_are_proven_present_or_absent(self):
        value = self.client.record(b"organisation/carrier")
        self.assertEqual(ledger_pb2.Organisation.FromString(value).name, "Carrier")
        self.assertIsNone(self.client.record(b"organisation/nobody"))

    def test_no_field_of_a_record_can_be_bent(self):
        bends = {
            "value": lambda r: setattr(r, "value", r.value + b"\0"),
            "no value": lambda r: r.ClearField("value"),
            "sibling": lambda r: r.proof.siblings.append(bytes(32)),
            "other leaf": lambda r: r.proof.other_leaf.SetInParent(),
            "header": lambda r: r.header.CopyFrom(self.other.certified(1)),
        }
        other = SampleLedger("another")
        other.block()
        self.other = SampleNode(other)
        self.addCleanup(self.other.stop)
        for name, bend in bends.items():
            self.node.bend = lambda _, reply, bend=bend: bend(reply)
            with self.subTest(name), self.assertRaises(NotVerified):
                self.client.record(b"organisation/carrier")

    @AT_ONCE
    def test_an_older_state_is_refused(self):
        old = self.node.certified(1)
        paths, root = self.ledger.paths, self.ledger.root
        self.assertIsNotNone(self.client.record(b"parameters"))
        self.ledger.block()
        self.assertIsNotNone(self.client.record(b"parameters"))
        self.ledger.paths, self.ledger.root = paths, root
        self.node.bend = lambda _, reply: reply.header.CopyFrom(old)
        self.assertRaises(Behind, self.client.record, b"parameters")

    @AT_ONCE
    def test_an_answer_may_have_to_be_young(self):
        young = Client(self.node.url, self.ledger.genesis, max_age_s=60)
        self.assertGreater(time.time(), self.ledger.time_ms(1) / 1000 + 60)
        self.assertRaises(Behind, young.record, b"parameters")
        self.node.evidence = self.ledger.evidence([(1, 0)], [PALLET, UNIT], item=UNIT)
        self.assertRaises(Behind, young.item, UNIT)

    def test_two_blocks_of_a_height_are_a_contradiction(self):
        self.client.record(b"parameters")
        twin = SampleLedger()
        twin.block()
        other = SampleNode(twin)
        self.addCleanup(other.stop)
        request = node_pb2.GetRecordRequest(key=b"parameters")
        self.node.bend = lambda _, reply: reply.CopyFrom(other.GetRecord(request, None))
        with self.assertRaises(NotVerified) as raised:
            self.client.record(b"parameters")
        self.assertEqual(raised.exception.check, "contradiction")

    def test_a_node_that_is_not_there(self):
        self.node.stop()
        self.assertRaises(NoAnswer, self.client.record, b"parameters")

    def test_an_item_is_examined(self):
        self.node.evidence = self.ledger.evidence([(1, 0)], [PALLET, UNIT], item=UNIT)
        item = self.client.item("urn:epc:id:sgtin:9521321.000001.1")
        self.assertEqual([e.json()["parentID"] for e in item.events], [PALLET])
        self.assertEqual((item.events[0].organisation, item.height, item.inside), ("carrier", 1, (PALLET,)))
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "unit.evidence"
            item.save(path)
            self.assertEqual(path.read_bytes(), item.evidence)
            self.assertRaises(FileExistsError, item.save, path)

    def test_evidence_about_something_else_or_bent_is_refused(self):
        self.node.evidence = self.ledger.evidence([(1, 0)], [PALLET, UNIT], item=UNIT)
        with self.assertRaises(NotVerified) as raised:
            self.client.item(PALLET)
        self.assertEqual(raised.exception.check, "contradiction")
        self.node.evidence["states"][0]["value"] += b"\0"
        with self.assertRaises(NotVerified) as raised:
            self.client.item(UNIT)
        self.assertEqual(raised.exception.check, "state")
        self.assertRaises(ValueError, self.client.item, "a b")

    def test_another_chain_is_refused(self):
        stranger = Client(self.node.url, SampleLedger("another").genesis)
        self.assertRaises(NotVerified, stranger.record, b"parameters")
        self.assertRaises(ValueError, Client, self.node.url, b"{}")
        self.assertRaises(ValueError, Client, "127.0.0.1:1", self.ledger.genesis)


class Documents(unittest.TestCase):
    def test_an_event_stands_alone_with_its_documents_context(self):
        document = (
            '{"@context": ["a", {"x": "y:"}], "type": "EPCISDocument", "epcisBody": {"eventList": ['
            '{"type": "ObjectEvent", "x:n": [1.00, -2, 1e5, true, null, "\\u00e9"]},'
            ' {"@context": "own", "type": "ObjectEvent"}]}}'
        )
        self.assertEqual(
            [e.decode() for e in events(document)],
            [
                '{"@context":["a",{"x":"y:"}],"type":"ObjectEvent","x:n":[1.00,-2,1e5,true,null,"é"]}',
                '{"@context":["a",{"x":"y:"},"own"],"type":"ObjectEvent"}',
            ],
        )

    def test_a_bare_event_keeps_its_bytes(self):
        bare = b' { "type" : "ObjectEvent", "n": 1.0 } '
        self.assertEqual(events(b"\xef\xbb\xbf" + bare), [bare])
        self.assertEqual(events([bare, {"type": "ObjectEvent", "n": 1.5}]), [bare, b'{"type":"ObjectEvent","n":1.5}'])

    def test_a_query_document_is_a_document(self):
        list_ = {"eventList": [{"type": "ObjectEvent"}]}
        body = {"queryResults": {"resultsBody": list_}}
        found = events({"@context": "c", "type": "EPCISQueryDocument", "epcisBody": body})
        self.assertEqual(found, [b'{"@context":"c","type":"ObjectEvent"}'])

    def test_what_is_no_document_is_refused(self):
        for text in ("[1]", "7", '{"a": 1, "a": 2}', '{"a": NaN}', "{", '{"type": "EPCISDocument"}'):
            self.assertRaises(ValueError, events, text)


class Keys(unittest.TestCase):
    def test_keys_come_from_files(self):
        key = Ed25519PrivateKey.generate()
        with tempfile.TemporaryDirectory() as folder:
            for name, encryption, passphrase in (
                ("open.pem", NoEncryption(), None),
                ("closed.pem", BestAvailableEncryption(b"word"), "word"),
            ):
                path = pathlib.Path(folder) / name
                path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
                self.assertEqual(Signer("a", path, passphrase).public_key, Signer("a", key).public_key)


if __name__ == "__main__":
    unittest.main()
