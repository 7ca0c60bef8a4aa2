"""The client: asks one node, believes none."""

import pathlib
import time
import urllib.parse

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf.message import DecodeError

from touchstone import ledger_pb2, node_pb2
from touchstone.answers import Design, Event, Item, Recorded
from touchstone.documents import events as events_of
from touchstone.errors import Behind, NoAnswer, NotVerified, Rejected, Undecided
from touchstone.trust import Trust
from touchstone.verification import LARGEST, Examination, Refusal, canonical, facts, tagged

#: Largest answer that is read, bytes.
_LARGEST_ANSWER = 64 << 20
#: How long a node may take to reach what was proven before, and between two questions meanwhile, seconds.
_CATCHES_UP_S, _ASKS_AGAIN_AFTER_S = 5, 0.1
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 2
_ALREADY_COMMITTED, _POOL_FULL = 105, 106
#: What asking again doesn't change.
_FINAL = (
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
)


class _Service:
    """The methods of proto/touchstone/node.proto, from its description."""

    def __init__(self, channel):
        service = node_pb2.DESCRIPTOR.services_by_name["Ledger"]
        for method in service.methods:
            said = descriptor_pb2.MethodDescriptorProto()
            method.CopyToProto(said)
            if said.client_streaming:
                continue
            kind = channel.unary_stream if said.server_streaming else channel.unary_unary
            answer = getattr(node_pb2, method.output_type.name)
            call = kind(
                f"/{service.full_name}/{method.name}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=answer.FromString,
            )
            setattr(self, method.name, call)


def _channel(url, tls_roots):
    """The channel to a node."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address of a node: write http://HOST:PORT or https://HOST:PORT")
    options = [("grpc.max_receive_message_length", _LARGEST_ANSWER)]
    if parts.scheme == "http":
        return grpc.insecure_channel(parts.netloc, options)
    roots = pathlib.Path(tls_roots).read_bytes() if tls_roots else None
    target = parts.netloc if parts.port else f"{parts.netloc}:443"
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options)


class Client:
    """A connection to one node. Every answer but `status` is proven before it is given."""

    def __init__(self, node, genesis, *, timeout_s=30, max_age_s=None, tls_roots=None):
        """`node` is its address for gRPC, http://HOST:PORT or https://HOST:PORT.

        `genesis` is the genesis document, a file or its bytes, from a trusted place: the only root of trust. An answer
        as of a block that is older than `max_age_s` by this machine's clock is refused. `tls_roots` is a PEM file.
        """
        genesis = genesis if isinstance(genesis, bytes) else pathlib.Path(genesis).read_bytes()
        self.trust = Trust(genesis)
        self.timeout_s, self.max_age_s = timeout_s, max_age_s
        self._channel = _channel(node, tls_roots)
        self._node = _Service(self._channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the connection."""
        self._channel.close()

    # ---- Asking ----

    def _ask(self, method, request):
        """One answer; None where the node knows no such thing."""
        try:
            return getattr(self._node, method)(request, timeout=self.timeout_s)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return None
            raise _no_answer(error) from error

    def _follow(self, certified):
        """Follows changes of the validator set if a header names validators that aren't known for its height."""
        if self.trust.knows_validators_of(certified):
            return
        while True:
            request = node_pb2.GetValidatorSetChangesRequest(from_height=self.trust.set_changed_at + 1)
            reply = self._ask("GetValidatorSetChanges", request)
            if reply is None or not reply.changes:
                return
            for change in reply.changes:
                self.trust.follow(change)

    def _current(self, ask):
        """What `ask` gives; it is asked again for a short time where the node is below what was proven before."""
        until = time.monotonic() + min(_CATCHES_UP_S, self.timeout_s)
        while True:
            try:
                return ask()
            except Behind:
                if time.monotonic() >= until:
                    raise
            time.sleep(_ASKS_AGAIN_AFTER_S)

    def _check_age(self, time_ms):
        """Requires an answer that isn't too old."""
        age_s = time.time() - time_ms / 1000
        if self.max_age_s is not None and age_s > self.max_age_s:
            raise Behind(f"the node's newest block is {age_s:.0f} s old; at most {self.max_age_s} s are accepted")

    # ---- Recording ----

    def capture(self, signer, document, handover=None):
        """Signs the events of a document as one transaction, and waits until it is proven to be recorded.

        `document` is as `documents.events` takes it: all of its events are recorded, or none. `handover` is an `Offer`,
        an `Answer` or a `Claim`. Raises `Rejected` where a rule refuses it, and `Undecided` where nothing is known.
        """
        return self.submit(signer.capture(self.trust.chain_id, events_of(document), handover))

    def submit(self, envelope):
        """Submits a signed transaction until it is proven to be recorded. The same bytes are never recorded twice."""
        identity = self._id(envelope)
        until, pause = time.monotonic() + self.timeout_s, _FIRST_PAUSE_S
        while True:
            try:
                recorded, cause = self._submit_once(identity, envelope)
                if recorded:
                    return recorded
            except NoAnswer as error:
                if not error.may_pass:
                    raise
                cause = error
            if time.monotonic() >= until:
                raise Undecided(envelope, cause)
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _id(self, envelope):
        """The id of a transaction."""
        try:
            body = ledger_pb2.Envelope.FromString(envelope).body
        except DecodeError as error:
            raise ValueError(f"this is no envelope: {error}") from None
        return tagged("touchstone/transaction-id/v1", self.trust.chain_id, body)

    def _submit_once(self, identity, envelope):
        """Submits, and asks for the proof: it counts, whatever the node said. Else why nothing is known."""
        said = self._ask("Submit", node_pb2.SubmitRequest(envelope=envelope, wait=True))
        if recorded := self.transaction(identity):
            return recorded, None
        if said is not None and said.WhichOneof("status") == "rejected":
            why = said.rejected
            if why.code == _POOL_FULL:
                return None, why.message
            if why.code != _ALREADY_COMMITTED:
                event = why.event if why.HasField("event") else None
                raise Rejected(why.code, why.rule, why.message, event)
        return None, "the node gives no outcome"

    def transaction(self, identity):
        """Where the transaction with this id is proven to be recorded; None: the node shows no proof of it."""
        reply = self._ask("GetTransaction", node_pb2.GetTransactionRequest(id=identity, with_proof=True))
        if reply is None or reply.WhichOneof("status") != "committed":
            return None
        proof = reply.committed.proof
        self._follow(proof.header)
        header, block, index = self.trust.transaction(identity, proof)
        return Recorded(identity, header["height"], index, header["time_ms"], block)

    # ---- Reading ----

    def item(self, identifier):
        """An item's whole history, custody and handovers; that nothing was ever recorded is proven as well.

        `identifier` is an EPC URN or a GS1 Digital Link.
        """
        try:
            name = canonical(identifier)
        except Refusal as refusal:
            raise ValueError(f"{identifier!r} is no identifier: {refusal}") from None
        examination, told = self._examined({"item": name})
        events = tuple(
            Event(
                *(event[field] for field in ("height", "transaction", "event", "time_ms", "organisation")),
                tuple(event["via"]),
                _event(examination, event),
            )
            for event in told["facts"]["history"]["events"]
        )
        return Item(**told, events=events)

    def design(self, identity):
        """A design's deposit, by its id of 32 bytes; that there is none is proven as well."""
        _, told = self._examined({"design": identity})
        return Design(**told)

    def record(self, key):
        """The value of any key of the state (docs/format.md, "Keys and values"); None where it is proven absent."""

        def ask():
            reply = self._ask("GetRecord", node_pb2.GetRecordRequest(key=key))
            if reply is None:
                raise NoAnswer("it has no state yet")
            self._follow(reply.header)
            header, value = self.trust.value(key, reply)
            self._check_age(header["time_ms"])
            return value

        return self._current(ask)

    def status(self):
        """What the node says of itself: its own word, not proven."""
        return self._ask("GetStatus", node_pb2.GetStatusRequest())

    def _examined(self, subject):
        """The examination of a fresh evidence file about a subject, and the fields of a `Proven`."""
        return self._current(lambda: self._examine(subject, self._evidence(subject)))

    def _evidence(self, subject):
        """An evidence file as the node writes it."""
        data = bytearray()
        try:
            for piece in self._node.GetEvidence(node_pb2.GetEvidenceRequest(**subject), timeout=self.timeout_s):
                data += piece.bytes
                if len(data) > LARGEST:
                    raise NotVerified("file", "the node sends more than an evidence file can have")
        except grpc.RpcError as error:
            raise _no_answer(error) from error
        return bytes(data)

    def _examine(self, subject, data):
        """Examines an evidence file by the independent verifier."""
        examination = Examination(data, trusted=self.trust.chain_id)
        verdict, rows = examination.examine()
        if verdict == "not-verified":
            element, reason = next((row[0], row[3]) for row in rows if row[2] == "failed")
            raise NotVerified(element, reason)
        ((kind, name),) = subject.items()
        if examination.evidence[kind] != name:
            raise NotVerified("contradiction", "the node's evidence is about something else")
        self.trust.told_as_of(examination.head["height"], examination.block_id)
        self._check_age(examination.head["time_ms"])
        reservations = tuple((row[0], row[3]) for row in rows if row[2] == "reservation")
        return examination, {"evidence": data, "facts": facts(examination), "reservations": reservations}


def _event(examination, event):
    """The exact bytes of an event of an examined history."""
    transaction = examination.proven[event["height"], event["transaction"]]
    return transaction.body["capture_events"]["events"][event["event"]]


def _no_answer(error):
    """A failure of the call."""
    return NoAnswer(f"{error.code().name}: {error.details()}", error.code() not in _FINAL)
