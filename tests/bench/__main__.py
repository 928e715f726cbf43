"""`make bench`: ratios, each measured side by side with what it is compared with, in one run.

Prints a table and writes build/bench/bench.json: a list of {name, value, unit, against, ratio, goal, met}. A figure is the
median of some rounds; the sides of a comparison take turns, so that a slow minute of the machine hits both.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")

from tests.bench import chains, notarisations, offline
from tests.bench.figures import Figure, show, turns

OUT = Path("build/bench/bench.json")


def main() -> None:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="baas-bench-") as name:
        folder = Path(name)
        print("chain creation with a template, beside a bare eth-tester", file=sys.stderr)
        with chains.warm(folder):
            ours, bare = turns(7, lambda: chains.ours(folder), chains.eth_tester)
        ratio = bare / ours
        figures.append(
            Figure(
                "permissioned, durable chain with document-notary",
                ours * 1000,
                "ms",
                bare * 1000,
                ratio,
                "reported",
                None,
            )
        )

        print("documents in batches, beside one transaction per document", file=sys.stderr)
        with notarisations.Bench(folder / "service") as bench:
            batch, single, block = turns(3, bench.batched, bench.one_transaction_each, bench.one_block_each)
            figures.append(
                Figure(
                    "documents anchored in ten batches of 10,000, against a transaction each in full blocks",
                    batch,
                    "documents/s",
                    single,
                    batch / single,
                    "≥ 200",
                    batch / single >= 200,
                )
            )
            figures.append(
                Figure(
                    "the same, against a transaction each, waited for one by one",
                    batch,
                    "documents/s",
                    block,
                    batch / block,
                    "≥ 200",
                    batch / block >= 200,
                )
            )
            print("acceptance, beside the bare SQLite append of the same bytes", file=sys.stderr)
            for size in (1_000, 10_000):
                accepted, appended = turns(7, partial(bench.accept, size), partial(bench.bare_append, size))
                what = f"documents made durable and acknowledged, in process, batches of {size:,}"
                ratio = accepted / appended
                figures.append(Figure(what, accepted, "documents/s", appended, ratio, "≥ 0.5", ratio >= 0.5))
            print("offline verification, beside two bare Ed25519 verifications each", file=sys.stderr)
            case = bench.receipts(200)
            complete, shared, bound = turns(
                5, lambda: offline.complete(case), lambda: offline.shared(case), offline.signatures
            )
            figures.append(
                Figure(
                    "complete offline verifications, from bytes, one core",
                    complete,
                    "receipts/s",
                    bound,
                    complete / bound,
                    "≥ 2,000/s",
                    complete >= 2000,
                )
            )
            figures.append(
                Figure(
                    "with shared checkpoint and anchor, from bytes, one core",
                    shared,
                    "receipts/s",
                    bound,
                    shared / bound,
                    "reported",
                    None,
                )
            )
    show(figures, OUT)


main()
