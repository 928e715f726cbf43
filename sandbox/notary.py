"""The DocumentNotary contract, as anchoring needs it: its artifact and the calldata that anchors a batch."""

from __future__ import annotations

from functools import cache

from sandbox.abi import encode_call
from sandbox.artifacts import Artifact, load_artifact


@cache
def artifact() -> Artifact:
    """The compiled contract, read once."""
    return load_artifact("DocumentNotary")


def notarise_batch(root: bytes, old_size: int, new_size: int) -> bytes:
    """Calldata that anchors `root` (32 bytes) of the document log, grown from `old_size` to `new_size`."""
    return encode_call(artifact(), "notariseBatch", root, old_size, new_size)


def notarise(commitment: bytes) -> bytes:
    """Calldata that notarises 32 bytes alone, beside the log: the root of a renewal."""
    return encode_call(artifact(), "notarise", commitment)
