"""`make bench-evidence`: acceptance, rooting, verification and growth, each beside a limit measured in the same run.

Prints a table and writes build/bench/evidence.json: a list of {name, value, unit, against, ratio, goal, met}.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")

from tests.bench import audit, growth, notarisations, offline
from tests.bench.figures import Figure, percentile, show, turns
from tests.bench.rooting import LEAVES, Rooting
from tests.bench.served import Served, bodies

OUT = Path("build/bench/evidence.json")
BATCH, REQUESTS = 1_000, 8
RATE = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the register that is audited")
    parser.add_argument("--entries", type=int, default=10_000_000, help="entries of the longest log")
    parser.add_argument("--seconds", type=int, default=30, help="how long documents come at a steady rate")
    options = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="baas-bench-") as name:
        folder = Path(name)
        with notarisations.Bench(folder / "in-process") as bench:
            figures += _acceptance(bench, folder, options.seconds)
            figures += _verification(bench)
    figures += _rooting()
    sizes = [10**n for n in range(3, 8) if 10**n <= options.entries]
    print("growth of a log: proofs and appends", file=sys.stderr)
    figures += growth.measure_growth(sizes)
    print(f"audit of an export of {options.rows:,} rows", file=sys.stderr)
    figures += audit.measure_audit(options.rows)
    show(figures, OUT)


def _acceptance(bench: notarisations.Bench, folder: Path, seconds: int) -> list[Figure]:
    """Batches made durable and acknowledged, in process and over HTTP, beside the bare append of the same rows."""
    print("acceptance, beside the bare SQLite append of the same bytes", file=sys.stderr)
    with Served(folder / "served") as served:
        accepted, sent, appended = turns(
            9,
            partial(bench.accept, BATCH),
            lambda: served.accept(bodies(REQUESTS, BATCH)),
            partial(bench.bare_append, BATCH),
        )
        print(f"from accepted to anchored, at {RATE:,} documents a second", file=sys.stderr)
        waits = served.waits(RATE, seconds)
    what = f"documents made durable and acknowledged, batches of {BATCH:,}"
    last = percentile(waits, 0.99)
    return [
        _at_least(f"{what}, in process", accepted, "documents/s", appended, 0.5),
        _at_least(f"{what}, over HTTP", sent, "documents/s", appended, 0.15),
        Figure(f"from accepted to anchored at {RATE:,} documents/s, p50", percentile(waits, 0.5), "s"),
        Figure(
            f"from accepted to anchored at {RATE:,} documents/s, p99", last, "s", goal="< 2 s", met=last < 2
        ),
    ]


def _verification(bench: notarisations.Bench) -> list[Figure]:
    """Offline verification on one core, beside the two bare signature checks that a receipt has."""
    print("offline verification, beside two bare Ed25519 verifications each", file=sys.stderr)
    case = bench.receipts(400)
    stamped = bench.receipts(100, stamped=True)
    alone, with_token, shared, inclusion, bound = turns(
        7,
        lambda: offline.complete(case),
        lambda: offline.complete(stamped),
        lambda: offline.shared(case),
        lambda: offline.inclusion(case),
        offline.signatures,
    )
    return [
        _rate("receipts verified from bytes, complete and each alone, one core", alone, bound, 2_000),
        Figure(
            "the same with an RFC 3161 token, whose certificates are judged anew each time",
            with_token,
            "receipts/s",
            bound,
            with_token / bound,
        ),
        _rate("the same as the first, with shared checkpoint and anchor", shared, bound, 5_000),
        _rate("inclusion proofs alone, 20 hashes", inclusion, bound, 50_000),
    ]


def _rooting() -> list[Figure]:
    print("rooting on two processes, beside as many bare hashes", file=sys.stderr)
    rooting = Rooting()
    try:
        ours, bare = turns(5, rooting.ours, rooting.bare)
    finally:
        rooting.close()
    return [
        Figure(
            f"{LEAVES:,} leaf hashes to a root, two processes",
            ours,
            "leaves/s",
            bare,
            ours / bare,
            "≥ 1,000,000/s",
            ours >= 1_000_000,
        )
    ]


def _at_least(name: str, value: float, unit: str, against: float, goal: float) -> Figure:
    ratio = value / against
    return Figure(name, value, unit, against, ratio, f"≥ {goal:g}", ratio >= goal)


def _rate(name: str, value: float, bound: float, goal: int) -> Figure:
    return Figure(name, value, "receipts/s", bound, value / bound, f"≥ {goal:,}/s", value >= goal)


if __name__ == "__main__":
    main()
