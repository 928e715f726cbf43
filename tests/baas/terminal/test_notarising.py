from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from baas.client import ApiProblem
from baas.terminal import notarising
from baas.terminal.problems import Unusable


def _file(path: Path, content: bytes = b"contingut") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_receipts_go_beside_the_files_or_to_one_directory(tmp_path: Path) -> None:
    one, two = _file(tmp_path / "a" / "acta.pdf"), _file(tmp_path / "b" / "ban.pdf")
    assert notarising.receipt_paths([one, two], None) == {
        one: tmp_path / "a/acta.pdf.receipt.json",
        two: tmp_path / "b/ban.pdf.receipt.json",
    }
    assert set(notarising.receipt_paths([one, two], tmp_path / "out").values()) == {
        tmp_path / "out/acta.pdf.receipt.json",
        tmp_path / "out/ban.pdf.receipt.json",
    }


def test_two_files_that_would_share_a_receipt_are_refused_before_anything_is_done(tmp_path: Path) -> None:
    one, two = _file(tmp_path / "a" / "acta.pdf"), _file(tmp_path / "b" / "acta.pdf")
    with pytest.raises(Unusable, match="would have one receipt"):
        notarising.receipt_paths([one, two], tmp_path / "out")


def test_a_receipt_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    document = _file(tmp_path / "acta.pdf")
    _file(tmp_path / "acta.pdf.receipt.json")
    with pytest.raises(Unusable, match="is there already"):
        notarising.receipt_paths([document], None)


def test_a_file_that_changes_or_cannot_be_read_is_told_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, changing = _file(tmp_path / "good.pdf"), _file(tmp_path / "changing.pdf")

    def written_to_meanwhile(label: str, least: int) -> object:
        def show(done: int, total: int) -> None:
            if "changing" in label and done == total:
                with changing.open("ab") as file:
                    file.write(b"more")

        return show

    monkeypatch.setattr(notarising, "progress", written_to_meanwhile)
    hashed, failed = notarising.hash_all([changing, tmp_path / "absent.pdf", good])
    assert [(each.file, each.digest.value) for each in hashed] == [
        (good, hashlib.sha256(b"contingut").digest())
    ]
    assert [each.file.name for each in failed] == ["changing.pdf", "absent.pdf"]
    assert "changed while it was hashed" in failed[0].reason
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert told[1].endswith("absent.pdf cannot be read: No such file or directory")
    assert notarising.shown([], failed).ending == "refused"


def test_a_file_that_is_one_guessable_value_is_refused_with_the_reason_unless_the_risk_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dni, good = _file(tmp_path / "dni.txt", b"00000000T\n"), _file(tmp_path / "acta.pdf")
    hashed, failed = notarising.hash_all([dni, good])
    assert [each.file for each in hashed] == [good]
    assert "a DNI number: there are 100,000,000 at most" in failed[0].reason
    assert "--anyone-can-guess-it" in failed[0].reason
    assert "00000000T" not in failed[0].reason + capsys.readouterr().err
    hashed, failed = notarising.hash_all([dni, good], accept_guessable=True)
    assert ([each.file for each in hashed], failed) == ([dni, good], [])


class Waiting:
    """A client of a log whose witnesses do not answer."""

    def notarise_documents(self, *_: object, **__: object) -> dict[str, object]:
        return {"batch": "b", "items": ["b-0"]}

    notarise = notarise_documents

    def wait_anchored(self, *_: object, **__: object) -> None: ...

    def wait_stamped(self, *_: object, **__: object) -> bool:
        return True

    def receipts(self, _: str) -> list[bytes]:
        problem = {"type": "https://x/problems/not-witnessed-yet", "detail": "missing: w.example/w1"}
        raise ApiProblem(409, problem)


def test_receipts_that_wait_for_witnesses_lose_no_notarisation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hashed, _ = notarising.hash_all([_file(tmp_path / "acta.pdf")])
    rows = notarising.notarise(hashed, "9999990001", Waiting(), lambda file, _: file)  # type: ignore[arg-type]
    assert [(row["notarisation"], row["receipt"]) for row in rows] == [("b-0", None)]
    assert "missing: w.example/w1" in capsys.readouterr().err
    assert notarising.shown(rows, [], waited=True).ending == "conflict"
    assert notarising.shown(rows, []).ending == "ok"
