"""What is trusted: the genesis document, and the validators that follow from it."""

from touchstone.errors import Behind, NotVerified
from touchstone.verification import (
    Refusal,
    block_id,
    decode,
    next_validators,
    read_envelope,
    read_genesis,
    set_at,
    sha256,
    validators_hash,
    verify_certified,
    verify_state,
    verify_transaction,
)


def exact(kind, message):
    """A message from the node as the verifier reads it: from canonical bytes, which a field unknown here isn't."""
    return decode(kind, message.SerializeToString(deterministic=True))


class Trust:
    """Checks answers, and remembers the newest block that was proven: no answer is taken from below it."""

    def __init__(self, genesis):
        """`genesis` are the exact bytes of the genesis document."""
        try:
            founders = read_genesis(genesis)
        except Refusal as refusal:
            raise ValueError(f"this is no genesis document: {refusal}") from None
        self.genesis, self.chain_id = genesis, sha256(genesis)
        self._sets, self._newest = [(0, founders)], None

    @property
    def proven_height(self):
        """The height of the newest block that was proven; 0 where none was."""
        return self._newest[0] if self._newest else 0

    @property
    def set_changed_at(self):
        """The height of the last change of the validator set that is known; 0: none."""
        return self._sets[-1][0]

    def follow(self, change):
        """Follows a change of the validator set."""
        try:
            height, members = self._sets[-1]
            self._sets.append(next_validators(self.chain_id, exact("ValidatorSetChange", change), members, height))
        except Refusal as refusal:
            raise NotVerified("validators", refusal) from None

    def knows_validators_of(self, certified):
        """Whether a header names the validators that are known for its height."""
        try:
            header = decode("Header", certified.header)
        except Refusal as refusal:
            raise NotVerified("certified-header", refusal) from None
        return header["validators_hash"] == validators_hash(set_at(self._sets, header["height"]))

    def header(self, certified):
        """A certified header of this chain, and its block's id."""
        try:
            read = exact("CertifiedHeader", certified)
            height = decode("Header", read["header"])["height"]
            header = verify_certified(self.chain_id, read, set_at(self._sets, height))
        except Refusal as refusal:
            raise NotVerified("certified-header", refusal) from None
        identity = block_id(read["header"])
        self._note(height, identity)
        return header, identity

    def _note(self, height, identity):
        """Remembers a proven block."""
        if self._newest and self._newest[0] == height and self._newest[1] != identity:
            raise NotVerified("contradiction", f"two blocks were decided at height {height}")
        if height > self.proven_height:
            self._newest = height, identity

    def told_as_of(self, height, identity):
        """Requires that a state which an answer tells isn't older than one that was proven before."""
        if height < self.proven_height:
            raise Behind(f"the node answers as of block {height}, but block {self.proven_height} was proven before")
        self._note(height, identity)

    def transaction(self, identity, proof):
        """The header, the block's id and the index of a transaction that a proof shows to be recorded."""
        header, block = self.header(proof.header)
        try:
            root, count = header["transaction_root"], header["transaction_count"]
            verify_transaction(root, count, proof.index, proof.envelope, list(proof.siblings))
            _, _, found = read_envelope(self.chain_id, proof.envelope)
        except Refusal as refusal:
            raise NotVerified("inclusion", refusal) from None
        if found != identity:
            raise NotVerified("inclusion", "the node proves another transaction")
        return header, block, proof.index

    def value(self, key, reply):
        """The header, and the value of a key of the state; None where it is proven absent."""
        header, identity = self.header(reply.header)
        self.told_as_of(header["height"], identity)
        value = reply.value if reply.HasField("value") else None
        try:
            verify_state(header["state_root"], key, value, exact("StateProof", reply.proof))
        except Refusal as refusal:
            raise NotVerified("state", refusal) from None
        return header, value
