"""The lock file that keeps a second process off a data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from baas.errors import DataDirectoryLocked


def lock(directory: Path) -> IO[str]:
    """The open, exclusively locked `<directory>/lock`; it is free again when closed or when the process ends.

    The file names the holder's process id for the next one's message. It is opened close-on-exec, so a
    program that this process starts does not hold it on; a bare fork would. Raises DataDirectoryLocked.
    """
    # Never removed: deleting it would let two processes lock two files of one name.
    file = os.fdopen(os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = file.read(20).strip()
        file.close()
        raise DataDirectoryLocked(str(directory), f"process {holder or 'unknown'}") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
