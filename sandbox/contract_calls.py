"""A contract call tried before it is sent; a refusal is told by the contract's custom error and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from sandbox.errors import ChainError, ContractRefused, RpcError
from sandbox.evidence.keccak import keccak

#: Errors that any contract of ours may raise: Solidity's own and OpenZeppelin 5's.
_COMMON = (
    "Error(string reason)",
    "Panic(uint256 code)",
    "AccessControlUnauthorizedAccount(address account, bytes32 neededRole)",
    "EnforcedPause()",
)


class ErrorTable:
    """Custom errors by selector, from declarations such as `NotGrown(uint64 size, uint64 newSize)`."""

    def __init__(self, *declarations: str) -> None:
        self._by_selector: dict[bytes, tuple[str, list[str], list[str]]] = {}
        for declaration in (*_COMMON, *declarations):
            name, _, rest = declaration.rstrip(")").partition("(")
            members = [member.split() for member in rest.split(",") if member]
            types = [member[0] for member in members]
            self._by_selector[selector(f"{name}({','.join(types)})")] = (
                name,
                types,
                [member[1] for member in members],
            )

    def read(self, contract: str, data: bytes) -> ContractRefused:
        name, types, names = self._by_selector.get(data[:4], ("", [], []))
        try:
            values = decode(types, data[4:]) if name else ()
        except DecodingError:
            return ContractRefused(contract, "", {}, data)
        return ContractRefused(contract, name, dict(zip(names, values, strict=True)), data)


def selector(signature: str) -> bytes:
    """The first four bytes of the keccak of a canonical signature, such as `size()`."""
    return keccak(signature.encode())[:4]


def dry_run(
    read: Callable[..., Any], errors: ErrorTable, *, sender: bytes, contract: bytes, data: bytes
) -> None:
    """Run the call without sending it. ContractRefused when the contract reverts, RpcError otherwise."""
    address = f"0x{contract.hex()}"
    call = {"from": f"0x{sender.hex()}", "to": address, "data": f"0x{data.hex()}"}
    if read("eth_getCode", address, "latest") == "0x":
        raise ChainError(f"there is no contract at {address} on this chain: deploy it first")
    try:
        read("eth_call", call, "latest")
    except RpcError as error:
        if error.code == 3 and isinstance(error.data, str):
            raise errors.read(address, bytes.fromhex(error.data[2:])) from error
        raise
