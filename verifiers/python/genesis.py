"""The genesis document of docs/format.md, "Chain id and genesis": its form, and the validators it founds."""

import json
import re

from proofs import check_validators, require
from wire import Refusal

ROLES = frozenset(
    "platform logistics manufacturer ip-office court designer customs inspection laboratory retail".split()
)
PARAMETERS = frozenset(
    "precision_ms message_delay_ms max_block_bytes max_block_transactions max_transaction_bytes"
    " max_events_per_transaction".split()
)


def members_once(pairs):
    """An object's members; refuses one that stands twice."""
    names = [name for name, _ in pairs]
    require(len(names) == len(set(names)), "a member of the genesis document is doubled")
    return dict(pairs)


def refuse_number(text):
    """Refuses a number that isn't written as an integer."""
    raise Refusal(f"the genesis document has the number {text[:20]}")


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
    """A JSON string."""
    require(isinstance(value, str), "the genesis document lacks a text")
    return value


def texts(value):
    """A list of JSON strings."""
    require(isinstance(value, list), "the genesis document lacks a list")
    return [text(element) for element in value]


def key(value):
    """A public key in lower-case hex."""
    require(re.fullmatch("[0-9a-f]{64}", text(value)), "a key isn't 64 digits of lower-case hex")
    return bytes.fromhex(value)


def read_genesis(data):
    """The first validator set; refuses bytes that aren't a genesis document."""
    try:
        document = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=members_once,
            parse_float=refuse_number,
            parse_constant=refuse_number,
        )
    except (ValueError, RecursionError):
        raise Refusal("the genesis document isn't JSON") from None
    members(document, {"format", "chain", "time_ms", "parameters", "organisations"})
    require(document["format"] == "touchstone/genesis/v1", "the genesis document is of an unknown format")
    require(1 <= len(text(document["chain"]).encode()) <= 64, "the chain's name has 1 to 64 bytes")
    integer(document["time_ms"])
    for value in members(document["parameters"], PARAMETERS).values():
        integer(value)
    require(isinstance(document["organisations"], list), "the genesis document lacks a list")
    validators = []
    for organisation in document["organisations"]:
        validators += read_organisation(organisation)
    validators.sort(key=lambda validator: validator["public_key"])
    first = {"validators": validators}
    check_validators(first)
    return first


def read_organisation(organisation):
    """The validators of one organisation."""
    members(organisation, {"id", "name", "roles", "keys"}, {"gs1_prefixes", "nodes"})
    name = text(organisation["id"])
    text(organisation["name"])
    require(set(texts(organisation["roles"])) <= ROLES, "an organisation has an unknown role")
    for value in texts(organisation["keys"]):
        key(value)
    texts(organisation.get("gs1_prefixes", []))
    require(isinstance(organisation.get("nodes", []), list), "the genesis document lacks a list")
    validators = []
    for node in organisation.get("nodes", []):
        members(node, {"network_key", "addresses"}, {"validator_key", "power"})
        key(node["network_key"])
        texts(node["addresses"])
        power = integer(node.get("power", 1))
        if "validator_key" in node:
            public_key = key(node["validator_key"])
            validators.append({"public_key": public_key, "power": power, "organisation": name})
    return validators
