"""kill -9 of the service and of anvil under load, over the whole chain: nothing acknowledged is lost, no hash differs.

BAAS_CRASH_ROUNDS says how many rounds of each (3 unless said; 10 or more for a measurement).
"""

from __future__ import annotations

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
from tests.sandbox.engines.test_anvil import gone
from tests.sandbox.test_crash import is_all_there

pytestmark = [pytest.mark.anvil, pytest.mark.crash]

ROOT = Path(__file__).parents[2]
ROUNDS = rounds(3)

#: Opens the chain and sends from three threads for ever; prints anvil's process id, then each hash once it was returned.
SENDER = """
import sys, threading, time
from pathlib import Path
from sandbox.chain import Chain
from sandbox.errors import SandboxError

chain = Chain.open(Path(sys.argv[1]))
print("anvil", chain._node.processes["anvil"], flush=True)

def send(label):
    while True:
        try:
            hash_ = chain.send(label, to=chain.accounts.address(label), gas=30_000)
        except SandboxError:  # anvil was killed under it: not acknowledged
            time.sleep(0.01)
            continue
        sys.stdout.write(hash_ + "\\n")
        sys.stdout.flush()

threads = [threading.Thread(target=send, args=(f"clerk{n}",), daemon=True) for n in range(3)]
for thread in threads:
    thread.start()
time.sleep(600)
"""


@pytest.mark.timeout(300 + 60 * ROUNDS)
@pytest.mark.parametrize("first", ["service", "anvil"])
def test_nothing_acknowledged_is_missing_and_no_hash_differs(tmp_path: Path, first: str) -> None:
    directory = tmp_path / "chain"
    with Chain.create(directory, ChainSpec(4242, 1_700_000_000, "anvil", seal_after_ms=50)) as chain:
        for n in range(3):
            chain.allow(chain.accounts.create(f"clerk{n}"), "send")
    moments = random.Random(7)  # the same moments each time; what the scheduler does with them differs
    acknowledged: list[str] = []
    hashes: dict[int, str] = {}
    for _ in range(ROUNDS):
        with subprocess.Popen(
            [sys.executable, "-c", SENDER, str(directory)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as sender:
            assert sender.stdout is not None
            pid = int(sender.stdout.readline().split()[1])
            lines = [sender.stdout.readline() for _ in range(5)]  # it is at work
            if first == "anvil":
                time.sleep(moments.uniform(0.02, 0.3))
                os.kill(pid, signal.SIGKILL)
                lines += [sender.stdout.readline() for _ in range(20)]  # and goes on with a new one
            time.sleep(moments.uniform(0.02, 0.6))
            sender.kill()
            lines += sender.stdout.read().splitlines()
        assert gone(pid)
        acknowledged += [line.strip() for line in lines if len(line.strip()) == 66]
        with Chain.open(directory) as chain:
            chain.settle()
            is_all_there(chain, acknowledged[-NEWEST:], dict(list(hashes.items())[-NEWEST:]))
            for number in range(max(hashes, default=0) + 1, chain.head().number + 1):
                hashes[number] = chain.read("eth_getBlockByNumber", hex(number), False)["hash"]
                assert f"{hashes[number][2:]}" in chain.sealer_note(number)
    print(f"{ROUNDS} rounds, {len(acknowledged)} acknowledged, {len(hashes)} blocks")
    assert len(set(acknowledged)) == len(acknowledged) >= 5 * ROUNDS
    # and once more from block zero: every hash is in the journal, and is what the transactions give
    for path in directory.glob("state-*"):
        path.unlink()
    with Chain.open(directory) as chain:
        is_all_there(chain, acknowledged, hashes)
    orphans = [
        path.parent.name
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if str(directory).encode() in _command_line(path)
    ]
    assert orphans == []


def _command_line(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""
