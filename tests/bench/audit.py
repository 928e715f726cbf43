"""The audit of a register's export, beside the bare hashing of what it hashes; and one changed byte that names its row."""

from __future__ import annotations

import hashlib
import hmac
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path

from sandbox.audit import ROWS, Directory, Report, audit
from tests.bench.figures import Figure
from tests.sandbox.audit.made import TRUSTED, book, export

#: Seconds of the audit of a million rows that are aimed at; of fewer rows, as many fewer.
GOAL = 60.0


def measure_audit(rows: int) -> list[Figure]:
    """An export of `rows` rows made, audited, and audited again with one byte changed in the middle."""
    with tempfile.TemporaryDirectory(prefix="baas-audit-") as name:
        folder = export(Path(name) / "export", book(rows))
        seconds, wall, report = _audited(folder)
        assert report.ok, report.to_text()
        floor = _floor(folder)
        index = _change(folder / ROWS, rows // 2)
        again, _, changed = _audited(folder)
        assert [each.index for each in changed.findings] == [index], changed.to_text()
        shutil.rmtree(folder)
    goal = GOAL * rows / 1_000_000
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = f"audit of {rows:,} rows, from files to the signed root, one core"
    return [
        Figure(what, seconds, "s of CPU", floor, floor / seconds, f"< {goal:,.1f} s", seconds < goal),
        Figure("  the same on the clock", wall, "s"),
        Figure("  the same in rows", rows / seconds, "rows/s"),
        Figure(f"  with one byte changed: row {index:,} named", again, "s of CPU", goal="named", met=True),
        Figure("  most memory of this process until then", memory, "MB"),
    ]


def _audited(folder: Path) -> tuple[float, float, Report]:
    """Seconds of CPU (the audit is one thread), seconds on the clock, and what it says."""
    start, began = time.process_time(), time.perf_counter()
    report = audit(Directory(folder), TRUSTED)
    return time.process_time() - start, time.perf_counter() - began, report


def _floor(folder: Path) -> float:
    """Seconds of CPU to read the rows and do only the hashing: two digests, one HMAC and one node for each."""
    start = time.process_time()
    salt = os.urandom(32)
    with (folder / ROWS).open("rb") as file:
        for line in file:
            digest = hashlib.sha256(line).digest()
            leaf = hashlib.sha256(hmac.digest(salt, digest, "sha256")).digest()
            hashlib.sha256(leaf + leaf).digest()
    return time.process_time() - start


def _change(path: Path, near: int) -> int:
    """Changes one byte of a title at that row or the first after it; which row it was."""
    at = index = 0
    with path.open("r+b") as file:
        for index, line in enumerate(file):
            if index >= near and b"Decret" in line:
                at += line.index(b"Decret")
                break
            at += len(line)
        file.seek(at)
        file.write(b"d")
    return index
