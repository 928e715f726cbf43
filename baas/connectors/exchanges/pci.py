"""The adapter `pci`: AOC's exchange platform, in its own messages over SOAP, by zeep and by our WSDL.

What is asked of a remote service is what the platform's clients are known to ask. An answer is believed as its TLS server
is, by the roots that the caller holds; evidence is believed by its own signature, and only of the act that was asked for.
Large files go beside a message by MTOM where TLS is mutual, and within it where it is signed.
Nothing is sent twice: a service that did not answer in time may have done what was asked, and `fetch` tells.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum
from typing import ClassVar, Self, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades.revocation_values import in_xml
from baas.clock import Clock, SystemClock
from baas.connectors import ConnectorRefused, ConnectorSettings, ConnectorUnreachable, Environment
from baas.connectors.exchanges import (
    Answered,
    Call,
    Confirmed,
    ExchangeCapabilities,
    Pending,
    _soap,
    _tls,
)
from baas.connectors.exchanges._evidence import Act, Signatory
from baas.connectors.signature._lifetimes import crls_in
from baas.connectors.signature._revocation import Crls
from baas.protocols import wss
from baas.protocols.pci import reading, writing
from baas.protocols.pci.codes import MOST_ELEMENTS, Detail, State
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.evidence import EvidenceStatement
from baas.protocols.pci.messages import (
    TRIALS,
    Confirmation,
    Poll,
    Purpose,
    Request,
    Requester,
    Response,
    Status,
)
from baas.protocols.pci.products import etauler, mux, padro, representa
from baas.protocols.pci.wsdl import Endpoint
from sandbox.errors import MalformedEvidence

#: The products that this sandbox has payloads of.
PRODUCTS = {
    etauler.PRODUCT: (etauler.MODALITY,),
    mux.PRODUCT: (mux.ENTRY, mux.QUERY),
    padro.PRODUCT: (padro.RESIDENT,),
    representa.PRODUCT: (representa.VALIDATION,),
}
REMEMBERED = 4096
"""Requests whose messages are remembered, so that evidence of another message is not taken for theirs."""


class Security(StrEnum):
    """By what the service knows who asks: a signature in the message (WS-Security), or mutual TLS."""

    WSS = "wss"
    MTLS = "mtls"


def offered(environment: Environment, url: str) -> ExchangeCapabilities:
    """What can be asked of a service with this adapter; which of it an administration may ask, the service says."""
    return ExchangeCapabilities(
        provider=environment.provider(url.rstrip("/")),
        products=PRODUCTS,
        most_elements=MOST_ELEMENTS,
        attachments=True,
        verified_against="the embedded service only; not verified against AOC's pre-production",
    )


class PciAdapter:
    """A client of one service, for one administration. Safe for threads.

    `settings.url` is the service's address without a path; `settings.signers` has the administration's key. The options:

        administration      its code (INE10); `name` its name, as the messages say it
        purpose             Finalidad of what it asks, PROVES by default
        security            "wss" (default), or "mtls"
        evidence_policy     certificate policy (dotted) of who signs evidence; the embedded service's own by default
        evidence_name       common name of who signs evidence; in a laboratory the embedded service's own by default
        revocation          where CRLs are whose certificates name a host under `.invalid`; the service by default
    """

    slug: ClassVar[str] = "pci"

    def __init__(self, settings: ConnectorSettings, clock: Clock | None = None) -> None:
        options = settings.options
        self._settings, self._clock = settings, clock or SystemClock()
        self._base = settings.url.rstrip("/")
        code = options.get("administration", "")
        if code not in settings.signers:
            raise ValueError(f"expected the key with which {code or 'the administration'} signs, got none")
        self._signer = settings.signers[code]
        self._certificate = hashlib.sha256(self._signer.certificate.public_bytes(Encoding.DER)).digest()
        self.security = Security(options.get("security") or Security.WSS)
        self.requester = Requester(
            code, options.get("name") or code, Purpose(options.get("purpose") or TRIALS)
        )
        self.signatory = Signatory.of(settings)
        mutual = self.security is Security.MTLS
        self._http = _tls.client(settings.trust_anchor, settings.timeout, self._signer if mutual else None)
        self._crls = Crls(self._http, (options.get("revocation") or self._base).rstrip("/"), self._clock)
        self._lock = threading.Lock()
        self._sent: OrderedDict[str, set[bytes]] = OrderedDict()

    @classmethod
    def open(cls, settings: ConnectorSettings) -> Self:
        """An adapter with its own connections, which `close` ends. The environment's proxies are ignored."""
        return cls(settings)

    @property
    def capabilities(self) -> ExchangeCapabilities:
        mutual = self.security is Security.MTLS
        return replace(offered(self._settings.environment, self._base), attachments=mutual)

    def submit(self, request: Request) -> Answered:
        if len(request.elements) != 1:
            raise _refused_here(
                f"a request that is answered at once has one element, got {len(request.elements)}"
            )
        exchanged = self._send(Endpoint.SYNC, writing.request_xml(request), request.id)
        response = _read(reading.read_response, exchanged.content)
        found = self._answer(exchanged, response, Poll.of(request, request.time))
        if isinstance(found, Pending):
            raise ConnectorRefused(
                response.status.state, f"{self._base} took the request and has no answer yet: fetch it later"
            )
        _require_elements(response, (each.id for each in request.elements))
        return self._asked_for(found, [each.id for each in request.elements if each.evidence])

    def submit_async(self, request: Request) -> Confirmed:
        if not 1 <= len(request.elements) <= MOST_ELEMENTS:
            raise _refused_here(
                f"expected from 1 to {MOST_ELEMENTS} elements in a request, got {len(request.elements)}"
            )
        exchanged = self._send(Endpoint.ASYNC, writing.request_xml(request), request.id)
        confirmation = _read(reading.read_confirmation, exchanged.content)
        self._require_about(confirmation, Poll.of(request, request.time))
        self._require_accepted(confirmation.status)
        return Confirmed(self._call(exchanged), confirmation)

    def fetch(self, poll: Poll) -> Answered | Pending:
        exchanged = self._send(Endpoint.ANSWER, writing.poll_xml(poll))
        return self._answer(exchanged, _read(reading.read_response, exchanged.content), poll)

    def evidence(self, poll: Poll) -> tuple[bytes, ...]:
        found = self.fetch(poll)
        if isinstance(found, Pending):
            raise ConnectorRefused(
                found.response.status.state, f"{self._base} has no answer yet to {poll.id}: ask again later"
            )
        self._asked_for(found, [each.id for each in found.response.answers])
        return tuple(each.evidence for each in found.response.answers)

    def completed(self, evidence: bytes) -> bytes:
        """Evidence as its holder keeps it: with the CRLs of now in it, outside of what is signed: so it verifies alone.

        Raises EvidenceError, ConnectorError.
        """
        had = crls_in(evidence)
        crls = self.signatory.crls_of(evidence, self._crls, self._clock.now())
        new = [each for each in crls if each not in had]
        return in_xml(evidence, new) if new else evidence

    def present(self, evidence: bytes) -> EvidenceStatement:
        """What evidence states, of any request, that holds now by the CRLs of now. Raises EvidenceError, ConnectorError."""
        return self.signatory.present(evidence, self._crls, self._clock.now())

    def close(self) -> None:
        self._http.close()

    # inside

    def _send(self, endpoint: Endpoint, content: etree._Element, request_id: str = "") -> _soap.Exchanged:
        def secure(envelope: etree._Element) -> _soap.Message:
            if self.security is Security.MTLS:
                message = _soap.plain(envelope)
            else:
                message = _soap.Message(wss.secure(envelope, self._signer, self._clock.now()))
            if request_id:
                self._remember(request_id, hashlib.sha256(message.body).digest())
            return message

        return _soap.call(self._http, self._base, endpoint, content, secure, self._clock)

    def _answer(self, exchanged: _soap.Exchanged, response: Response, poll: Poll) -> Answered | Pending:
        """The answer, whose evidence holds; about what `poll` asks. Raises ConnectorRefused for state 0502."""
        self._require_about(response, poll)
        self._require_accepted(response.status)
        call = self._call(exchanged)
        if response.status.state is not State.FINISHED:
            return Pending(call, response)
        if len({each.id for each in response.answers}) != poll.count or len(response.answers) != poll.count:
            raise MalformedEvidence(
                f"expected the answers to {poll.count} elements of {poll.id}, got {len(response.answers)}"
            )
        act = self._act(poll)
        now = self._clock.now()
        for answer in response.answers:
            if answer.evidence:
                act.require(self.signatory.present(answer.evidence, self._crls, now), answer)
        return Answered(call, response)

    def _act(self, poll: Poll) -> Act:
        with self._lock:
            known = frozenset(self._sent.get(poll.id, ()))
        return Act(
            request_id=poll.id,
            product=poll.product,
            modality=poll.modality,
            organisation=poll.requester.code,
            purpose=poll.requester.purpose.value,
            messages=known,
            certificate=self._certificate if known else b"",
        )

    def _remember(self, request_id: str, message: bytes) -> None:
        with self._lock:
            self._sent.setdefault(request_id, set()).add(message)
            self._sent.move_to_end(request_id)
            while len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)

    def _require_about(self, answer: Response | Confirmation, poll: Poll) -> None:
        """A refusal of a message that could not be read may name no request."""
        refused = answer.status.state is State.ERROR
        for what, expected, got in (
            ("request", poll.id, answer.id),
            ("product", poll.product, answer.product),
            ("modality", poll.modality, answer.modality),
        ):
            if expected != got and not (refused and not got):
                raise ConnectorUnreachable(
                    f"{self._base} answered another {what}: expected {expected}, got {got[:100]!r}"
                )

    def _require_accepted(self, status: Status) -> None:
        if status.state is State.ERROR:
            reason = status.detail or State.ERROR.value
            raise ConnectorRefused(
                reason, f"{self._base} refused ({reason}): {status.message[:300] or 'no text'}"
            )

    def _asked_for(self, found: Answered, elements: Iterable[str]) -> Answered:
        """The answer, in which none of these elements' evidence is missing."""
        having = {each.id for each in found.response.answers if each.evidence}
        if missing := [each for each in elements if each not in having]:
            raise ConnectorRefused(
                "NO_EVIDENCE",
                f"{self._base} gave no evidence of element {missing[0]} of {found.response.id}: it is asked for with the "
                "request, and never after",
            )
        return found

    def _call(self, exchanged: _soap.Exchanged) -> Call:
        return Call(self._provider, exchanged.message, exchanged.answer, exchanged.started, exchanged.ended)

    @property
    def _provider(self) -> str:
        return self._settings.environment.provider(self._base)


_Read = TypeVar("_Read")


def _require_elements(response: Response, expected: Iterable[str]) -> None:
    got = [each.id for each in response.answers]
    if sorted(got) != sorted(expected):
        raise MalformedEvidence(f"{response.id}: the answers are of other elements: {', '.join(got)[:200]}")


def _refused_here(message: str) -> ConnectorRefused:
    return ConnectorRefused(Detail.ELEMENTS, f"{message}: nothing was sent")


def _read(read: Callable[[etree._Element], _Read], element: etree._Element) -> _Read:
    try:
        return read(element)
    except PciError as error:
        raise MalformedEvidence(f"the service's answer is not as the schema says: {error}") from error


ADAPTER = PciAdapter
