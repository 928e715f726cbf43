"""The thread behind background work: a round at the start, at each poke, after the time asked for, and after a failure."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable

import pytest

from baas.background import Background, Delay

PATIENCE = 10.0


class Counting(Background):
    """Tells of each round, then does what the test wants of it."""

    def __init__(self, act: Callable[[int], float | None], after_failure: float = 60.0) -> None:
        super().__init__("counting", after_failure)
        self._act, self._count = act, 0
        self.rounds: queue.SimpleQueue[int] = queue.SimpleQueue()

    def _round(self) -> float | None:
        self._count += 1
        self.rounds.put(self._count)
        return self._act(self._count)


def test_it_works_once_at_the_start_and_then_when_it_is_poked() -> None:
    work = Counting(lambda count: None)
    work.start()
    work.start()
    assert work.rounds.get(timeout=PATIENCE) == 1
    work.poke()
    assert work.rounds.get(timeout=PATIENCE) == 2
    work.stop()
    work.stop()
    assert work.rounds.empty()


def test_it_works_again_after_the_time_that_a_round_asked_for() -> None:
    work = Counting(lambda count: 0.01 if count == 1 else None)
    work.start()
    assert [work.rounds.get(timeout=PATIENCE) for _ in range(2)] == [1, 2]
    work.stop()


def test_a_poke_during_a_round_is_not_lost() -> None:
    def act(count: int) -> None:
        if count == 1:
            work.poke()

    work = Counting(act)
    work.start()
    assert [work.rounds.get(timeout=PATIENCE) for _ in range(2)] == [1, 2]
    work.stop()


def test_a_round_that_fails_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    def act(count: int) -> None:
        if count == 1:
            raise OSError("no room")

    work = Counting(act, after_failure=0.01)
    with caplog.at_level(logging.ERROR):
        work.start()
        assert [work.rounds.get(timeout=PATIENCE) for _ in range(2)] == [1, 2]
        work.stop()
    assert "counting: something failed, and is tried again" in caplog.text
    assert "no room" in caplog.text


def test_a_stop_ends_the_wait_after_a_failure() -> None:
    def act(count: int) -> None:
        raise OSError

    work = Counting(act)
    work.start()
    work.rounds.get(timeout=PATIENCE)
    work.stop()
    assert work.rounds.empty()


def test_what_was_stopped_before_it_began_does_nothing() -> None:
    work = Counting(lambda count: None)
    work.stop()
    work.start()
    assert work.rounds.empty()


def test_a_delay_doubles_up_to_the_last_and_begins_anew() -> None:
    delay = Delay(1.0, 5.0)
    assert [delay.longer() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    delay.reset()
    assert delay.longer() == 1.0
