#!/usr/bin/env python3
"""Examines an evidence file offline: what was checked, and what follows.

Written from docs/evidence.md and docs/format.md alone, it shares no code with the ledger. Needs Python 3.11 and
requirements.txt.

    verify.py FILE [EXHIBIT...] [--genesis FILE] [--tsa-roots FILE]... [--json]
    verify.py --batch [--genesis FILE] [--tsa-roots FILE]...

EXHIBITs are files to compare with the record; each is judged apart. --tsa-roots names a file of root certificates, in
PEM or one in DER, of time-stamp authorities whose tokens are to be trusted. --json prints one JSON value, of the form
docs/examination.schema.json, whatever the exit code.

Exit codes: 0 verified; 3 not verified; 6 verified, with reservations to weigh; 7 verified, but an EXHIBIT isn't shown to
be part of the record; 1 wrong usage, an unreadable file or a missing package.

With --batch, files come on the standard input, each as 4 bytes of length (big-endian) and its bytes. Each is
answered with one line: `verified`, `verified with reservations`, or `not verified` and the element that failed.
"""

import argparse
import base64
import json
import re
import struct
import sys

WRONG_USAGE = 1


class Wrong(Exception):
    """Why nothing was examined."""


def fail(reason):
    """Says why nothing was examined; the exit code."""
    if "--json" in sys.argv[1:]:
        print(json.dumps({"error": "usage", "message": reason, "exit_code": WRONG_USAGE}))
    print(f"verify.py: {reason}", file=sys.stderr)
    return WRONG_USAGE


try:
    from evidence import LARGEST, Examination
    from genesis import read_genesis
    from moment import printable, utc
    from proofs import sha256
    from report import Exhibits, exit_code, facts, value
    from timestamps import Certificate
    from wire import Refusal
except ModuleNotFoundError as missing:
    package = (missing.name or "").split(".")[0]
    advice = "pip install -r verifiers/python/requirements.txt, or Debian's python3-cryptography"
    sys.exit(fail(f"the Python package {package!r} is missing: {advice}"))


class Parser(argparse.ArgumentParser):
    """A parser whose errors are said as all others are."""

    def error(self, message):
        raise Wrong(f"{message}; see verify.py --help")


def arguments():
    """The command line."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", help="the evidence file")
    parser.add_argument("exhibits", nargs="*", help="files to compare with the record")
    parser.add_argument("--genesis", help="the genesis document from a trusted place")
    parser.add_argument("--tsa-roots", action="append", default=[], metavar="FILE", help="trusted roots in PEM or DER")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--batch", action="store_true", help="examine files from the standard input")
    given = parser.parse_intermixed_args()
    if given.batch == (given.file is not None):
        parser.error("name a file, or --batch")
    return given


def read(path, largest=None):
    """A file's bytes, no more than `largest` and one."""
    try:
        with open(path, "rb") as file:
            return file.read() if largest is None else file.read(largest + 1)
    except OSError as error:
        raise Wrong(f"reading {path}: {error.strerror or error}") from None


def read_trusted(path):
    """The chain id of a genesis document, which must be one: a wrong file would only say "another chain"."""
    document = read(path)
    try:
        read_genesis(document)
    except Refusal as refusal:
        raise Wrong(f"{path} (--genesis) isn't a genesis document: {refusal}") from None
    return sha256(document)


def read_roots(paths):
    """The exact bytes of the certificates in files: PEM, or one in DER."""
    roots = []
    for path in paths:
        content = read(path)
        blocks = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", content, re.DOTALL)
        try:
            found = [base64.b64decode(b"".join(block.split()), validate=True) for block in blocks] or [content]
            for certificate in found:
                Certificate(certificate)
        except (ValueError, Refusal):
            raise Wrong(f"{path} (--tsa-roots) holds no certificates, neither in PEM nor one in DER") from None
        roots += found
    return roots


def print_facts(told):
    """Prints for a person what the file proves."""
    (kind, name), *_ = told["subject"].items()
    names = {one["organisation"]: one["name"] for one in told["transactions"] + told["validators"]}

    def named(organisation):
        return printable(f"{names[organisation]} ({organisation})" if organisation in names else organisation)

    print(f"{kind.capitalize():9} {printable(name)}")
    print(f"Chain     {told['chain_id']} {printable(told['chain_name'])}")
    print(f"As of     block {told['height']} ({told['block_id']}), {utc(told['time_ms'])} ± {told['time_error_ms']} ms")
    if deposit := told["deposit"]:
        if not deposit["recorded"]:
            print("          no such design was deposited, up to that block")
        else:
            print(f"Owner     {named(deposit['organisation'])}, key {deposit['owner_key']}")
            if owned := deposit.get("right"):
                print(f"Right     owned by {named(owned['owner'])} since {utc(owned['owners'][-1]['since_ms'])}")
                if owned["ended_ms"] is not None:
                    print(f"          given up {utc(owned['ended_ms'])}: {printable(owned['ended_reason'])}")
            if vouched := deposit.get("vouching"):
                term = f"{utc(vouched['from_ms'])} to {utc(vouched['until_ms'])}"
                how = f"{vouched['check']} {printable(vouched['check_words'])}".strip()
                print(f"Vouched   by {named(vouched['voucher'])} for {printable(vouched['name'])}, {term}; checked: {how}")
                if vouched["withdrawn_ms"] is not None:
                    why = printable(vouched["withdrawn_reason"])
                    print(f"          withdrawn {utc(vouched['withdrawn_ms'])}: {why}")
            print(f"Deposited no later than {utc(deposit['time_ms'])} ± {told['time_error_ms']} ms")
            if deposit["title"]:
                whose = "recorded" if deposit["title_is_recorded"] else "the holder's word"
                print(f"Title     {printable(deposit['title'])} ({whose})")
            for file in deposit["files"]:
                print(f"File      {file['sha256']} {printable(file['name'] or '')}")
    if history := told["history"]:
        if not history["events"]:
            print("          nothing was ever recorded for it, up to that block")
        for event in history["events"]:
            place = f"{event['height']}/{event['transaction']}/{event['event']}"
            inside = f", in {printable(' < '.join(event['via']))}" if event["via"] else ""
            print(f"Event     {place}, {utc(event['time_ms'])}, by {named(event['organisation'])}{inside}")
            print(f"          SHA-256 {event['content_hash']}")
    if custody := told["custody"]:
        if custody["holder"] is None:
            print("Holder    nobody said that it has the item, or it is of a kind that nobody can have")
        else:
            print(f"Holder    {named(custody['holder'])} since block {custody['since']['height']}, by {custody['basis']}")
        if custody["discrepancy"]:
            print(f"          DISCREPANCY: {printable(custody['discrepancy'])}")
        for claim in custody["claims"]:
            why = claim["reason"] or "it held it by its own word before"
            print(f"DISPUTED  by {named(claim['organisation'])}: {printable(why)}")
    print_disputes(told)
    for one in told["transactions"]:
        print(f"Signed    {one['height']}/{one['index']} by {named(one['organisation'])}, key {one['signer']}")
        print(f"          transaction {one['id']}")
    for one in told["stamps"]:
        accuracy = "accuracy not stated" if one["accuracy_ms"] is None else f"accuracy {one['accuracy_ms']} ms"
        trusted = "trusted" if one["trusted"] else "root not trusted here"
        print(f"Stamped   no later than {utc(one['no_later_than_ms'])} by {printable(one['authority'])} ({trusted})")
        print(f"          {accuracy}; blocks {', '.join(map(str, one['heights']))}; {printable(one['url'])}")
        print(f"          serial {one['serial']}, policy {one['policy']}, root SHA-256 {one['root_sha256']}")
    for one in told["validators"]:
        signed = "signed" if one["signed"] else "didn't sign"
        print(f"Validator {named(one['organisation'])}, power {one['power']}, {signed}")


def print_question(one):
    """Prints what an assistance centre was asked, and what rulings had found of the parties before."""
    if asked := one["referral"]:
        said = "no opinion in time" if asked["by_default"] else asked["opinion"] or "waits"
        print(f"          assistance centre {printable(asked['centre'])}, asked by {printable(asked['by'])}: {said}")
    for party in ("complainant", "respondent"):
        if before := one[f"{party}_before"]:
            counts = f"notices {before['notices']}, declarations {before['declarations']}"
            print(f"          {party}'s statements that rulings had found false: {counts}")


def print_case(one):
    """Prints the hand-overs, checks and sanctions of a dispute."""
    for offered in one["handovers"]:
        print(f"          hand-over from {printable(offered['from'])} to {printable(offered['to'])}: {offered['state']}")
    for check in one["checks"]:
        found = f", {check['verdict']}" if check["verdict"] else ""
        print(f"          {check['kind']} by {printable(check['by'])}, {utc(check['at_ms'])}: {check['state']}{found}")
    for sanction in one["sanctions"]:
        term = f"{printable(sanction['party'])} to {utc(sanction['until_ms'])}"
        print(f"          sanction {sanction['kind']} against {term}: {sanction['outcome'] or 'open'}")


def print_disputes(told):
    """Prints how disputes under the design's right went, and who may do what with it."""
    if (disputes := told["disputes"]) is not None:
        counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in disputes.items() if isinstance(count, int))
        print(f"Disputes  {counts}")
        for one in disputes["shown"]:
            parties = f"{printable(one['complainant'])} against {printable(one['respondent'])}"
            print(f"Dispute   {one['id']}: {parties} on {printable(one['platform'])}")
            print(f"          {printable(one['listing'])}, {utc(one['noticed_ms'])}: noticed")
            print_question(one)
            for panel in one["review"]["panels"] if one["review"] else []:
                seats, values = len(panel["seats"]), len(panel["revealed"])
                print(f"          {seats} of {panel['jurors']} jurors drawn again by the values of {values} validators")
                if (taken := panel["beacon"]) is not None:
                    shown = "taken" if taken["pulse_index"] is not None else "not shown in time"
                    print(f"          pulse of a public beacon of {utc(taken['pulse_ms'])}: {shown}")
                votes = f"votes to uphold {panel['uphold']}, to dismiss {panel['dismiss']}"
                print(f"          {panel['verdict']}: {votes}" if panel["verdict"] else "          no verdict yet")
            print_case(one)
            print(f"          {utc(one['ended_ms'])}: {one['outcome']}" if one["outcome"] else f"          open: {one['phase']}")
        for one in disputes["parties"]:
            known = f" as {printable(one['registered_as'])}" if one["registered_as"] else ""
            print(f"Sanctions of {printable(one['organisation'])}{known}: {one['imposed']}")
            for held in one["held"] + (one["registered"] or {"held": []})["held"]:
                term = f"from {utc(held['from_ms'])} to {utc(held['until_ms'])}"
                print(f"          {held['kind']} {term}: {held['sanction']}")
    for one in told["authorisations"]:
        asked = f"{printable(one['seller'])} may {one['act']} it in {printable(one['territory'])}"
        basis = ", it owns the right" if one["owner"] else f", licence {one['licence']}" if one["licence"] else ""
        print(f"Asked     {one['answer'].upper()}: whether {asked} on {utc(one['time_ms'])}{basis}")


def print_text(verdict, rows, examination, exhibits):
    """Prints the examination for a person."""
    print(f"Verdict   {verdict.upper().replace('-', ' ')}")
    for name, digest, found, _ in exhibits.files:
        print(f"Exhibit   {printable(name)}: {found.upper().replace('-', ' ')}, SHA-256 {digest.hex()}")
    if verdict != "not-verified":
        print_facts(facts(examination))
    for element, article, result, reason in rows:
        first, *more = examination.said.get(element) or [reason]
        print(f"  {element:13} Art. {article}  {result:12} {printable(first)}")
        for words in more:
            print(f"  {'':35} {printable(words)}")
    if verdict != "not-verified" and examination.unstamped:
        print(f"Blocks with chain time only: {', '.join(map(str, examination.unstamped))}")


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
    try:
        given = arguments()
        trusted = read_trusted(given.genesis) if given.genesis else None
        roots = read_roots(given.tsa_roots)
        if given.batch:
            batch(trusted, roots)
            return 0
        data = read(given.file, LARGEST)
        originals = [(path, sha256(read(path))) for path in given.exhibits]
    except Wrong as wrong:
        return fail(str(wrong))
    examination = Examination(data, trusted, roots)
    verdict, rows = examination.examine()
    exhibits = Exhibits(examination, originals)
    if given.json:
        print(json.dumps(value(verdict, rows, examination, exhibits)))
    else:
        print_text(verdict, rows, examination, exhibits)
    return exit_code(verdict, exhibits)


if __name__ == "__main__":
    sys.exit(main())
