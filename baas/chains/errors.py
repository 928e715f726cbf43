"""Why a chain of the caller's cannot be used: it was deleted, is stopped, or has expired."""

from __future__ import annotations

from datetime import datetime

from baas.clock import iso
from baas.errors import Conflict, NotFound


class ChainDeleted(NotFound):
    """The chain was the caller's and is deleted; its evidence is still there. Gone (410), not absent.

    `evidence` is the path at which the caller finds what was notarised on it.
    """

    def __init__(self, name: str, evidence: str = "/api/v1/notarisations") -> None:
        super().__init__("chain", name)
        self.evidence = evidence
        self.args = (
            f"chain {name!r} was deleted; its receipts stay valid and can still be had ({evidence}), and its id is "
            "never used again",
        )


class ChainStopped(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"chain {name!r} is stopped: start it first")


class ChainExpired(Conflict):
    """Its time is over. Nothing of it is gone yet; what it anchored is evidence for ever."""

    def __init__(self, name: str, expired: datetime, deletion: datetime) -> None:
        super().__init__(
            f"chain {name!r} expired on {iso(expired)}: receipts can still be had, and its blocks are deleted on "
            f"{iso(deletion)} unless an admin gives it more time (baas chain extend)"
        )
