"""The DocumentNotary contract, as anchoring needs it: the batch's calldata, and its refusals in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_abi.abi import encode

from sandbox.contract_calls import ErrorTable, dry_run, selector

_NOTARISE_BATCH = selector("notariseBatch(bytes32,uint64,uint64)")
ERRORS = ErrorTable(
    "ZeroRoot()",
    "SizeMismatch(uint64 size, uint64 oldSize)",
    "NotGrown(uint64 oldSize, uint64 newSize)",
    "AlreadyAnchored(bytes32 root, uint64 anchoredAt)",
)


def notarise_batch(root: bytes, old_size: int, new_size: int) -> bytes:
    """Calldata that anchors `root` (32 bytes) of the document log, grown from `old_size` to `new_size`."""
    return _NOTARISE_BATCH + encode(["bytes32", "uint64", "uint64"], [root, old_size, new_size])


def check(read: Callable[..., Any], *, sender: bytes, contract: bytes, data: bytes) -> None:
    """Raise ContractRefused with the contract's own error where it would refuse this call now."""
    dry_run(read, ERRORS, sender=sender, contract=contract, data=data)
