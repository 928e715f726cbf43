"""`baas backup` and `baas restore`: a data directory out and back in, with what was erased staying erased."""

from __future__ import annotations

from pathlib import Path

from baas.clock import SystemClock
from baas.errors import Conflict
from baas.privacy import backups, ledger
from baas.settings import Settings, load_settings
from baas.store import DATABASE
from baas.terminal.render import Shown, note, record
from baas.terminal.session import Place
from baas.wiring import MASTER_KEY, Services


def backup(place: Place, out: Path) -> Shown:
    """Raises DataDirectoryLocked while a service runs on the directory."""
    settings = load_settings(data=place.data)
    if out.exists():
        raise Conflict(f"{out} is there already: name a directory that is not")
    made = backups.backup(settings.data, out, *_kept(settings), SystemClock().now())
    note(
        "it holds personal data wherever the service does, and not the master key: keep both, apart from each other"
    )
    return record({"backup": str(out), "files": made.files, "bytes": made.size}, "backup", "files", "bytes")


def restore(place: Place, directory: Path, replace: bool) -> Shown:
    """Restores, and applies the ledger of erasures before anybody can ask for anything."""
    settings = load_settings(data=place.data)
    if (settings.data / DATABASE).exists() and not replace:
        raise Conflict(
            f"{settings.data} has a database: with --replace it is deleted, and the backup put in its place"
        )
    erased, key = _kept(settings)
    if not erased.exists() and not (directory / ledger.NAME).exists():
        note(
            f"there is no ledger of erasures at {erased}: if anything was erased since, it comes back with this backup"
        )
    read = backups.restore(directory, settings.data, erased, key)
    services = Services.build(settings)
    try:
        again = services.erasures.replay()
        services.erasures.settle()
    finally:
        services.stop()
    shown = {"data": str(settings.data), "made": read.made, "files": read.files, "erased_again": len(again)}
    return record(shown, "data", "made", "files", "erased_again")


def _kept(settings: Settings) -> tuple[Path, Path]:
    """The ledger of erasures and the master key, which no backup replaces."""
    return (
        settings.erasures_file or settings.data / ledger.NAME,
        settings.master_key_file or settings.data / MASTER_KEY,
    )
