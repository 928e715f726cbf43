"""A service with a log of several checkpoints, and the keys of its trust service: made once, changed by nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from baas.clock import SystemClock
from baas.pilots.cheating.examiner import Examiner
from baas.pilots.cheating.keys import Keys, keys_of
from baas.pilots.cheating.second_chain import Victim
from baas.settings import Settings
from baas.wiring import TRUST_SERVICE, Services
from tests.baas.flows import Place, accept, all_anchored, new_place

KEPT = 3


@pytest.fixture(scope="session")
def cheated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Place]]:
    services = Services.build(Settings(data=tmp_path_factory.mktemp("attacks") / "data", port=0))
    services.start()
    place = new_place(services)
    for number in range(KEPT):
        accept(services, place, b"a%d" % number, b"b%d" % number)
        all_anchored(services)
    yield services, place
    services.stop()


def examiner_of(services: Services, records: int) -> Examiner:
    directory = services.settings.data / TRUST_SERVICE
    return Examiner(
        services.store, services.clock, services.chains, services.logs, services.trust, directory, records
    )


@pytest.fixture(scope="session")
def victim(cheated: tuple[Services, Place]) -> Victim:
    services, place = cheated
    with services.store.reading() as session:
        found = examiner_of(services, 2 * KEPT).victim(session, place.scope, place.code)
    assert len(found.kept) == KEPT * 2
    assert len({each.checkpoint for each in found.kept}) == KEPT
    return replace(found, kept=found.kept[::2])


@pytest.fixture(scope="session")
def keys(cheated: tuple[Services, Place]) -> Iterator[Keys]:
    services, _ = cheated
    with keys_of(services.settings.data / TRUST_SERVICE, SystemClock()) as opened:
        yield opened
