"""The pipeline cut at every boundary: whatever was accepted is anchored, exactly once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from baas.errors import DataDirectoryLocked
from baas.logs import pipeline as pipelines
from baas.logs.pipeline import Pipeline
from baas.settings import Settings
from baas.wiring import Services
from sandbox.chain import Chain
from sandbox.errors import RpcError
from tests.baas.flows import accept, all_anchored, log_of, new_place, until
from tests.baas.logs.whole import anchors, check_whole


class Cut(BaseException):
    """As a kill: not an Exception, so that nothing handles it."""


@pytest.fixture
def quiet(settings: Settings) -> Any:
    """A service whose pipeline does only what the test asks of it."""
    services = Services.build(settings)
    services.chains.reconcile()
    yield services
    services.stop()


def after(owner: Any, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Patches a method so that the service is cut right after it has done its work."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        real = getattr(owner, name)

        def cut(*given: Any, **named: Any) -> Any:
            real(*given, **named)
            raise Cut

        patch.setattr(owner, name, cut)

    return apply


def before(owner: Any, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def apply(patch: pytest.MonkeyPatch) -> None:
        def cut(*_given: Any, **_named: Any) -> Any:
            raise Cut

        patch.setattr(owner, name, cut)

    return apply


BOUNDARIES = {
    "before anything": before(Pipeline, "_include"),
    "in the include": after(pipelines, "tree"),
    "after the include": after(Pipeline, "_include"),
    "before the plan's commit": after(Chain, "prepare"),
    "after the plan's commit": after(Pipeline, "_plan"),
    "after the submission": after(Chain, "submit"),
    "after it was mined": after(Chain, "wait"),
    "before the last commit": before(Pipeline, "_finish"),
    "in the last commit": after(pipelines, "sign_checkpoint"),
    "after the last commit": after(Pipeline, "_finish"),
}


@pytest.mark.long
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_cut_anywhere_is_resumed(quiet: Services, monkeypatch: pytest.MonkeyPatch, boundary: str) -> None:
    """Cut twice at the same boundary: the second time what the first one left is there too."""
    services = quiet
    place = new_place(services)
    documents: dict[str, bytes] = {}
    for number in range(2):
        given = [b"%d-%d" % (number, each) for each in range(3)]
        batch = accept(services, place, *given, poke=False)
        documents |= {f"{batch}-{index}": data for index, data in enumerate(given)}
        with monkeypatch.context() as patch:
            BOUNDARIES[boundary](patch)
            # the second time a step may have nothing to do any more: then there is nothing to cut
            with pytest.raises(Cut) if number == 0 else suppress(Cut):
                services.pipeline.advance(1)
    services.stop()
    again = Services.build(services.settings)
    try:
        again.start()
        check_whole(again, place, documents)
    finally:
        again.stop()


def test_entries_that_come_meanwhile_do_not_change_what_was_planned(
    quiet: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan covers a fixed size: a transaction that was signed for it is sent as it is, later entries go after it."""
    place = new_place(quiet)
    first = accept(quiet, place, b"a", poke=False)
    with monkeypatch.context() as patch:
        BOUNDARIES["after the plan's commit"](patch)
        with pytest.raises(Cut):
            quiet.pipeline.advance(1)
    (planned,) = anchors(quiet)
    second = accept(quiet, place, b"b", poke=False)
    while quiet.pipeline.advance(1):
        pass
    done = anchors(quiet)
    assert (done[0].transaction, done[0].new_size) == (planned.transaction, 2)
    check_whole(quiet, place, {f"{first}-0": b"a", f"{second}-0": b"b"})


@pytest.mark.parametrize("between", ["used", "gap"])
def test_a_plan_whose_nonce_does_not_fit_any_more_is_made_anew(
    quiet: Services, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    place = new_place(quiet)
    batch = accept(quiet, place, b"a", poke=False)
    chain = quiet.chains.awake(place.chain.id)
    label = quiet.chains.ANCHORING_ACCOUNT
    with monkeypatch.context() as patch:
        if between == "gap":  # signed behind a transaction that is then dropped
            real = chain._gateway.admission.next_nonce
            patch.setattr(chain._gateway.admission, "next_nonce", lambda sender: real(sender) + 3)
        BOUNDARIES["after the plan's commit"](patch)
        with pytest.raises(Cut):
            quiet.pipeline.advance(1)
    if between == "used":
        chain.wait(chain.send(label, to=chain.accounts.address(label)))
    (planned,) = anchors(quiet)
    while quiet.pipeline.advance(1):
        pass
    assert anchors(quiet)[0].transaction_hash != planned.transaction_hash
    check_whole(quiet, place, {f"{batch}-0": b"a"})


@pytest.mark.parametrize("cut", ["after the plan's commit", "before the last commit"])
def test_what_an_account_signed_before_it_got_a_new_key_is_anchored_once(
    quiet: Services, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    """Signed and never sent: planned anew under the new key. Sent: it counts, though its signer may send no more."""
    place = new_place(quiet)
    batch = accept(quiet, place, b"a", poke=False)
    with monkeypatch.context() as patch:
        BOUNDARIES[cut](patch)
        with pytest.raises(Cut):
            quiet.pipeline.advance(1)
    (planned,) = anchors(quiet)
    quiet.accounts.rotate(place.scope, place.chain.id, quiet.chains.ANCHORING_ACCOUNT)
    while quiet.pipeline.advance(1):
        pass
    assert (anchors(quiet)[0].transaction_hash == planned.transaction_hash) == (
        cut == "before the last commit"
    )
    check_whole(quiet, place, {f"{batch}-0": b"a"})


def test_a_refusal_is_shown_tried_again_and_ends_by_itself(services: Services) -> None:
    place = new_place(services)
    chain = services.chains.awake(place.chain.id)
    account = chain.accounts.address(services.chains.ANCHORING_ACCOUNT)
    services.permissions.disallow(place.scope, place.chain.id, account, "send")
    batch = accept(services, place, b"a")
    assert "not authorized" in until(lambda: services.pipeline.problem(1))
    services.permissions.allow(place.scope, place.chain.id, account, "send")
    check_whole(services, place, {f"{batch}-0": b"a"})
    until(lambda: services.pipeline.problem(1) is None)


def test_what_nobody_foresaw_is_told_without_its_words(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(services)
    with monkeypatch.context() as patch:

        def fail(*_given: Any) -> Any:
            raise OSError("/srv/private/chain.sqlite: disk I/O error")

        patch.setattr(Pipeline, "_include", fail)
        batch = accept(services, place, b"a")
        problem = until(lambda: services.pipeline.problem(1))
    assert "private" not in problem
    check_whole(services, place, {f"{batch}-0": b"a"})


def test_a_stop_does_not_wait_for_a_chain_that_seals_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(services)
    chain = services.chains.awake(place.chain.id)
    chain._sealer.stop()  # as when the clock was set back by a day
    accept(services, place, b"a")
    until(lambda: anchors(services))
    services.stop()  # the test's own time limit is the assertion: without a look in between it is a minute


def test_nothing_else_but_a_wrong_nonce_makes_a_plan_be_forgotten(
    quiet: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(quiet)
    accept(quiet, place, b"a", poke=False)

    def refuse(*_given: Any) -> str:
        raise RpcError(-32007, "Sender account not authorized", {"rule": "sender-allowlist"})

    with monkeypatch.context() as patch:
        patch.setattr(Chain, "submit", refuse)
        with pytest.raises(RpcError):
            quiet.pipeline.advance(1)
        (planned,) = anchors(quiet)
        with pytest.raises(RpcError):
            quiet.pipeline.advance(1)
    assert [each.transaction for each in anchors(quiet)] == [planned.transaction]


def test_two_services_on_one_directory(services: Services) -> None:
    with pytest.raises(DataDirectoryLocked):
        Services.build(services.settings)


def test_the_state_of_an_entry_is_read_off_three_numbers(services: Services) -> None:
    place = new_place(services)
    batch = accept(services, place, b"a")
    all_anchored(services)
    log = log_of(services)
    with services.store.reading() as session:
        found = services.notarisations.get(session, place.scope, f"{batch}-0")
    assert (found.index, found.state) == (1, "anchored")
    assert found.digest == hashlib.sha256(b"a").hexdigest()
    assert log.state_of(2) == "accepted"
