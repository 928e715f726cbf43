"""The chain's lifecycle: the full matrix, and a machine that walks it at random."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sandbox.errors import IllegalTransition
from sandbox.lifecycle import TRANSITIONS, ChainState, advance, allowed

LEGAL = {
    "created": {"starting", "stopped", "deleted"},
    "starting": {"running", "failed", "stopping"},
    "running": {"hibernated", "stopping", "failed"},
    "hibernated": {"starting", "stopped", "failed"},
    "stopping": {"stopped", "failed"},
    "stopped": {"starting", "deleted"},
    "failed": {"starting", "stopping"},
    "deleted": set(),
}


@pytest.mark.parametrize("to", ChainState)
@pytest.mark.parametrize("current", ChainState)
def test_full_matrix(current, to):
    if to.value in LEGAL[current.value]:
        assert advance(current, to) is to
        assert TRANSITIONS[current, to]
    else:
        with pytest.raises(IllegalTransition) as caught:
            advance(current, to)
        assert set(caught.value.allowed) == LEGAL[current.value]
        assert f"from {current.value!r}" in str(caught.value)


def test_a_process_never_runs_behind_stopped_or_deleted():
    """One comes to rest only from a state in which nothing runs, so no edge can leave a process behind."""
    at_rest = {ChainState.CREATED, ChainState.HIBERNATED, ChainState.STOPPING, ChainState.STOPPED}
    for origin, to in TRANSITIONS:
        if to in (ChainState.STOPPED, ChainState.DELETED):
            assert origin in at_rest, (origin, to)


class Lifecycle(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.state = ChainState.CREATED
        self.history = [self.state]

    @rule(to=st.sampled_from(ChainState))
    def attempt(self, to):
        try:
            self.state = advance(self.state, to)
        except IllegalTransition:
            assert to.value not in LEGAL[self.state.value]
        else:
            self.history.append(self.state)

    @invariant()
    def running_was_starting_just_before(self):
        for before, after in zip(self.history, self.history[1:], strict=False):
            assert after is not ChainState.RUNNING or before is ChainState.STARTING
            assert before is not ChainState.DELETED

    @invariant()
    def only_deleted_is_an_end(self):
        assert bool(allowed(self.state)) == (self.state is not ChainState.DELETED)


TestLifecycle = Lifecycle.TestCase
