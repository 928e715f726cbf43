"""kill -9 while transactions are accepted, at random moments: nothing acknowledged is ever missing."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.chain import Chain
from sandbox.spec import ChainSpec
from tests.rounds import NEWEST, rounds

ROOT = Path(__file__).parents[2]
ROUNDS = rounds(5)
#: Transactions that are acknowledged before each kill, at least.
FEWEST = 5

#: Opens the chain and sends for ever, one at a time; a hash is printed only once it was returned.
SENDER = """
import sys
from pathlib import Path
from sandbox.chain import Chain
with Chain.open(Path(sys.argv[1])) as chain:
    print("open", flush=True)
    while True:
        print(chain.send("clerk", to=chain.accounts.address("clerk"), gas=30_000), flush=True)
"""


def is_all_there(chain, acknowledged, hashes):
    """What was acknowledged is mined, and what was a block is the same block."""
    assert [each for each in acknowledged if chain.read("eth_getTransactionReceipt", each) is None] == []
    for number, hash_ in hashes.items():
        assert chain.read("eth_getBlockByNumber", hex(number), False)["hash"] == hash_


@pytest.mark.crash
@pytest.mark.timeout(300 + 60 * ROUNDS)
def test_nothing_acknowledged_is_missing_after_kill_9(tmp_path):
    directory = tmp_path / "chain"
    with Chain.create(directory, ChainSpec(4242, 1_700_000_000, seal_after_ms=100)) as chain:
        chain.allow(chain.accounts.create("clerk"), "send")
    moments = random.Random(7)  # the same moments each time; what the scheduler does with them differs
    acknowledged: list[str] = []
    hashes: dict[int, str] = {}
    for _ in range(ROUNDS):
        sender = subprocess.Popen(
            [sys.executable, "-c", SENDER, str(directory)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert sender.stdout is not None
        assert sender.stdout.readline() == "open\n"
        said = [sender.stdout.readline() for _ in range(moments.randint(FEWEST, 40))]  # it is at work
        time.sleep(moments.uniform(0, 0.2))
        os.kill(sender.pid, signal.SIGKILL)
        said += sender.stdout.readlines()
        sender.stdout.close()
        sender.wait()
        acknowledged += [line.strip() for line in said if len(line.strip()) == 66]

        with Chain.open(directory) as chain:
            chain.settle()
            is_all_there(chain, acknowledged[-NEWEST:], dict(list(hashes.items())[-NEWEST:]))
            for number in range(max(hashes, default=0) + 1, chain.head().number + 1):
                hashes[number] = chain.read("eth_getBlockByNumber", hex(number), False)["hash"]
                chain.sealer_note(number)
            assert int(
                chain.read("eth_getTransactionCount", chain.accounts.address("clerk"), "latest"), 16
            ) >= len(set(acknowledged))
    with Chain.open(directory) as chain:
        is_all_there(chain, acknowledged, hashes)
    print(f"{ROUNDS} rounds, {len(acknowledged)} acknowledged, {len(hashes)} blocks")
    assert len(set(acknowledged)) == len(acknowledged) >= FEWEST * ROUNDS
