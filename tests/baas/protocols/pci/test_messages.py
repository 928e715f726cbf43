"""The four messages, written and read back; the documented example; times as samples have them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from baas.ades.xml import parse
from baas.protocols.pci import names, schema
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.fields import time_of
from baas.protocols.pci.messages import Answer, Confirmation, Consent, Issuer, Poll, Response, Status
from baas.protocols.pci.names import qname
from baas.protocols.pci.reading import read_confirmation, read_poll, read_request, read_response
from baas.protocols.pci.writing import confirmation_xml, poll_xml, request_xml, response_xml
from tests.baas.protocols.pci.examples import DOCUMENTED, NOW, OFFICER, RESIDENT, full_request, request

ANSWERED = b'<p:respuestaResidente xmlns:p="http://www.aocat.net/padro"><p:codigoResultado>1</p:codigoResultado></p:respuestaResidente>'


OFFICER_AGAIN = f"""<Funcionario xmlns="{names.RESPONSE}"><NombreCompletoFuncionario>Funcionari de Prova
</NombreCompletoFuncionario></Funcionario>"""


def sent(element: etree._Element) -> etree._Element:
    """An element as it comes out of another process."""
    return parse(etree.tostring(element, encoding="UTF-8"))


def response(**changes: object) -> Response:
    made = Response(
        "9821920002-20261122-000001",
        NOW,
        "PADRO",
        "RESIDENT",
        Status(State.FINISHED, message="OK"),
        (Answer("1", "EXP-7", ANSWERED, b"<Evidencia/>", b"%PDF"),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_documented_example_is_read() -> None:
    read = read_request(parse(DOCUMENTED))
    assert read == replace(request(), issuer=Issuer("Q0801175A", "CAOC"))
    assert read.time == datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert read.officer == OFFICER
    (element,) = read.elements
    assert (element.evidence, element.pdf, element.consent) == (True, False, Consent.LAW)
    assert element.data == RESIDENT


@pytest.mark.parametrize("made", [request(), full_request(), request(500)], ids=["documented", "full", "500"])
def test_a_request_is_read_as_it_was_written(made: object) -> None:
    assert read_request(sent(request_xml(made))) == made  # type: ignore[arg-type]


def test_a_response_repeats_what_was_asked_but_its_files() -> None:
    asked = full_request()
    answers = (Answer("1", "T-1", ANSWERED, b"<e/>", b""), Answer("2", "", b"", b"", b"%PDF-1.7"))
    written = response_xml(response(answers=answers), asked)
    assert read_response(sent(written)) == response(answers=answers)
    text = etree.tostring(written, encoding="unicode")
    assert "<Documentacion>RA12345678</Documentacion>" in text
    assert "<NumElementos>2</NumElementos>" in text
    assert "Ficheros" not in text
    assert "DatosAutorizacion" not in text


def test_a_refusal_needs_no_request_and_its_words_are_cut() -> None:
    refused = response(answers=(), status=Status(State.ERROR, Detail.AUTHORISATION, "no " * 200))
    read = read_response(sent(response_xml(refused, None)))
    assert (read.status.state, read.status.detail) == (State.ERROR, "AUTHORISATION")
    assert len(read.status.message) == 255
    assert read.status.message.endswith("…")
    assert read.answers == ()


def test_words_that_xml_cannot_hold_are_still_said() -> None:
    """They may be a stranger's, and who is refused must hear of it."""
    refused = response(answers=(), status=Status(State.ERROR, Detail.SCHEMA, "got \x00\x1b and \ud800"))
    read = read_response(sent(response_xml(refused, None)))
    assert read.status.message == "got \ufffd\ufffd and \ufffd"


def test_answers_without_what_was_asked_are_not_written() -> None:
    with pytest.raises(ValueError, match="expected the request"):
        response_xml(response(), None)
    with pytest.raises(ValueError, match="not asked"):
        response_xml(response(answers=(Answer("9", "", b""),)), request())


def test_an_answer_as_aoc_s_schema_lets_it_be() -> None:
    """Attributes in another order, what was asked said again in full, and an IdTransmision of 29 characters."""
    written = response_xml(response(), request())
    attributes = written[0][0]
    attributes.append(etree.fromstring(OFFICER_AGAIN))
    for place in (0, 3):
        attributes.append(attributes[place])
    transmission = written.find(f".//{qname(names.RESPONSE, 'IdTransmision')}")
    assert transmission is not None
    transmission.text = "T" * 29
    assert read_response(sent(written)) == response(
        answers=(replace(response().answers[0], transmission="T" * 29),)
    )
    with pytest.raises(PciError, match="at most 26 characters in a request, got 29"):
        request_xml(replace(request(), elements=(replace(request().elements[0], transmission="T" * 29),)))


def test_confirmations_and_polls_are_read_as_they_were_written() -> None:
    made = Confirmation("P-1", NOW, "PADRO", "RESIDENT", 500, Status(State.PENDING, hours=1))
    assert read_confirmation(sent(confirmation_xml(made))) == made
    poll = Poll.of(request(3), NOW)
    assert poll.count == 3
    assert read_poll(sent(poll_xml(poll))) == poll


def test_children_stand_in_the_order_of_aocs_example() -> None:
    (attributes,) = poll_xml(Poll.of(request(), NOW))[0]
    assert [etree.QName(each).localname for each in attributes] == [
        "IdPeticion",
        "NumElementos",
        "TimeStamp",
        "CodigoCertificado",
        "DatosAutorizacion",
        "CodigoProducto",
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-22T10:00:00.000+01:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("2026-11-22T09:00:00Z", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("2007-04-18 17:35:02.454", datetime(2007, 4, 18, 15, 35, 2, 454000, tzinfo=UTC)),
        ("18042007", datetime(2007, 4, 17, 22, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 21, 23, tzinfo=UTC)),
        ("2026-11-22T10:00:00.1234567+0100", datetime(2026, 11, 22, 9, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_samples_have_them(written: str, meant: datetime) -> None:
    assert time_of(written, "TimeStamp") == meant


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "20261122",
        "2026-13-01",
        "31022026",
        "0001-01-01T00:00+05:00",
        "2026-11-22T25:00",
        "٢٠٢٦-11-22",
    ],
)
def test_what_is_no_time_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(PciError, match=r"such as 2026-11-22T10:00:00\.000\+01:00") as refused:
        time_of(written, "TimeStamp")
    assert refused.value.detail is Detail.SCHEMA


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError, match="with its zone"):
        request_xml(replace(request(), time=datetime(2026, 11, 22)))  # noqa: DTZ001 - that is the mistake


SCHEMAS = Path(schema.__file__).parent / "schemas"


@pytest.mark.parametrize("file", sorted(SCHEMAS.glob("*.xsd")), ids=lambda file: file.stem)
def test_the_published_files_are_schemas_by_themselves(file: Path) -> None:
    """XSD 1.0 as they lie there, with their includes: AOC's own published one is not."""
    etree.XMLSchema(etree.parse(str(file)))


def test_data_is_the_same_bytes_wherever_it_stood() -> None:
    """White space and namespaces around the product's element are no part of it."""
    inside = DOCUMENTED.replace(
        b'xmlns="http://www.openuri.org/"', b'xmlns="http://www.openuri.org/" xmlns:o="urn:o"'
    )
    assert read_request(parse(inside)).elements[0].data == RESIDENT
    pretty = parse(etree.tostring(parse(DOCUMENTED), pretty_print=True))
    assert read_request(pretty).elements[0].data == RESIDENT
