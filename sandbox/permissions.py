"""Who may send a transaction: EEA's `transactionAllowed` as one pure function over two allowlists.

The rule, in full: the sender must be on the sender allowlist; a transaction that creates a contract needs
its sender on the deployer allowlist too. Nothing else allows anything: an empty list allows nobody.

Not covered in this release: a contract created *inside* a call (a factory). Only the sender and the target
of the transaction itself are seen here, so whoever may call a factory may create through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """An allowlist that an address can be on."""

    SENDER = "sender"
    DEPLOYER = "deployer"


@dataclass(frozen=True, slots=True)
class Act:
    """EEA's six-tuple. Addresses are 20 bytes; `target` is None when creating; prices in wei."""

    sender: bytes
    target: bytes | None
    value: int
    gas_price: int
    gas_limit: int
    payload: bytes

    @property
    def selector(self) -> bytes | None:
        """The function called: the payload's first four bytes; None when creating or shorter than that."""
        return self.payload[:4] if self.target is not None and len(self.payload) >= 4 else None


@dataclass(frozen=True, slots=True)
class Allowlists:
    """Who is on each list now, as 20-byte addresses."""

    senders: frozenset[bytes] = frozenset()
    deployers: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer with its reason: the rule's slug, whom it is about, and how that one gets permission."""

    allowed: bool
    rule: str
    subject: bytes
    how_to_ask: str


_ASK = "ask an admin of the administration that owns this chain to add {address} to its {role} allowlist"


def transaction_allowed(lists: Allowlists, act: Act) -> Ruling:
    """Rule on one act. Default deny: what is not on a list is not allowed."""
    if act.sender not in lists.senders:
        return _denied("sender-allowlist", Role.SENDER, act)
    if act.target is None and act.sender not in lists.deployers:
        return _denied("deployer-allowlist", Role.DEPLOYER, act)
    return Ruling(True, "deployer-allowlist" if act.target is None else "sender-allowlist", act.sender, "")


def _denied(rule: str, role: Role, act: Act) -> Ruling:
    return Ruling(False, rule, act.sender, _ASK.format(address=f"0x{act.sender.hex()}", role=role))
