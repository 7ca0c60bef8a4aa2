"""A node for tests: it answers over gRPC from a made-up ledger, and may be told to lie."""

import concurrent.futures
import copy

import grpc
from google.protobuf import descriptor_pb2

from touchstone import ledger_pb2, node_pb2

import sample_ledger
from wire import encode

PIECE = 1000


class SampleNode:
    """Serves a `SampleLedger`; `bend` is called with each answer's name and message before it is sent."""

    def __init__(self, ledger):
        self.ledger, self.bend = ledger, lambda name, answer: None
        # What it was sent; what it refuses all with; for how many calls it is down, and hides what is recorded.
        self.submitted, self.refuses, self.down, self.hides = [], None, 0, 0
        self.evidence = None
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        self.server.add_generic_rpc_handlers([self._handlers()])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    @property
    def url(self):
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        """Ends it."""
        self.server.stop(None).wait()

    def _handlers(self):
        """One handler for each method that stands below."""
        service, handlers = node_pb2.DESCRIPTOR.services_by_name["Ledger"], {}
        for method in service.methods:
            answer = getattr(self, method.name, None)
            if answer is None:
                continue
            said = descriptor_pb2.MethodDescriptorProto()
            method.CopyToProto(said)
            of = grpc.unary_stream_rpc_method_handler if said.server_streaming else grpc.unary_unary_rpc_method_handler
            handlers[method.name] = of(
                self._answering(method.name, answer, said.server_streaming),
                request_deserializer=getattr(node_pb2, method.input_type.name).FromString,
                response_serializer=lambda message: message.SerializeToString(),
            )
        return grpc.method_handlers_generic_handler(service.full_name, handlers)

    def _answering(self, name, answer, streams):
        def one(request, context):
            if self.down:
                self.down -= 1
                context.abort(grpc.StatusCode.UNAVAILABLE, "down")
            reply = answer(request, context)
            self.bend(name, reply)
            return reply

        return (lambda request, context: iter(one(request, context))) if streams else one

    def certified(self, height):
        """A certified header as the node sends it."""
        return node_pb2.CertifiedHeader.FromString(encode("CertifiedHeader", self.ledger.blocks[height - 1][0]))

    def Submit(self, request, _):  # noqa: N802
        """Records each envelope in a block of its own, once."""
        body = ledger_pb2.Envelope.FromString(request.envelope).body
        identity = self.identity(body)
        if self.refuses:
            return node_pb2.TransactionStatus(id=identity, rejected=self.refuses)
        if identity in [known for known, _ in self.submitted]:
            again = node_pb2.Rejected(code=105, rule="no-replay")
            return node_pb2.TransactionStatus(id=identity, rejected=again)
        height = self.ledger.block((request.envelope, lambda *_: None))
        self.submitted.append((identity, height))
        return node_pb2.TransactionStatus(id=identity, committed=node_pb2.Committed(height=height))

    def identity(self, body):
        """The id of a transaction."""
        return sample_ledger.tagged("touchstone/transaction-id/v1", self.ledger.chain_id, body)

    def GetTransaction(self, request, _):  # noqa: N802
        """The proof of what was submitted."""
        height = dict(self.submitted).get(request.id)
        if self.hides:
            self.hides, height = self.hides - 1, None
        if height is None:
            return node_pb2.TransactionStatus(id=request.id, unknown=node_pb2.Unknown())
        _, envelopes, paths = self.ledger.blocks[height - 1]
        proof = node_pb2.TransactionProof(
            header=self.certified(height), envelope=envelopes[0], index=0, siblings=paths[0]
        )
        committed = node_pb2.Committed(height=height, proof=proof)
        return node_pb2.TransactionStatus(id=request.id, committed=committed)

    def GetRecord(self, request, _):  # noqa: N802
        """A value of the state, or its absence."""
        proven = self.ledger.prove(request.key)
        proof = node_pb2.StateProof.FromString(encode("StateProof", proven["proof"]))
        reply = node_pb2.StateReply(header=self.certified(len(self.ledger.blocks)), key=request.key, proof=proof)
        if proven["value"] is not None:
            reply.value = proven["value"]
        return reply

    def GetValidatorSetChanges(self, request, _):  # noqa: N802
        """The changes from a height on."""
        known = self.ledger.set_changes
        changes = [node_pb2.ValidatorSetChange.FromString(encode("ValidatorSetChange", change)) for change in known]
        heights = [ledger_pb2.Header.FromString(change.header.header).height for change in changes]
        fresh = [change for change, height in zip(changes, heights) if height >= request.from_height]
        return node_pb2.ValidatorSetChangesReply(changes=fresh)

    def GetEvidence(self, request, _):  # noqa: N802
        """The file that a test prepared, in pieces."""
        data = sample_ledger.seal(copy.deepcopy(self.evidence))
        return [node_pb2.EvidencePiece(bytes=data[at : at + PIECE]) for at in range(0, len(data), PIECE)]
