"""The whole matrix of a pilot's lifecycle."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

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
