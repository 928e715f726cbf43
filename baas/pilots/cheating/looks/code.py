"""Looks at secure verification codes, which nobody signs."""

from __future__ import annotations

from baas.pilots.cheating.exhibits import Files
from sandbox.errors import EvidenceError


def codes_beside(files: Files) -> str | None:
    """`one.json` beside `other.json`, what two holders kept of a secure verification code: neither is signed."""
    from baas.protocols.secure_code import Held as Code

    try:
        one, other = Code.decode(files["one.json"]), Code.decode(files["other.json"])
    except EvidenceError as error:
        return str(error)
    if one.code == other.code and one.digest != other.digest:
        return f"the code {one.code} stands for two documents, by what two people say: nothing is signed"
    return None
