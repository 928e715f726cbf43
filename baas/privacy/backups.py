"""Backups of a stopped service's data directory, and their restoring, after which what was erased stays erased.

A backup is a directory: the database (copied by SQLite itself), every other file of the data directory (chains, the
time-stamp authority) and `manifest.json` with the size and SHA-256 of each. Database and chains must be of one moment,
so the service is stopped meanwhile: the data directory's lock sees to it. Not in it: the master key, which is kept
apart. The ledger of erasures is copied, and never put back over a longer one.

Restoring an old backup takes logs back to what they were. What a chain of that time anchors is theirs again; receipts
that were handed out since hold by themselves, and contradict what the log says from then on: whoever restores says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from baas.clock import iso
from baas.errors import Conflict, StoreError
from baas.privacy.ledger import NAME as LEDGER
from baas.privacy.ledger import Ledger
from baas.store import DATABASE, RESTORING
from baas.store.lock import lock

VERSION = 1
MANIFEST = "manifest.json"
#: Files of a data directory that are not content: the lock, and the database's, which SQLite copies.
_OWN = {"lock", DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", RESTORING}
_ARRIVING = ".restored"


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written or read: how many files, their bytes, and when the backup was made."""

    path: Path
    files: int
    size: int
    made: str


def backup(data: Path, out: Path, ledger: Path, kept_apart: Path, now: datetime) -> Backup:
    """Write a backup of `data` to the new directory `out`. DataDirectoryLocked while a service runs on it.

    `kept_apart` is the master key, which is not in it.
    """
    if not (data / DATABASE).exists():
        raise Conflict(f"{data} has no database: there is nothing to back up")
    with lock(data):
        out.mkdir(mode=0o700, parents=True)
        with _database(data / DATABASE) as source, _database(out / DATABASE) as target:
            source.backup(target)
        left_out = {ledger.resolve(), kept_apart.resolve()} | {(data / name).resolve() for name in _OWN}
        for path in _files(data):
            if path.resolve() not in left_out and out.resolve() not in path.resolve().parents:
                target_path = out / path.relative_to(data)
                target_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copy2(path, target_path)
        if ledger.exists():
            shutil.copy2(ledger, out / LEDGER)
        files = [
            {"path": str(path.relative_to(out)), "size": path.stat().st_size, "sha256": _sha256(path)}
            for path in _files(out)
        ]
        made = iso(now)
        text = json.dumps({"v": VERSION, "made": made, "files": files}, indent=1)
        (out / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return Backup(out, len(files), sum(int(str(each["size"])) for each in files), made)


def restore(backup_: Path, data: Path, ledger: Path, kept_apart: Path) -> Backup:
    """Put a backup in the place of what is in `data`; the ledger of erasures and the master key there stay.

    Nothing is touched before each file was found to be as the manifest says. A restore that was cut off is begun again:
    until one has ended, no service starts there. Apply the ledger before the service is used (`Erasures.replay`).
    """
    manifest = _manifest(backup_)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock(data):
        (data / RESTORING).touch(mode=0o600)
        arriving = data / _ARRIVING
        shutil.rmtree(arriving, ignore_errors=True)
        for each in manifest["files"]:
            target = arriving / each["path"]
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy2(backup_ / each["path"], target)
        stay = {data / "lock", data / RESTORING, arriving, ledger, kept_apart}
        for path in data.iterdir():
            if path not in stay:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        _merge(ledger, arriving / LEDGER)
        for path in arriving.iterdir():
            path.rename(data / path.name)
        arriving.rmdir()
        os.sync()
        (data / RESTORING).unlink()
    return Backup(
        backup_, len(manifest["files"]), sum(each["size"] for each in manifest["files"]), manifest["made"]
    )


def _merge(ledger: Path, other: Path) -> None:
    """Every record that the backup's ledger has and this one has not; the other file is gone after it."""
    if not other.exists():
        return
    own = Ledger(ledger)
    known = {each.erasure for each in own.read()}
    for record in Ledger(other).read():
        if record.erasure not in known:
            own.append(record)
    other.unlink()


def _manifest(backup_: Path) -> dict[str, Any]:
    try:
        found = json.loads((backup_ / MANIFEST).read_text(encoding="utf-8"))
        files = {each["path"]: (each["size"], each["sha256"]) for each in found["files"]}
        good = found["v"] == VERSION and DATABASE in files and isinstance(found["made"], str)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{backup_} is no backup of this product: {MANIFEST}: {error}") from None
    if not good:
        raise StoreError(
            f"{backup_} is no backup that this version reads: {MANIFEST} has not what it must have"
        )
    there = {str(path.relative_to(backup_)) for path in _files(backup_)} - {MANIFEST}
    for name in sorted(there ^ set(files)):
        raise StoreError(
            f"the backup {backup_} is not whole: {name} is {'unknown' if name in there else 'missing'}"
        )
    for name, (size, sha256) in files.items():
        path = backup_ / name
        if path.stat().st_size != size or _sha256(path) != sha256:
            raise StoreError(
                f"the backup {backup_} is not what it was: {name} has changed; nothing was restored"
            )
    return dict(found)


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path)
    try:
        yield connection
    finally:
        connection.close()


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in sorted(directory.rglob("*")) if path.is_file() and not path.is_symlink())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
