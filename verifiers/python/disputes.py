"""Disputes under a design's right, and who may do what with it: from an evidence file's records."""

from authorised import ACTS, Question
from beacon import report as beacon_report
from cases import (
    check_report,
    false_report,
    handover_report,
    party_report,
    read_case,
    read_parties,
    referral_report,
    sanction_report,
)
from proofs import require
from reviewed import be, check_review
from wire import decode

MOST = 32
# A tally's counts by a dispute's outcome; by default where it is none of these.
COUNTS = {
    1: "refused",
    2: "withdrawn",
    3: "upheld",
    4: "dismissed",
    5: "false_notices",
    6: "false_declarations",
    11: "panel_upheld",
    12: "panel_dismissed",
    13: "centre_dismissed",
}
NAMES = ("notices", "open", *COUNTS.values(), "by_default")
WEIGHED = ("dismissed", "panel_dismissed", "centre_dismissed", "false_notices")
ENDED = 5
PHASES = (None, "noticed", "measures", "countered", "filed", "ended", "review", "referred", "without-measures")
DISPUTE_OUTCOMES = (
    None,
    "refused",
    "withdrawn",
    "upheld",
    "dismissed",
    "false-notice",
    "false-declaration",
    "platform-silent",
    "measures-stand",
    "measures-end",
    "no-ruling",
    "panel-upheld",
    "panel-dismissed",
    "centre-dismissed",
    "not-filed",
)
GROUNDS = (None, "similarity", "existing-design", "authorisation", "lawful-source")
REVIEW_PHASES = (None, "drawing", "casting", "opening", "decided", "over")
VERDICTS = (None, "upheld", "dismissed", "no-quorum", "no-majority", "no-panel")
BALLOTS = ("none", "cast", "void", "counted", "opened")
CHOICES = (None, "uphold", "dismiss")


def word(words, number):
    """The word of an enum's number."""
    return words[number] if 0 <= number < len(words) and words[number] else "unspecified"


class Disputes:
    """How the disputes under a right went, and those that the file shows."""

    def __init__(self, tally, shown, parties):
        self.tally, self.shown, self.parties = tally, shown, parties

    def is_weighed(self):
        """Whether somebody found a notice under this right wrong."""
        return any(self.tally[name] for name in WEIGHED)

    def words(self):
        """In one sentence."""
        counts = ", ".join(f"{name.replace('_', ' ')} {self.tally[name]}" for name in NAMES)
        drawn = sum(bool(panel["seats"]) for _, _, panels, _ in self.shown for panel, _ in panels)
        said = f"{counts}; {len(self.shown)} disputes shown, {drawn} panels drawn again and their votes counted again"
        checks = sum(len(case[0]) for _, _, _, case in self.shown)
        sanctions = sum(len(case[1]) for _, _, _, case in self.shown)
        handovers = sum(len(dispute["handovers"]) for _, dispute, _, _ in self.shown)
        if checks or handovers or sanctions or self.parties:
            said += f"; checks {checks}, hand-overs {handovers}, sanctions {sanctions}, parties with their sanctions "
            said += f"{len(self.parties)}, each agrees with the rules"
        return said

    def report(self):
        """The same as facts."""
        shown = [dispute_report(*one) for one in self.shown]
        parties = [party_report(*one) for one in self.parties]
        return {name: self.tally[name] for name in NAMES} | {"shown": shown, "parties": parties}


def read_disputes(design, ids, parties, ask):
    """The disputes under a design's right; each draw and verdict is found again."""
    require(len(ids) <= MOST, f"the file shows more than {MOST} disputes")
    value = ask(b"dispute-subject/" + design)
    tally = decode("DisputeTally", value or b"")
    require(all(a < b for a, b in zip(ids, ids[1:])), "the disputes don't ascend")
    counted, shown = dict.fromkeys(NAMES, 0), []

    def record(kind, key):
        found = ask(key)
        require(found is not None, f"{key!r} is absent")
        return decode(kind, found)

    for one in ids:
        require(len(one) == 32, "a dispute's id has 32 bytes")
        dispute, panels = record("Dispute", b"dispute/" + one), []
        require(dispute["subject"] == design, "a dispute about another right")
        if dispute["review"] is not None:
            for instance in range(min(dispute["review"]["instance"], 1) + 1):
                panel = record("Panel", b"panel/" + one + be(instance, 4))
                drawn = record("Draw", b"draw/" + be(panel["draw"], 8)) if panel["seats"] else None
                panels.append((panel, drawn))
            check_review(dispute, panels)
        ended = dispute["phase"] == ENDED
        counted["notices"] += 1
        counted[COUNTS.get(dispute["outcome"], "by_default") if ended else "open"] += 1
        shown.append((one, dispute, panels, read_case(one, dispute, record)))
    most = all(counted[name] <= tally[name] for name in NAMES)
    require(most, "the disputes that the file shows went otherwise than the ledger counts")
    sanctions = [sanction for _, _, _, case in shown for sanction in case[1]]
    return Disputes(tally, shown, read_parties(parties, sanctions, ask))


def dispute_report(identifier, dispute, panels, case):
    """A dispute that the file shows."""
    ended, review = dispute["phase"] == ENDED, dispute["review"]
    return {
        "id": identifier.hex(),
        "complainant": dispute["complainant"],
        "platform": dispute["platform"],
        "respondent": dispute["respondent"],
        "listing": dispute["listing"],
        "noticed_ms": dispute["noticed_ms"],
        "phase": word(PHASES, dispute["phase"]),
        "outcome": word(DISPUTE_OUTCOMES, dispute["outcome"]) if ended else None,
        "ended_ms": dispute["ended_ms"] if ended else None,
        "referral": referral_report(dispute["referral"]),
        "complainant_before": false_report(dispute["complainant_before"]),
        "respondent_before": false_report(dispute["respondent_before"]),
        "review": None if review is None else review_report(review, panels),
        "handovers": [handover_report(offered) for offered in dispute["handovers"]],
        "checks": [check_report(*one) for one in case[0]],
        "sanctions": [sanction_report(*one) for one in case[1]],
    }


def review_report(review, panels):
    """A review, with each panel and what it decided."""
    results = review["results"] + [None] * len(panels)
    return {
        "ground": word(GROUNDS, review["ground"]),
        "opened_by": review["opened_by"],
        "opened_ms": review["opened_ms"],
        "phase": word(REVIEW_PHASES, review["phase"]),
        "panels": [panel_report(panel, drawn, result) for (panel, drawn), result in zip(panels, results)],
    }


def panel_report(panel, drawn, result):
    """A panel: how it was drawn, who sat on it, how they voted."""
    values = drawn["values"] if drawn else []
    return {
        "jurors": panel["count"],
        "drawn_in": drawn and drawn["closed_height"],
        "seed": panel["seed"].hex() if drawn else None,
        "revealed": [value["public_key"].hex() for value in values if value["preimage"]],
        "silent": [value["organisation"] for value in values if not value["preimage"]],
        "beacon": beacon_report(drawn),
        "seats": [
            {
                "juror": seat["juror"],
                "ballot": word(BALLOTS, seat["state"]),
                "choice": CHOICES[seat["choice"]] if seat["choice"] < len(CHOICES) else None,
                "reasons_sha256": seat["reasons"].hex() or None,
            }
            for seat in panel["seats"]
        ],
        "verdict": result and word(VERDICTS, result["verdict"]),
        "uphold": result and result["uphold"],
        "dismiss": result and result["dismiss"],
    }


class Told:
    """An evidence file's records for a question: nothing of them is withheld."""

    def __init__(self, ask):
        self.ask = ask

    def get(self, key):
        """That the record is told, and its value; None where it is proven absent."""
        return True, self.ask(key)

    def needed(self, kind, key):
        """A record, decoded; None where it is absent."""
        value = self.ask(key)
        return None if value is None else decode(kind, value)


class Answer:
    """A question about a design, and what the records say to it."""

    def __init__(self, design, asked, ask):
        question = Question(asked | {"subject": design}, Told(ask))
        self.asked, self.question = asked, question
        self.verdict, self.why = question.answer()

    def report(self):
        """The same as facts."""
        licence, licensee = self.question.held or (None, None)
        return {
            "seller": self.asked["seller"],
            "act": ACTS[self.asked["act"]],
            "territory": self.asked["territory"],
            "time_ms": self.asked["time_ms"],
            "answer": self.verdict,
            "owner": self.question.owns,
            "licence": licence and licence["licence"].hex(),
            "licensee": licensee,
            "until_ms": licence and licence["until_ms"],
        }


def read_questions(design, questions, ask):
    """The answers to the questions about a design."""
    require(len(questions) <= MOST, f"the file asks more than {MOST} questions")
    order = [(one["seller"].encode(), one["act"], one["territory"].encode(), one["time_ms"]) for one in questions]
    require(all(a < b for a, b in zip(order, order[1:])), "the questions don't ascend")
    require(all(one["act"] in ACTS for one in questions), "a question names no act")
    require(len(design) == 32, "a design's id has 32 bytes")
    return [Answer(design, one, ask) for one in questions]
