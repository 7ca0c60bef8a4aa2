// RFC 3161 time-stamp tokens and the chains of those who signed them (docs/evidence.md, "What a token is").

import { compare, concat, equal, hex } from './bytes.js';
import {
  SHA_1,
  algorithmOid,
  checkAuthority,
  checkSignerUsage,
  digestOf,
  issued,
  keySigned,
  readCertificate,
  readExtensions,
  takeName,
  tokenAlgorithm,
} from './certificates.js';
import { sha256 } from './hashes.js';
import {
  Fields,
  TAG,
  elements,
  integer,
  nameText,
  numberWithin,
  oidText,
  only,
  parse,
  requireDistinct,
  tokenTime,
} from './der.js';
import { Refusal, demand } from './refusal.js';

const MAX_TOKEN = 65_536;
const MAX_OWN_CERTIFICATES = 8;
const MAX_CERTIFICATES = 32;
const MAX_CHAIN = 8;
const MAX_UINT64 = (1n << 64n) - 1n;

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12';
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';

const isOid = (element, dotted) => element.tag === TAG.oid && oidText(element.content) === dotted;

function readToken(bytes) {
  demand(bytes.length <= MAX_TOKEN, 'the token has more than 65536 bytes');
  const token = new Fields(parse(bytes), TAG.sequence, 'the token');
  demand(isOid(token.take(TAG.oid), SIGNED_DATA), 'the token is not signed data');
  const wrapped = token.take(0xa0);
  token.end();

  const data = new Fields(only(wrapped, 0xa0, 'the token'), TAG.sequence, 'the signed data');
  demand(integer(data.take(TAG.integer)) === 3n, 'the signed data are not of version 3');
  const digest = digestOf(only(data.take(TAG.set), TAG.set, 'the digests'), 'the digest');
  const encapsulated = new Fields(data.take(TAG.sequence), TAG.sequence, 'the encapsulated content');
  demand(isOid(encapsulated.take(TAG.oid), TST_INFO), 'the token holds something else than a time stamp');
  const content = only(encapsulated.take(0xa0), 0xa0, 'the encapsulated content');
  demand(content.tag === TAG.octetString, 'the encapsulated content is not an OCTET STRING');
  encapsulated.end();
  const certificates = readOwnCertificates(data.optional(0xa0));
  const signer = readSigner(only(data.take(TAG.set), TAG.set, 'the signers'));
  data.end();
  demand(signer.digest === digest, 'the token names two digests');
  return { content: content.content, digest, certificates, signer };
}

function readOwnCertificates(field) {
  if (field === null) return [];
  const list = elements(field.content);
  demand(list.length >= 1 && list.length <= MAX_OWN_CERTIFICATES, 'the token has not 1 to 8 certificates');
  demand(
    list.every((element) => element.tag === TAG.sequence),
    'the token has another kind of certificate',
  );
  requireDistinct(list, (element) => element.bytes, 'a certificate of the token');
  return list.map((element) => readCertificate(element.bytes));
}

function readSigner(element) {
  const fields = new Fields(element, TAG.sequence, 'the signer');
  demand(integer(fields.take(TAG.integer)) === 1n, "the signer's information is not of version 1");
  const name = new Fields(fields.take(TAG.sequence), TAG.sequence, "the signer's name");
  const issuer = takeName(name).bytes;
  const serial = name.take(TAG.integer).content;
  name.end();
  const digest = digestOf(fields.take(TAG.sequence), 'the digest');
  const signed = fields.take(0xa0);
  const algorithm = tokenAlgorithm(algorithmOid(fields.take(TAG.sequence), 'the signature algorithm'), digest);
  const signature = fields.take(TAG.octetString).content;
  fields.end();
  const attributes = new Map();
  for (const attribute of elements(signed.content)) {
    const parts = new Fields(attribute, TAG.sequence, 'an attribute');
    const type = oidText(parts.take(TAG.oid).content);
    const value = only(parts.take(TAG.set), TAG.set, "an attribute's values");
    parts.end();
    demand(!attributes.has(type), () => `the attribute ${type} stands twice`);
    attributes.set(type, value);
  }
  const message = concat(Uint8Array.of(TAG.set), signed.bytes.subarray(1));
  return { issuer, serial, digest, algorithm, signature, attributes, message };
}

/** What the authority states. */
function readContent(bytes, imprint) {
  const fields = new Fields(parse(bytes), TAG.sequence, 'the time stamp');
  demand(integer(fields.take(TAG.integer)) === 1n, 'the time stamp is not of version 1');
  const policy = oidText(fields.take(TAG.oid).content);
  const stamped = new Fields(fields.take(TAG.sequence), TAG.sequence, 'the imprint');
  demand(
    digestOf(stamped.take(TAG.sequence), "the imprint's digest").name === 'SHA-256',
    'the imprint is not SHA-256',
  );
  demand(equal(stamped.take(TAG.octetString).content, imprint), 'the token stamps something else');
  stamped.end();
  const serial = fields.take(TAG.integer).content;
  const genTime = tokenTime(fields.take(TAG.generalizedTime));
  const accuracy = readAccuracy(fields.optional(TAG.sequence));
  fields.optional(TAG.boolean);
  fields.optional(TAG.integer);
  const authority = fields.optional(0xa0);
  if (authority !== null) only(authority, 0xa0, "the authority's name");
  const extensions = fields.optional(0xa1);
  fields.end();
  if (extensions !== null) {
    for (const [oid, { critical }] of readExtensions(elements(extensions.content))) {
      demand(!critical, () => `the critical extension ${oid} of the time stamp is unknown`);
    }
  }
  return { policy, serial, genTime, accuracy };
}

/** Milliseconds, rounded up; null where no accuracy is stated. */
function readAccuracy(element) {
  if (element === null) return null;
  const fields = new Fields(element, TAG.sequence, 'the accuracy');
  const part = (tag, least, most) => {
    const found = fields.optional(tag);
    return found === null ? 0n : numberWithin(found, least, most, 'the accuracy');
  };
  const seconds = part(TAG.integer, 0n, MAX_UINT64);
  const milliseconds = part(0x80, 1n, 999n);
  const microseconds = part(0x81, 1n, 999n);
  fields.end();
  return seconds * 1000n + milliseconds + (microseconds > 0n ? 1n : 0n);
}

function checkAttributes({ attributes, digest }, content, certificate) {
  const contentType = attributes.get(CONTENT_TYPE);
  demand(contentType && isOid(contentType, TST_INFO), 'the signed content type is another');
  const messageDigest = attributes.get(MESSAGE_DIGEST);
  demand(
    messageDigest &&
      messageDigest.tag === TAG.octetString &&
      equal(messageDigest.content, digest.hash(content)),
    'the signed digest is not that of the content',
  );
  const second = attributes.get(SIGNING_CERTIFICATE_V2);
  const first = attributes.get(SIGNING_CERTIFICATE);
  demand(first || second, "no attribute names the signer's certificate");
  const check = (value, algorithmAllowed) => {
    const list = new Fields(value, TAG.sequence, 'the signing certificate').any();
    const entry = new Fields(list, TAG.sequence, 'the signing certificate').any();
    const fields = new Fields(entry, TAG.sequence, 'the signing certificate');
    const named = algorithmAllowed ? fields.optional(TAG.sequence) : null;
    let algorithm = algorithmAllowed ? { hash: sha256 } : SHA_1;
    if (named !== null) algorithm = digestOf(named, "the signing certificate's digest");
    const hash = fields.take(TAG.octetString).content;
    demand(equal(hash, algorithm.hash(certificate.bytes)), 'another certificate was to sign');
  };
  if (second) check(second, true);
  if (first) check(first, false);
}

const refused = (check) => {
  try {
    check();
    return false;
  } catch (error) {
    if (error instanceof Refusal) return true;
    throw error;
  }
};

const validAt = (certificate, time) => certificate.notBefore <= time && time <= certificate.notAfter;

/** The signer's chain up to a root, from certificates of the token and others. */
async function findChain(signer, own, others, genTime) {
  const chain = [signer];
  const byBytes = (a, b) => compare(a.bytes, b.bytes);
  const candidates = [...[...own].sort(byBytes), ...[...others].sort(byBytes)];
  demand(validAt(signer, genTime), "the signer's certificate was not valid at that time");
  for (let below = signer; !equal(below.issuer.bytes, below.subject.bytes);) {
    let next = null;
    for (const candidate of candidates) {
      if (!equal(candidate.subject.bytes, below.issuer.bytes)) continue;
      if (chain.some(({ bytes }) => equal(bytes, candidate.bytes))) continue;
      if (!validAt(candidate, genTime)) continue;
      if (refused(() => checkAuthority(candidate, chain.length - 1))) continue;
      if (below.algorithm.rootOnly || !(await issued(candidate, below))) continue;
      next = candidate;
      break;
    }
    demand(next !== null, () => `no certificate of the issuer of ${nameText(below.subject)} signs and fits`);
    chain.push(next);
    demand(chain.length <= MAX_CHAIN, "the signer's chain has more than 8 certificates");
    below = next;
  }
  const root = chain[chain.length - 1];
  demand(await issued(root, root), "the chain's last certificate did not sign itself");
  return chain;
}

/**
 * Requires that a token holds for an imprint, with exactly the certificates that it lacks. Resolves to what it
 * states, and its root.
 */
export async function checkToken(bytes, certificates, imprint) {
  demand(certificates.length <= MAX_CERTIFICATES, 'more than 32 certificates');
  for (let i = 1; i < certificates.length; i++) {
    demand(compare(certificates[i - 1], certificates[i]) < 0, 'the certificates do not ascend');
  }
  const token = readToken(bytes);
  const others = certificates.map(readCertificate);
  const stated = readContent(token.content, imprint);
  const { signer } = token;
  const certificate = [...token.certificates, ...others].find(
    ({ issuer, serial }) => equal(issuer.bytes, signer.issuer) && equal(serial, signer.serial),
  );
  demand(certificate, "the signer's certificate is missing");
  checkAttributes(signer, token.content, certificate);
  checkSignerUsage(certificate);
  const chain = await findChain(certificate, token.certificates, others, stated.genTime);
  const inChain = ({ bytes: one }) => chain.some((link) => equal(link.bytes, one));
  demand(token.certificates.every(inChain), "the token has a certificate that is not of the signer's chain");
  const isOwn = ({ bytes: one }) => token.certificates.some((own) => equal(own.bytes, one));
  const missing = chain.filter((link) => !isOwn(link));
  demand(
    missing.length === others.length && others.every((other) => inChain(other) && !isOwn(other)),
    'the certificates are not those of the chain that the token lacks',
  );
  demand(
    await keySigned(certificate, signer.algorithm, signer.message, signer.signature),
    "the token's signature does not hold",
  );
  return {
    ...stated,
    serial: hex(stated.serial),
    signer: nameText(certificate.subject),
    root: chain[chain.length - 1].bytes,
  };
}
