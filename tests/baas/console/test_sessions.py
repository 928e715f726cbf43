"""Sessions and sign-in attempts by themselves: how long, how many, and what is kept of them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from baas.console.attempts import ADDRESSES, FAILURES, Attempts, TooManyAttempts
from baas.console.sessions import IDLE, LONGEST, PER_TOKEN, Sessions

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def sessions(clock: HandClock) -> Sessions:
    return Sessions(clock)


@pytest.fixture
def attempts(clock: HandClock) -> Attempts:
    return Attempts(clock)


def test_a_session_is_found_by_its_cookie_alone(sessions: Sessions) -> None:
    cookie, session = sessions.begin("token-1")
    found = sessions.find(cookie)
    assert found is not None
    assert (found.token_id, found.csrf_token) == ("token-1", session.csrf_token)
    assert len(cookie) == len(session.csrf_token) == 43
    assert cookie != session.csrf_token
    for other in (None, "", cookie[:-1], cookie.swapcase(), session.csrf_token, "\udcff", "é"):
        assert sessions.find(other) is None


def test_what_is_kept_is_the_hash_of_the_cookie(sessions: Sessions) -> None:
    cookie, _ = sessions.begin("token-1")
    assert list(sessions._sessions) == [hashlib.sha256(cookie.encode()).digest()]
    assert cookie not in repr(vars(sessions))


def test_a_session_ends_when_it_is_idle(sessions: Sessions, clock: HandClock) -> None:
    cookie, _ = sessions.begin("token-1")
    for _ in range(3):
        clock.time += IDLE - SECOND
        assert sessions.find(cookie) is not None  # each request begins the wait anew
    clock.time += IDLE
    assert sessions.find(cookie) is None
    clock.time -= IDLE
    assert sessions.find(cookie) is None  # it does not come back


def test_a_session_ends_after_its_longest_time_however_busy(sessions: Sessions, clock: HandClock) -> None:
    cookie, _ = sessions.begin("token-1")
    while clock.time + IDLE / 2 < START + LONGEST:
        clock.time += IDLE / 2
        assert sessions.find(cookie) is not None
    clock.time = START + LONGEST
    assert sessions.find(cookie) is None


def test_a_session_can_be_ended_and_others_stay(sessions: Sessions) -> None:
    (first, _), (second, _) = sessions.begin("token-1"), sessions.begin("token-1")
    sessions.end(first)
    sessions.end(first)
    sessions.end(None)
    assert sessions.find(first) is None
    assert sessions.find(second) is not None


def test_memory_is_bounded(sessions: Sessions, clock: HandClock) -> None:
    other, _ = sessions.begin("token-2")
    cookies = [sessions.begin("token-1")[0] for _ in range(PER_TOKEN + 2)]
    assert [sessions.find(each) is None for each in cookies] == [True, True] + [False] * PER_TOKEN
    assert sessions.find(other) is not None
    clock.time += IDLE
    sessions.begin("token-3")
    assert len(sessions._sessions) == 1


def test_ten_failures_in_a_minute_and_no_more(attempts: Attempts, clock: HandClock) -> None:
    for _ in range(FAILURES):
        attempts.begin("203.0.113.7")
        clock.time += SECOND
    with pytest.raises(TooManyAttempts) as refused:
        attempts.begin("203.0.113.7")
    assert refused.value.retry_after == 60 - FAILURES
    attempts.begin("203.0.113.8")
    clock.time += timedelta(seconds=refused.value.retry_after) - timedelta(milliseconds=1)
    with pytest.raises(TooManyAttempts) as refused:
        attempts.begin("203.0.113.7")
    assert refused.value.retry_after == 1
    clock.time += timedelta(milliseconds=1)
    attempts.begin("203.0.113.7")


def test_who_succeeds_is_not_counted(attempts: Attempts) -> None:
    for _ in range(5 * FAILURES):
        attempts.begin("203.0.113.7")
        attempts.succeeded("203.0.113.7")
    attempts.begin("203.0.113.7")


def test_the_addresses_of_one_ipv6_network_count_together(attempts: Attempts) -> None:
    for number in range(FAILURES):
        attempts.begin(f"2001:db8::{number + 1:x}")
    with pytest.raises(TooManyAttempts):
        attempts.begin("2001:db8::ffff")
    attempts.begin("2001:db8:0:1::1")


def test_addresses_are_forgotten(attempts: Attempts, clock: HandClock) -> None:
    for number in range(ADDRESSES + 1):
        attempts.begin(f"client {number}")
    clock.time += timedelta(minutes=1)
    attempts.begin("one more")
    assert len(attempts._failed) == 1
