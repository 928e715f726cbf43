"""What a caller of the gateway's own methods gives, as the values inside: RpcError -32602 where it is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.errors import BadPermission
from sandbox.gateway import errors
from sandbox.gateway.transactions import SignedTransaction
from sandbox.permissions import ActKind, Permission, selector_of
from sandbox.spec import TRANSACTION_GAS_CAP, ChainSpec

_BYTES = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}|[0-9]{1,78}")
_CALL = frozenset({"from", "to", "data", "input", "value", "gas", "nonce", "gasPrice", "chainId", "type",
                   "maxFeePerGas", "maxPriorityFeePerGas", "accessList"})  # fmt: skip
_NARROWING = frozenset({"address", "act", "target", "selector", "max_value", "expires"})


def members(value: Any, known: frozenset[str]) -> Mapping[str, Any]:
    """An object with no other members than these: a mistyped narrowing must not become none."""
    if not isinstance(value, dict):
        raise errors.invalid_params("expected an object")
    if unknown := sorted(set(value) - known):
        raise errors.invalid_params(
            f"unknown member {unknown[0][:40]!r}; there are: {', '.join(sorted(known))}"
        )
    return value


def address(value: Any, name: str) -> bytes:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise errors.invalid_params(f"{name} is an address of 0x and 40 hex digits")
    return bytes.fromhex(value[2:])


def quantity(value: Any, name: str) -> int:
    """A quantity such as 0x10, decimal text, or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise errors.invalid_params(f"{name} is a quantity such as 0x10 or a decimal one")
    return int(value, 16) if value.startswith("0x") else int(value)


def data(value: Any, name: str) -> bytes:
    if not isinstance(value, str) or not _BYTES.fullmatch(value):
        raise errors.invalid_params(f"{name} is 0x and an even number of hex digits")
    return bytes.fromhex(value[2:])


def permission(value: Mapping[str, Any]) -> Permission:
    """A permission of the role `enabled` from the members in `_NARROWING`."""
    given = {key: each for key, each in value.items() if each is not None and key in _NARROWING}
    try:
        return Permission(
            address(given.get("address"), "address"),
            ActKind(given.get("act", ActKind.SEND)),
            target=address(given["target"], "target") if "target" in given else None,
            selector=selector_of(str(given["selector"])) if "selector" in given else None,
            max_value=quantity(given["max_value"], "max_value") if "max_value" in given else None,
            expires=quantity(given["expires"], "expires") if "expires" in given else None,
        )
    except (BadPermission, ValueError) as error:  # an act that is none is a ValueError
        raise errors.invalid_params(str(error)) from None


def unsigned(value: Any, spec: ChainSpec, next_nonce: Any) -> tuple[SignedTransaction, bytes]:
    """A call-like object as the transaction it would be, and its sender. What it does not say is what passes."""
    call = members(value, _CALL)
    sender = address(call.get("from"), "from")
    payload = call.get("data")
    if payload is None:
        payload = call.get("input")
    elif call.get("input") not in (None, payload):
        raise errors.invalid_params("data and input differ: give one")
    to = call.get("to")
    asked = {name: call.get(name) for name in ("gas", "nonce", "value", "gasPrice")}
    numbers = {name: quantity(each, name) for name, each in asked.items() if each is not None}
    most = min(TRANSACTION_GAS_CAP, spec.block_gas_limit)
    return SignedTransaction(
        raw=b"", hash=b"", type=0, chain_id=spec.chain_id,
        nonce=numbers["nonce"] if "nonce" in numbers else next_nonce(sender),
        gas_price=numbers.get("gasPrice", 0), priority=numbers.get("gasPrice", 0),
        gas=numbers.get("gas", most),
        to=None if to in (None, "", "0x") else address(to, "to"),
        value=numbers.get("value", 0), data=b"" if payload is None else data(payload, "data"),
        access_list=(), parity=0, r=0, s=0, signing_hash=b"",
    ), sender  # fmt: skip
