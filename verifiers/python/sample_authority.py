"""A time-stamp authority made up for tests: it signs whatever it is told, field by field."""

import datetime
import functools
import hashlib

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from checkpoints import document
from der import TAGS
from proofs import be64, block_id, sha256, tagged
from timestamps import ALGORITHMS, DIGESTS, EC, HASHES, RSA
from timestamps import BASIC_CONSTRAINTS, CONTENT_TYPE, EXT_KEY_USAGE, KEY_USAGE, MESSAGE_DIGEST, SIGNED_DATA
from timestamps import SIGNING_CERTIFICATE_V2, TIME_STAMPING, TST_INFO
from wire import decode

# ---- DER ----


def der(tag, *parts):
    """An element; the tag is a number or one of the reader's names."""
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        length = bytes([size])
    else:
        octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([128 | len(octets)]) + octets
    return bytes([TAGS.get(tag, tag)]) + length + content


def integer(n):
    """An INTEGER."""
    bits = (n if n >= 0 else ~n).bit_length()
    return der("INTEGER", n.to_bytes(bits // 8 + 1, "big", signed=True))


def oid(text):
    """An OID."""
    first, second, *rest = map(int, text.split("."))
    out = b""
    for n in [40 * first + second, *rest]:
        octets = [n & 127]
        while n := n >> 7:
            octets.insert(0, n & 127 | 128)
        out += bytes(octets)
    return der("OID", out)


def sequence(*parts):
    """A SEQUENCE."""
    return der("SEQUENCE", *parts)


def algorithm(name, *parameters):
    """An algorithm by its OID."""
    return sequence(oid(name), *parameters)


def digest_algorithm(name):
    """A digest by its name."""
    return algorithm({name: number for number, name in DIGESTS.items()}[name])


def name(text):
    """A Name of one part."""
    return sequence(der("SET", sequence(oid("2.5.4.3"), der(0x0C, text.encode()))))


def utc_time(moment):
    """A UTCTime or, from 2050 on, a GeneralizedTime."""
    if moment.year < 2050:
        return der("UTCTime", moment.strftime("%y%m%d%H%M%SZ").encode())
    return der("GeneralizedTime", moment.strftime("%Y%m%d%H%M%SZ").encode())


def extension(kind, value, *critical):
    """An extension with a value in DER."""
    return sequence(oid(kind), *critical, der("OCTETS", value))


CRITICAL = der("BOOLEAN", b"\xff")
UNCRITICAL = der("BOOLEAN", b"\0")


def usage(*bits):
    """A keyUsage with these bits, critical."""
    octets = bytearray(max(bits) // 8 + 1)
    for bit in bits:
        octets[bit // 8] |= 128 >> bit % 8
    return extension(KEY_USAGE, der("BITS", bytes([7 - max(bits) % 8]), octets), CRITICAL)


def extended(*purposes, critical=CRITICAL):
    """An extKeyUsage."""
    return extension(EXT_KEY_USAGE, sequence(*map(oid, purposes)), *([critical] if critical else []))


def constraints(*parts):
    """A basicConstraints of an authority, critical."""
    return extension(BASIC_CONSTRAINTS, sequence(CRITICAL, *parts), CRITICAL)


FOR_TIME = extended(TIME_STAMPING)

# ---- Keys ----


class Key:
    """A key that signs with an algorithm of the document's table."""

    def __init__(self, signs, bits=2048, curve=None):
        self.signs = signs
        self.kind, self.hash_name = ALGORITHMS[signs]
        if self.kind == RSA:
            self.secret = rsa.generate_private_key(65537, bits)
        elif self.kind == EC:
            self.secret = ec.generate_private_key(curve or ec.SECP256R1())
        else:
            self.secret = Ed25519PrivateKey.generate()
        self.info = self.secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, message, hash_name=None):
        """A signature."""
        by = HASHES[hash_name or self.hash_name]
        if self.kind == RSA:
            return self.secret.sign(message, padding.PKCS1v15(), by)
        return self.secret.sign(message, ec.ECDSA(by)) if self.kind == EC else self.secret.sign(message)


@functools.cache
def key(signs="1.2.840.10045.4.3.2", number=0, **more):
    """A key of an algorithm; another for each number."""
    return Key(signs, **more)


# ---- Certificates and tokens ----

BEGIN, END = datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1)


class Issued:
    """A certificate, with the key that it certifies."""

    def __init__(self, label, own, issuer=None, extensions=(), signed_by=None, **parts):
        """`issuer` is an `Issued`, or None for itself; `parts` are fields in DER that replace the right ones."""
        self.key, self.serial = own, parts.get("serial", integer(7))
        signer = signed_by or (issuer.key if issuer else own)
        self.subject = parts.get("subject", name(label))
        self.issuer = parts.get("issuer", issuer.subject if issuer else self.subject)
        inner = parts.get("algorithm", algorithm(signer.signs))
        fields = [
            parts.get("version", der("[0]", integer(2))),
            self.serial,
            inner,
            self.issuer,
            parts.get("validity", sequence(utc_time(BEGIN), utc_time(END))),
            self.subject,
            parts.get("info", own.info),
            parts.get("last", der("[3]", sequence(*extensions)) if extensions else b""),
        ]
        signed = sequence(*fields)
        signature = parts.get("signature") or der("BITS", b"\0", signer.sign(signed))
        self.whole = sequence(signed, parts.get("outer", inner), signature)


class Authority:
    """A signer below an intermediate authority below a root."""

    def __init__(self, label="sample", signer=(), middle=(), root=()):
        """`signer`, `middle` and `root` are keywords for these certificates; `key` replaces a key."""
        signer, middle, root = dict(signer), dict(middle), dict(root)
        root = {"extensions": [constraints(), usage(5, 6)]} | root
        self.root = Issued(f"{label} root", root.pop("key", key(number=1)), **root)
        middle = {"extensions": [constraints(integer(0)), usage(5)], "issuer": self.root} | middle
        self.middle = Issued(f"{label} middle", middle.pop("key", key(number=2)), middle.pop("issuer"), **middle)
        signer = {"extensions": [FOR_TIME, usage(0)], "issuer": self.middle} | signer
        self.signer = Issued(f"{label} signer", signer.pop("key", key(number=3)), signer.pop("issuer"), **signer)

    def certificates(self):
        """The chain, the signer's certificate first."""
        return [self.signer.whole, self.middle.whole, self.root.whole]

    def content(self, imprint, **parts):
        """A TSTInfo."""
        order = "version policy stamped serial moment accuracy ordering nonce authority extensions last".split()
        fields = {
            "version": integer(1),
            "policy": oid("1.2.3.4"),
            "stamped": sequence(digest_algorithm("sha256"), der("OCTETS", imprint)),
            "serial": integer(77),
            "moment": der("GeneralizedTime", b"20260301120000Z"),
        }
        fields |= parts
        return sequence(*(fields.get(field, b"") for field in order))

    def attributes(self, content, hash_name):
        """The signed attributes, by their OIDs."""
        named = sequence(sequence(sequence(der("OCTETS", sha256(self.signer.whole)))))
        return {
            CONTENT_TYPE: [oid(TST_INFO)],
            MESSAGE_DIGEST: [der("OCTETS", hashlib.new(hash_name, content).digest())],
            SIGNING_CERTIFICATE_V2: [named],
        }

    def token(self, imprint, own=None, hash_name=None, attributes=None, content=None, **parts):
        """A token with its own certificates (bytes); `attributes` changes the signed ones by OID, in DER."""
        hash_name = hash_name or self.signer.key.hash_name
        content = content or self.content(imprint)
        signed = self.attributes(content, hash_name) | (attributes or {})
        signed = b"".join(sequence(oid(k), der("SET", *values)) for k, values in signed.items() if values)
        signed = parts.get("signed", signed)
        digest = digest_algorithm(hash_name)
        signer = self.signer.key
        right = next((k for k, v in ALGORITHMS.items() if v == (signer.kind, hash_name)), signer.signs)
        own = self.certificates() if own is None else own
        info = sequence(
            parts.get("info_version", integer(1)),
            parts.get("identity", sequence(self.signer.issuer, self.signer.serial)),
            parts.get("info_digest", digest),
            der("[0]", signed),
            parts.get("signature_algorithm", algorithm(right)),
            parts.get("signature") or der("OCTETS", signer.sign(der("SET", signed), hash_name)),
            parts.get("info_last", b""),
        )
        data = sequence(
            parts.get("version", integer(3)),
            parts.get("digests", der("SET", digest)),
            parts.get("encapsulated", sequence(oid(parts.get("holds", TST_INFO)), der("[0]", der("OCTETS", content)))),
            parts.get("own", der("[0]", *own) if own else b""),
            parts.get("lists", b""),
            parts.get("infos", der("SET", info, parts.get("second", b""))),
        )
        return sequence(oid(parts.get("kind", SIGNED_DATA)), der("[0]", data), parts.get("last", b""))


# ---- Checkpoints ----


def tree(chain_id, first, blocks):
    """The root of a checkpoint of blocks (id, validators_hash) from a height on, and the siblings of each height."""
    last = first + len(blocks) - 1
    nodes = [b""] * (last - first)
    for height, block in enumerate(blocks, first):
        nodes.append(tagged("touchstone/checkpoint-block/v1", chain_id, be64(height), *block))
    for k in range(last - first - 1, -1, -1):
        nodes[k] = tagged("touchstone/checkpoint-node/v1", nodes[2 * k + 1], nodes[2 * k + 2])
    paths = {}
    for height in range(first, last + 1):
        k, siblings = last - first + height - first, []
        while k:
            siblings.append(nodes[k + 1 if k % 2 else k - 1])
            k = (k - 1) // 2
        paths[height] = siblings
    return tagged("touchstone/checkpoint-node/v1", be64(last - first + 1), nodes[0]), paths


def checkpoint(ledger, first, last, url, stamp):
    """A `Checkpoint` and the siblings of each height; `stamp` makes (token, other certificates) of the document."""
    headers = [certified["header"] for certified, _, _ in ledger.blocks[first - 1 : last]]
    blocks = [(block_id(header), decode("Header", header)["validators_hash"]) for header in headers]
    root, paths = tree(ledger.chain_id, first, blocks)
    message = {"first": first, "last": last, "authority": url}
    token, certificates = stamp(document(ledger.chain_id, message, root))
    return message | {"token": token, "certificates": sorted(certificates)}, paths


def with_stamps(evidence, *made):
    """An `Evidence` with what `checkpoint` made, each with the heights that it stamps: (checkpoint, paths, heights)."""
    stamps = [
        {"checkpoint": index, "height": height, "siblings": paths[height]}
        for index, (_, paths, heights) in enumerate(made)
        for height in heights
    ]
    return evidence | {"checkpoints": [message for message, _, _ in made], "stamps": stamps}
