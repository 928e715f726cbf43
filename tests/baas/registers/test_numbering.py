"""Numbers of a register: what is missing, what has several versions, and the presets that say how things are numbered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas.errors import Invalid
from baas.registers.numbering import compiled, look
from baas.registers.presets import parsed, presets
from tests.baas.flows import ok
from tests.baas.registers.test_registers import append, done

YEARLY = "{year}/{number}"


def test_287_is_missing_and_301_has_two_versions() -> None:
    keys = [(f"2026/{number:04}", 2 if number == 301 else 1) for number in range(1, 320) if number != 287]
    found = look(keys, YEARLY)
    assert not found.whole
    assert found.lines("en") == ["2026: 287 is missing; 301 has two versions"]
    assert found.lines("ca") == ["2026: hi falta el número 287; el número 301 té dues versions"]
    assert found.lines("es") == ["2026: falta el 287; el 301 tiene dos versiones"]


def test_each_year_and_each_body_begins_anew() -> None:
    keys = [
        ("PLE/2026/001", 1),
        ("PLE/2026/004", 3),
        ("JGL/2026/2", 1),
        ("PLE/2025/1", 1),
        ("JGL/2026/02", 1),
    ]
    found = look(keys, "{body}/{year}/{number}")
    assert found.lines("en") == [
        "JGL 2026: 1 is missing; 2 is the number of more than one entry",
        "PLE 2025: no number is missing, from 1 to 1",
        "PLE 2026: 2 to 3 are missing; 4 has 3 versions",
    ]


def test_what_is_numbered_otherwise_and_what_was_erased() -> None:
    found = look([("", 2), ("2026/1", 1), ("2026/1 bis", 1), ("sense número", 1)], YEARLY)
    assert (found.others, found.examples, found.erased, found.whole) == (
        2,
        ["2026/1 bis", "sense número"],
        2,
        True,
    )
    assert len(found.lines("ca")) == 3
    assert look([], YEARLY).lines("en") == ["there are no entries yet"]


def test_a_thousand_gaps_are_no_thousand_sentences() -> None:
    found = look([(str(number), 1) for number in range(2, 2_400, 2)], "{number}")
    (group,) = found.groups
    assert (len(group.missing), group.more_missing) == (1_000, 199)
    said = group.sentences("en")
    assert (said[0], said[-1], len(said)) == ("1 is missing", "and 1149 more", 51)


@given(st.sets(st.integers(1, 60), min_size=1))
def test_missing_numbers_are_those_that_are_not_there(there: set[int]) -> None:
    found = look([(str(each), 1) for each in there], "{number}")
    missing = {number for run in found.groups[0].missing for number in range(run.first, run.last + 1)}
    assert missing == set(range(1, max(there))) - there
    assert found.groups[0].repeated == []


@pytest.mark.parametrize("pattern", ["", "x", "{year}", "{number}{number}", "{numero}", "{number}/{other}"])
def test_a_numbering_that_is_none(pattern: str) -> None:
    with pytest.raises(Invalid, match=r"\{number\}"):
        compiled(pattern)


def test_presets_are_whole() -> None:
    assert {"decrees", "minutes"} <= set(presets())
    for each in presets().values():
        assert each.numbering is not None


@pytest.mark.parametrize(
    "change",
    [{"slug": "other"}, {"key": "x"}, {"name": {"ca": "x"}}, {"more": 1}, {"columns": ["numero", "numero"]}],
)
def test_a_broken_preset_is_told(change: dict[str, Any]) -> None:
    texts = {"ca": "x", "es": "x", "en": "x"}
    good = {"slug": "x", "key": "numero", "columns": ["numero"], "name": texts, "about": texts}
    assert parsed(good, "x.toml").numbering is None
    with pytest.raises(ValueError, match=r"x\.toml"):
        parsed(good | change, "x.toml")


def test_a_register_made_of_a_preset_shows_its_gaps(town: Any) -> None:
    place = ok(
        town.member.post(f"/chains/{town.chain['id']}/deployments", json={"template": "hash-registry"}), 201
    )
    body = {"administration": town.code, "preset": "decrees", "deployment": place["id"]}
    made = ok(town.member.post("/registers", json=body), 201)
    assert (made["name"], made["key"], made["numbering"]) == ("Llibre de decrets", "numero", YEARLY)
    some = [
        {
            "numero": f"2026/{number:04}",
            "data": "2026-01-07",
            "organ": "Alcaldia",
            "titol": "x",
            "estat": "vigent",
        }
        for number in (1, 2, 4)
    ]
    append(town, made["id"], *some)
    append(town, made["id"], some[1] | {"titol": "y"})
    done(town, made["id"], "revocations", key="2026/0001", reason="error")
    found = ok(town.member.get(f"/registers/{made['id']}/numbering", params={"lang": "en"}))
    assert found["lines"] == ["2026: 3 is missing; 2 has two versions"]
    assert found["groups"][0]["several"] == [{"number": 2, "key": "2026/0002", "versions": 2}]


def test_what_is_asked_of_a_register_without_numbers(town: Any) -> None:
    body = {"administration": town.code, "name": "x", "key": "a", "columns": ["a"], "numbering": "{a}"}
    wrong = town.member.post("/registers", json=body)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/numbering")
    assert (
        town.member.post("/registers", json={"administration": town.code, "preset": "x"}).status_code == 404
    )
    assert town.member.post("/registers", json={"administration": town.code}).status_code == 422
    found = ok(town.member.get("/register-presets"))["items"]
    assert {each["slug"] for each in found} == set(presets())
