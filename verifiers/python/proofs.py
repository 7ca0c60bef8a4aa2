"""Hashes, signatures, trees and certificates of docs/format.md: each function refuses what doesn't hold."""

import functools
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wire import MESSAGES, Refusal, decode, encode

P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
L = 2**252 + 27742317777372353535851937790883648493
# The y coordinates of the points of order 1, 2, 4 and 8: those whose eightfold is the neutral point.
ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
SMALL_ORDER = frozenset((1, P - 1, 0, ORDER_8, P - ORDER_8))
PLACEHOLDER = b"SPARSE_MERKLE_PLACEHOLDER_HASH__"


def sha256(data):
    """SHA-256 without a tag."""
    return hashlib.sha256(data).digest()


def tagged(tag, *parts):
    """H(tag, parts...)."""
    return sha256(tag.encode() + b"\0" + b"".join(parts))


def be64(n):
    """n as 8 bytes, big-endian."""
    return n.to_bytes(8, "big")


def require(holds, reason):
    """Refuses with the reason if the condition doesn't hold."""
    if not holds:
        raise Refusal(reason)


# ---- Signatures ----


def has_small_order(encoding):
    """Whether 32 bytes encode a point of small order, canonically or not."""
    return (int.from_bytes(encoding, "little") & (1 << 255) - 1) % P in SMALL_ORDER


def decodes_to_point(encoding):
    """Whether 32 bytes canonically encode a point of the curve (RFC 8032, 5.1.3)."""
    y = int.from_bytes(encoding, "little") & (1 << 255) - 1
    if y >= P:
        return False
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return encoding[31] < 128
    return pow(square, (P - 1) // 2, P) == 1


@functools.lru_cache(maxsize=4096)
def key_is_usable(key):
    """Whether a public key may be registered: it is a point, and not of small order."""
    return decodes_to_point(key) and not has_small_order(key)


# Forgeries of a file share most of its signatures.
@functools.lru_cache(maxsize=4096)
def ed25519_holds(key, message, signature):
    """Whether an Ed25519 signature holds by all four rules of format.md, "Signatures".

    The library decodes the key to a point and compares R without the cofactor; the rest is checked here.
    """
    if len(key) != 32 or len(signature) != 64:
        return False
    if int.from_bytes(key, "little") & (1 << 255) - 1 >= P or has_small_order(key):
        return False
    if has_small_order(signature[:32]) or int.from_bytes(signature[32:], "little") >= L:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def signature_holds(key, tag, chain_id, message, signature):
    """Whether a signature holds over a tagged message of a chain."""
    return ed25519_holds(key, tag.encode() + b"\0" + chain_id + message, signature)


# ---- Blocks and validators ----


def read_header(chain_id, data):
    """A header of the chain, from its exact bytes."""
    header = decode("Header", data)
    hashes = ("parent", "proposer", "transaction_root", "state_root", "validators_hash", "next_validators_hash")
    require(header["version"] == 1, "the header has an unknown version")
    require(header["height"] >= 1, "the header has no height")
    require(all(len(header[name]) == 32 for name in hashes), "a hash in the header doesn't have 32 bytes")
    require(header["chain_id"] == chain_id, "the header is of another chain")
    return header


def block_id(header_bytes):
    """The id of the block with this header."""
    return tagged("touchstone/header/v1", header_bytes)


def validators_hash(validator_set):
    """The hash that names a set of validators in headers."""
    return tagged("touchstone/validators/v1", encode("ValidatorSet", validator_set))


def check_validators(validator_set):
    """Requires what format.md, "Blocks", asks of a set."""
    members = validator_set["validators"]
    keys = [member["public_key"] for member in members]
    require(1 <= len(members) <= 100, "a validator set has 1 to 100 validators")
    require(all(len(key) == 32 for key in keys), "a validator's key doesn't have 32 bytes")
    require(all(a < b for a, b in zip(keys, keys[1:])), "validators don't ascend by key")
    require(all(member["power"] >= 1 for member in members), "a validator has no power")
    require(sum(member["power"] for member in members) <= 2**48, "the validators have too much power")
    require(validator_set["first_height"] >= 1, "a validator set votes from no height on")


def verify_certified(chain_id, certified, validator_set):
    """Requires that the certificate holds for the header and the set; the header."""
    header = read_header(chain_id, certified["header"])
    certificate = certified["certificate"]
    identity = block_id(certified["header"])
    require(header["validators_hash"] == validators_hash(validator_set), "the header names other validators")
    require(certificate["height"] == header["height"], "the certificate is of another height")
    require(certificate["block_id"] == identity, "the certificate is of another block")
    keys = [signature["public_key"] for signature in certificate["signatures"]]
    require(all(len(key) == 32 for key in keys), "a signer's key doesn't have 32 bytes")
    require(all(a < b for a, b in zip(keys, keys[1:])), "signers don't ascend by key")
    powers = {member["public_key"]: member["power"] for member in validator_set["validators"]}
    require(all(key in powers for key in keys), "a signer isn't a validator")
    enough = 3 * sum(powers[key] for key in keys) > 2 * sum(powers.values())
    require(enough, "no more than 2/3 of the voting power signed")
    vote = {"kind": 2, "height": header["height"], "round": certificate["round"], "block_id": identity}
    vote = encode("Vote", vote)
    for signature in certificate["signatures"]:
        holds = signature_holds(
            signature["public_key"], "touchstone/vote/v1", chain_id, vote, signature["signature"]
        )
        require(holds, "a precommit's signature doesn't hold")
    return header


def next_validators(chain_id, change, current, last):
    """The height of a change of the validator set, and the set that votes from then on.

    `current` is the set before it, `last` the height of the change before.
    """
    header = verify_certified(chain_id, change["header"], current)
    require(header["height"] > last, "changes of the validator set don't ascend by height")
    following = change["next_validators"]
    check_validators(following)
    require(following["first_height"] == header["height"] + 1, "a change to validators of another height")
    require(header["next_validators_hash"] == validators_hash(following), "a change names another set")
    return header["height"], following


def set_at(sets, height):
    """The validators that vote at a height: of (height of the change, set) those of the last change below it."""
    return [members for below, members in sets if below < height or below == 0][-1]


# ---- Transactions ----


def read_envelope(chain_id, data):
    """The body, the signer's key and the id of a transaction whose signature holds."""
    require(len(data) <= 4 * 1024 * 1024, "the envelope has more than 4 MiB")
    envelope = decode("Envelope", data)
    require(len(envelope["signatures"]) == 1, "the envelope hasn't exactly one signature")
    (signature,) = envelope["signatures"]
    body = decode("Transaction", envelope["body"])
    actions = [name for name, _, rule in MESSAGES["Transaction"].values() if rule == "|" and body[name] is not None]
    require(len(actions) == 1, "the transaction has no action")
    holds = signature_holds(
        signature["public_key"], "touchstone/transaction/v1", chain_id, envelope["body"], signature["signature"]
    )
    require(holds, "the transaction's signature doesn't hold")
    identity = tagged("touchstone/transaction-id/v1", chain_id, envelope["body"])
    return body, signature["public_key"], identity


def verify_transaction(root, count, index, envelope, siblings):
    """Requires that the envelope is number `index` of the `count` under the transaction root."""
    leaf_value = tagged("touchstone/transaction-leaf/v1", envelope)
    climbed = climb("touchstone/transaction-node/v1", count, index, leaf_value, siblings)
    require(climbed == root, "the path doesn't lead to the block's transaction root")


def climb(node, count, index, value, siblings):
    """The root of the tree with this tag of inner nodes, where the path from leaf `index` of `count` leads."""
    require(all(len(sibling) == 32 for sibling in siblings), "a sibling doesn't have 32 bytes")
    require(index < count < 2**63, "the tree has no leaf of that number")
    place = count - 1 + index
    for sibling in siblings:
        require(place > 0, "the path has too many siblings")
        value = tagged(node, *((value, sibling) if place % 2 else (sibling, value)))
        place = (place - 1) // 2
    require(place == 0, "the path has too few siblings")
    return tagged(node, be64(count), value)


# ---- State ----


def leaf(key_hash, value_hash):
    """A leaf of the state tree."""
    return sha256(b"JMT::LeafNode" + key_hash + value_hash)


def bit(path, index):
    """The bit of a path at an index, 0 the first."""
    return path[index // 8] >> (7 - index % 8) & 1


def verify_state(root, key, value, proof):
    """Requires that the key has the value under the root, or is absent there where value is None."""
    path, siblings, other = sha256(key), proof["siblings"], proof["other_leaf"]
    depth = len(siblings)
    require(depth <= 256 and all(len(s) == 32 for s in siblings), "a proof has wrong siblings")
    if value is not None:
        require(other is None, "a proof of presence names another leaf")
        node = leaf(path, sha256(value))
    elif other is None:
        node = PLACEHOLDER
    else:
        key_hash = other["key_hash"]
        require(len(key_hash) == 32 and len(other["value_hash"]) == 32, "a leaf's hash doesn't have 32 bytes")
        require(key_hash != path, "the other leaf is the key's own")
        same = all(bit(key_hash, i) == bit(path, i) for i in range(depth))
        require(same, "the other leaf isn't in the key's place")
        node = leaf(key_hash, other["value_hash"])
    for i, sibling in enumerate(siblings):
        pair = sibling + node if bit(path, depth - 1 - i) else node + sibling
        node = sha256(b"JMT::IntrnalNode" + pair)
    require(node == root, "a proof doesn't lead to the state root")


def read_link(count, head, entries):
    """The entries of a link, proven to be its whole history."""
    require(len(entries) == count, "the entries aren't as many as the link's")
    value, read, last = bytes(32), [], None
    for data in entries:
        value = tagged("touchstone/link/v1", value, data)
        entry = decode("LinkEntry", data)
        position = position_of(entry["position"])
        require(last is None or last < position, "the entries of a link don't ascend")
        last = position
        read.append((position, entry))
    require(value == head, "the entries don't lead to the link's head")
    return read


def position_of(message):
    """A position as a tuple in the order of the ledger."""
    return message["height"], message["transaction"], message["event"]


# ---- Designs ----


def commitment(chain_id, owner_key, salt, root):
    """The commitment to a root over a design's files, and over views and fields where the deposit covers them."""
    require(len(salt) == 32, "the salt doesn't have 32 bytes")
    return tagged("touchstone/design-commitment/v1", chain_id, owner_key, salt, root)
