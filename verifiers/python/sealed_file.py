"""Files of one answer: first bytes, the message, the SHA-256 of both; under a header that follows from genesis."""

import sys

from genesis import read_genesis
from proofs import next_validators, require, sha256, verify_certified
from wire import Refusal, decode


def read_files(program, path, largest, genesis):
    """The bytes of a file and of a genesis document, which must be one: a wrong one would only say "another chain"."""
    try:
        with open(path, "rb") as file, open(genesis, "rb") as document:
            found = file.read(largest + 1), document.read()
        read_genesis(found[1])
    except OSError as error:
        sys.exit(f"{program}: {error}")
    except Refusal as refusal:
        sys.exit(f"{program}: {genesis} (--genesis) isn't a genesis document: {refusal}")
    return found


def read_sealed(data, first, largest, kind, message):
    """The message in a file of a kind that begins with `first`."""
    require(len(data) <= largest and data.startswith(first), f"this is no {kind} file that this verifier knows")
    require(len(data) >= len(first) + 32 and sha256(data[:-32]) == data[-32:], "the checksum doesn't fit")
    return decode(message, data[len(first) : -32])


def verify_from_genesis(genesis, changes, certified):
    """Requires that a header follows from the genesis document by all changes of validators below it; the header."""
    chain_id, members, last = sha256(genesis), read_genesis(genesis), 0
    for change in changes:
        last, members = next_validators(chain_id, change, members, last)
    header = verify_certified(chain_id, certified, members)
    require(last < header["height"], "a change of the validator set isn't below the answer's header")
    return header
