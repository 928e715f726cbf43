"""The anvil engine's own promises: the journal is the truth, dumps are a cache, no process outlives the service."""

from __future__ import annotations

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils import keccak

from sandbox.chain_file import DATABASE
from sandbox.engines import CREATES_INSIDE, Cloning, Digesting, Head, Rewinding, Sealed
from sandbox.engines._anvil import node as node_module
from sandbox.engines._anvil.making import BLOCK_GAS
from sandbox.engines._anvil.node import AnvilNode
from sandbox.engines._anvil.runner import STATES_KEPT
from sandbox.engines.anvil import ENGINE
from sandbox.errors import (
    ChainNotFound,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    RpcError,
    SpecError,
)
from sandbox.spec import TRANSACTION_GAS_CAP, ChainSpec, Parent
from tests import transactions as tx

pytestmark = pytest.mark.anvil

SPEC = ChainSpec(chain_id=990_003, genesis_time=1_767_225_600, engine="anvil")
SENDER = tx.account()
BEYOND = b"\x42" * 20
LIMIT = 30.0
#: Keeps BLOCKHASH(CALLDATALOAD(0)) in the slot of that number.
HASH_KEEPER = bytes.fromhex("5f35405f355500")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    ENGINE.create(tmp_path, SPEC)
    return tmp_path


@pytest.fixture
def node(directory: Path) -> Iterator[AnvilNode]:
    node = ENGINE.open(directory, SPEC)
    yield node
    node.close()


def send(nonce: int, **fields: Any) -> bytes:
    return tx.legacy(SENDER, nonce, SPEC.chain_id, **{"to": BEYOND, **fields})


def seal(node: AnvilNode, *raws: bytes, time_limit: float = LIMIT, **options: Any) -> Sealed:
    return node.seal(raws, node.head().timestamp + 1, time_limit=time_limit, **options)


def read(node: AnvilNode, method: str, *params: Any) -> Any:
    return node.read(method, params, time_limit=LIMIT)


def deploy(node: AnvilNode, runtime: bytes, nonce: int = 0) -> bytes:
    seal(node, send(nonce, to=b"", data=tx.deploying(runtime)))
    return tx.contract_address(tx.address_of(SENDER), nonce)


def blocks(node: AnvilNode) -> list[Any]:
    return [read(node, "eth_getBlockByNumber", hex(n), True) for n in range(node.head().number + 1)]


def state(pid: int) -> str:
    """What Linux says that the process does: R, S, T (stopped), Z (ended); empty when it is not there any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def becomes(pid: int, states: str, seconds: float = 60.0) -> bool:
    """Whether it gets into one of these states, or ends altogether, within that time."""
    deadline = time.monotonic() + seconds
    while state(pid) not in (*states, ""):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.005)
    return True


def gone(pid: int, seconds: float = 60.0) -> bool:
    """Whether the process ends within that time (a zombie has ended)."""
    return becomes(pid, "Z", seconds)


def dumps(directory: Path) -> list[int]:
    return sorted(int(path.name[6:18]) for path in directory.glob("state-*.gz"))


def busy(node: AnvilNode, first_nonce: int, count: int) -> None:
    """Blocks that call a contract which keeps the hashes of earlier blocks, so that nothing of them may be lost."""
    keeper = tx.contract_address(tx.address_of(SENDER), 0)
    for nonce in range(first_nonce, first_nonce + count):
        word = (max(0, node.head().number - 3)).to_bytes(32, "big")
        assert seal(node, send(nonce, to=keeper, data=word)).included


# The journal and its cache


def test_block_zero_commits_to_the_spec_and_to_its_state(directory: Path, tmp_path: Path) -> None:
    node = ENGINE.open(directory, SPEC)
    genesis = read(node, "eth_getBlockByNumber", "0x0", False)
    node.close()
    assert len(genesis["extraData"]) == 66
    other = tmp_path / "other"
    other.mkdir()
    richer = ChainSpec(SPEC.chain_id, SPEC.genesis_time, "anvil", alloc=(("0x" + "11" * 20, 5),))
    ENGINE.create(other, richer)
    node = ENGINE.open(other, richer)
    assert read(node, "eth_getBlockByNumber", "0x0", False)["stateRoot"] != genesis["stateRoot"]
    assert read(node, "eth_getBalance", "0x" + "11" * 20) == "0x5"
    node.close()
    with pytest.raises(SpecError, match="was not made from this spec"):
        ENGINE.open(other, SPEC)


def test_the_same_hashes_come_back_from_dumps_and_without_them(directory: Path) -> None:
    node = ENGINE.open(directory, SPEC)
    keeper = deploy(node, HASH_KEEPER)
    busy(node, 1, 6)
    for nonce in (7, 10):
        expected, digest = blocks(node), node.state_digest(time_limit=LIMIT)
        node.close()
        node = ENGINE.open(directory, SPEC)
        assert (blocks(node), node.state_digest(time_limit=LIMIT)) == (expected, digest)
        busy(node, nonce, 3)  # BLOCKHASH of blocks from before the dump
    for number in range(node.head().number - 4):
        kept = read(node, "eth_getStorageAt", "0x" + keeper.hex(), hex(number))
        assert kept == read(node, "eth_getBlockByNumber", hex(number), False)["hash"]
    expected = blocks(node)
    node.close()
    assert dumps(directory) == [10, 13]
    for path in directory.glob("state-*"):
        path.unlink()
    node = ENGINE.open(directory, SPEC)
    assert blocks(node) == expected
    node.close()


def test_a_killed_process_is_made_again_with_the_same_blocks(node: AnvilNode) -> None:
    deploy(node, HASH_KEEPER)
    busy(node, 1, 5)
    expected = blocks(node)
    old = node.processes["anvil"]
    os.kill(old, signal.SIGKILL)
    assert gone(old)
    assert blocks(node) == expected
    assert node.processes["anvil"] != old
    busy(node, 6, 2)


@pytest.mark.parametrize("damage", ["torn", "garbage", "other state", "no state", "unpackable"])
def test_a_dump_that_does_not_hold_is_passed_over(directory: Path, damage: str) -> None:
    node = ENGINE.open(directory, SPEC)
    deploy(node, HASH_KEEPER)
    busy(node, 1, 4)
    node.close()
    node = ENGINE.open(directory, SPEC)
    busy(node, 5, 2)
    expected = blocks(node)
    node.close()
    assert dumps(directory) == [5, 7]
    newest = directory / "state-000000000007.gz"
    whole = newest.read_bytes()
    state = json.loads(gzip.decompress(whole))
    state["accounts"][next(iter(state["accounts"]))]["balance"] = "0x7"
    newest.write_bytes(
        {
            "torn": whole[: len(whole) // 2],
            "garbage": b"\x00" * 100,
            "other state": gzip.compress(json.dumps(state).encode()),
            "no state": gzip.compress(b"{}"),
            "unpackable": b"",
        }[damage]
    )
    node = ENGINE.open(directory, SPEC)
    assert blocks(node) == expected
    assert dumps(directory) == [5]
    node.close()
    assert dumps(directory) == [5, 7]
    assert not list(directory.glob("*.json"))


def test_another_anvil_is_refused_with_what_to_do(directory: Path) -> None:
    with sqlite3.connect(directory / DATABASE) as db:
        db.execute("UPDATE anvil_blocks SET version = '1.6.0-0123456789ab'")
    db.close()
    with pytest.raises(EngineError, match=r"made by anvil 1\.6\.0-0123456789ab.*set BAAS_ANVIL"):
        ENGINE.open(directory, SPEC)


def test_a_changed_journal_is_refused(directory: Path) -> None:
    node = ENGINE.open(directory, SPEC)
    seal(node, send(0), send(1))
    seal(node, send(2))
    node.close()
    for path in directory.glob("state-*"):
        path.unlink()
    with sqlite3.connect(directory / DATABASE) as db:
        db.execute("UPDATE anvil_blocks SET timestamp = timestamp + 1 WHERE number = 2")
    db.close()
    with pytest.raises(EngineError, match=r"cannot be made again from its journal: block 2 got another hash"):
        ENGINE.open(directory, SPEC)


def test_dumps_are_made_now_and_then_and_two_are_kept(
    node: AnvilNode, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_module, "DUMP_BLOCKS", 3)
    for nonce in range(10):
        seal(node, send(nonce))
    assert dumps(directory) == [6, 9]
    monkeypatch.setattr(node_module, "DUMP_TRANSACTIONS", 4)
    seal(node, *(send(nonce) for nonce in range(10, 14)))
    assert dumps(directory) == [9, 11]
    monkeypatch.setattr(node_module, "DUMP_GAS", 100_000)
    seal(node, send(14, to=b"", data=b"\xfe"))
    assert dumps(directory) == [11, 12]


def test_a_block_that_is_not_on_disk_is_shown_to_nobody(
    node: AnvilNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(node, send(0))
    before, pid = node.head(), node.processes["anvil"]
    seen: list[Any] = []

    def fail(*_: Any) -> None:
        raw = send(1)
        seen.append(read(node, "eth_blockNumber"))
        seen.append(read(node, "eth_getBlockByNumber", "0x2", False))
        seen.append(read(node, "eth_getTransactionReceipt", "0x" + keccak(raw).hex()))
        with pytest.raises(EngineBusy, match="busy with its newest block"):
            node.read("eth_getBalance", ["0x" + "11" * 20], time_limit=0.05)
        raise sqlite3.OperationalError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(node._blocks, "append", fail)
        with pytest.raises(sqlite3.OperationalError):
            seal(node, send(1))
    assert seen == ["0x1", None, None]
    assert gone(pid)
    assert node.head() == before
    assert seal(node, send(1)).head.number == 2


# Limits


def test_a_hanging_process_is_killed_and_replaced(node: AnvilNode) -> None:
    seal(node, send(0))
    for call in (
        lambda: node.read("eth_getBalance", ["0x" + "11" * 20], time_limit=0.3),
        lambda: seal(node, send(1), time_limit=0.3),
    ):
        pid = node.processes["anvil"]
        os.kill(pid, signal.SIGSTOP)
        assert becomes(pid, "T")
        with pytest.raises(EngineTimeout, match=r"did not answer within 0.3 s and was killed"):
            call()
        assert gone(pid)
        assert read(node, "eth_blockNumber") == "0x1"
    assert seal(node, send(1)).head.number == 2


def test_a_heavy_block_is_cut_and_the_rest_waits(node: AnvilNode) -> None:
    waiting = [send(nonce, to=b"", data=b"\xfe", gas=TRANSACTION_GAS_CAP) for nonce in range(12)]
    included: list[bytes] = []
    while len(included) < 12:
        sealed = seal(node, *waiting[len(included) :])
        assert sealed.included
        assert sealed.dropped == ()
        included += sealed.included
        block = read(node, "eth_getBlockByNumber", "latest", False)
        assert int(block["gasUsed"], 16) <= BLOCK_GAS + TRANSACTION_GAS_CAP
    assert included == [keccak(raw) for raw in waiting]


def test_many_who_may_not_create_end_in_their_reasons(node: AnvilNode) -> None:
    factory = deploy(node, tx.FACTORY)
    forbidden = [tx.legacy(tx.account(n), 0, SPEC.chain_id, to=factory) for n in range(2, 22)]
    good = [send(nonce) for nonce in range(1, 21)]
    waiting = [raw for pair in zip(forbidden, good, strict=True) for raw in pair]
    dropped: dict[bytes, str] = {}
    included: list[bytes] = []
    while waiting:
        sealed = seal(node, *waiting, may_create=frozenset())
        assert sealed.included or sealed.dropped
        dropped |= dict(sealed.dropped)
        included += sealed.included
        waiting = [raw for raw in waiting if keccak(raw) not in {*dropped, *included}]
    assert included == [keccak(raw) for raw in good]
    assert set(dropped) == {keccak(raw) for raw in forbidden}
    assert all(reason.startswith(CREATES_INSIDE) for reason in dropped.values())


def test_states_older_than_the_window_are_refused_clearly(node: AnvilNode) -> None:
    address = "0x" + tx.address_of(SENDER).hex()
    for nonce in range(STATES_KEPT + 3):
        seal(node, send(nonce))
    assert read(node, "eth_getTransactionCount", address, hex(STATES_KEPT)) == hex(STATES_KEPT)
    for method, params in (("eth_getTransactionCount", [address]), ("eth_call", [{"to": address}])):
        with pytest.raises(RpcError, match=r"not held any more.*last 256 blocks") as refused:
            read(node, method, *params, "0x1")
        assert refused.value.code == -32000
    assert read(node, "eth_getBlockByNumber", "0x1", False)["number"] == "0x1"


def test_who_comes_while_it_is_recovered_is_told_so_and_loses_nothing(
    node: AnvilNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(node, send(0))
    go_on, recover = threading.Event(), node._runner.recover

    def slowly(*arguments: Any, **options: Any) -> Any:
        go_on.wait(30)
        return recover(*arguments, **options)

    monkeypatch.setattr(node._runner, "recover", slowly)
    assert node._process is not None
    node._process.stop()
    for call in (
        lambda: seal(node, send(1), time_limit=0.1),
        lambda: node.read("eth_getBalance", ["0x" + "11" * 20], time_limit=0.1),
    ):
        with pytest.raises(EngineBusy, match=r"being recovered: block 0 of 1; call again"):
            call()
    go_on.set()
    assert seal(node, send(1)).head.number == 2


# Going back, and beginning anew from a state


def test_it_has_the_capabilities(node: AnvilNode) -> None:
    assert isinstance(node, Rewinding)
    assert isinstance(node, Digesting)
    assert isinstance(ENGINE, Cloning)


@pytest.mark.parametrize("back", ["a step", "a new process"])
def test_going_back_abandons_blocks_and_keeps_them_aside(
    node: AnvilNode, directory: Path, monkeypatch: pytest.MonkeyPatch, back: str
) -> None:
    if back == "a new process":
        monkeypatch.setattr(node_module, "STATES_KEPT", 1)
    deploy(node, HASH_KEEPER)
    busy(node, 1, 2)
    target, digest, kept = node.head(), node.state_digest(time_limit=LIMIT), blocks(node)
    pid = node.processes["anvil"]
    busy(node, 3, 3)
    lost = blocks(node)[-1]
    with pytest.raises(EngineError, match="there is no block 99"):
        node.rewind(99, time_limit=LIMIT)
    assert node.rewind(target.number, time_limit=LIMIT) == target
    assert blocks(node) == kept
    assert node.state_digest(time_limit=LIMIT) == digest
    assert (node.processes["anvil"] == pid) == (back == "a step")
    assert read(node, "eth_getBlockByHash", lost["hash"], False) is None
    assert read(node, "eth_getTransactionReceipt", lost["transactions"][0]["hash"]) is None
    other = send(3, data=b"another branch")
    assert seal(node, other).included == (keccak(other),)
    assert blocks(node)[-1]["hash"] != lost["hash"]
    expected = blocks(node)
    node.close()
    again = ENGINE.open(directory, SPEC)
    assert blocks(again) == expected
    again.close()
    with sqlite3.connect(directory / DATABASE) as db:
        rows = db.execute("SELECT number, hash, header FROM abandoned_blocks ORDER BY number").fetchall()
        receipts = db.execute("SELECT receipt FROM abandoned_transactions").fetchall()
    db.close()
    assert [row[0] for row in rows] == [4, 5, 6]
    assert "0x" + rows[-1][1].hex() == json.loads(rows[-1][2])["hash"] == lost["hash"]
    assert len(receipts) == 3


@pytest.mark.parametrize("number", [2, 4])
def test_a_clone_begins_with_the_state_of_a_block(directory: Path, tmp_path: Path, number: int) -> None:
    node = ENGINE.open(directory, SPEC)
    keeper = deploy(node, HASH_KEEPER)
    busy(node, 1, 1)
    digests = {2: node.state_digest(time_limit=LIMIT)}
    busy(node, 2, 2)
    digests[4] = node.state_digest(time_limit=LIMIT)
    block = read(node, "eth_getBlockByNumber", hex(number), False)
    node.close()
    parent = Parent(SPEC.chain_id, number, block["hash"], block["stateRoot"])
    spec = ChainSpec(990_004, SPEC.genesis_time + 60, "anvil", parent=parent)
    (target := tmp_path / "second").mkdir()
    genesis = ENGINE.clone(directory, SPEC, number, target, spec)
    clone = ENGINE.open(target, spec)
    assert clone.head() == Head(0, genesis, SPEC.genesis_time + 60)
    assert clone.state_digest(time_limit=LIMIT) == digests[number]
    assert read(clone, "eth_getBlockByNumber", "0x0", False)["stateRoot"] == block["stateRoot"]
    assert read(clone, "eth_getCode", "0x" + keeper.hex()) == "0x" + HASH_KEEPER.hex()
    raw = tx.legacy(SENDER, number, spec.chain_id, to=keeper, data=bytes(32))
    assert clone.seal([raw], SPEC.genesis_time + 61, time_limit=LIMIT).included == (keccak(raw),)
    clone.close()
    wrong = ChainSpec(
        990_005, 1, "anvil", parent=Parent(SPEC.chain_id, number, block["hash"], "0x" + "00" * 32)
    )
    (refused := tmp_path / "refused").mkdir()
    with pytest.raises(EngineError, match="has the state root"):
        ENGINE.clone(directory, SPEC, number, refused, wrong)
    with pytest.raises(EngineError, match="there is no block 77"):
        ENGINE.clone(directory, SPEC, 77, refused, wrong)
    assert list(refused.iterdir()) == []
    assert not list(directory.glob("clone*"))


# Processes


def test_closing_leaves_no_process_and_only_the_chain_s_files(directory: Path) -> None:
    node = ENGINE.open(directory, SPEC)
    seal(node, send(0))
    pid = node.processes["anvil"]
    outcome: list[Any] = []

    def watch() -> None:
        try:
            while True:
                read(node, "eth_getBalance", "0x" + "11" * 20)
        except EngineError as error:
            outcome.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    node.close()
    thread.join()
    assert gone(pid)
    assert isinstance(outcome[0], EngineUnavailable)
    node.close()
    for call in (lambda: read(node, "eth_blockNumber"), lambda: seal(node, send(1))):
        with pytest.raises(EngineUnavailable, match="closed"):
            call()
    names = {path.name for path in directory.iterdir()}
    assert names == {DATABASE, "anvil.log", "state-000000000001.gz"}


def test_a_start_that_fails_says_why_and_leaves_nothing(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sandbox.engines._anvil import binary

    shown = subprocess.run(
        [str(binary.find().path), "--version"], capture_output=True, text=True, check=True
    ).stdout
    fake = tmp_path / "fake-anvil"
    fake.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then cat <<E\n{shown}E\nexit 0; fi\necho no luck today; exit 3\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("BAAS_ANVIL", str(fake))
    with pytest.raises(EngineUnavailable, match=r"could not be started \(exit status 3\)") as failed:
        ENGINE.open(directory, SPEC)
    assert "no luck today" in failed.value.last_messages
    (empty := tmp_path / "new").mkdir()
    with pytest.raises(EngineUnavailable, match="no luck today"):
        ENGINE.create(empty, SPEC)
    assert list(empty.iterdir()) == []
    monkeypatch.delenv("BAAS_ANVIL")
    ENGINE.open(directory, SPEC).close()


def test_a_process_started_in_a_thread_that_ends_lives_on(directory: Path) -> None:
    opened: list[AnvilNode] = []
    thread = threading.Thread(target=lambda: opened.append(ENGINE.open(directory, SPEC)))
    thread.start()
    thread.join()
    (node,) = opened
    pid = node.processes["anvil"]
    assert seal(node, send(0)).head.number == 1
    assert node.processes["anvil"] == pid
    node.close()


_SERVICE = """
import sys, time
from pathlib import Path
from sandbox.engines.anvil import ENGINE
from sandbox.spec import ChainSpec
node = ENGINE.open(Path(sys.argv[1]), ChainSpec.from_json(sys.argv[2]))
print(node.processes["anvil"], flush=True)
time.sleep(600)
"""


def test_it_dies_with_the_service(directory: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVICE, str(directory), SPEC.to_json()],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as service:
        assert service.stdout is not None
        pid = int(service.stdout.readline())
        assert not gone(pid, 0.05)
        service.kill()
    assert gone(pid)


def test_what_is_no_chain_on_anvil_is_not_opened(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(ChainNotFound, match="create it first"):
        ENGINE.open(tmp_path / "nowhere", SPEC)
    with pytest.raises(EngineError, match="already"):
        ENGINE.create(directory, SPEC)
    with pytest.raises(SpecError, match="the engine 'anvil', the spec names 'embedded'"):
        ENGINE.open(directory, ChainSpec(SPEC.chain_id, SPEC.genesis_time))
    (empty := tmp_path / "london").mkdir()
    with pytest.raises(SpecError, match="hardfork 'prague', got 'london'"):
        ENGINE.create(empty, ChainSpec(1, 1, "anvil", hardfork="london"))


def test_readers_never_see_a_block_that_is_taken_back(node: AnvilNode) -> None:
    """While blocks are made, undone and made again, every reader sees the journal's blocks, each with its state."""
    factory, sender = deploy(node, tx.FACTORY), "0x" + tx.address_of(SENDER).hex()
    failures: list[BaseException] = []
    done = threading.Event()

    def watch() -> None:
        newest = 0
        try:
            while not done.is_set():
                number = int(read(node, "eth_blockNumber"), 16)
                assert number >= newest
                newest = number
                count = read(node, "eth_getTransactionCount", sender, hex(number))
                assert int(count, 16) == number  # one transaction of the sender's in each block
                assert read(node, "eth_getBlockByNumber", hex(number), False)["number"] == hex(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=watch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(30):
        forbidden = tx.legacy(tx.account(2), 0, SPEC.chain_id, to=factory, data=bytes([n]))
        sealed = seal(node, forbidden, send(n + 1), may_create=frozenset())
        assert sealed.included == (keccak(send(n + 1)),)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
