"""Who signs, and what is signed: transactions of docs/format.md."""

import dataclasses
import pathlib
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from touchstone import ledger_pb2
from touchstone.verification import read_envelope

_OUTCOMES = {
    "accepted": ledger_pb2.OUTCOME_ACCEPTED,
    "rejected": ledger_pb2.OUTCOME_REJECTED,
    "accepted-with-discrepancy": ledger_pb2.OUTCOME_ACCEPTED_WITH_DISCREPANCY,
    "withdrawn": ledger_pb2.OUTCOME_WITHDRAWN,
}


@dataclasses.dataclass(frozen=True)
class Offer:
    """The holder offers what the events name to the organisation `to`, until the deadline (ms since 1970)."""

    to: str
    deadline_ms: int

    def fields(self):
        """The field of `CaptureEvents`."""
        return {"offer": ledger_pb2.OfferCustody(to=self.to, deadline_ms=self.deadline_ms)}


@dataclasses.dataclass(frozen=True)
class Answer:
    """The answer to an offer, by the id of its transaction.

    `outcome` is `accepted`, `accepted-with-discrepancy`, `rejected`, or by whoever offered `withdrawn`.
    """

    offer: bytes
    outcome: str = "accepted"
    discrepancy: str = ""

    def fields(self):
        """The field of `CaptureEvents`."""
        if self.outcome not in _OUTCOMES:
            raise ValueError(f"an offer's outcome is one of {', '.join(_OUTCOMES)}")
        outcome, discrepancy = _OUTCOMES[self.outcome], self.discrepancy
        return {"answer": ledger_pb2.AnswerOffer(offer=self.offer, outcome=outcome, discrepancy=discrepancy)}


@dataclasses.dataclass(frozen=True)
class Claim:
    """Says that things which another organisation is recorded to hold are here."""

    reason: str = ""

    def fields(self):
        """The field of `CaptureEvents`."""
        return {"claim": ledger_pb2.ClaimCustody(reason=self.reason)}


class Signer:
    """An organisation and one of its keys."""

    def __init__(self, organisation, key, passphrase=None):
        """`key` is a file with an Ed25519 key in PKCS#8 and PEM, as `touchstone key new` writes it, or the key."""
        if not isinstance(key, Ed25519PrivateKey):
            key = load_pem_private_key(pathlib.Path(key).read_bytes(), passphrase and passphrase.encode())
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the key is none of Ed25519")
        self.organisation, self._key, self._last_ms = organisation, key, 0

    @property
    def public_key(self):
        """The 32 bytes of the public key."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def capture(self, chain_id, events, handover=None):
        """The envelope of a transaction that captures events, given in exact bytes."""
        # Strictly rising, so that equal events in two transactions don't get one id.
        self._last_ms = max(time.time_ns() // 1_000_000, self._last_ms + 1)
        capture = ledger_pb2.CaptureEvents(events=events, **(handover.fields() if handover else {}))
        body = ledger_pb2.Transaction(
            organisation=self.organisation, created_ms=self._last_ms, capture_events=capture
        ).SerializeToString(deterministic=True)
        signed = self._key.sign(b"touchstone/transaction/v1\0" + chain_id + body)
        signature = ledger_pb2.Signature(public_key=self.public_key, signature=signed)
        envelope = ledger_pb2.Envelope(body=body, signatures=[signature]).SerializeToString(deterministic=True)
        # Canonical, and signed as a verifier requires it.
        read_envelope(chain_id, envelope)
        return envelope
