"""Hand-overs: every step in every state by everybody, and long lives of several against a model."""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from baas.exchange_service.entries import TABLES, Entries, Step
from baas.exchange_service.handovers import TRANSITIONS, HandOver, Phase, Status, StepRefused
from baas.trust_service.database import Database
from tests.baas.exchange_service.products.place import NOW, HandClock, create

A, B, C = "9821920002", "9999990001", "9999990002"
ACT = ("SHA-256", hashlib.sha256(b"act").digest())
OTHER = ("SHA-256", hashlib.sha256(b"another act").digest())


def standing(status: Status) -> HandOver:
    return HandOver("H-1", A, B, *ACT, NOW, status)


@pytest.mark.parametrize(("status", "phase", "by"), tuple(product(Status, Phase, (A, B, C))))
def test_only_the_other_body_takes_only_the_next_step(status: Status, phase: Phase, by: str) -> None:
    reason = "falta la signatura" if phase is Phase.REJECTION else ""
    if by == B and (status, phase) in TRANSITIONS:
        after = standing(status).advanced(phase, by, ACT, reason, NOW)
        assert after.status is TRANSITIONS[status, phase][0]
        assert after.reason == reason
        assert (after.completed if phase is Phase.COMPLETION else after.answered) == NOW
        return
    with pytest.raises(StepRefused) as refused:
        standing(status).advanced(phase, by, ACT, reason, NOW)
    if by == C:
        assert "no hand-over" in str(refused.value), "a stranger is not told that it exists"
    elif by == A:
        assert "not of who offered it" in str(refused.value)


@pytest.mark.parametrize("phase", [Phase.ACCEPTANCE, Phase.REJECTION])
def test_who_answers_an_offer_names_the_act_that_was_offered(phase: Phase) -> None:
    reason = "no és nostre" if phase is Phase.REJECTION else ""
    for wrong in (OTHER, ("SHA-512", ACT[1])):
        with pytest.raises(StepRefused, match="the same digest"):
            standing(Status.OFFERED).advanced(phase, B, wrong, reason, NOW)


def test_what_came_of_an_act_may_be_another_document() -> None:
    assert standing(Status.ACCEPTED).advanced(Phase.COMPLETION, B, OTHER, "", NOW).digest == ACT[1]


@pytest.mark.parametrize(
    ("status", "phase", "reason"),
    [
        (Status.OFFERED, Phase.REJECTION, ""),
        (Status.OFFERED, Phase.ACCEPTANCE, "perquè sí"),
        (Status.ACCEPTED, Phase.COMPLETION, "perquè sí"),
    ],
)
def test_a_rejection_alone_has_a_reason(status: Status, phase: Phase, reason: str) -> None:
    with pytest.raises(StepRefused, match="reason"):
        standing(status).advanced(phase, B, ACT, reason, NOW)


class Lives(RuleBasedStateMachine):
    """Three bodies take any step of any of three hand-overs; a model says which of them may be taken."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.database = Database(Path(self.directory.name) / "exchange.sqlite", "SELECT 1")
        create(self.database, TABLES)
        self.clock = HandClock()
        self.entries = Entries(self.database, self.clock)
        self.model: dict[str, tuple[str, str, Status]] = {}
        self.counts: dict[str, int] = {}

    def teardown(self) -> None:
        self.database.close()
        self.directory.cleanup()

    @rule(
        by=st.sampled_from((A, B, C)),
        name=st.sampled_from(("H-1", "H-2", "H-3")),
        phase=st.sampled_from(Phase),
        to=st.sampled_from(("", A, B, C)),
        act=st.sampled_from((ACT, OTHER)),
        reason=st.sampled_from(("", "motiu")),
    )
    def step(self, by: str, name: str, phase: Phase, to: str, act: tuple[str, bytes], reason: str) -> None:
        self.clock.advance(seconds=1)
        known = self.model.get(name)
        if phase is Phase.OFFER:
            may = known is None and to not in ("", by) and not reason
            after = (by, to, Status.OFFERED)
        else:
            moved = TRANSITIONS.get((known[2], phase)) if known else None
            may = (
                known is not None
                and moved is not None
                and by == known[1]
                and not to
                and bool(reason) == (phase is Phase.REJECTION)
                and (phase is Phase.COMPLETION or act == self.acts[name])
            )
            after = (known[0], known[1], moved[0]) if known and moved else ("", "", Status.OFFERED)
        try:
            entry, hand_over = self.entries.add(by, "Principal", "acta", act, Step(name, phase, to, reason))
        except StepRefused:
            assert not may
            return
        assert may
        assert hand_over is not None
        assert hand_over.status is after[2]
        self.model[name] = after
        self.counts[by] = self.counts.get(by, 0) + 1
        assert entry.number == self.counts[by], "a refused step takes no number"
        if phase is Phase.OFFER:
            self.acts[name] = act

    @property
    def acts(self) -> dict[str, tuple[str, bytes]]:
        return self.__dict__.setdefault("_acts", {})

    @invariant()
    def kept_as_it_was_answered(self) -> None:
        for name in ("H-1", "H-2", "H-3"):
            known = self.model.get(name)
            for body in (A, B, C):
                found = self.entries.hand_over(body, name)
                if known is None or body not in known[:2]:
                    assert found is None, "nobody sees a hand-over between others"
                else:
                    assert found is not None
                    assert (found.origin, found.destination, found.status) == known
                    assert (found.algorithm, found.digest) == self.acts[name]

    @invariant()
    def numbers_have_no_gap(self) -> None:
        for body, count in self.counts.items():
            numbers = [each.number for each in self.entries.after(body, "Principal", 0, 1000)]
            assert numbers == list(range(1, count + 1))


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
