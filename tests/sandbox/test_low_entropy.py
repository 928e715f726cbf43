"""Guessable values are recognised, ordinary documents are not; and an unsalted digest of a DNI is found."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import dni_search
from sandbox.evidence.commitment import commit
from sandbox.low_entropy import LONGEST, dni_letter, of_column, of_content, recognise

#: All invented: numbers with a check digit have one that fits, and belong to nobody known.
KNOWN = [
    ("00000000T", "dni"),
    ("00.000.001-R", "dni"),
    ("00000002w", "dni"),
    ("X0000000T", "nie"),
    ("Y-0000000-Z", "nie"),
    ("P9999999J", "company"),
    ("ABCD1900101003", "health-card"),
    ("ES91 2100 0418 4502 0005 1332", "iban"),  # the example of the standard
    ("nom.cognom@vila.example", "email"),
    ("1990-02-28", "date"),
    ("28/2/1990", "date"),
    ("19900228", "date"),
    ("600 000 000", "phone"),
    ("+34 930 000 000", "phone"),
    ("0000 BBB", "plate"),
    ("080193", "code"),
    ("08001", "code"),
    ("9999990001", "number"),
    ("42", "number"),
    ("sí", "short"),
]
UNKNOWN = [
    "",
    "   ",
    "00000000A is no DNI",
    "Acta de la sessió plenària",
    "decret 2024/0287",
    "00000000T\n00000001R",
    "x" * 300,
    "1" * 40,
]


@pytest.mark.parametrize(("value", "kind"), KNOWN)
def test_a_guessable_value_is_recognised(value: str, kind: str) -> None:
    for text in (value, f"  {value}\n", f'"{value}"', f"\ufeff{value}\r\n"):
        found = recognise(text)
        assert found is not None, text
        assert found.kind == kind
    content = of_content(value.encode("utf-8-sig"))
    assert content is not None
    assert value not in content.explanation


@pytest.mark.parametrize("value", UNKNOWN)
def test_what_says_more_is_not(value: str) -> None:
    assert recognise(value) is None
    assert of_content(value.encode()) is None


@given(st.integers(0, 99_999_999))
def test_every_dni_is_recognised_and_no_other_letter(number: int) -> None:
    found = recognise(f"{number:08d}{dni_letter(number)}")
    assert found is not None
    assert (found.kind, found.space) == ("dni", 100_000_000)
    other = recognise(f"{number:08d}{dni_letter(number + 1)}")
    assert other is None or other.kind != "dni"


@given(st.binary(max_size=400))
def test_no_content_makes_it_fail(data: bytes) -> None:
    found = of_content(data)
    assert found is None or len(data) <= LONGEST


@given(st.text(max_size=300))
def test_no_text_makes_it_fail(text: str) -> None:
    recognise(text)
    of_column([text, text])


def test_a_column_counts_when_half_of_it_does() -> None:
    dnis = [f"{number:08d}{dni_letter(number)}" for number in range(10)]
    found = of_column([*dnis, *["carrer Inventat"] * 10, "", " "])
    assert found is not None
    assert found.kind == "dni"
    assert of_column([*dnis, *["carrer Inventat"] * 11]) is None
    assert of_column([]) is None
    assert of_column(["", " "]) is None


def test_the_explanation_says_how_many_and_how_long() -> None:
    dni, email = recognise("00000000T"), recognise("a@b.example")
    assert dni is not None
    assert email is not None
    assert dni.explanation == (
        "a DNI number: there are 100,000,000 at most, and one core tries them all in about 83 seconds"
    )
    assert "lists of real ones" in email.explanation


@pytest.mark.parametrize("number", [0, 1, 9_999, 10_000, 34_567])
def test_the_number_behind_an_unsalted_digest_is_found_and_behind_a_commitment_is_not(number: int) -> None:
    digest = hashlib.sha256(dni_search.message(number)).digest()
    salted = commit("sha-256", digest, bytes(range(32)))
    told: list[tuple[int, int]] = []
    done = dni_search.search([digest, salted], limit=34_568, on_progress=lambda *each: told.append(each))
    assert done.found == {digest: f"{number:08d}{dni_letter(number)}"}
    assert done.numbers == 34_568
    assert told[-1] == (34_568, 34_568)
    assert recognise(done.found[digest]) is not None


def test_two_processes_find_the_same() -> None:
    digests = [hashlib.sha256(dni_search.message(number)).digest() for number in (3, 59_999)]
    done = dni_search.search(digests, limit=60_000, processes=2)
    assert sorted(done.found.values()) == ["00000003A", "00059999S"]
    assert done.numbers == 60_000


def test_it_ends_when_its_time_is_up() -> None:
    for processes in (1, 2):
        done = dni_search.search([b""], limit=10**8, processes=processes, most_seconds=0)
        assert done.numbers == dni_search.BLOCK
        assert done.found == {}
