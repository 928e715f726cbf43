"""A log that grows: what an append and a proof cost, and how long a proof is, from a thousand entries to ten million.

In the service's own database (`SqlTiles`), in batches as the pipeline includes them, with each size's proofs timed at
random indexes of a tree that was opened anew.
"""

from __future__ import annotations

import random
import resource
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from baas.logs.tree import SqlTiles
from baas.store import Store
from sandbox.evidence import merkle
from sandbox.evidence.tiles import TiledLog
from tests.bench.figures import Figure

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
#: Entries that join the tree in one transaction, as in the pipeline; those of one small request, and how many such;
#: proofs of each kind.
AT_ONCE, SMALL, REQUESTS, PROOFS = 20_000, 10, 20, 200


def measure_growth(sizes: Sequence[int] = SIZES) -> list[Figure]:
    """At each size, grown from the one before: hashes in a proof, milliseconds for one, microseconds an append."""
    figures: list[Figure] = []
    chosen = random.Random(20260101)
    with tempfile.TemporaryDirectory(prefix="baas-growth-") as name:
        store = Store.open(Path(name) / "data")
        try:
            number, size, first_proof, first_append = 1, 0, 0.0, 0.0
            for wanted in sizes:
                size, bulk = _grow(store, number, size, wanted - SMALL * REQUESTS, AT_ONCE)
                size, small = _grow(store, number, size, wanted, SMALL)
                hashes, inclusion, consistency = _prove(store, number, size, chosen)
                first_proof, first_append = first_proof or inclusion, first_append or small
                figures += _figures(
                    size, hashes, (inclusion, first_proof), consistency, (small, first_append), bulk
                )
        finally:
            store.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*figures, Figure("most memory of this process until then", memory, "MB")]


def _figures(
    size: int,
    hashes: int,
    inclusion: tuple[float, float],
    consistency: float,
    small: tuple[float, float],
    bulk: float,
) -> list[Figure]:
    """What one size shows; of a pair, the second is the smallest size's."""
    bound, what = (size - 1).bit_length(), f"log of {size:,} entries: "
    proof, first_proof = inclusion
    append, first_append = (each * SMALL * 1000 for each in small)
    longest, alone = (
        what + "hashes in the longest inclusion proof",
        what + "an inclusion proof from a tree opened anew",
    )
    return [
        Figure(longest, hashes, "hashes", bound, goal=f"≤ {bound}", met=hashes <= bound),
        Figure(alone, proof * 1000, "ms", first_proof * 1000, first_proof / proof),
        Figure(what + "a consistency proof from a tree opened anew", consistency * 1000, "ms"),
        Figure(
            what + f"an append of {SMALL} and its commit", append, "ms", first_append, first_append / append
        ),
        Figure(what + f"an entry appended with {AT_ONCE:,} others", bulk * 1e6, "µs"),
    ]


def _grow(store: Store, number: int, size: int, wanted: int, at_once: int) -> tuple[int, float]:
    """Appends up to `wanted` entries; seconds for one, without making the hashes."""
    start_size, spent = size, 0.0
    while size < wanted:
        stop = min(wanted, size + at_once)
        leaves = [sha256(index.to_bytes(8, "big")).digest() for index in range(size, stop)]
        start = time.perf_counter()
        with store.session() as session:
            TiledLog(SqlTiles(session, number), size).append(leaves)
        spent += time.perf_counter() - start
        size = stop
    return size, spent / max(1, size - start_size)


def _prove(store: Store, number: int, size: int, chosen: random.Random) -> tuple[int, float, float]:
    """The longest of some inclusion proofs, and seconds for one of each kind; all of them hold."""
    with store.reading() as session:
        root = TiledLog(SqlTiles(session, number), size).root()
        indexes = [0, size - 1, *(chosen.randrange(size) for _ in range(PROOFS - 2))]
        longest, inclusion, consistency = 0, 0.0, 0.0
        for index in indexes:
            start = time.perf_counter()
            grown = TiledLog(SqlTiles(session, number), size)
            proof = grown.inclusion_proof(index)
            inclusion += time.perf_counter() - start
            merkle.verify_inclusion(grown.leaf(index), index, size, proof, root)
            longest = max(longest, len(proof))
        for index in indexes:
            old = max(1, index)
            start = time.perf_counter()
            proof = TiledLog(SqlTiles(session, number), size).consistency_proof(old)
            consistency += time.perf_counter() - start
            merkle.verify_consistency(
                old, size, proof, TiledLog(SqlTiles(session, number), size).root(old), root
            )
    return longest, inclusion / PROOFS, consistency / PROOFS
