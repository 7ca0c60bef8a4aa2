"""The genesis document of docs/format.md, "Chain id and genesis": its form, and the validators it founds."""

import json
import re
import unicodedata

from proofs import check_validators, key_is_usable, require
from wire import Refusal

ROLES = frozenset(
    "platform logistics manufacturer ip-office court designer customs inspection laboratory retail assistance".split()
)
# The least and the most that each parameter may be; a transaction must also fit into a block.
PARAMETERS = {
    "precision_ms": (1, 60_000),
    "message_delay_ms": (1, 600_000),
    "max_block_bytes": (1024, 6_291_456),
    "max_block_transactions": (1, 1_048_576),
    "max_transaction_bytes": (1024, 4_194_304),
    "max_events_per_transaction": (1, 100_000),
}


def members_once(pairs):
    """An object's members; refuses one that stands twice."""
    names = [name for name, _ in pairs]
    require(len(names) == len(set(names)), "a member of the genesis document is doubled")
    return dict(pairs)


def refuse_number(text):
    """Refuses a number that isn't written as an integer."""
    raise Refusal(f"the genesis document has the number {text[:20]}")


def whole_number(text):
    """A number without sign."""
    require(not text.startswith("-"), "the genesis document has a negative number")
    return int(text)


def members(value, needed, optional=()):
    """Requires an object of exactly these members; the object."""
    require(isinstance(value, dict), "the genesis document lacks an object")
    require(needed <= set(value) <= needed | set(optional), "the genesis document has unknown or missing members")
    return value


def integer(value):
    """A JSON integer below 2^64."""
    require(type(value) is int and 0 <= value < 2**64, "the genesis document lacks an integer")
    return value


def text(value):
    """A JSON string; refuses surrogates that aren't a pair, which UTF-8 can't hold."""
    require(isinstance(value, str), "the genesis document lacks a text")
    require(not re.search("[\ud800-\udfff]", value), "the genesis document has half a character")
    return value


def name(value, most):
    """A text of 1 to `most` bytes without control characters."""
    require(1 <= len(text(value).encode()) <= most, f"a name doesn't have 1 to {most} bytes")
    require(not any(unicodedata.category(c) == "Cc" for c in value), "a name has a control character")
    return value


def listed(value, least, most, what):
    """A list of so many elements."""
    require(isinstance(value, list), "the genesis document lacks a list")
    require(least <= len(value) <= most, f"an organisation has {least} to {most} {what}")
    return value


def once(values, what):
    """Requires that no value stands twice."""
    require(len(values) == len(set(values)), f"{what} stands twice")


def key(value):
    """A public key that can be used, in lower-case hex."""
    require(re.fullmatch("[0-9a-f]{64}", text(value)), "a key isn't 64 digits of lower-case hex")
    require(key_is_usable(bytes.fromhex(value)), "a key isn't a usable Ed25519 public key")
    return bytes.fromhex(value)


def read_genesis(data):
    """The first validator set; refuses bytes that aren't a genesis document."""
    try:
        document = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=members_once,
            parse_int=whole_number,
            parse_float=refuse_number,
            parse_constant=refuse_number,
        )
    except (ValueError, RecursionError):
        raise Refusal("the genesis document isn't JSON") from None
    members(document, {"format", "chain", "time_ms", "parameters", "organisations"})
    require(document["format"] == "touchstone/genesis/v1", "the genesis document is of an unknown format")
    name(document["chain"], 64)
    integer(document["time_ms"])
    parameters = members(document["parameters"], set(PARAMETERS), {"transaction_lifetime_ms"})
    lifetime = parameters.get("transaction_lifetime_ms")
    require(lifetime is None or 60_000 <= integer(lifetime) <= 31_622_400_000, "transaction_lifetime_ms is out of range")
    for parameter, (least, most) in PARAMETERS.items():
        require(least <= integer(parameters[parameter]) <= most, f"{parameter} is out of range")
    require(parameters["max_transaction_bytes"] <= parameters["max_block_bytes"], "no block holds a transaction")
    require(isinstance(document["organisations"], list), "the genesis document lacks a list")
    read = [read_organisation(organisation) for organisation in document["organisations"]]
    once([identity for identity, _, _, _ in read], "an organisation")
    once([signer for _, signers, _, _ in read for signer in signers], "a signing key")
    owned = [(prefix, identity) for identity, _, _, prefixes in read for prefix in prefixes]
    shared = any(a.startswith(b) and one != other for a, one in owned for b, other in owned)
    require(not shared, "a prefix begins with another organisation's")
    validators = [validator for _, _, founded, _ in read for validator in founded]
    first = {"validators": sorted(validators, key=lambda validator: validator["public_key"]), "first_height": 1}
    check_validators(first)
    return first


def read_organisation(organisation):
    """The id, the signing keys, the validators and the prefixes of one organisation."""
    members(organisation, {"id", "name", "roles", "keys"}, {"gs1_prefixes", "nodes"})
    identity = text(organisation["id"])
    require(re.fullmatch("[a-z][a-z0-9-]{1,63}", identity), "an organisation's id has a wrong form")
    name(organisation["name"], 128)
    roles = [text(role) for role in listed(organisation["roles"], 1, len(ROLES), "roles")]
    require(set(roles) <= ROLES, "an organisation has an unknown role")
    once(roles, "a role")
    prefixes = [text(prefix) for prefix in listed(organisation.get("gs1_prefixes", []), 0, 2**64, "prefixes")]
    require(all(re.fullmatch("[0-9]{4,12}", prefix) for prefix in prefixes), "a prefix doesn't have 4 to 12 digits")
    once(prefixes, "a prefix")
    signers = [key(value) for value in listed(organisation["keys"], 1, 256, "keys")]
    nodes = [read_node(node, identity) for node in listed(organisation.get("nodes", []), 0, 16, "nodes")]
    once([network_key for network_key, _ in nodes], "a network key")
    return identity, signers, [validator for _, validator in nodes if validator], prefixes


def read_node(node, identity):
    """The network key of a node, and its validator or None. A member that may be missing may also be null."""
    members(node, {"network_key", "addresses"}, {"validator_key", "power"})
    network_key = key(node["network_key"])
    addresses = [text(address) for address in listed(node["addresses"], 0, 8, "addresses of a node")]
    require(all(len(address.encode()) <= 256 for address in addresses), "an address has more than 256 bytes")
    power = 1 if node.get("power") is None else integer(node["power"])
    if node.get("validator_key") is None:
        return network_key, None
    return network_key, {"public_key": key(node["validator_key"]), "power": power, "organisation": identity}
