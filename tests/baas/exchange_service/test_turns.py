"""Who is next at the database: an organisation waits for one request of another, and not for all that it has sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from baas.exchange_service import http
from baas.exchange_service.desk.turns import Turns
from baas.protocols.pci.codes import State
from baas.protocols.pci.messages import Response
from tests.baas.exchange_service.place import FIRST, SECOND, Diary, Place


def waiting(turns: Turns) -> dict[str, int]:
    """How many of each organisation wait."""
    with turns._lock:
        return {name: len(each) for name, each in turns._waiting.items()}


class Crowd:
    """Threads that take a turn each, one started once the one before waits."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.order = turns, list[str]()
        self._threads = list[threading.Thread]()

    def comes(self, name: str) -> None:
        before = self._waiting()

        def run() -> None:
            with self.turns.of(name[0]):
                self.order.append(name)

        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)
        while self._waiting() == before:
            pass

    def _waiting(self) -> int:
        return sum(waiting(self.turns).values())

    def gone(self) -> list[str]:
        for each in self._threads:
            each.join()
        return self.order


@pytest.mark.parametrize(
    ("came", "served"),
    [
        ("a1 a2 a3 b1", "b1 a1 a2 a3"),
        ("a1 a2 b1 c1 c2 b2", "b1 a1 c1 b2 a2 c2"),
        ("b1 b2 b3", "b1 b2 b3"),
        ("a1 a2", "a1 a2"),
        ("b1 a1 b2 a2 b3 a3", "b1 a1 b2 a2 b3 a3"),
    ],
)
def test_organisations_in_turn(came: str, served: str) -> None:
    turns = Turns()
    crowd = Crowd(turns)
    with turns.of("a"):
        for each in came.split():
            crowd.comes(each)
    assert " ".join(crowd.gone()) == served
    with turns.of("a"):
        pass  # it is free again


def test_a_turn_that_fails_is_over() -> None:
    turns = Turns()
    for _ in range(2):
        with pytest.raises(RuntimeError), turns.of("a"):
            raise RuntimeError
    with turns.of("b"):
        pass


class Gate:
    """The product answers one line for each `open`."""

    def __init__(self) -> None:
        self._passes = threading.Semaphore(0)
        self.waiting = threading.Semaphore(0)

    def open(self) -> None:
        self._passes.release()

    @contextmanager
    def before(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        answer = Diary.answer

        def slowly(product: Diary, asked: object) -> object:
            self.waiting.release()
            self._passes.acquire()
            return answer(product, asked)  # type: ignore[arg-type]  # as it came

        with monkeypatch.context() as changed:
            changed.setattr(Diary, "answer", slowly)
            yield


def test_one_organisations_slow_requests_are_not_all_in_anothers_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than are answered at once, each of them slow: the other's is answered after the first of them."""
    gate = Gate()
    place = Place(tmp_path)
    place.service.authorise(SECOND, "DIARY", "LINE", "PROVES")
    first, second = (
        place.client(FIRST),
        place.client(SECOND, shown=place.trust_service.pki.application(SECOND).signer),
    )
    many = http.MOST_AT_ONCE + 2
    try:
        with gate.before(monkeypatch), ThreadPoolExecutor(many + 1) as pool:
            slow = [pool.submit(first.sync, first.request(f"slow {n}")) for n in range(many)]
            gate.waiting.acquire()  # one is being answered
            found: Future[Response] = pool.submit(second.sync, second.request("other"))
            while SECOND not in waiting(place.service._desk.turns):
                pass  # the test's own time limit ends it
            gate.open()
            gate.waiting.acquire()
            gate.open()
            assert found.result().status.state is State.FINISHED
            assert sum(each.done() for each in slow) <= 1
            for _ in range(many):
                gate.open()
            assert all(each.result().status.state is State.FINISHED for each in slow)
    finally:
        place.close()
