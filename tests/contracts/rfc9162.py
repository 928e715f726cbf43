"""RFC 9162 section 2.1, word for word: the recursive definitions, slow and plain, as the contracts' oracle.

It shares nothing with the product's own Merkle code, which is iterative.
"""

from __future__ import annotations

import hashlib


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry)


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves: list[bytes]) -> bytes:
    """MTH(D_n) of 2.1.1, over leaf hashes."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D_n) of 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: list[bytes]) -> list[bytes]:
    """PROOF(m, D_n) of 2.1.4.1, 0 < m < n."""
    return subproof(m, leaves, True)


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF(m, D_n, b) of 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def consistent(m: int, n: int, hashes: list[bytes], old: bytes, new: bytes) -> bool:
    """Whether `hashes` have the shape of PROOF(m, D_n) and lead from the root `old` to the root `new`, 0 < m < n.

    Read by SUBPROOF's own recursion, where the contract goes by the algorithm of 2.1.4.2.
    """
    roots = _roots(m, n, list(hashes), old, True)
    return roots is not None and roots[2] == [] and roots[:2] == (old, new)


def _roots(
    m: int, n: int, rest: list[bytes], old: bytes, whole: bool
) -> tuple[bytes, bytes, list[bytes]] | None:
    """The old root and the new one by what `rest` begins with, and what follows; None where it is too short."""
    if m == n and whole:
        return old, old, rest
    if m == n:
        return (rest[0], rest[0], rest[1:]) if rest else None
    k = split(n)
    below = _roots(m, k, rest, old, whole) if m <= k else _roots(m - k, n - k, rest, old, False)
    if below is None or not below[2]:
        return None
    older, newer, (other, *after) = below
    if m <= k:
        return older, sha256(b"\x01" + newer + other), after
    return sha256(b"\x01" + other + older), sha256(b"\x01" + other + newer), after


class EqualLeaves:
    """The same definitions for a log of equal leaves: one subtree of each size, so that 2^30 are a moment's work."""

    def __init__(self, one: bytes) -> None:
        self._roots = {1: one}

    def mth(self, n: int) -> bytes:
        """MTH(D_n) of 2.1.1, n > 0."""
        if n not in self._roots:
            k = split(n)
            self._roots[n] = sha256(b"\x01" + self.mth(k) + self.mth(n - k))
        return self._roots[n]

    def proof(self, m: int, n: int) -> list[bytes]:
        """PROOF(m, D_n) of 2.1.4.1, 0 < m < n."""
        return self._subproof(m, n, True)

    def _subproof(self, m: int, n: int, whole: bool) -> list[bytes]:
        if m == n:
            return [] if whole else [self.mth(n)]
        k = split(n)
        if m <= k:
            return [*self._subproof(m, k, whole), self.mth(n - k)]
        return [*self._subproof(m - k, n - k, False), self.mth(k)]
