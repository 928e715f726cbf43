"""The two roads into a log write the very same rows."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from baas.clock import SystemClock
from baas.logs.acceptance import Draft, accept, accept_digests
from baas.logs.model import LogEntry
from baas.settings import Settings
from baas.wiring import Services
from sandbox.errors import MalformedEvidence
from sandbox.evidence.commitment import commit
from tests.baas.flows import accept as accept_one
from tests.baas.flows import log_of, new_place


@pytest.fixture
def quiet(settings: Settings) -> Any:
    services = Services.build(settings)
    services.chains.reconcile()
    yield services
    services.stop()


def counted(size: int) -> bytes:
    """As if random, and the same each time."""
    return hashlib.shake_256(b"salts").digest(size)


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512", "sha3-256"])
def test_a_batch_is_the_same_rows_by_either_road(quiet: Services, algorithm: str) -> None:
    place = new_place(quiet)
    accept_one(quiet, place, b"the first one opens the log", poke=False)
    size = 64 if algorithm == "sha-512" else 32
    digests = [hashlib.shake_256(bytes([place])).digest(size) for place in range(7)]
    at = SystemClock().now()
    with quiet.store.session() as session:
        log = session.merge(log_of(quiet))
        first = log.accepted
        one = accept(
            session,
            log,
            [Draft("notarise", algorithm, digest) for digest in digests],
            batch_id="1" * 26,
            at=at,
            random=counted,
        )
        other = accept_digests(
            session, log, "notarise", algorithm, digests, batch_id="2" * 26, at=at, random=counted
        )
        assert (one.first_index, other.first_index, log.accepted) == (first, first + 7, first + 14)
        rows = [session.get(LogEntry, (log.key, first + place)) for place in range(14)]
    stripped = [row.model_dump(exclude={"position"}) if row else None for row in rows]
    assert stripped[:7] == stripped[7:]
    for row, digest in zip(rows[:7], digests, strict=True):
        assert row is not None and row.salt is not None
        assert (row.digest, row.commitment) == (digest, commit(algorithm, digest, row.salt))


def test_a_digest_of_another_length_writes_nothing(quiet: Services) -> None:
    place = new_place(quiet)
    accept_one(quiet, place, b"the first one opens the log", poke=False)
    with quiet.store.session() as session:
        log = session.merge(log_of(quiet))
        before = log.accepted
        with pytest.raises(MalformedEvidence, match="has 32 bytes, got 31"):
            accept_digests(
                session,
                log,
                "notarise",
                "sha-256",
                [bytes(32), bytes(31)],
                batch_id="3" * 26,
                at=SystemClock().now(),
            )
        assert log.accepted == before
        assert session.get(LogEntry, (log.key, before)) is None
