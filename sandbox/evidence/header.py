"""Ethereum block headers (yellow paper 4.4.3; EIP-1559 and later): the fields that a proof needs, the hash.

Any fork from London on: 16 fields at least, and whatever later forks append.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.errors import MalformedEvidence
from sandbox.evidence import rlp
from sandbox.evidence.keccak import keccak

_LONDON_FIELDS = 16


@dataclass(frozen=True, slots=True)
class Header:
    """A block header; `timestamp` in seconds since 1970, hashes of 32 bytes."""

    hash: bytes
    parent_hash: bytes
    transactions_root: bytes
    receipts_root: bytes
    number: int
    timestamp: int


def parse(data: bytes) -> Header:
    """The header whose RLP this is; its hash is the keccak of these very bytes."""
    items = rlp.as_list(rlp.decode(data, "header"), "header")
    if len(items) < _LONDON_FIELDS:
        raise MalformedEvidence(
            f"header: expected {_LONDON_FIELDS} fields or more (London), got {len(items)}"
        )
    return Header(
        hash=keccak(data),
        parent_hash=rlp.as_bytes(items[0], "header parent hash", length=32),
        transactions_root=rlp.as_bytes(items[4], "header transactions root", length=32),
        receipts_root=rlp.as_bytes(items[5], "header receipts root", length=32),
        number=rlp.as_integer(items[8], "header number"),
        timestamp=rlp.as_integer(items[11], "header timestamp"),
    )
