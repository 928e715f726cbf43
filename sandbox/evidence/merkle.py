"""The append-only Merkle tree of RFC 9162 section 2.1 (the same tree as RFC 6962), over SHA-256.

A leaf is hashed after a 0x00 byte and an inner node after a 0x01 byte: neither can pass for the other.
Functions take and give 32-byte hashes; sizes and indexes are numbers of leaves. Nothing here recurses.

A bad index or size is a ValueError; a proof that does not hold is a VerificationError; `reason` says why.
Where the index or size comes with the proof and is itself out of range, OutOfRange is both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Protocol

from sandbox.errors import OutOfRange, VerificationError
from sandbox.evidence.reasons import because

HASH_SIZE = 32


class Hash(Protocol):
    """What hashlib's functions give."""

    def digest(self) -> bytes: ...


#: Hashes in any proof: C2SP's bound, since sizes stay below 2^63.
MAX_PROOF_LENGTH = 63


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """MTH of the leaves (2.1.1); of no leaves, the SHA-256 of nothing."""
    _require_hashes(leaf_hashes)
    if not leaf_hashes:
        return sha256(b"").digest()
    row = leaf_hashes
    while len(row) > 1:
        row = _parents(row)
    return row[0]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(index, leaves) of 2.1.3.1: the siblings from the leaf up to the root."""
    _require_hashes(leaf_hashes)
    require_index(index, len(leaf_hashes))
    proof: list[bytes] = []
    row = leaf_hashes
    while len(row) > 1:
        if (sibling := index ^ 1) < len(row):
            proof.append(row[sibling])
        row, index = _parents(row), index >> 1
    return proof


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """PROOF(old_size, leaves) of 2.1.4.1: the tree of the first `old_size` leaves is a prefix of this one."""
    _require_hashes(leaf_hashes)
    require_growth(old_size, len(leaf_hashes))
    return [root(leaf_hashes[start:end]) for start, end in consistency_ranges(old_size, len(leaf_hashes))]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise VerificationError unless `proof` shows `leaf_hash` at `index` of the tree (2.1.3.2)."""
    computed = root_of_inclusion(leaf_hash, index, size, proof)
    if not compare_digest(computed, root):
        raise because(
            "inclusion.other-root",
            "the inclusion proof leads to root {computed}, expected {root}",
            computed=computed.hex(),
            root=root.hex(),
        )


def root_of_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], hash_: Callable[[bytes], Hash] = sha256
) -> bytes:
    """The root that `proof` leads to from `leaf_hash` at `index` of a tree of `size` (2.1.3.2).

    VerificationError when the proof has not the length that index and size ask for. `hash_` is of hashlib, with
    32-byte digests: renewals use another than SHA-256.
    """
    if not 0 <= index < size:
        raise OutOfRange(f"index {index} is not inside a tree of size {size}")
    _require_proof(proof, leaf_hash)
    node, last, computed = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise because(
                "inclusion.too-long",
                "the inclusion proof is too long: {count} hashes for size {size}",
                count=len(proof),
                size=size,
            )
        if node & 1 or node == last:
            computed = hash_(b"\x01" + sibling + computed).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = hash_(b"\x01" + computed + sibling).digest()
        node, last = node >> 1, last >> 1
    if last != 0:
        raise because(
            "inclusion.too-short",
            "the inclusion proof is too short: {count} hashes for size {size}",
            count=len(proof),
            size=size,
        )
    return computed


def verify_consistency(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Raise VerificationError unless the old tree is a prefix of the new one (2.1.4.2).

    A start from size 0 proves nothing and raises; equal sizes need an empty proof and equal roots.
    """
    new_computed = root_of_consistency(old_size, new_size, proof, old_root)
    if old_size == new_size and not compare_digest(old_root, new_root):
        raise VerificationError(f"equal sizes with roots {old_root.hex()} and {new_root.hex()}")
    if not compare_digest(new_computed, new_root):
        raise VerificationError(
            f"the proof leads to new root {new_computed.hex()}, expected {new_root.hex()}"
        )


def root_of_consistency(old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes) -> bytes:
    """The root at `new_size` that `proof` leads to from `old_root` at `old_size` (2.1.4.2).

    VerificationError unless the proof has the length that the sizes ask for and leads to the old root too.
    """
    if not 0 < old_size <= new_size:
        raise OutOfRange(f"sizes must be 0 < old <= new, got {old_size} and {new_size}")
    _require_proof(proof, old_root)
    if old_size == new_size:
        if proof:
            raise VerificationError(f"equal sizes need an empty consistency proof, got {len(proof)} hashes")
        return old_root
    if not proof:
        raise VerificationError(f"the consistency proof from size {old_size} to {new_size} is empty")
    old_computed, new_computed = _consistent_roots(old_size, new_size, proof, old_root)
    if not compare_digest(old_computed, old_root):
        raise VerificationError(
            f"the proof leads to old root {old_computed.hex()}, expected {old_root.hex()}"
        )
    return new_computed


def _consistent_roots(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes
) -> tuple[bytes, bytes]:
    """The old and the new root that a consistency proof leads to, for 0 < old < new."""
    path = list(proof)
    if old_size & (old_size - 1) == 0:  # the old tree is one perfect subtree: its root is the first node
        path.insert(0, old_root)
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_computed = new_computed = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise VerificationError(f"the consistency proof is too long: {len(proof)} hashes")
        if node & 1 or node == last:
            old_computed = node_hash(sibling, old_computed)
            new_computed = node_hash(sibling, new_computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new_computed = node_hash(new_computed, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise VerificationError(f"the consistency proof is too short: {len(proof)} hashes")
    return old_computed, new_computed


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The leaf ranges [start, end) whose roots, in order, are the inclusion proof (2.1.3.1)."""
    start, end, ranges = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, new_size: int) -> list[tuple[int, int]]:
    """The leaf ranges [start, end) whose roots, in order, are the consistency proof (2.1.4.1)."""
    start, end, ranges = 0, new_size, []
    while end != old_size:
        middle = start + _split(end - start)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start > 0:  # the verifier holds the old root itself, but not this part of it
        ranges.append((start, end))
    return ranges[::-1]


def require_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise ValueError(f"index must be inside the tree: expected 0 to {size - 1}, got {index}")


def require_growth(old_size: int, new_size: int) -> None:
    if not 0 < old_size <= new_size:
        raise ValueError(f"old size must be from 1 to {new_size}, got {old_size}")


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (of at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def _parents(row: Sequence[bytes]) -> list[bytes]:
    """The row above: hashes of pairs, with an odd last node carried up as it is."""
    above = [
        sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)
    ]
    if len(row) % 2:
        above.append(row[-1])
    return above


def _require_hashes(leaf_hashes: Sequence[bytes]) -> None:
    if leaf_hashes and set(map(len, leaf_hashes)) != {HASH_SIZE}:
        raise ValueError(f"every leaf hash must have {HASH_SIZE} bytes: hash the entry with leaf_hash first")


def _require_proof(proof: Sequence[bytes], *others: bytes) -> None:
    if len(proof) > MAX_PROOF_LENGTH:
        raise VerificationError(f"a proof has at most {MAX_PROOF_LENGTH} hashes, got {len(proof)}")
    for value in (*others, *proof):
        if len(value) != HASH_SIZE:
            raise VerificationError(f"every hash must have {HASH_SIZE} bytes, got one of {len(value)}")
