"""The outage drill on a real service: every arm is cut off for real, and what was acknowledged is completed afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from baas.chains.errors import ChainStopped
from baas.connectors import ConnectorSettings, Environment, connectors
from baas.metrics import CHAIN
from baas.pilots import outages
from baas.pilots.model import Pilot, PilotRecord
from baas.pilots.outages import SUBMITTED, Drills, DrillStopped, Outage
from baas.pilots.plan import Plan
from baas.protocols.pci.products import mux
from baas.settings import Settings
from baas.tenancy import across_administrations
from baas.wiring import Services
from sandbox.lifecycle import DesiredState
from tests.baas.conftest import serving
from tests.baas.flows import TEST, Place, accept, all_anchored, log_of, new_place, until

TEXT = "una frase prou llarga"
SECONDS = 1.6


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Place]]:
    """A service that answers over HTTP, with one anchored document."""
    services = Services.build(Settings(data=tmp_path_factory.mktemp("outages") / "data", port=0))
    services.start()
    place = new_place(services)
    accept(services, place, b"first")
    all_anchored(services)
    services.exchange_service.authorise(place.code, mux.PRODUCT, mux.ENTRY, "PROVES")
    services.exchange_service.serve()
    with serving(services) as url:
        services.address.is_at(url)
        yield services, place
    services.stop()


def drills(services: Services, seconds: float = SECONDS, **changed: Any) -> Drills:
    settings_of = services.pilots._opening.settings_of

    def altered(slug: str, administration: str) -> ConnectorSettings:
        return replace(settings_of(slug, administration), **changed)

    return Drills(
        services.store, services.chains, services.logs, services.notarisations, services.trust,
        altered, services.pipeline.resume, seconds,
    )  # fmt: skip


@pytest.fixture(scope="module")
def drilled(live: tuple[Services, Place]) -> dict[str, Outage]:
    services, place = live
    stopped: list[str] = []
    never = threading.Event()
    found = drills(services)(place.scope, place.code, list(connectors()), stopped.append, never)
    assert stopped == [place.chain.id]
    return {each.arm: each for each in found}


def test_every_arm_has_one_row(drilled: dict[str, Outage]) -> None:
    assert list(drilled) == [CHAIN, *connectors()]
    for each in drilled.values():
        assert each.submitted == SUBMITTED
        assert each.seconds >= SECONDS
        assert each.recovery_seconds is not None
        assert 0 < each.recovery_seconds < outages.PATIENCE


def test_what_the_chain_arm_acknowledged_while_its_chain_was_stopped_is_anchored_afterwards(
    drilled: dict[str, Outage], live: tuple[Services, Place]
) -> None:
    services, _ = live
    chain = drilled[CHAIN]
    assert (chain.refused, chain.timed_out, chain.completed_later, chain.lost) == (0, 0, SUBMITTED, 0)
    assert chain.kept_evidence_verifies
    log = log_of(services)
    assert log.anchored_size == log.accepted


@pytest.mark.parametrize("slug", ["timestamp", "seal", "log", "csv", "exchange"])
def test_an_incumbent_that_is_away_refuses_or_hangs_and_acknowledges_nothing(
    drilled: dict[str, Outage], slug: str
) -> None:
    """Half of the documents are refused at once; of the other half each waits, for its answer or for nothing."""
    found = drilled[slug]
    assert found.refused == SUBMITTED // 2
    assert found.timed_out + found.completed_later == SUBMITTED - SUBMITTED // 2
    assert found.lost == 0


@pytest.mark.parametrize(
    ("slug", "verifies"),
    [("timestamp", True), ("seal", True), ("log", True), ("csv", False), ("exchange", True)],
)
def test_whether_evidence_from_before_can_be_checked_while_its_service_is_away(
    drilled: dict[str, Outage], slug: str, verifies: bool
) -> None:
    assert drilled[slug].kept_evidence_verifies is verifies
    assert ("verifies offline" in drilled[slug].detail) is verifies
    assert ("cannot be checked" in drilled[slug].detail) is not verifies


def test_a_service_outside_the_laboratory_is_not_cut_off(live: tuple[Services, Place]) -> None:
    services, place = live
    outside = drills(services, 0.2, environment=Environment.PREPRODUCTION)
    found = outside(place.scope, place.code, ["timestamp"], lambda _chain: None, threading.Event())
    assert [each.arm for each in found] == [CHAIN]


def test_a_drill_that_is_stopped_gives_no_table_and_leaves_the_chain_running(
    live: tuple[Services, Place],
) -> None:
    services, place = live
    stop = threading.Event()

    def stopping(chain: str) -> None:
        assert chain == place.chain.id
        stop.set()

    with pytest.raises(DrillStopped):
        drills(services, 30.0)(place.scope, place.code, ["timestamp"], stopping, stop)
    assert services.chains.get(place.scope, place.chain.id).desired == DesiredState.RUNNING
    accept(services, place, b"after")
    all_anchored(services)


def test_a_drill_that_fails_leaves_the_chain_running(
    live: tuple[Services, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    services, place = live

    def full(*_given: object) -> str:
        with pytest.raises(ChainStopped):
            services.chains.awake(place.chain.id)
        raise OSError("the disk is full")

    monkeypatch.setattr(Drills, "_accepted", full)
    with pytest.raises(OSError, match="full"):
        drills(services, 0.2)(place.scope, place.code, [], lambda _chain: None, threading.Event())
    assert services.chains.get(place.scope, place.chain.id).desired == DesiredState.RUNNING


# -- a service that ends in the drill ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "desired"),
    [
        ((), DesiredState.STOPPED),  # whoever stopped it, it was no drill
        (("stopping",), DesiredState.RUNNING),
        (
            ("stopping", "outage"),
            DesiredState.STOPPED,
        ),  # the drill had started it again: it was somebody, later
    ],
)
def test_a_service_killed_in_the_drill_ends_the_pilot_early_and_starts_the_chain_again(
    services: Services, kinds: tuple[str, ...], desired: DesiredState
) -> None:
    """As a kill leaves it: the chain is stopped, the pilot runs, and documents wait."""
    place = new_place(services)
    accept(services, place, b"before")
    all_anchored(services)
    plan = Plan(problem=TEXT, hypothesis=TEXT, alternative=TEXT, mid=1.0, seed=1)
    with services.store.session() as session:
        pilot = services.pilots.create(session, place.scope, place.code, "Pilot", plan)
        pilot.state = "running"  # type: ignore[assignment]
        for kind in kinds:
            content = rfc8785.dumps({"chain": place.chain.id}).decode()
            session.add(
                PilotRecord(
                    administration_id=pilot.administration_id, pilot=pilot.id, kind=kind, content=content
                )
            )
    services.chains.stop(place.scope, place.chain.id)
    accept(services, place, b"meanwhile")
    services.stop()
    again = Services.build(services.settings)
    again.start()
    try:
        with again.store.reading() as session:
            (row,) = session.exec(across_administrations(Pilot, TEST)).all()
        assert row.state == "measured"
        assert again.chains.get(place.scope, place.chain.id).desired == desired
        if desired == DesiredState.RUNNING:
            until(lambda: log_of(again).anchored_size == log_of(again).accepted)
    finally:
        again.stop()


# -- the row ----------------------------------------------------------------------------------------


@given(st.lists(st.integers(-2, 6), min_size=4, max_size=4), st.integers(0, 12))
def test_every_submitted_document_is_counted_once(counts: list[int], submitted: int) -> None:
    refused, timed_out, completed, lost = counts

    def made() -> Outage:
        return Outage("log", submitted, refused, timed_out, completed, lost, 2.0, 0.1, True)

    if sum(counts) == submitted and min(counts) >= 0:
        assert made().submitted == submitted
    else:
        with pytest.raises(ValueError, match="were submitted"):
            made()
