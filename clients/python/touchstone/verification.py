"""The independent verifier (verifiers/python) as this package's own modules.

Its files import each other by bare names such as `report`. They are loaded with their folder in front of all others,
and their names are given back afterwards, so that a program's own module of such a name is neither used nor hidden.
"""

import contextlib
import pathlib
import sys

_FOLDER = pathlib.Path(__file__).resolve().with_name("_verifier")


@contextlib.contextmanager
def _alone():
    """The folder's modules, and no others, answer to their names."""
    names = {path.stem for path in _FOLDER.glob("*.py")}
    others = {name: sys.modules.pop(name) for name in names & set(sys.modules)}
    sys.path.insert(0, str(_FOLDER))
    try:
        yield
    finally:
        sys.path.remove(str(_FOLDER))
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(others)


with _alone():
    from evidence import LARGEST, Examination
    from genesis import read_genesis
    from identifiers import canonical
    from proofs import (
        block_id,
        next_validators,
        read_envelope,
        set_at,
        sha256,
        tagged,
        validators_hash,
        verify_certified,
        verify_state,
        verify_transaction,
    )
    from report import facts
    from wire import Refusal, decode

__all__ = [
    "LARGEST",
    "Examination",
    "Refusal",
    "block_id",
    "canonical",
    "decode",
    "facts",
    "next_validators",
    "read_envelope",
    "read_genesis",
    "set_at",
    "sha256",
    "tagged",
    "validators_hash",
    "verify_certified",
    "verify_state",
    "verify_transaction",
]
