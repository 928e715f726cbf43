"""Calls to a contract and what comes back, by its artifact's ABI (Solidity contract ABI specification).

A function that the contract does not have, or a value that its type does not allow, is a ValueError.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_abi.grammar import TupleType, parse
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


def encode_json_call(artifact: Artifact, function: str, arguments: Sequence[Any]) -> bytes:
    """The data of a call whose arguments came as JSON: bytes and addresses as 0x and hex, integers also as texts."""
    inputs = _function(artifact, function)["inputs"]
    if len(arguments) != len(inputs):
        raise ValueError(f"{function}: expected {len(inputs)} arguments, got {len(arguments)}")
    values = [from_json(each, value) for each, value in zip(inputs, arguments, strict=True)]
    return encode_call(artifact, function, *values)


def from_json(parameter: dict[str, Any], value: Any) -> Any:
    """A JSON value as the encoder takes it. ValueError where the parameter's type does not allow it."""
    kind = str(parameter["type"])
    if kind.endswith("]"):
        if not isinstance(value, list):
            raise ValueError(f"{parameter['name']}: expected a list for {kind}, got {str(value)[:80]!r}")
        inner = {**parameter, "type": kind[: kind.rindex("[")]}
        return [from_json(inner, each) for each in value]
    if kind == "tuple":
        members = parameter["components"]
        if isinstance(value, dict):
            value = [value.get(member["name"]) for member in members]
        if not isinstance(value, list) or len(value) != len(members):
            raise ValueError(
                f"{parameter['name']}: expected the members {[each['name'] for each in members]}"
            )
        return tuple(from_json(member, each) for member, each in zip(members, value, strict=True))
    try:
        return _scalar_from_json(kind, value)
    except ValueError:
        raise ValueError(f"{parameter['name']}: expected {kind}, got {str(value)[:80]!r}") from None


def _scalar_from_json(kind: str, value: Any) -> Any:
    if kind.startswith(("uint", "int")):
        if isinstance(value, str) and len(value) <= 80:  # JSON's numbers are not exact beyond 2^53 everywhere
            return int(value, 16 if value.startswith("0x") else 10)
        if type(value) is int:
            return value
    elif (kind == "bool" and isinstance(value, bool)) or (kind == "string" and isinstance(value, str)):
        return value
    elif kind.startswith(("bytes", "address")) and isinstance(value, str) and value.startswith("0x"):
        data = bytes.fromhex(value[2:])
        fixed = 20 if kind == "address" else int(kind[5:] or len(data))
        if len(data) == fixed:
            return data
    raise ValueError(kind)


def to_json(parameter: dict[str, Any], value: Any) -> Any:
    """A decoded value for JSON: bytes as 0x and hex, integers as decimal texts, a struct by its members' names."""
    kind = str(parameter["type"])
    if kind.endswith("]"):
        inner = {**parameter, "type": kind[: kind.rindex("[")]}
        return [to_json(inner, each) for each in value]
    if kind == "tuple":
        members = parameter["components"]
        return {each["name"]: to_json(each, part) for each, part in zip(members, value, strict=True)}
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return str(value) if type(value) is int else value


def encode_constructor(artifact: Artifact, *arguments: Any) -> bytes:
    """The data of a creating transaction: bytecode, then the constructor's arguments."""
    return artifact.bytecode + _encode(artifact.name, artifact.constructor_inputs(), arguments)


def decode_result(artifact: Artifact, function: str, data: bytes) -> tuple[Any, ...]:
    """What a call returned; a struct is a tuple, bytes32 are bytes."""
    types = [type_name(parameter) for parameter in _function(artifact, function)["outputs"]]
    try:
        return tuple(_read(types, data))
    except DecodingError as error:
        raise ValueError(f"{artifact.name}.{function}: expected {types}, got 0x{data.hex()}") from error


def decode_error(artifact: Artifact, data: bytes) -> tuple[str, dict[str, Any]]:
    """The error in a revert's data: its name, and its values by name; no name and no values for one not known.

    Known are the contract's custom errors (inherited ones are in its ABI too) and Solidity's own two.
    """
    for item in (*artifact.abi, *_BUILT_IN_ERRORS):
        if item["type"] == "error" and keccak(signature(item).encode())[:4] == data[:4]:
            try:
                values = _read([type_name(parameter) for parameter in item["inputs"]], data[4:])
            except DecodingError:
                break
            names = [parameter["name"] for parameter in item["inputs"]]
            return item["name"], dict(zip(names, values, strict=True))
    return "", {}


@dataclass(frozen=True, slots=True)
class Named:
    """One decoded value: its name in the ABI (maybe empty), its type, and itself as `to_json` gives it."""

    name: str
    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Decoded:
    """What some bytes say by an ABI. `signature` is what the selector or the topic is the hash of."""

    name: str
    signature: str
    values: tuple[Named, ...]


def decode_call(artifact: Artifact, data: bytes) -> Decoded | None:
    """The function that the data of a call names, with its arguments; None where the ABI does not explain the data."""
    for item in artifact.abi:
        if item["type"] == "function" and keccak(signature(item).encode())[:4] == data[:4]:
            try:
                values = _read([type_name(each) for each in item["inputs"]], data[4:])
            except (DecodingError, OverflowError, ValueError):
                return None
            return _decoded(item, values)
    return None


def decode_created(artifact: Artifact, data: bytes) -> Decoded | None:
    """The constructor's arguments in a creating transaction; None where it creates something else."""
    if not data.startswith(artifact.bytecode):
        return None
    inputs = artifact.constructor_inputs()
    try:
        values = _read([type_name(each) for each in inputs], data[len(artifact.bytecode) :])
    except (DecodingError, OverflowError, ValueError):
        return None
    return _decoded({"name": artifact.name, "inputs": inputs}, values)


def decode_event(artifact: Artifact, topics: Sequence[bytes], data: bytes) -> Decoded | None:
    """The event that a log's first topic names; None where the ABI does not explain the log.

    Of an indexed value of dynamic type a log has the hash only: it is given as bytes32.
    """
    for item in artifact.abi:
        if item["type"] != "event" or not topics or keccak(signature(item).encode()) != topics[0]:
            continue
        indexed = [each for each in item["inputs"] if each["indexed"]]
        others = [each for each in item["inputs"] if not each["indexed"]]
        if len(indexed) != len(topics) - 1:
            continue
        try:
            in_topics = [
                topic if _is_hashed(each) else _read([type_name(each)], topic)[0]
                for each, topic in zip(indexed, topics[1:], strict=True)
            ]
            in_data = _read([type_name(each) for each in others], data)
        except (DecodingError, OverflowError, ValueError):
            return None
        from_topics, from_data = iter(in_topics), iter(in_data)
        shown = [
            {**each, "type": "bytes32"} if each["indexed"] and _is_hashed(each) else each
            for each in item["inputs"]
        ]
        values = [next(from_topics) if each["indexed"] else next(from_data) for each in item["inputs"]]
        return _decoded({"name": item["name"], "inputs": shown}, values, signature(item))
    return None


def _decoded(item: dict[str, Any], values: Sequence[Any], as_written: str | None = None) -> Decoded:
    named = [
        Named(each["name"], type_name(each), to_json(each, value))
        for each, value in zip(item["inputs"], values, strict=True)
    ]
    return Decoded(item["name"], as_written or signature(item), tuple(named))


def _is_hashed(parameter: dict[str, Any]) -> bool:
    kind = str(parameter["type"])
    return kind in ("string", "bytes") or kind.startswith("tuple") or kind.endswith("]")


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


def _read(types: Sequence[str], data: bytes) -> Sequence[Any]:
    """The values; DecodingError also where they say more than the data holds: a place read twice, as no compiler writes it.

    Without that a few kilobytes unfold into gigabytes: each element of an array may point to the same other array.
    """
    left = 2 * len(data) + 32 * len(types)
    kinds = [parse(each) for each in types]

    def word(at: int) -> int:
        return int.from_bytes(data[at : at + 32])

    def spend(count: int) -> None:
        nonlocal left
        left -= max(1, count)
        if left < 0:
            raise DecodingError("the values say more than the data holds")

    def several(items: Iterable[Any], start: int) -> int:
        at = start
        for item in items:
            if item.is_dynamic:
                spend(32)
                one(item, start + word(at))
                at += 32
            else:
                at = one(item, at)
        return at

    def one(kind: Any, at: int) -> int:
        """Spends what the value at that place says; where what follows a static one begins."""
        if kind.arrlist:
            length, *_ = kind.arrlist[-1] or (word(at),)
            return several(repeat(kind.item_type, length), at if kind.arrlist[-1] else at + 32)
        if isinstance(kind, TupleType):
            return several(kind.components, at)
        spend(32 + word(at) if kind.is_dynamic else 32)
        return at + 32

    several(kinds, 0)
    values: Sequence[Any] = decode(types, data)
    return values
