"""Deploys a template on a chain, through its gateway like everyone else, and checks what then lies there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eth_utils.address import to_checksum_address

from sandbox.abi import encode_constructor
from sandbox.catalogue import Template
from sandbox.errors import DeploymentError


class KnownAccounts(Protocol):
    """A chain's custodial accounts."""

    def address(self, label: str) -> str:
        """The account's address, 0x and hex."""


class DeployableChain(Protocol):
    """What deploying asks of a chain; the facade `sandbox.chain` offers it."""

    @property
    def accounts(self) -> KnownAccounts: ...

    def send(self, account_label: str, *, to: bytes | None, data: bytes, gas: int | None = None) -> str:
        """Signs and submits a transaction; its 0x hash, durable on return."""

    def hurry(self) -> None:
        """What waits is sealed without collecting more."""

    def wait(self, transaction_hash: str, timeout: float = 30) -> dict[str, Any]:
        """The JSON-RPC transaction receipt once sealed; raises TransactionDropped."""

    def read(self, method: str, *params: Any) -> Any:
        """The result of a reading JSON-RPC method."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A template on a chain at an address.

    `address` is 20 bytes; `transaction_hash` 0x and hex, as the chain gave it; `artifact_digest` the SHA-256
    of the artifact file and `code_hash` the Keccak-256 of the runtime code (immutables zero), 32 bytes each.
    """

    address: bytes
    transaction_hash: str
    template: str
    template_version: str
    artifact_digest: bytes
    code_hash: bytes
    block_number: int

    def checksum_address(self) -> str:
        """The address as people write it (EIP-55)."""
        return str(to_checksum_address(self.address))


def deploy(
    chain: DeployableChain, template: Template, parameters: Mapping[str, str], account_label: str
) -> Deployment:
    """Deploys `template` from the account `account_label` and returns once the code is verified.

    Raises ParameterError before anything is sent, RpcError when the gateway refuses, and DeploymentError if
    the transaction failed or if the code at the address is not the artifact's.
    """
    artifact = template.artifact()
    arguments = template.constructor_arguments(parameters, deployer=chain.accounts.address(account_label))
    transaction_hash = chain.send(account_label, to=None, data=encode_constructor(artifact, *arguments))
    chain.hurry()
    receipt = chain.wait(transaction_hash)
    if receipt.get("status") != "0x1":
        raise DeploymentError(
            f"deploying {template.slug} in transaction {transaction_hash} failed: expected the status 0x1, "
            f"got {receipt.get('status')}; the constructor refused its parameters or the gas ran out"
        )
    address = receipt.get("contractAddress")
    if address is None:
        raise DeploymentError(
            f"transaction {transaction_hash} created no contract: its receipt has no contractAddress"
        )
    runtime = bytes.fromhex(chain.read("eth_getCode", address, receipt["blockNumber"]).removeprefix("0x"))
    if not artifact.matches(runtime):
        raise DeploymentError(
            f"the code at {address} is not {artifact.name}'s: expected the artifact's runtime code of "
            f"{len(artifact.deployed_bytecode)} bytes (immutables masked), got {len(runtime)} bytes that "
            "differ; do not use this address"
        )
    return Deployment(
        address=bytes.fromhex(address.removeprefix("0x")),
        transaction_hash=transaction_hash,
        template=template.slug,
        template_version=template.version,
        artifact_digest=artifact.digest,
        code_hash=artifact.code_hash(),
        block_number=int(receipt["blockNumber"], 16),
    )
