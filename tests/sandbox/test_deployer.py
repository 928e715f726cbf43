"""Deployment on a real EVM behind the facade's four methods, and on chains that lie."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak

from sandbox.abi import decode_error, decode_result, encode_call, encode_constructor
from sandbox.artifacts import load_artifact
from sandbox.catalogue import template
from sandbox.chain import Chain
from sandbox.deployer import DeployableChain, deploy
from sandbox.errors import ContractRefused, DeploymentError, ParameterError, RpcError, TransactionDropped
from sandbox.permissions import ActKind
from sandbox.spec import ChainSpec
from tests.contracts.evm import Evm


@dataclass(frozen=True)
class Labels:
    """Two of the EVM's accounts, by label."""

    evm: Evm

    def address(self, label: str) -> str:
        return self.evm.accounts[{"deployer": 0, "other": 1}[label]]


@dataclass
class EvmChain:
    """The facade's methods over an EVM in this process; `lies` overrides fields of every receipt."""

    evm: Evm = field(default_factory=Evm)
    lies: dict[str, Any] = field(default_factory=dict)
    code: str | None = None
    sent: list[bytes] = field(default_factory=list)
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def accounts(self) -> Labels:
        return Labels(self.evm)

    def send(self, account_label: str, *, to: bytes | None, data: bytes, gas: int | None = None) -> str:
        self.sent.append(data)
        receipt = self.evm._mine(self.accounts.address(account_label), "0x" + to.hex() if to else None, data)
        self.receipts[receipt["transaction_hash"]] = {
            "status": hex(receipt["status"]),
            "contractAddress": receipt["contract_address"] or None,
            "blockNumber": hex(receipt["block_number"]),
        }
        return str(receipt["transaction_hash"])

    def hurry(self) -> None:
        pass

    def wait(self, transaction_hash: str, timeout: float = 30) -> dict[str, Any]:
        return self.receipts[transaction_hash] | self.lies

    def read(self, method: str, *params: Any) -> Any:
        if method == "eth_getCode":
            return self.evm.tester.get_code(params[0]) if self.code is None else self.code
        assert method == "eth_call"
        return (
            "0x"
            + self.evm._call(
                self.accounts.address("other"), params[0]["to"], bytes.fromhex(params[0]["data"][2:])
            ).hex()
        )


@pytest.mark.parametrize("slug", ["document-notary", "hash-registry"])
def test_what_is_deployed_is_the_artifact(slug: str) -> None:
    chain: DeployableChain = EvmChain()
    found = template(slug)
    deployment = deploy(chain, found, {}, "deployer")
    artifact = load_artifact(found.contract)
    code = bytes.fromhex(chain.read("eth_getCode", deployment.checksum_address())[2:])
    assert code == artifact.deployed_bytecode
    assert deployment.code_hash == keccak(code)
    assert deployment.artifact_digest == artifact.digest
    assert (deployment.template, deployment.template_version) == (slug, "1.0.0")
    assert deployment.block_number == 1
    assert len(deployment.address) == 20


def test_roles_go_to_the_parameters_and_to_the_deployer_by_default() -> None:
    chain = EvmChain()
    artifact = load_artifact("DocumentNotary")
    notary = chain.accounts.address("other")
    deployment = deploy(chain, template("document-notary"), {"notary": notary}, "deployer")

    def has(role: str, account: str) -> bool:
        data = encode_call(artifact, "hasRole", keccak(role.encode()), account)
        result = chain.read("eth_call", {"to": deployment.checksum_address(), "data": "0x" + data.hex()})
        return bool(decode_result(artifact, "hasRole", bytes.fromhex(result[2:]))[0])

    assert has("NOTARY_ROLE", notary)
    assert has("PAUSER_ROLE", chain.accounts.address("deployer"))
    assert not has("NOTARY_ROLE", chain.accounts.address("deployer"))
    assert not has("PAUSER_ROLE", notary)


def test_a_wrong_parameter_is_refused_before_anything_is_sent() -> None:
    chain = EvmChain()
    with pytest.raises(ParameterError):
        deploy(chain, template("hash-registry"), {"admin": "0x1"}, "deployer")
    assert chain.sent == []


def test_a_failed_transaction_is_no_deployment() -> None:
    with pytest.raises(DeploymentError, match="expected the status 0x1, got 0x0"):
        deploy(EvmChain(lies={"status": "0x0"}), template("hash-registry"), {}, "deployer")


def test_a_receipt_without_contract_is_no_deployment() -> None:
    with pytest.raises(DeploymentError, match="created no contract"):
        deploy(EvmChain(lies={"contractAddress": None}), template("hash-registry"), {}, "deployer")


def test_other_code_at_the_address_is_refused() -> None:
    good = load_artifact("HashRegistry").deployed_bytecode
    for code in (b"", good[:-1], good[:100] + bytes([good[100] ^ 1]) + good[101:], good + b"\x00"):
        with pytest.raises(DeploymentError, match=r"is not HashRegistry's.*do not use this address"):
            deploy(EvmChain(code="0x" + code.hex()), template("hash-registry"), {}, "deployer")


def test_another_contract_at_the_address_is_refused() -> None:
    chain = EvmChain()
    other = deploy(chain, template("document-notary"), {}, "deployer")
    chain.lies = {"contractAddress": other.checksum_address()}
    with pytest.raises(DeploymentError, match="is not HashRegistry's"):
        deploy(chain, template("hash-registry"), {}, "deployer")


def test_a_dropped_transaction_is_told_as_it_is() -> None:
    class Dropping(EvmChain):
        def wait(self, transaction_hash: str, timeout: float = 30) -> dict[str, Any]:
            raise TransactionDropped(transaction_hash, "its sender was removed")

    with pytest.raises(TransactionDropped):
        deploy(Dropping(), template("hash-registry"), {}, "deployer")


def test_on_a_real_chain_only_a_deployer_deploys(tmp_path: Path) -> None:
    with Chain.create(tmp_path / "chain", ChainSpec(chain_id=4242, genesis_time=1_700_000_000)) as chain:
        for label in ("clerk", "other"):
            chain.allow(chain.accounts.create(label), ActKind.SEND)
        with pytest.raises(RpcError):
            deploy(chain, template("hash-registry"), {}, "clerk")
        chain.allow(chain.accounts.address("clerk"), ActKind.DEPLOY)
        for slug in ("document-notary", "hash-registry"):
            deployment = deploy(chain, template(slug), {}, "clerk")
            artifact = template(slug).artifact()
            assert chain.read("eth_getCode", deployment.checksum_address(), "latest") == (
                "0x" + artifact.deployed_bytecode.hex()
            )


class TestAbi:
    artifact = load_artifact("HashRegistry")

    def test_a_call_is_selector_and_arguments(self) -> None:
        """By the ABI specification: the selector is the Keccak-256 of the signature, cut to four bytes."""
        data = encode_call(self.artifact, "advance", 7, b"\x11" * 32, [b"\x22" * 32])
        assert data[:4] == keccak(b"advance(uint64,bytes32,bytes32[])")[:4]
        words = [data[at : at + 32] for at in range(4, len(data), 32)]
        assert words == [
            (7).to_bytes(32, "big"),
            b"\x11" * 32,
            (96).to_bytes(32, "big"),
            (1).to_bytes(32, "big"),
            b"\x22" * 32,
        ]

    def test_a_known_selector(self) -> None:
        """hasRole(bytes32,address) is 0x91d14854 wherever OpenZeppelin's AccessControl is."""
        assert encode_call(self.artifact, "hasRole", bytes(32), "0x" + "11" * 20)[:4].hex() == "91d14854"

    @pytest.mark.parametrize(
        ("function", "arguments"),
        [
            ("retreat", ()),
            ("advance", ()),
            ("advance", (7, b"\x11" * 32)),
            ("advance", (2**64, b"\x11" * 32, [])),
            ("advance", (-1, b"\x11" * 32, [])),
            ("advance", (7, b"\x11" * 33, [])),
            ("advance", (7, None, [])),
        ],
    )
    def test_what_does_not_fit_is_refused(self, function: str, arguments: tuple[Any, ...]) -> None:
        with pytest.raises(ValueError, match=r"HashRegistry|advance"):
            encode_call(self.artifact, function, *arguments)

    def test_the_constructors_arguments_follow_the_bytecode(self) -> None:
        data = encode_constructor(self.artifact, b"\x11" * 20, b"\x22" * 20)
        assert data == self.artifact.bytecode + bytes(12) + b"\x11" * 20 + bytes(12) + b"\x22" * 20

    def test_a_result_that_is_not_one_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"HashRegistry\.size: expected"):
            decode_result(self.artifact, "size", b"\x01")

    def test_a_revert_is_named_with_its_values(self) -> None:
        data = keccak(b"NotGrown(uint64,uint64)")[:4] + encode(["uint64", "uint64"], [5, 4])
        assert decode_error(self.artifact, data) == ("NotGrown", {"size": 5, "newSize": 4})
        told = ContractRefused("0x01", *decode_error(self.artifact, data), data)
        assert "refused: NotGrown(size=5, newSize=4)" in str(told)

    def test_soliditys_own_errors_are_named(self) -> None:
        text = bytes.fromhex("08c379a0") + encode(["string"], ["no"])  # Error(string)
        assert decode_error(self.artifact, text) == ("Error", {"reason": "no"})
        overflow = bytes.fromhex("4e487b71") + encode(["uint256"], [0x11])  # Panic(uint256)
        assert decode_error(self.artifact, overflow) == ("Panic", {"code": 0x11})

    @pytest.mark.parametrize("data", [b"", b"\x01\x02\x03\x04", bytes.fromhex("4e487b71") + b"\x00"])
    def test_an_unknown_or_cut_off_error_shows_its_bytes(self, data: bytes) -> None:
        assert decode_error(self.artifact, data) == ("", {})
        assert f"revert data 0x{data.hex()};" in str(ContractRefused("0x01", "", {}, data))
