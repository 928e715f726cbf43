"""What every engine that seals must do, tested against a real node: subclass it with an `engine` fixture.

Hashes and roots are recomputed here from the JSON alone, with rlp and a trie; filters are compared with brute
force over all receipts.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rlp
from eth_abi import encode as abi_encode
from eth_utils import keccak
from trie import HexaryTrie

from sandbox.engines import CREATES_INSIDE, Engine, Head, Node, Sealed
from sandbox.errors import EngineTimeout, RpcError
from sandbox.spec import TRANSACTION_GAS_CAP, ChainSpec
from tests import transactions as tx

SPEC = ChainSpec(chain_id=990_001, genesis_time=1_767_225_600)
LIMIT = 30.0


class Chain:
    """A node with what tests do all the time: deploy, send, read."""

    def __init__(self, node: Node, spec: ChainSpec) -> None:
        self.node, self.spec = node, spec
        self.signer = tx.account()
        self.sender = tx.address_of(self.signer)

    def read(self, method: str, *params: Any) -> Any:
        return self.node.read(method, params, time_limit=LIMIT)

    def seal(self, *raws: bytes, timestamp: int | None = None, **options: Any) -> Sealed:
        when = self.node.head().timestamp + 1 if timestamp is None else timestamp
        return self.node.seal(raws, when, time_limit=LIMIT, **options)

    def nonce(self) -> int:
        return int(self.read("eth_getTransactionCount", hexed(self.sender), "latest"), 16)

    def signed(self, offset: int = 0, **fields: Any) -> bytes:
        return tx.legacy(self.signer, self.nonce() + offset, self.spec.chain_id, **fields)

    def deploy(self, runtime: bytes) -> bytes:
        """Deploy runtime code; its address."""
        nonce = self.nonce()
        raw = tx.legacy(self.signer, nonce, self.spec.chain_id, data=tx.deploying(runtime), gas=2_000_000)
        assert self.seal(raw).included == (keccak(raw),)
        address = tx.contract_address(self.sender, nonce)
        assert self.read("eth_getCode", hexed(address), "latest") == hexed(runtime)
        return address

    def call(self, address: bytes, data: bytes = b"", **members: str) -> Any:
        return self.read("eth_call", {"to": hexed(address), "data": hexed(data), **members}, "latest")


def hexed(value: bytes) -> str:
    return "0x" + value.hex()


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def integer(quantity: str) -> int:
    assert quantity == hex(int(quantity, 16))  # no leading zeros
    return int(quantity, 16)


def raw_bytes(data: str) -> bytes:
    return bytes.fromhex(data[2:])


def header_hash(block: dict[str, Any]) -> bytes:
    """keccak256 of the RLP of a Prague header's 21 fields (yellow paper 4.3; EIPs 1559 to 7685)."""
    fields = [
        *(raw_bytes(block[name]) for name in ("parentHash", "sha3Uncles", "miner", "stateRoot")),
        *(raw_bytes(block[name]) for name in ("transactionsRoot", "receiptsRoot", "logsBloom")),
        *(integer(block[name]) for name in ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")),
        *(raw_bytes(block[name]) for name in ("extraData", "mixHash", "nonce")),
        integer(block["baseFeePerGas"]),
        raw_bytes(block["withdrawalsRoot"]),
        *(integer(block[name]) for name in ("blobGasUsed", "excessBlobGas")),
        *(raw_bytes(block[name]) for name in ("parentBeaconBlockRoot", "requestsHash")),
    ]
    return keccak(rlp.encode(fields))


def receipt_encoding(receipt: dict[str, Any]) -> bytes:
    """The consensus encoding of a transaction receipt (EIP-2718, EIP-658)."""
    logs = [
        [raw_bytes(log["address"]), [raw_bytes(topic) for topic in log["topics"]], raw_bytes(log["data"])]
        for log in receipt["logs"]
    ]
    status, gas = integer(receipt["status"]), integer(receipt["cumulativeGasUsed"])
    body = rlp.encode([status, gas, raw_bytes(receipt["logsBloom"]), logs])
    kind = integer(receipt["type"])
    return body if kind == 0 else bytes([kind]) + body


def transaction_encoding(transaction: dict[str, Any]) -> bytes:
    """The signed encoding of a transaction (EIPs 155, 2930, 1559, 7702)."""
    kind = integer(transaction["type"])
    number = {name: integer(value) for name, value in transaction.items() if name in _NUMBERS and value}
    to = raw_bytes(transaction["to"]) if transaction["to"] else b""
    target = [to, number["value"], raw_bytes(transaction["input"])]
    if kind == 0:
        tail = [number["v"], number["r"], number["s"]]
        return rlp.encode([number["nonce"], number["gasPrice"], number["gas"], *target, *tail])
    accesses = [
        [raw_bytes(entry["address"]), [raw_bytes(key) for key in entry["storageKeys"]]]
        for entry in transaction["accessList"]
    ]
    fees = ["gasPrice"] if kind == 1 else ["maxPriorityFeePerGas", "maxFeePerGas"]
    fields: list[Any] = [number["chainId"], number["nonce"], *(number[fee] for fee in fees), number["gas"]]
    fields += [*target, accesses]
    if kind == 4:
        fields.append(
            [
                [
                    integer(entry["chainId"]),
                    raw_bytes(entry["address"]),
                    *(integer(entry[name]) for name in ("nonce", "yParity", "r", "s")),
                ]
                for entry in transaction["authorizationList"]
            ]
        )
    return bytes([kind]) + rlp.encode([*fields, number["yParity"], number["r"], number["s"]])


_NUMBERS = {"nonce", "gas", "gasPrice", "value", "v", "r", "s", "yParity", "chainId"}
_NUMBERS |= {"maxFeePerGas", "maxPriorityFeePerGas"}


def trie_root(values: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for position, value in enumerate(values):
        trie[rlp.encode(position)] = value
    return bytes(trie.root_hash)


def bloom(logs: list[dict[str, Any]]) -> bytes:
    """The 2048-bit filter of yellow paper 4.3.1: three bits of the hash of each address and topic."""
    bits = 0
    for log in logs:
        for entry in [log["address"], *log["topics"]]:
            digest = keccak(raw_bytes(entry))
            for at in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return bits.to_bytes(256, "big")


WRONG_PARAMETERS: list[tuple[str, list[Any]]] = [
    ("eth_getBalance", []),
    ("eth_getBalance", ["0x1"]),
    ("eth_getBalance", [1, "latest"]),
    ("eth_getBalance", ["0x" + "11" * 20, "newest"]),
    ("eth_getBalance", ["0x" + "11" * 20, 5]),
    ("eth_getBalance", ["0x" + "11" * 20, {"blockHash": "0x1"}]),
    ("eth_getBalance", ["0x" + "11" * 20, "latest", 1]),
    ("eth_getBlockByNumber", ["0x01", False]),
    ("eth_getBlockByNumber", [None, False]),
    ("eth_getBlockByNumber", ["0x1", "yes"]),
    ("eth_getBlockByNumber", ["0x" + "f" * 40, False]),
    ("eth_getBlockByHash", ["0x12", False]),
    ("eth_getStorageAt", ["0x" + "11" * 20, "0x" + "1" * 65]),
    ("eth_getProof", ["0x" + "11" * 20]),
    ("eth_getProof", ["0x" + "11" * 20, "0x1", "latest"]),
    ("eth_getProof", ["0x" + "11" * 20, ["0x" + "1" * 65], "latest"]),
    ("eth_getTransactionByHash", [{}]),
    ("eth_call", ["0x"]),
    ("eth_call", [{"to": "0x"}]),
    ("eth_call", [{"data": "0x123"}]),
    ("eth_call", [{"data": "0x12", "input": "0x34"}]),
    ("eth_call", [{"gas": 21000}]),
    ("eth_call", [{"value": "-0x1"}]),
    ("eth_call", [{"code": "0x00"}]),
    ("eth_call", [{"chainId": "0x1"}]),
    ("eth_call", [{}, "latest", {}]),
    ("eth_estimateGas", [{"accessList": [{"storageKeys": []}]}]),
    ("eth_getLogs", [[]]),
    ("eth_getLogs", [{"fromBlock": "0x5", "toBlock": "0x1"}]),
    ("eth_getLogs", [{"blockHash": "0x" + "11" * 32, "fromBlock": "0x1"}]),
    ("eth_getLogs", [{"topics": ["0x12"]}]),
    ("eth_getLogs", [{"topics": [None] * 5}]),
    ("eth_getLogs", [{"address": {}}]),
    ("eth_feeHistory", ["0x1"]),
    ("eth_feeHistory", ["0x1", "latest", [50, 10]]),
    ("eth_feeHistory", [True, "latest"]),
]


class EngineConformance:
    """Give it a fixture `engine`."""

    @pytest.fixture
    def make(self, engine: Engine, tmp_path: Path) -> Iterator[Callable[..., Chain]]:
        """Creates chains, or opens one again; all are closed at the end."""
        nodes: list[Node] = []

        def make(name: str = "chain", spec: ChainSpec | None = None) -> Chain:
            spec = spec or ChainSpec(SPEC.chain_id, SPEC.genesis_time, engine=engine.slug)
            directory = tmp_path / name
            if not directory.exists():
                directory.mkdir()
                engine.create(directory, spec)
            nodes.append(engine.open(directory, spec))
            return Chain(nodes[-1], spec)

        yield make
        for node in nodes:
            node.close()

    @pytest.fixture
    def chain(self, make: Callable[..., Chain]) -> Chain:
        return make()

    # Identity

    def test_a_new_chain_is_its_block_zero(self, engine: Engine, tmp_path: Path, make: Any) -> None:
        spec = ChainSpec(chain_id=4_242, genesis_time=1_700_000_000, engine=engine.slug)
        (tmp_path / "new").mkdir()
        genesis = engine.create(tmp_path / "new", spec)
        chain = make("new", spec)
        assert chain.node.head() == Head(0, genesis, 1_700_000_000)
        block = chain.read("eth_getBlockByNumber", "0x0", False)
        assert raw_bytes(block["hash"]) == genesis == header_hash(block)
        assert integer(block["timestamp"]) == 1_700_000_000
        assert integer(block["gasLimit"]) == spec.block_gas_limit
        assert chain.read("eth_chainId") == hex(4_242)
        assert chain.read("net_version") == "4242"

    def test_equal_specs_give_equal_blocks(self, make: Any) -> None:
        first, second = make("a"), make("b")
        assert first.node.head() == second.node.head()
        sent = [
            first.signed(data=tx.deploying(tx.RECORDER)),
            first.signed(1, to=bytes(19) + b"\x77", data=b"x"),
        ]
        for chain in (first, second):
            chain.seal(sent[0], timestamp=SPEC.genesis_time + 7)
            chain.seal(sent[1], timestamp=SPEC.genesis_time + 9)
        assert first.node.head().number == 2
        assert first.node.head() == second.node.head()

    def test_other_specs_give_another_block_zero(self, engine: Engine, make: Any) -> None:
        base = ChainSpec(chain_id=1_001, genesis_time=1_700_000_000, engine=engine.slug)
        others = [
            ChainSpec(chain_id=1_002, genesis_time=1_700_000_000, engine=engine.slug),
            ChainSpec(chain_id=1_001, genesis_time=1_700_000_001, engine=engine.slug),
        ]
        hashes = {make(f"chain{n}", spec).node.head().hash for n, spec in enumerate([base, *others])}
        assert len(hashes) == 3

    def test_the_chain_id_opcode_is_the_spec_s(self, chain: Chain) -> None:
        assert int(chain.call(chain.deploy(tx.CHAIN_ID)), 16) == chain.spec.chain_id

    def test_the_evm_sees_the_header_s_time_and_randomness(self, chain: Chain) -> None:
        target = chain.deploy(tx.BLOCK_CONTEXT)
        chain.seal(chain.signed(to=target), timestamp=SPEC.genesis_time + 1_000)
        block = chain.read("eth_getBlockByNumber", "latest", False)
        seen = [chain.read("eth_getStorageAt", hexed(target), slot, "latest") for slot in ("0x0", "0x1")]
        assert int(seen[0], 16) == integer(block["timestamp"]) == SPEC.genesis_time + 1_000
        assert seen[1] == block["mixHash"]

    def test_a_call_runs_in_the_block_it_names(self, chain: Chain) -> None:
        target = chain.deploy(tx.ANCESTOR)
        for n in range(3):
            chain.seal(chain.signed(to=b"\x99" * 20, data=bytes([n])))
        for number in (2, 4):
            answer = raw_bytes(chain.read("eth_call", {"to": hexed(target)}, hex(number)))
            parent = chain.read("eth_getBlockByNumber", hex(number - 1), False)
            assert answer == word(number) + raw_bytes(parent["hash"])

    # Sealing

    def test_free_gas_from_an_account_that_owns_nothing(self, chain: Chain) -> None:
        raw = chain.signed(to=b"\x42" * 20, data=b"hello")
        assert chain.read("eth_getBalance", hexed(chain.sender), "latest") == "0x0"
        assert chain.seal(raw).included == (keccak(raw),)
        assert chain.read("eth_getTransactionReceipt", hexed(keccak(raw)))["status"] == "0x1"
        assert chain.read("eth_getBlockByNumber", "latest", False)["baseFeePerGas"] == "0x0"
        assert chain.read("eth_gasPrice") == chain.read("eth_maxPriorityFeePerGas") == "0x0"

    def test_gas_stays_free_and_the_limit_still(self, engine: Engine, make: Any) -> None:
        """After a block more than half full EIP-1559 raises the base fee, and clients move the limit."""
        limit = TRANSACTION_GAS_CAP
        chain = make("small", ChainSpec(SPEC.chain_id, SPEC.genesis_time, engine.slug, block_gas_limit=limit))
        for _ in range(3):
            raw = chain.signed(data=bytes.fromhex("fe"), gas=limit * 3 // 4)  # INVALID burns all of it
            assert chain.seal(raw).included == (keccak(raw),)
        block = chain.read("eth_getBlockByNumber", "latest", False)
        assert integer(block["gasUsed"]) == limit * 3 // 4
        assert (block["baseFeePerGas"], integer(block["gasLimit"])) == ("0x0", limit)

    def test_what_does_not_fit_waits_for_the_next_block(self, engine: Engine, make: Any) -> None:
        limit = TRANSACTION_GAS_CAP
        chain = make("small", ChainSpec(SPEC.chain_id, SPEC.genesis_time, engine.slug, block_gas_limit=limit))
        raws = [chain.signed(n, data=bytes.fromhex("fe"), gas=limit * 2 // 3) for n in range(2)]
        sealed = chain.seal(*raws)
        assert sealed.included == (keccak(raws[0]),)
        assert sealed.dropped == ()
        assert chain.seal(raws[1]).included == (keccak(raws[1]),)

    def test_what_cannot_be_applied_is_named_and_the_rest_sealed(self, chain: Chain) -> None:
        other = tx.account(2)
        chain_id = chain.spec.chain_id
        good = [chain.signed(0, to=b"\x01" * 20), chain.signed(1, to=b"\x01" * 20)]
        bad = {
            chain.signed(7, to=b"\x01" * 20): "nonce",
            tx.legacy(other, 0, chain_id, to=b"\x01" * 20, value=1): "balance",
            tx.legacy(other, 0, chain_id, to=b"\x01" * 20, gas_price=1): "balance",
            tx.legacy(other, 0, chain_id, to=b"\x01" * 20, gas=20_000): "gas",
            tx.legacy(other, 0, chain_id, to=b"\x01" * 20, gas=25_000, data=b"x" * 200): "EIP-7623",
            tx.legacy(other, 0, chain_id, to=b"\x01" * 20, gas=TRANSACTION_GAS_CAP + 1): "EIP-7825",
            tx.legacy(other, 0, chain_id + 1, to=b"\x01" * 20): "chain id",
            tx.legacy(other, 0, chain_id, data=b"\x00" * 49_153, gas=5_000_000): "init code",
            b"\xf8\x01": "valid",
            b"": "valid",
            b"\x05\xc0": "valid",
        }
        sealed = chain.seal(good[0], *bad, good[1])
        assert sealed.included == tuple(keccak(raw) for raw in good)
        reasons = dict(sealed.dropped)
        assert set(reasons) == {keccak(raw) for raw in bad}
        for raw, expected in bad.items():
            assert expected in reasons[keccak(raw)], reasons[keccak(raw)]
        block = chain.read("eth_getBlockByNumber", "latest", False)
        assert block["transactions"] == [hexed(keccak(raw)) for raw in good]
        assert chain.read("eth_getTransactionByHash", hexed(sealed.dropped[0][0])) is None
        assert header_hash(block) == sealed.head.hash

    def test_a_block_keeps_the_order_in_which_it_got_them(self, make: Any) -> None:
        """Also of a hundred from several senders, and also when it is opened again."""
        chain = make()
        signers = [tx.account(n) for n in range(1, 8)]
        for round_ in range(2):
            raws = [
                tx.legacy(signer, round_ * 20 + nonce, chain.spec.chain_id, to=b"\x01" * 20, gas=21_000)
                for nonce in range(20)
                for signer in (signers if nonce % 3 else reversed(signers))
            ]
            assert chain.seal(*raws).included == tuple(keccak(raw) for raw in raws)
        head = chain.node.head()
        chain.node.close()
        assert make().node.head() == head

    def test_no_block_without_a_transaction(self, chain: Chain) -> None:
        before = chain.node.head()
        sealed = chain.seal(chain.signed(3))
        assert (sealed.head, sealed.included, len(sealed.dropped)) == (before, (), 1)
        assert chain.seal().head == chain.node.head() == before

    def test_an_empty_block_is_made_when_it_is_asked_for(self, chain: Chain) -> None:
        before = chain.node.head()
        sealed = chain.seal(timestamp=before.timestamp + 5, empty=True)
        assert (sealed.head.number, sealed.head.timestamp) == (1, before.timestamp + 5)
        assert (sealed.included, sealed.dropped) == ((), ())
        block = chain.read("eth_getBlockByNumber", "latest", True)
        assert raw_bytes(block["hash"]) == header_hash(block) == sealed.head.hash
        assert (block["transactions"], block["gasUsed"]) == ([], "0x0")
        assert raw_bytes(block["transactionsRoot"]) == trie_root([])
        assert len(chain.seal(chain.signed(7), empty=True).dropped) == 1
        assert chain.node.head().number == 2
        raw = chain.signed(to=b"\x01" * 20)
        assert chain.seal(raw, empty=True).included == (keccak(raw),)

    @pytest.mark.parametrize("code", [tx.FACTORY, tx.FACTORY_2])
    def test_who_may_not_create_inside_calls_is_left_out(self, make: Any, code: bytes) -> None:
        """A block without it is the block that would have been, had it never been sent."""
        left_out, plain = make("with"), make("without")
        factory, recorder = (left_out.deploy(runtime) for runtime in (code, tx.RECORDER))
        assert (plain.deploy(code), plain.deploy(tx.RECORDER)) == (factory, recorder)
        other, chain_id = tx.account(2), plain.spec.chain_id
        inside = tx.legacy(other, 0, chain_id, to=factory)
        at_the_top = tx.legacy(other, 0, chain_id, data=tx.deploying(tx.RECORDER))
        constructor = tx.legacy(other, 1, chain_id, data=code)
        allowed = [
            plain.signed(to=recorder, data=word(3)),
            plain.signed(1, to=factory),
            at_the_top,  # ruled at the gateway, not here
            plain.signed(2, to=recorder, data=word(3)),
        ]
        may_create = frozenset({left_out.sender})
        sealed = left_out.seal(allowed[0], inside, *allowed[1:], constructor, may_create=may_create)
        assert sealed.included == tuple(keccak(raw) for raw in allowed)
        assert [hash_ for hash_, _ in sealed.dropped] == [keccak(inside), keccak(constructor)]
        assert all(reason.startswith(CREATES_INSIDE) for _, reason in sealed.dropped)
        assert plain.seal(*allowed).head == sealed.head
        assert left_out.seal(constructor, may_create=frozenset()).included == ()
        assert left_out.seal(constructor).included == (keccak(constructor),)  # nobody is restricted

    def test_accounts_of_block_zero_hold_what_the_spec_says(self, engine: Engine, make: Any) -> None:
        rich, poor = tx.account(), tx.account(2)
        alloc = ((hexed(tx.address_of(rich)), 10**20), (hexed(tx.address_of(poor)), 0))
        spec = ChainSpec(SPEC.chain_id, SPEC.genesis_time, engine.slug, alloc=alloc)
        chain = make("rich", spec)
        genesis = chain.read("eth_getBlockByNumber", "0x0", False)
        assert raw_bytes(genesis["hash"]) == header_hash(genesis) == chain.node.head().hash
        assert (
            genesis["stateRoot"]
            == make("other", spec).read("eth_getBlockByNumber", "0x0", False)["stateRoot"]
        )
        assert [chain.read("eth_getBalance", address, "0x0") for address, _ in alloc] == [hex(10**20), "0x0"]
        gift = chain.signed(to=tx.address_of(poor), value=10**18, gas_price=10**9, gas=21_000)
        assert chain.seal(gift).included == (keccak(gift),)
        assert chain.read("eth_getBalance", alloc[0][0], "latest") == hex(99 * 10**18 - 21_000 * 10**9)
        assert chain.read("eth_getBalance", alloc[1][0], "latest") == hex(10**18)
        assert chain.read("eth_getBalance", alloc[1][0], "0x0") == "0x0"
        back = tx.legacy(poor, 0, spec.chain_id, to=chain.sender, value=10**18)
        assert chain.seal(back).included == (keccak(back),)  # gas is free for those who offer nothing
        chain.node.close()
        assert make("rich", spec).read("eth_getBalance", alloc[1][0], "latest") == "0x0"

    def test_fee_history_weighs_priority_fees_by_gas(self, engine: Engine, make: Any) -> None:
        alloc = ((hexed(tx.address_of(tx.account())), 10**20),)
        chain = make("fees", ChainSpec(SPEC.chain_id, SPEC.genesis_time, engine.slug, alloc=alloc))
        fees = {"maxFeePerGas": 9, "maxPriorityFeePerGas": 4, "to": b"\x01" * 20, "gas": 21_000}
        chain.seal(
            chain.signed(0, data=bytes.fromhex("fe"), gas_price=1, gas=100_000),  # INVALID burns all of it
            chain.signed(1, to=b"\x01" * 20, gas_price=7, gas=21_000),
            tx.typed(chain.signer, 2, 2, chain.spec.chain_id, **fees),
        )
        # Of 142,000 gas: 1 wei up to 70.4 %, 4 wei up to 85.2 %, 7 wei above.
        history = chain.read("eth_feeHistory", "0x2", "latest", [0, 70, 71, 85, 86, 100])
        paid = [hex(wei) for wei in (1, 1, 4, 4, 7, 7)]
        assert history["reward"] == [["0x0"] * 6, paid]
        assert "reward" not in chain.read("eth_feeHistory", "0x2", "latest")

    def test_sending_again_what_is_on_the_chain_changes_nothing(self, chain: Chain) -> None:
        raw = chain.signed(to=b"\x01" * 20)
        head = chain.seal(raw, raw).head
        again = chain.seal(raw)
        assert (again.head, again.included, again.dropped) == (head, (), ())

    def test_a_restart_gives_the_same_hashes(self, make: Any) -> None:
        chain = make()
        target = chain.deploy(tx.RECORDER)
        for n in range(3):
            chain.seal(*(chain.signed(k, to=target, data=word(10 * n + k)) for k in range(4)))
        head = chain.node.head()
        blocks = [chain.read("eth_getBlockByNumber", hex(n), True) for n in range(head.number + 1)]
        chain.node.close()
        chain.node.close()  # idempotent
        again = make()
        assert again.node.head() == head
        assert [again.read("eth_getBlockByNumber", hex(n), True) for n in range(head.number + 1)] == blocks
        raw = again.signed(to=target, data=word(99))
        assert again.seal(raw).head.number == head.number + 1

    # Blocks, transactions, receipts

    @pytest.fixture
    def busy(self, chain: Chain) -> Chain:
        """A chain with every kind of transaction, failed ones, logs of one to four topics, and data."""
        emitters = [chain.deploy(tx.emitter(n)) for n in range(5)]
        recorder = chain.deploy(tx.RECORDER)
        refusing = chain.deploy(tx.reverting(b""))
        nonce, chain_id = chain.nonce(), chain.spec.chain_id
        access = [{"address": hexed(recorder), "storageKeys": [hexed(word(5))]}]
        authority = tx.account(3)
        authorization = authority.sign_authorization({"chainId": chain_id, "address": recorder, "nonce": 0})
        fields = {"to": recorder, "data": word(6)}
        chain.seal(
            tx.legacy(chain.signer, nonce, chain_id, to=recorder, data=word(4)),
            tx.typed(chain.signer, 1, nonce + 1, chain_id, to=recorder, data=word(5), accessList=access),
            tx.typed(chain.signer, 2, nonce + 2, chain_id, **fields, accessList=access),
            tx.typed(chain.signer, 4, nonce + 3, chain_id, **fields, authorizationList=[authorization]),
            tx.legacy(chain.signer, nonce + 4, chain_id, to=refusing),
            tx.legacy(tx.account(9), 0, None, to=recorder, data=word(7)),  # before EIP-155
        )
        for round_ in range(3):
            chain.seal(
                *(
                    chain.signed(n, to=address, data=b"".join(word(100 + (k * round_) % 3) for k in range(5)))
                    for n, address in enumerate(emitters)
                )
            )
        return chain

    def blocks(self, chain: Chain) -> list[dict[str, Any]]:
        newest = integer(chain.read("eth_blockNumber"))
        return [chain.read("eth_getBlockByNumber", hex(n), True) for n in range(newest + 1)]

    def test_hashes_and_roots_recompute_from_json(self, busy: Chain) -> None:
        parent = bytes(32)
        kinds = set()
        for block in self.blocks(busy):
            receipts = busy.read("eth_getBlockReceipts", block["number"])
            assert raw_bytes(block["hash"]) == header_hash(block)
            assert raw_bytes(block["parentHash"]) == parent
            encodings = [transaction_encoding(transaction) for transaction in block["transactions"]]
            assert [hexed(keccak(raw)) for raw in encodings] == [t["hash"] for t in block["transactions"]]
            assert raw_bytes(block["transactionsRoot"]) == trie_root(encodings)
            assert raw_bytes(block["receiptsRoot"]) == trie_root([receipt_encoding(r) for r in receipts])
            logs = [log for receipt in receipts for log in receipt["logs"]]
            assert raw_bytes(block["logsBloom"]) == bloom(logs)
            assert [integer(log["logIndex"]) for log in logs] == list(range(len(logs)))
            gas = [integer(receipt["gasUsed"]) for receipt in receipts]
            assert list(itertools.accumulate(gas)) == [integer(r["cumulativeGasUsed"]) for r in receipts]
            assert integer(block["gasUsed"]) == sum(gas)
            for receipt in receipts:
                assert raw_bytes(receipt["logsBloom"]) == bloom(receipt["logs"])
            body = [rlp.encode(raw) if raw[0] < 0x80 else raw for raw in encodings]
            assert integer(block["size"]) == self.size(block, body)
            kinds |= {integer(transaction["type"]) for transaction in block["transactions"]}
            parent = raw_bytes(block["hash"])
        assert kinds == {0, 1, 2, 4}

    @staticmethod
    def size(block: dict[str, Any], transactions: list[bytes]) -> int:
        """Bytes of the block's RLP: the lists' headers by hand, so that nothing is encoded twice."""

        def listed(length: int) -> int:
            return length + (1 if length < 56 else 1 + (length.bit_length() + 7) // 8)

        header = 0
        for name in ("parentHash", "sha3Uncles", "stateRoot", "transactionsRoot", "receiptsRoot", "mixHash"):
            header += len(rlp.encode(raw_bytes(block[name])))
        for name in ("miner", "logsBloom", "extraData", "nonce", "withdrawalsRoot", "parentBeaconBlockRoot"):
            header += len(rlp.encode(raw_bytes(block[name])))
        header += len(rlp.encode(raw_bytes(block["requestsHash"])))
        for name in ("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"):
            header += len(rlp.encode(integer(block[name])))
        header += len(rlp.encode(integer(block["blobGasUsed"]))) * 2
        return listed(listed(header) + listed(sum(map(len, transactions))) + 1 + 1)

    def test_every_way_to_a_transaction_gives_the_same(self, busy: Chain) -> None:
        for block in self.blocks(busy):
            number, hash_ = block["number"], block["hash"]
            assert busy.read("eth_getBlockByHash", hash_, True) == block
            hashes = [transaction["hash"] for transaction in block["transactions"]]
            assert busy.read("eth_getBlockByHash", hash_, False) == block | {"transactions": hashes}
            count = hex(len(hashes))
            assert busy.read("eth_getBlockTransactionCountByNumber", number) == count
            assert busy.read("eth_getBlockTransactionCountByHash", hash_) == count
            receipts = busy.read("eth_getBlockReceipts", hash_)
            for index, transaction in enumerate(block["transactions"]):
                at = hex(index)
                assert transaction["transactionIndex"] == at
                assert (transaction["blockHash"], transaction["blockNumber"]) == (hash_, number)
                assert busy.read("eth_getTransactionByHash", transaction["hash"]) == transaction
                assert busy.read("eth_getTransactionByBlockNumberAndIndex", number, at) == transaction
                assert busy.read("eth_getTransactionByBlockHashAndIndex", hash_, at) == transaction
                receipt = busy.read("eth_getTransactionReceipt", transaction["hash"])
                assert receipt == receipts[index]
                assert (receipt["from"], receipt["to"]) == (transaction["from"], transaction["to"])

    def test_a_created_contract_is_named_in_its_receipt(self, chain: Chain) -> None:
        raw = chain.signed(data=tx.deploying(tx.RECORDER))
        chain.seal(raw)
        receipt = chain.read("eth_getTransactionReceipt", hexed(keccak(raw)))
        assert receipt["contractAddress"] == hexed(tx.contract_address(chain.sender, 0))
        assert receipt["to"] is None
        assert receipt["effectiveGasPrice"] == "0x0"

    def test_what_is_not_there_is_null(self, busy: Chain) -> None:
        absent = hexed(b"\x77" * 32)
        state_root = busy.read("eth_getBlockByNumber", "latest", False)["stateRoot"]
        for nothing in (absent, state_root):
            assert busy.read("eth_getBlockByHash", nothing, False) is None
            assert busy.read("eth_getTransactionByHash", nothing) is None
            assert busy.read("eth_getTransactionReceipt", nothing) is None
            assert busy.read("eth_getBlockTransactionCountByHash", nothing) is None
        assert busy.read("eth_getBlockByNumber", "0x989680", True) is None
        assert busy.read("eth_getBlockReceipts", "0x989680") is None
        assert busy.read("eth_getTransactionByBlockNumberAndIndex", "0x1", "0x989680") is None

    # Accounts and history

    def test_nonces_and_storage_are_kept_for_every_block(self, chain: Chain) -> None:
        target = chain.deploy(tx.RECORDER)
        for n in range(4):
            chain.seal(chain.signed(to=target, data=word(n)))
        for number in range(6):
            count = chain.read("eth_getTransactionCount", hexed(chain.sender), hex(number))
            assert integer(count) == number
            for slot in range(4):
                value = chain.read("eth_getStorageAt", hexed(target), hex(slot), hex(number))
                assert raw_bytes(value) == word(int(number >= slot + 2))
        by_hash = {"blockHash": chain.read("eth_getBlockByNumber", "0x1", False)["hash"]}
        assert chain.read("eth_getTransactionCount", hexed(chain.sender), by_hash) == "0x1"
        for tag in ("latest", "pending", "safe", "finalized"):
            assert chain.read("eth_getTransactionCount", hexed(chain.sender), tag) == "0x5"
        assert chain.read("eth_getCode", hexed(target), "earliest") == "0x"
        with pytest.raises(RpcError) as refused:
            chain.read("eth_getBalance", hexed(target), "0xffff")
        assert refused.value.code == -32000

    def test_proofs_hold_against_the_state_root_from_json_alone(self, engine: Engine, chain: Chain) -> None:
        """EIP-1186: account and slots, present and absent, in the newest block and in old ones."""
        if "eth_getProof" not in engine.reads:
            pytest.skip(f"{engine.slug} has no eth_getProof")
        recorder = chain.deploy(tx.RECORDER)
        chain.seal(*(chain.signed(n, to=recorder, data=word(n)) for n in range(20)))
        chain.seal(chain.signed(to=recorder, data=word(2**255)))
        absent = b"\x77" * 20
        slots = ["0x0", "0x13", hexed(word(2**255)), "0x14"]
        newest = chain.node.head().number
        for number in range(newest + 1):
            block = chain.read("eth_getBlockByNumber", hex(number), False)
            for address in (recorder, chain.sender, absent):
                proof = chain.read("eth_getProof", hexed(address), slots, hex(number))
                self.check_proof(proof, raw_bytes(block["stateRoot"]))
                assert raw_bytes(proof["address"]) == address
                assert proof["nonce"] == chain.read("eth_getTransactionCount", hexed(address), hex(number))
                assert proof["balance"] == chain.read("eth_getBalance", hexed(address), hex(number))
                code = raw_bytes(chain.read("eth_getCode", hexed(address), hex(number)))
                assert raw_bytes(proof["codeHash"]) == keccak(code)
                for slot, entry in zip(slots, proof["storageProof"], strict=True):
                    value = chain.read("eth_getStorageAt", hexed(address), slot, hex(number))
                    assert (entry["key"], integer(entry["value"])) == (slot, int(value, 16))
        values = [
            integer(entry["value"])
            for entry in chain.read("eth_getProof", hexed(recorder), slots)["storageProof"]
        ]
        assert values == [1, 1, 1, 0]

    @staticmethod
    def check_proof(proof: dict[str, Any], state_root: bytes) -> None:
        def proved(root: bytes, key: bytes, nodes: list[str]) -> bytes:
            if root == keccak(rlp.encode(b"")):  # the empty trie
                assert nodes == []
                return b""
            found = HexaryTrie.get_from_proof(
                root, keccak(key), [rlp.decode(raw_bytes(node)) for node in nodes]
            )
            return bytes(found)

        account = proved(state_root, raw_bytes(proof["address"]), proof["accountProof"])
        fields = [integer(proof["nonce"]), integer(proof["balance"])]
        hashes = [raw_bytes(proof["storageHash"]), raw_bytes(proof["codeHash"])]
        if account:
            assert account == rlp.encode([*fields, *hashes])
        else:
            assert [*fields, *hashes] == [0, 0, keccak(rlp.encode(b"")), keccak(b"")]
        for entry in proof["storageProof"]:
            slot = word(int(entry["key"], 16))
            value = integer(entry["value"])
            assert proved(hashes[0], slot, entry["proof"]) == (rlp.encode(value) if value else b"")

    # Logs

    def test_log_filters_agree_with_brute_force(self, busy: Chain) -> None:
        blocks = self.blocks(busy)
        everything = [
            log
            for block in blocks
            for receipt in busy.read("eth_getBlockReceipts", block["number"])
            for log in receipt["logs"]
        ]
        assert len(everything) > 15
        newest = len(blocks) - 1
        addresses = sorted({log["address"] for log in everything})
        values = [hexed(word(n)) for n in (100, 101, 102)]
        choices: list[Any] = [None, values[0], values[:2], [], [None, values[1]]]
        filters = [
            {"topics": list(topics)} for n in range(5) for topics in itertools.product(choices[:3], repeat=n)
        ]
        filters += [{"topics": [a, b]} for a in choices for b in choices]
        filters += [
            {"address": address} for address in [*addresses, addresses[:2], [], None, "0x" + "11" * 20]
        ]
        filters += [{"address": addresses[1:4], "topics": [values[0], None]}]
        for n, members in enumerate(filters):
            span = [(0, newest), (newest - 1, newest), (newest, newest)][n % 3]
            got = busy.read("eth_getLogs", {"fromBlock": hex(span[0]), "toBlock": hex(span[1]), **members})
            assert got == [log for log in everything if self.matches(log, span, members)], members
        last = blocks[-1]
        assert busy.read("eth_getLogs", {"blockHash": last["hash"]}) == [
            log for log in everything if log["blockHash"] == last["hash"]
        ]
        assert busy.read("eth_getLogs", {}) == busy.read("eth_getLogs", {"blockHash": last["hash"]})
        assert busy.read("eth_getLogs", {"fromBlock": "earliest"}) == everything

    @staticmethod
    def matches(log: dict[str, Any], span: tuple[int, int], members: dict[str, Any]) -> bool:
        """eth_getLogs as specified: null or an empty list is any topic, but the log must have one there."""
        if not span[0] <= integer(log["blockNumber"]) <= span[1]:
            return False
        addresses = members.get("address") or []
        if addresses and log["address"] not in addresses:  # a string holds itself
            return False
        positions = members.get("topics") or []
        if len(positions) > len(log["topics"]):
            return False
        for allowed, topic in zip(positions, log["topics"], strict=False):
            options = [allowed] if isinstance(allowed, str) else allowed or []
            if options and None not in options and topic not in options:
                return False
        return True

    # Calls

    def test_a_revert_says_its_reason(self, chain: Chain) -> None:
        reason = bytes.fromhex("08c379a0") + abi_encode(["string"], ["no hi ha permís"])
        panic = bytes.fromhex("4e487b71") + abi_encode(["uint256"], [0x11])
        custom = bytes.fromhex("deadbeef") + word(1)
        for output, message in (
            (reason, "execution reverted: no hi ha permís"),
            (panic, "execution reverted: panic code 0x11"),
            (custom, "execution reverted"),
            (b"", "execution reverted"),
            (reason[:50], "execution reverted"),
        ):
            target = chain.deploy(tx.reverting(output))
            for method in ("eth_call", "eth_estimateGas"):
                with pytest.raises(RpcError) as reverted:
                    chain.read(method, {"to": hexed(target)}, "latest")
                assert (reverted.value.code, reverted.value.message) == (3, message)
                assert reverted.value.data == hexed(output)

    def test_a_reverted_transaction_is_mined_as_failed(self, chain: Chain) -> None:
        raw = chain.signed(to=chain.deploy(tx.reverting(b"")))
        assert chain.seal(raw).included == (keccak(raw),)
        receipt = chain.read("eth_getTransactionReceipt", hexed(keccak(raw)))
        assert (receipt["status"], receipt["logs"]) == ("0x0", [])

    def test_other_halts_are_not_reverts(self, chain: Chain) -> None:
        with pytest.raises(RpcError, match="invalid opcode") as halted:
            chain.call(chain.deploy(tx.INVALID))
        assert halted.value.code == -32000
        with pytest.raises(RpcError, match="out of gas"):
            chain.call(chain.deploy(tx.ENDLESS), gas=hex(100_000))
        with pytest.raises(RpcError) as poor:
            chain.call(b"\x01" * 20, value="0x1")
        assert poor.value.code == -32004
        with pytest.raises(RpcError) as short:
            chain.call(b"\x01" * 20, gas="0x5000")
        assert short.value.code == -32003

    def test_a_call_changes_nothing(self, chain: Chain) -> None:
        target = chain.deploy(tx.RECORDER)
        head = chain.node.head()
        assert chain.call(target, word(1), gasPrice="0x0") == "0x"
        assert raw_bytes(chain.read("eth_getStorageAt", hexed(target), "0x1", "latest")) == word(0)
        assert chain.node.head() == head

    def test_deep_recursion_ends(self, chain: Chain) -> None:
        assert chain.call(chain.deploy(tx.RECURSIVE)) == "0x"

    def test_an_estimate_is_enough_and_not_much_more(self, chain: Chain) -> None:
        recorder = chain.deploy(tx.RECORDER)
        cases: list[tuple[bytes, bytes]] = [
            (b"\x42" * 20, b""),
            (b"\x42" * 20, b"x" * 300),  # the data floor of EIP-7623
            (recorder, word(1)),
            (b"", tx.deploying(tx.RECORDER)),
            (chain.deploy(tx.emitter(2)), word(1) * 9),
        ]
        for to, data in cases:
            members = {"from": hexed(chain.sender), "data": hexed(data)} | ({"to": hexed(to)} if to else {})
            estimate = integer(chain.read("eth_estimateGas", members))
            raw = chain.signed(to=to, data=data, gas=estimate)
            assert chain.seal(raw).included == (keccak(raw),)
            receipt = chain.read("eth_getTransactionReceipt", hexed(keccak(raw)))
            assert receipt["status"] == "0x1"
            assert integer(receipt["gasUsed"]) <= estimate <= integer(receipt["gasUsed"]) * 1.05

    def test_gas_above_the_cap_is_cut_to_it(self, chain: Chain) -> None:
        gas_left = bytes.fromhex("5a5f5260205ff3")
        answer = int(chain.call(chain.deploy(gas_left), gas=hex(2**40)), 16)
        assert TRANSACTION_GAS_CAP - 30_000 < answer < TRANSACTION_GAS_CAP

    # Parameters

    def test_wrong_parameters_are_named(self, engine: Engine, chain: Chain) -> None:
        for method, params in WRONG_PARAMETERS:
            if method not in engine.reads:
                continue
            with pytest.raises(RpcError, match=r"Invalid params: .*expected .*got ") as refused:
                chain.read(method, *params)
            assert refused.value.code == -32602, (method, params)

    def test_methods_are_an_allow_list(self, engine: Engine, chain: Chain) -> None:
        assert "eth_sendRawTransaction" not in engine.reads
        for method in ("eth_sendRawTransaction", "evm_mine", "debug_traceTransaction", "ETH_CALL", ""):
            with pytest.raises(RpcError) as refused:
                chain.read(method)
            assert refused.value.code == -32601

    def test_fee_history(self, busy: Chain) -> None:
        newest = integer(busy.read("eth_blockNumber"))
        history = busy.read("eth_feeHistory", "0x3", "latest", [10, 50.5])
        blocks = [busy.read("eth_getBlockByNumber", hex(n), False) for n in range(newest - 2, newest + 1)]
        assert history["oldestBlock"] == hex(newest - 2)
        assert history["baseFeePerGas"] == ["0x0"] * 4
        assert history["gasUsedRatio"] == [
            integer(block["gasUsed"]) / integer(block["gasLimit"]) for block in blocks
        ]
        assert history["reward"] == [["0x0", "0x0"]] * 3
        assert busy.read("eth_feeHistory", "0xffff", "0x1")["oldestBlock"] == "0x0"
        assert busy.read("eth_syncing") is False

    # Endless work and several threads

    def test_a_loop_ends_at_the_gas_cap(self, chain: Chain) -> None:
        target = chain.deploy(tx.ENDLESS)
        call = {"to": hexed(target), "gas": hex(2**63)}
        with pytest.raises(RpcError, match="out of gas"):
            chain.node.read(
                "eth_call", [call, "latest"], time_limit=180
            )  # seconds of work on an idle machine

    def test_a_loop_at_its_time_limit_holds_up_nobody_else(self, make: Any) -> None:
        looping, other = make("looping"), make("other")
        target = looping.deploy(tx.ENDLESS)
        # whoever waited for the loop would find it ended each time; a slow machine may need longer than five seconds
        assert any(
            self.goes_on_beside(looping, other, target, nonce, limit)
            for nonce, limit in enumerate((5.0, 15.0, 45.0))
        )

    def goes_on_beside(self, looping: Chain, other: Chain, target: bytes, nonce: int, limit: float) -> bool:
        """Whether the loop was still going, within its limit, when another chain's work and its own sealing were done."""
        outcome: list[Any] = []

        def loop() -> None:
            try:
                outcome.append(looping.node.read("eth_call", [{"to": hexed(target)}], time_limit=limit))
            except Exception as error:
                outcome.append(error)

        thread = threading.Thread(target=loop)
        thread.start()
        time.sleep(0.2)
        assert other.read("eth_blockNumber") == hex(nonce)
        assert other.seal(other.signed(to=target)).head.number == nonce + 1
        raw = tx.legacy(tx.account(5), nonce, looping.spec.chain_id, to=b"\x05" * 20)
        assert looping.seal(raw).included == (keccak(raw),)  # its own sealing neither
        going_on = thread.is_alive()
        thread.join()
        # An engine that reaches the gas cap within the limit says so instead.
        out_of_gas = "out of gas" in str(outcome[0])
        assert isinstance(outcome[0], EngineTimeout) or out_of_gas
        assert looping.read("eth_blockNumber") == hex(nonce + 2)  # and it reads again
        return going_on or out_of_gas

    def test_two_threads_read_at_once(self, busy: Chain) -> None:
        expected = self.blocks(busy)
        failures: list[BaseException] = []

        def work() -> None:
            try:
                for _ in range(5):
                    assert self.blocks(busy) == expected
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures

    def test_reads_see_each_block_as_soon_as_it_is_sealed(self, chain: Chain) -> None:
        for number in range(1, 6):
            raw = chain.signed(to=b"\x01" * 20)
            assert chain.seal(raw).head.number == number
            assert chain.read("eth_blockNumber") == hex(number)
            assert chain.read("eth_getTransactionReceipt", hexed(keccak(raw)))["blockNumber"] == hex(number)
