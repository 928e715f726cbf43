"""Signing with custodial accounts: nonces without a gap, accounts that do not wait, keys that send once."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.chain import Chain
from sandbox.errors import AccountError, ChainError, RpcError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clerk(chain):
    address = chain.accounts.create("clerk")
    chain.allow(address, "send")
    return address


def nonces(chain, hashes):
    return sorted(int(chain.read("eth_getTransactionByHash", each)["nonce"], 16) for each in hashes)


def test_a_label_that_is_none_leaves_nothing_behind(chain):
    """Whoever asks chooses the labels: a lock for each would be memory for the asking."""
    for number in range(3):
        with pytest.raises(AccountError, match="no account"):
            chain.send(f"nobody-{number}", to=bytes(20))
    assert not chain.accounts._signing


def test_a_hundred_parallel_sends_have_a_hundred_consecutive_nonces(chain, clerk):
    with ThreadPoolExecutor(32) as pool:
        hashes = list(
            pool.map(lambda n: chain.send("clerk", to=clerk, data=b"%d" % n, gas=50_000), range(100))
        )
    assert len(set(hashes)) == 100
    for each in hashes:
        assert chain.wait(each)["status"] == "0x1"
    assert nonces(chain, hashes) == list(range(100))
    assert chain.read("eth_getTransactionCount", clerk, "latest") == hex(100)


def test_an_account_does_not_wait_for_another(chain, clerk):
    other = chain.accounts.create("other")
    chain.allow(other, "send")
    done = []
    with chain.signing("clerk"):
        sender = threading.Thread(target=lambda: done.append(chain.send("other", to=other)))
        waiting = threading.Thread(target=lambda: done.append(chain.send("clerk", to=clerk)))
        for each in (sender, waiting):
            each.start()
        sender.join(20)
        assert not sender.is_alive()
        assert len(done) == 1
    waiting.join(20)
    assert len(done) == 2


def test_what_was_signed_and_never_submitted_leaves_no_gap(chain, clerk):
    lost = chain.prepare("clerk", to=clerk)
    sent = chain.send("clerk", to=clerk, data=b"\x01")
    chain.wait(sent)
    assert nonces(chain, [sent]) == [0]
    with pytest.raises(RpcError, match="Nonce too low"):
        chain.submit(lost)


def test_what_is_accepted_is_known_by_its_hash_though_its_sender_may_no_more(chain, clerk):
    raw = chain.prepare("clerk", to=clerk)
    sent = chain.submit(raw)
    chain.disallow(clerk, "send")
    assert chain.submit(raw) == sent
    chain.wait(sent)
    assert chain.submit(raw) == sent
    with pytest.raises(RpcError, match="not authorized"):
        chain.send("clerk", to=clerk)


def test_the_same_key_is_the_same_transaction(chain, clerk):
    with ThreadPoolExecutor(8) as pool:
        hashes = set(pool.map(lambda _: chain.send("clerk", to=clerk, key="one"), range(8)))
    assert len(hashes) == 1
    chain.wait(*hashes)
    assert {chain.send("clerk", to=clerk, key="one")} == hashes
    assert chain.send("clerk", to=clerk, key="two") not in hashes
    with pytest.raises(ChainError, match="another transaction"):
        chain.send("clerk", to=clerk, value=1, key="one")


def test_what_is_refused_uses_no_key_up(chain):
    address = chain.accounts.create("clerk")
    with pytest.raises(RpcError):
        chain.send("clerk", to=address, key="one")
    chain.allow(address, "send")
    assert chain.send("clerk", to=address, key="one") == chain.send("clerk", to=address, key="one")


#: Sends for ever under keys that count up, from what it is told to begin with; says a hash once it was returned.
SENDER = """
import itertools, sys
from pathlib import Path
from sandbox.chain import Chain
with Chain.open(Path(sys.argv[1])) as chain:
    address = chain.accounts.address("clerk")
    for number in itertools.count(int(sys.argv[2])):
        print(chain.send("clerk", to=address, gas=50_000, data=b"%d" % number, key=str(number)), flush=True)
"""


@pytest.mark.crash
def test_a_key_sends_once_across_kill_9(tmp_path, spec):
    """What was under way when the process died is asked for again, as a client does that saw no answer."""
    directory = tmp_path / "chain"
    with Chain.create(directory, spec) as chain:
        address = chain.accounts.create("clerk")
        chain.allow(address, "send")
    said = []
    for lines in (3, 7, 12, 1):
        sender = subprocess.Popen(
            [sys.executable, "-c", SENDER, str(directory), str(len(said))],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert sender.stdout is not None
        for _ in range(lines):
            said.append(sender.stdout.readline().strip())
        os.kill(sender.pid, signal.SIGKILL)
        said += [line for line in sender.stdout.read().splitlines() if len(line) == 66]
        sender.stdout.close()
        sender.wait()
    with Chain.open(directory) as chain:
        again = [
            chain.send("clerk", to=address, gas=50_000, data=b"%d" % n, key=str(n))
            for n in range(len(said) + 1)
        ]
        assert again[:-1] == said
        chain.settle()
        assert nonces(chain, again) == list(range(len(again)))
        assert int(chain.read("eth_getTransactionCount", address, "latest"), 16) == len(again)
