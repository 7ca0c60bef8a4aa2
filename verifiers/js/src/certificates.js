// X.509 certificates and the signatures by their keys (docs/evidence.md, "The signer's chain"). RSA and ECDSA are
// computed here in every environment: WebCrypto is missing from saved pages in some browsers, and only some
// signatures need it.

import { p256, p384 } from '@noble/curves/nist.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { concat, fromHex, hex } from './bytes.js';
import {
  Fields,
  TAG,
  boolean,
  certificateTime,
  elements,
  integer,
  numberWithin,
  oidText,
  only,
  parse,
  readWhole,
} from './der.js';
import { verifySignature } from './ed25519.js';
import { demand } from './refusal.js';

const MAX_CERTIFICATE = 16_384;
const MAX_UINT64 = (1n << 64n) - 1n;

export const DIGESTS = {
  '2.16.840.1.101.3.4.2.1': { name: 'SHA-256', hash: sha256 },
  '2.16.840.1.101.3.4.2.2': { name: 'SHA-384', hash: sha384 },
  '2.16.840.1.101.3.4.2.3': { name: 'SHA-512', hash: sha512 },
};
export const SHA_1 = { name: 'SHA-1', hash: sha1 };

const RSA = '1.2.840.113549.1.1.1';
const EC = '1.2.840.10045.2.1';
const ED25519 = '1.3.101.112';
const CURVES = {
  '1.2.840.10045.3.1.7': { curve: p256, bytes: 32 },
  '1.3.132.0.34': { curve: p384, bytes: 48 },
};

const [SHA_256, SHA_384] = Object.values(DIGESTS);
export const SHA_512 = DIGESTS['2.16.840.1.101.3.4.2.3'];

/** Signature algorithms: the kind of key and the digest. */
const ALGORITHMS = {
  '1.2.840.113549.1.1.11': { kind: RSA, digest: SHA_256 },
  '1.2.840.113549.1.1.12': { kind: RSA, digest: SHA_384 },
  '1.2.840.113549.1.1.13': { kind: RSA, digest: SHA_512 },
  '1.2.840.113549.1.1.5': { kind: RSA, digest: SHA_1, rootOnly: true },
  '1.2.840.10045.4.3.2': { kind: EC, digest: SHA_256 },
  '1.2.840.10045.4.3.3': { kind: EC, digest: SHA_384 },
  [ED25519]: { kind: ED25519, digest: SHA_512 },
};

/** The OID of a `SEQUENCE { OID, parameters? }` whose parameters may only be NULL. */
export function algorithmOid(element, what) {
  const fields = new Fields(element, TAG.sequence, what);
  const oid = oidText(fields.take(TAG.oid).content);
  fields.optional(TAG.null);
  fields.end();
  return oid;
}

export function digestOf(element, what) {
  const digest = DIGESTS[algorithmOid(element, what)];
  demand(digest, () => `${what} is none of SHA-256, SHA-384 and SHA-512`);
  return digest;
}

/** The algorithm of a certificate's signature. */
function certificateAlgorithm(oid) {
  demand(Object.hasOwn(ALGORITHMS, oid), () => `the signature algorithm ${oid} is not in the table`);
  return ALGORITHMS[oid];
}

/** The algorithm of a token's signature, whose digest is named beside it. */
export function tokenAlgorithm(oid, digest) {
  if (oid === RSA) return { kind: RSA, digest };
  const algorithm = certificateAlgorithm(oid);
  demand(
    !algorithm.rootOnly && algorithm.digest === digest,
    'the signature algorithm does not go with the digest',
  );
  return algorithm;
}

/** Requires the form of a Name: sets of types and values. */
function checkName(element) {
  demand(element.tag === TAG.sequence, 'a Name is not a SEQUENCE');
  for (const set of elements(element.content)) {
    demand(set.tag === TAG.set, 'a Name holds something else than sets');
    const attributes = elements(set.content);
    demand(attributes.length >= 1, 'a Name has an empty set');
    for (const attribute of attributes) {
      const fields = new Fields(attribute, TAG.sequence, 'an attribute of a Name');
      fields.take(TAG.oid);
      fields.any();
      fields.end();
    }
  }
  return element;
}

export const takeName = (fields) => checkName(fields.take(TAG.sequence));

/** Extensions by their OID: whether they are critical, and the bytes of their value. */
export function readExtensions(list) {
  demand(list.length >= 1, 'a field of extensions has none');
  const found = new Map();
  for (const element of list) {
    const fields = new Fields(element, TAG.sequence, 'an extension');
    const oid = oidText(fields.take(TAG.oid).content);
    const critical = fields.optional(TAG.boolean);
    const value = fields.take(TAG.octetString).content;
    fields.end();
    demand(!found.has(oid), () => `the extension ${oid} stands twice`);
    found.set(oid, { critical: critical !== null && boolean(critical), value });
  }
  return found;
}

const KEY_USAGE = '2.5.29.15';
const BASIC_CONSTRAINTS = '2.5.29.19';
const EXT_KEY_USAGE = '2.5.29.37';
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const ANY_USAGE = '2.5.29.37.0';
const DIGITAL_SIGNATURE_OR_NON_REPUDIATION = 0xc000;
const KEY_CERT_SIGN = 0x0400;

/** Reads a certificate's exact bytes and requires its form. */
export function readCertificate(bytes) {
  demand(bytes.length <= MAX_CERTIFICATE, 'a certificate has more than 16384 bytes');
  const outer = new Fields(parse(bytes), TAG.sequence, 'a certificate');
  const body = outer.take(TAG.sequence);
  const algorithm = algorithmOid(outer.take(TAG.sequence), 'a signature algorithm');
  const signature = outer.take(TAG.bitString).content.subarray(1);
  outer.end();

  const fields = new Fields(body, TAG.sequence, "a certificate's body");
  demand(integer(only(fields.take(0xa0), 0xa0, 'a version')) === 2n, 'a certificate is not of version 3');
  const serial = fields.take(TAG.integer).content;
  const inner = algorithmOid(fields.take(TAG.sequence), 'a signature algorithm');
  demand(inner === algorithm, 'a certificate names two signature algorithms');
  const issuer = takeName(fields);
  const validity = new Fields(fields.take(TAG.sequence), TAG.sequence, 'a validity');
  const notBefore = certificateTime(validity.any());
  const notAfter = certificateTime(validity.any());
  validity.end();
  const subject = takeName(fields);
  const keyInfo = new Fields(fields.take(TAG.sequence), TAG.sequence, 'a key');
  const keyAlgorithm = keyInfo.take(TAG.sequence);
  const key = keyInfo.take(TAG.bitString).content.subarray(1);
  keyInfo.end();
  const wrapped = fields.optional(0xa3);
  fields.end();
  const extensions = wrapped === null ? new Map() : readExtensions(elements(onlySequence(wrapped).content));
  for (const [oid, { critical }] of extensions) {
    demand(
      !critical || [KEY_USAGE, BASIC_CONSTRAINTS, EXT_KEY_USAGE].includes(oid),
      () => `the critical extension ${oid} is unknown`,
    );
  }
  return {
    bytes,
    body: body.bytes,
    algorithm: certificateAlgorithm(algorithm),
    signature,
    serial,
    issuer,
    subject,
    notBefore,
    notAfter,
    keyAlgorithm,
    key,
    extensions,
  };
}

function onlySequence(wrapped) {
  const inner = only(wrapped, 0xa3, 'the field of extensions');
  demand(inner.tag === TAG.sequence, 'the field of extensions has another type');
  return inner;
}

/** The bits of a keyUsage, the first in the highest of 16; null without the extension. */
function keyUsage(certificate) {
  const extension = certificate.extensions.get(KEY_USAGE);
  if (extension === undefined) return null;
  const { tag, content } = readWhole(extension.value);
  demand(tag === TAG.bitString && (content.length === 2 || content.length === 3), 'a keyUsage of another form');
  const unused = content[0];
  const last = content[content.length - 1];
  demand(
    unused < 8 && (last & ((1 << unused) - 1)) === 0 && (last >> unused) & 1,
    'a keyUsage of another form',
  );
  return (content[1] << 8) | (content[2] ?? 0);
}

/** The purposes of an extKeyUsage; null without the extension. */
function extKeyUsage(certificate) {
  const extension = certificate.extensions.get(EXT_KEY_USAGE);
  if (extension === undefined) return null;
  const list = parse(extension.value);
  demand(list.tag === TAG.sequence, 'an extKeyUsage of another form');
  return elements(list.content).map((element) => {
    demand(element.tag === TAG.oid, 'an extKeyUsage of another form');
    return oidText(element.content);
  });
}

/** Rule 1: what the signer's certificate is for. */
export function checkSignerUsage(certificate) {
  const purposes = extKeyUsage(certificate);
  demand(
    purposes !== null &&
      certificate.extensions.get(EXT_KEY_USAGE).critical &&
      purposes.length === 1 &&
      purposes[0] === TIME_STAMPING,
    "the signer's certificate is not for time stamps alone",
  );
  const usage = keyUsage(certificate);
  demand(
    usage === null || (usage & ~DIGITAL_SIGNATURE_OR_NON_REPUDIATION) === 0,
    "the signer's key is for something else than signatures",
  );
}

/** Rule 3: whether a certificate may stand above `between` others and the signer's. */
export function checkAuthority(certificate, between) {
  const extension = certificate.extensions.get(BASIC_CONSTRAINTS);
  demand(extension !== undefined, "an issuer's certificate is not an authority's");
  const fields = new Fields(parse(extension.value), TAG.sequence, 'basicConstraints');
  const authority = fields.optional(TAG.boolean);
  const length = fields.optional(TAG.integer);
  fields.end();
  demand(authority !== null && boolean(authority), "an issuer's certificate is not an authority's");
  if (length !== null) {
    const most = numberWithin(length, 0n, MAX_UINT64, 'a pathLenConstraint');
    demand(BigInt(between) <= most, 'more certificates than a pathLenConstraint allows');
  }
  const usage = keyUsage(certificate);
  demand(usage === null || (usage & KEY_CERT_SIGN) !== 0, "an issuer's key may not sign certificates");
  const purposes = extKeyUsage(certificate);
  demand(
    purposes === null || purposes.includes(TIME_STAMPING) || purposes.includes(ANY_USAGE),
    "an issuer's certificate is not for time stamps",
  );
}

/** Resolves to whether the certificate's key made the signature over the message. */
export async function keySigned(certificate, algorithm, message, signature) {
  const [oid, ...parameters] = elements(certificate.keyAlgorithm.content);
  if (oid === undefined || oid.tag !== TAG.oid) return false;
  const kind = oidText(oid.content);
  if (kind !== algorithm.kind) return false;
  if (kind === EC) {
    if (parameters.length !== 1 || parameters[0].tag !== TAG.oid) return false;
    const curve = CURVES[oidText(parameters[0].content)];
    return curve !== undefined && ecdsaHolds(curve, certificate.key, algorithm.digest, message, signature);
  }
  if (parameters.length > 1 || (parameters.length === 1 && parameters[0].tag !== TAG.null)) return false;
  if (kind === ED25519) return verifySignature(certificate.key, signature, message);
  return rsaHolds(certificate.key, algorithm.digest, message, signature);
}

/** Whether the certificate above signed the one below. */
export const issued = (above, below) => keySigned(above, below.algorithm, below.body, below.signature);

const number = (bytes) => (bytes.length === 0 ? 0n : BigInt(`0x${hex(bytes)}`));

function power(base, exponent, modulus) {
  let result = 1n;
  let factor = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % modulus;
    factor = (factor * factor) % modulus;
  }
  return result;
}

// DER of `SEQUENCE { SEQUENCE { OID, NULL }, OCTET STRING` up to the hash (RFC 8017, 9.2).
const DIGEST_INFOS = {
  'SHA-1': '3021300906052b0e03021a05000414',
  'SHA-256': '3031300d060960864801650304020105000420',
  'SHA-384': '3041300d060960864801650304020205000430',
  'SHA-512': '3051300d060960864801650304020305000440',
};

/** The two INTEGERs of a SEQUENCE, which must not be negative; null where it isn't one. */
function integerPair(bytes) {
  let pair;
  try {
    const fields = new Fields(parse(bytes), TAG.sequence, 'a pair');
    pair = [integer(fields.take(TAG.integer)), integer(fields.take(TAG.integer))];
    fields.end();
  } catch (error) {
    if (error.name !== 'Refusal') throw error;
    return null;
  }
  return pair.every((value) => value > 0n) ? pair : null;
}

const rsaHolds = (key, digest, message, signature) => {
  const pair = integerPair(key);
  return pair !== null && rsaVerify(pair, digest, message, signature);
};

/** Whether the RSA key of a modulus, in bytes, made the signature over the message. */
export const rsaSigned = (modulus, exponent, digest, message, signature) =>
  rsaVerify([number(modulus), exponent], digest, message, signature);

/** RSASSA-PKCS1-v1_5: the signature's power is compared with the one encoding of the hash. */
function rsaVerify([modulus, exponent], { name, hash }, message, signature) {
  const bits = modulus.toString(2).length;
  if (bits < 2048 || bits > 8192 || modulus % 2n === 0n) return false;
  if (exponent % 2n === 0n || exponent < 3n || exponent > (1n << 33n) - 1n) return false;
  const length = Math.ceil(bits / 8);
  const value = number(signature);
  if (signature.length !== length || value >= modulus) return false;
  const info = concat(fromHex(DIGEST_INFOS[name]), hash(message));
  const filling = new Uint8Array(length - info.length - 3).fill(0xff);
  const encoded = concat(Uint8Array.of(0, 1), filling, Uint8Array.of(0), info);
  return power(value, exponent, modulus) === number(encoded);
}

function ecdsaHolds({ curve, bytes: size }, key, { hash }, message, signature) {
  const pair = integerPair(signature);
  if (pair === null || key.length !== 1 + 2 * size || key[0] !== 4) return false;
  const { Point } = curve;
  const order = Point.Fn.ORDER;
  const [r, s] = pair;
  if (r >= order || s >= order) return false;
  let point;
  try {
    point = Point.fromBytes(key);
    point.assertValidity();
  } catch {
    return false;
  }
  // The hash's leftmost bits, as many as the order has; both orders have whole bytes.
  const z = number(hash(message).subarray(0, size)) % order;
  const inverse = Point.Fn.inv(s);
  const u1 = (z * inverse) % order;
  const u2 = (r * inverse) % order;
  const sum = Point.BASE.multiplyUnsafe(u1).add(point.multiplyUnsafe(u2));
  return !sum.is0() && sum.toAffine().x % order === r;
}
