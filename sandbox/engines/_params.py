"""JSON-RPC parameters of the Ethereum execution API, checked and turned into Python values.

Each function takes the JSON value and its place ("params[1]", "params[0].gas") and raises RpcError -32602
that says what was expected there. Quantities are `0x` and hexadecimal digits without leading zeros, data has
whole bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.errors import RpcError

INVALID_PARAMS = -32602
#: Entries that one address list or topic list of a log filter may have.
MAX_FILTER_ENTRIES = 1_000
#: Percentiles of one eth_feeHistory, as in geth: each is answered for each block.
MAX_PERCENTILES = 100

_QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]*)")
_DATA = re.compile(r"0x([0-9a-fA-F]{2})*")
_TAGS = {"latest", "earliest", "pending", "safe", "finalized"}


def invalid(where: str, expected: str, got: Any) -> RpcError:
    shown = repr(got)
    return RpcError(INVALID_PARAMS, f"Invalid params: {where}: expected {expected}, got {shown[:80]}")


def arguments(params: Sequence[Any], least: int, most: int) -> tuple[Any, ...]:
    """The parameters, filled with None up to `most`."""
    if not least <= len(params) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise invalid("params", f"{wanted} parameters", list(params))
    return (*params, *(None,) * (most - len(params)))


def quantity(value: Any, where: str, *, bits: int = 256) -> int:
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value) or int(value, 16) >= 1 << bits:
        raise invalid(where, f"a quantity of at most {bits} bits such as '0x1a'", value)
    return int(value, 16)


def data(value: Any, where: str, *, length: int | None = None) -> bytes:
    """Bytes from `0x…`; `length` in bytes when it is fixed."""
    if not isinstance(value, str) or not _DATA.fullmatch(value) or (length and len(value) != 2 + 2 * length):
        size = "whole bytes" if length is None else f"{length} bytes"
        raise invalid(where, f"{size} as '0x' and hexadecimal digits", value)
    return bytes.fromhex(value[2:])


def address(value: Any, where: str) -> bytes:
    return data(value, where, length=20)


def storage_slot(value: Any, where: str) -> int:
    """A slot: 1 to 64 hexadecimal digits after `0x`, leading zeros allowed (clients send both forms)."""
    if not isinstance(value, str) or not re.fullmatch(r"0x[0-9a-fA-F]{1,64}", value):
        raise invalid(where, "a storage slot of at most 32 bytes such as '0x0'", value)
    return int(value, 16)


def boolean(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(where, "true or false", value)
    return value


def mapping(value: Any, where: str, allowed: frozenset[str]) -> dict[str, Any]:
    """An object with only these members; members that are null count as absent."""
    if not isinstance(value, dict):
        raise invalid(where, "an object", value)
    if unknown := sorted(set(value) - allowed):
        raise invalid(where, f"only the members {', '.join(sorted(allowed))}", unknown)
    return {name: member for name, member in value.items() if member is not None}


def block(value: Any, where: str) -> int | bytes | None:
    """A block number, a block hash (EIP-1898), or None for the newest block; there is no pending block."""
    if value is None:
        return None
    if isinstance(value, dict):
        members = mapping(value, where, frozenset({"blockNumber", "blockHash", "requireCanonical"}))
        if "blockHash" in members and "blockNumber" not in members:
            return data(members["blockHash"], f"{where}.blockHash", length=32)
        if "blockNumber" in members and "blockHash" not in members:
            return quantity(members["blockNumber"], f"{where}.blockNumber", bits=63)
        raise invalid(where, "either blockHash or blockNumber", value)
    if isinstance(value, str) and value in _TAGS:
        return 0 if value == "earliest" else None
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return quantity(value, where, bits=63)
    raise invalid(
        where, "a block number such as '0x1a' or one of latest, earliest, pending, safe, finalized", value
    )


def addresses(value: Any, where: str) -> tuple[bytes, ...]:
    """One address, a list of them, or none."""
    if value is None:
        return ()
    entries = value if isinstance(value, list) else [value]
    if len(entries) > MAX_FILTER_ENTRIES:
        raise invalid(where, f"at most {MAX_FILTER_ENTRIES} addresses", len(entries))
    return tuple(address(entry, where) for entry in entries)


def topics(value: Any, where: str) -> tuple[tuple[bytes, ...], ...]:
    """Per position the topics that may stand there; an empty tuple is any topic."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 4:
        raise invalid(where, "a list of at most 4 topics (null, 32 bytes, or a list of 32 bytes)", value)
    positions = []
    for number, position in enumerate(value):
        entries = [] if position is None else position if isinstance(position, list) else [position]
        if len(entries) > MAX_FILTER_ENTRIES:
            raise invalid(f"{where}[{number}]", f"at most {MAX_FILTER_ENTRIES} topics", len(entries))
        if None in entries:  # as in geth: null among the alternatives makes the position match anything
            entries = []
        positions.append(tuple(data(entry, f"{where}[{number}]", length=32) for entry in entries))
    return tuple(positions)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """The filter of an eth_getLogs: one block by its hash, or from `first` to `last` (None: the newest)."""

    block_hash: bytes | None
    first: int | None
    last: int | None
    addresses: tuple[bytes, ...]
    topics: tuple[tuple[bytes, ...], ...]

    def span(self, newest: int) -> tuple[int, int]:
        """First and last block number on a chain whose newest block is `newest`. Raises RpcError."""
        first = newest if self.first is None else self.first
        last = newest if self.last is None else self.last
        if first > last:
            raise invalid("params[0]", "fromBlock not after toBlock", [first, last])
        return first, min(last, newest)


def log_filter(value: Any) -> LogFilter:
    """The one parameter of eth_getLogs."""
    members = mapping(
        value, "params[0]", frozenset({"fromBlock", "toBlock", "blockHash", "address", "topics"})
    )
    found = addresses(members.get("address"), "params[0].address")
    wanted = topics(members.get("topics"), "params[0].topics")
    if "blockHash" in members:
        if "fromBlock" in members or "toBlock" in members:
            raise invalid("params[0]", "either blockHash or fromBlock and toBlock", "both")
        block_hash = data(members["blockHash"], "params[0].blockHash", length=32)
        return LogFilter(block_hash, None, None, found, wanted)
    first, last = (_number(members.get(name), f"params[0].{name}") for name in ("fromBlock", "toBlock"))
    return LogFilter(None, first, last, found, wanted)


def _number(value: Any, where: str) -> int | None:
    named = block(value, where)
    if isinstance(named, bytes):
        raise invalid(where, "a block number or a tag such as latest", value)
    return named


def fee_history(parameters: Sequence[Any]) -> tuple[int, int | bytes | None, list[float] | None]:
    """The parameters of eth_feeHistory: how many blocks, the newest of them, the percentiles."""
    count, newest, percentiles = arguments(parameters, 2, 3)
    wanted = count if type(count) is int and count >= 0 else quantity(count, "params[0]", bits=63)
    last = block(newest, "params[1]")
    if percentiles is not None and not (
        isinstance(percentiles, list)
        and len(percentiles) <= MAX_PERCENTILES
        and all(type(p) in (int, float) and 0 <= p <= 100 for p in percentiles)
        and percentiles == sorted(percentiles)
    ):
        raise invalid(
            "params[2]", f"a rising list of at most {MAX_PERCENTILES} percentiles from 0 to 100", percentiles
        )
    return wanted, last, percentiles
