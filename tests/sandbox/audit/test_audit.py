"""The audit of an export: what was changed is named, whatever it was, and an audit that was killed goes on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.audit import DESCRIPTION, ROWS, TRUST, Directory, Report, audit
from sandbox.audit.rows import line, parse
from sandbox.audit.rules import Rules
from sandbox.errors import MalformedEvidence
from sandbox.evidence.cosignature import Cosigner, with_cosignatures
from sandbox.evidence.entry import Entry
from sandbox.evidence.merkle import HASH_SIZE
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.report import Result
from sandbox.evidence.static_log import CHECKPOINT, parse_bundle, tiles_of
from sandbox.evidence.trust import TrustedKey, TrustedLog, TrustedWitness, TrustRoot, Witnesses
from tests.sandbox.audit.made import ORIGIN, TRUSTED, Made, book, decree, export

ROWS_HERE = 20_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("audit") / "export", book(ROWS_HERE))


@pytest.fixture(scope="module")
def middle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("audit") / "export", book(1_500))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("audit") / "export", book(14))


class Changed(Directory):
    """An export of which one file reads otherwise."""

    def __init__(self, path: Path, changes: dict[str, bytes | None]) -> None:
        super().__init__(path)
        self.changes = changes

    def read(self, name: str) -> bytes | None:
        return self.changes[name] if name in self.changes else super().read(name)

    def open(self, name: str) -> Any:
        from io import BytesIO

        if name in self.changes:
            found = self.changes[name]
            return None if found is None else BytesIO(found)
        return super().open(name)


def flipped(data: bytes, at: int, bit: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


def failures(report: Report) -> set[str]:
    return {name for name, each in report.checks.items() if each.result is Result.FAILED}


def test_an_export_that_nobody_touched(large: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = audit(Directory(large), TRUSTED, on_progress=lambda *done: seen.append(done))
    assert report.ok, report.to_text()
    assert (report.origin, report.size, report.findings) == (ORIGIN, ROWS_HERE + 1, ())
    assert seen == [(min(n * 256, 20_001), 20_001) for n in range(1, 80)]
    assert {name for name, each in report.checks.items() if each.result is Result.NOT_CHECKED} == {
        "anchor", "history", "witnesses", "later",
    }  # fmt: skip
    assert "The log holds" in report.to_text()


@pytest.mark.long
def test_any_byte_of_any_row_names_that_row(small: Path) -> None:
    data = (small / ROWS).read_bytes()
    row = 0
    for at, byte in enumerate(data):
        report = audit(Changed(small, {ROWS: flipped(data, at)}), TRUSTED)
        assert not report.ok, (at, data[max(0, at - 40) : at + 10])
        assert row in {each.index for each in report.findings}, (at, row, report.findings)
        assert {each.index for each in report.findings} <= {row, row + 1, 15} or byte == 10, report.findings
        row += byte == 10


def test_one_byte_in_20_000_rows_names_the_row_and_nothing_else(large: Path) -> None:
    lines = (large / ROWS).read_bytes().splitlines(keepends=True)
    for index in (1, 12_345, 20_000):
        at = lines[index].index(b"Decret")
        data = b"".join((*lines[:index], flipped(lines[index], at), *lines[index + 1 :]))
        report = audit(Changed(large, {ROWS: data}), TRUSTED)
        assert failures(report) == {"rows"}
        (finding,) = report.findings
        assert (finding.file, finding.index) == (ROWS, index)
        assert f"row {index} (line {index + 1}) was changed" in str(finding)


def test_a_changed_tile_is_told_from_changed_entries(middle: Path) -> None:
    for tile in tiles_of(1_501):
        data = (middle / tile.path).read_bytes()
        for at in {0, len(data) // 2, len(data) - 1}:
            report = audit(Changed(middle, {tile.path: flipped(data, at)}), TRUSTED)
            assert not report.ok
            (finding,) = report.findings
            assert finding.file == tile.path, (tile, at, finding)
            if tile.level is not None:
                assert failures(report) == {"tiles"}
                assert f"hash {at // HASH_SIZE} was changed" in finding.text


def test_a_changed_entry_is_named_and_its_row_is_not_accused(middle: Path) -> None:
    path = "tile/entries/004"
    data = (middle / path).read_bytes()
    parts, at = parse_bundle(data, 256), 0
    for place, part in enumerate(parts):
        at += 2 + len(part)
        if place in (0, 100, 255):
            report = audit(Changed(middle, {path: flipped(data, at - 30)}), TRUSTED)
            assert [(each.file, each.index) for each in report.findings] == [(path, 4 * 256 + place)]
            assert failures(report) == {"tree"}
    cut = audit(Changed(middle, {path: data[:-1]}), TRUSTED)
    assert [each.file for each in cut.findings] == [path]
    assert "were not checked" in cut.findings[0].text


def test_several_changes_at_once(large: Path) -> None:
    rows = (large / ROWS).read_bytes().splitlines(keepends=True)
    rows[15_001] = rows[15_001].replace(b"Decret", b"Decrte")
    changes: dict[str, bytes | None] = {
        ROWS: b"".join(rows),
        "tile/0/010": flipped((large / "tile/0/010").read_bytes(), 77),
        "tile/entries/020": flipped((large / "tile/entries/020").read_bytes(), 90),
        "tile/1/000.p/78": flipped((large / "tile/1/000.p/78").read_bytes(), 32 * 30),
        "tile/0/077": None,
    }
    report = audit(Changed(large, changes), TRUSTED)
    assert {each.file for each in report.findings} == set(changes)
    assert {each.index for each in report.findings} == {None, 15_001, 20 * 256}
    assert failures(report) == {"tree", "tiles", "rows"}


def test_entries_and_tile_that_were_changed_together_are_named_as_a_part(middle: Path) -> None:
    """Who rewrites a bundle with its tile cannot rewrite the root: the part is named by the tile above."""
    path, tile = "tile/entries/003", "tile/0/003"
    data = (middle / path).read_bytes()
    from sandbox.evidence.merkle import leaf_hash

    other = flipped(data, 60)
    hashes = b"".join(leaf_hash(each) for each in parse_bundle(other, 256))
    report = audit(Changed(middle, {path: other, tile: hashes}), TRUSTED)
    (finding,) = report.findings
    assert (finding.file, failures(report)) == (tile, {"tiles"} | {"tree"} & failures(report))
    assert f"entries {3 * 256} to {4 * 256 - 1} and their tiles were changed" in finding.text


def test_who_signed_counts(small: Path) -> None:
    other = NoteSigner(ORIGIN, bytes(32))
    foreign = TrustRoot(
        (TrustedLog(ORIGIN, 1, (), (TrustedKey(other.verifier, datetime(2026, 1, 1, tzinfo=UTC)),)),), ()
    )
    assert failures(audit(Directory(small), foreign)) == {"checkpoint"}
    assert failures(audit(Directory(small), TrustRoot((), ()))) == {"checkpoint"}
    nobody = audit(Directory(small))
    assert (nobody.ok, nobody.checks["checkpoint"].result) == (False, Result.NOT_CHECKED)
    itself = audit(Changed(small, {TRUST: TRUSTED.to_bytes()}))
    assert itself.ok
    assert "name themselves" in itself.checks["checkpoint"].text
    note = (small / CHECKPOINT).read_text().replace("\n15\n", "\n14\n").encode()
    assert "checkpoint" in failures(audit(Changed(small, {CHECKPOINT: note}), TRUSTED))
    with pytest.raises(MalformedEvidence, match="no file 'checkpoint'"):
        audit(Changed(small, {CHECKPOINT: None}), TRUSTED)


def test_witnesses_are_asked_for_where_the_trust_root_demands_them(small: Path) -> None:
    witness, start = Cosigner("vila-b.example/w1", bytes(range(1, 33))), datetime(2026, 1, 1, tzinfo=UTC)
    demanded = Witnesses(1, (TrustedWitness(witness.verifier, "Vila B (fictícia)", start),))
    (log,) = TRUSTED.logs
    trust = TrustRoot((replace(log, operator="Vila A (fictícia)", witnesses=demanded),), ())
    note = (small / CHECKPOINT).read_text()
    alone = audit(Directory(small), trust)
    assert failures(alone) == {"witnesses"}
    cosigned = with_cosignatures(note, [witness.cosign(note.partition("\n\n")[0] + "\n", 1_790_000_000)])
    report = audit(Changed(small, {CHECKPOINT: cosigned.encode()}), trust)
    assert report.ok, report.to_text()
    assert "vila-b.example/w1" in report.checks["witnesses"].text


def test_a_mirror_has_no_rows_and_says_so(small: Path) -> None:
    report = audit(Changed(small, {ROWS: None, DESCRIPTION: None}), TRUSTED)
    assert report.ok
    assert report.checks["rows"].result is Result.NOT_CHECKED


def test_rows_that_are_too_few_or_too_many(small: Path) -> None:
    data = (small / ROWS).read_bytes()
    lines = data.splitlines(keepends=True)
    few = audit(Changed(small, {ROWS: b"".join(lines[:-3])}), TRUSTED)
    assert [each.index for each in few.findings] == [12]
    many = audit(Changed(small, {ROWS: data + lines[-1]}), TRUSTED)
    assert "more lines" in many.findings[0].text


def entries(*some: Made) -> Iterator[Made]:
    yield Made(Entry("genesis"))
    yield from some


def revoke(refers_to: int, key: str, version: int, kind: str = "revoke") -> Made:
    return Made(Entry(kind, None, refers_to, "error"), key, version)


#: What a log must not do, and where it is found: the service cannot write these, a dishonest one could.
BROKEN = {
    "amended after it was amended": ([decree(1, "1"), decree(2, "1", 2, "amend", 1), decree(3, "1", 2, "amend", 1)], 3),
    "left without effect twice": ([decree(1, "1"), revoke(1, "1", 2), revoke(1, "1", 2)], 3),
    "superseded after its end": ([decree(1, "1"), revoke(1, "1", 2), decree(3, "2", 1, "supersede", 1)], 3),
    "a revocation amended": ([decree(1, "1"), revoke(1, "1", 2), decree(3, "1", 3, "amend", 2)], 3),
    "refers to what follows": ([decree(1, "1"), decree(2, "1", 2, "amend", 5)], 2),
    "a version left out": ([decree(1, "1"), decree(2, "1", 3, "amend", 1)], 2),
    "another row's version": ([decree(1, "1"), decree(2, "2", 2, "amend", 1)], 2),
    "a row that begins as second": ([decree(1, "1", 2)], 1),
    "a key used twice": ([decree(1, "1"), decree(2, "2"), decree(3, "1")], 3),
    "a second genesis": ([decree(1, "1"), Made(Entry("genesis"))], 2),
    "erased twice": ([decree(1, "1"), revoke(1, "1", 2, "erase"), revoke(1, "1", 2, "erase")], 3),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_a_log_may_not_do(tmp_path: Path, case: str) -> None:
    made, index = BROKEN[case]
    report = audit(Directory(export(tmp_path / "export", entries(*made))), TRUSTED)
    assert not report.ok
    assert {each.index for each in report.findings} >= {index}, report.findings
    assert failures(report) <= {"rules", "rows"}


def test_what_it_may_do(tmp_path: Path) -> None:
    made = entries(
        decree(1, "1"),
        decree(2, "2"),
        decree(3, "1", 2, "amend", 1),
        decree(4, "1", 3, "rectify", 3),
        decree(5, "3", 1, "supersede", 4),
        revoke(2, "2", 2),
        decree(7, "3", 2, "amend", 5),
        revoke(1, "1", 1, "erase"),
        revoke(7, "3", 2, "erase"),
        revoke(2, "2", 1, "erase"),
    )

    def erased(index: int, made: Made) -> Made:
        return replace(made, content=None, salt=None, key=None) if index in (1, 2, 6, 7) else made

    report = audit(Directory(export(tmp_path / "export", made, erased)), TRUSTED)
    assert report.ok, report.to_text()


def test_a_row_that_opens_nothing_needs_an_erasure(tmp_path: Path) -> None:
    made = entries(decree(1, "1"), decree(2, "2"))
    report = audit(
        Directory(
            export(
                tmp_path / "e",
                made,
                lambda index, made: replace(made, content=None, salt=None) if index == 2 else made,
            )
        ),
        TRUSTED,
    )
    assert [(each.index, "no erasure" in each.text) for each in report.findings] == [(2, True)]


# -- stopped and going on -----------------------------------------------------------------------------

PROGRAM = """
import sys
from pathlib import Path
from sandbox.audit import Directory, audit
from tests.sandbox.audit.made import TRUSTED

def told(done, total):
    print(done, flush=True)
    if done >= total // 2:
        sys.stdin.readline()  # until it is killed

audit(Directory(Path(sys.argv[1])), TRUSTED, state=Path(sys.argv[2]), on_progress=told, save_every=0)
"""


def killed_in_the_middle(folder: Path, state: Path) -> None:
    root = Path(__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
    )
    assert process.stdin and process.stdout
    with process.stdout, process.stdin:
        while int(process.stdout.readline()) < ROWS_HERE // 2:
            pass
        process.kill()
    process.wait(30)
    assert state.exists()


def test_a_killed_audit_goes_on_and_finds_what_it_would_have_found(large: Path, tmp_path: Path) -> None:
    folder, state = tmp_path / "export", tmp_path / "state"
    shutil.copytree(large, folder)
    lines = (folder / ROWS).read_bytes().splitlines(keepends=True)
    for index in (301, 17_001):  # one on each side
        lines[index] = lines[index].replace(b"Decret", b"Decrte")
    (folder / ROWS).write_bytes(b"".join(lines))
    killed_in_the_middle(folder, state)
    seen: list[int] = []
    report = audit(Directory(folder), TRUSTED, state=state, on_progress=lambda done, _: seen.append(done))
    assert report.went_on == seen[0] - 256 > 5_000
    assert [each.index for each in report.findings] == [301, 17_001]
    assert not state.exists()
    whole = audit(Directory(folder), TRUSTED)
    assert (whole.findings, whole.checks) == (report.findings, report.checks)


def test_what_changed_after_it_was_read_is_read_again(large: Path, tmp_path: Path) -> None:
    folder, state = tmp_path / "export", tmp_path / "state"
    shutil.copytree(large, folder)
    killed_in_the_middle(folder, state)
    saved = state.read_bytes()
    for name in (ROWS, "tile/entries/003", "tile/0/003"):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(flipped(before, 4_000))
        report = audit(Directory(folder), TRUSTED, state=state)
        assert (report.ok, report.went_on) == (False, 0), name
        (folder / name).write_bytes(before)
        state.write_bytes(saved)
    assert audit(Directory(folder), TRUSTED, state=state).went_on > 0


@pytest.mark.long
def test_a_state_that_does_not_lead_to_the_root_is_not_believed(large: Path, tmp_path: Path) -> None:
    """Whoever can write the state may say what it likes of the tree: the root says otherwise."""
    from hashlib import sha256

    state = tmp_path / "state"
    killed_in_the_middle(large, state)
    body = state.read_bytes()[:-32]
    at = body.index(b'"levels": ["') + 20
    forged = body[:at] + (b"0" if body[at : at + 1] != b"0" else b"1") + body[at + 1 :]
    state.write_bytes(forged + sha256(forged).digest())
    report = audit(Directory(large), TRUSTED, state=state)
    assert (report.ok, report.went_on) == (True, 0)
    for rubbish in (b"", body, b"baas-audit-state\n{}" + bytes(32)):
        state.write_bytes(rubbish)
        assert audit(Directory(large), TRUSTED, state=state).went_on == 0


# -- lines ---------------------------------------------------------------------------------------------


def test_a_line_is_read_as_it_was_written() -> None:
    key = 'a"\\\u0000ñ\u2028'
    written = line("sha-256", '{"a":"},\\"index\\":1","k":"x"}', 7, key, "create", bytes(32), 1)
    row = parse(written)
    assert (row.place, row.key, row.version, row.content) == (7, key, 1, b'{"a":"},\\"index\\":1","k":"x"}')
    with pytest.raises(MalformedEvidence):
        parse(written.replace(b":7", b": 7"))


def test_the_rules_keep_17_bytes_an_entry() -> None:
    rules = Rules()
    for index in range(1000):
        rules.add("genesis" if index == 0 else "create", None)
        rules.begin_row(index, "create", None)
        rules.compare_row(index, "create", str(index), 1)
    kept = (rules.versions, rules.keys, rules.began)
    assert len(rules.flags) + sum(len(each) * each.itemsize for each in kept) == 17_000
