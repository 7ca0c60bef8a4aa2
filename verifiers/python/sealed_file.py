"""Files of one answer: first bytes, the message, the SHA-256 of both; under a header that follows from genesis."""

import argparse
import json
import sys

from genesis import read_genesis
from proofs import next_validators, require, sha256, verify_certified
from wire import Refusal, decode


def command(program, description, kind):
    """What the command line says: the file's path, that of the genesis document, whether JSON is wanted."""
    parser = argparse.ArgumentParser(program, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help=f"the {kind} file")
    parser.add_argument("--genesis", required=True, help="the genesis document from a trusted place")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser.parse_args()


def read_files(program, given, largest):
    """The bytes of the file and of the genesis document, which must be one: a wrong one would only say "another chain"."""
    try:
        with open(given.file, "rb") as file, open(given.genesis, "rb") as document:
            found = file.read(largest + 1), document.read()
        read_genesis(found[1])
        return found
    except OSError as error:
        wrong = str(error)
    except Refusal as refusal:
        wrong = f"{given.genesis} (--genesis) isn't a genesis document: {refusal}"
    if given.json:
        print(json.dumps({"error": "usage", "message": wrong, "exit_code": 1}))
    sys.exit(f"{program}: {wrong}")


def not_verified(refusal, given):
    """Says that a file isn't verified, and why; the exit code."""
    words = f"NOT VERIFIED: {refusal}"
    print(json.dumps({"error": "not-verified", "message": words, "exit_code": 3}) if given.json else words)
    return 3


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
