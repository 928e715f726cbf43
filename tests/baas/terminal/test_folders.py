"""A folder under one root: what is a file of it, what is told and left out, and each file's own receipt."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baas.client import Client
from baas.terminal import folders, notarising
from baas.terminal.problems import Unusable
from sandbox.evidence import receipt as receipts
from sandbox.evidence import trust
from sandbox.evidence.verify import verify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "expedient"
    for path, content in {
        "acta.pdf": b"acta",
        "annexos/a.txt": b"annex",
        "annexos/còpia.txt": b"annex",
        "annexos/buit.txt": b"",
        "b.pdf": b"b",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


def client_of(world: Any) -> Any:
    return lambda: Client(world.server.url, world.town.token)


def test_each_file_of_a_folder_proves_itself_alone(world: Any, folder: Path) -> None:
    """Empty ones and two of one content too; under another file's receipt none holds, and no name leaves the machine."""
    town = world.town
    shown = folders.run(folder, town.code, None, True, client_of(world), ["sha-256", "sha3-256"])
    out = folder.with_name("expedient.receipts")
    assert (shown.ending, shown.value["files"], shown.value["receipts"]) == ("ok", 5, 5)
    root = trust.parse(town.member.get(f"/administrations/{town.code}/trust").content)
    made = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = path.relative_to(folder)
        made[name] = receipts.parse((out / f"{name}.receipt.json").read_bytes())
        report = verify(path, made[name], root)
        assert report.ok, report.to_text()
        assert b"expedient" not in made[name].to_bytes()
    assert len({each.entry.commitment for each in made.values()}) == 1
    salts = {each.manifest.file.salt for each in made.values() if each.manifest}
    assert len(salts) == 5
    twins = [made[Path("annexos/a.txt")], made[Path("annexos/còpia.txt")]]
    assert twins[0].manifest != twins[1].manifest
    assert not verify(folder / "acta.pdf", made[Path("b.pdf")], root).ok
    foreign = replace(made[Path("b.pdf")], manifest=made[Path("acta.pdf")].manifest)
    assert verify(
        folder / "acta.pdf", foreign, root
    ).ok  # it is under the same root: that is what a manifest says
    header = replace(made[Path("b.pdf")], manifest=None)
    assert not verify(folder / "b.pdf", header, root).ok
    assert (out / "manifest.json").stat().st_mode & 0o777 == 0o600


def test_the_receipts_can_be_written_again_from_the_manifest(world: Any, folder: Path) -> None:
    shown = folders.run(folder, world.town.code, None, False, client_of(world))
    kept = Path(shown.value["manifest"])
    assert (shown.value["receipts"], [each.name for each in kept.parent.iterdir()]) == (0, ["manifest.json"])
    with Client(world.server.url, world.town.token) as client:
        assert folders.unfold_kept(kept, client).value["receipts"] == 5
        before = (kept.parent / "b.pdf.receipt.json").read_bytes()
        assert folders.unfold_kept(kept, client).value["receipts"] == 5
    assert (kept.parent / "b.pdf.receipt.json").read_bytes() == before


def test_what_is_no_file_is_told_and_left_out(
    world: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "enllaç").symlink_to(folder / "acta.pdf")
    (folder / "enllaç a carpeta").symlink_to(folder / "annexos")
    (folder / "perdut").symlink_to(folder / "no hi és")
    os.mkfifo(folder / "canonada")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        read = folders.fold(folder, ["sha-256"])
    assert [path for path, _ in read.files] == [
        "acta.pdf",
        "annexos/a.txt",
        "annexos/buit.txt",
        "annexos/còpia.txt",
        "b.pdf",
    ]
    reasons = dict(read.left_out)
    assert set(reasons) == {"enllaç", "enllaç a carpeta", "perdut", "canonada", "s"}
    assert "symbolic link" in reasons["perdut"]
    assert "neither a file nor a directory" in reasons["canonada"]
    assert len(capsys.readouterr().err.splitlines()) == 5
    shown = folders.run(folder, world.town.code, None, False, client_of(world))
    assert (shown.ending, len(shown.value["left_out"])) == ("refused", 5)


def test_what_cannot_be_read_is_told_and_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root everything can be read: so the reading itself is refused."""
    real = notarising.digests_file

    def refusing(path: Path, *rest: Any) -> Any:
        if path.name == "b.pdf":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest)

    monkeypatch.setattr(notarising, "digests_file", refusing)
    read = folders.fold(folder, ["sha-256"])
    assert [path for path, _ in read.left_out] == ["b.pdf"]
    assert "Permission denied" in read.left_out[0][1]


def test_a_folder_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no file in it"):
        folders.fold(tmp_path, ["sha-256"])


def test_where_receipts_may_not_go(world: Any, folder: Path) -> None:
    taken = folder.with_name("taken")
    taken.mkdir()
    (taken / "x").write_bytes(b"")
    for out, why in ((taken, "not empty"), (folder / "out", "inside of")):
        with pytest.raises(Unusable, match=why):
            folders.run(folder, world.town.code, out, True, client_of(world))
    with pytest.raises(Unusable, match="one folder"):
        folders.run(folder / "b.pdf", world.town.code, None, True, client_of(world))
    with pytest.raises(Unusable, match="--manifest"):
        notarising.run([folder], world.town.code, None, True, client_of(world))


def test_a_kept_manifest_is_read_as_it_was_written_and_leads_nowhere_else(
    folder: Path, tmp_path: Path
) -> None:
    read = folders.fold(folder, ["sha-512", "sha-256"])
    assert folders.parse(read.to_bytes()) == read
    for bad in (
        b"",
        b"[]",
        b"{}",
        read.to_bytes().replace(b"baas-folder", b"baas-other!"),
        read.to_bytes()[:-2],
    ):
        with pytest.raises(Unusable):
            folders.parse(bad)
    with pytest.raises(Unusable, match="leads out of"):
        folders._target(tmp_path / "out", "../../elsewhere")
