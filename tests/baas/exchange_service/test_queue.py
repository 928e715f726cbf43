"""Asynchronous requests: accepted at once, answered later, whatever happens to the service in between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baas.exchange_service.desk import queue
from baas.protocols.pci import writing
from baas.protocols.pci.codes import MOST_ELEMENTS, Detail, State
from baas.protocols.pci.messages import Request, Response
from tests.baas.exchange_service.place import FIRST, SECOND, Client, Diary, Place


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Place]:
    """Nobody answers what is left there, until it is started."""
    made = Place(tmp_path, working=False)
    made.service.authorise(SECOND, "DIARY", "LINE", "PROVES")
    yield made
    made.close()


def finished(client: Client, request: Request) -> Response:
    """The whole answer, once it is there; the test's own time limit ends a wait for nothing."""
    while (found := client.poll(request)).status.state in (State.PENDING, State.PROCESSING):
        time.sleep(0.01)
    return found


def lines(response: Response) -> list[str]:
    return [each.data.decode().partition(">")[2].partition("<")[0] for each in response.answers]


def test_accepted_processed_answered(waiting: Place) -> None:
    client = waiting.client()
    request = client.request("later", "one", "two", "three")
    confirmed = client.leave(request)
    assert (confirmed.status.state, confirmed.status.hours, confirmed.count) == (State.PENDING, 1, 3)
    kept = waiting.service.exchanged(FIRST, "later")
    assert kept is not None
    assert kept.answer == b""
    pending = client.poll(request)
    assert (pending.status.state, pending.status.hours, pending.answers) == (State.PENDING, 1, ())
    for _ in range(3):
        waiting.service._desk.queue.turn()
        found = client.poll(request)
        assert (found.status.state, found.answers) == (State.PROCESSING, ()), "no half of an answer"
    waiting.service.start()
    response = finished(client, request)
    assert response.status.state is State.FINISHED
    assert lines(response) == ["one", "two", "three"]
    assert [each.id for each in response.answers] == ["1", "2", "3"]


def test_left_again_it_is_the_same_request(alone: Place) -> None:
    client = alone.client()
    request = client.request("twice", "one", "two")
    first, again = (
        client.post("Asincron", client.signed(writing.request_xml(request))).content for _ in range(2)
    )
    assert first == again
    response = finished(client, request)
    after = client.post("Asincron", client.signed(writing.request_xml(request))).content
    assert after == first
    assert len(alone.lines()) == len(response.answers) == 2


def test_it_goes_on_after_a_restart_where_it_was(waiting: Place) -> None:
    alone = waiting
    client, other = alone.client(), alone.client(SECOND)
    request = client.request("restart", *(f"line {n}" for n in range(20)))
    assert client.leave(request).status.state is State.PENDING
    theirs = other.request("theirs", "their line")
    assert other.leave(theirs).status.state is State.PENDING
    for _ in range(7):
        assert alone.service._desk.queue.turn()
    assert len([each for each in alone.lines() if each[1] == FIRST]) == 7
    alone.stop()
    alone.start()
    client, other = alone.client(), alone.client(SECOND)
    assert lines(finished(client, request)) == [f"line {n}" for n in range(20)]
    assert lines(finished(other, theirs)) == ["their line"]
    assert len(alone.lines()) == 21, "none twice"


def test_organisations_take_turns(waiting: Place) -> None:
    client, other = waiting.client(), waiting.client(SECOND)
    client.leave(client.request("many", *(f"line {n}" for n in range(10))))
    other.leave(other.request("few", "theirs"))
    waiting.service._desk.queue.turn()
    assert [each[1] for each in waiting.lines()] == [FIRST, SECOND]


def test_500_elements_and_not_one_more(alone: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    client = alone.client()
    request = client.request("many", *(f"line {n}" for n in range(MOST_ELEMENTS)))
    assert client.leave(request).status.state is State.PENDING
    response = finished(client, request)
    assert response.status.state is State.FINISHED
    assert lines(response) == [f"line {n}" for n in range(MOST_ELEMENTS)]
    monkeypatch.setattr(writing, "require_counts", lambda *_: None)
    more = client.request("more", *(f"line {n}" for n in range(MOST_ELEMENTS + 1)))
    refused = client.leave(more)
    assert (refused.status.state, refused.status.detail) == (State.ERROR, Detail.ELEMENTS)
    assert alone.service.exchanged(FIRST, "more") is None


def test_hours_are_promised_for_all_that_wait(waiting: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ELEMENTS_AN_HOUR", 3)
    client = waiting.client()
    promised = [client.leave(client.request(f"r{n}", "a", "b")).status.hours for n in range(4)]
    assert promised == [1, 2, 2, 3]


def test_one_element_is_refused_and_the_others_stand(alone: Place) -> None:
    client = alone.client()
    request = client.request("part", "one", "no", "three")
    client.leave(request)
    response = finished(client, request)
    assert (response.status.state, response.status.detail) == (State.ERROR, Detail.PRODUCT)
    assert response.status.message.startswith("1 of 3 elements refused")
    assert lines(response) == ["one", "three"]
    assert [each[2] for each in alone.lines()] == ["one", "three"]


def test_where_all_are_refused_none_is_said_to_stand(alone: Place) -> None:
    client = alone.client()
    request = client.request("none", "no", "no")
    client.leave(request)
    response = finished(client, request)
    assert response.status.message.startswith("2 of 2 elements refused; ")
    assert response.answers == ()


def test_a_failure_of_the_service_is_tried_again_and_one_day_said(
    alone: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "WAIT", 0.001)
    client = alone.client()
    Diary.failing.add("bad")
    request = client.request("failing", "good", "bad", "fine")
    client.leave(request)
    response = finished(client, request)
    assert (response.status.state, response.status.detail) == (State.ERROR, Detail.INTERNAL)
    assert lines(response) == ["good", "fine"]
    assert [each[2] for each in alone.lines()] == ["good", "fine"]


def test_an_answer_that_cannot_be_written_stands_in_nobodys_way(
    waiting: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "WAIT", 0.001)
    write = writing.response_xml

    def broken(response: Response, request: Request | None) -> Any:
        if response.id == "broken" and response.answers:
            raise RuntimeError("it cannot be written")
        return write(response, request)

    monkeypatch.setattr(writing, "response_xml", broken)
    client, other = waiting.client(), waiting.client(SECOND)
    request, theirs = client.request("broken", "one"), other.request("whole", "two")
    client.leave(request)
    other.leave(theirs)
    waiting.service.start()
    assert lines(finished(other, theirs)) == ["two"]
    status = finished(client, request).status
    assert (status.state, status.detail) == (State.ERROR, Detail.INTERNAL)
    assert status.message.endswith("what was done stands")
    assert [each[2] for each in waiting.lines()] == ["one", "two"]


def test_a_failure_that_passes_is_never_seen(alone: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "WAIT", 0.001)
    answer, tries = Diary.answer, []

    def twice(self: Diary, asked: Any) -> Any:
        tries.append(asked.element.id)
        if len(tries) < 3:
            raise RuntimeError("for a moment")
        return answer(self, asked)

    monkeypatch.setattr(Diary, "answer", twice)
    client = alone.client()
    request = client.request("passing", "one")
    client.leave(request)
    assert lines(finished(client, request)) == ["one"]
    assert tries == ["1", "1", "1"]
    assert len(alone.lines()) == 1


@pytest.mark.long
def test_a_full_queue_outlives_restarts(waiting: Place) -> None:
    """Five requests of 500 elements, a restart after each 250 that are answered, and polls all the while."""
    client = waiting.client()
    texts = [[f"{n}/{m}" for m in range(MOST_ELEMENTS)] for n in range(5)]
    requests = [client.request(f"full {n}", *each) for n, each in enumerate(texts)]
    for n, request in enumerate(requests):
        confirmed = client.leave(request)
        assert (confirmed.status.state, confirmed.status.hours) == (State.PENDING, 1), n
    states: list[set[State]] = [set() for _ in requests]
    while not all(State.FINISHED in each for each in states):
        for _ in range(250):
            waiting.service._desk.queue.turn()
        waiting.stop()
        waiting.start(working=False)
        client = waiting.client()
        for request, seen in zip(requests, states, strict=True):
            seen.add(client.poll(request).status.state)
    assert [each[2] for each in waiting.lines()] == [text for each in texts for text in each], (
        "in order, once"
    )
    for request, each in zip(requests, texts, strict=True):
        assert lines(client.poll(request)) == each
    assert states[-1] == {State.PENDING, State.PROCESSING, State.FINISHED}
