"""The operator's secret: with it any file of the log can be made again, and no record without it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from baas.trust_service.hashed_log import tables

KEY = "hmac.key"


def key_of(directory: Path) -> bytes:
    """The secret of a log that is there, for who is the operator."""
    return (directory / KEY).read_bytes()


def key_made(directory: Path) -> bytes:
    """The key, made with the log and never again: a new one would silently make every old HMAC unverifiable."""
    path = directory / KEY
    if not path.exists():
        if (directory / tables.NAME).exists():
            raise FileNotFoundError(
                f"{path} is missing beside {tables.NAME}: restore it, or give an empty directory"
            )
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        making.rename(path)
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return path.read_bytes()
