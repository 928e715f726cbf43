"""Renewals: old receipts put under a root made with another algorithm, while the old ones still held.

As RFC 4998 renews archived time-stamps, with a tree of RFC 9162's shape over another hash. A leaf's data is the receipt as
it was, with the document's digest by the new algorithm (`Renewal.subject`); the root goes to a chain alone, by a
document notary's `Notarised`, and to a time-stamp authority. On that path there is no SHA-256: the tree has the new
algorithm, the chain Keccak-256 and Ed25519.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from sandbox.errors import VerificationError
from sandbox.evidence.digest import algorithm
from sandbox.evidence.keccak import keccak
from sandbox.evidence.merkle import HASH_SIZE, Hash, root_of_inclusion
from sandbox.evidence.receipt import Receipt, Renewal
from sandbox.evidence.transaction_receipt import Log

#: event Notarised(bytes32 indexed commitment, address indexed by);
SIGNATURE = "Notarised(bytes32,address)"
TOPIC = keccak(SIGNATURE.encode("ascii"))
#: The template whose contracts may hold a renewal's root.
TEMPLATE = "document-notary"


def hash_of(slug: str) -> Callable[[bytes], Hash]:
    """The hash of a renewal's tree; only algorithms of 32-byte digests can be one."""
    found = algorithm(slug)
    if found.size != HASH_SIZE:
        raise VerificationError(
            f"a renewal's algorithm has {HASH_SIZE}-byte digests, {slug} has {found.size}"
        )

    def new(data: bytes) -> Hash:
        return hashlib.new(found.hashlib_name, data)

    return new


def leaf_hash(slug: str, data: bytes) -> bytes:
    return hash_of(slug)(b"\x00" + data).digest()


def root_of(renewal: Renewal, before: Receipt) -> bytes:
    """The root that the renewal's proof leads to; VerificationError or OutOfRange when it leads nowhere."""
    leaf = leaf_hash(renewal.algorithm, renewal.subject(before))
    return root_of_inclusion(leaf, renewal.index, renewal.size, renewal.proof, hash_of(renewal.algorithm))


def require_notarised(log: Log, root: bytes) -> None:
    """Raise VerificationError unless the contract's log says that it notarised exactly this root, alone."""
    if len(log.topics) != 3 or log.topics[0] != TOPIC or log.data:
        raise VerificationError(f"the contract's log is not {SIGNATURE}")
    if log.topics[1] != root:
        raise VerificationError(f"the chain has {log.topics[1].hex()}, the renewal leads to {root.hex()}")


class Tree:
    """The tree over a renewal's leaf hashes, with all its rows in memory: about 64 bytes a leaf."""

    def __init__(self, slug: str, leaf_hashes: Sequence[bytes]) -> None:
        if not leaf_hashes:
            raise ValueError("a renewal has at least one receipt")
        new = hash_of(slug)
        self._rows = [list(leaf_hashes)]
        while len(row := self._rows[-1]) > 1:
            above = [
                new(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)
            ]
            self._rows.append(above + row[len(row) & ~1 :])

    @property
    def root(self) -> bytes:
        return self._rows[-1][0]

    def proof(self, index: int) -> tuple[bytes, ...]:
        """The siblings from the leaf up (RFC 9162, 2.1.3.1)."""
        if not 0 <= index < len(self._rows[0]):
            raise ValueError(f"index must be inside the tree: 0 to {len(self._rows[0]) - 1}, got {index}")
        proof: list[bytes] = []
        for row in self._rows[:-1]:
            if (sibling := index ^ 1) < len(row):
                proof.append(row[sibling])
            index >>= 1
        return tuple(proof)
