"""`make bench-chains`: every side of a comparison in one run, to build/bench/chains.json. CHAINS=200 is CI's run.

Sections: creation, writes, reads, density, wake. `--only` names some of them. Every server is real and on the
loopback; loads come from a process of their own.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")

from sandbox.engines._anvil.binary import find
from tests.bench.figures import Figure, percentile, show, turns
from tests.bench.fleet import creation, density, peers, served

OUT = Path("build/bench/chains.json")
BUILD = Path("build/bench")


def main() -> None:
    options = argparse.ArgumentParser(prog="make bench-chains")
    options.add_argument(
        "--chains", type=int, default=2_000, help="how many sleeping chains the largest fleet has"
    )
    options.add_argument("--only", action="append", choices=sorted(SECTIONS), help="these sections alone")
    given = options.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="baas-bench-") as name:
        for title, section in SECTIONS.items():
            if not given.only or title in given.only:
                print(title, file=sys.stderr)
                figures += section(Path(name) / title, given.chains)
    show(figures, OUT)


def _creation(folder: Path, _chains: int) -> list[Figure]:
    folder.mkdir()
    anvil, place = find().path, peers.install_node_peers(BUILD)
    for engine in ("embedded", "anvil"):
        creation.ours(folder, engine)  # the launcher loads py-evm once per service, not once per chain
    embedded, on_anvil, alone = turns(
        9,
        partial(creation.ours, folder, "embedded"),
        partial(creation.ours, folder, "anvil"),
        partial(creation.anvil, anvil),
    )
    from tests.bench.chains import eth_tester

    hardhat, ganache, tester = turns(
        3, partial(creation.hardhat, place), partial(creation.ganache, place), eth_tester
    )
    what = "permissioned, durable chain with document-notary"
    found = [
        _faster(f"{what}, embedded, beside {peer}", embedded, seconds, goal)
        for peer, seconds, goal in (
            ("anvil alone", alone, 1.0),
            ("Hardhat's node", hardhat, None),
            ("eth-tester out of the box", tester, None),
            ("Ganache, which only starts", ganache, None),
        )
    ]
    return [*found, _faster(f"{what}, on anvil, beside anvil alone", on_anvil, alone, None)]


def _rounds(chains: int) -> int:
    """Turns of each side: as many as a measurement wants, or CI's few."""
    return 5 if chains >= 2_000 else 2


def _writes(folder: Path, chains: int) -> list[Figure]:
    anvil, rounds = find().path, _rounds(chains)
    found = []
    with served.Fleet.open(folder / "service") as fleet:

        def gateway(engine: str, count: int) -> float:
            url, chain_id = fleet.chain(engine)
            return served.writes(url, chain_id, count)

        def bare_embedded(count: int) -> float:
            with served.bare_embedded(folder / "bare") as (url, chain_id):
                return served.writes(url, chain_id, count)

        def bare_anvil(count: int) -> float:
            with served.bare_anvil(anvil) as (url, chain_id):
                return served.writes(url, chain_id, count)

        ours, bare = turns(rounds, partial(gateway, "embedded", 1_000), partial(bare_embedded, 1_000))
        found.append(
            _more(
                "transactions through token, gateway and journal, embedded",
                ours,
                bare,
                0.7,
                "transactions/s",
            )
        )
        ours, bare = turns(rounds, partial(gateway, "anvil", 4_000), partial(bare_anvil, 4_000))
        found.append(
            _more("transactions through token, gateway and journal, anvil", ours, bare, 0.5, "transactions/s")
        )
    return found


def _reads(folder: Path, chains: int) -> list[Figure]:
    found = []
    anvil = find().path
    with (
        served.Fleet.open(folder / "service") as fleet,
        served.bare_embedded(folder / "bare") as (bare, bare_id),
        served.bare_anvil(anvil) as (bare_anvil, bare_anvil_id),
    ):
        sides = {"embedded": (fleet.chain("embedded"), (bare, bare_id))}
        sides["anvil"] = (fleet.chain("anvil"), (bare_anvil, bare_anvil_id))
        for engine, (ours, other) in sides.items():
            for url, chain_id in (ours, other):
                served.writes(url, chain_id, served.EACH)
            for clients in (1, 16, 64):
                calls = 300 if clients == 1 else 1_200
                here, there = turns(
                    _rounds(chains), *(partial(served.reads, url, clients, calls) for url, _ in (ours, other))
                )
                found.append(
                    _more(
                        f"eth_call, {clients} clients, {engine}, beside it bare", here, there, None, "calls/s"
                    )
                )
    return found


def _density(folder: Path, chains: int) -> list[Figure]:
    found = []
    names: dict[str, str] = {}
    with served.Fleet.open(folder) as fleet:
        before, empty = density.memory(), density.disk(folder)
        tails: dict[int, float] = {}
        for size in sorted({10, min(200, chains), chains}):
            names |= density.fill(fleet, size - len(names))
            times = density.wake_times(fleet, names, 300)
            for part, label in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
                milliseconds = percentile(times, part) * 1000
                found.append(
                    Figure(
                        f"wake of an embedded chain by its next request, {label}, {size:,} chains",
                        milliseconds,
                        "ms",
                        goal="< 50 ms" if label == "p95" else "reported",
                        met=milliseconds < 50 if label == "p95" else None,
                    )
                )
            tails[size] = percentile(times, 0.95)
        ratio = tails[min(tails)] / tails[chains]
        found.append(
            Figure(
                f"the p95 with {chains:,} chains beside that with 10",
                tails[chains] * 1000,
                "ms",
                tails[10] * 1000,
                ratio,
                "flat: ≥ 0.8",
                ratio >= 0.8,
            )
        )
        for name in names:
            fleet.hibernate(name)
        per_chain = (density.memory() - before) / chains / 1024
        found.append(Figure(f"memory per sleeping chain (PSS), {chains:,} chains", per_chain, "KiB"))
        per_chain = (density.disk(folder) - empty) / chains / 1024
        what = f"disk per chain with a template and {density.TRANSACTIONS} transactions"
        found.append(Figure(f"{what}, the service's database included", per_chain, "KiB"))
    return found


def _wake_on_anvil(folder: Path, chains: int) -> list[Figure]:
    folder.mkdir()
    clean = percentile(density.anvil_wake(folder, 1_000, 20, killed=False), 0.95) * 1000
    found = [
        Figure(
            "wake of a chain on anvil, 1,000 transactions, hibernated, p95",
            clean,
            "ms",
            goal="< 500 ms",
            met=clean < 500,
        )
    ]
    for tail in (100, 500, 1_000, 2_000):
        slow = percentile(density.anvil_wake(folder, tail, 2 * _rounds(chains), killed=True), 0.95) * 1000
        found.append(Figure(f"after a kill with {tail:,} transactions to replay, p95", slow, "ms", clean))
    return found


def _more(name: str, value: float, against: float, least: float | None, unit: str) -> Figure:
    """A figure of which more is better."""
    ratio = value / against
    goal = "reported" if least is None else f"≥ {least}"
    return Figure(name, value, unit, against, ratio, goal, None if least is None else ratio >= least)


def _faster(name: str, seconds: float, against: float, least: float | None) -> Figure:
    """A figure of which less is better; the ratio is how many of ours go into the other's time."""
    ratio = against / seconds
    goal = "reported" if least is None else f"≥ {least} (not slower)"
    met = None if least is None else ratio >= least
    return Figure(name, seconds * 1000, "ms", against * 1000, ratio, goal, met)


SECTIONS: dict[str, Callable[[Path, int], list[Figure]]] = {
    "creation": _creation,
    "writes": _writes,
    "reads": _reads,
    "density": _density,
    "wake": _wake_on_anvil,
}


main()
