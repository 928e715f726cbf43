"""A chain's directory belongs to one process at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sandbox.chain_file import DATABASE
from sandbox.errors import (
    ChainLocked,
    ChainNotFound,
)


def lock(directory: Path) -> int:
    """Hold the directory for this process; the descriptor whose closing lets go, also at a crash."""
    if not (directory / DATABASE).is_file():
        raise ChainNotFound(f"no chain in {directory}: create it first, or look for another directory")
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise ChainLocked(
            f"{directory} is open already, in process {holder}: close it there, or use that process's service"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
