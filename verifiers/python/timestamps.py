"""RFC 3161 time-stamp tokens and the certificates of who signed them, as docs/evidence.md describes both in "What a
token is" and "The signer's chain". Numbers in comments are those of that document's rules.
"""

import hashlib
import unicodedata

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from der import TAGS, check_element, elements, match, number, oid, one, time_ms
from proofs import ed25519_holds, require
from wire import Refusal

LARGEST_TOKEN = 65_536
LARGEST_CERTIFICATE = 16_384

SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
KEY_USAGE, BASIC_CONSTRAINTS, EXT_KEY_USAGE = "2.5.29.15", "2.5.29.19", "2.5.29.37"
TIME_STAMPING, ANY_USAGE = "1.3.6.1.5.5.7.3.8", "2.5.29.37.0"
RSA, EC, ED25519 = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.3.101.112"
DIGESTS = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
CURVES = {"1.2.840.10045.3.1.7": ec.SECP256R1(), "1.3.132.0.34": ec.SECP384R1()}
# The table of algorithms: the key's kind and the hash.
ALGORITHMS = {
    "1.2.840.113549.1.1.11": (RSA, "sha256"),
    "1.2.840.113549.1.1.12": (RSA, "sha384"),
    "1.2.840.113549.1.1.13": (RSA, "sha512"),
    "1.2.840.113549.1.1.5": (RSA, "sha1"),
    "1.2.840.10045.4.3.2": (EC, "sha256"),
    "1.2.840.10045.4.3.3": (EC, "sha384"),
    ED25519: (ED25519, "sha512"),
}
HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}

# ---- Algorithms, keys and signatures ----


def algorithm(element):
    """The OID of an algorithm; a NULL counts as no parameters, and there are no others."""
    return oid(match(element.content, "OID NULL?")[0])


def digest_name(element):
    """The name of one of the three digests."""
    name = DIGESTS.get(algorithm(element))
    require(name, "a digest isn't SHA-256, SHA-384 or SHA-512")
    return name


def digest(name, data):
    """A digest by its name."""
    return hashlib.new(name, data).digest()


def public_key(info):
    """The kind of a key and the key, in the forms of the table of algorithms."""
    form, bits = match(info.content, "SEQUENCE BITS")
    kind, encoded = oid(elements(form.content)[0]) if form.content[:1] == b"\6" else "", bits.content[1:]
    try:
        if kind == RSA and algorithm(form):
            n, e = map(number, match(one(encoded, "SEQUENCE").content, "INTEGER INTEGER"))
            require(n > 0 and e > 0 and 2048 <= n.bit_length() <= 8192, "an RSA key isn't of 2048 to 8192 bits")
            require(e % 2 and 3 <= e < 2**33, "an RSA key's exponent isn't odd, or not from 3 to 2^33 - 1")
            return RSA, rsa.RSAPublicNumbers(e, n).public_key()
        if kind == EC:
            curve = CURVES.get(oid(match(form.content, "OID OID")[1]))
            require(curve and encoded[:1] == b"\4", "a key isn't an uncompressed point of P-256 or P-384")
            return EC, ec.EllipticCurvePublicKey.from_encoded_point(curve, encoded)
        if kind == ED25519 and algorithm(form):
            require(len(encoded) == 32, "an Ed25519 key doesn't have 32 bytes")
            return ED25519, encoded
    except ValueError:
        raise Refusal("a key isn't one") from None
    raise Refusal("a key is of an unknown algorithm")


def signature_holds(key, kind, hash_name, message, signature):
    """Whether a signature of this algorithm holds over a message."""
    if key[0] != kind:
        return False
    try:
        if kind == RSA:
            key[1].verify(signature, message, padding.PKCS1v15(), HASHES[hash_name])
        elif kind == EC:
            match(one(signature, "SEQUENCE").content, "INTEGER INTEGER")
            key[1].verify(signature, message, ec.ECDSA(HASHES[hash_name]))
        else:
            return ed25519_holds(key[1], message, signature)
    except (InvalidSignature, ValueError, Refusal):
        return False
    return True


# ---- Certificates ----


def read_name(name):
    """The text of a Name, for persons to read; nothing but its form is examined."""
    known = {"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU"}
    parts = []
    for group in elements(name.content):
        pairs = elements(group.content)
        require(group.tag == TAGS["SET"] and pairs, "a name isn't a SEQUENCE of SETs")
        for pair in pairs:
            pieces = elements(pair.content)
            right = pair.tag == TAGS["SEQUENCE"] and len(pieces) == 2 and pieces[0].tag == TAGS["OID"]
            require(right, "a part of a name isn't an OID and a value")
            kind, value = oid(pieces[0]), pieces[1]
            codings = {0x0C: "utf-8", 0x13: "utf-8", 0x14: "utf-8", 0x16: "utf-8", 0x1E: "utf-16-be"}
            coding = codings.get(value.tag)
            text = value.content.decode(coding, errors="replace") if coding else value.whole.hex()
            text = "".join("\ufffd" if unicodedata.category(letter) == "Cc" else letter for letter in text)
            parts.append(f"{known.get(kind, kind)}={text}")
    return ", ".join(parts)


def read_extensions(sequences, critical_allowed):
    """The exact values of extensions by OID; only those of the OIDs named may be critical: {OID: (critical, value)}."""
    require(sequences, "a list of extensions is empty")
    found = {}
    for sequence in sequences:
        require(sequence.tag == TAGS["SEQUENCE"], "an extension isn't a SEQUENCE")
        name, critical, value = match(sequence.content, "OID BOOLEAN? OCTETS")
        name, critical = oid(name), critical is not None and critical.content == b"\xff"
        require(name not in found, "an extension stands twice")
        require(not critical or name in critical_allowed, f"the extension {name} is critical")
        found[name] = critical, value.content
    return found


def read_usage(value):
    """The bits that are set in a keyUsage."""
    (bits,) = match(value, "BITS")
    require(len(bits.content) in (2, 3), "a keyUsage doesn't have 1 or 2 bytes of bits")
    unused, octets = bits.content[0], bits.content[1:]
    # X.690, 11.2: unused bits are 0, and the last one used is 1.
    last = unused < 8 and octets[-1] & (2 << unused) - 1 == 1 << unused
    require(last, "the bits of a keyUsage aren't in their shortest form")
    return {i for i in range(8 * len(octets)) if octets[i // 8] >> (7 - i % 8) & 1}


class Certificate:
    """A certificate of the document's form, read from its exact bytes."""

    def __init__(self, data):
        require(len(data) <= LARGEST_CERTIFICATE, "a certificate has more than 16,384 bytes")
        self.whole = data
        tbs, outer, signature = match(one(data, "SEQUENCE").content, "SEQUENCE SEQUENCE BITS")
        self.signed, self.signature = tbs.whole, signature.content[1:]
        fields = match(tbs.content, "[0] INTEGER SEQUENCE SEQUENCE SEQUENCE SEQUENCE SEQUENCE [3]?")
        version, serial, inner, issuer, validity, subject, key, extensions = fields
        require(number(match(version.content, "INTEGER")[0]) == 2, "a certificate isn't of version 3")
        self.serial, self.issuer, self.subject = serial.whole, issuer.whole, subject.whole
        self.name, _ = read_name(subject), read_name(issuer)
        require(algorithm(inner) == algorithm(outer), "a certificate's signature algorithms differ")
        require(algorithm(inner) in ALGORITHMS, "a certificate's signature algorithm is unknown")
        self.algorithm = ALGORITHMS[algorithm(inner)]
        times = elements(validity.content)
        right = len(times) == 2 and all(t.tag in (TAGS["UTCTime"], TAGS["GeneralizedTime"]) for t in times)
        require(right and b"." not in validity.content, "a certificate's validity isn't two times without fraction")
        self.not_before, self.not_after = map(time_ms, times)
        self.key = public_key(key)
        self.read_extensions(extensions)

    def read_extensions(self, field):
        """Reads the extensions that the rules look at."""
        values = {}
        if field is not None:
            allowed = BASIC_CONSTRAINTS, KEY_USAGE, EXT_KEY_USAGE
            values = read_extensions(elements(match(field.content, "SEQUENCE")[0].content), allowed)
        self.usage = self.extended = None
        self.extended_critical, self.is_authority, self.path_length = False, False, None
        if KEY_USAGE in values:
            self.usage = read_usage(values[KEY_USAGE][1])
        if EXT_KEY_USAGE in values:
            self.extended_critical, value = values[EXT_KEY_USAGE]
            purposes = elements(one(value, "SEQUENCE").content)
            require(all(purpose.tag == TAGS["OID"] for purpose in purposes), "an extKeyUsage holds no OID")
            self.extended = [oid(purpose) for purpose in purposes]
        if BASIC_CONSTRAINTS in values:
            authority, length = match(one(values[BASIC_CONSTRAINTS][1], "SEQUENCE").content, "BOOLEAN? INTEGER?")
            self.is_authority = authority is not None and authority.content == b"\xff"
            self.path_length = None if length is None else number(length)
            fits = length is None or 0 <= self.path_length < 2**64
            require(fits, "a pathLenConstraint isn't from 0 to 2^64 - 1")

    def may_sign_tokens(self):
        """Rule 1."""
        usage = self.usage is None or (self.usage and self.usage <= {0, 1})
        return usage and self.extended_critical and self.extended == [TIME_STAMPING]

    def may_sign_certificates(self, below):
        """Rule 3, with so many certificates between it and the signer's."""
        length = self.path_length is None or below <= self.path_length
        usage = self.usage is None or 5 in self.usage
        extended = self.extended is None or TIME_STAMPING in self.extended or ANY_USAGE in self.extended
        return self.is_authority and length and usage and extended

    def is_valid_at(self, moment_ms):
        """Rule 4."""
        return self.not_before <= moment_ms <= self.not_after

    def signed_by(self, other):
        """Whether the other's key signed this certificate; SHA-1 serves only a root's signature over itself."""
        kind, hash_name = self.algorithm
        if hash_name == "sha1" and other is not self:
            return False
        return signature_holds(other.key, kind, hash_name, self.signed, self.signature)


def chain_of(signer, own, others, moment_ms):
    """The signer's chain from its certificate to the root, among the token's own certificates and the others."""
    require(signer.may_sign_tokens(), "the signer's certificate isn't one for time stamps alone")
    require(signer.is_valid_at(moment_ms), "the signer's certificate isn't valid at genTime")
    chain = [signer]
    while chain[-1].issuer != chain[-1].subject:
        last = chain[-1]

        def is_next(certificate, last=last):
            fits = certificate.subject == last.issuer and all(certificate.whole != c.whole for c in chain)
            fits = fits and certificate.may_sign_certificates(len(chain) - 1) and certificate.is_valid_at(moment_ms)
            return fits and last.signed_by(certificate)

        # Rule 2: the token's own go first, and then the lesser bytes.
        ordered = [sorted(part, key=lambda certificate: certificate.whole) for part in (own, others)]
        following = next(filter(is_next, ordered[0] + ordered[1]), None)
        require(following, "the signer's chain has no next certificate that may sign the last")
        chain.append(following)
        require(len(chain) <= 8, "the signer's chain has more than 8 certificates")
    require(chain[-1].signed_by(chain[-1]), "the root's signature over itself doesn't hold")
    return chain


# ---- Tokens ----


class Token:
    """What a token says: it holds for an imprint, and is signed by a chain that ends at `root` (exact bytes)."""

    def __init__(self, token, certificates, imprint):
        """Requires all that the document asks of a token (bytes) with certificates (bytes) for an imprint."""
        require(len(token) <= LARGEST_TOKEN, "a token has more than 65,536 bytes")
        require(len(certificates) <= 32, "a token comes with more than 32 certificates")
        require(all(a < b for a, b in zip(certificates, certificates[1:])), "certificates don't ascend")
        content, own, signer_info = self.read_signed_data(token)
        self.read_content(content, imprint)
        require(len(own) == len(set(own)), "a token holds a certificate twice")
        require(not set(own) & set(certificates), "a certificate stands beside a token that holds it")
        # Form first: no certificate may break it, whether the chain needs it or not.
        own, others = list(map(Certificate, own)), list(map(Certificate, certificates))
        signer = self.verify_signer(signer_info, content, own + others)
        chain = chain_of(signer, own, others, self.moment_ms)
        held = {certificate.whole for certificate in chain}
        require(all(c.whole in held for c in own + others), "a certificate isn't of the signer's chain")
        self.root, self.signer = chain[-1].whole, signer.name

    def read_signed_data(self, token):
        """The content's exact bytes, the token's own certificates (bytes), and the SignerInfo."""
        kind, outer = match(one(token, "SEQUENCE").content, "OID [0]")
        require(oid(kind) == SIGNED_DATA, "a token isn't signedData")
        (signed_data,) = match(outer.content, "SEQUENCE")
        version, digests, content, held, signers = match(signed_data.content, "INTEGER SET SEQUENCE [0]? SET")
        require(number(version) == 3, "signedData isn't of version 3")
        (used,) = match(digests.content, "SEQUENCE")
        self.digest = digest_name(used)
        kind, content = match(content.content, "OID [0]")
        require(oid(kind) == TST_INFO, "a token's content isn't a TSTInfo")
        (content,) = match(content.content, "OCTETS")
        own = elements(held.content) if held is not None else []
        require(held is None or 1 <= len(own) <= 8, "a token's certificates aren't 1 to 8")
        require(all(one.tag == TAGS["SEQUENCE"] for one in own), "a token holds what isn't a certificate")
        (signer,) = match(signers.content, "SEQUENCE")
        return content.content, [one.whole for one in own], signer

    def read_content(self, content, imprint):
        """Reads the TSTInfo; rules 1 and 5."""
        form = "INTEGER OID SEQUENCE INTEGER GeneralizedTime SEQUENCE? BOOLEAN? INTEGER? [0]? [1]?"
        fields = match(one(content, "SEQUENCE").content, form)
        version, policy, stamped, serial, moment, accuracy, _, _, authority, extensions = fields
        require(number(version) == 1, "a TSTInfo isn't of version 1")
        by, hashed = match(stamped.content, "SEQUENCE OCTETS")
        require(digest_name(by) == "sha256" and hashed.content == imprint, "a token has another imprint")
        self.moment_ms = time_ms(moment)
        require(self.moment_ms >= 0, "genTime is before 1970")
        self.accuracy_ms = None if accuracy is None else accuracy_ms(accuracy)
        require(authority is None or len(elements(authority.content)) == 1, "a token's authority isn't one name")
        if extensions is not None:
            read_extensions(elements(extensions.content), ())
        number(serial)
        self.policy, self.serial = oid(policy), serial.content.hex()

    def verify_signer(self, info, content, certificates):
        """The certificate of who signed the token: rules 1 to 4."""
        form = "INTEGER SEQUENCE SEQUENCE [0] SEQUENCE OCTETS"
        version, identity, used, attributes, signed_by, signature = match(info.content, form)
        require(number(version) == 1, "a SignerInfo isn't of version 1")
        require(digest_name(used) == self.digest, "a token's digests differ")
        issuer, serial = match(identity.content, "SEQUENCE INTEGER")
        named = [c for c in certificates if (c.issuer, c.serial) == (issuer.whole, serial.whole)]
        require(named, "the signer's certificate is missing")
        self.check_attributes(attributes, content, named[0])
        kind, by = algorithm(signed_by), self.digest
        kind, by = (RSA, by) if kind == RSA else ALGORITHMS.get(kind, ("", ""))
        require(by == self.digest, "the signature's algorithm isn't one for the digest")
        message = b"\x31" + attributes.whole[1:]
        holds = signature_holds(named[0].key, kind, by, message, signature.content)
        require(holds, "a token's signature doesn't hold")
        return named[0]

    def check_attributes(self, attributes, content, signer):
        """Rule 3."""
        values = {}
        for attribute in elements(attributes.content):
            require(attribute.tag == TAGS["SEQUENCE"], "an attribute isn't a SEQUENCE")
            name, held = match(attribute.content, "OID SET")
            require(oid(name) not in values, "an attribute stands twice")
            require(len(elements(held.content)) == 1, "an attribute doesn't have one value")
            values[oid(name)] = held.content
        kind = match(values.get(CONTENT_TYPE, b""), "OID")[0]
        require(oid(kind) == TST_INFO, "the contentType isn't TSTInfo")
        hashed = match(values.get(MESSAGE_DIGEST, b""), "OCTETS")[0].content
        require(hashed == digest(self.digest, content), "the messageDigest isn't that of the content")
        named = [name for name in (SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2) if name in values]
        require(named, "no attribute names the signer's certificate")
        for name in named:
            first = match(values[name], "SEQUENCE")[0]
            for _ in range(2):
                inside = elements(first.content)
                require(inside and inside[0].tag == TAGS["SEQUENCE"], "an attribute names no certificate")
                first = inside[0]
            inside, by = elements(first.content), "sha1"
            if name == SIGNING_CERTIFICATE_V2:
                by = "sha256"
                if inside and inside[0].tag == TAGS["SEQUENCE"]:
                    by = digest_name(inside.pop(0))
            require(inside and inside[0].tag == TAGS["OCTETS"], "an attribute names no certificate")
            same = inside[0].content == digest(by, signer.whole)
            require(same, "an attribute names another certificate than the signer's")


def accuracy_ms(element):
    """An accuracy in milliseconds, rounded up: rule 5."""
    seconds, millis, micros = match(element.content, "INTEGER? [0]primitive? [1]primitive?")
    for part in (millis, micros):
        if part is not None:
            check_element(part._replace(tag=TAGS["INTEGER"]))
            require(1 <= number(part) <= 999, "a part of an accuracy isn't from 1 to 999")
    require(seconds is None or 0 <= number(seconds) < 2**64, "the seconds of an accuracy don't fit 64 bits")
    total = sum(number(part) * unit for part, unit in ((seconds, 10**6), (millis, 1000), (micros, 1)) if part)
    return -(-total // 1000)
