"""The fleet's life at random, against a model of a few lines: with a stand-in for many steps, with real chains for few."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from baas.chains.errors import ChainDeleted, ChainExpired, ChainStopped
from baas.chains.leases import holding
from baas.clock import SystemClock
from baas.errors import Suspended
from baas.settings import Settings
from baas.tenancy import Caller, CallerKind, Role, TenantScope
from baas.wiring import Services
from sandbox.lifecycle import ChainState

BOUND, DAYS, GRACE, IDLE = 2, 10, 5, 900
CODE = "9999990001"


class StandingClock(SystemClock):
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.time = super().now()

    def now(self) -> datetime:
        return self.time


class Modelled:
    """One chain of the model: what is desired of it, how often it was used, and when its time is over."""

    def __init__(self, expires: datetime) -> None:
        self.desired, self.blocks, self.expires = "running", 0, expires


class FleetMachine(RuleBasedStateMachine):
    """`services` is killed and built again over the same data; the model stays."""

    #: Makes the fleet's chains; None for real ones.
    runtime: Callable[[], Any] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.clock = StandingClock()
        self.settings = Settings(
            data=Path(self.home.name) / "data",
            port=0,
            awake_chains=BOUND,
            chain_days=DAYS,
            chain_grace_days=GRACE,
            hibernate_after=IDLE,
            sealers=1,
            readers=1,
        )
        self.model: dict[str, Modelled] = {}
        self.suspended = False
        self._build()
        operator = self.services.initialise()
        self.staff = TenantScope(self.services.tokens.authenticate(operator.text))
        with self.services.store.session() as session:
            owner = self.services.administrations.create(session, self.staff, CODE, "Vila", "ajuntament")
        self.owner = owner.id

    def teardown(self) -> None:
        self.services.stop()
        self.home.cleanup()

    def _build(self) -> None:
        self.services = Services.build(self.settings, self.clock)
        if type(self).runtime is not None:
            self.services.fleet._runtime = type(self).runtime()
        self.services.chains.reconcile()
        self.services.chains.wake_unfinished()

    @property
    def scope(self) -> TenantScope:
        closed = {self.owner: "prova"} if self.suspended else {}
        roles = {self.owner: frozenset(Role)}
        return TenantScope(
            Caller(CallerKind.MEMBER, "m", "persona", "t", self.owner, roles, suspended=closed)
        )

    def _some(self, number: int) -> str:
        return sorted(self.model)[number % len(self.model)]

    def _refused(self, name: str) -> type[Exception] | None:
        """What a use of the chain is refused with, by the model."""
        chain = self.model[name]
        refusals = {"deleted": ChainDeleted, "stopped": ChainStopped, "expired": ChainExpired}
        if self.suspended and chain.desired != "deleted":
            return Suspended
        return refusals.get(chain.desired)

    @staticmethod
    def _write(chain: Any) -> None:
        if hasattr(chain, "use"):
            chain.use()
        else:
            chain.wait(chain.send("anchoring", to=b"\x01" * 20))

    @staticmethod
    def _count(chain: Any) -> int:
        if hasattr(chain, "use"):
            return int((chain.directory / "transactions").read_text())
        return int(chain.head().number)

    @initialize()
    def begins_with_one(self) -> None:
        self.create()

    @precondition(lambda self: len(self.model) < 5 and not self.suspended)
    @rule()
    def create(self) -> None:
        with holding():
            row = self.services.chains.create(self.scope, CODE, "x")
        self.model[row.id] = Modelled(row.expires)

    @rule(number=st.integers(0, 9))
    def use(self, number: int) -> None:
        name = self._some(number)
        expected = self._refused(name)
        try:
            with holding():
                _, chain = self.services.chains.use(self.scope, name)
                assert expected is None, f"{name} answered, and should have been refused with {expected}"
                self._write(chain)
                self.model[name].blocks += 1
                assert self._count(chain) == self.model[name].blocks, (
                    "a write was lost, or another's was seen"
                )
        except (ChainDeleted, ChainStopped, ChainExpired, Suspended) as error:
            assert expected is not None and isinstance(error, expected)

    @rule(number=st.integers(0, 9), act=st.sampled_from(["start", "stop", "delete"]))
    def ask(self, number: int, act: str) -> None:
        name = self._some(number)
        chain = self.model[name]
        try:
            with holding():
                getattr(self.services.chains, act)(self.scope, name)
        except ChainDeleted:
            assert chain.desired == "deleted"
        except Suspended:
            assert self.suspended
        except ChainExpired:
            assert chain.desired == "expired" and act != "delete"
        else:
            assert not self.suspended
            assert chain.desired != "deleted"
            chain.desired = {"start": "running", "stop": "stopped", "delete": "deleted"}[act]

    @rule(number=st.integers(0, 9))
    def extend(self, number: int) -> None:
        name = self._some(number)
        chain = self.model[name]
        try:
            row = self.services.chains.extend(self.scope, name, DAYS + 1)
        except ChainDeleted:
            assert chain.desired == "deleted"
        except Suspended:
            assert self.suspended
        except Exception as error:  # an end that is not after the present one
            assert "after the present one" in str(error)
            assert chain.expires >= self.clock.now() + timedelta(days=DAYS + 1)
        else:
            chain.expires = row.expires
            if chain.desired == "expired":
                chain.desired = "running"

    @rule(hours=st.sampled_from([1, 24, 24 * 4, 24 * 9]))
    def time_goes_by(self, hours: int) -> None:
        self.clock.time += timedelta(hours=hours)
        self.services.chains.supervise()
        now = self.clock.now()
        for chain in self.model.values():
            if chain.desired in ("running", "stopped") and chain.expires <= now:
                chain.desired = "expired"
            if chain.desired == "expired" and chain.expires <= now - timedelta(days=GRACE):
                chain.desired = "deleted"
        assert self.services.fleet.names_awake() == [], "all were idle"

    @rule()
    def suspend_or_resume(self) -> None:
        act = "resume" if self.suspended else "suspend"
        with self.services.store.session() as session:
            getattr(self.services.administrations, act)(session, self.staff, CODE, "prova")
        self.suspended = not self.suspended
        if self.suspended:
            self.services.chains.closes(self.owner)
            assert self.services.fleet.names_awake() == []

    @rule()
    def crash(self) -> None:
        """As a kill leaves it: the marks of what was awake stay; nothing is told that it ends."""
        self.services.fleet._unmark = lambda name: None  # type: ignore[method-assign]
        self.services.stop()
        self._build()

    @invariant()
    def what_is_observed_agrees(self) -> None:
        fleet, chains = self.services.fleet, self.services.chains
        assert len(fleet.names_awake()) <= BOUND
        names = {path.name for path in fleet.directories()}
        for name, chain in self.model.items():
            row = chains.get_any(name)
            assert (row.desired, row.expires) == (chain.desired, chain.expires)
            assert (name in names) == (chain.desired != "deleted")
            observed = chains.observed(row)
            if chain.desired == "running":
                assert observed in (ChainState.RUNNING, ChainState.HIBERNATED, ChainState.STOPPED)
            elif chain.desired == "deleted":
                assert observed is ChainState.DELETED
            else:
                assert observed is ChainState.STOPPED
            assert (fleet.awake(name) is not None) <= (chain.desired == "running" and not self.suspended)


@pytest.mark.long
def test_the_fleet_agrees_with_its_model_over_many_steps() -> None:
    from tests.baas.chains.stand_in import StandInRuntime

    machine = type("WithStandIns", (FleetMachine,), {"runtime": StandInRuntime})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.timeout(300)
def test_real_chains_agree_with_the_model_over_few_steps() -> None:
    run_state_machine_as_test(
        FleetMachine,
        settings=settings(
            max_examples=2, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
