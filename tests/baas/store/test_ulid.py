"""ULIDs against the published example, and their order."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from baas.store.ulid import ALPHABET, Ulids, text

# The example of the ULID specification's reference implementation: this millisecond gives this beginning.
PUBLISHED = (1469918176385, "01ARYZ6S41")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class SetClock:
    milliseconds: int

    def now(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.milliseconds)


def test_the_published_time_and_the_greatest_value() -> None:
    milliseconds, beginning = PUBLISHED
    made = Ulids(SetClock(milliseconds), lambda _bits: 0)()
    assert made == beginning + "0" * 16
    assert text(2**128 - 1) == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_text_sorts_as_numbers_do_and_reads_back(a: int, b: int) -> None:
    assert (text(a) < text(b)) == (a < b)
    value = 0
    for character in text(a):
        value = value * 32 + ALPHABET.index(character)
    assert value == a


def test_ids_go_up_within_a_millisecond_and_when_the_clock_is_set_back() -> None:
    clock = SetClock(1000)
    ids = Ulids(clock)
    made = [ids() for _ in range(50)]
    clock.milliseconds = 10
    made += [ids() for _ in range(50)]
    clock.milliseconds = 2000
    made += [ids()]
    assert made == sorted(set(made))


def test_threads_never_get_the_same_id() -> None:
    ids, made = Ulids(SetClock(1)), list[str]()

    def take() -> None:
        for _ in range(500):
            made.append(ids())

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 4000
