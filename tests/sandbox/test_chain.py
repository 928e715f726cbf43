"""The facade on real processes: one directory, one holder, and two chains that do not wait for each other."""

import stat
import threading
import time

import pytest

from sandbox.chain import Chain
from sandbox.engines import engine
from sandbox.errors import (
    AccountError,
    ChainError,
    ChainLocked,
    ChainNotFound,
    EngineError,
    RpcError,
    TransactionDropped,
)
from sandbox.evidence.note import NoteVerifier
from sandbox.evidence.sealer import open_sealed_block
from sandbox.permissions import ActKind
from sandbox.spec import TRANSACTION_GAS_CAP, ChainSpec

#: JUMPDEST, PUSH1 0, JUMP: runs until its gas is gone.
LOOP = bytes.fromhex("5b600056")


def creation(runtime):
    """Init code that returns `runtime`: PUSH1 n, DUP1, PUSH1 9, PUSH0, CODECOPY, PUSH0, RETURN."""
    prefix = bytes([0x60, len(runtime), 0x80, 0x60, 0x09, 0x5F, 0x39, 0x5F, 0xF3])
    return prefix + runtime


def deployer(chain):
    address = chain.accounts.create("clerk")
    chain.allow(address, ActKind.SEND)
    chain.allow(address, "deploy")
    return address


def deploy(chain, runtime):
    mined = chain.wait(chain.send("clerk", to=None, data=creation(runtime)))
    assert mined["status"] == "0x1"
    return mined["contractAddress"]


def test_a_new_chain(tmp_path, spec):
    with Chain.create(tmp_path / "new", spec, origin="example.cat") as chain:
        assert chain.spec == spec
        assert chain.head().number == 0
        assert chain.head().hash == chain.genesis_hash
        assert chain.sealing_key.startswith("example.cat/chains/4242+")
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "new" / "chain.sqlite").stat().st_mode) == 0o600
        assert chain.permissions() == []


def test_equal_specs_give_equal_genesis_hashes_and_other_sealing_keys(tmp_path, spec):
    with Chain.create(tmp_path / "a", spec) as a, Chain.create(tmp_path / "b", spec) as b:
        assert a.genesis_hash == b.genesis_hash
        assert a.sealing_key != b.sealing_key


def test_everything_is_there_when_it_is_opened_again(tmp_path, spec):
    with Chain.create(tmp_path / "chain", spec) as chain:
        deployer(chain)
        hash_ = chain.send("clerk", to="0x" + "11" * 20)
        mined = chain.wait(hash_)
        before = (
            chain.head(),
            chain.sealing_key,
            chain.accounts.list(),
            chain.permissions(),
            chain.sealer_note(1),
        )
    with Chain.open(tmp_path / "chain") as chain:
        assert before == (
            chain.head(), chain.sealing_key, chain.accounts.list(), chain.permissions(), chain.sealer_note(1),
        )  # fmt: skip
        assert chain.wait(hash_) == mined


@pytest.mark.parametrize("origin", ["", "two words", "a+b"])
def test_a_failed_creation_leaves_nothing(tmp_path, spec, origin, monkeypatch):
    if not origin:
        monkeypatch.setattr(type(engine("embedded")), "create", fail)
    with pytest.raises(Exception):  # noqa: B017 - whatever it was, nothing may stay
        Chain.create(tmp_path / "chain", spec, origin=origin or "example.cat")
    assert list(tmp_path.iterdir()) == []


def fail(self, directory, spec):
    (directory / "half-made").write_text("x")
    raise EngineError("the disk is full")


def test_a_directory_with_something_in_it_is_not_taken(tmp_path, spec):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ChainError, match="not empty"):
        Chain.create(tmp_path, spec)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_chain(tmp_path):
    with pytest.raises(ChainNotFound):
        Chain.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_holder_at_a_time(tmp_path, spec):
    with Chain.create(tmp_path / "chain", spec) as chain:
        with pytest.raises(ChainLocked, match="close it there"):
            Chain.open(tmp_path / "chain")
        chain.close()
        chain.close()
    with Chain.open(tmp_path / "chain") as again:
        assert again.head().number == 0


def test_a_stored_transaction_is_submitted_as_often_as_one_likes(chain):
    address = deployer(chain)
    raw = chain.prepare("clerk", to=address)
    hash_ = chain.submit(raw)
    assert chain.submit(raw) == hash_
    chain.wait(hash_)
    assert chain.submit(raw) == hash_
    assert chain.read("eth_getTransactionCount", address, "latest") == "0x1"


def test_another_transaction_with_the_same_nonce_is_refused(chain):
    address = deployer(chain)
    first, second = chain.prepare("clerk", to=address), chain.prepare("clerk", to=address, data=b"\x01")
    chain.submit(first)
    with pytest.raises(RpcError, match="Nonce too low"):
        chain.submit(second)


def test_accounts(chain):
    address = chain.accounts.create("clerk")
    assert chain.accounts.address("clerk") == address
    assert chain.accounts.list() == {"clerk": address}
    with pytest.raises(AccountError):
        chain.accounts.create("clerk")
    with pytest.raises(RpcError) as caught:  # created is not allowed
        chain.send("clerk", to=address)
    assert caught.value.code == -32007


@pytest.mark.parametrize("address", ["0x12", "0x" + "zz" * 20, b"\x01" * 19])
def test_what_is_no_address_is_refused(chain, address):
    with pytest.raises(ValueError):
        chain.allow(address, "send")
    with pytest.raises(ValueError):
        chain.allow("0x" + "11" * 20, "owner")


def test_waiting_for_what_was_never_sent(chain):
    with pytest.raises(ChainError, match="not known to this chain"):
        chain.wait("0x" + "12" * 32, timeout=0.1)


def test_each_block_has_a_note_by_the_sealing_key(chain):
    deployer(chain)
    for _ in range(3):
        chain.wait(chain.send("clerk", to="0x" + "11" * 20))
    verifier = NoteVerifier.from_vkey(chain.sealing_key)
    for number in range(1, chain.head().number + 1):
        opened = open_sealed_block(chain.sealer_note(number), [verifier])
        block = chain.read("eth_getBlockByNumber", hex(number), False)
        assert opened.block.hash == bytes.fromhex(block["hash"][2:])
        assert abs(opened.block.time_ms / 1000 - time.time()) < 60
    with pytest.raises(ChainError, match="no sealer's note"):
        chain.sealer_note(0)


def test_the_chain_id_that_contracts_see(chain):
    deployer(chain)
    address = deploy(chain, bytes.fromhex("465f5260205ff3"))  # CHAINID, MSTORE, RETURN
    assert int(chain.read("eth_call", {"to": address}, "latest"), 16) == 4242


def test_an_endless_loop_delays_no_other_chain(tmp_path, spec, chain):
    deployer(chain)
    looper = deploy(chain, LOOP)
    answers = []

    def loop():
        try:
            chain.read("eth_call", {"to": looper, "gas": hex(2**40)}, "latest")
        except RpcError as error:
            answers.append(error)

    with Chain.create(tmp_path / "other", ChainSpec(4243, spec.genesis_time)) as other:
        other.read("eth_getBlockByNumber", "latest", False)  # its reader runs
        thread = threading.Thread(target=loop)
        thread.start()
        time.sleep(0.3)
        read = 0
        while thread.is_alive():
            other.read("eth_getBlockByNumber", "latest", False)
            read += 1
            time.sleep(0.05)
        thread.join()
    assert read > 2  # whoever waits for the loop has read once when it ends
    assert answers[0].code in (-32603, -32000)  # out of time, or out of gas
    assert chain.read("eth_getBlockByNumber", "latest", False)["number"] == "0x1"


def test_a_transaction_that_loops_is_bounded_and_the_next_one_is_mined(chain, wallet):
    deployer(chain)
    chain.allow(wallet.address, "send")
    looper = deploy(chain, LOOP)
    loop = chain.send("clerk", to=looper, gas=TRANSACTION_GAS_CAP)
    after = chain.submit(wallet.next())
    try:
        assert chain.wait(loop, timeout=60)["status"] == "0x0"  # its gas was gone first
    except TransactionDropped as dropped:
        assert "did not finish within" in dropped.reason  # its time was
        # The nonce that it held is free again.
        assert chain.wait(chain.send("clerk", to="0x" + "11" * 20))["status"] == "0x1"
    assert chain.wait(after, timeout=60)["status"] == "0x1"


def test_settle(tmp_path, spec):
    slow = ChainSpec(9, spec.genesis_time, seal_after_ms=600_000)
    with Chain.create(tmp_path / "slow", slow) as chain:
        deployer(chain)
        chain.send("clerk", to="0x" + "11" * 20)
        chain.settle()
        assert chain.head().number == 1
