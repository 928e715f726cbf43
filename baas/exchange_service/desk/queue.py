"""The asynchronous requests: accepted rows, which one thread answers, element by element, over any number of restarts.

Each element is one transaction: its product's effects and its answer. The whole answer is made when all are there, and
only then is it given out. Organisations take turns, so that nobody's 500 elements stand in another's way.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import OrderedDict

from lxml import etree

from baas.ades.xml import parse
from baas.background import Background
from baas.clock import Clock
from baas.exchange_service.desk.elements import Came, Elements
from baas.exchange_service.desk.turns import Turns
from baas.exchange_service.errors import Refusal
from baas.exchange_service.parts import Part, Parts
from baas.exchange_service.requests import MOST_BYTES, Kept, Requests
from baas.protocols import soap
from baas.protocols.pci import names, reading, writing
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.messages import Request, Response, Status
from baas.protocols.pci.names import qname
from baas.trust_service.database import Database

ELEMENTS_AN_HOUR = 18_000
"""What is promised at least, with evidence for each: five a second."""
MOST_FAILURES = 5
"""How often this service may fail at an element until that is the answer; with longer and longer waits between."""
WAIT = 0.2
"""Seconds until an element that failed is tried again; twice as long each time."""
AFTER_FAILURE = 5.0
"""Seconds until the first try after the queue itself failed, as when the database cannot be read."""
TIDY = 60.0
"""Seconds after which what products keep no longer is erased, though nobody asks for anything."""
QUEUE = "queue"
"""As who the queue takes its turn: it is one of the organisations that wait."""
MOST_OPEN = 8
"""Requests whose messages are in memory."""

log = logging.getLogger(__name__)


class Queue(Background):
    """The unfinished requests of one service, and the thread that answers them once it is started."""

    def __init__(
        self,
        database: Database,
        requests: Requests,
        parts: Parts,
        elements: Elements,
        clock: Clock,
        turns: Turns,
    ) -> None:
        super().__init__("exchange queue", AFTER_FAILURE)
        self._database, self._requests, self._parts = database, requests, parts
        self._elements, self._clock, self._turns = elements, clock, turns
        self._open: OrderedDict[int, Request] = OrderedDict()
        self._later: dict[int, float] = {}
        self._tidied = -TIDY

    def hours(self, more: int) -> int:
        """What is promised (TiempoEstimadoRespuesta) to a request of `more` elements behind all that wait."""
        return -(-(self._parts.missing() + more) // ELEMENTS_AN_HOUR)

    def _round(self) -> float | None:
        self._tidy()
        pause = self._turn()
        left = max(0.0, self._tidied + TIDY - time.monotonic())
        return left if pause is None else min(pause, left)

    def _tidy(self) -> None:
        now = time.monotonic()
        if now >= self._tidied + TIDY:
            self._tidied = now
            self._elements.tidy()

    def turn(self) -> bool:
        """One element of each organisation's oldest unfinished request; whether there was any.

        One that failed waits before it is tried again, and stands in nobody else's way.
        """
        return self._turn() is not None

    def _turn(self) -> float | None:
        """Seconds until there is something to do; None while there is nothing unfinished."""
        found = self._requests.unfinished()
        due = [each for each in found if self._later.get(each.number, 0.0) <= time.monotonic()]
        for kept in due:
            if self._stopped.is_set():
                break
            self._later.pop(kept.number, None)
            try:
                self._step(kept)
            except Exception:
                log.exception("the exchange service failed at the request %r", kept.id)
                self._failed(kept)
            self._stopped.wait(0.0005)  # whoever waits for the database has it now
        if due or not found:
            return 0.0 if due else None
        return max(0.0, min(self._later[each.number] for each in found) - time.monotonic())

    def _step(self, kept: Kept) -> None:
        position = self._parts.count(kept.number)
        request = self._request(kept)
        if position == kept.elements:
            self._finish(kept, request)
            return
        element = request.elements[position]
        came = Came(kept.organisation, kept.message_sha256, hashlib.sha256(kept.certificate).digest())
        with self._turns.of(QUEUE), self._database.transaction():
            self._requests.processing(kept.number)
            try:
                with self._database.undone_if(Refusal):
                    part = Part.of(self._elements.answer(request, element, came))
            except Refusal as refusal:
                part = Part.refused(refusal.detail, str(refusal))
            self._parts.put(kept.number, position, part)

    def _failed(self, kept: Kept) -> None:
        """Counts a failure; the last one that is allowed is the answer, to the element or to the whole."""
        if kept.attempts + 1 < MOST_FAILURES:
            self._later[kept.number] = time.monotonic() + WAIT * 2**kept.attempts
            self._requests.processing(kept.number, kept.attempts + 1)
            return
        words = f"the service failed {MOST_FAILURES} times"
        with self._database.transaction():
            self._requests.processing(kept.number)
            position = self._parts.count(kept.number)
            if position < kept.elements:
                refused = Part.refused(Detail.INTERNAL, f"{words} to answer it, and nothing of it was done")
                self._parts.put(kept.number, position, refused)
                return
            status = Status(
                State.ERROR, Detail.INTERNAL.value, f"{words} to write the answer; what was done stands"
            )
            response = Response(kept.id, self._clock.now(), kept.product, kept.modality, status)
            answer = soap.envelope(writing.response_xml(response, None))
            self._requests.answered(kept.number, State.ERROR, answer)
        self._open.pop(kept.number, None)

    def _finish(self, kept: Kept, request: Request) -> None:
        parts = self._parts.all(kept.number)
        status = _status([(each.id, part) for each, part in zip(request.elements, parts, strict=True)])
        answers = tuple(
            part.answer(each)
            for each, part in zip(request.elements, parts, strict=True)
            if part.detail is None
        )
        response = Response(request.id, self._clock.now(), request.product, request.modality, status, answers)
        answer = soap.envelope(writing.response_xml(response, request))
        with self._database.transaction():
            self._requests.answered(kept.number, status.state, answer)
        self._open.pop(kept.number, None)

    def _request(self, kept: Kept) -> Request:
        if (found := self._open.get(kept.number)) is not None:
            self._open.move_to_end(kept.number)
            return found
        wrapper = etree.Element(qname(names.WRAPPER, "procesa"))
        wrapper.append(parse(self._requests.content(kept.number), limit=MOST_BYTES))
        found = self._open[kept.number] = reading.read_request(wrapper)
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        return found


def _status(parts: list[tuple[str, Part]]) -> Status:
    """0003 when every element was answered, else 0502: its code is the first refused element's, its words name it."""
    refused = [(name, part) for name, part in parts if part.detail is not None]
    if not refused:
        return Status(State.FINISHED, message="OK")
    name, part = refused[0]
    detail = part.detail
    assert detail is not None
    others = ", the others are answered and stand" if len(refused) < len(parts) else ""
    words = f"{len(refused)} of {len(parts)} elements refused{others}; {name!r}: {part.words}"
    return Status(State.ERROR, detail.value, soap.printable(words))
