"""anvil's state on disk, so that a chain need not be replayed from block zero: a cache, never the truth.

One gzipped file per dump, written to a temporary name, synced and renamed; the newest two are kept. A dump counts
only when it unpacks whole, and, once loaded, head hash and state root are those that the block journal recorded.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import zlib
from pathlib import Path

_KEPT = 2


class Dumps:
    """The dumps of the chain in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def numbers(self) -> list[int]:
        """The blocks that have a dump, the newest first."""
        return sorted((_number(path) for path in self._directory.glob("state-*.gz")), reverse=True)

    def write(self, number: int, state: bytes) -> None:
        """Keep anvil's gzipped state at block `number`, and of the others the newest."""
        draft = self._directory / "state.draft"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(state)
            file.flush()
            os.fsync(descriptor)
        draft.rename(self._path(number))
        directory = os.open(self._directory, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
        for old in self.numbers()[_KEPT:]:
            self.remove(old)

    def remove(self, number: int) -> None:
        self._path(number).unlink(missing_ok=True)

    def unpack(self, number: int, destination: Path) -> bool:
        """Write the plain state to a file for anvil to load; False when the dump is torn or corrupt."""
        try:
            with gzip.open(self._path(number)) as packed:
                unpack(packed, destination)
        except (OSError, EOFError, zlib.error):
            with contextlib.suppress(FileNotFoundError):
                destination.unlink()
            return False
        return True

    def _path(self, number: int) -> Path:
        return self._directory / f"state-{number:012d}.gz"


#: A block zero that anvil made for itself before it loaded a state, in the state that it dumped afterwards: of the
#: two, the one without extraData. Loaded again, it might take the other one's place.
_BLOCK_ZERO = (
    rb'\{"header":\{"parentHash":"0x0{64}",[^{}]*"number":"0x0",[^{}]*"extraData":"0x",[^{}]*\},'
    rb'"transactions":\[\],"ommers":\[\],"withdrawals":(?:null|\[\])\}'
)
_OWN_BLOCK_ZERO = re.compile(b"," + _BLOCK_ZERO + rb"(?=\])|" + _BLOCK_ZERO + b",?")
_CHUNK, _OVERLAP = 1 << 20, 1 << 13  # bytes; such a block is under 2,000


def unpack(packed: gzip.GzipFile, destination: Path) -> None:
    """Write a plain state to a private file, without the blocks zero that anvil made for itself."""
    descriptor = os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        kept = b""
        while chunk := packed.read(_CHUNK):
            kept = _OWN_BLOCK_ZERO.sub(b"", kept + chunk)
            file.write(kept[:-_OVERLAP])
            kept = kept[-_OVERLAP:]
        file.write(kept)


def _number(path: Path) -> int:
    return int(path.name.removeprefix("state-").removesuffix(".gz"))
