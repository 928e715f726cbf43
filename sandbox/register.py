"""The HashRegistry contract, as anchoring needs it: the calldata of `advance`, and its refusals in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eth_abi.abi import encode

from sandbox.contract_calls import ErrorTable, dry_run, selector

_ADVANCE = selector("advance(uint64,bytes32,bytes32[])")
ERRORS = ErrorTable(
    "ZeroRoot()",
    "NotGrown(uint64 size, uint64 newSize)",
    "ProofNotEmpty(uint256 length)",
    "Inconsistent(uint64 size, bytes32 root, uint64 newSize, bytes32 newRoot)",
)


def advance(new_size: int, new_root: bytes, consistency_proof: Sequence[bytes]) -> bytes:
    """Calldata that anchors `new_root` with the RFC 9162 proof that it extends the current one."""
    arguments = [new_size, new_root, list(consistency_proof)]
    return _ADVANCE + encode(["uint64", "bytes32", "bytes32[]"], arguments)


def check(read: Callable[..., Any], *, sender: bytes, contract: bytes, data: bytes) -> None:
    """Raise ContractRefused with the contract's own error where it would refuse this call now."""
    dry_run(read, ERRORS, sender=sender, contract=contract, data=data)
