#!/usr/bin/env python3
"""Checks the test vectors of docs/format.md with nothing but what that document says.

Shares no code with the ledger: the protobuf reader, the trees and the links are written here from
the document. Needs Python 3.9 and `cryptography`. Usage: check_format.py [format.md [genesis.json]]
"""

import hashlib
import json
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sha256(data):
    return hashlib.sha256(data).digest()


def tagged(tag, *parts):
    return sha256(tag.encode() + b"\0" + b"".join(parts))


def be64(n):
    return n.to_bytes(8, "big")


# ---- Canonical protobuf ----
# A message is a tuple of fields in ascending order: (number, name, type, rule); a rule is "" (left out
# at its default), "?" (optional), "*" (repeated), "|" (member of the oneof).

MESSAGES = {}


def read_messages(document):
    """Builds the message types from the table in the document."""
    for line in document.splitlines():
        cells = line.split("` | 1 ")
        if not (line.startswith("| `") and len(cells) == 2):
            continue
        fields = []
        for text in ("1 " + cells[1].replace("\\|", "|")).rstrip(" |").split(", "):
            rule = "|" if text.startswith("|") else ""
            number, name, kind = text.lstrip("| ").split()[:3]
            if name[-1] in "*?":
                name, rule = name[:-1], name[-1]
            fields.append((int(number), name, kind.strip("`"), rule))
        MESSAGES[cells[0][3:]] = fields


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def read_varint(data, at):
    n = shift = 0
    while True:
        byte = data[at]
        at += 1
        n |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return n, at
        if shift > 63:
            raise ValueError("integer of more than ten bytes")


def decode(kind, data):
    """Decodes exact bytes to a dict; refuses what isn't canonical."""
    message = decode_loosely(kind, data)
    if encode(kind, message) != data:
        raise ValueError(f"not the canonical encoding of a {kind}")
    return message


def decode_loosely(kind, data):
    fields = {number: (name, of, rule) for number, name, of, rule in MESSAGES[kind]}
    message, at = {}, 0
    while at < len(data):
        key, at = read_varint(data, at)
        name, of, rule = fields[key >> 3]
        if key & 7 == 0:
            value, at = read_varint(data, at)
            if value >> {"uint32": 32, "uint64": 64, "enum": 64}[of]:
                raise ValueError("integer out of range")
        elif key & 7 == 2:
            size, at = read_varint(data, at)
            value, at = data[at : at + size], at + size
            if len(value) != size:
                raise ValueError("truncated")
            if of == "string":
                value = value.decode()
            elif of == "enum":
                place, numbers = 0, []
                while place < size:
                    number, place = read_varint(value, place)
                    numbers.append(number)
                message[name] = numbers
                continue
            elif of != "bytes":
                value = decode_loosely(of, value)
        else:
            raise ValueError("wire type")
        if rule == "*":
            message.setdefault(name, []).append(value)
        else:
            message[name] = value
    return message


def encode(kind, message):
    out = b""
    for number, name, of, rule in MESSAGES[kind]:
        if name not in message:
            continue
        value = message[name]
        if rule == "*" and of == "enum":
            packed = b"".join(map(varint, value))
            out += (varint(number << 3 | 2) + varint(len(packed)) + packed) if value else b""
            continue
        for element in value if rule == "*" else [value]:
            if of in ("uint32", "uint64", "enum"):
                if element or rule in ("?", "|"):
                    out += varint(number << 3) + varint(element)
                continue
            if of == "string":
                element = element.encode()
            elif of != "bytes":
                element = encode(of, element)
            elif not isinstance(element, bytes):
                raise ValueError("wrong wire type")
            if element or rule or of not in ("string", "bytes"):
                out += varint(number << 3 | 2) + varint(len(element)) + element
    return out


# ---- Signatures ----


def signature_holds(key, tag, chain_id, message, signature):
    if int.from_bytes(key, "little") & (1 << 255) - 1 >= 2**255 - 19:
        return False
    signed = tag.encode() + b"\0" + chain_id + message
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify_certificate(chain_id, header_bytes, certificate_bytes, set_bytes):
    header = decode("Header", header_bytes)
    members = decode("ValidatorSet", set_bytes)["validators"]
    certificate = decode("CommitCertificate", certificate_bytes)
    block_id = tagged("touchstone/header/v1", header_bytes)
    check("header of the chain", header["version"] == 1 and header["chain_id"] == chain_id)
    check("set of the header", header["validators_hash"] == tagged("touchstone/validators/v1", set_bytes))
    check("certificate's height", certificate["height"] == header["height"])
    check("certificate's block", certificate["block_id"] == block_id)
    vote = {"kind": 2, "height": header["height"], "round": certificate.get("round", 0), "block_id": block_id}
    vote = encode("Vote", vote)
    powers = {member["public_key"]: member["power"] for member in members}
    keys = [entry["public_key"] for entry in certificate["signatures"]]
    check("keys ascend", all(a < b for a, b in zip(keys, keys[1:])))
    for entry in certificate["signatures"]:
        holds = signature_holds(entry["public_key"], "touchstone/vote/v1", chain_id, vote, entry["signature"])
        check("precommit", entry["public_key"] in powers and holds)
    check("more than 2/3", 3 * sum(powers[key] for key in keys) > 2 * sum(powers.values()))
    return header


# ---- Trees ----


def verify_transaction(root, count, index, envelope, siblings):
    node = lambda *parts: tagged("touchstone/transaction-node/v1", *parts)
    if index >= count:
        return False
    k, value = count - 1 + index, tagged("touchstone/transaction-leaf/v1", envelope)
    for sibling in siblings:
        if k == 0:
            return False
        value = node(value, sibling) if k % 2 else node(sibling, value)
        k = (k - 1) // 2
    return k == 0 and node(be64(count), value) == root


def verify_state(root, key, value, other, siblings):
    leaf = lambda key_hash, value_hash: sha256(b"JMT::LeafNode" + key_hash + value_hash)
    path = sha256(key)
    bits = lambda digest: f"{int.from_bytes(digest, 'big'):0256b}"
    if value is not None:
        if other:
            return False
        node = leaf(path, sha256(value))
    elif other:
        if other[0] == path or bits(other[0])[: len(siblings)] != bits(path)[: len(siblings)]:
            return False
        node = leaf(*other)
    else:
        node = b"SPARSE_MERKLE_PLACEHOLDER_HASH__"
    for i, sibling in enumerate(siblings):
        right = bits(path)[len(siblings) - 1 - i] == "1"
        node = sha256(b"JMT::IntrnalNode" + (sibling + node if right else node + sibling))
    return node == root


def state_root(leaves, depth=0):
    """The root by the definition, from sorted pairs of key hash and value hash."""
    if not leaves:
        return b"SPARSE_MERKLE_PLACEHOLDER_HASH__"
    if len(leaves) == 1:
        return sha256(b"JMT::LeafNode" + leaves[0][0] + leaves[0][1])
    bit = lambda key: key[depth // 8] >> (7 - depth % 8) & 1
    halves = [[l for l in leaves if bit(l[0]) == side] for side in (0, 1)]
    return sha256(b"JMT::IntrnalNode" + b"".join(state_root(half, depth + 1) for half in halves))


# ---- Genesis ----

ROLES = "platform logistics manufacturer ip-office court designer customs inspection laboratory retail".split()


def genesis(file):
    document = json.loads(file)
    state, validators = {}, []
    for o in document["organisations"]:
        nodes = o.get("nodes", [])
        record = {
            "id": o["id"],
            "name": o["name"],
            "roles": sorted(ROLES.index(role) + 1 for role in o["roles"]),
            "keys": [{"public_key": bytes.fromhex(k), "valid_from_height": 1} for k in o["keys"]],
            "peers": [{"public_key": bytes.fromhex(n["network_key"]), "addresses": n["addresses"]} for n in nodes],
            "gs1_prefixes": sorted(o.get("gs1_prefixes", [])),
        }
        state[b"organisation/" + o["id"].encode()] = encode("Organisation", record)
        for k in o["keys"]:
            state[b"key/" + bytes.fromhex(k)] = o["id"].encode()
        for n in nodes:
            if "validator_key" in n:
                key, power = bytes.fromhex(n["validator_key"]), n.get("power", 1)
                validators.append({"public_key": key, "power": power, "organisation": o["id"]})
    validators.sort(key=lambda v: v["public_key"])
    state[b"validators"] = encode("ValidatorSet", {"validators": validators})
    state[b"parameters"] = encode("Parameters", document["parameters"])
    ids = sorted(o["id"].encode() for o in document["organisations"])
    state[b"organisations"] = b"".join(i + b"\0" for i in ids)
    return state


# ---- The vectors ----

checks = 0


def check(name, holds):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"FAILED: {name}")


def numbered(vectors, prefix):
    values = []
    while f"{prefix}.{len(values)}" in vectors:
        values.append(vectors[f"{prefix}.{len(values)}"])
    return values


def main(format_path=ROOT / "docs/format.md", genesis_path=ROOT / "chain-core/tests/golden/genesis.json"):
    document = pathlib.Path(format_path).read_text(encoding="utf-8")
    read_messages(document)
    block = document.split("<!-- vectors: begin -->\n```text\n")[1].split("```\n<!-- vectors: end -->")[0]
    lines = [line.split(" = ", 1) for line in block.splitlines() if " = " in line]
    event = dict(lines)["transaction.event.0"].encode()
    v = {name: bytes.fromhex(value) for name, value in lines if name != "transaction.event.0"}

    file = pathlib.Path(genesis_path).read_bytes()
    chain, state = sha256(file), genesis(file)
    check("chain id", chain == v["genesis.chain_id"])
    check("validators", state[b"validators"] == v["genesis.validators"])
    check("genesis root", v["genesis.state_root"] == state_root(sorted((sha256(k), sha256(x)) for k, x in state.items())))

    maker = v["key.maker.public"]
    files = numbered(v, "design.file")
    check("files", files == [sha256(b"drawing"), sha256(b"photograph")])
    root = tagged("touchstone/design-files/v1", be64(len(files)), *files)
    commitment = tagged("touchstone/design-commitment/v1", chain, maker, v["design.salt"], root)
    design_id = tagged("touchstone/design-id/v1", maker, commitment)
    check("design", [root, commitment, design_id] == [v["design.file_root"], v["design.commitment"], v["design.id"]])

    envelopes = numbered(v, "block.transaction")
    ids = []
    for envelope in envelopes:
        parts = decode("Envelope", envelope)
        decode("Transaction", parts["body"])
        (s,) = parts["signatures"]
        holds = signature_holds(s["public_key"], "touchstone/transaction/v1", chain, parts["body"], s["signature"])
        check("signature of a transaction", holds)
        ids.append(tagged("touchstone/transaction-id/v1", chain, parts["body"]))
    check("first transaction", envelopes[0] == v["transaction.envelope"] and ids[0] == v["transaction.id"])
    action = decode("Transaction", v["transaction.body"])["capture_events"]
    check("its event", action == {"events": [event]})

    header = decode("Header", v["block.header"])
    check("block id", tagged("touchstone/header/v1", v["block.header"]) == v["block.id"])
    check("block", decode("Block", v["block.bytes"]) == {"header": v["block.header"], "transactions": envelopes})
    check("parent of block 1", header["parent"] == chain and header["height"] == 1)
    for i, envelope in enumerate(envelopes):
        siblings = numbered(v, f"tree.proof.{i}.sibling")
        holds = verify_transaction(header["transaction_root"], header["transaction_count"], i, envelope, siblings)
        check(f"inclusion of {i}", holds)
        for other in {0, 1, 2, 3} - {i}:
            wrong = verify_transaction(header["transaction_root"], header["transaction_count"], other, envelope, siblings)
            check(f"no inclusion of {i} as {other}", not wrong)
    check("root of none", tagged("touchstone/transaction-empty/v1") == v["tree.root_of_none"])

    verify_certificate(chain, v["block.header"], v["certificate"], v["genesis.validators"])
    proposal = decode("Proposal", v["proposal"])
    check("optional zero", proposal["valid_round"] == 0)
    holds = signature_holds(v["proposal.public_key"], "touchstone/proposal/v1", chain, v["proposal"], v["proposal.signature"])
    check("proposal", holds)
    check("nil", "block_id" not in decode("Vote", v["vote.nil_prevote"]))

    item = decode("Item", v["state.item.value"])
    head, places = bytes(32), []
    for entry in numbered(v, "link.entry"):
        head = tagged("touchstone/link/v1", head, entry)
        places.append(decode("LinkEntry", entry))
    check("link", item["link"] == {"count": len(places), "head": head})
    check("first entry", places[0]["content_hash"] == sha256(event) and places[0]["transaction_id"] == ids[0])
    check("packing", b"item/" + item["packed"]["container"].encode() == v["state.container.key"])

    names = {name.split(".")[1] for name in v if name.startswith("state.") and name.endswith(".key")}
    for name in names:
        key, value = v[f"state.{name}.key"], v.get(f"state.{name}.value")
        other = v.get(f"state.{name}.other_leaf.key_hash")
        other = other and (other, v[f"state.{name}.other_leaf.value_hash"])
        siblings = numbered(v, f"state.{name}.sibling")
        check(f"state {name}", verify_state(v["state.root"], key, value, other, siblings))
        claim = None if value is not None else b""
        check(f"not the contrary of {name}", not verify_state(v["state.root"], key, claim, other, siblings))
    check("twelve keys", len(names) == 12 and v["state.block.value"] == v["block.id"])
    disclosed = decode("Design", v["state.design.value"])["disclosure"]
    check("disclosure", disclosed["file_hashes"] == files and disclosed["salt"] == v["design.salt"])

    decode("Change", v["change"])
    check("change", tagged("touchstone/change/v1", chain, v["change"]) == v["change.id"])
    record = decode("ChangeRecord", v["change.record"])
    check("approvals", record["approvals"] == ["market", "carrier", "maker"] and record["effective_height"] == 6)
    header = verify_certificate(chain, v["handover.header"], v["handover.certificate"], v["genesis.validators"])
    next_hash = tagged("touchstone/validators/v1", v["handover.next_validators"])
    check("hand-over", header["next_validators_hash"] == next_hash != header["validators_hash"])
    print(f"{checks} checks of {len(lines)} vectors passed")


if __name__ == "__main__":
    main(*sys.argv[1:])
