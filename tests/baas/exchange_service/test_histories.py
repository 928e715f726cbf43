"""Any history of requests, repetitions, polls, withdrawals, clocks and restarts: what was answered once is the answer."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from baas.exchange_service.desk.answering import Incoming
from baas.exchange_service.service import ExchangeService
from baas.protocols import soap, wss
from baas.protocols.pci import reading, writing
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.messages import Element, Poll, Request, Requester, Status
from baas.protocols.pci.wsdl import Endpoint
from baas.trust_service.database import Database
from baas.trust_service.service import TrustService
from tests.baas.exchange_service.place import FIRST, PRODUCTS, PURPOSE, SECOND, MovedClock, line

LINES = st.sampled_from(["one", "two", "three", "no"])


@dataclass
class Accepted:
    """What the model knows of an accepted request: `done` counts the elements that are answered."""

    endpoint: Endpoint
    request: Request
    first: bytes
    done: int = 0
    finished: bool = False
    whole: bytes = b""


class Histories(RuleBasedStateMachine):
    """One exchange service on its own directory, asked without sockets; the queue moves when it is told to."""

    trust_service: ClassVar[TrustService]
    clock: ClassVar[MovedClock]
    accepted = Bundle("accepted")
    messages = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.clock.by = timedelta()
        self.known: dict[tuple[str, str], Accepted] = {}
        self.lines: list[tuple[str, str]] = []
        self.allowed = {FIRST}
        self.service = self.opened()
        self.service.authorise(FIRST, "DIARY", "LINE", "PROVES")

    def opened(self) -> ExchangeService:
        return ExchangeService.open(Path(self.place.name), self.clock, self.trust_service, products=PRODUCTS)

    def teardown(self) -> None:
        self.service.close()
        self.place.cleanup()

    # what is sent

    def signed(self, code: str, xml: object) -> bytes:
        signer = self.trust_service.pki.application(code).signer
        return wss.secure(soap.envelope(xml), signer, self.clock.now())  # type: ignore[arg-type]

    def send(self, endpoint: Endpoint, message: bytes) -> bytes:
        return self.service._desk.answer(Incoming(endpoint, message, message, False, None), limit=1 << 20)

    @staticmethod
    def status(endpoint: Endpoint, answer: bytes) -> Status:
        found = soap.read(answer, limit=1 << 20)
        assert not isinstance(found, soap.Fault)
        read = reading.read_confirmation if endpoint is Endpoint.ASYNC else reading.read_response
        return read(found).status

    def request(self, code: str, request_id: str, lines: list[str]) -> Request:
        requester = Requester(code, "Ens", PURPOSE)
        elements = tuple(Element(str(n), requester, line(text)) for n, text in enumerate(lines))
        return Request(request_id, self.clock.now(), "DIARY", "LINE", requester, elements)

    # rules

    @rule(
        target=accepted,
        code=st.sampled_from([FIRST, SECOND]),
        number=st.integers(0, 9),
        lines=st.lists(LINES, min_size=1, max_size=3),
        later=st.booleans(),
    )
    def ask(self, code: str, number: int, lines: list[str], later: bool) -> object:
        endpoint = Endpoint.ASYNC if later else Endpoint.SYNC
        request = self.request(code, f"request {number}", lines if later else lines[:1])
        answer = self.send(endpoint, self.signed(code, writing.request_xml(request)))
        status = self.status(endpoint, answer)
        known = self.known.get((code, request.id))
        if known is not None:
            same = known.endpoint is endpoint and _said(known.request) == _said(request)
            assert answer == known.first if same else status.detail == Detail.ID_REUSED
            return multiple()
        if code not in self.allowed:
            assert status.detail == Detail.AUTHORISATION
            return multiple()
        if not later and lines[0] == "no":
            assert status.detail == Detail.PRODUCT
            return multiple()
        assert status.state is (State.PENDING if later else State.FINISHED)
        made = Accepted(endpoint, request, answer, finished=not later, whole=b"" if later else answer)
        self.known[code, request.id] = made
        if not later:
            self.lines.append((code, lines[0]))
        return made

    @rule(one=accepted)
    def repeat(self, one: Accepted) -> None:
        again = replace(one.request, time=self.clock.now())
        code = one.request.requester.code
        assert self.send(one.endpoint, self.signed(code, writing.request_xml(again))) == one.first

    @rule(target=messages, one=accepted)
    def sent(self, one: Accepted) -> object:
        message = self.signed(one.request.requester.code, writing.request_xml(one.request))
        assert self.send(one.endpoint, message) == one.first
        return one.endpoint, message, self.clock.now()

    @rule(was=messages)
    def replay(self, was: tuple[Endpoint, bytes, object]) -> None:
        detail = self.status(was[0], self.send(was[0], was[1])).detail
        assert detail in (Detail.REPLAY, Detail.TIMESTAMP), "never answered, whatever the clock says"

    @rule(one=accepted)
    def poll(self, one: Accepted) -> None:
        xml = writing.poll_xml(Poll.of(one.request, self.clock.now()))
        answer = self.send(Endpoint.ANSWER, self.signed(one.request.requester.code, xml))
        if not one.finished:
            expected = State.PROCESSING if one.done else State.PENDING
            assert self.status(Endpoint.ANSWER, answer).state is expected
            return
        refused = one.endpoint is Endpoint.ASYNC and any(
            b">no<" in each.data for each in one.request.elements
        )
        assert self.status(Endpoint.ANSWER, answer).state is (State.ERROR if refused else State.FINISHED)
        one.whole = one.whole or answer
        assert answer == one.whole

    @rule(one=accepted)
    def poll_of_another(self, one: Accepted) -> None:
        code = SECOND if one.request.requester.code == FIRST else FIRST
        if (code, one.request.id) in self.known:
            return
        requester = replace(one.request.requester, code=code)
        xml = writing.poll_xml(Poll.of(replace(one.request, requester=requester), self.clock.now()))
        answer = self.send(Endpoint.ANSWER, self.signed(code, xml))
        assert self.status(Endpoint.ANSWER, answer).detail == Detail.UNKNOWN

    @rule()
    def turn(self) -> None:
        oldest: dict[str, Accepted] = {}
        for (code, _), each in self.known.items():
            if not each.finished:
                oldest.setdefault(code, each)
        assert self.service._desk.queue.turn() is bool(oldest)
        for each in oldest.values():
            if each.done == len(each.request.elements):
                each.finished = True
                continue
            text = each.request.elements[each.done].data.decode().partition(">")[2].partition("<")[0]
            each.done += 1
            if text != "no":
                self.lines.append((each.request.requester.code, text))

    @rule(code=st.sampled_from([FIRST, SECOND]), given=st.booleans())
    def authorise(self, code: str, given: bool) -> None:
        if given:
            self.service.authorise(code, "DIARY", "LINE", "PROVES")
            self.allowed.add(code)
        else:
            self.service.withdraw(code, "DIARY", "LINE", "PROVES")
            self.allowed.discard(code)
        assert bool(self.service.authorisations(code)) is given

    @rule(minutes=st.sampled_from([-2, -1, 1, 2, 180]))
    def clock_moves(self, minutes: int) -> None:
        self.clock.by += timedelta(minutes=minutes)

    @rule()
    def restart(self) -> None:
        self.service.close()
        self.service = self.opened()

    @invariant()
    def each_line_is_there_once(self) -> None:
        database = Database(Path(self.place.name) / "exchange.sqlite", "SELECT 1")
        try:
            found = database.rows("SELECT organisation, line FROM diary ORDER BY number")
        finally:
            database.close()
        assert found == self.lines


def _said(request: Request) -> list[bytes]:
    return [each.data for each in request.elements]


@pytest.fixture(scope="module", autouse=True)
def trusted(tmp_path_factory: pytest.TempPathFactory) -> object:
    Histories.clock = MovedClock()
    Histories.trust_service = TrustService.open(tmp_path_factory.mktemp("trust"), Histories.clock)
    for code in (FIRST, SECOND):
        Histories.trust_service.enrol(code, f"Ens {code}")
        Histories.trust_service.pki.application(code)
    yield None
    Histories.trust_service.close()


class TestHistories(Histories.TestCase):  # type: ignore[name-defined,misc]  # Hypothesis makes it at run time
    settings = settings(max_examples=8, stateful_step_count=25, deadline=None)


@pytest.mark.long
class TestManyHistories(Histories.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
