"""Calls to a contract and what comes back, by its artifact's ABI (Solidity contract ABI specification).

A function that the contract does not have, or a value that its type does not allow, is a ValueError.
"""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_hash.auto import keccak

from sandbox.artifacts import Artifact

#: What `require` with a text, and a failed check of the compiler's own, revert with.
_BUILT_IN_ERRORS: tuple[dict[str, Any], ...] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


def type_name(parameter: dict[str, Any]) -> str:
    """An ABI parameter's canonical type; a struct is written out as its members' types."""
    if not parameter["type"].startswith("tuple"):
        return str(parameter["type"])
    members = ",".join(type_name(member) for member in parameter["components"])
    return f"({members}){parameter['type'].removeprefix('tuple')}"


def signature(item: dict[str, Any]) -> str:
    """`name(type,type)` of a function, event or error: what its selector or topic is the hash of."""
    return f"{item['name']}({','.join(type_name(parameter) for parameter in item['inputs'])})"


def encode_call(artifact: Artifact, function: str, *arguments: Any) -> bytes:
    """The data of a call: four bytes of selector, then the arguments."""
    item = _function(artifact, function)
    return keccak(signature(item).encode())[:4] + _encode(signature(item), item["inputs"], arguments)


def encode_constructor(artifact: Artifact, *arguments: Any) -> bytes:
    """The data of a creating transaction: bytecode, then the constructor's arguments."""
    return artifact.bytecode + _encode(artifact.name, artifact.constructor_inputs(), arguments)


def decode_result(artifact: Artifact, function: str, data: bytes) -> tuple[Any, ...]:
    """What a call returned; a struct is a tuple, bytes32 are bytes."""
    types = [type_name(parameter) for parameter in _function(artifact, function)["outputs"]]
    try:
        return tuple(decode(types, data))
    except DecodingError as error:
        raise ValueError(f"{artifact.name}.{function}: expected {types}, got 0x{data.hex()}") from error


def decode_error(artifact: Artifact, data: bytes) -> tuple[str, dict[str, Any]]:
    """The error in a revert's data: its name, and its values by name; no name and no values for one not known.

    Known are the contract's custom errors (inherited ones are in its ABI too) and Solidity's own two.
    """
    for item in (*artifact.abi, *_BUILT_IN_ERRORS):
        if item["type"] == "error" and keccak(signature(item).encode())[:4] == data[:4]:
            try:
                values = decode([type_name(parameter) for parameter in item["inputs"]], data[4:])
            except DecodingError:
                break
            names = [parameter["name"] for parameter in item["inputs"]]
            return item["name"], dict(zip(names, values, strict=True))
    return "", {}


def _function(artifact: Artifact, name: str) -> dict[str, Any]:
    found = artifact.functions(name)
    if len(found) != 1:
        raise ValueError(f"{artifact.name} has {len(found)} functions named {name!r}, expected one")
    return found[0]


def _encode(what: str, inputs: list[dict[str, Any]], arguments: tuple[Any, ...]) -> bytes:
    types = [type_name(parameter) for parameter in inputs]
    if len(arguments) != len(types):
        raise ValueError(f"{what}: expected {len(types)} arguments, got {len(arguments)}")
    try:
        return bytes(encode(types, arguments))
    except (EncodingError, TypeError) as error:
        raise ValueError(f"{what}: {error}") from error
