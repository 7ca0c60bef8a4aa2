"""A ledger made up for tests: it signs and proves whatever it is told, also what no validator would decide."""

import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidence import FIRST
from fields import read_content
from identifiers import canonical
from proofs import PLACEHOLDER, be64, bit, block_id, commitment, leaf, sha256, tagged, validators_hash
from wire import encode

START_MS = 1_772_000_000_000


class Signer:
    """An Ed25519 key made from a name."""

    def __init__(self, name):
        self.secret = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        self.public = self.secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, tag, chain_id, message):
        """A signature as the ledger's documents describe."""
        signature = self.secret.sign(tag.encode() + b"\0" + chain_id + message)
        return {"public_key": self.public, "signature": signature}


def state_tree(leaves, depth=0):
    """The root over pairs of key hash and value hash, and the siblings of each key hash from the leaf up."""
    if not leaves:
        return PLACEHOLDER, {}
    if len(leaves) == 1:
        return leaf(*leaves[0]), {leaves[0][0]: []}
    left, left_paths = state_tree([pair for pair in leaves if not bit(pair[0], depth)], depth + 1)
    right, right_paths = state_tree([pair for pair in leaves if bit(pair[0], depth)], depth + 1)
    paths = {key: siblings + [right] for key, siblings in left_paths.items()}
    paths |= {key: siblings + [left] for key, siblings in right_paths.items()}
    return sha256(b"JMT::IntrnalNode" + left + right), paths


def transaction_tree(envelopes):
    """The transaction root, and the siblings of each envelope."""
    count = len(envelopes)
    if not count:
        return tagged("touchstone/transaction-empty/v1"), []
    nodes = [b""] * (count - 1) + [tagged("touchstone/transaction-leaf/v1", envelope) for envelope in envelopes]
    for k in range(count - 2, -1, -1):
        nodes[k] = tagged("touchstone/transaction-node/v1", nodes[2 * k + 1], nodes[2 * k + 2])
    paths = []
    for k in range(count - 1, 2 * count - 1):
        siblings = []
        while k:
            siblings.append(nodes[k + 1 if k % 2 else k - 1])
            k = (k - 1) // 2
        paths.append(siblings)
    return tagged("touchstone/transaction-node/v1", be64(count), nodes[0]), paths


def event(action, container, children=(), **more):
    """An AggregationEvent; without children it is about the container's whole content."""
    fields = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "AggregationEvent",
        "eventTime": "2026-03-01T08:30:00.000Z",
        "eventTimeZoneOffset": "+00:00",
        "parentID": container,
        "action": action,
    }
    if children:
        fields["childEPCs"] = list(children)
    return fields | more


class SampleLedger:
    """Organisations "carrier", "maker", "market" and "office", a validator each."""

    NAMES = ("carrier", "maker", "market", "office")

    def __init__(self, chain="sample"):
        self.signers = {name: Signer(f"{name} signs") for name in self.NAMES}
        voters = {name: Signer(f"{name} votes") for name in self.NAMES}
        organisations = [
            {
                "id": name,
                "name": name.title(),
                "roles": ["logistics"],
                "keys": [self.signers[name].public.hex()],
                "nodes": [
                    {
                        "network_key": Signer(f"{name} talks").public.hex(),
                        "addresses": [],
                        "validator_key": voters[name].public.hex(),
                    }
                ],
            }
            for name in self.NAMES
        ]
        parameters = {
            "precision_ms": 500,
            "message_delay_ms": 4000,
            "max_block_bytes": 4_194_304,
            "max_block_transactions": 10_000,
            "max_transaction_bytes": 1_048_576,
            "max_events_per_transaction": 1000,
        }
        document = {
            "format": "touchstone/genesis/v1",
            "chain": chain,
            "time_ms": START_MS,
            "parameters": parameters,
            "organisations": organisations,
        }
        self.genesis = json.dumps(document).encode()
        self.chain_id = sha256(self.genesis)
        self.voters = sorted(voters.values(), key=lambda voter: voter.public)
        owners = {voters[name].public: name for name in self.NAMES}
        self.everyone = [{"public_key": v.public, "power": 1, "organisation": owners[v.public]} for v in self.voters]
        self.validators = self.validator_set(self.NAMES, 1)
        self.state = {b"parameters": encode("Parameters", parameters)}
        for name in self.NAMES:
            self.put_organisation(name, valid_from_height=1)
        self.blocks, self.links, self.set_changes = [], {}, []

    def validator_set(self, names, first_height):
        """The validators of these organisations, who vote from a height on."""
        members = [v for v in self.everyone if v["organisation"] in names]
        return {"validators": members, "first_height": first_height}

    def put_organisation(self, name, standing=(0, 0), **key):
        """Writes an organisation's record with its one key, and its standing since a height."""
        record = {"id": name, "name": name.title(), "roles": [2]}
        record["standing"], record["standing_height"] = standing
        record["keys"] = [{"public_key": self.signers[name].public, **key}]
        self.state[b"organisation/" + name.encode()] = encode("Organisation", record)

    def time_ms(self, height):
        """The time of the block at a height."""
        return START_MS + height * 1000

    def envelope(self, organisation, signer=None, **action):
        """A signed transaction, and its id."""
        body = {"organisation": organisation, "created_ms": len(self.blocks), **action}
        body = encode("Transaction", body)
        signature = (signer or self.signers[organisation]).sign("touchstone/transaction/v1", self.chain_id, body)
        identity = tagged("touchstone/transaction-id/v1", self.chain_id, body)
        return encode("Envelope", {"body": body, "signatures": [signature]}), identity

    def capture(self, organisation, *events):
        """A transaction for `block` that captures events, and its effect on the links of what they name."""
        contents = [json.dumps(e).encode() for e in events]
        envelope, identity = self.envelope(organisation, capture_events={"events": contents})

        def effect(height, index):
            for number, (e, content) in enumerate(zip(events, contents)):
                named = {canonical(n) for n in [e["parentID"], *e.get("childEPCs", [])]}
                entry = {
                    "position": {"height": height, "transaction": index, "event": number},
                    "transaction_id": identity,
                    "content_hash": sha256(content),
                    "organisation": organisation,
                    "time_ms": self.time_ms(height),
                }
                for item in named:
                    self.links.setdefault(item, []).append(encode("LinkEntry", entry))
                    self.put_item(item)

        return envelope, effect

    def put_item(self, item):
        """Writes an item's record."""
        head = bytes(32)
        for entry in self.links[item]:
            head = tagged("touchstone/link/v1", head, entry)
        link = {"count": len(self.links[item]), "head": head}
        self.state[b"item/" + item.encode()] = encode("Item", {"link": link})

    def deposit(self, organisation, salt, hashes, changes=None):
        """A transaction for `block` that deposits a design; `changes` are made to its record."""
        owner = self.signers[organisation].public
        sealed = commitment(self.chain_id, owner, salt, read_content(hashes, "", None).root)
        envelope, identity = self.envelope(organisation, deposit_design={"commitment": sealed})
        self.design = tagged("touchstone/design-id/v1", owner, sealed)

        def effect(height, index):
            record = {
                "commitment": sealed,
                "organisation": organisation,
                "owner_key": owner,
                "position": {"height": height, "transaction": index},
                "transaction_id": identity,
                "time_ms": self.time_ms(height),
            }
            self.state[b"design/" + self.design] = encode("Design", record | (changes or {}))

        return envelope, effect

    def block(self, *transactions, hand_over=None, **changes):
        """Decides a block of transactions; its height.

        `hand_over` names the organisations of the next validators, `changes` are made to the header.
        """
        height = len(self.blocks) + 1
        parent = block_id(self.blocks[-1][0]["header"]) if self.blocks else self.chain_id
        self.state[b"block/" + be64(height - 1)] = parent
        for index, (_, effect) in enumerate(transactions):
            effect(height, index)
        envelopes = [envelope for envelope, _ in transactions]
        root, paths = transaction_tree(envelopes)
        self.root, self.paths = state_tree([(sha256(k), sha256(v)) for k, v in self.state.items()])
        voting, following = validators_hash(self.validators), self.validators
        if hand_over:
            following = self.validator_set(hand_over, height + 1)
        header = {
            "version": 1,
            "chain_id": self.chain_id,
            "height": height,
            "time_ms": self.time_ms(height),
            "parent": parent,
            "proposer": self.voters[0].public,
            "transaction_root": root,
            "transaction_count": len(envelopes),
            "state_root": self.root,
            "validators_hash": voting,
            "next_validators_hash": validators_hash(following),
        }
        header = encode("Header", header | changes)
        vote = {"kind": 2, "height": height, "round": 0, "block_id": block_id(header)}
        keys = [member["public_key"] for member in self.validators["validators"]]
        voters = [voter for voter in self.voters if voter.public in keys][: len(keys) * 2 // 3 + 1]
        signatures = [v.sign("touchstone/vote/v1", self.chain_id, encode("Vote", vote)) for v in voters]
        certificate = {"height": height, "block_id": block_id(header), "signatures": signatures}
        certified = {"header": header, "certificate": certificate}
        self.blocks.append((certified, envelopes, paths))
        if hand_over:
            self.set_changes.append({"header": certified, "next_validators": following})
            self.validators = following
        return height

    def prove(self, key):
        """A `State` for a key under the last block."""
        digest = sha256(key)
        if key in self.state:
            return {"key": key, "value": self.state[key], "proof": {"siblings": self.paths[digest]}}
        # The key's place is the deepest one that its path shares with a key of the tree, or an empty half on the way.
        agree = {other: next(i for i in range(256) if bit(other, i) != bit(digest, i)) for other in self.paths}
        nearest = max(agree, key=agree.get)
        siblings = self.paths[nearest]
        if agree[nearest] >= len(siblings):
            value = next(sha256(v) for k, v in self.state.items() if sha256(k) == nearest)
            other = {"key_hash": nearest, "value_hash": value}
            return {"key": key, "value": None, "proof": {"other_leaf": other, "siblings": siblings}}
        # Where the paths part, the key's half is empty, and its sibling is the half of the nearest key.
        depth = agree[nearest]
        half = [(h, v) for h, v in ((sha256(k), sha256(v)) for k, v in self.state.items())]
        half = [pair for pair in half if agree[pair[0]] >= depth]
        sibling, _ = state_tree(half, depth + 1)
        kept = siblings[len(siblings) - depth :]
        return {"key": key, "value": None, "proof": {"siblings": [sibling, *kept]}}

    def evidence(self, transactions, links=(), **fields):
        """An `Evidence` as of the last block, with the states that its elements ask for."""
        heights = sorted({height for height, _ in transactions})
        keys = {b"parameters"} | {b"organisation/" + name.encode() for name in self.NAMES}
        keys |= {b"block/" + be64(height) for height in heights if height != len(self.blocks)}
        keys |= {b"item/" + item.encode() for item in links}
        if "design" in fields:
            keys.add(b"design/" + fields["design"])
        return {
            "genesis": self.genesis,
            "validator_set_changes": [h for h in self.set_changes if h["header"] is not self.blocks[-1][0]],
            "anchor": self.blocks[-1][0],
            "states": [self.prove(key) for key in sorted(keys)],
            "links": [
                {"item": item, "entries": self.links.get(item, [])} for item in sorted(links, key=lambda i: i.encode())
            ],
            "blocks": [self.blocks[height - 1][0] for height in heights],
            "transactions": [
                {
                    "height": height,
                    "index": index,
                    "envelope": self.blocks[height - 1][1][index],
                    "siblings": self.blocks[height - 1][2][index],
                }
                for height, index in sorted(transactions)
            ],
            **fields,
        }


def seal(evidence):
    """The file of an `Evidence`, with the checksum that fits."""
    data = FIRST + encode("Evidence", evidence)
    return data + sha256(data)
