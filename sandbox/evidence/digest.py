"""Digests of documents: the algorithms that are accepted, and hashing without reading a file into memory.

**End dates.** From `accepted_until` on an algorithm is not relied on any more. ETSI TS 119 312 publishes such dates
from its version 1.5.1 on; its tables could not be read for this release, so none is shipped: a date that nobody verified
would refuse good evidence, or keep bad one. A trust root's `algorithms` sets them, and wins over any that stands here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sandbox.errors import DocumentChanged, MalformedEvidence

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A digest algorithm; `size` in bytes; `status` is "active" (use it) or "accepted" (may be verified)."""

    slug: str
    hashlib_name: str
    size: int
    status: str
    accepted_until: datetime | None = None


ALGORITHMS = {
    algorithm.slug: algorithm
    for algorithm in (
        Algorithm("sha-256", "sha256", 32, "active"),
        Algorithm("sha-512", "sha512", 64, "accepted"),
        Algorithm("sha3-256", "sha3_256", 32, "accepted"),
    )
}
#: Those that may be met in time-stamps of others: the registry's, and one that no document is recorded with.
IMPRINTS = ALGORITHMS | {"sha-384": Algorithm("sha-384", "sha384", 48, "accepted")}
DEFAULT = "sha-256"


@dataclass(frozen=True, slots=True)
class Digest:
    """A document's digest: the algorithm's slug and the hash itself."""

    algorithm: str
    value: bytes

    def __post_init__(self) -> None:
        expected = (IMPRINTS.get(self.algorithm) or algorithm(self.algorithm)).size
        if len(self.value) != expected:
            raise MalformedEvidence(f"a {self.algorithm} digest has {expected} bytes, got {len(self.value)}")


def algorithm(slug: str) -> Algorithm:
    """The accepted algorithm of that slug."""
    try:
        return ALGORITHMS[slug]
    except KeyError:
        raise MalformedEvidence(
            f"unknown digest algorithm {slug[:40]!r}; accepted: {', '.join(ALGORITHMS)}"
        ) from None


def digest_bytes(data: bytes, slug: str = DEFAULT) -> Digest:
    return Digest(slug, hashlib.new(algorithm(slug).hashlib_name, data).digest())


def digest_file(
    path: Path | str, on_progress: Callable[[int, int], None] | None = None, slug: str = DEFAULT
) -> Digest:
    """The digest of a file, read once in 1 MiB chunks; as `digests_file`."""
    return digests_file(path, (slug,), on_progress)[0]


def digests_file(
    path: Path | str, slugs: Sequence[str], on_progress: Callable[[int, int], None] | None = None
) -> tuple[Digest, ...]:
    """The digests of a file by several algorithms, in their order, read once in 1 MiB chunks.

    `on_progress(done, total)` is called after each chunk, in bytes. Raises DocumentChanged when size,
    modification time or identity of the file differ before and after, and OSError when it cannot be read.
    """
    states = [hashlib.new(algorithm(slug).hashlib_name) for slug in slugs]
    with Path(path).open("rb") as file:
        before = file_identity(os.fstat(file.fileno()))
        total, done = before[0], 0
        while chunk := file.read(CHUNK):
            for state in states:
                state.update(chunk)
            done += len(chunk)
            if done > total:  # it grows while it is read, perhaps for ever
                raise _changed(path)
            if on_progress is not None:
                on_progress(done, total)
        require_unchanged(path, before)
    if done != total:
        raise _changed(path)
    return tuple(Digest(slug, state.digest()) for slug, state in zip(slugs, states, strict=True))


#: What tells a file from a changed one: size, modification time in nanoseconds, inode and device.
FileIdentity = tuple[int, int, int, int]


def file_identity(stat: os.stat_result) -> FileIdentity:
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev


def require_unchanged(path: Path | str, before: FileIdentity) -> None:
    """Raise DocumentChanged unless the path still names the file that was seen `before`."""
    try:
        after = file_identity(Path(path).stat())
    except FileNotFoundError:
        raise _changed(path) from None
    if after != before:
        raise _changed(path)


def _changed(path: Path | str) -> DocumentChanged:
    return DocumentChanged(
        f"{path} changed while it was hashed: close the program that writes it and try again"
    )
