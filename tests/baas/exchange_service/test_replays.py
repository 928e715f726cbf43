"""Messages that were seen, and clocks that move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baas.exchange_service import replays
from baas.exchange_service.errors import Refusal
from baas.exchange_service.replays import Replays
from baas.exchange_service.tables import SCHEMA
from baas.protocols.pci import reading, writing
from baas.protocols.pci.codes import Detail, State
from baas.trust_service.database import Database
from tests.baas.exchange_service.place import Client, MovedClock, Place


class FixedClock:
    time = datetime(2026, 11, 27, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def sent(client: Client, message: bytes) -> tuple[State, str]:
    status = reading.read_response(client.answered("Sincron", message)).status
    return status.state, status.detail


def test_an_old_message_is_no_longer_taken_and_one_from_the_future_not_yet(tmp_path: Path) -> None:
    clock = MovedClock()
    place = Place(tmp_path, clock)
    try:
        client = place.client()
        message = client.signed(writing.request_xml(client.request("old")))
        clock.by = timedelta(minutes=2)
        assert sent(client, message) == (State.ERROR, Detail.TIMESTAMP)
        clock.by = timedelta(minutes=-2)
        assert sent(client, message) == (State.ERROR, Detail.TIMESTAMP)
        clock.by = timedelta()
        assert sent(client, message) == (State.FINISHED, "")
    finally:
        place.close()


def test_a_clock_that_goes_back_lets_nothing_in_again(tmp_path: Path) -> None:
    clock = MovedClock()
    place = Place(tmp_path, clock)
    try:
        client = place.client()
        message = client.signed(writing.request_xml(client.request("first")))
        assert sent(client, message) == (State.FINISHED, "")
        clock.by = timedelta(hours=3)
        assert client.sync(client.request("second")).status.state is State.FINISHED
        clock.by = timedelta()
        assert sent(client, message) == (State.ERROR, Detail.TIMESTAMP), "forgotten, and still refused"
        assert client.sync(client.request("third")).status.state is State.FINISHED, "new ones are not"
    finally:
        place.close()


def test_a_message_is_remembered_over_a_restart(tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        client = place.client()
        message = client.signed(writing.request_xml(client.request("kept")))
        assert sent(client, message) == (State.FINISHED, "")
        place.stop()
        place.start()
        assert sent(place.client(), message) == (State.ERROR, Detail.REPLAY)
    finally:
        place.close()


def test_what_is_remembered_is_bounded_by_time(tmp_path: Path) -> None:
    clock = FixedClock()
    database = Database(tmp_path / "x.sqlite", SCHEMA)
    seen = Replays(database, clock)
    for n in range(50):
        clock.time += replays.KEPT / 10
        seen.take(bytes([n]) * 32, clock.now())
        with pytest.raises(Refusal):
            seen.take(bytes([n]) * 32, clock.now())
    [(count,)] = database.rows("SELECT count(*) FROM replays")
    assert count == 11
    database.close()
