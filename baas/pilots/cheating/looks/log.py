"""Looks at a hash-linked log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baas.pilots.cheating.exhibits import Files
from baas.pilots.cheating.looks.held import root_certificates
from sandbox.errors import EvidenceError

if TYPE_CHECKING:
    from baas.protocols.hashed_log import Held


def log_alone(files: Files) -> str | None:
    """`log.json`, evidence of a hash-linked log, for the SHA-256 digest `digest`, by who holds only `root.pem`."""
    from baas.protocols.hashed_log import verify

    try:
        verify(files["log.json"], files["digest"], root_certificates(files))
    except EvidenceError as error:
        return str(error)
    return None


def log_beside(files: Files) -> str | None:
    """`log.json`, which was kept, beside every file of the log as it is shown now (`shown-1.json`, …)."""
    from baas.protocols.hashed_log import contradiction

    try:
        kept = _stamped(files, "log.json")
        for name in sorted(each for each in files if each.startswith("shown-")):
            if (found := contradiction(kept.file, _stamped(files, name).file)) is not None:
                return f"{found}, both stamped"
    except EvidenceError as error:
        return str(error)
    return None


def _stamped(files: Files, name: str) -> Held:
    from baas.protocols.hashed_log import Held
    from sandbox.evidence.digest import Digest
    from sandbox.evidence.timestamp import verify_token

    held = Held.decode(files[name])
    held.file.check()
    verify_token(held.token, Digest("sha-256", held.file.sha256), root_certificates(files))
    return held
