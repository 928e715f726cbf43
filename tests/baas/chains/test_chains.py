"""Chains: created whole or not at all, stopped and started, deleted for good."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from baas.chains.errors import ChainDeleted, ChainStopped
from baas.errors import QuotaExceeded
from baas.store.paging import PageOf
from baas.tenancy import TenantScope
from baas.wiring import Services
from sandbox.chain import Chain as RunningChain
from sandbox.errors import SpecError
from sandbox.evidence.receipt import Receipt
from sandbox.lifecycle import ChainState
from tests.baas.flows import accept, all_anchored, log_of, new_place, scope_of, until

CODE = "9999990001"


@pytest.fixture
def owner(services: Services) -> Any:
    """A scope with every role in a new administration."""
    operator = services.initialise()
    staff = TenantScope(services.tokens.authenticate(operator.text))
    with services.store.session() as session:
        made = services.administrations.create(session, staff, CODE, "Vilafictícia", "ajuntament")
    return scope_of(made.id)


def directories(services: Services) -> set[str]:
    return {path.name for path in (services.settings.data / "chains").glob("*")}


def test_a_chain_id_is_never_used_again(services: Services, owner: Any) -> None:
    first = services.chains.create(owner, CODE, "a")
    services.chains.delete(owner, first.id)
    assert directories(services) == set()
    second = services.chains.create(owner, CODE, "a")
    assert second.chain_id == first.chain_id + 1
    for name in (first.id, str(first.chain_id)):
        with pytest.raises(ChainDeleted):
            services.chains.use(owner, name)
    assert services.chains.get(owner, str(second.chain_id)).id == second.id


@pytest.mark.parametrize("where", ["account", "open", "row"])
def test_a_creation_that_fails_leaves_nothing_but_a_used_number(
    services: Services, owner: Any, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    before = services.chains.create(owner, CODE, "a")
    with monkeypatch.context() as patch:

        def fail(*_given: Any, **_named: Any) -> Any:
            raise OSError("the disk is full")

        match where:
            case "account":
                patch.setattr(RunningChain, "allow", fail)
            case "open":
                patch.setattr("sandbox.chain.Sealer", fail)
            case "row":
                patch.setattr(services.audit, "record", fail)
        with pytest.raises(OSError, match="full"):
            services.chains.create(owner, CODE, "b")
    assert directories(services) == {before.id}
    assert [each.id for each in services.chains.listing(owner, PageOf()).rows] == [before.id]
    assert services.chains.create(owner, CODE, "b").chain_id == before.chain_id + 2


def test_what_no_row_stands_for_is_set_aside_at_the_start_and_half_made_ones_go(
    services: Services, owner: Any
) -> None:
    kept = services.chains.create(owner, CODE, "a")
    services.chains.stop(owner, kept.id)
    home = services.settings.data / "chains"
    orphan, draft = "01HZZZZZZZZZZZZZZZZZZZZZZZ", ".01HZZZZZZZZZZZZZZZZZZZZZZZ.0a1b2c3d.new"
    for name in (orphan, draft, "backup-2026", "lost+found"):
        shutil.copytree(home / kept.id, home / name)
    with services.states.scratch() as scratch:
        left = scratch.name
        (scratch / "archive.zip").write_bytes(b"an import that a kill cut short")
        shutil.copytree(scratch, home / f"{left}-cut")
    services.chains.reconcile()
    assert directories(services) == {kept.id, f"{orphan}.unclaimed", "backup-2026", "lost+found"}
    assert (home / f"{orphan}.unclaimed" / "chain.sqlite").exists()  # perhaps the only copy of its keys
    services.chains.reconcile()
    assert directories(services) == {kept.id, f"{orphan}.unclaimed", "backup-2026", "lost+found"}


def test_the_quota_holds_when_many_are_made_at_once(
    services: Services, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.limits, "default", replace(services.limits.default, chains=2))

    def create(label: str) -> str:
        try:
            return services.chains.create(owner, CODE, label).id
        except QuotaExceeded:
            return ""

    with ThreadPoolExecutor(4) as pool:
        made = {each for each in pool.map(create, "abcd") if each}
    assert len(made) == 2
    assert directories(services) == made
    services.chains.delete(owner, made.pop())
    assert create("e")


def test_a_stopped_chain_is_woken_by_nothing_but_a_start(services: Services, owner: Any) -> None:
    row = services.chains.create(owner, CODE, "a")
    assert services.chains.observed(row) is ChainState.RUNNING
    stopped = services.chains.stop(owner, row.id)
    assert (services.chains.observed(stopped), services.chains.head(stopped)) == (ChainState.STOPPED, None)
    for wake in (
        lambda: services.chains.use(owner, row.id),
        lambda: services.chains.awake(row.id),
        lambda: services.chains.create_account(owner, row.id, "clerk"),
        lambda: services.deployments.deploy(owner, row.id, "hash-registry", {}),
    ):
        with pytest.raises(ChainStopped):
            wake()
    assert services.chains.observed(stopped) is ChainState.STOPPED
    started = services.chains.start(owner, row.id)
    assert services.chains.observed(started) is ChainState.RUNNING


def test_a_stop_wins_against_those_who_use_the_chain_at_that_moment(services: Services, owner: Any) -> None:
    """Whoever read `running` just before the stop must not wake the chain just after it."""
    row = services.chains.create(owner, CODE, "a")
    over = threading.Event()

    def use() -> None:
        while not over.is_set():
            try:
                services.chains.use(owner, row.id)[1].head()
            except Exception:  # refused, or closed under its hands
                continue

    with ThreadPoolExecutor(4) as pool:
        users = [pool.submit(use) for _ in range(4)]
        try:
            for _ in range(5):
                services.chains.stop(owner, row.id)
                assert services.chains.observed(services.chains.get(owner, row.id)) is ChainState.STOPPED
                services.chains.start(owner, row.id)
        finally:
            over.set()
        for each in users:
            each.result()


def test_a_chain_sleeps_after_a_restart_and_wakes_with_the_same_head(services: Services, owner: Any) -> None:
    row = services.chains.create(owner, CODE, "a")
    services.deployments.deploy(owner, row.id, "hash-registry", {})
    head = services.chains.head(row)
    services.stop()
    again = Services.build(services.settings)
    again.start()
    assert again.chains.observed(again.chains.get(owner, row.id)) is ChainState.HIBERNATED
    assert again.chains.use(owner, row.id)[1].head() == head
    again.chains.stop(owner, row.id)
    again.stop()
    third = Services.build(services.settings)
    third.start()
    assert third.chains.observed(third.chains.get(owner, row.id)) is ChainState.STOPPED
    assert third.chains.observed(third.chains.start(owner, row.id)) is ChainState.RUNNING
    third.stop()


def test_an_unknown_engine_uses_up_no_number(services: Services, owner: Any) -> None:
    with pytest.raises(SpecError, match="embedded"):
        services.chains.create(owner, CODE, "a", "besu")
    first = services.chains.create(owner, CODE, "a")
    assert services.chains.create(owner, CODE, "b").chain_id == first.chain_id + 1


def test_a_chain_without_its_directory_is_an_error_that_names_no_path(services: Services, owner: Any) -> None:
    row = services.chains.create(owner, CODE, "a")
    services.chains.stop(owner, row.id)
    shutil.rmtree(services.settings.data / "chains" / row.id)
    with pytest.raises(Exception, match="cannot be opened") as raised:
        services.chains.start(owner, row.id)
    assert str(services.settings.data) not in str(raised.value)
    assert services.chains.observed(services.chains.get(owner, row.id)) is ChainState.FAILED
    assert services.chains.observed(services.chains.stop(owner, row.id)) is ChainState.STOPPED


def test_a_failed_chain_is_tried_again_by_its_next_use(services: Services, owner: Any) -> None:
    row = services.chains.create(owner, CODE, "a")
    services.chains.stop(owner, row.id)
    home = services.settings.data / "chains"
    (home / row.id).rename(home / "elsewhere")
    with pytest.raises(Exception, match="cannot be opened"):
        services.chains.start(owner, row.id)
    (home / "elsewhere").rename(home / row.id)
    assert services.chains.use(owner, row.id)[1].head().number == 0
    assert services.chains.observed(services.chains.get(owner, row.id)) is ChainState.RUNNING


@pytest.mark.parametrize("act", ["start", "stop", "delete"])
def test_nothing_brings_back_a_chain_that_was_deleted_meanwhile(
    services: Services, owner: Any, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    row = services.chains.create(owner, CODE, "a")
    services.chains.delete(owner, row.id)
    with monkeypatch.context() as patch:
        patch.setattr(services.chains, "get", lambda _scope, _name: row)  # as it was read just before
        with pytest.raises(ChainDeleted):
            getattr(services.chains, act)(owner, row.id)
    with pytest.raises(ChainDeleted):
        services.chains.get(owner, row.id)


# -- logs on it ------------------------------------------------------------------------------------


def test_what_waits_for_a_stopped_chain_goes_on_when_it_is_started(services: Services) -> None:
    place = new_place(services)
    services.chains.stop(place.scope, place.chain.id)
    accept(services, place, b"a")
    problem = until(lambda: services.pipeline.problem(1))
    assert "stopped" in problem
    for _ in range(50):  # who asks often leaves no timer each time
        services.pipeline.poke(1)
    threads = [
        each for each in threading.enumerate() if isinstance(each, threading.Timer) and each.is_alive()
    ]
    assert len(threads) < 10
    services.chains.start(place.scope, place.chain.id)
    services.pipeline.resume(place.chain.id)
    all_anchored(services)
    until(lambda: services.pipeline.problem(1) is None)


def test_after_its_chain_is_deleted_documents_go_to_a_new_log(services: Services) -> None:
    place = new_place(services)
    first = accept(services, place, b"a")
    all_anchored(services)

    def with_its_token() -> Receipt | None:
        with services.store.reading() as session:
            found = services.notarisations.receipt(session, place.scope, f"{first}-0")
        return found if found.timestamps else None

    kept = until(with_its_token)
    services.chains.delete(place.scope, place.chain.id)
    with pytest.raises(Exception, match="no unused deployment"):
        accept(services, place, b"b")
    assert log_of(services).accepted == 2, "nothing more is accepted into a log that nobody can anchor"
    chain = services.chains.create(place.scope, CODE, "nova")
    services.deployments.deploy(place.scope, chain.id, "document-notary", {})
    second = accept(services, place, b"b")
    assert log_of(services, 2).origin == f"baas-sandbox.example/{CODE}/documents/2"
    all_anchored(services, 2)
    with services.store.reading() as session:
        root = services.trust.of(session, place.scope, CODE)
        receipt = services.notarisations.receipt(session, place.scope, f"{second}-0")
        assert services.notarisations.receipt(session, place.scope, f"{first}-0") == kept
    from sandbox.evidence.verify import verify

    assert verify(b"a", kept, root).ok
    assert verify(b"b", receipt, root).ok
