"""The HashRegistry contract, as anchoring needs it: its artifact and the calldata of `advance`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sandbox.abi import encode_call
from sandbox.artifacts import Artifact, load_artifact


@cache
def artifact() -> Artifact:
    """The compiled contract, read once."""
    return load_artifact("HashRegistry")


def advance(new_size: int, new_root: bytes, consistency_proof: Sequence[bytes]) -> bytes:
    """Calldata that anchors `new_root` with the RFC 9162 proof that it extends the current one."""
    return encode_call(artifact(), "advance", new_size, new_root, list(consistency_proof))
