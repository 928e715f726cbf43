"""Signed evidence and sealed PDFs in answers, and messages that come with attachments."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from fpdf import FPDF

from baas.ades import signatures
from baas.ades.types import Signer
from baas.exchange_service.products import Done
from baas.protocols import mtom, soap
from baas.protocols.pci import evidence, reading, writing
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.messages import File, Response
from tests.baas.exchange_service.place import FIRST, Client, Diary, Place


def stated(place: Place, response: Response, n: int = 0) -> evidence.EvidenceStatement:
    statement, verdict = evidence.read_verified(
        response.answers[n].evidence, place.trust_service.pki.trust(), place.clock.now()
    )
    assert verdict.ok, verdict.details
    assert statement is not None
    return statement


def certificate_sha256(client: Client) -> bytes:
    return hashlib.sha256(client.signer.certificate.public_bytes(Encoding.DER)).digest()


def test_evidence_binds_the_message_and_the_answer(place: Place) -> None:
    client = place.client()
    message = client.signed(writing.request_xml(client.request("evidence", "proved", evidence=True)))
    response = reading.read_response(client.answered("Sincron", message))
    found = stated(place, response)
    assert (found.request_id, found.element_id, found.organisation) == ("evidence", "1", FIRST)
    assert (found.product, found.modality, found.purpose) == ("DIARY", "LINE", "PROVES")
    assert found.message_sha256 == hashlib.sha256(message).digest()
    assert found.answer_sha256 == hashlib.sha256(response.answers[0].data).digest()
    assert found.certificate_sha256 == certificate_sha256(client)
    assert found.parameters == {"line": "proved"}
    again = client.sync(client.request("evidence", "proved", evidence=True))
    assert again == response, "a message that is signed anew gets the evidence of the first"


def test_evidence_is_made_when_it_is_asked_for_alone(place: Place) -> None:
    client = place.client()
    assert client.sync(client.request("none", "unproved")).answers[0].evidence == b""


def test_evidence_of_each_element_that_is_answered_later(place: Place) -> None:
    client = place.client()
    request = client.request("later", "one", "two", evidence=True)
    message = client.signed(writing.request_xml(request))
    assert client.post("Asincron", message).status_code == 200
    while (response := client.poll(request)).status.state is not State.FINISHED:
        time.sleep(0.01)
    for n, line in enumerate(("one", "two")):
        found = stated(place, response, n)
        assert (found.element_id, found.parameters) == (str(n + 1), {"line": line})
        assert found.message_sha256 == hashlib.sha256(message).digest()
        assert found.answer_sha256 == hashlib.sha256(response.answers[n].data).digest()


def test_a_products_pdf_is_sealed_by_the_exchange(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    paper = FPDF()
    paper.add_page()
    plain = bytes(paper.output())
    answer = Diary.answer
    monkeypatch.setattr(Diary, "answer", lambda self, asked: replace(answer(self, asked), pdf=plain))
    client = place.client()
    asked = client.request("paper")
    asked = replace(asked, elements=(replace(asked.elements[0], pdf=True),))
    [found] = client.sync(asked).answers
    verdict = signatures.validate(found.pdf, None, place.trust_service.pki.trust(), place.clock.now())
    assert verdict.ok, verdict.details
    assert verdict.covers_whole_document
    assert "Sandbox" in verdict.signer["CommonName"]


def test_what_fails_while_evidence_is_made_leaves_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = place.client()
    request = client.request("no stamp", "no stamp", evidence=True)

    def broken(*_: Any) -> bytes:
        raise RuntimeError("the authority does not answer")

    with monkeypatch.context() as context:
        context.setattr(place.service._desk.elements, "_stamper", broken)
        assert client.sync(request).status.detail == Detail.INTERNAL
    assert "no stamp" not in [each[2] for each in place.lines()]
    assert client.sync(request).status.state is State.FINISHED


# --- attachments


def attached(client: Client, request_id: str, content: bytes) -> mtom.Multipart:
    request = client.request(request_id)
    file = File("d1", "acta.pdf", content, hashlib.sha256(content).digest())
    request = replace(request, elements=(replace(request.elements[0], files=(file,)),))
    envelope = soap.envelope(writing.request_xml(request))
    made = mtom.write(envelope, ("{http://gencat.net/scsp/esquemes/peticion}Contenido",))
    assert content in made.body
    return made


def shown(place: Place) -> Signer:
    return place.trust_service.pki.application(FIRST).signer


def test_attachments_go_over_mutual_tls(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    answer = Diary.answer

    def keeping(self: Diary, asked: Any) -> Done:
        seen.extend(each.content for each in asked.element.files)
        return answer(self, asked)

    monkeypatch.setattr(Diary, "answer", keeping)
    client = place.client(shown=shown(place))
    made = attached(client, "attached", b"\x00%PDF" * 1000)
    answered = client.post("Sincron", made.body, **{"Content-Type": made.content_type})
    assert b"0003" in answered.content
    assert seen == [b"\x00%PDF" * 1000]
    kept = place.service.exchanged(FIRST, "attached")
    assert kept is not None
    assert kept.message == made.body, "as it came"


def test_attachments_without_mutual_tls_or_with_a_signature_too_are_refused(place: Place) -> None:
    client = place.client()
    made = attached(client, "no tls", b"\x00%PDF")
    answered = client.post("Sincron", made.body, **{"Content-Type": made.content_type})
    assert Detail.SECURITY.encode() in answered.content
    both = place.client(shown=shown(place))
    secured = mtom.write(both.signed(writing.request_xml(both.request("both"))), ())
    answered = both.post("Sincron", secured.body, **{"Content-Type": secured.content_type})
    assert Detail.SECURITY.encode() in answered.content
    assert place.service.exchanged(FIRST, "both") is None
