from __future__ import annotations

import pytest

from baas.terminal.render import progress, record, table

ITEM = {
    "id": "1",
    "roles": ["admin", "auditor"],
    "head": {"number": 7},
    "ended": None,
    "label": "a\x1b[2Jb\nc",
}


def test_a_table_is_aligned_and_its_json_is_whole() -> None:
    shown = table([ITEM, ITEM | {"id": "1000"}], "id", "roles", "head.number", "ended")
    assert shown.text.splitlines() == [
        "ID    ROLES           HEAD NUMBER  ENDED",
        "1     admin, auditor  7            -",
        "1000  admin, auditor  7            -",
    ]
    assert shown.value == {"items": [ITEM, ITEM | {"id": "1000"}]}
    assert table([], "id").text == "none"


def test_other_peoples_texts_do_not_steer_the_terminal() -> None:
    assert record(ITEM, "label").text == "label  a\ufffd[2Jb\ufffdc"


def test_progress_is_a_line_a_second_and_none_for_what_is_small(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 5.0, 5.5, 6.5, 7.0, 7.2, 9.5])
    show = progress("hashing a.pdf", 100, lambda: next(times))
    show(99, 99)
    for done in (0, 20, 20, 30, 40):
        show(done, 100)
    assert capsys.readouterr().err.splitlines() == [
        "hashing a.pdf: 20 %",
        "hashing a.pdf: 40 %",
    ]
