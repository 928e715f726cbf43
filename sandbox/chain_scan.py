"""A scan of a whole chain: that nothing went on it but roots, commitments, proof hashes, sizes, addresses and roles.

Every transaction, every log and the contracts' state are read by the contracts' own ABIs, and each word is told what it
is. What no ABI explains is a finding, and so is any field that could hold a text: a contract whose ABI has one is found
before the first transaction is (`text_fields`). Where the scan is told what is known (`known`: the roots and hashes that
the log's own tree has), each 32-byte value must be one of them; without it, only its place in the ABI is told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_hash.auto import keccak

from sandbox.abi import (
    Named,
    decode_call,
    decode_created,
    decode_event,
    decode_result,
    encode_call,
    encode_constructor,
)
from sandbox.artifacts import Artifact
from sandbox.errors import SandboxError

Read = Callable[..., Any]
#: What a 32-byte value is, by its name in our contracts' ABIs.
HASHES: Mapping[str, str] = {
    "root": "root",
    "newRoot": "root",
    "commitment": "commitment",
    "replacement": "commitment",
    "act": "commitment",
    "reason": "commitment",
    "outcome": "commitment",
    "last": "commitment",
    "leafHash": "leaf hash",
    "proof": "proof hash",
    "consistencyProof": "proof hash",
    "role": "role",
    "previousAdminRole": "role",
    "newAdminRole": "role",
}
#: Types that hold a number, an address, a yes or no, or 32 bytes: nothing in which a text fits that anybody wrote.
_WORD = re.compile(r"(uint\d+|int\d+|address|bool|bytes32|bytes4)(\[\d*\])?")
NOTHING = bytes(32)


@dataclass
class Scan:
    """What was found: how many words of each kind, how many transactions, and what nothing explains."""

    words: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    blocks: int = 0
    findings: list[str] = field(default_factory=list)
    hashes: dict[bytes, str] = field(default_factory=dict)
    """Each 32-byte value with the kind that its place gives it."""

    @property
    def clean(self) -> bool:
        return not self.findings


def text_fields(artifact: Artifact) -> list[str]:
    """The fields of a contract's ABI that are no word: where a text or free bytes could go on chain.

    Only what is written counts: inputs of functions that change something, of the constructor, and events. Errors go to
    nobody but the caller.
    """
    found = []
    for item in artifact.abi:
        if item["type"] not in ("function", "constructor", "event"):
            continue
        if item.get("stateMutability") in ("view", "pure"):
            continue
        for path, kind in _leaves(item["inputs"]):
            if not _WORD.fullmatch(kind):
                found.append(f"{artifact.name}.{item.get('name', 'constructor')}: {path} is {kind}")
    return found


def scan(read: Read, contracts: Mapping[str, Artifact], known: Mapping[bytes, str] | None = None) -> Scan:
    """Read the chain behind `read` (a JSON-RPC call: method, then parameters) from its first block to its last.

    `contracts` are the anchoring contracts by address. A transaction to anybody else is explained only without data.
    """
    done = Scan()
    by_address = {address.lower(): artifact for address, artifact in contracts.items()}
    roles = {NOTHING: "zero"}
    for artifact in {each.name: each for each in by_address.values()}.values():
        done.findings += text_fields(artifact)
        roles |= {
            keccak(item["name"].encode()): "role"
            for item in artifact.abi
            if item["type"] == "function" and item["name"].endswith("_ROLE")
        }
    explained = roles | dict(known) if known is not None else None
    head = int(read("eth_blockNumber"), 16)
    for number in range(head + 1):
        block = read("eth_getBlockByNumber", hex(number), True)
        done.blocks += 1
        for transaction in block["transactions"]:
            done.transactions += 1
            receipt = read("eth_getTransactionReceipt", transaction["hash"])
            _calldata(done, by_address, explained, transaction, receipt)
            for log in receipt["logs"]:
                _log(done, by_address, explained, log)
    for address, artifact in by_address.items():
        _state(done, read, address, artifact, explained)
    return done


def _calldata(
    done: Scan,
    contracts: Mapping[str, Artifact],
    known: Mapping[bytes, str] | None,
    transaction: Mapping[str, Any],
    receipt: Mapping[str, Any],
) -> None:
    where = f"transaction {transaction['hash']}"
    data, to = _bytes(transaction["input"]), transaction.get("to")
    if to is None:
        artifact = contracts.get(str(receipt.get("contractAddress") or "").lower())
        decoded = decode_created(artifact, data) if artifact else None
        if artifact is None or decoded is None:
            done.findings.append(f"{where}: creates a contract that is not one of those that anchor")
            return
        arguments = [_back(each) for each in decoded.values]
        if encode_constructor(artifact, *arguments) != data:
            done.findings.append(f"{where}: bytes after the constructor's arguments")
        _words(done, where, decoded.values, known)
        return
    artifact = contracts.get(to.lower())
    if artifact is None:
        if data:
            done.findings.append(f"{where}: {len(data)} bytes to {to}, which is no contract that anchors")
        return
    decoded = decode_call(artifact, data)
    if decoded is None:
        done.findings.append(f"{where}: {len(data)} bytes that the ABI of {artifact.name} does not explain")
        return
    if encode_call(artifact, decoded.name, *map(_back, decoded.values)) != data:
        done.findings.append(f"{where}: bytes beyond the arguments of {decoded.name}")
    _words(done, f"{where}, {decoded.name}", decoded.values, known)


def _log(
    done: Scan,
    contracts: Mapping[str, Artifact],
    known: Mapping[bytes, str] | None,
    log: Mapping[str, Any],
) -> None:
    where = f"log {log['logIndex']} of transaction {log['transactionHash']}"
    artifact = contracts.get(log["address"].lower())
    data, topics = _bytes(log["data"]), [_bytes(each) for each in log["topics"]]
    decoded = decode_event(artifact, topics, data) if artifact else None
    if decoded is None:
        done.findings.append(f"{where}: no ABI explains it")
        return
    if len(data) + 32 * (len(topics) - 1) != 32 * len(decoded.values):
        done.findings.append(f"{where}: {len(data)} bytes for {len(decoded.values)} values")
    _words(done, f"{where}, {decoded.name}", decoded.values, known)


def _state(
    done: Scan, read: Read, address: str, artifact: Artifact, known: Mapping[bytes, str] | None
) -> None:
    """The contract's state by its own reading functions: those without a parameter, and those of one 32-byte value."""
    asked = [each for each, kind in done.hashes.items() if kind != "proof hash"]
    for item in artifact.abi:
        if item["type"] != "function" or item.get("stateMutability") != "view":
            continue
        kinds = [str(each["type"]) for each in item["inputs"]]
        if kinds not in ([], ["bytes32"]):
            continue
        for arguments in [()] if not kinds else [(each,) for each in asked]:
            call = {"to": address, "data": f"0x{encode_call(artifact, item['name'], *arguments).hex()}"}
            try:
                answer = _bytes(read("eth_call", call, "latest"))
            except SandboxError:
                continue  # a view that refuses holds nothing for this value
            values = decode_result(artifact, item["name"], answer)
            where = f"state of {artifact.name} at {address}, {item['name']}"
            outputs = list(_leaves(item["outputs"]))
            for (name, kind), value in zip(outputs, _flat(values), strict=True):
                named = name or (
                    "role" if item["name"].lower().endswith(("_role", "roleadmin")) else item["name"]
                )
                _words(done, where, [Named(named, kind, value)], known)


def _words(done: Scan, where: str, values: Any, known: Mapping[bytes, str] | None) -> None:
    for each in values:
        for value in each.value if isinstance(each.value, list | tuple) else [each.value]:
            kind = each.type.partition("[")[0]
            if kind == "address":
                done.words["address"] += 1
            elif kind == "bool":
                done.words["yes or no"] += 1
            elif kind.startswith(("uint", "int")):
                done.words["number"] += 1
            elif kind == "bytes32":
                _hash(done, where, each.name, _bytes(value), known)
            else:
                done.findings.append(f"{where}: {each.name} is {each.type}, which may hold anything")


def _hash(done: Scan, where: str, name: str, value: bytes, known: Mapping[bytes, str] | None) -> None:
    kind = HASHES.get(name)
    if value == NOTHING:
        kind = "zero"  # the administrators' role, and what was never set
    if kind is None:
        done.findings.append(f"{where}: nobody knows what the 32 bytes {name!r} are")
        return
    if known is not None and value not in known:
        done.findings.append(f"{where}: {name} {value.hex()} is no {kind} that is known")
        return
    done.words[kind] += 1
    done.hashes.setdefault(value, kind)


def _leaves(parameters: Any) -> Iterator[tuple[str, str]]:
    """Name and type of each value, those of structs one by one."""
    for each in parameters:
        if str(each["type"]).startswith("tuple"):
            yield from _leaves(each["components"])
        else:
            yield str(each["name"]), str(each["type"])


def _flat(values: Any) -> Iterator[Any]:
    for each in values:
        if isinstance(each, tuple):
            yield from _flat(each)
        else:
            yield each


def _back(named: Named) -> Any:
    """A decoded value as the encoder takes it."""
    if named.type.startswith("bytes32"):
        return [_bytes(each) for each in named.value] if "[" in named.type else _bytes(named.value)
    if named.type.startswith(("uint", "int")) and isinstance(named.value, str):
        return int(named.value, 0)
    return named.value


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else bytes.fromhex(str(value).removeprefix("0x"))
