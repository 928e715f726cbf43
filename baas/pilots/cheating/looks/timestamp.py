"""Looks at time-stamps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baas.pilots.cheating.exhibits import Files
from baas.pilots.cheating.looks.held import root_certificates
from sandbox.errors import EvidenceError

if TYPE_CHECKING:
    from sandbox.evidence.timestamp import Timestamp


def token_alone(files: Files) -> str | None:
    """`token.tsr`, a time-stamp reply, for the SHA-256 digest `digest`, by who holds only `root.pem`."""
    try:
        _stamp(files, "digest", "token.tsr")
    except EvidenceError as error:
        return str(error)
    return None


def token_denied(files: Files) -> str | None:
    """The same token, which the authority says it never gave: that it holds is the contradiction."""
    if token_alone(files) is not None:
        return None  # what does not hold refutes nobody
    return "the authority denies it, and the kept token verifies under its own root"


def tokens_beside(files: Files) -> str | None:
    """`token.tsr` beside `other.tsr`, by the same authority: can both be true?

    What could contradict: one serial number on two tokens (RFC 3161 section 2.4.2 makes it unique). Two times of one
    digest do not, nor does an order of serial numbers that is not the order of times.
    """
    try:
        one, other = _stamp(files, "digest", "token.tsr"), _stamp(files, "other-digest", "other.tsr")
    except EvidenceError as error:
        return str(error)
    if one.serial == other.serial and (one.time_ms, one.imprint) != (other.time_ms, other.imprint):
        return f"two tokens with the serial number {one.serial}"
    return None


def _stamp(files: Files, digest: str, token: str) -> Timestamp:
    from sandbox.evidence.digest import Digest
    from sandbox.evidence.timestamp import verify_token

    return verify_token(files[token], Digest("sha-256", files[digest]), root_certificates(files))
