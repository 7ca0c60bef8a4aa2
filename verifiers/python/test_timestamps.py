#!/usr/bin/env python3
"""Tests of tokens and their certificates: genuine ones hold, and none that breaks one of the documents' rules."""

import datetime
import hashlib
import pathlib
import sys
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

import der as reader  # noqa: E402
from proofs import sha256  # noqa: E402
from sample_authority import (  # noqa: E402
    CRITICAL,
    FOR_TIME,
    UNCRITICAL,
    Authority,
    Issued,
    algorithm,
    constraints,
    der,
    digest_algorithm,
    extended,
    extension,
    integer,
    key,
    name,
    oid,
    sequence,
    usage,
    utc_time,
)
from timestamps import (  # noqa: E402
    ANY_USAGE,
    BASIC_CONSTRAINTS,
    CONTENT_TYPE,
    EXT_KEY_USAGE,
    KEY_USAGE,
    MESSAGE_DIGEST,
    RSA,
    SIGNED_DATA,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    TIME_STAMPING,
    TST_INFO,
    Token,
)
from wire import Refusal  # noqa: E402

IMPRINT = bytes(range(32))
SAMPLE = Authority()
NULL = der("NULL")
RSA_SHA1, RSA_256, RSA_384 = (f"1.2.840.113549.1.1.{n}" for n in (5, 11, 12))
EC_256, EC_384 = "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3"
ED25519 = "1.3.101.112"


def times(begin, end):
    """The validity of a certificate."""
    return sequence(utc_time(datetime.datetime(*begin)), utc_time(datetime.datetime(*end)))


class Case(unittest.TestCase):
    def holds(self, token, certificates=(), imprint=IMPRINT):
        """A token holds."""
        return Token(token, sorted(certificates), imprint)

    def refused(self, reason, token, certificates=(), imprint=IMPRINT):
        """A token doesn't hold, for a reason that contains these words."""
        with self.assertRaises(Refusal) as refusal:
            Token(token, certificates, imprint)
        self.assertIn(reason, str(refusal.exception))


class Der(Case):
    def test_lengths_and_tags(self):
        for reason, data in (
            ("more than one byte", "1f0100"),
            ("ends too early", "30"),
            ("indefinite", "30800000"),
            ("length ends", "3082ff"),
            ("shortest form", "30817f" + "00" * 127),
            ("shortest form", "30820080" + "00" * 128),
            ("ends too early", "300105"),
            ("ends too early", "30024101"),
            ("no SEQUENCE", "3100"),
            ("no SEQUENCE", ""),
            ("behind the last", "30000500"),
            ("wrong tag", "300410020500"),
            ("wrong tag", "30022400"),
            ("wrong tag", "30020000"),
            ("empty INTEGER", "30020200"),
            ("INTEGER isn't", "300402020001"),
            ("INTEGER isn't", "30040202ff80"),
            ("BOOLEAN", "3003010101"),
            ("BOOLEAN", "30020100"),
            ("BOOLEAN", "300401020000"),
            ("unused bits", "300403020780"),
            ("unused bits", "30020300"),
            ("NULL", "3003050100"),
            ("OID ends", "30020600"),
            ("OID ends", "3004060255ff"),
            ("OID isn't", "3005060355 8001"),
            ("OID isn't", "300406028001"),
            ("INTEGER isn't", "3006a00402020001"),
        ):
            with self.assertRaises(Refusal, msg=data) as refusal:
                reader.one(bytes.fromhex(data), "SEQUENCE")
            self.assertIn(reason, str(refusal.exception), data)
        for data in ("3000", "30818002 7e" + "01" * 126, "300402020080", "30040202ff7f", "3007 3005 010100 0500"):
            reader.one(bytes.fromhex(data.replace(" ", "")), "SEQUENCE")
        deep = b""
        for _ in range(20_000):
            deep = der("SEQUENCE", deep)
        reader.one(deep, "SEQUENCE")

    def test_numbers_and_oids(self):
        for n in (0, 1, 127, 128, -1, -128, -129, 2**64):
            self.assertEqual(reader.number(reader.one(integer(n), "INTEGER")), n)
        for text in ("0.9.2342", "1.2.840.113549", "2.5.4.3", "2.999.1", "2.16.840.1"):
            self.assertEqual(reader.oid(reader.one(oid(text), "OID")), text)
        long = reader.one(der("OID", b"\x55" + b"\xff" * 60_000 + b"\1"), "OID")
        self.assertTrue(reader.oid(long).startswith("2.5.0x"))

    def test_times(self):
        def read(tag, text):
            return reader.time_ms(reader.one(der(tag, text.encode("latin-1")), tag))

        self.assertEqual(read("UTCTime", "700101000001Z"), 1000)
        self.assertEqual(read("UTCTime", "491231235959Z"), 2524607999000)
        self.assertEqual(read("UTCTime", "500101000000Z"), -631152000000)
        for fraction, milliseconds in (("", 0), (".001", 1), (".0001", 1), (".123456789", 124), (".999000001", 1000)):
            self.assertEqual(read("GeneralizedTime", f"19700101000000{fraction}Z"), milliseconds)
        for tag, text in (
            ("UTCTime", "19700101000000Z"),
            ("UTCTime", "7001010000Z"),
            ("UTCTime", "700101000000.1Z"),
            ("UTCTime", "700101000000"),
            ("UTCTime", "700101000000+0000"),
            ("UTCTime", "70010100000\xb2Z"),
            ("UTCTime", "70010100000+Z"),
            ("GeneralizedTime", "197001010000Z"),
            ("GeneralizedTime", "19700101000000"),
            ("GeneralizedTime", "19700101000000.Z"),
            ("GeneralizedTime", "19700101000000,5Z"),
            ("GeneralizedTime", "19700101000000.1234567891Z"),
            ("GeneralizedTime", "19700101000000.50Z"),
            ("GeneralizedTime", "19700101000000.0Z"),
            ("GeneralizedTime", "19700101000000.+1Z"),
            ("GeneralizedTime", "19700229000000Z"),
            ("GeneralizedTime", "19700101240000Z"),
            ("GeneralizedTime", "19700101000060Z"),
            ("GeneralizedTime", "19700101000000z"),
            ("GeneralizedTime", ""),
        ):
            self.assertRaises(Refusal, read, tag, text)


class Tokens(Case):
    """The rules of "What a token is"."""

    def test_a_genuine_token(self):
        token = self.holds(SAMPLE.token(IMPRINT))
        self.assertEqual((token.root, token.signer), (SAMPLE.root.whole, "CN=sample signer"))
        self.assertEqual((token.policy, token.serial, token.accuracy_ms), ("1.2.3.4", "4d", None))
        self.refused("another imprint", SAMPLE.token(IMPRINT), imprint=bytes(32))
        self.refused("behind the last", SAMPLE.token(IMPRINT) + NULL)
        self.refused("behind the last", SAMPLE.token(IMPRINT, last=NULL))

    def test_sizes_and_numbers(self):
        whole = SAMPLE.token(IMPRINT, attributes={"1.2.3": [der("OCTETS", bytes(70_000))]})
        self.refused("65,536", whole)
        for size, holds in ((65_536, True), (65_537, False)):
            # A signature's length is a matter of chance.
            padding, token = 60_000, b""
            while len(token) != size:
                padding += size - len(token) if token else 0
                token = SAMPLE.token(IMPRINT, attributes={"1.2.3": [der("OCTETS", bytes(padding))]})
            self.holds(token) if holds else self.refused("65,536", token)
        large = extension("1.2.3", bytes(16_384))
        other = Authority(root={"extensions": [constraints(), large]})
        self.refused("16,384", other.token(IMPRINT))
        self.refused("16,384", other.token(IMPRINT, own=other.certificates()[:2]), [other.root.whole])
        many = [Issued(f"{n}", key()).whole for n in range(33)]
        self.refused("32", SAMPLE.token(IMPRINT), sorted(many))
        self.refused("1 to 8", SAMPLE.token(IMPRINT, own=SAMPLE.certificates() + many[:6]))
        self.refused("chain", SAMPLE.token(IMPRINT, own=SAMPLE.certificates() + many[:5]))
        self.refused("1 to 8", SAMPLE.token(IMPRINT, own=[], lists=der("[0]")), sorted(SAMPLE.certificates()))

    def test_the_frame(self):
        for reason, parts in (
            ("isn't signedData", {"kind": TST_INFO}),
            ("isn't a TSTInfo", {"holds": SIGNED_DATA}),
            ("signedData isn't of version 3", {"version": integer(1)}),
            ("no SET", {"lists": der("[1]")}),
            ("behind the last", {"info_last": der("[1]")}),
            ("SignerInfo isn't of version 1", {"info_version": integer(3)}),
            ("isn't SHA-256", {"digests": der("SET", algorithm("1.3.14.3.2.26"))}),
            ("behind the last", {"digests": der("SET", digest_algorithm("sha256"), digest_algorithm("sha384"))}),
            ("digests differ", {"digests": der("SET", digest_algorithm("sha384"))}),
            ("digests differ", {"info_digest": digest_algorithm("sha384")}),
            ("no SEQUENCE", {"digests": der("SET")}),
            ("no SEQUENCE", {"infos": der("SET")}),
            ("behind the last", {"second": sequence()}),
            ("behind the last", {"info_digest": sequence(oid("2.16.840.1.101.3.4.2.1"), integer(1))}),
            ("certificate is missing", {"identity": sequence(name("other"), integer(7))}),
            ("certificate is missing", {"identity": sequence(SAMPLE.signer.issuer, integer(8))}),
            ("behind the last", {"identity": sequence(SAMPLE.signer.issuer, integer(7), NULL)}),
            ("isn't a certificate", {"own": [der("[1]"), *SAMPLE.certificates()]}),
        ):
            self.refused(reason, SAMPLE.token(IMPRINT, **parts))
        with_null = sequence(oid("2.16.840.1.101.3.4.2.1"), NULL)
        self.holds(SAMPLE.token(IMPRINT, digests=der("SET", with_null)))
        self.holds(SAMPLE.token(IMPRINT, info_digest=with_null, signature_algorithm=algorithm(EC_256, NULL)))

    def test_attributes(self):
        v2, one = SIGNING_CERTIFICATE_V2, SIGNING_CERTIFICATE
        right = sha256(SAMPLE.signer.whole)

        def named(*parts):
            return [sequence(sequence(sequence(*parts)))]

        def hashed(by):
            return der("OCTETS", hashlib.new(by, SAMPLE.signer.whole).digest())

        for reason, attributes in (
            ("no OID", {CONTENT_TYPE: []}),
            ("contentType", {CONTENT_TYPE: [oid(SIGNED_DATA)]}),
            ("no OID", {CONTENT_TYPE: [NULL]}),
            ("one value", {CONTENT_TYPE: [oid(TST_INFO), oid(TST_INFO)]}),
            ("no OCTETS", {MESSAGE_DIGEST: []}),
            ("messageDigest", {MESSAGE_DIGEST: [der("OCTETS", bytes(32))]}),
            ("no attribute names", {v2: []}),
            ("another certificate", {v2: named(der("OCTETS", right[:-1]))}),
            ("another certificate", {v2: named(hashed("sha1"))}),
            ("another certificate", {v2: named(digest_algorithm("sha384"), hashed("sha256"))}),
            ("isn't SHA-256", {v2: named(algorithm("1.3.14.3.2.26"), hashed("sha1"))}),
            ("names no certificate", {v2: named()}),
            ("names no certificate", {v2: named(digest_algorithm("sha256"))}),
            ("names no certificate", {v2: [sequence()]}),
            ("names no certificate", {v2: [sequence(sequence())]}),
            ("names no certificate", {v2: [sequence(sequence(NULL))]}),
            ("no SEQUENCE", {v2: [NULL]}),
            ("another certificate", {one: named(hashed("sha256"))}),
            ("names no certificate", {one: named(algorithm("1.3.14.3.2.26"), hashed("sha1"))}),
            ("another certificate", {one: named(hashed("sha1")), v2: named(der("OCTETS", bytes(32)))}),
            ("one value", {"1.2.3": [NULL, NULL]}),
            ("INTEGER isn't", {"1.2.3": [sequence(der("INTEGER", b"\0\1"))]}),
        ):
            self.refused(reason, SAMPLE.token(IMPRINT, attributes=attributes))
        for attributes in (
            {v2: [], one: named(hashed("sha1"))},
            {one: named(hashed("sha1"))},
            {v2: named(digest_algorithm("sha512"), hashed("sha512"))},
            {v2: [sequence(sequence(sequence(hashed("sha256"), NULL), NULL), NULL)]},
            {"1.2.3": [NULL]},
        ):
            self.holds(SAMPLE.token(IMPRINT, attributes=attributes))
        content = SAMPLE.content(IMPRINT)
        signed = b"".join(
            sequence(oid(k), der("SET", *v)) for k, v in SAMPLE.attributes(content, "sha256").items()
        )
        other = sequence(oid("1.2.3"), der("SET", NULL))
        self.holds(SAMPLE.token(IMPRINT, content=content, signed=other + signed))
        self.refused("attribute stands twice", SAMPLE.token(IMPRINT, content=content, signed=signed + other + other))
        for wrong in (der("SET"), sequence(oid("1.2.3")), sequence(oid("1.2.3"), der("SET", NULL), NULL)):
            self.refused("", SAMPLE.token(IMPRINT, content=content, signed=signed + wrong))
        self.refused("attribute isn't", SAMPLE.token(IMPRINT, content=content, signed=signed + der("SET", other)))

    def test_signatures(self):
        self.refused("signature doesn't hold", SAMPLE.token(IMPRINT, signature=der("OCTETS", bytes(70))))
        other = Authority(signer={"signed_by": key(number=2), "key": key(number=9)})
        strange = der("OCTETS", other.signer.key.sign(b""))
        self.refused("signature doesn't hold", SAMPLE.token(IMPRINT, signature=strange))
        for wrong in (EC_384, ED25519, RSA_SHA1, RSA_256, RSA, "1.2.840.10045.2.1"):
            self.refused("signature", SAMPLE.token(IMPRINT, signature_algorithm=algorithm(wrong)))
        self.refused("signature", SAMPLE.token(IMPRINT, hash_name="sha512", signature_algorithm=algorithm(EC_384)))
        self.refused("behind the last", SAMPLE.token(IMPRINT, signature_algorithm=algorithm(EC_256, integer(1))))
        attributes = SAMPLE.attributes(SAMPLE.content(IMPRINT), "sha256")
        signed = b"".join(sequence(oid(k), der("SET", *v)) for k, v in attributes.items())
        unbound = der("OCTETS", SAMPLE.signer.key.sign(der("[0]", signed)))
        self.refused("signature doesn't hold", SAMPLE.token(IMPRINT, signature=unbound))
        # The same two numbers, but written longer.
        good = SAMPLE.signer.key.sign(der("SET", signed))
        self.holds(SAMPLE.token(IMPRINT, signature=der("OCTETS", good)))
        r, s = (e.content for e in reader.elements(reader.elements(good)[0].content))
        longer = sequence(der("INTEGER", b"\0" + r), der("INTEGER", s))
        for wrong in (good + b"\0", longer, b"\x30\x81" + good[1:]):
            self.refused("signature doesn't hold", SAMPLE.token(IMPRINT, signature=der("OCTETS", wrong)))

    def test_content(self):
        def content(**parts):
            return SAMPLE.token(IMPRINT, content=SAMPLE.content(IMPRINT, **parts))

        def moment(text):
            return content(moment=der("GeneralizedTime", text.encode()))

        def stamped(*parts):
            return content(stamped=sequence(*parts, der("OCTETS", IMPRINT)))

        self.refused("TSTInfo isn't of version 1", content(version=integer(2)))
        self.refused("another imprint", stamped(digest_algorithm("sha384")))
        self.refused("isn't SHA-256", stamped(algorithm("1.3.14.3.2.26")))
        self.refused("behind the last", stamped(algorithm("2.16.840.1.101.3.4.2.1", integer(1))))
        self.holds(stamped(algorithm("2.16.840.1.101.3.4.2.1", NULL)))
        self.refused("no GeneralizedTime", content(moment=der("UTCTime", b"260301120000Z")))
        self.refused("before 1970", moment("19691231235959Z"))
        early = Authority(**{k: {"validity": times((1969, 1, 1), (2040, 1, 1))} for k in ("signer", "middle", "root")})
        at = [der("GeneralizedTime", text) for text in (b"19691231235959Z", b"19700101000000Z")]
        self.refused("before 1970", early.token(IMPRINT, content=early.content(IMPRINT, moment=at[0])))
        self.holds(early.token(IMPRINT, content=early.content(IMPRINT, moment=at[1])))
        for text in ("20260230120000Z", "20260301120000.Z", "20260301120000+0000", "20260301120000.1234567891Z"):
            self.refused("a time", moment(text))
        self.assertEqual(self.holds(moment("20260301120000.0001Z")).moment_ms % 1000, 1)
        self.refused("extension 1.2.3 is critical", content(extensions=der("[1]", extension("1.2.3", b"", CRITICAL))))
        critical = extension(EXT_KEY_USAGE, b"", CRITICAL)
        self.refused("is critical", content(extensions=der("[1]", critical)))
        twice = der("[1]", extension("1.2.3", b""), extension("1.2.3", b""))
        self.refused("extension stands twice", content(extensions=twice))
        self.refused("isn't a SEQUENCE", content(extensions=der("[1]", NULL)))
        self.refused("extensions is empty", content(extensions=der("[1]")))
        self.refused("one name", content(authority=der("[0]")))
        self.refused("one name", content(authority=der("[0]", name("a"), name("b"))))
        self.refused("behind the last", content(last=NULL))
        self.refused("behind the last", content(last=integer(1), nonce=integer(1)))
        self.refused("behind the last", content(ordering=UNCRITICAL, accuracy=UNCRITICAL))
        whole = content(
            accuracy=sequence(integer(1)),
            ordering=CRITICAL,
            nonce=integer(2**64),
            authority=der("[0]", der(0xA4, name("x"))),
            extensions=der("[1]", extension("1.2.3", b"", UNCRITICAL), extension("1.2.4", b"x")),
        )
        self.assertEqual(self.holds(whole).accuracy_ms, 1000)
        self.holds(content(ordering=UNCRITICAL))

    def test_accuracies(self):
        def accuracy(*parts):
            return SAMPLE.token(IMPRINT, content=SAMPLE.content(IMPRINT, accuracy=sequence(*parts)))

        def millis(n):
            return der("[0]primitive", integer(n)[2:])

        def micros(n):
            return der("[1]primitive", integer(n)[2:])

        for expected, parts in (
            (0, []),
            (0, [integer(0)]),
            (2500, [integer(2), millis(500)]),
            (1, [micros(1)]),
            (2, [millis(1), micros(999)]),
            (1999, [integer(1), millis(998), micros(999)]),
            ((2**64 - 1) * 1000, [integer(2**64 - 1)]),
        ):
            self.assertEqual(self.holds(accuracy(*parts)).accuracy_ms, expected)
        for reason, parts in (
            ("64 bits", [integer(2**64)]),
            ("64 bits", [integer(-1)]),
            ("1 to 999", [millis(0)]),
            ("1 to 999", [millis(1000)]),
            ("1 to 999", [micros(0)]),
            ("1 to 999", [micros(1000)]),
            ("1 to 999", [micros(-1)]),
            ("behind the last", [micros(1), millis(1)]),
            ("behind the last", [der("[0]", integer(1))]),
            ("empty INTEGER", [der("[0]primitive")]),
            ("INTEGER isn't", [der("[1]primitive", b"\0\1")]),
        ):
            self.refused(reason, accuracy(*parts))


class Chains(Case):
    """The rules of "The signer's chain"."""

    def token_of(self, **changes):
        """A token by an authority with changes to its certificates."""
        return Authority(**changes).token(IMPRINT)

    def test_the_signers_certificate(self):
        def signer(*extensions):
            return self.token_of(signer={"extensions": extensions})

        for extensions in (
            [FOR_TIME],
            [FOR_TIME, usage(1)],
            [FOR_TIME, usage(0, 1)],
            [FOR_TIME, extension(BASIC_CONSTRAINTS, sequence(), CRITICAL)],
            [FOR_TIME, extension(BASIC_CONSTRAINTS, sequence(UNCRITICAL))],
            [FOR_TIME, extension("1.2.3", b"anything", UNCRITICAL)],
        ):
            self.holds(signer(*extensions))
        for extensions in (
            [],
            [usage(0)],
            [extended(TIME_STAMPING, critical=None)],
            [extended(TIME_STAMPING, critical=UNCRITICAL)],
            [extended("1.3.6.1.5.5.7.3.3")],
            [extended(ANY_USAGE)],
            [extended(TIME_STAMPING, "1.3.6.1.5.5.7.3.3")],
            [extended(TIME_STAMPING, TIME_STAMPING)],
            [extended()],
            [FOR_TIME, usage(5)],
            [FOR_TIME, usage(0, 5)],
            [FOR_TIME, usage(0, 8)],
        ):
            self.refused("isn't one for time stamps", signer(*extensions))

    def test_extensions(self):
        def bits(text):
            return extension(KEY_USAGE, der("BITS", bytes.fromhex(text)))

        for reason, extensions in (
            ("1.2.3 is critical", [FOR_TIME, extension("1.2.3", b"", CRITICAL)]),
            ("extension stands twice", [FOR_TIME, FOR_TIME]),
            ("extension stands twice", [FOR_TIME, extension("1.2.3", b""), extension("1.2.3", b"")]),
            ("isn't a SEQUENCE", [FOR_TIME, NULL]),
            ("holds no OID", [extension(EXT_KEY_USAGE, sequence(NULL), CRITICAL)]),
            ("holds no OID", [extension(EXT_KEY_USAGE, sequence(sequence()), CRITICAL)]),
            ("OID isn't", [extension(EXT_KEY_USAGE, sequence(der("OID", b"\x80\1")), CRITICAL)]),
            ("behind the last", [extension(EXT_KEY_USAGE, sequence() + NULL, CRITICAL)]),
            ("from 0 to 2^64", [FOR_TIME, extension(BASIC_CONSTRAINTS, sequence(CRITICAL, integer(-1)))]),
            ("from 0 to 2^64", [FOR_TIME, extension(BASIC_CONSTRAINTS, sequence(CRITICAL, integer(2**64)))]),
            ("BOOLEAN", [FOR_TIME, extension(BASIC_CONSTRAINTS, sequence(der("BOOLEAN", b"\1")))]),
            ("behind the last", [FOR_TIME, extension(BASIC_CONSTRAINTS, sequence(CRITICAL) + NULL)]),
            ("behind the last", [FOR_TIME, extension(BASIC_CONSTRAINTS, sequence(integer(1), CRITICAL))]),
            ("1 or 2 bytes", [FOR_TIME, bits("00")]),
            ("1 or 2 bytes", [FOR_TIME, bits("0700008080")]),
            ("shortest form", [FOR_TIME, bits("0600")]),
            ("shortest form", [FOR_TIME, bits("0680")]),
            ("shortest form", [FOR_TIME, bits("07c0")]),
            ("shortest form", [FOR_TIME, bits("0880")]),
            ("shortest form", [FOR_TIME, bits("078000")]),
            ("no BITS", [FOR_TIME, extension(KEY_USAGE, NULL)]),
        ):
            self.refused(reason, self.token_of(signer={"extensions": extensions}))
        self.refused("extensions is empty", self.token_of(root={"last": der("[3]", sequence())}))
        self.refused("behind the last", self.token_of(signer={"last": der("[3]", sequence(FOR_TIME), NULL)}))
        self.holds(self.token_of(signer={"extensions": [FOR_TIME, bits("0780")]}))

    def test_authorities_certificates(self):
        both = "middle", "root"
        for which in both:
            for extensions in (
                [],
                [usage(5)],
                [extension(BASIC_CONSTRAINTS, sequence(), CRITICAL)],
                [extension(BASIC_CONSTRAINTS, sequence(UNCRITICAL), CRITICAL)],
                [constraints(), usage(6)],
                [constraints(), usage(0)],
                [constraints(), extended("1.3.6.1.5.5.7.3.3")],
                [constraints(), extended()],
            ):
                self.refused("no next certificate", self.token_of(**{which: {"extensions": extensions}}))
            for extensions in (
                [constraints()],
                [constraints(), usage(0, 5, 8)],
                [constraints(), extended(ANY_USAGE)],
                [constraints(), extended("1.3.6.1.5.5.7.3.3", TIME_STAMPING, critical=None)],
                [extension(BASIC_CONSTRAINTS, sequence(CRITICAL))],
            ):
                self.holds(self.token_of(**{which: {"extensions": extensions}}))

    def test_path_lengths(self):
        for length, fits in ((0, False), (1, True), (2**64 - 1, True)):
            token = self.token_of(root={"extensions": [constraints(integer(length))]})
            self.holds(token) if fits else self.refused("no next certificate", token)

    def test_validity(self):
        second = (2026, 3, 1, 12, 0, 0)
        before, after = (2026, 3, 1, 11, 59, 59), (2026, 3, 1, 12, 0, 1)
        for which in ("signer", "middle", "root"):
            reason = "isn't valid at genTime" if which == "signer" else "no next certificate"
            for validity, fits in (
                ((second, second), True),
                ((before, after), True),
                ((after, after), False),
                ((before, before), False),
            ):
                token = self.token_of(**{which: {"validity": times(*validity)}})
                self.holds(token) if fits else self.refused(reason, token)
        # A fraction finer than milliseconds counts as the next one.
        for text, fits in (("115959.9999", True), ("120000.0001", False), ("120000", True), ("115959.999", False)):
            one = Authority(signer={"validity": times(second, second)})
            moment = der("GeneralizedTime", f"20260301{text}Z".encode())
            token = one.token(IMPRINT, content=one.content(IMPRINT, moment=moment))
            self.holds(token) if fits else self.refused("isn't valid at genTime", token)

    def test_the_form_of_certificates(self):
        late = sequence(der("UTCTime", b"200101000000Z"), der("GeneralizedTime", b"99991231235959Z"))
        self.holds(self.token_of(root={"validity": late}))
        wrong_times = "validity isn't two times"
        text = "a name isn't", "a part of a name"
        for reason, parts in (
            ("isn't of version 3", {"version": der("[0]", integer(1))}),
            ("no [0]", {"version": b""}),
            ("algorithms differ", {"outer": algorithm(EC_384)}),
            ("algorithm is unknown", {"algorithm": algorithm("1.2.840.10045.4.3.4")}),
            (wrong_times, {"validity": sequence(utc_time(datetime.datetime(2020, 1, 1)))}),
            (wrong_times, {"validity": sequence(der("UTCTime", b"200101000000Z"), integer(1))}),
            (wrong_times, {"validity": sequence(der("GeneralizedTime", b"20200101000000.1Z"), late[17:])}),
            ("isn't two times", {"validity": sequence(late[2:], late[2:17])}),
            (text[0], {"subject": sequence(sequence(oid("2.5.4.3"), NULL))}),
            (text[0], {"subject": sequence(der("SET"))}),
            (text[1], {"subject": sequence(der("SET", sequence(oid("2.5.4.3"))))}),
            (text[1], {"subject": sequence(der("SET", sequence(NULL, NULL)))}),
            ("behind the last", {"last": der("[3]", sequence(constraints())) + NULL}),
            ("behind the last", {"last": der(0x81, b"\0\1") + der("[3]", sequence(constraints()))}),
            ("unused bits", {"signature": der("BITS", b"\1\0")}),
            ("root's signature", {"signature": der("BITS", b"\0" + bytes(70))}),
            ("root's signature", {"signed_by": key(number=9)}),
        ):
            self.refused(reason, self.token_of(root=parts))
        self.refused("a name isn't", self.token_of(signer={"subject": sequence(NULL)}))
        self.holds(self.token_of(root={"subject": sequence()}))
        self.holds(self.token_of(root={"outer": algorithm(EC_256, NULL)}))

    def test_keys(self):
        small = key(RSA_256, bits=1024)
        self.refused("2048 to 8192", self.token_of(root={"key": small}))
        large = sequence(algorithm(RSA, NULL), der("BITS", b"\0" + sequence(integer(2**8192 + 1), integer(65537))))
        point = key().info[-65:]
        curve = oid("1.2.840.10045.3.1.7")
        ec_key = "1.2.840.10045.2.1"

        def info(kind, bits):
            return sequence(kind, der("BITS", b"\0" + bits))

        for reason, wrong in (
            ("2048 to 8192", large),
            ("2048 to 8192", info(algorithm(RSA), sequence(integer(-(2**2048)), integer(65537)))),
            ("2048 to 8192", info(algorithm(RSA), sequence(integer(2**2048 + 1), integer(-3)))),
            ("exponent", info(algorithm(RSA), sequence(integer(2**2048 + 1), integer(2)))),
            ("exponent", info(algorithm(RSA), sequence(integer(2**2048 + 1), integer(1)))),
            ("exponent", info(algorithm(RSA), sequence(integer(2**2048 + 1), integer(2**33 + 1)))),
            ("behind the last", info(algorithm(RSA), sequence(integer(2**2048 + 1), integer(3), NULL))),
            ("behind the last", info(algorithm(RSA, integer(1)), b"")),
            ("isn't an uncompressed point", info(algorithm(ec_key, oid("1.3.132.0.10")), point)),
            ("isn't an uncompressed point", info(algorithm(ec_key, curve), b"\2" + point[1:33])),
            ("isn't one", info(algorithm(ec_key, curve), point[:-1])),
            ("isn't one", info(algorithm(ec_key, curve), point[:-1] + bytes([point[-1] ^ 1]))),
            ("no OID", info(algorithm(ec_key), point)),
            ("32 bytes", info(algorithm(ED25519), bytes(31))),
            ("unknown algorithm", info(algorithm("1.3.101.113"), bytes(57))),
            ("unknown algorithm", info(sequence(), bytes(57))),
            ("behind the last", sequence(algorithm(ED25519), der("BITS", bytes(33)), NULL)),
        ):
            self.refused(reason, self.token_of(root={"info": wrong}))

    def test_every_algorithm(self):
        p384 = key(EC_384, number=5, curve=ec.SECP384R1())
        for one in (key(RSA_256), key(RSA_384), key("1.2.840.113549.1.1.13"), p384, key(EC_384), key(ED25519)):
            whole = Authority(**{which: {"key": one} for which in ("signer", "middle", "root")})
            self.holds(whole.token(IMPRINT))
            spoiled = Authority(middle={"key": one, "signature": der("BITS", bytes(65))}, root={"key": one})
            self.refused("no next certificate", spoiled.token(IMPRINT))
        rsa = Authority(signer={"key": key(RSA_256)})
        for hash_name in ("sha256", "sha384", "sha512"):
            token = rsa.token(IMPRINT, hash_name=hash_name, signature_algorithm=algorithm(RSA, NULL))
            self.holds(token)
        mixed = rsa.token(IMPRINT, hash_name="sha384", signature_algorithm=algorithm(RSA_256, NULL))
        self.refused("isn't one for the digest", mixed)
        short = Authority(signer={"key": key(ED25519)})
        self.refused("isn't one for the digest", short.token(IMPRINT, hash_name="sha256"))

    def test_sha1_is_for_a_roots_own_signature(self):
        class Old:
            signs, info = RSA_SHA1, key(RSA_256).info

            def sign(message, hash_name=None):
                return key(RSA_256).sign(message, hash_name or "sha1")

        old = Authority(root={"key": Old}, middle={"signed_by": key(RSA_256)})
        self.holds(old.token(IMPRINT))
        self.refused("no next certificate", Authority(root={"key": Old}).token(IMPRINT))

    def test_certificates_in_and_beside_the_token(self):
        signer, middle, root = SAMPLE.certificates()
        for own in ([], [signer], [root, middle], [middle, root, signer]):
            rest = [c for c in SAMPLE.certificates() if c not in own]
            token = SAMPLE.token(IMPRINT, own=own)
            self.holds(token, rest)
            for left in rest:
                reason = "missing" if left == signer else "no next certificate"
                self.refused(reason, token, sorted(set(rest) - {left}))
            stranger = Issued("stranger", key(number=8), extensions=[constraints()]).whole
            self.refused("isn't of the signer's chain", token, sorted([*rest, stranger]))
            self.refused("isn't of the signer's chain", SAMPLE.token(IMPRINT, own=[*own, stranger]), sorted(rest))
            if own:
                self.refused("beside a token that holds it", token, sorted([*rest, own[0]]))
                self.refused("holds a certificate twice", SAMPLE.token(IMPRINT, own=[*own, own[0]]), sorted(rest))
            if len(rest) > 1:
                self.refused("don't ascend", token, sorted(rest)[::-1])
            if rest:
                self.refused("don't ascend", token, sorted([*rest, rest[0]]))

    def test_the_signer_is_the_first_that_fits(self):
        # Another certificate of the same issuer and number, with another key.
        other = Issued("other", key(number=8), SAMPLE.middle, [FOR_TIME])
        token = SAMPLE.token(IMPRINT, own=[other.whole, *SAMPLE.certificates()])
        self.refused("another certificate than the signer's", token)
        token = SAMPLE.token(IMPRINT, own=[*SAMPLE.certificates(), other.whole])
        self.refused("isn't of the signer's chain", token)

    def test_the_next_certificate_is_one_rule(self):
        one, two = sorted(
            (Issued("sample root", key(number=1), extensions=[constraints(), extension("1.2.3", bytes([n]))]))
            .whole for n in range(2)
        )
        below = SAMPLE.certificates()[:2]
        token = SAMPLE.token(IMPRINT, own=below)
        self.refused("isn't of the signer's chain", token, [one, two])
        self.assertEqual(self.holds(token, [one]).root, one)
        self.assertEqual(self.holds(token, [two]).root, two)
        self.refused("isn't of the signer's chain", SAMPLE.token(IMPRINT, own=[*below, two]), [one])
        # The lesser bytes and the token's own are seen by which certificate is said to be in excess.
        with unittest.mock.patch("timestamps.require", lambda holds, reason: None):
            self.assertEqual(Token(token, [one, two], IMPRINT).root, one)
            self.assertEqual(Token(token, [two, one], IMPRINT).root, one)
            self.assertEqual(Token(SAMPLE.token(IMPRINT, own=[*below, two]), [one], IMPRINT).root, two)

    def test_long_chains_loops_and_a_lonely_signer(self):
        lonely = Issued("lonely", key(number=3), extensions=[FOR_TIME])
        authority = Authority()
        authority.signer = lonely
        self.assertEqual(self.holds(authority.token(IMPRINT, own=[lonely.whole])).root, lonely.whole)
        for count, fits in ((6, True), (7, False)):
            chain = [SAMPLE.root]
            for n in range(count):
                chain.insert(0, Issued(f"link {n}", key(number=4), chain[0], [constraints()], chain[0].key))
            authority.signer = Issued("end", key(number=3), chain[0], [FOR_TIME])
            token = authority.token(IMPRINT, own=[authority.signer.whole])
            rest = sorted(one.whole for one in chain)
            self.holds(token, rest) if fits else self.refused("more than 8", token, rest)
        first = Issued("a", key(number=4), issuer=Issued("b", key(number=5)), extensions=[constraints()])
        second = Issued("b", key(number=5), issuer=first, extensions=[constraints()])
        authority.signer = Issued("end", key(number=3), first, [FOR_TIME])
        own = [authority.signer.whole, first.whole, second.whole]
        self.refused("no next certificate", authority.token(IMPRINT, own=own))

    def test_every_byte_counts(self):
        for own in (3, 1):
            token, rest = SAMPLE.token(IMPRINT, own=SAMPLE.certificates()[:own]), sorted(SAMPLE.certificates()[own:])
            self.holds(token, rest)
            for part in range(len(rest) + 1):
                whole = [token, *rest][part]
                for at in range(len(whole)):
                    parts = [token, *rest]
                    parts[part] = whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :]
                    with self.assertRaises(Refusal, msg=f"part {part}, byte {at}"):
                        Token(parts[0], sorted(parts[1:]), IMPRINT)


if __name__ == "__main__":
    unittest.main()
