"""Which entry may refer to which: only what is in effect is amended, rectified, superseded or left without effect, once.

An erasure may be of any entry that commits to something, in effect or not, once. Versions of a row follow one another,
and two rows never begin with one key. All that is kept of an entry are 17 bytes: what it is, its row's version, eight
bytes of a hash of its row's key, and its index where it begins a row.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from hashlib import blake2b
from itertools import pairwise

COMMITS = frozenset({"notarise", "create", "supersede", "amend", "rectify"})
ENDS = {
    "amend": "amended",
    "rectify": "rectified",
    "supersede": "superseded",
    "revoke": "left without effect",
    "erase": "erased",
}
#: What is kept of an entry: it commits to something; it was ended; erased; its row opens nothing; it cannot be relied on.
COMMITTED, ENDED, ERASED, UNOPENED, DOUBTFUL = 1, 2, 4, 8, 16
_BUCKETS = 256


class Rules:
    """The entries so far, in their order."""

    def __init__(self) -> None:
        self.flags = bytearray()
        self.versions = array("I")
        self.keys = array("Q")
        self.began = array("I")

    def __len__(self) -> int:
        return len(self.flags)

    def add(self, kind: str, refers_to: int | None) -> str | None:
        """The next entry; what it does that it may not."""
        index = len(self.flags)
        self.flags.append(COMMITTED if kind in COMMITS else 0)
        self.versions.append(0)
        self.keys.append(0)
        if (kind == "genesis") != (index == 0):
            return "a log begins with its genesis entry, and has only that one"
        if refers_to is not None:
            return self._refer(index, kind, refers_to)
        return None

    def _refer(self, index: int, kind: str, refers_to: int) -> str | None:
        if refers_to >= index:
            return f"it refers to entry {refers_to}, which is not before it"
        before = self.flags[refers_to]
        self.flags[refers_to] |= ENDED | (ERASED if kind == "erase" else 0)
        if not before & COMMITTED:
            return f"it refers to entry {refers_to}, which commits to nothing that could be {ENDS[kind]}"
        if before & (ERASED if kind == "erase" else ENDED):
            return f"entry {refers_to} is {ENDS[kind]}, and was {'erased' if kind == 'erase' else 'ended'} before"
        return None

    def doubt(self, index: int, refers_to: int | None) -> None:
        """Nothing is concluded from this entry, nor about what it refers to."""
        self.flags[index] |= DOUBTFUL
        if refers_to is not None and refers_to < index:
            self.flags[refers_to] |= DOUBTFUL

    def doubtful(self, *indexes: int | None) -> bool:
        return any(each is not None and each < len(self) and self.flags[each] & DOUBTFUL for each in indexes)

    def begin_row(self, index: int, kind: str, refers_to: int | None) -> None:
        """What the entry's row must be: the first version of a new one, or the next of the one that it refers to."""
        if refers_to is None or kind in ("supersede", "erase") or refers_to >= index:
            self.versions[index] = 1
        else:
            self.versions[index] = self.versions[refers_to] + 1
            self.keys[index] = self.keys[refers_to]

    def compare_row(self, index: int, kind: str, key: str | None, version: int | None) -> str | None:
        """What is wrong with the key and version that the row of an entry states."""
        if kind in ("genesis", "erase"):
            return None
        if version != self.versions[index]:
            return f"it says version {version}, and {self.versions[index]} would follow"
        if key is None:  # gone with the row that was erased, and from what ended that row
            unknown = self.flags[index] & (UNOPENED | DOUBTFUL) or (kind == "revoke" and not self.keys[index])
            return None if unknown else "it has no key"
        hashed = key_hash(key)
        if self.keys[index] and hashed != self.keys[index]:
            return "it is a later version of a row that has another key"
        self.keys[index] = hashed
        if kind in ("create", "supersede"):
            self.began.append(index)
        return None

    def unopened(self) -> Iterator[int]:
        """The entries whose row opens nothing although no erasure says why."""
        for index, flags in enumerate(self.flags):
            if flags & UNOPENED and not flags & (ERASED | DOUBTFUL):
                yield index

    def repeated(self) -> Iterator[tuple[int, int]]:
        """Two entries each that begin a row with one key (by its hash)."""
        buckets = [array("Q") for _ in range(_BUCKETS)]
        for index in self.began:
            buckets[self.keys[index] % _BUCKETS].append(self.keys[index])
        for bucket in buckets:
            ordered = sorted(bucket)
            for one, other in pairwise(ordered):
                if one == other:
                    first, second = [index for index in self.began if self.keys[index] == one][:2]
                    yield first, second


def key_hash(key: str | None) -> int:
    """Eight bytes for a row's key; 0 for none."""
    if key is None:
        return 0
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "little") or 1
