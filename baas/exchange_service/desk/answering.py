"""One message answered. What is checked, in order; the first that does not hold is what the answer says:

    size, safe XML, a message of the endpoint's kind             else a SOAP Fault
    security: WS-Security or mutual TLS                          UNSIGNED, WRAPPING, SIGNATURE, TIMESTAMP, SECURITY
    the certificate: valid, not revoked, of an application       CERTIFICATE, REVOKED
    the organisation: the certificate's, everywhere              ORGANISATION
    the schema, the number of elements                           SCHEMA, ELEMENTS
    this message was not seen before                             REPLAY
    this IdPeticion is new, or means the same                    ID_REUSED
    the authorisation of each element                            AUTHORISATION
    the product                                                  PRODUCT

From REPLAY on it is one transaction with the answer: nothing is sent that is not on disk, and what is on disk is what is
sent again. A refusal is recorded nowhere but among the messages that were seen: its IdPeticion is still free.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from baas.clock import Clock
from baas.exchange_service.authorisations import Authorisation, Authorisations
from baas.exchange_service.desk.elements import Came, Elements
from baas.exchange_service.desk.headings import Heading, heading_of, organisation_of
from baas.exchange_service.desk.queue import Queue
from baas.exchange_service.desk.senders import Sender, Senders
from baas.exchange_service.desk.turns import Turns
from baas.exchange_service.errors import Refusal
from baas.exchange_service.replays import Replays
from baas.exchange_service.requests import New, Requests, content_of
from baas.protocols import soap
from baas.protocols.pci import reading, writing
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.messages import Confirmation, Poll, Request, Response, Status
from baas.protocols.pci.wsdl import Endpoint
from baas.protocols.soap import FaultCode, SoapError
from baas.trust_service.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Incoming:
    """A message as it came. `body` are the bytes of the HTTP body; `envelope` is the SOAP message in it, the same bytes
    unless it came with attachments. `peer` is the DER of the certificate that TLS verified."""

    endpoint: Endpoint
    body: bytes
    envelope: bytes
    attachments: bool
    peer: bytes | None


@dataclass(frozen=True)
class Desk:
    """What messages are answered with. Safe for threads."""

    database: Database
    clock: Clock
    senders: Senders
    requests: Requests
    replays: Replays
    authorisations: Authorisations
    elements: Elements
    queue: Queue
    turns: Turns

    def answer(self, incoming: Incoming, *, limit: int) -> bytes:
        """The envelope to send back. Raises SoapError."""
        envelope = soap.opened(incoming.envelope, limit=limit)
        heading = heading_of(envelope, incoming.endpoint)
        try:
            sender = self.senders.sender(envelope, incoming.peer, attachments=incoming.attachments)
            return self._answered(incoming, sender)
        except (Refusal, PciError) as error:
            return self._refused(incoming.endpoint, heading, error.detail, str(error))
        except SoapError:
            raise
        except Exception:
            log.exception("the exchange service failed; nothing of the request is recorded")
            words = "the service failed, and nothing was done: the same request may be sent again"
            return self._refused(incoming.endpoint, heading, Detail.INTERNAL, words)

    def _answered(self, incoming: Incoming, sender: Sender) -> bytes:
        _require_bound(sender, [organisation_of(sender.content)])
        if incoming.endpoint is Endpoint.ANSWER:
            return self._polled(sender)
        request = reading.read_request(sender.content)
        _require_bound(sender, [request.requester.code, *(each.requester.code for each in request.elements)])
        if incoming.endpoint is Endpoint.SYNC and len(request.elements) != 1:
            raise Refusal(
                Detail.ELEMENTS,
                f"one element is answered at once, got {len(request.elements)}: send more to the asynchronous endpoint",
            )
        content, content_sha256 = content_of(sender.content[0])
        new = New(
            organisation=sender.organisation,
            id=request.id,
            endpoint=incoming.endpoint.value,
            product=request.product,
            modality=request.modality,
            elements=len(request.elements),
            content_sha256=content_sha256,
            message_sha256=hashlib.sha256(incoming.body).digest(),
            certificate=sender.certificate.public_bytes(Encoding.DER),
            message=incoming.body,
            content=content,
        )
        with self.turns.of(sender.organisation), self.database.transaction():
            outcome = self._in_turn(sender, request, new)
        if isinstance(outcome, Refusal):
            raise outcome
        if incoming.endpoint is Endpoint.ASYNC:
            self.queue.poke()
        return outcome

    def _in_turn(self, sender: Sender, request: Request, new: New) -> bytes | Refusal:
        """The answer; or why not, and then the message stays among those that were seen, and nothing else is written."""
        try:
            if sender.seen is not None:
                self.replays.take(*sender.seen)
            self.elements.forget(new.product)  # a recorded answer is not given once it should be gone
            same = self.requests.same(new)
            if same is not None:
                kept = self.requests.exchanged(same.number)
                return kept.acceptance or kept.answer or _erased()
            self._require_authorised(request)
            self.elements.require(request.product, request.modality)
            with self.database.undone_if(Refusal):
                return self._accepted(request, new)
        except Refusal as refusal:
            return refusal

    def _accepted(self, request: Request, new: New) -> bytes:
        if new.endpoint == Endpoint.ASYNC:
            hours = self.queue.hours(new.elements)
            kept = self.requests.keep(new, hours)
            status = Status(State.PENDING, hours=hours)
            acceptance = self._confirmed(request, status)
            self.requests.accepted(kept.number, acceptance)
            return acceptance
        kept = self.requests.keep(new, 0)
        came = Came(kept.organisation, kept.message_sha256, hashlib.sha256(kept.certificate).digest())
        answers = (self.elements.answer(request, request.elements[0], came),)
        response = Response(
            request.id,
            self.clock.now(),
            request.product,
            request.modality,
            Status(State.FINISHED, message="OK"),
            answers,
        )
        answer = soap.envelope(writing.response_xml(response, request))
        self.requests.answered(kept.number, State.FINISHED, answer)
        return answer

    def _polled(self, sender: Sender) -> bytes:
        poll = reading.read_poll(sender.content)
        _require_bound(sender, [poll.requester.code])
        with self.turns.of(sender.organisation), self.database.transaction():
            outcome = self._found(sender, poll)
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    def _found(self, sender: Sender, poll: Poll) -> bytes | Refusal:
        try:
            if sender.seen is not None:
                self.replays.take(*sender.seen)
        except Refusal as refusal:
            return refusal
        kept = self.requests.find(sender.organisation, poll.id)
        if kept is None or (kept.product, kept.modality) != (poll.product, poll.modality):
            return Refusal(
                Detail.UNKNOWN,
                f"no such request of {poll.product} {poll.modality} was accepted from {sender.organisation}",
            )
        self.elements.forget(kept.product)
        if answer := self.requests.answer(kept.number):
            return answer
        if kept.state in (State.FINISHED, State.ERROR):
            return _erased()
        status = Status(kept.state, hours=kept.hours)
        pending = Response(kept.id, self.clock.now(), kept.product, kept.modality, status)
        return soap.envelope(writing.response_xml(pending, None))

    def _require_authorised(self, request: Request) -> None:
        allowed: set[Authorisation] = set()
        for each in request.elements:
            asks = Authorisation(
                each.requester.code, request.product, request.modality, each.requester.purpose.value
            )
            if asks not in allowed and not self.authorisations.allows(asks):
                raise Refusal(
                    Detail.AUTHORISATION,
                    f"element {each.id!r}: {asks.organisation} may not ask for {asks.product} {asks.modality}"
                    f" for {asks.purpose[:60]!r}: the operator authorises it",
                )
            allowed.add(asks)

    def _refused(self, endpoint: Endpoint, heading: Heading, detail: Detail, words: str) -> bytes:
        """The refusal; a Fault where what was read of the message cannot even be repeated."""
        status = Status(State.ERROR, detail.value, soap.printable(words))
        try:
            if endpoint is Endpoint.ASYNC:
                return self._confirmed(heading, status)
            response = Response(heading.id, self.clock.now(), heading.product, heading.modality, status)
            return soap.envelope(writing.response_xml(response, None))
        except PciError as error:
            raise SoapError(FaultCode.CLIENT, f"{detail}: {words}") from error

    def _confirmed(self, about: Request | Heading, status: Status) -> bytes:
        count = about.count if isinstance(about, Heading) else len(about.elements)
        made = Confirmation(about.id, self.clock.now(), about.product, about.modality, count, status)
        return soap.envelope(writing.confirmation_xml(made))


def _require_bound(sender: Sender, codes: Iterable[str]) -> None:
    """In nobody's name but the certificate's holder's."""
    for code in codes:
        if code and code != sender.organisation:
            raise Refusal(
                Detail.ORGANISATION,
                f"the certificate is {sender.organisation}'s, and it is asked in the name of {code[:10]!r}",
            )


def _erased() -> Refusal:
    return Refusal(
        Detail.UNKNOWN,
        "what was exchanged under this IdPeticion was erased with the personal data in it: that it was answered stays",
    )
