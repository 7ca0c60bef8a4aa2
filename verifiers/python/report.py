"""An examination for programs, in the form of docs/examination.schema.json."""

import json
import time

import drafts
import fields
from proofs import sha256

NAME, VERSION = "verify.py", "2"
# From the best to the worst.
EXHIBITS = ("recorded", "not-compared", "not-recorded")
EXIT = {"verified": 0, "not-verified": 3, "verified-with-reservations": 6}
NOT_PART_OF_THE_RECORD = 7
CHECKS = (None, "in-person", "remote", "business-register", "other")


class Exhibits:
    """Files that were handed in beside the evidence, each with a verdict of its own."""

    def __init__(self, examination, originals):
        """`originals` are (name, SHA-256)."""
        self.files = [(name, digest, *examination.exhibit(digest)) for name, digest in originals]

    def verdict(self):
        """The worst of all; "none" without any."""
        verdicts = [verdict for _, _, verdict, _ in self.files]
        return max(verdicts, key=EXHIBITS.index) if verdicts else "none"

    def report(self):
        """The same by names."""
        names = "name", "sha256", "verdict", "matches"
        rows = [(name, digest.hex(), verdict, matches) for name, digest, verdict, matches in self.files]
        return {"verdict": self.verdict(), "files": [dict(zip(names, row)) for row in rows]}


def exit_code(verdict, exhibits):
    """What the process says: of the record first, then of what was handed in with it."""
    if verdict != "not-verified" and exhibits.verdict() not in ("none", "recorded"):
        return NOT_PART_OF_THE_RECORD
    return EXIT[verdict]


def value(verdict, rows, examination, exhibits):
    """The whole examination as one value."""
    checks = []
    for element, article, result, reason in rows:
        findings = examination.said.get(element) or [reason]
        checks.append({"element": element, "article": article, "result": result, "findings": findings})
    return {
        "format": "touchstone/examination/v1",
        "tool": {"name": NAME, "version": VERSION},
        "examined_ms": int(time.time() * 1000),
        "exit_code": exit_code(verdict, exhibits),
        "file": {
            "sha256": sha256(examination.data).hex(),
            "bytes": len(examination.data),
            "version": examination.version,
        },
        "verdict": verdict,
        "checks": checks,
        "exhibits": exhibits.report(),
        "facts": None if verdict == "not-verified" else facts(examination),
    }


def facts(examination):
    """What the file proves."""
    item, design = examination.evidence["item"], examination.evidence["design"]
    transactions = []
    for (height, index), transaction in sorted(examination.proven.items()):
        organisation = transaction.body["organisation"]
        transactions.append(
            {
                "height": height,
                "index": index,
                "id": transaction.identity.hex(),
                "time_ms": transaction.time_ms,
                "organisation": organisation,
                "name": examination.names[organisation],
                "signer": transaction.signer.hex(),
            }
        )
    validators = [
        {
            "public_key": member["public_key"].hex(),
            "power": member["power"],
            "organisation": member["organisation"],
            "name": name,
            "signed": signed,
        }
        for member, name, signed in examination.validators
    ]
    return {
        "subject": {"item": item} if item is not None else {"design": design.hex()},
        "chain_id": examination.chain_id.hex(),
        "chain_name": json.loads(examination.document)["chain"],
        "height": examination.head["height"],
        "time_ms": examination.head["time_ms"],
        "block_id": examination.block_id.hex(),
        "time_error_ms": examination.error_ms,
        "validators": validators,
        "transactions": transactions,
        "history": None if examination.history is None else history(item, examination.history),
        "custody": examination.custody and examination.custody.report(),
        "handovers": examination.handovers.report() if examination.handovers else [],
        "deposit": None if item is not None else deposit(examination, design),
        "disputes": examination.disputes and examination.disputes.report(),
        "authorisations": [answer.report() for answer in examination.answers],
        "stamps": [stamped.report() for stamped in examination.stamped],
    }


def history(item, told):
    """An item's events."""
    events = [
        {
            **dict(zip(("height", "transaction", "event"), position)),
            "time_ms": entry["time_ms"],
            "organisation": entry["organisation"],
            "content_hash": entry["content_hash"].hex(),
            "via": list(told.via[position]),
        }
        for position, entry in sorted(told.entries.items())
    ]
    own = len(told.links.of(item))
    return {"item": item, "own_events": own, "inside": list(told.inside), "events": events}


def deposit(examination, design):
    """A design's deposit, or that there is none."""
    record = examination.design
    disclosure = record and record["disclosure"]
    opening = examination.evidence["opening"]
    recorded_title = (disclosure and disclosure["title"]) or None
    look_alikes = {"look_alikes": compared(examination.look_alikes)} if examination.look_alikes else {}
    vouched = {"vouching": vouching(examination.vouching)} if examination.vouching else {}
    shown = examination.content
    content = {"content": fields.report(shown)} if shown is not None and shown.views else {}
    return {
        "id": design.hex(),
        "recorded": record is not None,
        "commitment": record and record["commitment"].hex(),
        "owner_key": record and record["owner_key"].hex(),
        "organisation": record and record["organisation"],
        "time_ms": record and record["time_ms"],
        "title": recorded_title or (opening and opening["title"]) or None,
        "title_is_recorded": recorded_title is not None,
        "disclosed_ms": disclosure and disclosure["time_ms"],
        "files": [{"sha256": digest.hex(), "name": name} for digest, name in examination.files],
        **content,
        **({"drafts": drafts.report(examination.drafts)} if examination.drafts else {}),
        **look_alikes,
        **vouched,
        **({"right": right(examination.right)} if examination.right else {}),
    }


def right(found):
    """Who owns a design."""
    offered, ended = found["offered"], found["ended"]
    offer = offered and {"id": offered["id"].hex(), "to": offered["to"], "deadline_ms": offered["deadline_ms"]}
    return {
        "owner": found["owners"][-1]["organisation"],
        "owners": found["owners"],
        "earlier_owners": found["earlier_owners"],
        "offered": offer,
        "ended_ms": ended and ended["time_ms"],
        "ended_reason": ended and ended["reason"],
    }


def vouching(found):
    """Who vouched for a design's depositor."""
    withdrawn = found["withdrawn"]
    return {
        "voucher": found["voucher"],
        "name": found["name"],
        "check": CHECKS[found["check"]],
        "check_words": found["check_words"],
        "registered_as": found["registered_as"],
        "from_ms": found["from_ms"],
        "until_ms": found["until_ms"],
        "withdrawn_ms": withdrawn and withdrawn["time_ms"],
        "withdrawn_reason": withdrawn and withdrawn["reason"],
    }


def compared(found):
    """What the ledger compared of a design's pictures."""
    return {
        "specification": found["specification"].hex(),
        "time_ms": found["time_ms"],
        "pictures_searched": found["searched"]["pictures"],
        "designs_searched": found["searched"]["designs"],
        "pictures": [
            {
                "file_sha256": picture["fingerprint"]["file_hash"].hex(),
                "whole": picture["fingerprint"]["whole"].hex(),
                "trimmed": picture["fingerprint"]["trimmed"].hex(),
                "whole_quality": picture["fingerprint"]["whole_quality"],
                "trimmed_quality": picture["fingerprint"]["trimmed_quality"],
                "found": picture["found"],
                "candidates": [
                    {
                        "number": candidate["number"],
                        "design_id": candidate["design_id"].hex(),
                        "file_sha256": candidate["file_hash"].hex(),
                        "distance": candidate["distance"],
                        "variant": candidate["variant"],
                        "part": candidate["part"],
                        "organisation": candidate["organisation"],
                        "deposited_height": candidate["deposited"]["height"],
                        "deposited_ms": candidate["deposited_ms"],
                    }
                    for candidate in picture["candidates"]
                ],
            }
            for picture in found["pictures"]
        ],
    }
