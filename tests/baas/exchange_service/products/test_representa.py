"""REPRESENTA_VALIDACIO: every state of a power has its code, and the power comes with code "0" alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from baas.exchange_service.fictional.residents import Kind, fictional
from baas.exchange_service.products import Done, Product, ProductRefused
from baas.exchange_service.products.representa import Representa
from baas.protocols.pci.products import representa
from baas.protocols.pci.products.representa import Person, Scope, Validated
from baas.trust_service.database import Database
from tests.baas.exchange_service.products.cases import may
from tests.baas.exchange_service.products.place import HandClock, opened

NIF, OTHER, NIE = fictional(Kind.NIF, 3), fictional(Kind.NIF, 6), fictional(Kind.NIE, 2)


@pytest.fixture
def product(database: Database, clock: HandClock) -> Product:
    return opened(Representa, database, clock)


def ask(product: Product, grantor: str, representative: str, **changed: Any) -> tuple[Done, Validated]:
    done = product.answer(may(grantor, representative, **changed)())
    answer = representa.read(done.data)
    assert isinstance(answer, Validated)
    return done, answer


@pytest.mark.parametrize(
    ("grantor", "representative", "changed", "code"),
    [
        ("Q0000000J", "00000000T", {}, "0"),
        (NIF, OTHER, {}, "0"),
        (NIF, OTHER, {"scope": Scope(("CONSULTA",), "9999990001")}, "002"),
        (NIF, NIE, {}, "002"),
        (NIF, NIE, {"scope": Scope(("CONSULTA",), "9999990001", "LLICENCIES")}, "0"),
        (NIF, "00000000T", {"scope": Scope(("CONSULTA", "TRAMITACIO"))}, "002"),
        (NIE, NIF, {}, "003"),
        (OTHER, NIF, {}, "004"),
        (OTHER, NIF, {"at": datetime(2024, 12, 31, 22, 59, tzinfo=UTC)}, "0"),
        (OTHER, NIF, {"at": datetime(2024, 12, 31, 23, tzinfo=UTC)}, "004"),
        (OTHER, NIE, {}, "005"),
        (NIE, OTHER, {}, "0"),
        (NIE, OTHER, {"scope": Scope(("TRAMITACIO",))}, "002"),
        ("00000000T", "Q0000000J", {}, "001"),
        ("Q0000000J", "00000001R", {}, "001"),
    ],
)
def test_every_state_has_its_code(
    product: Product, grantor: str, representative: str, changed: dict[str, Any], code: str
) -> None:
    done, answer = ask(product, grantor, representative, **changed)
    assert answer.code == code
    assert (answer.power is not None) == (code == "0")
    assert done.parameters["codi"] == code
    assert bool(done.parameters["identificadorLegal"]) == (code == "0")


@pytest.mark.parametrize("changed", [{"grantor": "PASSAPORT"}, {"representative": "PASSAPORT"}])
def test_a_passport_of_the_same_number_is_another_persons(product: Product, changed: dict[str, str]) -> None:
    numbers = {"grantor": "Q0000000J", "representative": "00000000T"}
    persons = {name: Person(number, changed.get(name, "NIF")) for name, number in numbers.items()}
    answer = representa.read(product.answer(may("", "", **persons)()).data)
    assert isinstance(answer, Validated)
    assert answer.code == "001"


def test_evidence_states_who_for_what_and_when(product: Product) -> None:
    done, answer = ask(product, "Q0000000J", "00000000T")
    assert done.parameters == {
        "codi": "0",
        "estat": "valid",
        "poderdant": "Q0000000J",
        "representant": "00000000T",
        "administracio": "9821920002",
        "tramit": "AJUTS",
        "capacitats": "CONSULTA",
        "dataValidacio": "2026-11-27T09:30:00.000Z",
        "identificadorLegal": "SANDBOX-000001",
    }
    assert answer.power is not None
    assert (answer.power.type, answer.power.state) == ("TIPUS_A", "VALIDA")


@pytest.mark.parametrize(
    "at", [datetime(2026, 11, 28, 23, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]
)
def test_nobody_knows_what_holds_tomorrow(product: Product, at: datetime) -> None:
    with pytest.raises(ProductRefused, match="has begun"):
        ask(product, "Q0000000J", "00000000T", at=at)


@pytest.mark.parametrize("at", [datetime(1, 1, 1, tzinfo=UTC), datetime(1899, 12, 31, tzinfo=UTC)])
def test_nobody_knows_what_held_before_there_were_such_registers(product: Product, at: datetime) -> None:
    with pytest.raises(ProductRefused, match="1900"):
        ask(product, "Q0000000J", "00000000T", at=at)


@pytest.mark.parametrize("at", [datetime(1900, 1, 2, tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC)])
def test_long_ago_there_was_no_power_yet(product: Product, at: datetime) -> None:
    _, answer = ask(product, "Q0000000J", "00000000T", at=at)
    assert answer.code == "003"
