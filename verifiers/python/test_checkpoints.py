#!/usr/bin/env python3
"""Tests of the time stamps of evidence files: their checkpoints, tokens of the `openssl` command, and verify.py.

Needs `openssl` 3 besides.
"""

import base64
import datetime
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from evidence import FIRST, Examination  # noqa: E402
from proofs import sha256  # noqa: E402
from sample_authority import Authority, checkpoint, der, integer, sequence, with_stamps  # noqa: E402
from sample_ledger import START_MS, SampleLedger, event, seal  # noqa: E402
from timestamps import Token  # noqa: E402
from verify import utc  # noqa: E402
from wire import Refusal, encode  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "chain-core/tests/data/evidence"
SAMPLE = Authority()
VERIFY = [sys.executable, str(pathlib.Path(__file__).resolve().parent / "verify.py")]


def thing(name):
    """An identifier."""
    return f"https://id.gs1.org/01/09521321000018/21/{name}"


def sample_ledger():
    """A ledger with an event for item `i` in each of five blocks, and a last block."""
    ledger = SampleLedger()
    for height in range(1, 6):
        ledger.block(ledger.capture("carrier", event("OBSERVE", thing("i"), [thing("x")], number=height)))
    ledger.block()
    return ledger


LEDGER = sample_ledger()
PLAIN = LEDGER.evidence([(height, 0) for height in range(1, 6)], [thing("i")], item=thing("i"))
END_OF_TIME = sequence(der("UTCTime", b"200101000000Z"), der("GeneralizedTime", b"99991231235959Z"))
URL, OTHER_URL = "https://tsa.example/", "https://other.example/"


def stamp_by(authority, own=2, **content):
    """What makes a token of a document, with so many certificates of its own."""
    every = authority.certificates()

    def stamp(document):
        imprint = sha256(document)
        return authority.token(imprint, every[:own], content=authority.content(imprint, **content)), every[own:]

    return stamp


def made(first, last, heights=None, url=URL, authority=SAMPLE, ledger=LEDGER, **content):
    """A checkpoint for `with_stamps`."""
    message, paths = checkpoint(ledger, first, last, url, stamp_by(authority, **content))
    return message, paths, range(first, last + 1) if heights is None else heights


def seen(evidence, roots=(SAMPLE.root.whole,)):
    """The verdict, and the elements that failed or aren't sure, in one text; and the reason of time-stamps."""
    verdict, rows = Examination(seal(evidence), trusted=sha256(evidence["genesis"]), roots=roots).examine()
    (reason,) = (row[3] for row in rows if row[0] == "time-stamps")
    return " ".join([verdict, *(row[0] for row in rows if row[2] in ("failed", "reservation"))]), reason


class Files(unittest.TestCase):
    """The rules of "Time stamps"."""

    def refused(self, words, evidence):
        """The element fails for a reason that contains these words."""
        verdict, reason = seen(evidence)
        self.assertEqual(verdict, "not-verified time-stamps", reason)
        self.assertIn(words, reason)

    def test_stamped_blocks(self):
        self.assertEqual(seen(PLAIN), ("verified", "there is chain time only"))
        for first, last in ((1, 1), (1, 5), (2, 4), (3, 6), (1, 6)):
            evidence = with_stamps(PLAIN, made(first, last, range(first, min(last, 5) + 1)))
            self.assertEqual(seen(evidence)[0], "verified", (first, last))
        three = [made(1, 3, [1, 3]), made(2, 5, [2, 4], OTHER_URL), made(2, 5, [4, 5])]
        self.assertEqual(seen(with_stamps(PLAIN, *three)), ("verified", "3 tokens stamp 5 of 5 blocks"))
        three[2] = made(2, 5, [3, 4])
        self.refused("an authority stamps a block twice", with_stamps(PLAIN, *three))

    def test_the_anchor_may_be_among_the_blocks(self):
        ledger = SampleLedger()
        ledger.block(ledger.capture("carrier", event("OBSERVE", thing("i"))))
        evidence = ledger.evidence([(1, 0)], [thing("i")], item=thing("i"))
        self.assertEqual(seen(with_stamps(evidence, made(1, 1, ledger=ledger)))[0], "verified")

    def test_order_and_indices(self):
        one, two = made(1, 3, [1, 3]), made(2, 5, [2, 4])
        good = with_stamps(PLAIN, one, two)
        self.assertEqual(seen(good)[0], "verified")
        stamps = good["stamps"]
        self.refused("checkpoints don't ascend", with_stamps(PLAIN, two, one))
        self.refused("checkpoints don't ascend", with_stamps(PLAIN, one, one))
        self.refused("stamps don't ascend", good | {"stamps": stamps[::-1]})
        self.refused("stamps don't ascend", good | {"stamps": stamps[:1] + stamps})
        self.refused("stamps don't ascend", good | {"stamps": [stamps[1], stamps[0], *stamps[2:]]})
        self.refused("of every checkpoint", good | {"stamps": stamps[:2]})
        self.refused("of every checkpoint", good | {"stamps": []})
        self.refused("of every checkpoint", good | {"checkpoints": good["checkpoints"][:1]})
        self.refused("of every checkpoint", PLAIN | {"stamps": stamps})
        self.assertEqual(seen(good | {"stamps": stamps[:3]})[0], "verified", "stamps may be left out")
        # By first, last, authority and token: numbers as numbers, texts and bytes byte by byte.
        ascending = [
            made(1, 2, [1]),
            made(1, 4, [2], "https://a.example/"),
            made(1, 4, [3], "https://\uffff.example/"),
            made(1, 4, [2], "https://\U00010000.example/"),
            made(3, 4, [4]),
        ]
        self.assertEqual(seen(with_stamps(PLAIN, *ascending))[0], "verified")
        for i in range(4):
            swapped = ascending[:i] + [ascending[i + 1], ascending[i]] + ascending[i + 2 :]
            self.refused("checkpoints don't ascend", with_stamps(PLAIN, *swapped))
        same = sorted((made(1, 5, [n], serial=integer(n)) for n in (1, 2)), key=lambda m: m[0]["token"])
        self.assertEqual(seen(with_stamps(PLAIN, *same))[0], "verified")
        self.refused("checkpoints don't ascend", with_stamps(PLAIN, *same[::-1]))

    def test_the_form_of_checkpoints(self):
        good = with_stamps(PLAIN, made(2, 4))

        def changed(**fields):
            return good | {"checkpoints": [good["checkpoints"][0] | fields]}

        for words, fields in (
            ("aren't a range", {"first": 0}),
            ("aren't a range", {"first": 5}),
            ("aren't a range", {"last": 2 + 1_048_576}),
            ("too few siblings", {"last": 1 + 1_048_576}),
            ("1 to 512", {"authority": ""}),
            ("1 to 512", {"authority": "x" * 513}),
            ("control", {"authority": URL + "\x85"}),
            ("another imprint", {"authority": URL + "x"}),
            ("no SEQUENCE", {"token": b""}),
            ("no next certificate", {"certificates": []}),
            ("outside its checkpoint", {"first": 3}),
            ("too many siblings", {"last": 3}),
        ):
            self.refused(words, changed(**fields))
        for url in ("x", "x" * 512, "\u00e9" * 256, "\u202e"):
            self.assertEqual(seen(with_stamps(PLAIN, made(2, 4, url=url)))[0], "verified")
        self.refused("1 to 512", with_stamps(PLAIN, made(2, 4, url="\u00e9" * 257)))

    def test_stamps_and_paths(self):
        good = with_stamps(PLAIN, made(1, 5, [2, 3, 4]))

        def changed(at, **fields):
            stamps = good["stamps"]
            return good | {"stamps": stamps[:at] + [stamps[at] | fields] + stamps[at + 1 :]}

        siblings = good["stamps"][0]["siblings"]
        self.assertEqual(len(siblings), 2)
        self.refused("different roots", changed(0, siblings=siblings[::-1]))
        self.refused("different roots", changed(0, siblings=[bytes(32), siblings[1]]))
        self.refused("too few", changed(0, siblings=siblings[:1]))
        self.refused("too many", changed(0, siblings=siblings + [bytes(32)]))
        self.refused("32 bytes", changed(0, siblings=[siblings[0] + b"x", siblings[1]]))
        one = with_stamps(PLAIN, made(1, 5, [2]))
        one["stamps"][0] |= {"siblings": siblings[::-1]}
        self.refused("another imprint", one)
        fewer = LEDGER.evidence([(height, 0) for height in (1, 2, 3, 4, 5)], [thing("i")], item=thing("i"))
        self.refused("no block of the file", with_stamps(fewer, made(1, 6, [6])))
        # What isn't the block's own: its id, its validators, its height, the chain.
        other = SampleLedger("other chain")
        for _ in range(5):
            other.block()
        self.refused("another imprint", with_stamps(PLAIN, made(1, 5, [2], ledger=other)))
        voters = unittest.mock.patch("sample_authority.decode", lambda *_: {"validators_hash": bytes(32)})
        with voters:
            wrong = with_stamps(PLAIN, made(1, 5, [2]))
        self.refused("another imprint", wrong)

    def test_whom_to_trust(self):
        stranger = Authority("stranger")
        reserved = "verified-with-reservations time-stamps"
        by_one = with_stamps(PLAIN, made(1, 5))
        verdict, reason = seen(by_one, roots=())
        self.assertEqual(verdict, reserved)
        self.assertIn(sha256(SAMPLE.root.whole).hex(), reason)
        self.assertEqual(seen(by_one, roots=[stranger.root.whole])[0], reserved)
        self.assertEqual(seen(by_one, roots=[SAMPLE.middle.whole])[0], reserved)
        self.assertEqual(seen(by_one, roots=[stranger.root.whole, SAMPLE.root.whole])[0], "verified")
        both = with_stamps(PLAIN, made(1, 5, url=OTHER_URL, authority=stranger), made(1, 5))
        self.assertEqual(seen(both)[0], "verified", "one trusted token is enough")
        self.assertEqual(seen(both, roots=())[0], reserved)
        partly = with_stamps(PLAIN, made(1, 5, url=OTHER_URL, authority=stranger), made(1, 5, [1, 2, 4]))
        verdict, reason = seen(partly)
        self.assertEqual(verdict, reserved)
        self.assertIn("the blocks 3, 5:", reason)
        self.assertNotIn(sha256(SAMPLE.root.whole).hex(), reason)

    def test_a_token_from_before_the_block(self):
        # Block 3 is of START_MS + 3000; the error of block times is 4500 ms.
        def token_at(milliseconds, **content):
            at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=START_MS + milliseconds)
            text = at.strftime("%Y%m%d%H%M%S.%f").rstrip("0").rstrip(".") + "Z"
            moment = der("GeneralizedTime", text.encode())
            return with_stamps(PLAIN, made(1, 5, [2, 3], moment=moment, **content))

        before = "verified-with-reservations time-stamps"
        self.assertEqual(seen(token_at(-1500))[0], "verified")
        self.assertEqual(seen(token_at(-1501))[0], before)
        self.assertIn("stamped block 3 at a time before", seen(token_at(-1501))[1])
        self.assertNotIn("block 2", seen(token_at(-1501))[1])
        self.assertIn("block 2", seen(token_at(-2501))[1])
        self.assertEqual(seen(token_at(-2501, accuracy=sequence(integer(1))))[0], before)
        self.assertEqual(seen(token_at(-2500, accuracy=sequence(integer(1))))[0], "verified")
        untrusted = seen(token_at(-1501), roots=())
        self.assertEqual(untrusted[0], before)
        self.assertTrue("compare" in untrusted[1] and "before" in untrusted[1])

    def test_nothing_is_reported_of_a_file_that_fails(self):
        evidence = with_stamps(PLAIN, made(1, 5))
        examination = Examination(seal(evidence), trusted=sha256(evidence["genesis"]))
        examination.examine()
        self.assertEqual(len(examination.stamped), 1)
        opened = evidence | {"opening": {"salt": bytes(32), "files": [], "title": ""}}
        examination = Examination(seal(opened), sha256(evidence["genesis"]))
        self.assertEqual((examination.examine()[0], examination.stamped), ("not-verified", []))

    def test_every_byte_counts(self):
        evidence = with_stamps(PLAIN, made(2, 4, [3]))
        payload = encode("Evidence", evidence)
        plain = encode("Evidence", PLAIN)
        self.assertTrue(payload.startswith(plain))
        self.assertEqual(seen(evidence)[0], "verified")
        for at in range(len(plain), len(payload)):
            data = FIRST + payload[:at] + bytes([payload[at] ^ 1 << at % 8]) + payload[at + 1 :]
            verdict, _ = Examination(data + sha256(data), trusted=sha256(PLAIN["genesis"])).examine()
            self.assertEqual(verdict, "not-verified", f"byte {at - len(plain)}")


CONFIGURATION = """
[tsa]
default_tsa = tsa_here
[tsa_here]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = {precision}
ordering = no
tsa_name = {named}
ess_cert_id_chain = {chain}
ess_cert_id_alg = {essential}
"""
EXTENSIONS = """
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[signer]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[req]
distinguished_name = name
[name]
"""
RSA_KEY = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
P256, P384 = (["-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:P-{n}"] for n in (256, 384))


class OpenSsl:
    """An authority made by the `openssl` command in a folder."""

    def __init__(self, folder, kind, intermediate=True, digest="sha256", named="no", chain="no", essential="sha256"):
        self.folder, self.digest = pathlib.Path(folder), digest
        (self.folder / "serial").write_text("01\n")
        (self.folder / "extensions").write_text(EXTENSIONS)
        fields = {"folder": folder, "named": named, "chain": chain, "essential": essential}
        fields["precision"] = 3 if named == "yes" else 0
        (self.folder / "configuration").write_text(CONFIGURATION.format(**fields))
        names = ["root", "middle", "signer"] if intermediate else ["root", "signer"]
        for above, one in zip([None, *names], names):
            self.run("genpkey", *kind, "-out", f"{one}.key")
            key, subject = f"{one}.key", f"/CN={one}/O=O"
            self.run("req", "-new", "-config", "extensions", "-key", key, "-subj", subject, "-out", "r")
            signed_by = ["-CA", f"{above}.pem", "-CAkey", f"{above}.key"] if above else ["-signkey", f"{one}.key"]
            section = "signer" if one == "signer" else "ca"
            more = ["-days", "3650", f"-{digest}", "-extfile", "extensions", "-extensions", section]
            more += ["-set_serial", str(names.index(one) + 5)]
            self.run("x509", "-req", "-in", "r", *signed_by, *more, "-out", f"{one}.pem")
            self.run("x509", "-in", f"{one}.pem", "-outform", "DER", "-out", f"{one}.der")
        self.names = names

    def run(self, *arguments):
        """Runs `openssl` in the folder."""
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr.decode()

    def certificates(self):
        """The certificates in DER, the root first."""
        return [(self.folder / f"{one}.der").read_bytes() for one in self.names]

    def stamp(self, held=1):
        """What makes a token, which holds so many certificates of the chain."""

        def stamp(document):
            (self.folder / "document").write_bytes(document)
            own = ["-cert"] if held else []
            self.run("ts", "-query", "-data", "document", "-sha256", *own, "-out", "query")
            upper = b"".join((self.folder / f"{one}.pem").read_bytes() for one in self.names[:-1][::-1][: held - 1])
            (self.folder / "upper").write_bytes(upper)
            more = ["-chain", "upper"] if held > 1 else []
            reply = ["ts", "-reply", "-config", "configuration", "-queryfile", "query", "-signer", "signer.pem"]
            self.run(*reply, "-inkey", "signer.key", f"-{self.digest}", *more, "-token_out", "-out", "token")
            return (self.folder / "token").read_bytes(), self.certificates()[: len(self.names) - held]

        return stamp


class Genuine(unittest.TestCase):
    """Tokens by the `openssl` command."""

    def stamped(self, held=1, **options):
        """The evidence with a token, the authority's root, and what makes it go."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        authority = OpenSsl(folder.name, **options)
        message, paths = checkpoint(LEDGER, 1, 5, URL, authority.stamp(held))
        return with_stamps(PLAIN, (message, paths, range(1, 6))), authority

    def test_tokens_of_openssl_are_believed(self):
        for options in (
            {"kind": RSA_KEY},
            {"kind": RSA_KEY, "digest": "sha512", "held": 2, "named": "yes", "chain": "yes"},
            {"kind": P256, "held": 3},
            {"kind": P256, "held": 0, "intermediate": False, "essential": "sha1"},
            {"kind": P384, "digest": "sha384", "intermediate": False, "essential": "sha384"},
        ):
            with self.subTest(**options):
                evidence, authority = self.stamped(**options)
                root = authority.certificates()[0]
                self.assertEqual(seen(evidence, [root]), ("verified", "1 tokens stamp 5 of 5 blocks"))
                self.assertEqual(seen(evidence)[0], "verified-with-reservations time-stamps")
                made = Token(
                    evidence["checkpoints"][0]["token"],
                    evidence["checkpoints"][0]["certificates"],
                    sha256((authority.folder / "document").read_bytes()),
                )
                self.assertEqual((made.signer, made.policy, made.accuracy_ms), ("CN=signer, O=O", "1.2.3.4.1", 1501))

    def test_the_sample_of_the_ledger(self):
        data, roots = (DATA / "stamped.evidence").read_bytes(), [(DATA / "stamped-root.der").read_bytes()]
        trusted = sha256((ROOT / "chain-core/tests/golden/genesis.json").read_bytes())
        examination = Examination(data, trusted=trusted, roots=roots)
        self.assertEqual(examination.examine()[0], "verified")
        self.assertEqual([one.heights for one in examination.stamped], [[1, 3], [1, 3], [6]])
        self.assertEqual([one.trusted for one in examination.stamped], [True, False, True])
        self.assertEqual(Examination(data, trusted=trusted).examine()[0], "verified-with-reservations")

    def test_an_algorithm_that_the_table_lacks(self):
        verdict, reason = seen(self.stamped(kind=P256, digest="sha512", intermediate=False)[0])
        self.assertEqual((verdict, reason[:13]), ("not-verified time-stamps", "a certificate"))

    def test_every_byte_of_an_rsa_token_counts(self):
        evidence, authority = self.stamped(kind=RSA_KEY)
        message = evidence["checkpoints"][0]
        imprint = sha256((authority.folder / "document").read_bytes())
        whole = [message["token"], *message["certificates"]]
        Token(whole[0], whole[1:], imprint)
        for part, data in enumerate(whole):
            for at in range(len(data)):
                forged = list(whole)
                forged[part] = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
                with self.assertRaises(Refusal, msg=f"part {part}, byte {at}"):
                    Token(forged[0], sorted(forged[1:]), imprint)

    def test_openssl_reads_the_document(self):
        _, authority = self.stamped(kind=P256, held=2)
        checked = ["-data", "document", "-in", "token", "-token_in", "-CAfile", "root.pem", "-untrusted", "middle.pem"]
        authority.run("ts", "-verify", *checked)


class Command(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = seal(with_stamps(PLAIN, made(1, 5, [1, 2, 4])))
        (self.folder / "file").write_bytes(self.data)
        (self.folder / "genesis").write_bytes(PLAIN["genesis"])
        for label, one in (("stranger", Authority("stranger")), ("right", SAMPLE)):
            text = base64.encodebytes(one.root.whole).decode()
            pem = f"a comment\n-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"
            (self.folder / label).write_text(pem)

    def run_it(self, *arguments, data=None):
        command = [*VERIFY, *map(str, arguments), "--genesis", "genesis"]
        return subprocess.run(command, cwd=self.folder, input=data, capture_output=True, timeout=60)

    def test_trusted_roots(self):
        self.assertEqual(self.run_it("file").returncode, 6)
        self.assertEqual(self.run_it("file", "--tsa-roots", "stranger").returncode, 6)
        self.assertEqual(self.run_it("file", "--tsa-roots", "right").returncode, 0)
        self.assertEqual(self.run_it("file", "--tsa-roots", "stranger", "--tsa-roots", "right").returncode, 0)
        both = (self.folder / "stranger").read_text() + (self.folder / "right").read_text()
        (self.folder / "both").write_text(both)
        self.assertEqual(self.run_it("file", "--tsa-roots", "both").returncode, 0)
        (self.folder / "der").write_bytes(SAMPLE.root.whole)
        self.assertEqual(self.run_it("file", "--tsa-roots", "der").returncode, 0)
        for wrong in ("", "text", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"):
            (self.folder / "wrong").write_text(wrong)
            answer = self.run_it("file", "--tsa-roots", "wrong")
            self.assertEqual(answer.returncode, 1)
            self.assertIn(b"neither in PEM nor one in DER", answer.stderr)
        self.assertEqual(self.run_it("file", "--tsa-roots", "no such file").returncode, 1)

    def test_text_and_json(self):
        text = self.run_it("file", "--tsa-roots", "right").stdout.decode()
        for words in (
            "Stamped   no later than 2026-03-01T12:00:00.000Z by CN=sample signer (trusted)",
            f"accuracy not stated; blocks 1, 2, 4; {URL}",
            f"serial 4d, policy 1.2.3.4, root SHA-256 {sha256(SAMPLE.root.whole).hex()}",
            "Blocks with chain time only: 3, 5",
        ):
            self.assertIn(words, text)
        self.assertIn("not trusted", self.run_it("file").stdout.decode())
        answer = json.loads(self.run_it("file", "--json").stdout)
        expected = {
            "authority": "CN=sample signer",
            "url": URL,
            "first": 1,
            "last": 5,
            "heights": [1, 2, 4],
            "gen_time_ms": 1772366400000,
            "accuracy_ms": None,
            "no_later_than_ms": 1772366400000,
            "serial": "4d",
            "policy": "1.2.3.4",
            "root_sha256": sha256(SAMPLE.root.whole).hex(),
            "trusted": False,
        }
        self.assertEqual(answer["facts"]["stamps"], [expected])

    def test_the_last_moment_of_all(self):
        every = {which: {"validity": END_OF_TIME} for which in ("signer", "middle", "root")}
        moment = der("GeneralizedTime", b"99991231235958.9999Z")
        last = with_stamps(PLAIN, made(1, 5, authority=Authority("last", **every), moment=moment))
        (self.folder / "last").write_bytes(seal(last))
        self.assertIn("no later than 9999-12-31T23:59:59.000Z", self.run_it("last").stdout.decode())
        self.assertEqual(utc(253_402_300_800_000), "253402300800000 ms after 1970")

    def test_batch(self):
        stream = struct.pack(">I", len(self.data)) + self.data
        self.assertEqual(self.run_it("--batch", data=stream).stdout, b"verified with reservations\n")
        self.assertEqual(self.run_it("--batch", "--tsa-roots", "right", data=stream).stdout, b"verified\n")


if __name__ == "__main__":
    unittest.main()
