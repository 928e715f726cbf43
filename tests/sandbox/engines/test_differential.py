"""The same transactions on the embedded engine and on anvil: the same state, statuses, gas, logs and addresses.

Two EVMs written by different people agree on everything that a contract can do here, or one of them is wrong. Block
hashes differ (extraData, mixHash), so nothing here looks at BLOCKHASH or PREVRANDAO.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils import keccak

from sandbox.engines import Digesting, engine
from sandbox.spec import ChainSpec
from tests import transactions as tx

pytestmark = pytest.mark.anvil

CHAIN_ID, START = 990_006, 1_767_225_600
SIGNERS = [tx.account(n) for n in range(1, 5)]
ALLOC = tuple((f"0x{tx.address_of(signer).hex()}", 10**18) for signer in SIGNERS[:2])

#: SSTORE(CALLDATALOAD(0), CALLDATALOAD(32)): also back to zero, for the refunds.
WRITER = bytes.fromhex("6020355f355500")
#: Sends what it has to its caller and ends (EIP-6780).
DESTRUCT = bytes.fromhex("33ff")
#: CALL, and DELEGATECALL, of the address in the first word with the rest as data; keeps the outcome in slot 99.
CALLER = bytes.fromhex("60203603602 05f375f5f60203603 5f5f5f355af1606355 00".replace(" ", ""))
DELEGATE = bytes.fromhex("60203603602 05f375f5f60203603 5f5f355af4606355 00".replace(" ", ""))
#: Keeps NUMBER, TIMESTAMP, CHAINID, BASEFEE, GASLIMIT, COINBASE, SELFBALANCE, GASPRICE and ORIGIN.
CONTEXT = b"".join(
    bytes([op, 0x60, slot, 0x55]) for slot, op in enumerate(b"\x43\x42\x46\x48\x45\x41\x47\x3a\x32")
)
#: TSTORE and TLOAD (EIP-1153), MCOPY (EIP-5656): the value comes through and is kept.
TRANSIENT = bytes.fromhex("5f355f5d5f5c5f52602060205f6020 5f60205e602051600755".replace(" ", ""))
CONTRACTS = [
    tx.RECORDER, WRITER, CALLER, DELEGATE, CONTEXT, DESTRUCT, tx.FACTORY, tx.FACTORY_2, tx.INVALID, tx.RECURSIVE,
    tx.ENDLESS, tx.emitter(0), tx.emitter(2), tx.emitter(4), tx.reverting(b""), tx.reverting(b"no"), TRANSIENT,
]  # fmt: skip
PRECOMPILES = [n.to_bytes(20, "big") for n in (1, 2, 3, 4, 5, 6, 7, 8, 9)]


class Generator:
    """Transactions for a chain, from a seed. It knows nonces and addresses, never results."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.nonces = [0] * len(SIGNERS)
        self.contracts: list[bytes] = []

    def block(self) -> list[bytes]:
        if not self.contracts:  # one of each, so that there is something to call
            self.nonces[0] = len(CONTRACTS)
            owner = tx.address_of(SIGNERS[0])
            self.contracts = [tx.contract_address(owner, nonce) for nonce in range(len(CONTRACTS))]
            return [
                tx.legacy(SIGNERS[0], nonce, CHAIN_ID, data=tx.deploying(runtime), gas=500_000)
                for nonce, runtime in enumerate(CONTRACTS)
            ]
        return [self.transaction() for _ in range(self.random.randint(1, 12))]

    def transaction(self) -> bytes:
        who = self.random.randrange(len(SIGNERS))
        nonce, self.nonces[who] = self.nonces[who], self.nonces[who] + 1
        fields = self.fields(who, nonce)
        if fields["to"] and self.random.random() < 0.3:
            kind = self.random.choice([1, 2])
            fields.pop("gas_price", None)
            access = [
                {"address": f"0x{fields['to'].hex()}", "storageKeys": [f"0x{n:064x}" for n in range(2)]}
            ]
            return tx.typed(SIGNERS[who], kind, nonce, CHAIN_ID, **fields, accessList=access)
        return tx.legacy(SIGNERS[who], nonce, CHAIN_ID, **fields)

    def fields(self, who: int, nonce: int) -> dict[str, Any]:
        draw = self.random
        if draw.random() < 0.15:
            runtime = draw.choice(CONTRACTS)
            code = draw.choice([tx.deploying(runtime)] * 8 + [runtime, b"\x33\xff", b"\xfe", b""])
            self.contracts.append(tx.contract_address(tx.address_of(SIGNERS[who]), nonce))
            return {"to": b"", "data": code, "gas": draw.choice([60_000, 500_000, 500_000])}
        to = draw.choice(
            [
                *self.contracts * 2,
                *PRECOMPILES,
                *(tx.address_of(each) for each in SIGNERS),
                bytes([nonce % 256]) * 20,
            ]
        )
        words = [draw.choice([0, 1, 2, 2**255]) for _ in range(draw.randint(0, 5))]
        data = b"".join(word.to_bytes(32, "big") for word in words)
        if to in self.contracts[2:4] or draw.random() < 0.1:  # those that call on
            data = bytes(12) + draw.choice([*self.contracts, *PRECOMPILES]) + data
        value = draw.choice([0, 0, 0, 1, 10**15]) if who < len(ALLOC) else 0
        gas = draw.choice([40_000, 90_000, 400_000, 400_000])
        price = draw.choice([0, 0, 7]) if who < len(ALLOC) else 0
        return {"to": to, "data": data, "value": value, "gas": gas, "gas_price": price}


class Both:
    """The two nodes, fed alike."""

    def __init__(self, root: Path) -> None:
        self.nodes = {}
        for slug in ("embedded", "anvil"):
            (directory := root / slug).mkdir()
            spec = ChainSpec(CHAIN_ID, START, slug, alloc=ALLOC)
            engine(slug).create(directory, spec)
            self.nodes[slug] = engine(slug).open(directory, spec)

    def each(self, method: str, *params: Any) -> list[Any]:
        return [node.read(method, params, time_limit=30) for node in self.nodes.values()]

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    both = Both(tmp_path)
    yield both
    both.close()


def told(receipt: dict[str, Any]) -> dict[str, Any]:
    """What a transaction receipt says of its transaction, without its block's hash."""
    names = (
        "status",
        "gasUsed",
        "cumulativeGasUsed",
        "contractAddress",
        "effectiveGasPrice",
        "from",
        "to",
        "type",
    )
    logs = [(log["address"], log["topics"], log["data"], log["logIndex"]) for log in receipt["logs"]]
    return {name: receipt[name] for name in (*names, "logsBloom", "transactionHash")} | {"logs": logs}


@pytest.mark.parametrize("seed", range(4))
def test_both_engines_agree(both: Both, seed: int) -> None:
    generator = Generator(seed)
    for number in range(1, 31):
        raws = generator.block()
        sealed = [
            node.seal(raws, START + 10 * number, time_limit=60)  # type: ignore[attr-defined]
            for node in both.nodes.values()
        ]
        assert sealed[0].included == sealed[1].included == tuple(keccak(raw) for raw in raws)
        embedded, anvil = both.each("eth_getBlockReceipts", hex(number))
        assert [told(receipt) for receipt in embedded] == [told(receipt) for receipt in anvil]
        roots = both.each("eth_getBlockByNumber", hex(number), False)
        for name in ("transactionsRoot", "receiptsRoot", "logsBloom", "gasUsed", "gasLimit", "timestamp"):
            assert roots[0][name] == roots[1][name], name
    places = {*generator.contracts, *PRECOMPILES, *(tx.address_of(signer) for signer in SIGNERS), bytes(20)}
    for place in sorted(places):
        address = f"0x{place.hex()}"
        for method in ("eth_getBalance", "eth_getTransactionCount", "eth_getCode"):
            embedded, anvil = both.each(method, address, "latest")
            assert embedded == anvil, (method, address)
        for slot in (*range(10), 99, 2**255):
            embedded, anvil = both.each("eth_getStorageAt", address, hex(slot), "latest")
            assert embedded == anvil, (address, slot)
    digests = {
        node.state_digest(time_limit=60) for node in both.nodes.values() if isinstance(node, Digesting)
    }
    assert len(digests) == 1
