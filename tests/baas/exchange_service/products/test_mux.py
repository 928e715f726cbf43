"""MUX: numbers, own registers, who may ask for what, and a hand-over from its offer to its end."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from baas.exchange_service.products import Done, Product, ProductRefused
from baas.exchange_service.products.mux import Mux
from baas.protocols.pci.products import mux
from baas.protocols.pci.products.mux import (
    Add,
    Answer,
    Document,
    Entry,
    HandOverState,
    Kind,
    Phase,
    Query,
    Step,
)
from baas.trust_service.database import Database
from sandbox.evidence.digest import digest_bytes
from tests.baas.exchange_service.products.place import NOW, HandClock, asked, opened

A, B, C = "9821920002", "0801930008", "9999990001"
ACT = digest_bytes(b"act")


@pytest.fixture
def product(database: Database, clock: HandClock) -> Iterator[Product]:
    return opened(Mux, database, clock)


def add(
    product: Product, own: str, other: str, step: Step | None = None, *, outwards: bool = True, **changed: Any
) -> Done:
    made: dict[str, Any] = {
        "kind": Kind.EXIT if outwards else Kind.ENTRY,
        "subject": "Un acte",
        "presented": NOW,
        "origin": own if outwards else other,
        "destination": other if outwards else own,
        "documents": (Document("acte.pdf", ACT, NOW),),
        "step": step,
    }
    data = mux.write(Add("SANDBOX", Entry(**made | changed)))
    return product.answer(asked("MUX", "MUX_REGISTRE", data, own))


def find(product: Product, own: str, **by: Any) -> Answer:
    found = mux.read(
        product.answer(asked("MUX", "MUX_CONSULTA", mux.write(Query("SANDBOX", **by)), own)).data
    )
    assert isinstance(found, Answer)
    return found


def answered(done: Done) -> Answer:
    read = mux.read(done.data)
    assert isinstance(read, Answer)
    return read


def test_numbers_count_by_administration_and_entries_are_found_by_them(
    product: Product, clock: HandClock
) -> None:
    for own, expected in ((A, 1), (A, 2), (B, 1), (A, 3), (B, 2)):
        clock.advance(minutes=1)
        [registered] = answered(add(product, own, C)).entries
        assert (registered.number, registered.owner) == (f"P{expected:08d}", own)
        assert registered.time == clock.now()
        assert find(product, own, number=registered.number).entries == (registered,)
    assert find(product, C, number="P00000001") == find(product, A, number="P00000004")


def test_a_document_is_found_in_ones_own_register_alone(product: Product) -> None:
    other = digest_bytes(b"act", "sha-512")
    add(product, A, B)
    add(product, A, B, documents=(Document("acte.pdf", other, NOW), Document("acte.pdf", ACT, NOW)))
    add(product, B, A, outwards=False)
    assert [each.number for each in find(product, A, document=ACT).entries] == ["P00000001", "P00000002"]
    assert [each.number for each in find(product, A, document=other).entries] == ["P00000002"]
    assert [each.owner for each in find(product, B, document=ACT).entries] == [B]
    assert find(product, C, document=ACT).code == "1"


def test_evidence_states_number_time_and_digests(product: Product) -> None:
    stated = add(product, A, B).parameters
    assert stated == {
        "codi": "0",
        "NumeroAssentament": "P00000001",
        "DataAssentament": "2026-11-27T09:30:00.000Z",
        "Registre": "Principal",
        "INE10": A,
        "Document.1.Nom": "acte.pdf",
        "Document.1.Hash": base64.b64encode(ACT.value).decode(),
        "Document.1.HashAlgorithm": "SHA256",
    }


def test_an_act_is_handed_over_and_both_see_all_of_it(product: Product, clock: HandClock) -> None:
    offer = Step("H-1", Phase.OFFER, B)
    steps = [
        (A, B, offer, True, HandOverState.OFFERED),
        (B, A, Step("H-1", Phase.ACCEPTANCE), False, HandOverState.ACCEPTED),
        (B, A, Step("H-1", Phase.COMPLETION), True, HandOverState.COMPLETED),
    ]
    for own, other, step, outwards, state in steps:
        clock.advance(hours=1)
        done = add(product, own, other, step, outwards=outwards)
        stands = answered(done).hand_over
        assert stands is not None
        assert (stands.state, stands.origin, stands.destination, stands.digest) == (state, A, B, ACT)
        assert done.parameters["Tramesa.Fase"] == step.phase
        assert done.parameters["Tramesa.Estat"] == state
        assert (done.parameters["Tramesa.Origen"], done.parameters["Tramesa.Desti"]) == (A, B)
    assert find(product, A, hand_over="H-1") == find(product, B, hand_over="H-1")
    found = find(product, A, hand_over="H-1")
    assert [each.owner for each in found.entries] == [A, B, B]
    assert [each.step for each in found.entries] == [step for _, _, step, _, _ in steps]
    assert find(product, C, hand_over="H-1") == find(product, C, hand_over="H-2")


def test_a_rejection_has_its_reason_and_is_the_end(product: Product) -> None:
    add(product, A, B, Step("H-1", Phase.OFFER, B))
    done = add(product, B, A, Step("H-1", Phase.REJECTION, reason="No és <nostre> & prou"), outwards=False)
    assert done.parameters["Tramesa.Motiu"] == "No és <nostre> & prou"
    for phase in Phase:
        for own, other in ((A, B), (B, A)):
            step = Step(
                "H-1",
                phase,
                other if phase is Phase.OFFER else "",
                "perquè" if phase is Phase.REJECTION else "",
            )
            with pytest.raises(ProductRefused):
                add(product, own, other, step)
    stands = find(product, A, hand_over="H-1").hand_over
    assert stands is not None
    assert (stands.state, stands.reason) == (HandOverState.REJECTED, "No és <nostre> & prou")


def test_an_identifier_is_offered_once_by_anybody_and_says_nothing_of_whose_it_is(product: Product) -> None:
    add(product, A, B, Step("H-1", Phase.OFFER, B))
    words = set()
    for own, other in ((A, B), (A, C), (B, A), (C, B)):
        with pytest.raises(ProductRefused) as refused:
            add(product, own, other, Step("H-1", Phase.OFFER, other))
        words.add(str(refused.value))
    assert len(words) == 1
    assert A not in words.pop()


def test_a_stranger_is_told_the_same_of_what_is_and_what_is_not(product: Product) -> None:
    add(product, A, B, Step("H-1", Phase.OFFER, B))
    words = []
    for name in ("H-1", "H-2"):
        with pytest.raises(ProductRefused) as refused:
            add(product, C, A, Step(name, Phase.ACCEPTANCE))
        words.append(str(refused.value).replace(name, "X"))
    assert words[0] == words[1]


def test_who_may_ask_may_not_write_and_the_other_way_round(product: Product) -> None:
    written = mux.write(
        Add("SANDBOX", Entry(Kind.EXIT, "Un acte", NOW, A, B, (Document("acte.pdf", ACT, NOW),)))
    )
    with pytest.raises(ProductRefused, match="MUX_CONSULTA takes ConsultaAssentaments"):
        product.answer(asked("MUX", "MUX_CONSULTA", written, A))
    with pytest.raises(ProductRefused, match="MUX_REGISTRE takes AltaAssentament"):
        product.answer(asked("MUX", "MUX_REGISTRE", mux.write(Query("SANDBOX", "P00000001")), A))


@pytest.mark.parametrize(
    "text",
    [
        "';DROP TABLE mux_entries;--",
        "]]>&amp;<x/>",
        "\u202e\u0301\U0001f3db",
        "{names} %s ?1",
        "  a \t b  ",
        "http://net.aocat/MUX2/RespostaRegistre",
    ],
    ids=["sql", "xml", "unicode", "format", "blanks", "namespace"],
)
def test_texts_come_back_as_they_went(product: Product, text: str) -> None:
    step = Step(f"H{text}", Phase.OFFER, B)
    add(product, A, B, step, subject=text, observations=text, documents=(Document(f"{text}.pdf", ACT, NOW),))
    add(product, B, A, Step(f"H{text}", Phase.REJECTION, reason=f"x{text}"))
    found = find(product, A, hand_over=f"H{text}")
    assert found.hand_over is not None
    assert (found.hand_over.id, found.hand_over.reason) == (f"H{text}", f"x{text}")
    assert found.entries[0].documents[0].name == f"{text}.pdf"
    assert find(product, A, number="P00000001").entries[0] == found.entries[0]


@pytest.mark.parametrize(
    "number", ["P1", "p00000001", "P000000001", "P٠٠٠٠٠٠٠١", "P00000001\n", "P-0000001", "P9" * 32, "0"]
)
def test_what_is_no_number_is_found_nowhere(product: Product, number: str) -> None:
    add(product, A, B)
    assert find(product, A, number=number).code == "1"
