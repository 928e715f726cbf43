"""The canonical state of a chain, and its digest: equal for equal state, whatever the engine.

Canonical state is each account that is not empty (EIP-161), sorted by keccak(address):

    keccak(address) 32 ‖ nonce 8 ‖ balance 32 ‖ keccak(code) 32 ‖ number of slots 8 ‖ slots

and of each slot that is not zero, sorted by keccak(slot): keccak(slot) 32 ‖ value 32. Numbers are big-endian.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.evidence.keccak import keccak

#: The hash of no code.
NO_CODE = keccak(b"")


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account: `key` is keccak(address), `slots` pairs of keccak(slot) and value, in order of the former."""

    key: bytes
    nonce: int
    balance: int
    code_hash: bytes
    slots: Sequence[tuple[bytes, int]] = ()

    @property
    def empty(self) -> bool:
        return not self.nonce and not self.balance and self.code_hash == NO_CODE


def state_digest(accounts: Iterable[AccountState]) -> bytes:
    """SHA-256 of the canonical state. ValueError when the accounts or slots do not come in order."""
    digest, last = hashlib.sha256(), b""
    for account in accounts:
        if account.key <= last:
            raise ValueError(
                f"accounts come in the order of keccak(address): {account.key.hex()} is too late"
            )
        last = account.key
        if account.empty:
            continue
        slots = [(key, value) for key, value in account.slots if value]
        if any(slots[n][0] >= slots[n + 1][0] for n in range(len(slots) - 1)):
            raise ValueError(f"slots of {account.key.hex()} come in the order of keccak(slot)")
        digest.update(account.key + account.nonce.to_bytes(8) + account.balance.to_bytes(32))
        digest.update(account.code_hash + len(slots).to_bytes(8))
        for key, value in slots:
            digest.update(key + value.to_bytes(32))
    return digest.digest()
