"""Calls to a contract and what comes back, by its artifact's ABI (Solidity contract ABI specification).

A function that the contract does not have, or a value that its type does not allow, is a ValueError.
"""

from __future__ import annotations

from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_hash.auto import keccak

from sandbox.artifacts import Artifact


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


def describe_revert(artifact: Artifact, data: bytes) -> str:
    """The custom error in a revert's data, such as `NotGrown(size=5, newSize=5)`; else the data in hex."""
    for item in artifact.abi:
        if item["type"] == "error" and keccak(signature(item).encode())[:4] == data[:4]:
            try:
                values = decode([type_name(parameter) for parameter in item["inputs"]], data[4:])
            except DecodingError:
                break
            named = zip((parameter["name"] for parameter in item["inputs"]), values, strict=True)
            return f"{item['name']}({', '.join(f'{name}={_shown(value)}' for name, value in named)})"
    return f"0x{data.hex()}"


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


def _shown(value: Any) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
