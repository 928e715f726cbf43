"""Hand-overs: every step in every state by everybody, and long lives of several against a model."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from baas.exchange_service.entries import TABLES, Entries
from baas.exchange_service.handovers import TRANSITIONS, StepRefused, Taking, advanced, offered
from baas.protocols.pci.products.mux import (
    Add,
    Document,
    Entry,
    HandOver,
    HandOverState,
    Kind,
    Phase,
    Step,
)
from baas.trust_service.database import Database
from sandbox.evidence.digest import Digest, digest_bytes
from tests.baas.exchange_service.products.place import NOW, HandClock, create

A, B, C = "9821920002", "9999990001", "9999990002"
ACT, OTHER = digest_bytes(b"act"), digest_bytes(b"another act")


def standing(state: HandOverState) -> HandOver:
    return HandOver("H-1", state, A, B, ACT, NOW)


def step(phase: Phase, by: str = B, other: str = A, act: Digest = ACT) -> Taking:
    return Taking("H-1", phase, by, other, act, reason="falta una firma" if phase is Phase.REJECTION else "")


@pytest.mark.parametrize(("state", "phase", "by"), tuple(product(HandOverState, Phase, (A, B, C))))
def test_only_the_other_body_takes_only_the_next_step(state: HandOverState, phase: Phase, by: str) -> None:
    if by == B and (state, phase) in TRANSITIONS:
        after = advanced(standing(state), step(phase, by), NOW)
        assert after.state is TRANSITIONS[state, phase][0]
        assert (after.completed if phase is Phase.COMPLETION else after.answered) == NOW
        assert (after.origin, after.destination, after.digest) == (A, B, ACT)
        return
    with pytest.raises(StepRefused) as refused:
        advanced(standing(state), step(phase, by), NOW)
    if by == C:
        assert "no hand-over" in str(refused.value), "a stranger is not told that it exists"
    elif by == A:
        assert "not of who offered it" in str(refused.value)


@pytest.mark.parametrize("phase", [Phase.ACCEPTANCE, Phase.REJECTION])
def test_who_answers_an_offer_names_the_act_that_was_offered(phase: Phase) -> None:
    for wrong in (OTHER, digest_bytes(b"act", "sha-512")):
        with pytest.raises(StepRefused, match="expected its digest"):
            advanced(standing(HandOverState.OFFERED), step(phase, act=wrong), NOW)


def test_what_came_of_an_act_may_be_another_document() -> None:
    after = advanced(standing(HandOverState.ACCEPTED), step(Phase.COMPLETION, act=OTHER), NOW)
    assert after.digest == ACT


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        (HandOverState.OFFERED, replace(step(Phase.REJECTION), reason="")),
        (HandOverState.OFFERED, replace(step(Phase.ACCEPTANCE), reason="perquè sí")),
        (HandOverState.ACCEPTED, replace(step(Phase.COMPLETION), reason="perquè sí")),
        (HandOverState.OFFERED, replace(step(Phase.ACCEPTANCE), to=C)),
        (HandOverState.OFFERED, replace(step(Phase.ACCEPTANCE), other=C)),
        (HandOverState.OFFERED, replace(step(Phase.ACCEPTANCE), other=B)),
    ],
    ids=["no-reason", "accepted-why", "completed-why", "passed-on", "to-a-third", "to-oneself"],
)
def test_a_step_says_what_is_its_own_to_say(state: HandOverState, wrong: Taking) -> None:
    with pytest.raises(StepRefused):
        advanced(standing(state), wrong, NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        Taking("H-1", Phase.OFFER, A, B, ACT),
        Taking("H-1", Phase.OFFER, A, A, ACT, to=A),
        Taking("H-1", Phase.OFFER, A, C, ACT, to=B),
        Taking("H-1", Phase.OFFER, A, B, ACT, to=B, reason="perquè sí"),
    ],
    ids=["to-nobody", "to-oneself", "to-two", "why"],
)
def test_no_such_offer(wrong: Taking) -> None:
    with pytest.raises(StepRefused):
        offered(wrong, NOW)


class Lives(RuleBasedStateMachine):
    """Three bodies take any step of any of three hand-overs; a model says which of them may be taken."""

    NAMES = ("H-1", "H-2", "h-1")

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.database = Database(Path(self.directory.name) / "exchange.sqlite", "SELECT 1")
        create(self.database, TABLES)
        self.clock = HandClock()
        self.entries = Entries(self.database, self.clock)
        self.model: dict[str, tuple[str, str, HandOverState, Digest]] = {}
        self.counts: dict[str, int] = {}

    def teardown(self) -> None:
        self.database.close()
        self.directory.cleanup()

    @rule(
        by=st.sampled_from((A, B, C)),
        other=st.sampled_from((A, B, C)),
        name=st.sampled_from(NAMES),
        phase=st.sampled_from(Phase),
        outwards=st.booleans(),
        says_to=st.booleans(),
        act=st.sampled_from((ACT, OTHER)),
        reason=st.sampled_from(("", "motiu")),
    )
    def take(
        self,
        by: str,
        other: str,
        name: str,
        phase: Phase,
        outwards: bool,
        says_to: bool,
        act: Digest,
        reason: str,
    ) -> None:
        self.clock.advance(seconds=1)
        known = self.model.get(name)
        if phase is Phase.OFFER:
            may = known is None and other != by and outwards and says_to and not reason
            after = (by, other, HandOverState.OFFERED, act)
        elif known is None or (known[2], phase) not in TRANSITIONS:
            may, after = False, None
        else:
            origin, destination, state, offered_act = known
            may = (
                (by, other) == (destination, origin)
                and not says_to
                and bool(reason) == (phase is Phase.REJECTION)
                and (phase is Phase.COMPLETION or act == offered_act)
            )
            after = (origin, destination, TRANSITIONS[state, phase][0], offered_act)
        entry = Entry(
            Kind.EXIT if outwards else Kind.ENTRY,
            "Un acte",
            NOW,
            by if outwards else other,
            other if outwards else by,
            (Document("acte.pdf", act, NOW),),
            step=Step(name, phase, other if says_to else "", reason),
        )
        try:
            registered, hand_over = self.entries.add(by, Add("SANDBOX", entry))
        except StepRefused:
            assert not may
            return
        assert may
        assert after is not None
        assert hand_over is not None
        assert hand_over.state is after[2]
        self.model[name] = after
        self.counts[by] = self.counts.get(by, 0) + 1
        assert registered.number == f"P{self.counts[by]:08d}", "a refused step takes no number"

    @invariant()
    def kept_as_it_was_answered(self) -> None:
        for name, body in product(self.NAMES, (A, B, C)):
            known = self.model.get(name)
            found, entries = self.entries.hand_over(body, name)
            if known is None or body not in known[:2]:
                assert (found, entries) == (None, ()), "nobody sees a hand-over between others"
                continue
            assert found is not None
            assert (found.origin, found.destination, found.state, found.digest) == known
            phases = [each.step.phase for each in entries if each.step]
            assert phases[0] is Phase.OFFER
            assert len(phases) == len(entries) == 1 + bool(found.answered) + bool(found.completed)

    @invariant()
    def every_number_has_its_entry(self) -> None:
        for body, count in self.counts.items():
            for number in range(1, count + 1):
                [found] = self.entries.find(body, f"P{number:08d}")
                assert found.owner == body
            assert self.entries.find(body, f"P{count + 1:08d}") == ()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=10, stateful_step_count=30, deadline=None)


@pytest.mark.long
class TestManyLives(Lives.TestCase):
    settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
