"""The service's master key: 256 random bits in one file, as 64 hex digits, that only its owner may read.

It wraps the administrations' keystore passwords, and nothing else. A backup of the data directory without this file
gives no key of any account; so keep the file elsewhere than the backups, and keep it: without it the keys are lost.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from baas.errors import MasterKeyError
from sandbox import keystore
from sandbox.errors import KeystoreError


@dataclass(frozen=True)
class MasterKey:
    """`wrap` and `unwrap` bind what they seal to whose it is."""

    key: bytes = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The key in the file; None where there is no file. MasterKeyError for one that cannot be used."""
        try:
            with path.open(encoding="ascii") as file:
                mode, text = os.fstat(file.fileno()).st_mode & 0o777, file.read(200).strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise MasterKeyError(f"the master key {path} cannot be read: {error}") from error
        if mode & 0o077:
            raise MasterKeyError(
                f"the master key {path} can be read by others: expected the mode 0600 or 0400, got {mode:04o}; "
                f"chmod 600 it, and think of who may have read it"
            )
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise MasterKeyError(f"{path} is no master key: expected 64 hex digits")
        return cls(key)

    @classmethod
    def make(cls, path: Path) -> Self:
        """A new key in a new file, on disk when this returns."""
        key = secrets.token_bytes(32)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{key.hex()}\n")
                file.flush()
                os.fsync(file.fileno())
            directory = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)  # a key that a power cut takes away would take all the others with it
            finally:
                os.close(directory)
        except OSError as error:
            raise MasterKeyError(f"the master key {path} cannot be made: {error.strerror}") from error
        return cls(key)

    @property
    def fingerprint(self) -> str:
        """Tells master keys apart, and gives nothing away: the key has 256 random bits."""
        return hashlib.sha256(b"baas-sandbox/master-key/" + self.key).hexdigest()[:16]

    def wrap(self, password: bytes, administration_id: str) -> bytes:
        return keystore.wrap(self.key, password, _purpose(administration_id))

    def unwrap(self, wrapped: bytes, administration_id: str) -> bytes:
        try:
            return keystore.unwrap(self.key, wrapped, _purpose(administration_id))
        except KeystoreError as error:
            raise MasterKeyError(str(error)) from error


def _purpose(administration_id: str) -> str:
    return f"keystore password of administration {administration_id}"
