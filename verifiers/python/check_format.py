#!/usr/bin/env python3
"""Checks the test vectors of docs/format.md with nothing but what that document says.

Shares no code with the ledger, only with the verifier beside it. Needs Python 3.11 and requirements.txt.
Usage: check_format.py [format.md [genesis.json]]
"""

import json
import pathlib
import sys

from checkpoints import document as stamped_document
from checkpoints import root_of_block
from fields import read_content
from proofs import (
    be64,
    block_id,
    commitment,
    read_envelope,
    read_link,
    sha256,
    signature_holds,
    tagged,
    validators_hash,
    verify_certified,
    verify_state,
    verify_transaction,
)
from sample_authority import tree
from sample_ledger import state_tree
from timestamps import Token
from wire import Refusal, decode, encode

ROOT = pathlib.Path(__file__).resolve().parents[2]

# ---- Genesis ----

ROLES = "platform logistics manufacturer ip-office court designer customs inspection laboratory retail".split() + ["assistance"]


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
        for prefix in record["gs1_prefixes"]:
            state[b"prefix/" + prefix.encode()] = o["id"].encode()
        for k in o["keys"]:
            state[b"key/" + bytes.fromhex(k)] = o["id"].encode()
        for n in nodes:
            if "validator_key" in n:
                key, power = bytes.fromhex(n["validator_key"]), n.get("power", 1)
                validators.append({"public_key": key, "power": power, "organisation": o["id"]})
    validators.sort(key=lambda v: v["public_key"])
    state[b"validators"] = encode("ValidatorSet", {"validators": validators, "first_height": 1})
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


def refused(function, *arguments):
    """Whether a check refuses."""
    try:
        function(*arguments)
    except Refusal:
        return True
    return False


def numbered(vectors, prefix):
    values = []
    while f"{prefix}.{len(values)}" in vectors:
        values.append(vectors[f"{prefix}.{len(values)}"])
    return values


def check_checkpoint(chain, v, authority):
    """Checks the vectors of a checkpoint of blocks 2 to 4."""
    checkpoint = {"first": 2, "last": 4, "authority": authority}
    named = {h: (v[f"checkpoint.{h}.block.id"], v[f"checkpoint.{h}.validators_hash"]) for h in (2, 3, 4)}
    root, paths = tree(chain, 2, [named[h] for h in (2, 3, 4)])
    check("checkpoint's root", root == v["checkpoint.root"])
    check("siblings of block 3", paths[3] == numbered(v, "checkpoint.3.sibling"))
    for height, (identity, voters) in named.items():
        climbed = root_of_block(chain, checkpoint, height, identity, voters, paths[height])
        check(f"path of block {height}", climbed == root)
    document = stamped_document(chain, checkpoint, root)
    check("document", document == v["checkpoint.document"] and sha256(document) == v["checkpoint.imprint"])
    token = Token(v["checkpoint.token"], [v["checkpoint.certificate"]], v["checkpoint.imprint"])
    moment = 1772366400250, 1000, v["checkpoint.certificate"]
    check("token", (token.moment_ms, token.accuracy_ms, token.root) == moment)
    check("another imprint", refused(Token, v["checkpoint.token"], [v["checkpoint.certificate"]], root))


def main(format_path=ROOT / "docs/format.md", genesis_path=ROOT / "chain-core/tests/golden/genesis.json"):
    document = pathlib.Path(format_path).read_text(encoding="utf-8")
    block = document.split("<!-- vectors: begin -->\n```text\n")[1].split("```\n<!-- vectors: end -->")[0]
    lines = [line.split(" = ", 1) for line in block.splitlines() if " = " in line]
    texts = "transaction.event.0", "checkpoint.authority"
    event, authority = (dict(lines)[name].encode() for name in texts)
    v = {name: bytes.fromhex(value) for name, value in lines if name not in texts}

    file = pathlib.Path(genesis_path).read_bytes()
    chain, state = sha256(file), genesis(file)
    check("chain id", chain == v["genesis.chain_id"])
    check("validators", state[b"validators"] == v["genesis.validators"])
    root, _ = state_tree([(sha256(k), sha256(x)) for k, x in state.items()])
    check("genesis root", v["genesis.state_root"] == root)

    maker = v["key.maker.public"]
    files = numbered(v, "design.file")
    check("files", files == [sha256(b"drawing"), sha256(b"photograph")])
    root = tagged("touchstone/design-files/v1", be64(len(files)), *files)
    sealed = commitment(chain, maker, v["design.salt"], root)
    design_id = tagged("touchstone/design-id/v1", maker, sealed)
    check("design", [root, sealed, design_id] == [v["design.file_root"], v["design.commitment"], v["design.id"]])

    content = decode("DesignContent", v["content.message"])
    check("disclosures", [text.encode() for text in content["disclosures"]] == numbered(v, "content.disclosure"))
    shown = read_content(files, "Chair 7", content)
    told = [(place, name, value) for place, name, value, _ in shown.fields]
    check("fields", told == [(0, "title", "Chair 7"), (4, "author", "林悦")] and shown.views == [0, 2])
    sealed = commitment(chain, maker, v["design.salt"], shown.root)
    check("content", [shown.root, sealed] == [v["content.root"], v["content.commitment"]])

    envelopes = numbered(v, "block.transaction")
    ids = [read_envelope(chain, envelope)[2] for envelope in envelopes]
    check("first transaction", envelopes[0] == v["transaction.envelope"] and ids[0] == v["transaction.id"])
    action = decode("Transaction", v["transaction.body"])["capture_events"]
    check("its event", action["events"] == [event])

    header = decode("Header", v["block.header"])
    check("block id", block_id(v["block.header"]) == v["block.id"])
    check("block", decode("Block", v["block.bytes"]) == {"header": v["block.header"], "transactions": envelopes})
    check("parent of block 1", header["parent"] == chain and header["height"] == 1)
    for i, envelope in enumerate(envelopes):
        siblings = numbered(v, f"tree.proof.{i}.sibling")
        root, count = header["transaction_root"], header["transaction_count"]
        for other in range(4):
            wrong = refused(verify_transaction, root, count, other, envelope, siblings)
            check(f"{i} is included as {i}, not as {other}", wrong == (other != i))
    check("root of none", tagged("touchstone/transaction-empty/v1") == v["tree.root_of_none"])

    founders = decode("ValidatorSet", v["genesis.validators"])
    check("validators_hash", validators_hash(founders) == v["genesis.validators_hash"])
    certificate = decode("CommitCertificate", v["certificate"])
    verify_certified(chain, {"header": v["block.header"], "certificate": certificate}, founders)
    proposal = decode("Proposal", v["proposal"])
    check("optional zero", proposal["valid_round"] == 0)
    key, signature = v["proposal.public_key"], v["proposal.signature"]
    check("proposal", signature_holds(key, "touchstone/proposal/v1", chain, v["proposal"], signature))
    check("nil", decode("Vote", v["vote.nil_prevote"])["block_id"] == b"")

    item = decode("Item", v["state.item.value"])
    (_, first), _ = read_link(item["link"]["count"], item["link"]["head"], numbered(v, "link.entry"))
    check("first entry", first["content_hash"] == sha256(event) and first["transaction_id"] == ids[0])
    check("packing", b"item/" + item["packed"]["container"].encode() == v["state.container.key"])

    names = {name.split(".")[1] for name in v if name.startswith("state.") and name.endswith(".key")}
    for name in names:
        key, value = v[f"state.{name}.key"], v.get(f"state.{name}.value")
        other = v.get(f"state.{name}.other_leaf.key_hash")
        other = other and {"key_hash": other, "value_hash": v[f"state.{name}.other_leaf.value_hash"]}
        proof = {"other_leaf": other, "siblings": numbered(v, f"state.{name}.sibling")}
        verify_state(v["state.root"], key, value, proof)
        claim = None if value is not None else b""
        check(f"not the contrary of {name}", refused(verify_state, v["state.root"], key, claim, proof))
    check("twelve keys", len(names) == 12 and v["state.block.value"] == v["block.id"])
    disclosed = decode("Design", v["state.design.value"])["disclosure"]
    check("disclosure", disclosed["file_hashes"] == files and disclosed["salt"] == v["design.salt"])

    decode("Change", v["change"])
    check("change", tagged("touchstone/change/v1", chain, v["change"]) == v["change.id"])
    record = decode("ChangeRecord", v["change.record"])
    check("approvals", record["approvals"] == ["market", "carrier", "maker"] and record["effective_height"] == 6)
    certificate = decode("CommitCertificate", v["handover.certificate"])
    header = verify_certified(chain, {"header": v["handover.header"], "certificate": certificate}, founders)
    next_hash = tagged("touchstone/validators/v1", v["handover.next_validators"])
    check("hand-over", header["next_validators_hash"] == next_hash != header["validators_hash"])

    identifier = b""
    for version in (1, 2):
        body, record = v[f"masterdata.{version}.body"], decode("MasterData", v[f"masterdata.{version}.record"])
        (element,) = decode("Transaction", body)["set_master_data"]["elements"]
        check(f"version {version}", element == record["element"] and element["version"] == version)
        check("its transaction", record["transaction_id"] == tagged("touchstone/transaction-id/v1", chain, body))
        identifier = element["id"].encode()
    replaced = b"master-data-version/" + (1).to_bytes(8, "big") + identifier
    check("keys", [v["masterdata.key"], v["masterdata.1.replaced.key"]] == [b"master-data/" + identifier, replaced])
    check("kept version", v["masterdata.1.replaced.value"] == v["masterdata.1.record"])

    check_checkpoint(chain, v, authority.decode())
    print(f"{checks} checks of {len(lines)} vectors passed")


if __name__ == "__main__":
    main(*sys.argv[1:])
