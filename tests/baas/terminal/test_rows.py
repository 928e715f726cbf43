from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from baas.terminal import rows
from baas.terminal.problems import Unusable

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "decrees.csv"


def _file(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_example_is_read_as_the_standard_library_reads_it() -> None:
    with EXAMPLE.open(encoding="utf-8", newline="") as file:
        expected = list(csv.DictReader(file, delimiter=";"))
    assert rows.read(EXAMPLE) == expected
    assert rows.columns(EXAMPLE) == list(expected[0])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_separator_is_recognised(tmp_path: Path, delimiter: str) -> None:
    file = _file(tmp_path, f"numero{delimiter}titol\r\n1{delimiter}Un\r\n\r\n")
    assert rows.read(file) == [{"numero": "1", "titol": "Un"}]


def test_a_byte_order_mark_is_no_part_of_a_name_and_a_line_break_may_be_in_a_value(tmp_path: Path) -> None:
    file = _file(tmp_path, '\ufeffnumero,titol\n1,"dues\nlínies"\n2,una\u2028sola\n'.encode())
    assert rows.read(file) == [
        {"numero": "1", "titol": "dues\nlínies"},
        {"numero": "2", "titol": "una\u2028sola"},
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected names"),
        ("a,a\n1,2\n", "each one once"),
        ("a,\n1,2\n", "none empty"),
        ("a,b\n", "expected rows"),
        ("a,b\n1,2\n3\n", "line 3: expected 2 values, got 1"),
        ("a,b\n1,2,3\n", "line 2: expected 2 values, got 3"),
        ('a,b\n"1"x,2\n', "line 2: not CSV"),
        (b"a,b\n\xe0,2\n", "expected UTF-8, got another encoding from byte 4"),
    ],
)
def test_a_wrong_file_is_refused_with_the_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(Unusable, match=message):
        rows.read(_file(tmp_path, content))


def test_requests_are_bounded_by_rows_and_by_bytes_and_keep_the_order() -> None:
    many = [{"k": str(number)} for number in range(2500)]
    assert [len(batch) for batch in rows.batches(many)] == [1000, 1000, 500]
    wide = [{"k": "x" * (rows.MOST_BYTES // 2 + 1)} for _ in range(3)]
    assert [len(batch) for batch in rows.batches(wide)] == [1, 1, 1]
    assert [row for batch in rows.batches(many) for row in batch] == many


def test_a_row_is_canonical_whatever_the_spacing(tmp_path: Path) -> None:
    row = {"titol": "Decret d'alcaldia núm. 1", "numero": "2024/0001"}
    for text in (json.dumps(row), json.dumps(row, indent=4), json.dumps(dict(reversed(row.items())))):
        assert rows.canonical(_file(tmp_path, text)) == rfc8785.dumps(row)


@pytest.mark.parametrize("content", ["[]", '{"a": 1}', '{"a": "1", "a": "2"}', "{", b"\xff"])
def test_what_is_not_a_row_is_refused(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(Unusable, match="expected a row"):
        rows.canonical(_file(tmp_path, content))


@given(st.text())
def test_a_key_never_leads_out_of_the_directory(key: str) -> None:
    stem = rows.file_stem(key)
    assert stem
    assert not stem.startswith(".")
    assert Path(stem).name == stem


TEXT = st.text(st.characters(codec="utf-8"))


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1))
def test_what_the_standard_library_writes_is_read_back(pairs: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rows.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("a", "b"), *pairs])
        assert rows.read(path) == [{"a": a, "b": b} for a, b in pairs]
