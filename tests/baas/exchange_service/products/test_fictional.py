"""Nobody here exists: the numbers, their letters, their places; and what each power gives on each day."""

from __future__ import annotations

from datetime import date

import pytest

from baas.exchange_service.fictional.powers import Standing, powers
from baas.exchange_service.fictional.residents import OTHERS, Kind, Resident, fictional, residents


def test_the_first_three_are_aocs_test_set() -> None:
    first = [(each.kind, each.document, each.province, each.municipality) for each in residents()][:3]
    assert first == [
        (Kind.NIF, "12344321Z", "17", "023"),
        (Kind.PASSPORT, "RA12345678", "17", "023"),
        (Kind.NIE, "Z2757735Z", "17", "023"),
    ]


def has_its_letter(resident: Resident) -> bool:
    """Whether the number ends in the check letter that its digits ask for, where a document of its kind has one."""
    digits = resident.document[:-1]
    if resident.kind is Kind.PASSPORT:
        return True
    if resident.kind is Kind.NIE:
        digits = f"{'XYZ'.index(digits[0])}{digits[1:]}"
    return len(digits) == 8 and resident.document[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23]


def test_all_have_their_letters_are_different_and_the_same_every_time() -> None:
    all_of_them = list(residents())
    assert len({(each.kind, each.document) for each in all_of_them}) == 3 + OTHERS
    odd = [each.document for each in all_of_them if not has_its_letter(each)]
    assert odd == ["Z2757735Z"], "AOC's NIE has a letter that no NIE has: nobody's, for sure"
    assert list(residents()) == all_of_them


def test_the_sandboxs_own_have_numbers_and_municipalities_of_nobody() -> None:
    for each in list(residents())[3:]:
        assert "9999" in each.document or each.document.startswith("ZZZ99")
        assert each.municipality in {"990", "991", "992", "993"}


TOWN, PROCEDURE = "9821920002", "AJUTS"
NIF, OTHER, NIE = fictional(Kind.NIF, 3), fictional(Kind.NIF, 6), fictional(Kind.NIE, 2)


@pytest.mark.parametrize(
    ("number", "administration", "procedure", "capabilities", "day", "expected"),
    [
        (1, TOWN, PROCEDURE, {"CONSULTA", "TRAMITACIO"}, date(2026, 11, 27), Standing.VALID),
        (1, TOWN, PROCEDURE, {"VENDA"}, date(2026, 11, 27), Standing.OTHER_SCOPE),
        (1, TOWN, PROCEDURE, {"CONSULTA"}, date(2023, 12, 31), Standing.NOT_YET),
        (1, TOWN, PROCEDURE, {"CONSULTA"}, date(2024, 1, 1), Standing.VALID),
        (2, TOWN, PROCEDURE, {"CONSULTA"}, date(2026, 11, 27), Standing.VALID),
        (2, "9999990001", PROCEDURE, {"CONSULTA"}, date(2026, 11, 27), Standing.OTHER_SCOPE),
        (2, "", PROCEDURE, {"CONSULTA"}, date(2026, 11, 27), Standing.OTHER_SCOPE),
        (3, TOWN, PROCEDURE, {"CONSULTA"}, date(2026, 11, 27), Standing.OTHER_SCOPE),
        (3, TOWN, "LLICENCIES", {"CONSULTA"}, date(2026, 11, 27), Standing.VALID),
        (5, TOWN, PROCEDURE, {"CONSULTA"}, date(2024, 12, 31), Standing.VALID),
        (5, TOWN, PROCEDURE, {"CONSULTA"}, date(2025, 1, 1), Standing.EXPIRED),
        (6, TOWN, PROCEDURE, {"CONSULTA"}, date(2025, 5, 31), Standing.VALID),
        (6, TOWN, PROCEDURE, {"CONSULTA"}, date(2025, 6, 1), Standing.REVOKED),
        (6, TOWN, "VENDA", {"VENDA"}, date(2025, 6, 1), Standing.REVOKED),
        (7, TOWN, PROCEDURE, {"CONSULTA"}, date(2026, 11, 27), Standing.NOT_YET),
    ],
)
def test_a_power_on_a_day(
    number: int, administration: str, procedure: str, capabilities: set[str], day: date, expected: Standing
) -> None:
    power = powers()[number - 1]
    assert power.number == number
    assert power.standing(administration, procedure, capabilities, day) is expected
