"""Many chains in one service: what each costs in memory and on disk, and how fast a sleeping one answers again."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import time
from pathlib import Path

from sandbox.chain import Chain
from sandbox.permissions import ActKind
from sandbox.spec import ChainSpec
from tests.bench.fleet.rpc import SIGNER, Rpc, bodies, call, deployment
from tests.bench.fleet.served import Fleet

TRANSACTIONS = 10
#: How many chains one administration of the bench has.
EACH = 20


def fill(fleet: Fleet, count: int) -> dict[str, str]:
    """So many chains with document-notary and ten transactions each, asleep: their RPC addresses by their rows' ids."""
    made: dict[str, str] = {}
    for number in range(count):
        if number % EACH == 0:
            fleet.next_administration()
        row = fleet.services.chains.create(fleet.scope, fleet.code, f"bench {number}")
        fleet.services.deployments.deploy(fleet.scope, row.id, "document-notary", {})
        _ten(fleet.services.chains.awake(row.id), fleet.services.chains.ANCHORING_ACCOUNT)
        fleet.hibernate(row.id)
        made[row.id] = fleet.rpc_url(row.id)
        if (number + 1) % 100 == 0:
            print(f"    {number + 1} of {count} chains", file=sys.stderr)
    return made


def _ten(chain: Chain, account: str) -> None:
    address = chain.accounts.address(account)
    sent = [chain.send(account, to=address, gas=30_000) for _ in range(TRANSACTIONS)]
    chain.wait(sent[-1])


def wake_times(fleet: Fleet, chains: dict[str, str], rounds: int) -> list[float]:
    """Seconds from a request over HTTP to its answer, each time for a chain that slept until then."""
    chosen = random.Random(7)  # the same order in each run
    body = json.dumps(call("eth_blockNumber")).encode()
    seen: list[float] = []
    for name in chosen.choices(sorted(chains), k=rounds):
        fleet.hibernate(name)
        rpc = Rpc(chains[name])
        start = time.perf_counter()
        rpc.post(body)
        seen.append(time.perf_counter() - start)
        rpc.close()
    return seen


def memory() -> int:
    """Bytes of this process and all its children, each shared page divided by those who share it (PSS)."""
    return sum(_pss(process) for process in [os.getpid(), *_below(os.getpid())])


def _below(process: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        try:
            children = [int(text) for text in (task / "children").read_text().split()]
        except FileNotFoundError:  # a thread that ended meanwhile
            continue
        for child in children:
            found += [child, *_below(child)]
    return found


def _pss(process: int) -> int:
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def disk(folder: Path) -> int:
    """Bytes on disk of everything below the folder."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.is_file() or path.is_dir())


def anvil_wake(folder: Path, transactions: int, rounds: int, *, killed: bool) -> list[float]:
    """Seconds to open a chain on anvil and have its first answer, with so many transactions on it.

    Closed cleanly before each; or, when `killed`, as after a crash that came before any state was written: all since block
    zero is replayed.
    """
    source = folder / f"anvil-{transactions}"
    if not source.exists():
        _write_on_anvil(source, transactions)
    seen: list[float] = []
    for number in range(rounds):
        place = folder / f"wake-{transactions}-{number}-{killed}"
        shutil.copytree(source, place)
        if killed:
            for state in place.glob("state-*.gz"):
                state.unlink()
        start = time.perf_counter()
        with Chain.open(place) as chain:
            chain.read("eth_blockNumber")
            seen.append(time.perf_counter() - start)
        shutil.rmtree(place)
    return seen


def _write_on_anvil(directory: Path, transactions: int) -> None:
    spec = ChainSpec(chain_id=4_242, genesis_time=int(time.time()) - 86_400, engine="anvil")
    with Chain.create(directory, spec) as chain:
        for act in ActKind:
            chain.allow(SIGNER.address, act)
        chain.wait(chain.submit(bytes.fromhex(deployment(spec.chain_id)[2:])))
        for body in bodies(spec.chain_id, transactions, 100):
            chain.rpc(body)
            chain.settle(60.0)
        assert int(chain.read("eth_getTransactionCount", SIGNER.address, "latest"), 16) == transactions + 1
