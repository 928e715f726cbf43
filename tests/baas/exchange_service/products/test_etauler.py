"""ETAULER: codes, days, who may, what is sealed, and what of personal data is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from baas.exchange_service.products import Done, Product
from baas.exchange_service.products.etauler import Etauler
from baas.protocols.pci.products import etauler
from baas.protocols.pci.products.etauler import (
    AskDocument,
    AskState,
    Code,
    Diligence,
    Document,
    DocumentAnswer,
    NoticeState,
    Publish,
    Published,
    StateAnswer,
    Withdraw,
    Withdrawn,
)
from baas.trust_service.database import Database
from tests.baas.exchange_service.products.cases import CONTENT, FILE, NOTICE
from tests.baas.exchange_service.products.place import NOW, OTHER, TOWN, HandClock, asked, opened


@pytest.fixture
def product(database: Database, clock: HandClock) -> Product:
    return opened(Etauler, database, clock)


def ask(product: Product, payload: etauler.Payload, own: str = TOWN, **more: Any) -> Done:
    files = (FILE,) if isinstance(payload, Publish) else ()
    return product.answer(asked("ETAULER", "ETAULER", etauler.write(payload), own, **{"files": files} | more))


def publish(product: Product, own: str = TOWN, **changed: Any) -> Code:
    answer = etauler.read(ask(product, Publish(replace(NOTICE, **changed)), own).data)
    assert isinstance(answer, Published)
    return answer.result.code


def state(product: Product, own: str = TOWN) -> StateAnswer:
    answer = etauler.read(ask(product, AskState("P7-0001"), own).data)
    assert isinstance(answer, StateAnswer)
    return answer


def withdraw(product: Product, own: str = TOWN) -> Code:
    answer = etauler.read(ask(product, Withdraw("P7-0001"), own).data)
    assert isinstance(answer, Withdrawn)
    return answer.result.code


def test_a_life(product: Product, clock: HandClock) -> None:
    assert publish(product, start=date(2026, 11, 30), end=date(2026, 12, 20)) is Code.DONE
    waiting = state(product)
    assert (waiting.state, waiting.start, waiting.end) == (
        NoticeState.WAITING,
        date(2026, 11, 30),
        date(2026, 12, 20),
    )
    assert (waiting.effective_start, waiting.effective_end, waiting.received) == (None, None, NOW.date())
    clock.advance(days=5)
    there = state(product)
    assert (there.state, there.effective_start, there.effective_end) == (
        NoticeState.PUBLISHED,
        date(2026, 11, 30),
        None,
    )
    assert withdraw(product) is Code.DONE
    gone = state(product)
    assert (gone.state, gone.end, gone.effective_end) == (
        NoticeState.WITHDRAWN,
        date(2026, 12, 20),
        date(2026, 12, 2),
    )
    assert withdraw(product) is Code.ERROR


def test_the_days_are_catalonias_on_both_sides_of_midnight(product: Product, clock: HandClock) -> None:
    clock.shown = NOW.replace(hour=23, minute=30)  # the next day in Catalonia
    assert publish(product, start=date(2026, 11, 28)) is Code.DONE
    found = state(product)
    assert (found.state, found.received, found.effective_start) == (
        NoticeState.PUBLISHED,
        date(2026, 11, 28),
        date(2026, 11, 28),
    )


def test_a_name_is_used_once_whatever_is_published_under_it(product: Product) -> None:
    assert publish(product) is Code.DONE
    assert publish(product) is Code.REGISTERED_ALREADY
    assert publish(product, file_number="another") is Code.REGISTERED_ALREADY
    withdraw(product)
    assert publish(product) is Code.REGISTERED_ALREADY
    assert publish(product, OTHER) is Code.DONE


def test_nobody_asks_for_or_withdraws_anothers(product: Product) -> None:
    publish(product)
    assert (state(product, OTHER).state, state(product, OTHER).result.code) == (None, Code.ERROR)
    assert withdraw(product, OTHER) is Code.ERROR
    assert state(product).state is NoticeState.PUBLISHED


def test_evidence_states_the_digest_the_days_and_the_code(product: Product) -> None:
    stated = ask(product, Publish(NOTICE)).parameters
    assert stated == {
        "operacio": "publicar",
        "idEdicte": "P7-0001",
        "codiResultat": "0",
        "estat": "1",
        "dataRecepcio": "2026-11-27T09:30:00.000Z",
        "dataIniciPublicacioEfectiva": "2026-11-27T09:30:00.000Z",
        "document.1.nom": "anunci.pdf",
        "document.1.sha256": FILE.sha256.hex(),
    }
    assert ask(product, Publish(NOTICE)).parameters["codiResultat"] == "2"
    assert "document.1.sha256" not in ask(product, Publish(NOTICE)).parameters, "of nothing that was done"


def document(product: Product, own: str = TOWN, **of: Any) -> DocumentAnswer:
    answer = etauler.read(ask(product, AskDocument("P7-0001", **of), own).data)
    assert isinstance(answer, DocumentAnswer)
    return answer


def test_the_document_and_the_diligence_are_asked_for(product: Product) -> None:
    publish(product)
    assert document(product).notice == CONTENT
    assert document(product, language="es").result.code is Code.ERROR
    assert document(product, diligence=Diligence()).diligence.startswith(b"sealed %PDF")
    assert document(product, OTHER).result.code is Code.ERROR
    assert document(product, OTHER, diligence=Diligence()).diligence == b""


def test_a_diligence_goes_beside_where_it_was_asked_for_and_there_is_a_notice(product: Product) -> None:
    assert ask(product, Publish(NOTICE)).pdf == b""
    assert ask(product, AskState("P7-0001"), pdf=True).pdf.startswith(b"%PDF")
    assert ask(product, AskState("P7-0002"), pdf=True).pdf == b""
    assert ask(product, Publish(NOTICE), pdf=True).pdf == b"", "it was registered already"
    assert ask(product, Withdraw("P7-0001"), pdf=True).pdf.startswith(b"%PDF")


def test_personal_data_are_nowhere_once_it_is_withdrawn(product: Product, clock: HandClock) -> None:
    publish(product, personal_data=True)
    clock.advance(hours=1)
    assert document(product).notice == CONTENT
    done = ask(product, Withdraw("P7-0001"), pdf=True)
    assert not any(name.startswith("document.") for name in done.parameters)
    gone = document(product)
    assert (gone.notice, gone.result.code) == (b"", Code.ERROR)
    found = ask(product, AskState("P7-0001"))
    assert not any(name.startswith("document.") for name in found.parameters)
    assert state(product).effective_start == NOW.date(), "that it was there stays"


def test_each_language_has_its_document(product: Product) -> None:
    second = replace(FILE, id="d2", content=b"%PDF-1.7 anuncio")
    payload = Publish(
        replace(NOTICE, documents=(Document("anunci.pdf", "d1"), Document("anuncio.pdf", "d2", "es")))
    )
    ask(product, payload, files=(FILE, second))
    assert document(product).notice == CONTENT
    assert document(product, language="es").notice == b"%PDF-1.7 anuncio"


@pytest.mark.parametrize("name", ["' OR ''='", "%", "_", "P7-0001 ", "p7-0001", "P7\u20110001"])
def test_a_name_is_that_name_and_no_other(product: Product, name: str) -> None:
    publish(product)
    answer = etauler.read(ask(product, AskState(name)).data)
    assert isinstance(answer, StateAnswer)
    assert answer.result.code is Code.ERROR
