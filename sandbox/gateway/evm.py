"""`evm_*` on the administrator's endpoint: snapshots, going back and the clock, in the shapes of anvil and Hardhat.

`loadFixture` and the time helpers of hardhat-network-helpers work with these. Snapshots taken here are
anonymous, and a revert uses them up, as with every node that has the method; the named ones are in the service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sandbox.engines import Head
from sandbox.errors import ChainError, IllegalClock, IllegalRestore, RpcError
from sandbox.gateway import errors
from sandbox.gateway.endpoints import Asker, Handler

_NUMBER = re.compile(r"-?[0-9]{1,20}|0x[0-9a-fA-F]{1,64}")


class Travelling(Protocol):
    """What the methods do. Times are seconds since 1970; `actor` is written down."""

    def mark(self, actor: str) -> int: ...
    def revert(self, number: int, actor: str) -> bool: ...
    def increase_time(self, seconds: int, actor: str) -> int:
        """The clock's offset after it, in seconds."""
        ...

    def set_time(self, timestamp: int, actor: str) -> int: ...
    def set_next_block_time(self, timestamp: int, actor: str) -> None: ...
    def mine(self, blocks: int, interval: int, timestamp: int | None, actor: str) -> Head: ...


#: What the administrator's endpoint answers web3_clientVersion with: Hardhat's helpers, loadFixture among them, work only
#: where it begins with the name of a node that has these methods. What it says is that it has them; it is no anvil.
_CLIENT = "anvil-methods/baas-sandbox"


def evm_methods(chain: Travelling) -> Mapping[str, Handler]:
    """The table of these methods for one chain."""

    def client(asker: Asker, params: list[Any]) -> str:
        return _CLIENT

    def snapshot(asker: Asker, params: list[Any]) -> str:
        _count(params, 0, 0)
        return hex(chain.mark(asker.actor))

    def revert(asker: Asker, params: list[Any]) -> bool:
        _count(params, 1, 1)
        return chain.revert(_number(params[0], "the id that evm_snapshot gave"), asker.actor)

    def increase_time(asker: Asker, params: list[Any]) -> int:
        _count(params, 1, 1)
        return chain.increase_time(_number(params[0], "seconds"), asker.actor)

    def set_time(asker: Asker, params: list[Any]) -> int:
        _count(params, 1, 1)
        return chain.set_time(_number(params[0], "seconds since 1970"), asker.actor)

    def set_next(asker: Asker, params: list[Any]) -> None:
        _count(params, 1, 1)
        chain.set_next_block_time(_number(params[0], "seconds since 1970"), asker.actor)

    def mine(asker: Asker, params: list[Any]) -> str:
        """[], [timestamp], or anvil's [{"timestamp": …, "blocks": …}]."""
        _count(params, 0, 1)
        asked: dict[str, Any] = {}
        if params and params[0] is not None:
            asked = params[0] if isinstance(params[0], dict) else {"timestamp": params[0]}
        if asked.keys() - {"timestamp", "blocks"}:
            raise errors.invalid_params("expected nothing, a timestamp, or an object of timestamp and blocks")
        when = asked.get("timestamp")
        blocks = _number(asked.get("blocks") or 1, "a number of blocks")
        chain.mine(blocks, 1, None if when is None else _number(when, "seconds since 1970"), asker.actor)
        return "0x0"

    def mine_many(asker: Asker, params: list[Any]) -> None:
        """[blocks, seconds between them], both optional."""
        _count(params, 0, 2)
        blocks, interval = (*params, None, None)[:2]
        chain.mine(
            _number(blocks or 1, "a number of blocks"), _number(interval or 1, "seconds"), None, asker.actor
        )

    table: dict[str, Handler] = {
        "web3_clientVersion": client,
        "evm_snapshot": snapshot,
        "evm_revert": revert,
        "evm_increaseTime": increase_time,
        "evm_setTime": set_time,
        "evm_setNextBlockTimestamp": set_next,
        "evm_mine": mine,
        "anvil_mine": mine_many,
        "hardhat_mine": mine_many,
    }
    return {name: _refusing(handler) for name, handler in table.items()}


def _refusing(handler: Callable[[Asker, list[Any]], Any]) -> Handler:
    """The handler, whose refusals are JSON-RPC errors."""

    def answer(asker: Asker, params: list[Any]) -> Any:
        try:
            return handler(asker, params)
        except IllegalRestore as error:
            raise RpcError(-32000, str(error), {"rule": "restore"}) from error
        except IllegalClock as error:
            raise RpcError(-32000, str(error), {"rule": "clock"}) from error
        except ChainError as error:  # such as transactions that do not stop waiting
            raise RpcError(-32000, str(error), {"rule": "chain"}) from error

    return answer


def _count(params: list[Any], least: int, most: int) -> None:
    if not least <= len(params) <= most:
        expected = str(most) if least == most else f"{least} to {most}"
        raise errors.invalid_params(f"expected {expected} parameters, got {len(params)}")


def _number(value: Any, what: str) -> int:
    """A number as tools send it: JSON, hexadecimal or decimal text."""
    if isinstance(value, int) and not isinstance(value, bool):
        found = value
    else:
        if not isinstance(value, str) or not _NUMBER.fullmatch(value):
            raise errors.invalid_params(f"expected {what}: a number or 0x and hex digits")
        found = int(value, 16 if value.startswith("0x") else 10)
    if abs(found) > 2**53:
        raise errors.invalid_params(f"expected {what} below 2^53")
    return found
