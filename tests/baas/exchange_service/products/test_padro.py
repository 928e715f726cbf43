"""PADRO: AOC's test set, the sandbox's own, nobody else, and nobody by the back door."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baas.exchange_service.fictional.residents import Kind, residents
from baas.exchange_service.products import Done, Product, ProductRefused
from baas.exchange_service.products.padro import Padro
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.messages import DocumentType, Holder, Officer
from baas.protocols.pci.products import padro
from baas.protocols.pci.products.padro import Document, Resident, ResidentAnswer, Result
from baas.trust_service.database import Database
from tests.baas.exchange_service.products.place import OFFICER, HandClock, asked, opened


@pytest.fixture
def product(database: Database, clock: HandClock) -> Product:
    return opened(Padro, database, clock)


def ask(product: Product, kind: Document, document: str, holder: Holder | None = None) -> Done:
    return product.answer(
        asked("PADRO", "RESIDENT", padro.write(Resident("EXP-7", kind, document)), holder=holder)
    )


def result(product: Product, kind: Document, document: str) -> Result:
    answer = padro.read(ask(product, kind, document).data)
    assert isinstance(answer, ResidentAnswer)
    assert (answer.file_number, answer.kind, answer.document) == ("EXP-7", kind, document)
    return answer.result


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (Document.NIF, "12344321Z"),
        (Document.PASSPORT, "RA12345678"),
        (Document.NIE, "Z2757735Z"),
        (Document.RESIDENCE_PERMIT, "Z2757735Z"),
    ],
)
def test_aocs_test_set_is_found(product: Product, kind: Document, document: str) -> None:
    assert result(product, kind, document) is Result.FOUND


def test_all_residents_are_found_by_their_own_document_alone(product: Product) -> None:
    kinds = {Kind.NIF: Document.NIF, Kind.PASSPORT: Document.PASSPORT, Kind.NIE: Document.NIE}
    for each in residents():
        for kind, document in kinds.items():
            found = result(product, document, each.document) is Result.FOUND
            assert found == (kind is each.kind)


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        (Document.NIF, "00000000T"),
        (Document.NIE, "X0000000T"),
        (Document.PASSPORT, "RA12345679"),
        (Document.PASSPORT, "12344321Z"),
        # could be of no document
        (Document.NIF, "12344321A"),
        (Document.NIF, "12344321z"),
        (Document.NIF, " 12344321Z"),
        (Document.NIF, "١٢٣٤٤٣٢١Z"),
        (Document.NIF, "' OR 1=1 --"),
        (Document.NIF, "%"),
        (Document.NIE, "Z2757735A"),
        (Document.PASSPORT, "<x/>&amp;"),
    ],
)
def test_nobody_else_is_as_in_aocs_test_environment(product: Product, kind: Document, document: str) -> None:
    assert result(product, kind, document) is Result.NOT_FOUND


def test_evidence_states_the_result_and_nobodys_number(product: Product) -> None:
    done = ask(product, Document.NIF, "12344321Z")
    assert done.parameters == {
        "numExpediente": "EXP-7",
        "tipoDocumentacion": "1",
        "codigoResultado": "1",
    }
    assert done.pdf == b""


@pytest.mark.parametrize(
    ("kind", "document", "holder"),
    [
        (Document.NIF, "12344321Z", Holder(DocumentType.NIF, "12344321Z")),
        (Document.NIF, "12344321Z", Holder(DocumentType.DNI, "12344321Z")),
        (Document.NIE, "Z2757735Z", Holder(DocumentType.NIF, "Z2757735Z")),
        (Document.NIE, "Z2757735Z", Holder(DocumentType.NIE, "Z2757735Z")),
        (Document.PASSPORT, "RA12345678", Holder(DocumentType.PASSPORT, "RA12345678")),
    ],
)
def test_the_holder_is_the_person_asked_for(
    product: Product, kind: Document, document: str, holder: Holder
) -> None:
    assert ask(product, kind, document, holder).parameters["codigoResultado"] == "1"


@pytest.mark.parametrize(
    "holder",
    [
        Holder(DocumentType.NIF, "00000000T"),
        Holder(DocumentType.PASSPORT, "12344321Z"),
        Holder(DocumentType.NIE, "12344321Z"),
        Holder(DocumentType.CIF, "12344321Z"),
    ],
)
def test_another_person_is_not_asked_for_behind_the_holder(product: Product, holder: Holder) -> None:
    with pytest.raises(ProductRefused, match="different documents") as refused:
        ask(product, Document.NIF, "12344321Z", holder)
    assert refused.value.detail is Detail.PRODUCT


@pytest.mark.parametrize("officer", [None, Officer("Funcionari de Prova", ""), Officer("", "00000000T")])
def test_via_oberta_is_told_which_public_employee_asks(product: Product, officer: Officer | None) -> None:
    data = padro.write(Resident("EXP-7", Document.NIF, "12344321Z"))
    question = asked("PADRO", "RESIDENT", data, officer=officer)
    with pytest.raises(ProductRefused, match="Funcionario: expected") as refused:
        product.answer(question)
    assert refused.value.detail is Detail.PRODUCT
    told = replace(question, request=replace(question.request, officer=OFFICER))
    if officer is None:  # the element's own goes before the request's
        assert product.answer(told).parameters["codigoResultado"] == "1"
