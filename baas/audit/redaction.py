"""What a token looks like, and how it is kept out of logs, problems, tracebacks and audit rows."""

from __future__ import annotations

import re

TOKEN = re.compile(r"baas_[A-Za-z0-9_-]{43}")
"""A token's text: 32 random bytes in base64url after its prefix."""

_SECRETS = re.compile(r"baas_[A-Za-z0-9_%-]{6,}|((?i:\b(?:bearer|basic)\s+))[A-Za-z0-9._~+/=-]{20,}")
_RPC_PATH = re.compile(r"^(/rpc(?:-admin)?/[^/]+/).+", re.DOTALL)


def redact(text: str) -> str:
    """`text` with tokens, pieces of them, and Authorization values replaced by `[redacted]`."""
    return _SECRETS.sub(lambda match: f"{match.group(1) or ''}[redacted]", text)


def redact_path(path: str) -> str:
    """A request path for a log: what follows the chain in `/rpc/{chain}/…` (and `/rpc-admin/…`) is a token
    whatever it looks like.

    Control characters are written as escapes, so that one request is one line.
    """
    shown = redact(_RPC_PATH.sub(r"\1[redacted]", path))
    return shown.encode("unicode_escape").decode("ascii")
