#!/usr/bin/env python3
"""Examines an evidence file offline: what was checked, and what follows.

Written from docs/evidence.md and docs/format.md alone, it shares no code with the ledger. Needs Python 3.11 and
requirements.txt.

    verify.py FILE [ORIGINAL...] [--genesis FILE] [--tsa-roots FILE.pem]... [--json]
    verify.py --batch [--genesis FILE] [--tsa-roots FILE.pem]...

--tsa-roots names a file of root certificates in PEM, of time-stamp authorities whose tokens are to be trusted.

Exit codes: 0 verified; 3 not verified; 6 verified, with reservations to weigh; 1 wrong usage or an unreadable file.

With --batch, files come on the standard input, each as 4 bytes of length (big-endian) and its bytes. Each is
answered with one line: `verified`, `verified with reservations`, or `not verified` and the element that failed.
"""

import argparse
import base64
import datetime
import json
import re
import struct
import sys

from evidence import LARGEST, Examination
from proofs import sha256

EXIT = {"verified": 0, "not-verified": 3, "verified-with-reservations": 6}


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="the evidence file")
    parser.add_argument("originals", nargs="*", help="original files to compare with the record")
    parser.add_argument("--genesis", help="the genesis document from a trusted place")
    parser.add_argument("--tsa-roots", action="append", default=[], metavar="FILE.pem", help="trusted roots in PEM")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--batch", action="store_true", help="examine files from the standard input")
    given = parser.parse_args()
    if given.batch == (given.file is not None):
        parser.error("name a file, or --batch")
    return given


def read(path, largest=None):
    """A file's bytes, no more than `largest` and one."""
    with open(path, "rb") as file:
        return file.read() if largest is None else file.read(largest + 1)


def read_roots(paths):
    """The exact bytes of the certificates in PEM files."""
    roots = []
    for path in paths:
        blocks = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", read(path), re.DOTALL)
        try:
            roots += [base64.b64decode(b"".join(block.split()), validate=True) for block in blocks]
        except ValueError:
            blocks = []
        if not blocks:
            raise OSError(f"{path} holds no certificates in PEM (BEGIN CERTIFICATE)")
    return roots


def printable(text):
    """Text from the file: anybody's words, which may hold what a terminal obeys."""
    return text.encode("unicode_escape").decode()


def utc(milliseconds):
    """A time for a person."""
    try:
        moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=milliseconds)
    except OverflowError:
        return f"{milliseconds} ms after 1970"
    return moment.isoformat(timespec="milliseconds") + "Z"


def print_text(verdict, rows, examination):
    """Prints the examination for a person."""
    print(f"Verdict   {verdict.upper().replace('-', ' ')}")
    for element, article, result, reason in rows:
        print(f"  {element:13} Art. {article}  {result:12} {printable(reason)}")
    for stamped in examination.stamped:
        report, token = stamped.report(), stamped.token
        accuracy = "accuracy not stated" if token.accuracy_ms is None else f"accuracy {token.accuracy_ms} ms"
        print(f"Stamped   by {printable(stamped.authority)}, no later than {utc(token.moment_ms)}, {accuracy}")
        print(f"  blocks {', '.join(map(str, stamped.heights))}; serial number {report['serial_number']} (hex)")
        print(f"  policy {token.policy}; signer {printable(token.signer)}")
        print(f"  root {report['root_sha256']} (SHA-256), {'trusted' if stamped.trusted else 'not trusted'}")
    if examination.unstamped:
        print(f"Blocks with chain time only: {', '.join(map(str, examination.unstamped))}")


def print_json(verdict, rows, examination):
    """Prints the examination for a program."""
    names = "element", "article", "result", "reason"
    answer = {"verdict": verdict, "elements": [dict(zip(names, row)) for row in rows]}
    answer["time_stamps"] = [stamped.report() for stamped in examination.stamped]
    print(json.dumps(answer | {"chain_time_only": examination.unstamped}))


def batch(trusted, roots):
    """Answers the files on the standard input."""
    stream = sys.stdin.buffer
    while head := stream.read(4):
        if len(head) < 4:
            sys.exit("the input ends inside a length")
        (size,) = struct.unpack(">I", head)
        data = stream.read(size)
        if len(data) < size:
            sys.exit("the input ends inside a file")
        verdict, rows = Examination(data, trusted=trusted, roots=roots).examine()
        failed = [element for element, _, result, _ in rows if result == "failed"]
        print(" ".join([verdict.replace("-", " "), *failed]), flush=True)


def main():
    """Runs the command; its exit code."""
    given = arguments()
    try:
        trusted = sha256(read(given.genesis)) if given.genesis else None
        roots = read_roots(given.tsa_roots)
        if given.batch:
            batch(trusted, roots)
            return 0
        data = read(given.file, LARGEST)
        originals = [(path, sha256(read(path))) for path in given.originals]
    except OSError as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 1
    examination = Examination(data, originals, trusted, roots)
    verdict, rows = examination.examine()
    (print_json if given.json else print_text)(verdict, rows, examination)
    return EXIT[verdict]


if __name__ == "__main__":
    sys.exit(main())
