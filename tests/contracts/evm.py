"""An EVM in this process (py-evm under eth-tester, Prague, free gas) and contracts on it, for tests."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import pytest
from eth_abi.abi import decode
from eth_hash.auto import keccak
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.backends.pyevm.main import get_default_genesis_params
from eth_tester.exceptions import TransactionFailed

from sandbox.abi import decode_error, decode_result, encode_call, encode_constructor, signature, type_name
from sandbox.artifacts import Artifact, load_artifact
from sandbox.errors import ContractRefused

GAS = 10_000_000


@dataclass(frozen=True)
class Sent:
    """What a transaction did: whether it succeeded, its gas, its block's time, its events by name."""

    succeeded: bool
    gas: int
    time: int
    events: list[tuple[str, dict[str, Any]]]


class Evm:
    """One chain with ten accounts; `accounts` are addresses as text, lower case."""

    def __init__(self) -> None:
        parameters = get_default_genesis_params() | {"base_fee_per_gas": 0, "gas_limit": 10**9}
        self.tester = EthereumTester(PyEVMBackend(genesis_parameters=parameters))
        self.accounts = [account.lower() for account in self.tester.get_accounts()]

    def deploy(self, name: str, *arguments: Any) -> Contract:
        artifact = load_artifact(name)
        data = encode_constructor(artifact, *arguments)
        receipt = self._mine(self.accounts[0], None, data)
        assert receipt["status"] == 1
        return Contract(self, artifact, receipt["contract_address"])

    def creation_refusal(self, name: str, *arguments: Any) -> str:
        """The custom error with which the constructor refuses."""
        artifact = load_artifact(name)
        return self._refusal(artifact, self.accounts[0], "", encode_constructor(artifact, *arguments))

    def _mine(self, sender: str, to: str | None, data: bytes) -> dict[str, Any]:
        transaction = {"from": sender, "data": "0x" + data.hex(), "gas": GAS, "gas_price": 0}
        transaction_hash = self.tester.send_transaction(transaction | ({"to": to} if to else {}))
        return self.tester.get_transaction_receipt(transaction_hash)

    def _call(self, sender: str, to: str, data: bytes) -> bytes:
        transaction = {"from": sender, "to": to, "data": "0x" + data.hex(), "gas": GAS, "gas_price": 0}
        return bytes.fromhex(self.tester.call(transaction)[2:])

    def _refusal(self, artifact: Artifact, sender: str, to: str, data: bytes) -> str:
        try:
            self._call(sender, to, data)
        except TransactionFailed as error:
            revert = ast.literal_eval(str(error))  # eth-tester gives the data's repr
            return ContractRefused(to, *decode_error(artifact, revert), revert).reason
        pytest.fail("expected a refusal, and it succeeded")


@dataclass(frozen=True)
class Contract:
    """A deployed contract; functions by name, values as the ABI encoder takes them."""

    evm: Evm
    artifact: Artifact
    address: str

    def send(self, sender: str, function: str, *arguments: Any) -> Sent:
        receipt = self.evm._mine(sender, self.address, encode_call(self.artifact, function, *arguments))
        block = self.evm.tester.get_block_by_number(receipt["block_number"])
        events = [self._event(log) for log in receipt["logs"]]
        return Sent(receipt["status"] == 1, receipt["gas_used"], block["timestamp"], events)

    def does(self, sender: str, function: str, *arguments: Any) -> Sent:
        """The same, and it must succeed."""
        sent = self.send(sender, function, *arguments)
        assert sent.succeeded, self.refusal(sender, function, *arguments)
        return sent

    def read(self, function: str, *arguments: Any) -> Any:
        data = encode_call(self.artifact, function, *arguments)
        values = decode_result(
            self.artifact, function, self.evm._call(self.evm.accounts[9], self.address, data)
        )
        return values[0] if len(values) == 1 else values

    def refusal(self, sender: str, function: str, *arguments: Any) -> str:
        """The custom error with which it refuses, such as `NotGrown(size=5, newSize=5)`; it must refuse."""
        data = encode_call(self.artifact, function, *arguments)
        return self.evm._refusal(self.artifact, sender, self.address, data)

    def accepts(self, sender: str, function: str, *arguments: Any) -> None:
        """It would succeed; nothing is changed."""
        self.evm._call(sender, self.address, encode_call(self.artifact, function, *arguments))

    def _event(self, log: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
        for item in self.artifact.abi:
            if item["type"] == "event" and keccak(signature(item).encode()) == topics[0]:
                indexed = [field for field in item["inputs"] if field["indexed"]]
                plain = [field for field in item["inputs"] if not field["indexed"]]
                values = {
                    field["name"]: decode([type_name(field)], topic)[0]
                    for field, topic in zip(indexed, topics[1:], strict=True)
                }
                data = decode([type_name(field) for field in plain], bytes.fromhex(log["data"][2:]))
                return item["name"], values | {f["name"]: v for f, v in zip(plain, data, strict=True)}
        raise AssertionError(f"an event that the ABI does not know: {log}")
