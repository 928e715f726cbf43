"""Logs that ask witnesses: receipts wait for enough of them, and what is lost on the way is asked for again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from baas.errors import Forbidden, Invalid
from baas.logs.model import Log
from baas.logs.witnessing import MOST_SKEW, NotWitnessedYet, Witnessing
from baas.settings import Settings
from baas.store.paging import PageOf
from baas.tenancy import Caller, CallerKind, Role, TenantScope
from baas.wiring import Services
from baas.witnesses.outside import WitnessUnreachable
from baas.witnesses.service import Witnesses
from sandbox import witness as files
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.cosignature import Cosigner, open_cosignatures
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.policy import STANDARD, Policy
from sandbox.evidence.receipt import Receipt
from sandbox.evidence.report import Report
from sandbox.evidence.verify import verify
from sandbox.witness import SIZE, TEXT, Answer
from tests.baas.conftest import ShiftedClock
from tests.baas.flows import Place, accept, all_anchored, log_of, new_place, until
from tests.baas.witnesses.alone import running

WITNESSED = Policy(STANDARD.required | {"witnesses"})
OPERATOR = "baas-sandbox.example"


@dataclass
class Town:
    """An administration with a document log and witnesses inside the service that follow it."""

    services: Services
    place: Place

    @property
    def log(self) -> Log:
        return log_of(self.services)

    def witness(self, label: str, follows: bool = True) -> str:
        made = self.services.witnesses.create(self.place.scope, self.place.code, label)
        if follows:
            self.services.witnesses.follow(self.place.scope, made.id, self.log.origin, self.key)
        return made.name

    @property
    def key(self) -> str:
        return NoteSigner(self.log.origin, self.log.signing_key).verifier.vkey

    def demand(self, threshold: int, *names: str) -> None:
        with self.services.store.session() as session:
            self.services.witnessing.set(session, self.place.scope, self.log, threshold, names)
        self.services.witnessing.poke(self.log.key)

    def notarise(self, *documents: bytes) -> str:
        batch = accept(self.services, self.place, *documents)
        all_anchored(self.services)
        return batch

    def receipt(self, index: int) -> Receipt:
        with self.services.store.reading() as session:
            return self.services.logs.receipt(session, self.log, index)

    def receipt_soon(self, index: int) -> Receipt:
        def ask() -> Receipt | None:
            with suppress(NotWitnessedYet):
                return self.receipt(index)
            return None

        return until(ask)

    def operators_on_paper(self) -> int | None:
        """What a PDF of the first document's receipt says of who must collude."""
        with self.services.store.reading() as session:
            return self.services.logs.source(session, self.log, 1).operators

    def verified(self, document: bytes, receipt: Receipt) -> Report:
        with self.services.store.reading() as session:
            root = self.services.trust.of(session, self.place.scope, self.place.code)
        return verify(document, receipt, root, WITNESSED)

    def cosigners(self, receipt: Receipt) -> list[str]:
        with self.services.store.reading() as session:
            known = [each.verifier for each in self.services.witnesses.known(session).values()]
        return [each.verifier.name for each in open_cosignatures(receipt.checkpoint, known).cosignatures]

    def policy(self) -> Any:
        with self.services.store.reading() as session:
            return self.services.witnessing.policy(session, self.log)

    def problem(self, name: str) -> str | None:
        (key,) = [each.key for each in self.policy().asked if each.name == name]
        return self.services.witnessing.problem(self.log, key)


@pytest.fixture
def town(services: Services) -> Town:
    made = Town(services, new_place(services))
    made.notarise(b"first")
    return made


def test_without_a_policy_nothing_changes(town: Town) -> None:
    name = town.witness("w1")
    receipt = town.receipt(1)
    assert town.cosigners(receipt) == []
    assert town.policy() is None
    assert town.operators_on_paper() is None
    report = town.verified(b"first", receipt)
    assert (report.failed_step, report.steps[12].outcome.key) == ("witnesses", "witnesses.none")
    assert name.startswith(f"{OPERATOR}/witnesses/")


def test_receipts_carry_the_cosignatures_that_the_policy_demands(town: Town, clock: ShiftedClock) -> None:
    names = [town.witness(label) for label in ("w1", "w2", "w3")]
    town.demand(2, *names)
    receipt = town.receipt_soon(1)
    assert len(town.cosigners(receipt)) >= 2
    report = town.verified(b"first", receipt)
    assert report.ok
    found = report.steps[12].outcome
    # all of them are run by this platform: its operator alone could show two views, and it is said
    assert (found.key, found.values["operators"], found.flag) == ("witnesses.alone", 1, True)
    assert f"({OPERATOR})" in found.text
    assert town.operators_on_paper() == 1
    town.notarise(b"second", b"third")
    later = town.receipt_soon(3)
    assert later.inclusion.size == 4
    assert town.verified(b"third", later).ok
    assert until(lambda: [each.size for each in town.policy().asked] == [4, 4, 4])


def test_a_receipt_waits_and_says_who_is_missing_and_why(town: Town) -> None:
    good, deaf = town.witness("w1"), town.witness("w2", follows=False)
    town.demand(2, good, deaf)
    until(lambda: town.problem(deaf) and any(each.size for each in town.policy().asked))
    with pytest.raises(NotWitnessedYet) as refused:
        town.receipt(1)
    (missing,) = refused.value.missing
    assert (refused.value.threshold, refused.value.count, missing[0]) == (2, 1, deaf)
    assert "404: this witness does not follow" in str(refused.value)
    with town.services.store.reading() as session:
        rows = town.services.witnesses.listing(town.place.scope, _FIRST, None).rows
        assert town.services.witnessing.witnessed_size(session, town.log) == 0
    (row,) = [each for each in rows if each.name == deaf]
    town.services.witnesses.follow(town.place.scope, row.id, town.log.origin, town.key)
    assert town.verified(b"first", town.receipt_soon(1)).ok  # tried again by itself


def test_one_below_the_threshold_is_enough_where_one_is_missing(town: Town) -> None:
    good, deaf, other = town.witness("w1"), town.witness("w2", follows=False), town.witness("w3")
    town.demand(2, good, deaf, other)
    report = town.verified(b"first", town.receipt_soon(1))
    assert report.ok
    assert deaf not in report.steps[12].outcome.text


def test_an_older_entry_is_proven_by_the_first_checkpoint_that_has_enough(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = town.witness("w1")
    real = Witnesses.ask
    monkeypatch.setattr(Witnesses, "ask", _unreachable)
    town.demand(1, name)
    town.notarise(b"second")
    until(lambda: town.problem(name))
    for index in (1, 2):
        with pytest.raises(NotWitnessedYet, match="cannot be reached"):
            town.receipt(index)
    monkeypatch.setattr(Witnesses, "ask", real)
    receipt = town.receipt_soon(1)
    assert receipt.inclusion.size == 3  # the checkpoint of size 2 was never cosigned
    assert town.verified(b"first", receipt).ok
    town.notarise(b"third")
    assert town.receipt_soon(3).inclusion.size == 4
    assert town.receipt(1) == receipt  # the first that has enough, also later


def test_a_batch_of_receipts_waits_as_a_whole(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    name = town.witness("w1")
    town.demand(1, name)
    town.receipt_soon(1)
    monkeypatch.setattr(Witnesses, "ask", _unreachable)
    batch = town.notarise(b"second", b"third")

    def receipts() -> list[Any]:
        with town.services.store.reading() as session:
            return list(town.services.notarisations.receipts(session, town.place.scope, batch))

    with pytest.raises(NotWitnessedYet):
        receipts()
    monkeypatch.undo()
    town.receipt_soon(3)
    assert len(receipts()) == 2


def test_cleared_everything_is_as_without(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.demand(1, town.witness("w1"))
    town.receipt_soon(1)
    with town.services.store.session() as session:
        town.services.witnessing.clear(session, town.place.scope, town.log)
        town.services.witnessing.clear(session, town.place.scope, town.log)
    monkeypatch.setattr(Witnesses, "ask", _unreachable)
    town.notarise(b"second")
    assert town.verified(b"second", town.receipt(2)).steps[12].outcome.key == "witnesses.none"


def test_a_changed_policy_retires_and_what_was_cosigned_still_counts(town: Town, clock: ShiftedClock) -> None:
    first, second = town.witness("w1"), town.witness("w2")
    town.demand(1, first)
    old = town.receipt_soon(1)
    clock.advance(seconds=10)
    town.demand(1, second)
    assert town.verified(b"first", old).ok  # by a witness that is retired
    assert [each.name for each in town.policy().asked] == [second]
    town.notarise(b"second")
    assert town.cosigners(town.receipt_soon(2)) == [second]
    clock.advance(seconds=10)
    town.demand(1, first, second)
    assert {each.name for each in town.policy().asked} == {first, second}
    assert town.verified(b"first", old).ok


def test_what_cannot_be_demanded(town: Town) -> None:
    name = town.witness("w1")
    for threshold, names in (
        (0, [name]),
        (2, [name]),
        (1, []),
        (1, ["absent.example/w1"]),
        (2, [name, name]),
    ):
        with pytest.raises(Invalid):
            town.demand(threshold, *names)
    for role in (Role.DEVELOPER, Role.AUDITOR):
        own = town.place.scope.caller.administration_id or ""
        caller = Caller(CallerKind.MEMBER, "m", "p", "t", own, {own: frozenset({role})})
        with town.services.store.session() as session, pytest.raises(Forbidden):
            town.services.witnessing.set(session, TenantScope(caller), town.log, 1, [name])
        with town.services.store.session() as session, pytest.raises(Forbidden):
            town.services.witnessing.clear(session, TenantScope(caller), town.log)


# -- what a witness may say ------------------------------------------------------------------------


def misbehaving(answer: Callable[[bytes], Answer]) -> Callable[..., Answer]:
    return lambda _self, _name, body: answer(body)


FORGER = Cosigner("forger.example", bytes(32))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: Answer(403, TEXT, "no\n"), "it answered 403: no"),
        (lambda _: Answer(200, TEXT, ""), "no cosignature"),
        (lambda _: Answer(200, TEXT, "not a line\n"), "no cosignature"),
        (lambda _: Answer(200, TEXT, FORGER.cosign("x\n", 1).line), "another key"),
        (lambda _: Answer(409, SIZE, "x\n"), "without a size"),
        (lambda _: Answer(409, TEXT, "1\n"), "it answered 409"),
        (lambda _: Answer(409, SIZE, "0\n"), "shown another view"),
        (lambda _: Answer(409, SIZE, "1000\n"), "saw another history"),
        (lambda _: Answer(500, TEXT, "\x1b[2J\n"), "it answered 500"),
    ],
)
def test_what_a_witness_may_say_and_is_not_believed(
    town: Town, monkeypatch: pytest.MonkeyPatch, answer: Callable[[bytes], Answer], said: str
) -> None:
    name = town.witness("w1")
    monkeypatch.setattr(Witnesses, "ask", misbehaving(answer))
    town.demand(1, name)
    until(lambda: said in (town.problem(name) or ""))
    with pytest.raises(NotWitnessedYet, match="Nothing is lost"):
        town.receipt(1)
    monkeypatch.undo()
    if "history" not in said:  # that one is for people: the log asks from the size that it was told
        town.receipt_soon(1)


@pytest.mark.parametrize("seconds", [-MOST_SKEW - 5, MOST_SKEW + 5])
def test_a_witness_whose_clock_is_wrong_is_not_counted(
    town: Town, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    name, kept = town.witness("w1"), files.Witness._keep
    monkeypatch.setattr(files.Witness, "_keep", lambda *given: kept(*given) + seconds)
    town.demand(1, name)
    until(lambda: "its clock is" in (town.problem(name) or ""))
    with pytest.raises(NotWitnessedYet):
        town.receipt(1)


def test_a_witness_that_is_ahead_is_asked_from_there(town: Town) -> None:
    """What it cosigned and the log was not told, as when the service died in between."""
    name = town.witness("w1")
    with town.services.store.reading() as session:
        newest = town.services.logs.newest_checkpoint(session, town.log)
    assert newest is not None
    answer = town.services.witnesses.ask(name, files.request(0, [], str(newest.checkpoint)))
    assert answer.status == 200
    town.demand(1, name)
    assert town.verified(b"first", town.receipt_soon(1)).ok


def test_a_lying_platform_cannot_reach_enough_for_its_second_view(town: Town) -> None:
    """The service's own database shows another tree of the same size: the witnesses that saw the first refuse it."""
    names = [town.witness("w1"), town.witness("w2")]
    town.demand(2, *names)
    honest = town.receipt_soon(1)
    forged = sign_checkpoint(
        Checkpoint(town.log.origin, honest.inclusion.size, hashlib.sha256(b"other").digest()),
        [NoteSigner(town.log.origin, town.log.signing_key)],
    )
    for name in names:
        assert town.services.witnesses.ask(name, files.request(2, [], forged)) == Answer(409, SIZE, "2\n")
    for row in town.services.witnesses.listing(town.place.scope, _FIRST, None).rows:
        _, contradictions = town.services.witnesses.seen(town.place.scope, row.id)
        assert [(each.size, each.second) for each in contradictions] == [(2, forged)]


# -- cut off ---------------------------------------------------------------------------------------


class Cut(BaseException):
    """As a kill: not an Exception, so that nothing handles it."""


@pytest.mark.long
@pytest.mark.parametrize("place", ["_checked", "_store_cosignature", "policy"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_cut_at_every_boundary_it_is_asked_for_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, place: str, when: str
) -> None:
    services = Services.build(settings)
    services.chains.reconcile()
    town = Town(services, new_place(services))
    accept(services, town.place, b"first", poke=False)
    while services.pipeline.advance(1):
        pass
    name = town.witness("w1")
    with services.store.session() as session:
        services.witnessing.set(session, town.place.scope, town.log, 1, [name])
    (key,) = [each.key for each in town.policy().asked]
    real = getattr(Witnessing, place)

    def cut(*given: Any) -> Any:
        if when == "after":
            real(*given)
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(Witnessing, place, cut)
        with suppress(Cut):
            services.witnessing._step((1, key))
    services.stop()
    services = Services.build(settings)
    services.start()
    try:
        again = Town(services, town.place)
        receipt = again.receipt_soon(1)
        assert again.verified(b"first", receipt).ok
        assert receipt.checkpoint.count("— ") == 2
    finally:
        services.stop()


# -- witnesses elsewhere ---------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", port=0, witnesses_file=tmp_path / "witnesses.toml")


@pytest.fixture(autouse=True)
def elsewhere(settings: Settings) -> Path:
    file = settings.witnesses_file
    assert file is not None
    file.write_text("")
    return file


@pytest.mark.long
def test_witnesses_on_machines_of_their_own_make_the_number_rise(
    town: Town, elsewhere: Path, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        alone = [
            stack.enter_context(running(tmp_path / f"{label}.sqlite", f"witness.vila-{label}.example/w1"))
            for label in "ab"
        ]
        elsewhere.write_text(
            "".join(each.entry(each.name[13], f"Vila {each.name[13].upper()}") for each in alone)
        )
        for each in alone:
            each.follow(town.log.origin, town.key)
        town.demand(3, town.witness("w1"), *(each.name for each in alone))
        receipt = town.receipt_soon(1)
        found = town.verified(b"first", receipt).steps[12].outcome
        assert (found.key, found.values["operators"], found.values["count"]) == ("witnesses.cosigned", 3, 3)
        assert "(Vila A)" in found.text
        stack.pop_all().close()
    # gone: what needs them waits and says so; put back, it goes on
    town.notarise(b"second")
    until(lambda: "cannot be reached" in (town.problem(alone[0].name) or ""))
    with pytest.raises(NotWitnessedYet, match="cannot be reached"):
        town.receipt(2)
    with ExitStack() as stack:
        back = [stack.enter_context(running(each.file)) for each in alone]
        elsewhere.write_text(
            "".join(each.entry(each.name[13], f"Vila {each.name[13].upper()}") for each in back)
        )
        assert town.verified(b"second", town.receipt_soon(2)).ok


def test_a_witness_that_hangs_holds_up_no_other_log_and_no_anchor(
    town: Town, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    ending, real = Event(), Witnesses.ask
    slow, quick = town.witness("slow"), town.witness("quick")

    def ask(self: Witnesses, name: str, body: bytes) -> Answer:
        if name == slow:
            ending.wait(60)
        return real(self, name, body)

    monkeypatch.setattr(Witnesses, "ask", ask)
    try:
        town.demand(1, slow, quick)
        assert town.cosigners(town.receipt_soon(1)) == [quick]
        town.notarise(b"second")  # anchored while one hangs
        assert town.cosigners(town.receipt_soon(2)) == [quick]
    finally:
        ending.set()


def _unreachable(*_given: object) -> Answer:
    raise WitnessUnreachable("witness cannot be reached: ConnectError")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("baas.logs.jobs.FIRST_RETRY", 0.05)
    monkeypatch.setattr("baas.logs.jobs.LAST_RETRY", 0.2)
    monkeypatch.setattr("baas.witnesses.outside.LAST_REST", 0.2)
    yield


_FIRST = PageOf()
