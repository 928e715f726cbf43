"""kill -9 in the middle of restoring, cloning, exporting and importing: afterwards it was done, or it was not begun."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.chain import Chain
from sandbox.errors import TransferRefused
from sandbox.spec import ChainSpec
from sandbox.transfer import import_chain
from tests import transactions as tx
from tests.rounds import rounds

ROOT, ROUNDS = Path(__file__).parents[2], rounds(4)
BLOCKS = 12

#: Opens the chain, says so, and does one act for ever.
ACTING = """
import sys
from pathlib import Path
from sandbox.chain import Chain
from sandbox.transfer import import_chain
act, home = sys.argv[1], Path(sys.argv[2])
with Chain.open(home / "chain") as chain:
    print("open", flush=True)
    for number in range(10_000):
        if act == "restore":
            for _ in range(3):
                chain.wait(chain.send("clerk", to=chain.accounts.address("clerk"), gas=30_000))
            chain.snapshots.restore("start")
        elif act == "clone":
            chain.clone(home / f"made-{number}", 10_000 + number)
        elif act == "export":
            with (home / "out.zip.part").open("wb") as out:
                for piece in chain.export():
                    out.write(piece)
            (home / "out.zip.part").rename(home / "out.zip")
        else:
            import_chain(home / "in.zip", home / f"made-{number}", origin="other.example", now_ms=1)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with Chain.create(home / "chain", ChainSpec(4242, 1_700_000_000, seal_after_ms=1)) as chain:
        clerk = chain.accounts.create("clerk")
        for act in ("send", "deploy"):
            chain.allow(clerk, act)
        made = chain.wait(chain.send("clerk", to=None, data=tx.deploying(tx.RECORDER)))["contractAddress"]
        for number in range(BLOCKS):
            chain.wait(chain.send("clerk", to=made, data=number.to_bytes(32)))
        chain.snapshots.take("start")
        (home / "in.zip").write_bytes(b"".join(chain.export()))
    return home


@pytest.mark.crash
@pytest.mark.timeout(300 + 60 * ROUNDS)
@pytest.mark.parametrize("act", ["restore", "clone", "export", "import"])
def test_after_kill_9_it_was_done_or_not_begun(home, tmp_path, act):
    with Chain.open(home / "chain") as chain:
        start, known = chain.head(), chain.snapshots.show("start")
    moments = random.Random(act)
    for number in range(ROUNDS):
        command = [sys.executable, "-c", ACTING, act, str(home)]
        acting = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert acting.stdout.readline() == "open\n"
        time.sleep(moments.uniform(0.01, 0.7))
        os.kill(acting.pid, signal.SIGKILL)
        acting.wait()
        acting.stdout.close()
        with Chain.open(home / "chain") as chain:
            assert not list((home / "chain").glob(".export-*"))
            chain.settle()
            head, branches = chain.head(), chain.branches()
            assert chain.snapshots.verify("start").holds
            assert all(branch.done for branch in branches)
            assert [branch.branch for branch in branches] == list(range(1, len(branches) + 1))
            # either the blocks after the snapshot are there, with their notes, or they are abandoned with them
            assert known.number <= head.number <= known.number + 3
            for block in range(1, head.number + 1):
                hash_ = chain.read("eth_getBlockByNumber", hex(block), False)["hash"]
                assert f"hash {hash_[2:]}" in chain.sealer_note(block)
            for branch in branches:
                left = chain.abandoned(branch.branch)
                assert [block.number for block in left] == list(
                    range(branch.number + 1, branch.head_number + 1)
                )
                assert all(block.note and block.hash.hex() in block.note for block in left)
            if act != "restore":
                assert head == start
            else:
                chain.snapshots.restore("start")
        for made in home.glob("made-*"):  # a chain that is there is whole
            with Chain.open(made) as chain:
                assert chain.head().number in (0, known.number)
                chain.snapshots.take("whole")
                assert chain.snapshots.show("whole").state_digest == known.state_digest
            for path in sorted(made.rglob("*"), reverse=True):
                path.unlink()
            made.rmdir()
        if (home / "out.zip").exists():
            import_chain(home / "out.zip", tmp_path / f"again-{number}", origin="o.example", now_ms=1)
        if (part := home / "out.zip.part").exists():
            cut = tmp_path / f"cut-{number}"
            try:
                import_chain(part, cut, origin="o.example", now_ms=1)
            except TransferRefused:
                assert not cut.exists()
            else:  # it was whole, and not renamed yet
                assert cut.is_dir()
            part.unlink()
