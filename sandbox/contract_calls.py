"""A contract call tried before it is sent; a refusal is told by the contract's custom error and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.abi import decode_error
from sandbox.artifacts import Artifact
from sandbox.errors import ChainError, ContractRefused, RpcError


def dry_run(
    read: Callable[..., Any], artifact: Artifact, *, sender: bytes, contract: bytes, data: bytes
) -> None:
    """Run the call without sending it; `contract` is the address at which `artifact` lies, `data` the calldata.

    ContractRefused when the contract reverts, ChainError where there is none, RpcError otherwise.
    """
    address = f"0x{contract.hex()}"
    call = {"from": f"0x{sender.hex()}", "to": address, "data": f"0x{data.hex()}"}
    if read("eth_getCode", address, "latest") == "0x":
        raise ChainError(f"there is no contract at {address} on this chain: deploy it first")
    try:
        read("eth_call", call, "latest")
    except RpcError as error:
        if error.code == 3 and isinstance(error.data, str):
            revert = bytes.fromhex(error.data[2:])
            raise ContractRefused(address, *decode_error(artifact, revert), revert) from error
        raise
