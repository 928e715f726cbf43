"""`baas register export`: a register as a directory that anybody can audit without the service. Whole, or not there."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from baas.client import Client
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, progress, record
from sandbox.audit import CHECKPOINTS, DESCRIPTION, ROWS, TRUST
from sandbox.evidence.canonical import dumps
from sandbox.evidence.checkpoint import parse_unverified
from sandbox.evidence.static_log import CHECKPOINT, tiles_of

#: Rows in one request.
AT_ONCE = 5_000


def run(client: Client, register: str, out: Path) -> Shown:
    """Write everything beside `out` and put it there in one step, up to the newest anchored checkpoint."""
    if out.exists():
        raise Unusable(f"{out} exists: an export is a new directory, choose another name or remove it")
    known = client.register(register)
    beside = out.with_name(f".{out.name[:100]}.{secrets.token_hex(8)}")
    beside.mkdir(parents=True)
    try:
        size = _write(client, known, beside)
        beside.replace(out)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    if size < known["accepted"]:
        note(
            f"{known['accepted'] - size} entries are not anchored yet and not in it: export again later for those"
        )
    written = {"directory": str(out), "register": register, "size": size, "origin": known["origin"]}
    return record(written, "directory", "size", "origin")


def _write(client: Client, known: dict[str, object], folder: Path) -> int:
    register, log = str(known["id"]), str(known["log"])
    checkpoint = client.log_file(log, CHECKPOINT)
    size = parse_unverified(checkpoint.decode()).size
    show, done = progress("exported", 10_000), 0
    for tile in tiles_of(size):
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.log_file(log, tile.path))
    with (folder / ROWS).open("wb") as file:
        os.fchmod(file.fileno(), 0o600)  # it has the rows and what opens their commitments
        while done < size:
            file.write(client.register_rows(register, done, min(done + AT_ONCE, size)))
            done = min(done + AT_ONCE, size)
            show(done, size)
    with (folder / CHECKPOINTS).open("wb") as file:
        after = 0
        while after < size:
            for line, reached in client.register_anchors(register, after):
                after = reached
                if reached <= size:
                    file.write(line)
    names = ("id", "name", "key", "columns", "preset", "numbering", "origin")
    (folder / DESCRIPTION).write_bytes(dumps({name: known.get(name) for name in names}))
    (folder / TRUST).write_bytes(client.trust(client.code_of(str(known["administration_id"]))))
    (folder / CHECKPOINT).write_bytes(checkpoint)
    return size
