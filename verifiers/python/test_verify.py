#!/usr/bin/env python3
"""Tests of the verifier: genuine files are verified, and no other.

The files in chain-core/tests/data/evidence are of a consortium of four organisations and five validators.
"""

import contextlib
import copy
import io
import json
import pathlib
import re
import struct
import subprocess
import sys
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import check_format  # noqa: E402
from check_schema import Mismatch, check_examination  # noqa: E402
from evidence import ARTICLES, FIRST, Examination  # noqa: E402
from genesis import read_genesis  # noqa: E402
from identifiers import canonical  # noqa: E402
from proofs import D, L, P, SMALL_ORDER, decodes_to_point, ed25519_holds, read_envelope, sha256  # noqa: E402
from sample_ledger import SampleLedger  # noqa: E402
from wire import MESSAGES, Refusal, decode, encode, read_tables, read_varint, varint  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "chain-core/tests/data/evidence"
GENESIS = (DATA / "genesis.json").read_bytes()
VERIFY = [sys.executable, str(pathlib.Path(__file__).resolve().parent / "verify.py")]


def bundle(name):
    """The bytes of a genuine file."""
    return (DATA / f"{name}.evidence").read_bytes()


def seal(payload):
    """A file around the bytes of an `Evidence`, with the checksum that fits."""
    data = FIRST + payload
    return data + sha256(data)


def examined(data):
    """The verdict and the element that failed, in one text."""
    verdict, rows = Examination(data, sha256(GENESIS)).examine()
    assert [row[0] for row in rows] == list(ARTICLES)
    return " ".join([verdict, *(element for element, _, result, _ in rows if result == "failed")])


def results(name):
    """The result of each element of a genuine file."""
    verdict, rows = Examination(bundle(name), trusted=sha256(GENESIS)).examine()
    return verdict, {element: result for element, _, result, _ in rows}


def read_proto(source):
    """The messages of a .proto file: {field number: (name, rule)}, rule one of "", "*", "|"."""
    messages = {}
    for name, body in re.findall(r"^message (\w+) \{\n(.*?)^\}", re.sub(r"//.*", "", source), re.M | re.S):
        fields, is_oneof = {}, False
        for line in body.splitlines():
            if re.match(r"\s*(oneof |\})", line):
                is_oneof = "oneof" in line
            found = re.match(r"\s*(repeated |optional )?[\w.]+ (\w+) = (\d+)", line)
            if found:
                label, field, number = found.groups()
                fields[int(number)] = (field, "|" if is_oneof else "*" if label == "repeated " else "")
        messages[name] = fields
    return messages


class Documents(unittest.TestCase):
    def test_the_messages_are_those_of_the_documents(self):
        ledger = read_tables((ROOT / "docs/format.md").read_text(encoding="utf-8"))
        file = read_tables((ROOT / "docs/evidence.md").read_text(encoding="utf-8"))
        # Both documents have a message of this name.
        file["EvidenceTransaction"] = file.pop("Transaction")
        file["Evidence"][9] = ("transactions", "EvidenceTransaction", "*")
        for name, fields in (ledger | file).items():
            self.assertEqual(MESSAGES.get(name), fields, name)

    def test_no_message_lies_in_more_than_a_hundred_others(self):
        def nested(depth):
            content = b"\x0a\x01a"
            for _ in range(depth):
                content = b"\x0a\x01a\x1a" + varint(len(content)) + content
            return content

        self.assertEqual(decode("MasterDataAttribute", nested(100))["id"], "a")
        for depth in (101, 5000):
            with self.assertRaises(Refusal):
                decode("MasterDataAttribute", nested(depth))

    def test_the_messages_are_those_of_the_proto_files(self):
        declared = {}
        for file in ("ledger", "node", "evidence"):
            source = (ROOT / f"proto/touchstone/{file}.proto").read_text(encoding="utf-8")
            for name, fields in read_proto(source).items():
                declared[f"Evidence{name}" if file == "evidence" and name == "Transaction" else name] = fields
        for name, fields in MESSAGES.items():
            found = {number: (field, rule) for number, (field, _, rule) in fields.items()}
            # Whether a message that is missing is allowed, the documents alone say.
            strict = {n: (field, rule if rule in "*|" else "") for n, (field, rule) in found.items()}
            self.assertEqual(strict, declared.get(name), name)

    def test_a_transaction_is_one_of_any_action(self):
        ledger = SampleLedger()
        declared = read_proto((ROOT / "proto/touchstone/ledger.proto").read_text(encoding="utf-8"))["Transaction"]
        actions = [field for field, rule in declared.values() if rule == "|"]
        self.assertGreater(len(actions), 20)
        for action in actions:
            body, _, _ = read_envelope(ledger.chain_id, ledger.envelope("carrier", **{action: {}})[0])
            self.assertIsNotNone(body[action], action)
        self.assertRaises(Refusal, read_envelope, ledger.chain_id, ledger.envelope("carrier")[0])

    def test_the_vectors_of_the_format(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            check_format.main()
        self.assertEqual(said.getvalue(), "63 checks of 180 vectors passed\n")

    def test_the_identifiers_are_those_of_the_document(self):
        document = (ROOT / "docs/format.md").read_text(encoding="utf-8")
        block = document.split("<!-- identifiers: begin -->\n```text\n")[1].split("```\n<!-- identifiers: end -->")[0]
        lines = [line.split(" = ") for line in block.splitlines()]
        self.assertGreater(len(lines), 40)
        self.assertRaises(Refusal, canonical, "x:" + "y" * 511)
        for written, expected in lines:
            if expected == "refused":
                self.assertRaises(Refusal, canonical, written)
            else:
                self.assertEqual(canonical(written), expected, written)
                self.assertEqual(canonical(expected), expected, written)


class Genuine(unittest.TestCase):
    def test_an_item_with_containers_is_verified(self):
        verdict, elements = results("item")
        self.assertEqual(verdict, "verified")
        self.assertEqual(elements["completeness"], "passed")

    def test_a_design_is_verified_with_its_opening(self):
        verdict, elements = results("design")
        self.assertEqual((verdict, elements["opening"]), ("verified", "passed"))

    def test_an_absence_is_verified(self):
        verdict, elements = results("absent")
        self.assertEqual((verdict, elements["opening"], elements["custody"]), ("verified", "not-given", "not-given"))

    def test_a_compromised_key_is_a_reservation(self):
        verdict, elements = results("compromised")
        self.assertEqual((verdict, elements["keys"]), ("verified-with-reservations", "reservation"))
        self.assertEqual(elements["opening"], "passed", "the disclosure opens it")

    def test_without_a_trusted_chain_the_genesis_is_a_reservation(self):
        verdict, rows = Examination(bundle("absent")).examine()
        self.assertEqual(verdict, "verified-with-reservations")
        self.assertEqual([row[0] for row in rows if row[2] == "reservation"], ["genesis"])

    def test_another_trusted_chain_is_refused(self):
        verdict, rows = Examination(bundle("absent"), trusted=bytes(32)).examine()
        self.assertEqual((verdict, rows[1][2]), ("not-verified", "failed"))

    def test_exhibits_are_judged_apart(self):
        lamp, other = sha256((DATA / "lamp.txt").read_bytes()), bytes(32)

        def judged(data, digest):
            examination = Examination(data, sha256(GENESIS))
            verdict, _ = examination.examine()
            return verdict, *examination.exhibit(digest)

        self.assertEqual(judged(bundle("design"), lamp), ("verified", "recorded", [{"file": 1}]))
        self.assertEqual(judged(bundle("design"), other), ("verified", "not-recorded", []))
        evidence = decode("Evidence", bundle("item")[len(FIRST) : -32])
        body = decode("Envelope", evidence["transactions"][2]["envelope"])["body"]
        event = sha256(decode("Transaction", body)["capture_events"]["events"][1])
        place = {"height": 3, "transaction": 0, "event": 1}
        self.assertEqual(judged(bundle("item"), event), ("verified", "recorded", [{"event": place}]))
        self.assertEqual(judged(bundle("item"), lamp), ("verified", "not-recorded", []))
        self.assertEqual(judged(bundle("absent"), lamp), ("verified", "not-recorded", []))
        closed = decode("Evidence", bundle("design")[len(FIRST) : -32]) | {"opening": None}
        self.assertEqual(judged(seal(encode("Evidence", closed)), lamp), ("verified", "not-compared", []))
        self.assertEqual(judged(b"", lamp), ("not-verified", "not-compared", []))


class Forged(unittest.TestCase):
    def every_byte(self, name, free=b""):
        """One bit of every byte of a file is changed, and the checksum made to fit: none may be believed."""
        payload = bundle(name)[len(FIRST) : -32]
        unproven = set()
        for words in free:
            at = payload.index(words)
            self.assertEqual(payload.count(words), 1)
            unproven |= set(range(at, at + len(words)))
        for at in range(len(payload)):
            forged = bytearray(payload)
            forged[at] ^= 1 << at % 8
            if at not in unproven:
                self.assertTrue(examined(seal(bytes(forged))).startswith("not-verified "), f"{name}: byte {at}")

    def test_every_byte_of_an_absence_counts(self):
        self.every_byte("absent")

    def test_every_byte_of_a_design_counts_but_the_holders_words(self):
        self.every_byte("design", [b"lamp.txt", b"lamp2.txt", b"Lamp"])

    def test_the_checksum_covers_every_byte(self):
        whole = bundle("absent")
        for at in range(len(whole)):
            forged = bytearray(whole)
            forged[at] ^= 1 << at % 8
            self.assertEqual(examined(bytes(forged)), "not-verified file")

    def test_every_end_is_refused(self):
        payload = bundle("absent")[len(FIRST) : -32]
        for end in range(len(payload)):
            self.assertTrue(examined(seal(payload[:end])).startswith("not-verified "))
        for end in range(0, 80):
            self.assertEqual(examined(bundle("absent")[:end]), "not-verified file")

    def test_the_first_bytes_and_the_size(self):
        payload = bundle("absent")[len(FIRST) : -32]
        data = FIRST.replace(b"v2", b"v3") + payload
        self.assertEqual(examined(data + sha256(data)), "not-verified file")
        with unittest.mock.patch("evidence.LARGEST", len(bundle("absent")) - 1):
            self.assertEqual(examined(bundle("absent")), "not-verified file")

    def forged(self, name, change):
        """The examination of a file after a change to its message."""
        evidence = decode("Evidence", bundle(name)[len(FIRST) : -32])
        change(evidence)
        return examined(seal(encode("Evidence", evidence)))

    def test_what_is_left_out_or_added_is_noticed(self):
        other = decode("Evidence", bundle("design")[len(FIRST) : -32])
        absence = decode("Evidence", bundle("absent")[len(FIRST) : -32])
        self.assertEqual(other["anchor"]["header"], absence["anchor"]["header"])
        swapped = {**other["anchor"], "certificate": other["blocks"][0]["certificate"]}

        def set_at(field, value):
            return lambda e: e.__setitem__(field, value)

        def drop(field, at=0):
            return lambda e: e[field].pop(at)

        def repeat(field):
            return lambda e: e[field].insert(0, copy.deepcopy(e[field][0]))

        def without_state(key):
            return lambda e: e.update(states=[state for state in e["states"] if state["key"] != key])

        def in_file(change):
            return lambda e: change(e["transactions"][0])

        def extra_state(e):
            e["states"] = sorted(e["states"] + [absence["states"][0]], key=lambda state: state["key"])

        cases = [
            ("item", "genesis", set_at("genesis", b"{}")),
            ("item", "validators", repeat("validator_set_changes")),
            ("item", "validators", lambda e: e["validator_set_changes"][0]["next_validators"].update(first_height=1)),
            ("item", "anchor", drop("validator_set_changes")),
            ("item", "anchor", set_at("anchor", None)),
            ("item", "anchor", lambda e: e["anchor"]["certificate"]["signatures"].reverse()),
            ("item", "anchor", lambda e: e["anchor"]["certificate"].update(signatures=[])),
            ("item", "anchor", lambda e: e["anchor"]["certificate"].update(round=9)),
            ("item", "state", lambda e: e["states"].reverse()),
            ("item", "state", lambda e: e["states"][0].update(value=None)),
            ("item", "blocks", drop("states")),
            ("item", "blocks", lambda e: e["blocks"].reverse()),
            ("item", "transactions", drop("blocks")),
            ("item", "transactions", drop("transactions")),
            ("item", "transactions", repeat("transactions")),
            ("item", "transactions", in_file(lambda t: t.update(index=1))),
            ("item", "transactions", in_file(lambda t: t["siblings"].append(bytes(32)))),
            ("item", "completeness", lambda e: (drop("transactions")(e), drop("blocks")(e), drop("states")(e))),
            ("item", "completeness", drop("links")),
            ("item", "completeness", lambda e: e["links"].reverse()),
            ("item", "completeness", lambda e: e["links"][0]["entries"].pop()),
            ("item", "completeness", lambda e: e["links"][-1]["entries"].reverse()),
            ("item", "completeness", set_at("item", "https://id.gs1.org/00/095210040000001018")),
            ("item", "completeness", lambda e: e.update(item=None, design=bytes(32))),
            ("item", "keys", without_state(b"organisation/carrier")),
            ("item", "time", without_state(b"parameters")),
            ("item", "independence", without_state(b"organisation/market")),
            ("item", "opening", set_at("opening", other["opening"])),
            ("absent", "completeness", set_at("item", "https://id.gs1.org/01/09521001000017/21/never")),
            ("absent", "completeness", set_at("links", [])),
            ("absent", "completeness", lambda e: e.update(item=None)),
            ("design", "state", extra_state),
            ("design", "anchor", set_at("anchor", {**other["anchor"], "certificate": None})),
            ("design", "completeness", lambda e: e.update(blocks=[], transactions=[])),
            ("design", "completeness", lambda e: e.update(links=absence["links"])),
            ("design", "opening", lambda e: e["opening"]["files"].reverse()),
            ("design", "opening", lambda e: e["opening"].update(salt=bytes(32))),
            ("design", "opening", lambda e: e["opening"].update(files=[])),
        ]
        for name, element, change in cases:
            with self.subTest(file=name, element=element):
                self.assertEqual(self.forged(name, change), f"not-verified {element}")
        self.assertEqual(self.forged("design", set_at("anchor", swapped)), "verified", "certificates are of one block")
        self.assertEqual(self.forged("design", set_at("opening", None)), "verified", "the holder may keep it closed")

    def test_an_absence_in_another_spelling_is_refused(self):
        for spelling in ("https://ID.gs1.org/01/09521001000017/21/NEVER", "urn:epc:id:sgtin:9521001.000001.NEVER"):
            evidence = decode("Evidence", bundle("absent")[len(FIRST) : -32])
            evidence["item"] = evidence["links"][0]["item"] = spelling
            self.assertEqual(examined(seal(encode("Evidence", evidence))), "not-verified completeness")


class Wire(unittest.TestCase):
    def test_one_encoding_is_accepted(self):
        good = bytes.fromhex("080110011a0101")
        self.assertEqual(decode("Proposal", good)["block_id"], b"\1")
        for bad in (
            "100108011a0101",  # out of order
            "0801080110011a0101",  # twice
            "08011000",  # a default
            "08011a00",  # empty bytes
            "088100",  # not the least varint
            "08ffffffffffffffffff7f",  # beyond uint64
            "1080808080101a0101",  # beyond uint32
            "0880",  # ends
            "1a0201",  # ends
            "2801",  # unknown field
            "0a0101",  # wrong wire type
            "0c0801",  # a group
        ):
            self.assertRaises(Refusal, decode, "Proposal", bytes.fromhex(bad))
        self.assertEqual(decode("Proposal", bytes.fromhex("2000"))["valid_round"], 0)
        self.assertIsNone(decode("Proposal", b"")["valid_round"])

    def test_texts_choices_and_enums(self):
        self.assertRaises(Refusal, decode, "Peer", b"\x12\x02\xc0\x80")
        self.assertEqual(decode("Peer", b"\x12\x00\x12\x00")["addresses"], ["", ""])
        self.assertRaises(Refusal, decode, "Evidence", b"\x22\x01a\x2a\x01b")
        self.assertEqual(decode("Evidence", b"\x22\x00")["item"], "")
        self.assertEqual(decode("Organisation", b"\x1a\x02\x01\x02")["roles"], [1, 2])
        for bad in (b"\x1a\x00", b"\x18\x01", b"\x1a\x01\x01\x1a\x01\x02", b"\x1a\x05\xff\xff\xff\xff\x0f"):
            self.assertRaises(Refusal, decode, "Organisation", bad)

    def test_varints_end(self):
        self.assertRaises(Refusal, read_varint, b"\x80" * 11 + b"\1", 0)
        self.assertRaises(Refusal, read_varint, b"\xff" * 9 + b"\2", 0)
        self.assertEqual(read_varint(b"\xff" * 9 + b"\1", 0), (2**64 - 1, 10))


class Signatures(unittest.TestCase):
    def test_public_vectors(self):
        file = json.loads((ROOT / "tests/data/ed25519/ed25519_test.json").read_text())
        seen = 0
        for group in file["testGroups"]:
            key = bytes.fromhex(group["publicKey"]["pk"])
            for test in group["tests"]:
                holds = ed25519_holds(key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
                self.assertEqual(holds, test["result"] == "valid", test["tcId"])
                seen += 1
        self.assertEqual(seen, file["numberOfTests"])

    def test_edge_cases_on_which_verifiers_disagree(self):
        cases = json.loads((ROOT / "tests/data/ed25519/speccheck_cases.json").read_text())
        hold = [
            number
            for number, case in enumerate(cases)
            if ed25519_holds(*(bytes.fromhex(case[part]) for part in ("pub_key", "message", "signature")))
        ]
        self.assertEqual(hold, [3], "of mixed order, and it holds without the cofactor")

    def test_points_have_one_encoding(self):
        for y in range(P, 2**255):
            for sign in (0, 1 << 255):
                self.assertFalse(decodes_to_point((y | sign).to_bytes(32, "little")))
        for y in (1, P - 1):
            self.assertTrue(decodes_to_point(y.to_bytes(32, "little")))
            self.assertFalse(decodes_to_point((y | 1 << 255).to_bytes(32, "little")), "there is no negative zero")

    def test_points_of_small_order(self):
        def add(a, b):
            k = D * a[0] * b[0] * a[1] * b[1] % P
            x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, P)
            y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P)
            return x % P, y % P

        for y in SMALL_ORDER:
            square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
            x = pow(square, (P + 3) // 8, P)
            if (x * x - square) % P:
                x = x * pow(2, (P - 1) // 4, P) % P
            self.assertEqual((x * x - square) % P, 0)
            point = (x, y)
            for _ in range(3):
                point = add(point, point)
            self.assertEqual(point, (0, 1))
        self.assertEqual(len(SMALL_ORDER), 5)
        self.assertEqual(L.bit_length(), 253)


class Genesis(unittest.TestCase):
    def test_the_form_of_the_document(self):
        self.assertEqual(len(read_genesis(GENESIS)["validators"]), 4)

        def refused(change):
            document = json.loads(GENESIS)
            change(document, document["organisations"][0], document["organisations"][0]["nodes"][0])
            self.assertRaises(Refusal, read_genesis, json.dumps(document).encode())

        refused(lambda d, o, n: d.update(format="touchstone/genesis/v2"))
        refused(lambda d, o, n: d.update(chain="x" * 65))
        refused(lambda d, o, n: d.update(more=1))
        refused(lambda d, o, n: d.pop("time_ms"))
        refused(lambda d, o, n: d.update(time_ms=1.0))
        refused(lambda d, o, n: d.update(time_ms=True))
        refused(lambda d, o, n: d.update(organisations=[]))
        refused(lambda d, o, n: d["parameters"].update(precision_ms=0))
        refused(lambda d, o, n: d["parameters"].update(max_block_bytes=1024))
        for wrong in (0, 59_999, 31_622_400_001, "60000"):
            refused(lambda d, o, n: d["parameters"].update(transaction_lifetime_ms=wrong))
        for right in (None, 60_000, 31_622_400_000):
            document = json.loads(GENESIS)
            document["parameters"]["transaction_lifetime_ms"] = right
            self.assertEqual(len(read_genesis(json.dumps(document).encode())["validators"]), 4)
        refused(lambda d, o, n: o.update(id="Upper"))
        refused(lambda d, o, n: o.update(id=d["organisations"][1]["id"]))
        refused(lambda d, o, n: o.update(name="a\x85b"))
        refused(lambda d, o, n: o.update(name="\ud800"))
        refused(lambda d, o, n: o.update(roles=[]))
        refused(lambda d, o, n: o.update(roles=["court", "court"]))
        refused(lambda d, o, n: o.update(keys=[]))
        refused(lambda d, o, n: o.update(keys=d["organisations"][1]["keys"]))
        refused(lambda d, o, n: o.update(keys=["01" + "00" * 31]))
        refused(lambda d, o, n: o.update(keys=["02" + "00" * 31]))
        refused(lambda d, o, n: o.update(keys=[o["keys"][0].upper()]))
        refused(lambda d, o, n: o.update(gs1_prefixes=["952"]))
        refused(lambda d, o, n: o.update(gs1_prefixes=d["organisations"][2]["gs1_prefixes"]))
        refused(lambda d, o, n: o.update(gs1_prefixes=["95213"]))
        refused(lambda d, o, n: o.update(gs1_prefixes=["95213210"]))
        refused(lambda d, o, n: o.update(nodes=[n, n]))
        refused(lambda d, o, n: n.update(addresses=["x" * 257]))
        refused(lambda d, o, n: n.update(power=0))
        refused(lambda d, o, n: n.update(power=2**48))
        for wrong in (None, 5, "x", [], {}):
            refused(lambda d, o, n: d.update(organisations=wrong))
            refused(lambda d, o, n: d.update(organisations=[wrong]))
            refused(lambda d, o, n: d.update(parameters=wrong))
            refused(lambda d, o, n: o.update(keys=[wrong]))
            refused(lambda d, o, n: o.update(roles=[wrong]))
            if wrong != "x":
                refused(lambda d, o, n: n.update(addresses=[wrong]))
            if wrong != []:
                refused(lambda d, o, n: o.update(nodes=wrong))
                refused(lambda d, o, n: o.update(gs1_prefixes=wrong))
            if wrong is not None:
                refused(lambda d, o, n: n.update(validator_key=wrong))
            if wrong not in (None, 5):
                refused(lambda d, o, n: n.update(power=wrong))
            if wrong != "x":
                refused(lambda d, o, n: d.update(chain=wrong))
                refused(lambda d, o, n: o.update(name=wrong))
                refused(lambda d, o, n: o.update(id=wrong))
        refused(lambda d, o, n: o.update(roles=["unspecified"]))
        time = str(json.loads(GENESIS)["time_ms"]).encode()
        negative = GENESIS.replace(time, b"-0")
        self.assertNotEqual(read_genesis(GENESIS.replace(time, b"0")), None)
        for text in (GENESIS + b"x", b"\xef\xbb\xbf" + GENESIS, b"[" * 100_000, b"", b"[]", negative):
            self.assertRaises(Refusal, read_genesis, text)
        doubled = GENESIS.replace(b'"chain":', b'"chain": "demo", "chain":')
        self.assertRaises(Refusal, read_genesis, doubled)
        self.assertRaises(Refusal, read_genesis, GENESIS.replace(b'"time_ms": ', b'"time_ms": -'))


class Command(unittest.TestCase):
    def run_it(self, *arguments, data=None):
        return subprocess.run([*VERIFY, *map(str, arguments)], input=data, capture_output=True, timeout=60)

    def test_exit_codes(self):
        trusted = ["--genesis", DATA / "genesis.json"]
        self.assertEqual(self.run_it(DATA / "item.evidence", *trusted).returncode, 0)
        self.assertEqual(self.run_it(DATA / "item.evidence").returncode, 6)
        self.assertEqual(self.run_it(DATA / "design.evidence", DATA / "lamp.txt", *trusted).returncode, 0)
        self.assertEqual(self.run_it(DATA / "design.evidence", *trusted, __file__).returncode, 7)
        self.assertEqual(self.run_it(DATA / "compromised.evidence", __file__, *trusted).returncode, 7)
        self.assertEqual(self.run_it(__file__, DATA / "lamp.txt").returncode, 3)
        self.assertEqual(self.run_it(DATA / "no such file").returncode, 1)

    def test_one_json_value_whatever_the_exit_code(self):
        genesis, item, root = DATA / "genesis.json", DATA / "item.evidence", DATA / "stamped-root.der"
        cases = [
            (0, "verified", item, "--genesis", genesis),
            (6, "verified-with-reservations", item),
            (7, "verified", item, DATA / "lamp.txt", "--genesis", genesis),
            (3, "not-verified", genesis),
            (0, "verified", DATA / "stamped.evidence", "--genesis", genesis, "--tsa-roots", root),
            (1, None, DATA / "no such file"),
            (1, None, item, "--genesis", item),
            (1, None, item, "--tsa-roots", genesis),
            (1, None, item, "--unknown"),
            (1, None),
        ]
        for code, verdict, *arguments in cases:
            with self.subTest(arguments=arguments):
                ran = self.run_it(*arguments, "--json")
                (answer,) = map(json.loads, ran.stdout.splitlines())
                check_examination(answer)
                self.assertEqual((ran.returncode, answer["exit_code"]), (code, code))
                self.assertEqual(answer.get("verdict"), verdict)
                if verdict is None:
                    self.assertEqual(set(answer), {"error", "message", "exit_code"})
                else:
                    self.assertEqual([row["element"] for row in answer["checks"]], list(ARTICLES))
                    self.assertEqual(answer["facts"] is None, verdict == "not-verified")

    def test_the_schema_refuses(self):
        answer = json.loads(self.run_it(DATA / "item.evidence", "--json").stdout)
        for change in (
            lambda a: a.pop("facts"),
            lambda a: a.update(more=1),
            lambda a: a["facts"].update(more=1),
            lambda a: a["facts"]["custody"].update(basis="hearsay"),
            lambda a: a["facts"]["history"]["events"][0].update(height=-1),
            lambda a: a["facts"]["history"]["events"][0].update(content_hash="AB"),
            lambda a: a["checks"].pop(),
            lambda a: a.update(verdict="maybe"),
            lambda a: a["facts"]["validators"][0].update(signed=1),
        ):
            changed = copy.deepcopy(answer)
            change(changed)
            self.assertRaises(Mismatch, check_examination, changed)

    def test_what_is_wrong_is_said(self):
        for arguments, words in [
            ([DATA / "genesis.json"], "it is JSON: a genesis document"),
            ([DATA / "lamp.txt"], "isn't an evidence file"),
            ([DATA / "item.evidence", "--genesis", DATA / "lamp.txt"], "(--genesis) isn't a genesis document"),
            ([DATA / "item.evidence", "--tsa-roots", DATA / "lamp.txt"], "neither in PEM nor one in DER"),
        ]:
            ran = self.run_it(*arguments)
            self.assertIn(words, (ran.stdout + ran.stderr).decode())

    def test_a_missing_package_is_named(self):
        code = "import sys; sys.modules['cryptography'] = None; sys.argv = ['verify.py', 'x', '--json']; import verify"
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=VERIFY[1].rsplit("/", 1)[0])
        self.assertEqual(ran.returncode, 1)
        self.assertIn("'cryptography' is missing: pip install", json.loads(ran.stdout)["message"])

    def test_batch(self):
        files = [bundle("absent"), b"", bundle("compromised"), bundle("absent")[:-1]]
        stream = b"".join(struct.pack(">I", len(data)) + data for data in files)
        answer = self.run_it("--batch", "--genesis", DATA / "genesis.json", data=stream)
        lines = ["verified", "not verified file", "verified with reservations", "not verified file"]
        self.assertEqual((answer.stdout.decode().splitlines(), answer.returncode), (lines, 0))
        self.assertNotEqual(self.run_it("--batch", data=stream[:-1]).returncode, 0)
        self.assertNotEqual(self.run_it("--batch", data=b"\0\0").returncode, 0)


if __name__ == "__main__":
    unittest.main()
