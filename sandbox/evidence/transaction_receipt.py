"""Transaction receipts in their consensus encoding (EIP-2718 envelope; EIP-658 status): status and logs."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import MalformedEvidence
from sandbox.evidence import rlp

#: EIP-2930, EIP-1559, EIP-4844 and EIP-7702 transactions; all have the same receipt.
_TYPES = frozenset({1, 2, 3, 4})
_FIRST_LIST_BYTE = 0xC0


@dataclass(frozen=True, slots=True)
class Log:
    """What a contract emitted: its 20-byte address, up to four 32-byte topics, and data."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class TransactionReceipt:
    """What the EVM recorded of a transaction; `succeeded` is status 1; `type` 0 is a legacy transaction."""

    type: int
    succeeded: bool
    logs: tuple[Log, ...]


def decode(data: bytes) -> TransactionReceipt:
    what = "transaction receipt"
    if not data:
        raise MalformedEvidence(f"{what}: empty")
    if data[0] >= _FIRST_LIST_BYTE:
        kind, payload = 0, data
    else:
        kind, payload = data[0], data[1:]
        if kind not in _TYPES:
            raise MalformedEvidence(f"{what}: unknown transaction type {kind}")
    items = rlp.as_list(rlp.decode(payload, what), what)
    if len(items) != 4:
        raise MalformedEvidence(f"{what}: expected 4 fields (status, gas, bloom, logs), got {len(items)}")
    status = rlp.as_bytes(items[0], f"{what} status")
    if status not in (b"", b"\x01"):
        raise MalformedEvidence(f"{what}: expected status 0 or 1 (EIP-658), got {status[:40].hex()!r}")
    rlp.as_integer(items[1], f"{what} cumulative gas")
    rlp.as_bytes(items[2], f"{what} bloom", length=256)
    logs = tuple(_log(item) for item in rlp.as_list(items[3], f"{what} logs"))
    return TransactionReceipt(kind, status == b"\x01", logs)


def _log(item: rlp.Item) -> Log:
    parts = rlp.as_list(item, "log")
    if len(parts) != 3:
        raise MalformedEvidence(f"log: expected 3 fields (address, topics, data), got {len(parts)}")
    topics = rlp.as_list(parts[1], "log topics")
    if len(topics) > 4:
        raise MalformedEvidence(f"log: at most 4 topics, got {len(topics)}")
    return Log(
        address=rlp.as_bytes(parts[0], "log address", length=20),
        topics=tuple(rlp.as_bytes(topic, "log topic", length=32) for topic in topics),
        data=rlp.as_bytes(parts[2], "log data"),
    )
