"""Checks, hand-overs and sanctions that an evidence file shows beside its disputes: docs/format.md, "Checks, hand-overs
and sanctions"."""

from proofs import require
from wire import decode

MOST = 32
ENDED = 5
# Of the enums DisputePhase, DisputeOutcome and CentreOpinion.
REFERRED, CENTRE_DISMISSED, DOES_NOT_INFRINGE = 7, 13, 2
OPINIONS = (None, "infringes", "does-not-infringe", "contested")
# Of the enums CaseCheckKind, CaseCheckState, HandOverState, SampleVerdict and SanctionOutcome.
TEST_PURCHASE, SUPERVISOR_NOTICE = 1, 3
CLOSED, DEFAULTED = 1, 2
ACCEPTED, LAPSED = 1, 2
UNDETERMINED = 3
CONFIRMED, LIFTED, NOT_APPEALED, NOT_DECIDED = 1, 2, 3, 4
# Against whom an outcome of a dispute has found something.
AGAINST = {3: "respondent", 11: "respondent", 6: "respondent", 5: "complainant"}
KINDS = (None, "test-purchase", "spot-check", "supervisor-notice")
SAMPLE_VERDICTS = (None, "authentic", "not-authentic", "undetermined")
CHECK_STATES = ("waits", "closed", "defaulted")
HAND_OVER_STATES = ("offered", "accepted", "lapsed")
SANCTION_KINDS = (None, "warning", "no-notices", "no-sales")
SANCTION_OUTCOMES = (None, "confirmed", "lifted", "not-appealed", "not-decided")
COUNTS = ("confirmed", "lifted", "not_appealed", "not_decided")


def word(words, number):
    """The word of an enum's number."""
    return words[number] if 0 <= number < len(words) and words[number] else "unspecified"


def check_end(dispute):
    """A dispute has an outcome exactly if it has ended."""
    fits = (dispute["phase"] == ENDED) == (dispute["outcome"] != 0)
    require(fits, "a dispute is open and has an outcome, or has ended and has none")


def check_handovers(dispute):
    """The hand-overs lead to the authority that the dispute names."""
    handovers = dispute["handovers"]
    holder = handovers[0]["from"] if handovers else dispute["authority"]
    for place, offered in enumerate(handovers):
        state, closed = offered["state"], offered["closed_ms"]
        last = place == len(handovers) - 1
        fits = (
            state == 0 and last and dispute["phase"] != ENDED
            or state == ACCEPTED and closed <= offered["deadline_ms"]
            or state == LAPSED and closed >= offered["offered_ms"]
        )
        fits = fits and offered["from"] == holder != offered["to"] and len(offered["rule_book"]) == 32
        require(fits, "a dispute's hand-overs don't lead to its authority")
        if state == ACCEPTED:
            holder = offered["to"]
    require(holder == dispute["authority"], "a dispute's hand-overs don't lead to its authority")


def check_referral(dispute):
    """What a dispute's record tells of its question to an assistance centre agrees with the rules."""
    asked, waits = dispute["referral"], dispute["phase"] == REFERRED
    by_centre = dispute["phase"] == ENDED and dispute["outcome"] == CENTRE_DISMISSED
    wrong = "a dispute's question to an assistance centre isn't what the rules make of one"
    if asked is None:
        require(not by_centre and not waits, wrong)
        return
    opinion, closed, by, book = asked["opinion"], asked["closed_ms"], asked["by"], asked["rule_book"]
    length = 32 if opinion else 0
    in_time = not waits and asked["referred_ms"] <= closed <= asked["deadline_ms"] if opinion else (closed == 0) == waits
    parts = [len(asked[name]) for name in ("reasons", "opinion_reasons", "opinion_rule_book")] == [32, length, length]
    asker = by == dispute["platform"] and len(book) == 32 or by == dispute["complainant"] and not book
    apart = asked["centre"] not in (dispute["platform"], dispute["complainant"], dispute["respondent"])
    fits = in_time and parts and asker and apart and (not by_centre or opinion == DOES_NOT_INFRINGE)
    require(fits, wrong)


def check_check(dispute, check):
    """A check that a dispute's record names agrees with it and with the rules."""
    require(check["dispute"] == dispute, "a check is of another dispute")
    state, closed, deadline = check["state"], check["closed_ms"], check["deadline_ms"]
    waits = check["kind"] in (TEST_PURCHASE, SUPERVISOR_NOTICE)
    answered = waits and state == CLOSED
    length = 32 if answered else 0
    parts = [len(check["answer"]), len(check["answer_rule_book"])] == [length] * 2 and len(check["rule_book"]) == 32
    require(parts, "a check lacks a rule book or its answer, or has one too many")
    in_time = (
        state == 0 and waits and closed == 0
        or state == CLOSED and (not answered or closed <= deadline)
        or state == DEFAULTED and waits and closed > deadline
    )
    require(in_time, "a check was not closed at the side of its deadline that it tells of")
    sample = answered and check["kind"] == TEST_PURCHASE
    open_seal = sample and check["seal_confirmed"] != 1 and check["verdict"] != UNDETERMINED
    require(not open_seal, "a verdict was given on a sample whose seal wasn't confirmed")


def check_sanction(dispute_id, dispute, sanction):
    """A sanction that a dispute's record names rests on it, and its appeal went by the rules."""
    found = dispute["phase"] == ENDED and dispute["outcome"] in AGAINST
    party = dispute[AGAINST[dispute["outcome"]]] if found else None
    rests = dispute_id in sanction["grounds"] and sanction["party"] == party
    require(rests, "a sanction doesn't rest on what its dispute found")
    appealed, closed, deadline = sanction["appealed_ms"] > 0, sanction["closed_ms"], sanction["deadline_ms"]
    own = appealed and sanction["authority"] in (sanction["issuer"], sanction["party"])
    require(not own, "a sanction's appeal went to its issuer or its party")
    outcome = sanction["outcome"]
    length = 32 if outcome in (CONFIRMED, LIFTED) else 0
    parts = [len(sanction["decision"]), len(sanction["decision_rule_book"])] == [length] * 2
    fits = (
        outcome == 0 and closed == 0
        or outcome in (CONFIRMED, LIFTED) and appealed and closed <= deadline
        or outcome == NOT_APPEALED and not appealed and closed > deadline
        or outcome == NOT_DECIDED and appealed and closed > deadline
    )
    cut = outcome not in (LIFTED, NOT_DECIDED) or sanction["until_ms"] < closed
    fits = parts and fits and cut and len(sanction["rule_book"]) == 32
    require(fits, "a sanction's term or decision is not what its outcome makes")


def check_party(party, sanctions, shown):
    """A party's record counts what it names, and agrees with the sanctions that are shown beside it."""
    held = {one["sanction"]: one for one in sanctions["held"]}
    closed = sum(sanctions[name] for name in COUNTS)
    counted = closed <= sanctions["imposed"] and len(sanctions["held"]) <= min(sanctions["imposed"], 8)
    for identifier, sanction in shown:
        if sanction["party"] != party:
            continue
        if identifier in held:
            names = ("kind", "from_ms", "until_ms")
            counted &= [held[identifier][name] for name in names] == [sanction[name] for name in names]
        else:
            counted &= sanction["until_ms"] < sanctions["told_from_ms"]
    require(counted, "a party's sanctions are not those that its record counts or others tell of")


def read_case(dispute_id, dispute, record):
    """The checks and sanctions that a dispute's record names, each with its id."""
    check_end(dispute)
    check_handovers(dispute)
    check_referral(dispute)
    checks, sanctions = [], []
    for one in dispute["checks"]:
        require(len(one) == 32, "a check's id has 32 bytes")
        check = record("CaseCheck", b"check/" + one)
        check_check(dispute_id, check)
        checks.append((one, check))
    for one in dispute["sanctions"]:
        require(len(one) == 32, "a sanction's id has 32 bytes")
        sanction = record("Sanction", b"sanction/" + one)
        check_sanction(dispute_id, dispute, sanction)
        sanctions.append((one, sanction))
    return checks, sanctions


def read_parties(parties, shown, ask):
    """The sanctions of the parties that the file shows."""
    require(len(parties) <= MOST, f"the file shows more than {MOST} parties")
    names = [party.encode() for party in parties]
    require(all(a < b for a, b in zip(names, names[1:])), "the parties don't ascend")
    facts = []
    for party in parties:
        own = decode("PartySanctions", ask(b"sanctions/" + party.encode()) or b"")
        check_party(party, own, shown)
        number, registered = "", None
        if "." in party:
            number = decode("VouchedDesigner", ask(b"vouched/" + party.encode()) or b"")["registered_as"]
        if number:
            registered = decode("PartySanctions", ask(b"sanctions-registered/" + number.encode()) or b"")
            check_party("", registered, shown)
        facts.append((party, own, number or None, registered))
    return facts


def sha256(value):
    """A hash in hex; None where there is none."""
    return value.hex() or None


def referral_report(asked):
    """A question to an assistance centre; None where there is none."""
    return asked and {
        "centre": asked["centre"],
        "by": asked["by"],
        "referred_ms": asked["referred_ms"],
        "deadline_ms": asked["deadline_ms"],
        "reasons_sha256": asked["reasons"].hex(),
        "rule_book_sha256": sha256(asked["rule_book"]),
        "opinion": word(OPINIONS, asked["opinion"]) if asked["opinion"] else None,
        "opinion_reasons_sha256": sha256(asked["opinion_reasons"]),
        "opinion_rule_book_sha256": sha256(asked["opinion_rule_book"]),
        "closed_ms": asked["closed_ms"] or None,
        "by_default": not asked["opinion"] and asked["closed_ms"] > asked["deadline_ms"],
    }


def false_report(before):
    """What rulings had found of a party's statements; None where nothing."""
    return before and {name: before[name] for name in ("notices", "declarations")}


def handover_report(offered):
    """A hand-over."""
    return {
        "from": offered["from"],
        "to": offered["to"],
        "reasons_sha256": offered["reasons"].hex(),
        "rule_book_sha256": offered["rule_book"].hex(),
        "offered_ms": offered["offered_ms"],
        "deadline_ms": offered["deadline_ms"],
        "state": word(HAND_OVER_STATES, offered["state"]),
        "closed_ms": offered["closed_ms"] or None,
    }


def check_report(identifier, check):
    """A check, and what became of it."""
    examined = check["kind"] == TEST_PURCHASE and check["state"] == CLOSED
    return {
        "id": identifier.hex(),
        "kind": word(KINDS, check["kind"]),
        "by": check["by"],
        "at_ms": check["at_ms"],
        "place": check["place"],
        "report_sha256": sha256(check["report"]),
        "rule_book_sha256": sha256(check["rule_book"]),
        "seal_sha256": sha256(check["seal"]),
        "custody_sha256": sha256(check["custody"]),
        "to": check["to"] or None,
        "recorded_ms": check["recorded_ms"],
        "state": word(CHECK_STATES, check["state"]),
        "deadline_ms": check["deadline_ms"] or None,
        "verdict": SAMPLE_VERDICTS[check["verdict"]] if check["verdict"] < len(SAMPLE_VERDICTS) else None,
        "seal_confirmed": check["seal_confirmed"] == 1 if examined else None,
        "answer_sha256": sha256(check["answer"]),
        "answer_rule_book_sha256": sha256(check["answer_rule_book"]),
        "closed_ms": check["closed_ms"] or None,
    }


def sanction_report(identifier, sanction):
    """A sanction, and what became of its appeal."""
    outcome = sanction["outcome"]
    return {
        "id": identifier.hex(),
        "party": sanction["party"],
        "registered_as": sanction["registered_as"] or None,
        "kind": word(SANCTION_KINDS, sanction["kind"]),
        "issuer": sanction["issuer"],
        "grounds": [ground.hex() for ground in sanction["grounds"]],
        "reasons_sha256": sha256(sanction["reasons"]),
        "rule_book_sha256": sha256(sanction["rule_book"]),
        "from_ms": sanction["from_ms"],
        "until_ms": sanction["until_ms"],
        "outcome": SANCTION_OUTCOMES[outcome] if outcome < len(SANCTION_OUTCOMES) else None,
        "by_default": outcome in (NOT_APPEALED, NOT_DECIDED),
        "deadline_ms": sanction["deadline_ms"],
        "authority": sanction["authority"] or None,
        "appealed_ms": sanction["appealed_ms"] or None,
        "appeal_sha256": sha256(sanction["appeal"]),
        "decision_sha256": sha256(sanction["decision"]),
        "decision_rule_book_sha256": sha256(sanction["decision_rule_book"]),
        "closed_ms": sanction["closed_ms"] or None,
    }


def sanctions_report(sanctions):
    """The sanctions of a list."""
    return {name: sanctions[name] for name in ("imposed", *COUNTS, "told_from_ms")} | {
        "held": [
            {
                "sanction": held["sanction"].hex(),
                "kind": word(SANCTION_KINDS, held["kind"]),
                "subjects": [subject.hex() for subject in held["subjects"]],
                "from_ms": held["from_ms"],
                "until_ms": held["until_ms"],
            }
            for held in sanctions["held"]
        ]
    }


def party_report(party, own, number, registered):
    """The sanctions of a party, and of all with its register's number."""
    return sanctions_report(own) | {
        "organisation": party,
        "registered_as": number,
        "registered": registered and sanctions_report(registered),
    }
