"""The embedded engine's own promises: its file, its limits, its crashes; its processes are in test_pool."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import rlp
from eth.constants import SECPK1_N
from eth_utils import keccak

from sandbox.engines.embedded import ENGINE, FILE_NAME, READS, EmbeddedNode, reads
from sandbox.engines.embedded.chain import Chain as EvmChain
from sandbox.engines.embedded.pool import pools
from sandbox.engines.embedded.processes import Launcher
from sandbox.engines.embedded.store import LogRow, Store
from sandbox.errors import ChainNotFound, EngineError, EngineTimeout, EngineUnavailable, RpcError, SpecError
from sandbox.spec import TRANSACTION_GAS_CAP, ChainSpec
from tests import transactions as tx

SPEC = ChainSpec(chain_id=990_002, genesis_time=1_767_225_600)
SENDER = tx.account()
BEYOND = b"\x42" * 20


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    ENGINE.create(tmp_path, SPEC)
    return tmp_path


@pytest.fixture
def node(directory: Path) -> Iterator[EmbeddedNode]:
    node = ENGINE.open(directory, SPEC)
    yield node
    node.close()


def send(nonce: int, **fields: object) -> bytes:
    return tx.legacy(SENDER, nonce, SPEC.chain_id, **{"to": BEYOND, **fields})  # type: ignore[arg-type]


def seal(node: EmbeddedNode, *raws: bytes, time_limit: float = 30.0):
    return node.seal(raws, node.head().timestamp + 1, time_limit=time_limit)


def deploy(node: EmbeddedNode, runtime: bytes, nonce: int = 0) -> bytes:
    seal(node, send(nonce, to=b"", data=tx.deploying(runtime)))
    return tx.contract_address(tx.address_of(SENDER), nonce)


def gone(pid: int, seconds: float = 60.0) -> bool:
    """Whether the process ends within that time (a zombie has ended); with no time, whether it has."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):  # reaped, before or while it was read
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)


def sealer_of(node: EmbeddedNode) -> int:
    """Process id of the one sealer that has the chain open."""
    (pid,) = pools().sealers.holders(node.chain)
    return pid


# The engine


def test_the_service_never_loads_py_evm_and_eth_account_only_when_it_uses_a_key() -> None:
    code = (
        "import sys, sandbox.chain, sandbox.engines as e; e.engines(); "
        "sys.exit(any(m.split('.')[0] in ('eth', 'eth_account', 'py_ecc') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_methods_named_are_the_methods_answered() -> None:
    assert frozenset(reads.METHODS) == READS == ENGINE.reads


def test_a_chain_is_created_once(directory: Path) -> None:
    before = (directory / FILE_NAME).read_bytes()
    with pytest.raises(EngineError, match="already"):
        ENGINE.create(directory, SPEC)
    assert (directory / FILE_NAME).read_bytes() == before


def test_nothing_is_left_of_a_chain_that_cannot_be_created(tmp_path: Path) -> None:
    for spec, reason in (
        (ChainSpec(1, 1, hardfork="osaka"), "prague.*osaka"),
        (ChainSpec(1, 1, engine="other"), "'embedded'.*'other'"),
    ):
        with pytest.raises(SpecError, match=reason):
            ENGINE.create(tmp_path, spec)
    with pytest.raises(EngineError):
        ENGINE.create(tmp_path / "absent", SPEC)
    assert list(tmp_path.iterdir()) == []


def test_a_chain_opens_only_with_its_own_spec(directory: Path) -> None:
    with pytest.raises(SpecError, match="not made from this spec"):
        ENGINE.open(directory, ChainSpec(SPEC.chain_id + 1, SPEC.genesis_time))
    with pytest.raises(ChainNotFound):
        ENGINE.open(directory / "elsewhere", SPEC)


def test_a_damaged_file_is_refused_with_its_reason(directory: Path) -> None:
    (directory / FILE_NAME).write_bytes(b"not a database" * 1000)
    with pytest.raises(EngineError, match="not a database"):
        ENGINE.open(directory, SPEC)


def test_without_coincurve_it_refuses_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "coincurve.py").write_text("raise ImportError('no libsecp256k1 here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"needs coincurve.*no libsecp256k1 here"):
        Launcher()


def test_the_fast_libraries_are_the_ones_in_use() -> None:
    code = (
        "import sandbox.engines.embedded.chain\n"
        "from eth_hash.auto import keccak; from eth_keys.backends import get_backend_class\n"
        "keccak(b''); print(keccak.hasher.__module__, get_backend_class().__name__)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ETH_HASH_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.split() == ["eth_hash.backends.pysha3", "CoinCurveECCBackend"], done.stderr


# The file


def test_included_transactions_leave_pending_in_the_block_s_transaction(directory: Path) -> None:
    included, dropped, waiting = send(0), send(9), send(1)
    with sqlite3.connect(directory / FILE_NAME) as connection:
        connection.execute("CREATE TABLE pending (hash BLOB PRIMARY KEY)")
        rows = [(keccak(raw),) for raw in (included, dropped, waiting)]
        connection.executemany("INSERT INTO pending VALUES (?)", rows)
    connection.close()
    node = ENGINE.open(directory, SPEC)
    seal(node, included, dropped)
    node.close()
    with sqlite3.connect(directory / FILE_NAME) as connection:
        left = {row[0] for row in connection.execute("SELECT hash FROM pending")}
    connection.close()
    assert left == {keccak(dropped), keccak(waiting)}  # the journal keeps the reason before it lets go


def test_two_sealers_cannot_extend_the_same_block(directory: Path) -> None:
    stores = [Store(directory, writable=True) for _ in range(2)]
    first, second = (EvmChain(store, SPEC) for store in stores)
    commit = second.store.commit

    def overtaken(*values: object, **named: object) -> None:
        first.seal([send(0)], SPEC.genesis_time + 1, time_limit=30)
        commit(*values, **named)  # type: ignore[arg-type]

    second.store.commit = overtaken  # type: ignore[method-assign]
    with pytest.raises(sqlite3.IntegrityError):
        second.seal([send(0, data=b"other")], SPEC.genesis_time + 1, time_limit=30)
    assert second.head() == first.head()
    assert first.head().number == 1
    for store in stores:
        store.close()


def test_a_reader_cannot_write(directory: Path) -> None:
    store = Store(directory, writable=False)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.connection.execute("DELETE FROM blocks")
    store.close()


def test_lookups_use_indexes(directory: Path) -> None:
    store = Store(directory, writable=False)
    plans: list[str] = []
    real = store.connection

    class Spy:
        def execute(self, query: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
            plans.extend(str(row[3]) for row in real.execute(f"EXPLAIN QUERY PLAN {query}", values))
            return real.execute(query, values)

    store.connection = Spy()  # type: ignore[assignment]
    store.block_by_number(0)
    store.block_by_hash(bytes(32))
    store.transaction(bytes(32))
    store.transactions_of(0)
    store.transaction_at(0, 0)
    store.transaction_count(0)
    word, address = (bytes(32),), (bytes(20),)
    assert all(plan.startswith("SEARCH") for plan in plans), plans
    for topics, leading in (
        ((), "logs_address"),
        ((word,), "logs_topic0"),
        (((), word), "logs_topic1"),
        ((word, word), "logs_topic1"),
        (((), (), word), "logs_topic2"),
        (((), (), (), word), "logs_topic3"),
    ):
        plans.clear()
        store.logs(0, 10, address, topics, 10)
        assert [plan for plan in plans if f"USING INDEX {leading} " in plan], (topics, plans)
    plans.clear()
    store.logs(0, 10, (), (), 10)
    assert plans == ["SEARCH logs USING PRIMARY KEY (block>? AND block<?)"]
    real.close()


def test_logs_are_capped(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = EvmChain(Store(directory, writable=True), SPEC)
    logs = [LogRow(0, n, 0, bytes(32), BEYOND, (), b"") for n in range(5)]
    chain.store.commit(None, logs=logs)
    monkeypatch.setattr(reads, "MAX_LOGS", 5)
    assert len(reads.answer(chain, "eth_getLogs", [{}])) == 5
    monkeypatch.setattr(reads, "MAX_LOGS", 4)
    with pytest.raises(
        RpcError, match=r"Requested range exceeds maximum RPC range limit.*more than 4"
    ) as many:
        reads.answer(chain, "eth_getLogs", [{}])
    for n in range(3):
        chain.seal([send(n)], SPEC.genesis_time + 1 + n, time_limit=30)
    monkeypatch.setattr(reads, "MAX_LOG_BLOCKS", 3)
    assert reads.answer(chain, "eth_getLogs", [{"fromBlock": "0x1", "toBlock": "0xffff"}]) == []
    with pytest.raises(RpcError, match=r"Requested range exceeds maximum RPC range limit: 3 .*got 4") as wide:
        reads.answer(chain, "eth_getLogs", [{"fromBlock": "0x0"}])
    assert many.value.code == wide.value.code == -32005
    chain.store.close()


# Limits of a block


@pytest.mark.parametrize("kind", [0, 1, 2, 4])
def test_a_signature_s_other_half_is_refused(node: EmbeddedNode, kind: int) -> None:
    """EIP-2: (v, r, n - s) recovers to the same sender, and would be a second hash of one transaction."""
    granted = tx.account(3).sign_authorization({"chainId": SPEC.chain_id, "address": BEYOND, "nonce": 0})
    lists = {"authorizationList": [granted]} if kind == 4 else {}
    raw = tx.typed(SENDER, kind, 0, SPEC.chain_id, to=BEYOND, **lists) if kind else send(0)
    body = rlp.decode(raw[1:] if kind else raw)
    v, s = (int.from_bytes(body[place], "big") for place in (-3, -1))
    flipped = 1 - v if kind else v + (1 if v % 2 else -1)  # EIP-155: 35 or 36 + 2 * chain id
    twin = raw[:1] * bool(kind) + rlp.encode([*body[:-3], flipped, body[-2], SECPK1_N - s])
    sealed = seal(node, twin)
    assert (sealed.included, [hash_ for hash_, _ in sealed.dropped]) == ((), [keccak(twin)])
    assert seal(node, raw).included == (keccak(raw),)


def test_a_timestamp_not_after_the_head_s_is_refused(node: EmbeddedNode) -> None:
    for timestamp in (SPEC.genesis_time, SPEC.genesis_time - 5):
        with pytest.raises(EngineError, match="must be after its parent's"):
            node.seal([send(0)], timestamp, time_limit=30)
    assert node.head().number == 0
    assert seal(node, send(0)).head.number == 1


def test_a_slow_transaction_is_dropped_and_those_before_it_sealed(node: EmbeddedNode) -> None:
    target = deploy(node, tx.ENDLESS)
    before, slow, after = send(1), send(2, to=target, gas=TRANSACTION_GAS_CAP), send(3)
    pid = sealer_of(node)
    sealed = seal(node, before, slow, after, time_limit=2.0)
    assert sealed.included == (keccak(before),)
    assert [hash_ for hash_, _ in sealed.dropped] == [keccak(slow)]
    assert "did not finish within" in sealed.dropped[0][1]
    assert sealer_of(node) == pid  # interrupted, not killed
    # Executed twice, sealed once: the same block as one without the slow transaction.
    again = send(2)
    assert seal(node, again).included == (keccak(again),)
    assert node.read("eth_getTransactionCount", ["0x" + tx.address_of(SENDER).hex()], time_limit=5) == "0x3"


def test_a_batch_closes_at_its_share_of_the_time(node: EmbeddedNode) -> None:
    target = deploy(node, tx.ENDLESS)
    raws = [send(1 + n, to=target, gas=400_000) for n in range(60)]  # about 0.1 s each
    sealed = seal(node, *raws, time_limit=4.0)
    count = len(sealed.included)
    assert 0 < count < 60
    assert sealed.included == tuple(keccak(raw) for raw in raws[:count])
    assert sealed.dropped == ()


def test_a_sealer_that_cannot_be_interrupted_is_killed(node: EmbeddedNode) -> None:
    pid = sealer_of(node)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(EngineTimeout, match=r"sealer did not answer within 0.3 s and was killed"):
        seal(node, send(0), time_limit=0.3)
    assert gone(pid)
    assert node.head().number == 0
    assert seal(node, send(0)).head.number == 1


# Crashes

_SERVICE = """
import sys
from pathlib import Path
from sandbox.engines.embedded import ENGINE
from sandbox.engines.embedded.pool import pools
from sandbox.spec import ChainSpec
from tests import transactions as tx

spec = ChainSpec(chain_id=990_002, genesis_time=1_767_225_600)
node = ENGINE.open(Path(sys.argv[1]), spec)
signer, sender = tx.account(), "0x" + tx.address_of(tx.account()).hex()
nonce = int(node.read("eth_getTransactionCount", [sender, "latest"], time_limit=60), 16)
print(*pools().sealers.pids(), *pools().readers.pids(), flush=True)
while True:
    raws = [tx.legacy(signer, nonce + n, spec.chain_id, to=b"\\x42" * 20) for n in range(10)]
    sealed = node.seal(raws, node.head().timestamp + 1, time_limit=30)
    nonce += 10
    print(sealed.head.number, sealed.head.hash.hex(), sealed.included[-1].hex(), flush=True)
"""


@pytest.mark.crash
def test_nothing_sealed_is_lost_when_the_service_is_killed(directory: Path) -> None:
    acknowledged: dict[int, tuple[str, str]] = {}
    for blocks, pause in ((1, 0.0), (6, 0.003), (3, 0.011), (9, 0.006)):
        with subprocess.Popen(
            [sys.executable, "-c", _SERVICE, str(directory)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        ) as service:
            assert service.stdout is not None
            pids = [int(pid) for pid in service.stdout.readline().split()]
            for _ in range(blocks):
                number, *hashes = service.stdout.readline().split()
                acknowledged[int(number)] = (hashes[0], hashes[1])
            time.sleep(pause)
            service.kill()
            for line in service.stdout.read().splitlines():  # printed before the kill: acknowledged too
                if len(fields := line.split()) == 3 and len(fields[2]) == 64:
                    acknowledged[int(fields[0])] = (fields[1], fields[2])
        assert all(gone(pid) for pid in pids)
        check(directory, acknowledged)
    assert len(acknowledged) >= 19


@pytest.mark.crash
def test_nothing_sealed_is_lost_when_the_sealer_is_killed(directory: Path) -> None:
    node = ENGINE.open(directory, SPEC)
    acknowledged: dict[int, tuple[str, str]] = {}
    sender, nonce = "0x" + tx.address_of(SENDER).hex(), 0
    for pause in (0.0, 0.002, 0.005, 0.009, 0.014, 0.02):
        node.seal([], 2**40, time_limit=60)  # a live sealer: nobody else reaps this process before the kill
        pid = sealer_of(node)
        killer = threading.Timer(0.05 + pause, os.kill, (pid, signal.SIGKILL))
        killer.start()
        while True:
            raws = [send(nonce + n) for n in range(10)]
            try:
                sealed = seal(node, *raws)
            except EngineUnavailable:
                break
            acknowledged[sealed.head.number] = (sealed.head.hash.hex(), sealed.included[-1].hex())
            nonce += 10
            if not killer.is_alive():
                break
        killer.join()
        assert gone(pid)  # a kill takes a moment on a busy machine: the next call must not meet a dying one
        assert node.head().number >= max(acknowledged, default=0)
        nonce = int(node.read("eth_getTransactionCount", [sender, "latest"], time_limit=60), 16)
        assert nonce == node.head().number * 10
    node.close()
    check(directory, acknowledged)


def check(directory: Path, acknowledged: dict[int, tuple[str, str]]) -> None:
    """Every acknowledged block and transaction is there, and the file is whole."""
    node = ENGINE.open(directory, SPEC)
    head = node.head()
    assert head.number >= max(acknowledged, default=0)
    for number, (block_hash, transaction_hash) in acknowledged.items():
        block = node.read("eth_getBlockByNumber", [hex(number), False], time_limit=60)
        assert block["hash"] == "0x" + block_hash
        receipt = node.read("eth_getTransactionReceipt", ["0x" + transaction_hash], time_limit=60)
        assert receipt["blockNumber"] == hex(number)
    node.close()
    connection = sqlite3.connect(directory / FILE_NAME)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
