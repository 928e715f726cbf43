"""The methods that pass: an allow-list by exact name. What is not named here does not reach a node.

A name of a family that changes state or holds keys is told apart only in the answer (Besu's "Method not
enabled"): the family list allows nothing, so forgetting one there opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sandbox.gateway import errors
from sandbox.gateway.endpoints import Asker, Handler


class Kind(StrEnum):
    CONSTANT = "constant"  # answered here, from the spec
    READ = "read"  # answered by the node
    CALL = "call"  # executed by the node, with gas cap and time limit
    WRITE = "write"  # through the rules into the journal
    OWN = "own"  # answered here, by a handler


METHODS: dict[str, Kind] = {
    "web3_clientVersion": Kind.CONSTANT,
    "web3_sha3": Kind.CONSTANT,
    "net_version": Kind.CONSTANT,
    "net_listening": Kind.CONSTANT,
    "eth_chainId": Kind.CONSTANT,
    "eth_accounts": Kind.CONSTANT,
    "eth_syncing": Kind.CONSTANT,
    "eth_gasPrice": Kind.CONSTANT,
    "eth_maxPriorityFeePerGas": Kind.CONSTANT,
    "eth_blockNumber": Kind.READ,
    "eth_feeHistory": Kind.READ,
    "eth_getBalance": Kind.READ,
    "eth_getCode": Kind.READ,
    "eth_getStorageAt": Kind.READ,
    "eth_getProof": Kind.READ,
    "eth_getTransactionCount": Kind.READ,
    "eth_getBlockByHash": Kind.READ,
    "eth_getBlockByNumber": Kind.READ,
    "eth_getBlockTransactionCountByHash": Kind.READ,
    "eth_getBlockTransactionCountByNumber": Kind.READ,
    "eth_getBlockReceipts": Kind.READ,
    "eth_getTransactionByHash": Kind.READ,
    "eth_getTransactionByBlockHashAndIndex": Kind.READ,
    "eth_getTransactionByBlockNumberAndIndex": Kind.READ,
    "eth_getTransactionReceipt": Kind.READ,
    "eth_getLogs": Kind.READ,
    "eth_call": Kind.CALL,
    "eth_estimateGas": Kind.CALL,
    "eth_sendRawTransaction": Kind.WRITE,
}

_FAMILIES = ("anvil_", "hardhat_", "ganache_", "tenderly_", "evm_", "debug_", "trace_", "personal_", "admin_",
             "miner_", "txpool_", "engine_", "clique_", "qbft_", "ibft_", "perm_", "plugins_")  # fmt: skip
_NAMES = frozenset(name.lower() for name in (
    "eth_sendTransaction", "eth_sendUnsignedTransaction", "eth_sign", "eth_signTransaction",
    "eth_signTypedData", "eth_signTypedData_v3", "eth_signTypedData_v4",
    "eth_submitWork", "eth_submitHashrate", "eth_setChainId",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class MethodTable:
    """What one chain answers: the node's `reads`, and handlers for everybody (`own`) and for administrators.

    `asked` are constants of our own chains that somebody else's chain has to be asked for.
    """

    reads: frozenset[str]
    own: Mapping[str, Handler]
    admin: Mapping[str, Handler]
    asked: frozenset[str] = frozenset()

    def kind_of(self, name: str, asker: Asker) -> Kind:
        """The kind of the method of exactly this name; RpcError -32604 or -32601 otherwise."""
        if name in self.own or (asker.administers and name in self.admin):
            return Kind.OWN
        kind = Kind.READ if name in self.asked else METHODS.get(name)
        if kind is None:
            # Without case and white space, so that a disguised name gets the plain answer; it passes neither way.
            plain = name.strip().lower()
            if plain.startswith(_FAMILIES) or plain in _NAMES or name in self.admin:
                raise errors.method_not_enabled()
            raise errors.method_not_found()
        if kind in (Kind.READ, Kind.CALL) and name not in self.reads:
            raise errors.method_not_enabled()
        return kind

    @staticmethod
    def is_write(name: str) -> bool:
        return METHODS.get(name) is Kind.WRITE

    def handler(self, name: str) -> Handler:
        """The handler of a method whose kind is OWN."""
        return self.own.get(name) or self.admin[name]
