"""A pilot's lifecycle: the whole matrix, and a machine that walks it at random."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from baas.pilots.lifecycle import TRANSITIONS, PilotState, advance
from sandbox.errors import IllegalTransition


@pytest.mark.parametrize(("current", "to"), list(product(PilotState, PilotState)))
def test_every_pair_of_states(current: PilotState, to: PilotState) -> None:
    if (current, to) in pairwise(PilotState):  # one way, step by step, and never back
        assert advance(current, to) is to
        assert TRANSITIONS[current, to]
    else:
        with pytest.raises(IllegalTransition):
            advance(current, to)


class Lifecycle(RuleBasedStateMachine):
    """Whoever asks for whatever state in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.history = [PilotState.DRAFT]

    @rule(to=st.sampled_from(PilotState))
    def attempt(self, to: PilotState) -> None:
        try:
            self.history.append(advance(self.history[-1], to))
        except IllegalTransition as refused:
            assert to not in refused.allowed

    @invariant()
    def nothing_is_skipped_or_repeated(self) -> None:
        """Nothing is measured before the plan is frozen, and nobody decides before the rules have concluded."""
        assert self.history == list(PilotState)[: len(self.history)]


TestLifecycle = Lifecycle.TestCase
