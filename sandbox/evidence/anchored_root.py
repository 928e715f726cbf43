"""The event by which a contract records a log's root: what the last anchor step reads from a transaction.

event RootAnchored(bytes32 indexed root, uint64 oldSize, uint64 newSize, address indexed by);
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import VerificationError
from sandbox.evidence.keccak import keccak
from sandbox.evidence.transaction_receipt import Log

SIGNATURE = "RootAnchored(bytes32,uint64,uint64,address)"
TOPIC = keccak(SIGNATURE.encode("ascii"))  # topic 0 of every such log
_WORD = 32


@dataclass(frozen=True, slots=True)
class AnchoredRoot:
    """The log grew from `old_size` to `new_size` leaves under `root`; account `by` (20 bytes) recorded it."""

    root: bytes
    old_size: int
    new_size: int
    by: bytes


def decode(log: Log) -> AnchoredRoot:
    """The event that a log is, by the contract ABI; VerificationError if it is another one."""
    if len(log.topics) != 3 or log.topics[0] != TOPIC or len(log.data) != 2 * _WORD:
        raise VerificationError(f"the contract's log is not {SIGNATURE}")
    old_size, new_size = (int.from_bytes(log.data[i : i + _WORD], "big") for i in (0, _WORD))
    if not old_size < new_size < 2**64 or any(log.topics[2][:12]):
        raise VerificationError(f"{SIGNATURE} holds values out of their range: {log.data.hex()}")
    return AnchoredRoot(log.topics[1], old_size, new_size, log.topics[2][12:])
