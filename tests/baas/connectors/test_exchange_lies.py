"""An operator of the exchange who lies: each answer that is not the answer to this very message is a failed act."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from baas.ades.types import Signer
from baas.ades.xml import child
from baas.connectors import ConnectorError, ConnectorRefused, ConnectorUnreachable
from baas.connectors.exchanges import Answered
from baas.connectors.exchanges.pci import PciAdapter
from baas.protocols import soap
from baas.protocols.pci import evidence, reading, writing
from baas.protocols.pci.codes import State
from baas.protocols.pci.evidence import EvidenceStatement
from baas.protocols.pci.messages import Answer, Confirmation, Poll, Request, Response, Status
from baas.protocols.soap import FaultCode, SoapError
from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from tests.baas.connectors.test_exchange_contract import resident
from tests.baas.exchange_service.liar import Liar, Said, lying
from tests.baas.exchange_service.served import Served, here


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with here(tmp_path_factory.mktemp("exchange")) as made:
        yield made


@pytest.fixture(scope="module")
def liar(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Liar]:
    with lying(served.trust, tmp_path_factory.mktemp("liar")) as made:
        yield made


@pytest.fixture
def adapter(served: Served, liar: Liar) -> Iterator[PciAdapter]:
    with closing(PciAdapter(served.settings(liar.url))) as opened:
        yield opened


@pytest.fixture(scope="module")
def true(served: Served) -> tuple[Request, Response]:
    """A request that the true service has answered, and its answer."""
    with served.adapter() as honest:
        request = resident(honest.requester)
        return request, honest.submit(request).response


def relayed(served: Served, change: Callable[[Response], Response]) -> Callable[[str, bytes], Said]:
    """The true service's own answer to the message, with something changed: the message is the client's own."""

    def answer(path: str, message: bytes) -> Said:
        with served.adapter() as through:
            got = through._http.post(
                served.url + path, content=message, headers={"Content-Type": soap.CONTENT_TYPE}
            )
        content = soap.read(got.content, limit=1 << 20)
        request = reading.read_request(_content(message))
        assert not isinstance(content, soap.Fault)
        changed = change(reading.read_response(content))
        return said(changed, replace(request, id=changed.id))

    return answer


def _content(message: bytes) -> etree._Element:
    return child(etree.fromstring(message), f"{{{soap.NAMESPACE}}}Body")[0]


def said(response: Response, request: Request) -> Said:
    return Said(soap.envelope(writing.response_xml(response, request)))


def with_answer(response: Response, **changes: object) -> Response:
    (answer,) = response.answers
    return replace(response, answers=(replace(answer, **changes),))  # type: ignore[arg-type]


def resigned(served: Served, content: bytes, signer: Signer, **changes: object) -> bytes:
    """Evidence with something else in it, truly stamped, signed by `signer`."""
    statement, _ = evidence.read_verified(content, served.trust.pki.trust(), datetime.now(UTC))
    assert isinstance(statement, EvidenceStatement)
    now = datetime.now(UTC)
    return evidence.sign(
        replace(statement, **changes),
        signer,
        served.trust.authority.stamp,
        now,  # type: ignore[arg-type]
    )


def test_the_answer_as_the_true_service_gave_it(adapter: PciAdapter, liar: Liar, served: Served) -> None:
    """What is changed in the others is what they are refused for."""
    liar.answer = relayed(served, lambda response: response)
    request = resident(adapter.requester)
    found = adapter.submit(request)
    assert found.response.id == request.id
    assert liar.heard[-1] == found.call.message


def test_the_answer_of_another_request(
    adapter: PciAdapter, liar: Liar, true: tuple[Request, Response]
) -> None:
    request, response = true
    liar.answer = lambda _path, _message: said(response, request)
    with pytest.raises(ConnectorUnreachable, match="answered another request"):
        adapter.submit(resident(adapter.requester))


def test_the_answer_of_another_request_under_this_ones_name(
    adapter: PciAdapter, liar: Liar, true: tuple[Request, Response]
) -> None:
    request, response = true
    mine = resident(adapter.requester)
    liar.answer = lambda _path, _message: said(replace(response, id=mine.id), request)
    with pytest.raises(VerificationError, match="of another request"):
        adapter.submit(mine)


@pytest.mark.parametrize("changes", [{"product": "MUX"}, {"modality": "TITULAR"}], ids=str)
def test_the_answer_of_another_product(
    adapter: PciAdapter, liar: Liar, served: Served, changes: dict[str, str]
) -> None:
    liar.answer = relayed(served, lambda response: replace(response, **changes))  # type: ignore[arg-type]
    with pytest.raises(ConnectorUnreachable, match="answered another"):
        adapter.submit(resident(adapter.requester))


def test_an_answer_that_was_changed(adapter: PciAdapter, liar: Liar, served: Served) -> None:
    def changed(response: Response) -> Response:
        data = response.answers[0].data
        assert b"Resultado>1<" in data
        return with_answer(response, data=data.replace(b"Resultado>1<", b"Resultado>2<"))

    liar.answer = relayed(served, changed)
    with pytest.raises(VerificationError, match="of another answer"):
        adapter.submit(resident(adapter.requester))


@pytest.mark.parametrize(
    ("field", "value", "refused"),
    [
        ("request_id", "9821920002-X", "of another request"),
        ("element_id", "E9", "of another element"),
        ("product", "MUX", "of another product"),
        ("modality", "TITULAR", "of another modality"),
        ("purpose", "ALTRES", "of another purpose"),
        ("organisation", "0801930008", "of another organisation"),
        ("certificate_sha256", bytes(32), "by another certificate"),
        ("message_sha256", bytes(32), "of another message"),
        ("answer_sha256", bytes(32), "of another answer"),
    ],
)
def test_the_exchanges_own_evidence_of_something_else(
    adapter: PciAdapter, liar: Liar, served: Served, field: str, value: object, refused: str
) -> None:
    def changed(response: Response) -> Response:
        signed = resigned(served, response.answers[0].evidence, served.trust.pki.exchange, **{field: value})
        return with_answer(response, evidence=signed)

    liar.answer = relayed(served, changed)
    with pytest.raises(VerificationError, match=refused):
        adapter.submit(resident(adapter.requester))


@pytest.mark.parametrize("who", ["dss", "tls", "seal", "application"])
def test_evidence_signed_by_somebody_else_of_the_same_authorities(
    adapter: PciAdapter, liar: Liar, served: Served, who: str
) -> None:
    pki = served.trust.pki
    signer = {
        "dss": pki.dss,
        "tls": pki.tls,
        "seal": pki.seal(adapter.requester.code).signer,
        "application": served.signer(adapter.requester.code),
    }[who]

    def changed(response: Response) -> Response:
        return with_answer(response, evidence=resigned(served, response.answers[0].evidence, signer))

    liar.answer = relayed(served, changed)
    with pytest.raises(VerificationError):
        adapter.submit(resident(adapter.requester))


def test_evidence_by_another_sandboxs_exchange(
    adapter: PciAdapter, liar: Liar, served: Served, tmp_path: Path
) -> None:
    with here(tmp_path) as stranger:

        def changed(response: Response) -> Response:
            content = response.answers[0].evidence
            statement, _ = evidence.read_verified(content, served.trust.pki.trust(), datetime.now(UTC))
            assert statement is not None
            signed = evidence.sign(
                statement,
                stranger.trust.pki.exchange,
                stranger.trust.authority.stamp,
                datetime.now(UTC),
            )
            return with_answer(response, evidence=signed)

        liar.answer = relayed(served, changed)
        with pytest.raises(VerificationError, match="does not hold"):
            adapter.submit(resident(adapter.requester))


def test_evidence_that_is_not_signed(adapter: PciAdapter, liar: Liar, served: Served) -> None:
    def changed(response: Response) -> Response:
        statement, _ = evidence.read_verified(
            response.answers[0].evidence, served.trust.pki.trust(), datetime.now(UTC)
        )
        assert statement is not None
        return with_answer(response, evidence=evidence.write(statement))

    liar.answer = relayed(served, changed)
    with pytest.raises(VerificationError, match="does not hold"):
        adapter.submit(resident(adapter.requester))


def test_no_evidence_where_it_was_asked_for(adapter: PciAdapter, liar: Liar, served: Served) -> None:
    liar.answer = relayed(served, lambda response: with_answer(response, evidence=b""))
    with pytest.raises(ConnectorRefused) as refused:
        adapter.submit(resident(adapter.requester))
    assert refused.value.reason == "NO_EVIDENCE"


def test_the_answer_to_another_element(adapter: PciAdapter, liar: Liar) -> None:
    def answer(_path: str, message: bytes) -> Said:
        request = reading.read_request(_content(message))
        (element,) = request.elements
        other = replace(request, elements=(replace(element, id="E9"),))
        answers = (Answer("E9", "", element.data),)
        return said(
            Response(request.id, datetime.now(UTC), "PADRO", "RESIDENT", Status(State.FINISHED), answers),
            other,
        )

    liar.answer = answer
    with pytest.raises(MalformedEvidence, match="other elements"):
        adapter.submit(replace(resident(adapter.requester, evidence=False)))


def test_no_answer_in_an_answer(adapter: PciAdapter, liar: Liar) -> None:
    def answer(_path: str, message: bytes) -> Said:
        request = reading.read_request(_content(message))
        done = Response(request.id, datetime.now(UTC), "PADRO", "RESIDENT", Status(State.FINISHED))
        return said(done, request)

    liar.answer = answer
    with pytest.raises(MalformedEvidence, match="answers to 1"):
        adapter.submit(resident(adapter.requester))


def test_a_state_that_is_none_of_an_answer(adapter: PciAdapter, liar: Liar) -> None:
    def answer(_path: str, message: bytes) -> Said:
        request = reading.read_request(_content(message))
        return said(
            Response(request.id, datetime.now(UTC), "PADRO", "RESIDENT", Status(State.PENDING)), request
        )

    liar.answer = answer
    with pytest.raises(ConnectorRefused, match="fetch it later") as refused:
        adapter.submit(resident(adapter.requester))
    assert refused.value.reason == State.PENDING


def test_a_confirmation_of_another_request(adapter: PciAdapter, liar: Liar) -> None:
    made = Confirmation("X-1", datetime.now(UTC), "PADRO", "RESIDENT", 1, Status(State.PENDING))
    liar.answer = lambda _path, _message: Said(soap.envelope(writing.confirmation_xml(made)))
    with pytest.raises(ConnectorUnreachable, match="answered another request"):
        adapter.submit_async(resident(adapter.requester))


def test_an_answer_where_a_confirmation_belongs(
    adapter: PciAdapter, liar: Liar, true: tuple[Request, Response]
) -> None:
    request, response = true
    liar.answer = lambda _path, _message: said(response, request)
    with pytest.raises(MalformedEvidence, match="not as the"):
        adapter.submit_async(resident(adapter.requester))


def test_evidence_of_a_message_that_another_process_sent(served: Served) -> None:
    """The true service: what is sent again under the same name is answered with the first message's evidence."""
    with served.adapter() as first, served.adapter() as second:
        request = resident(first.requester)
        answered = first.submit(request)
        with pytest.raises(VerificationError, match="fetch it"):
            second.submit(request)
    with served.adapter() as third:
        found = third.fetch(Poll.of(request, datetime.now(UTC)))
    assert isinstance(found, Answered)
    assert found.response == answered.response


ENVELOPE = soap.envelope


@pytest.mark.parametrize(
    ("what", "answer", "expected"),
    [
        ("a page", Said(b"<html/>", headers={"Content-Type": "text/html"}), ConnectorUnreachable),
        ("nothing", Said(b"", 500, {"Content-Type": "text/plain"}), ConnectorUnreachable),
        ("no envelope", Said(b"<a/>"), MalformedEvidence),
        ("half of one", Said(b"<soapenv:Envelope"), MalformedEvidence),
        (
            "a document type",
            Said(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
            MalformedEvidence,
        ),
        (
            "compressed",
            Said(gzip.compress(b"<a/>"), headers={"Content-Type": "text/xml", "Content-Encoding": "gzip"}),
            ConnectorUnreachable,
        ),
        (
            "elsewhere",
            Said(b"", 302, {"Location": "https://127.0.0.1:1/", "Content-Type": "text/xml"}),
            ConnectorUnreachable,
        ),
        (
            "a fault",
            Said(soap.fault(SoapError(FaultCode.SERVER, "too much is being answered")), 500),
            ConnectorRefused,
        ),
        ("too much", Said(b" " * (25 << 20)), MalformedEvidence),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_no_answer(
    adapter: PciAdapter, liar: Liar, what: str, answer: Said, expected: type[Exception]
) -> None:
    liar.answer = lambda _path, _message: answer
    request = resident(adapter.requester)
    poll = Poll.of(request, datetime.now(UTC))
    for act in (
        lambda: adapter.submit(request),
        lambda: adapter.submit_async(request),
        lambda: adapter.fetch(poll),
    ):
        before = len(liar.heard)
        with pytest.raises(expected) as raised:
            act()
        assert isinstance(raised.value, ConnectorError | EvidenceError)
        assert len(liar.heard) == before + 1, "nothing is sent twice"


def test_a_fault_has_its_code(adapter: PciAdapter, liar: Liar) -> None:
    liar.answer = lambda _path, _message: Said(soap.fault(SoapError(FaultCode.CLIENT, "no request")), 500)
    with pytest.raises(ConnectorRefused, match="no request") as refused:
        adapter.submit(resident(adapter.requester))
    assert refused.value.reason == "Client"


def test_a_part_that_the_wsdl_does_not_know(adapter: PciAdapter, liar: Liar, served: Served) -> None:
    answer = relayed(served, lambda response: response)

    def more(path: str, message: bytes) -> Said:
        body = answer(path, message).body
        assert b"</Atributos>" in body
        return Said(body.replace(b"</Atributos>", b"<Extra>1</Extra></Atributos>"))

    liar.answer = more
    with pytest.raises(MalformedEvidence, match="not as the"):
        adapter.submit(resident(adapter.requester))


@pytest.mark.parametrize(
    ("true", "lie"),
    [
        (b"<TiempoEstimadoRespuesta>0<", b"<TiempoEstimadoRespuesta>soon<"),
        (b"<NumElementos>1<", b"<NumElementos>one<"),
        (b"<CodigoEstado>0003<", b"<CodigoEstado>0009<"),
        (b"<Atributos>", b"<Atributos a='1'>"),
        (b"<procesaResponse", b"<procesa"),
    ],
    ids=lambda each: each.decode().strip("<>") if isinstance(each, bytes) else "",
)
def test_a_value_that_the_schema_does_not_know(
    adapter: PciAdapter, liar: Liar, served: Served, true: bytes, lie: bytes
) -> None:
    answer = relayed(served, lambda response: response)

    def other(path: str, message: bytes) -> Said:
        body = answer(path, message).body
        assert true in body
        ends = (true[1:].split(b"<")[0].split(b">")[0], lie[1:].split(b"<")[0].split(b">")[0])
        return Said(
            body.replace(true, lie).replace(b"</" + ends[0] + b">", b"</" + ends[1].split(b" ")[0] + b">")
        )

    liar.answer = other
    with pytest.raises(MalformedEvidence):
        adapter.submit(resident(adapter.requester))
