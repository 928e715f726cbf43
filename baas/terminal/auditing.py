"""`baas audit`: a whole log checked without the service that made it, from a directory or from a mirror's address."""

from __future__ import annotations

import os
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, progress
from sandbox.audit import ROWS, Directory, Source, audit
from sandbox.evidence import trust as trust_roots
from sandbox.evidence.static_log import CHECKPOINT


class Mirror:
    """A log's static files at an address; rows are never there."""

    local = False

    def __init__(self, url: str) -> None:
        import httpx2

        from baas.trust_store import trusted_for

        self._url = url.rstrip("/")
        remote = httpx2.URL(self._url).host not in ("127.0.0.1", "::1", "localhost")
        self._http = httpx2.Client(
            timeout=60.0, trust_env=remote, verify=trusted_for(self._url, by_environment=remote)
        )

    def close(self) -> None:
        self._http.close()

    def read(self, name: str) -> bytes | None:
        import httpx2

        try:
            answer = self._http.get(f"{self._url}/{name}")
        except httpx2.HTTPError as error:
            raise OSError(f"{self._url}/{name}: {error}") from error
        if answer.status_code == 404:
            return None
        if answer.is_error:
            raise OSError(f"{self._url}/{name} answered {answer.status_code}")
        return answer.content

    def open(self, name: str) -> BinaryIO | None:
        data = None if name == ROWS else self.read(name)
        return None if data is None else BytesIO(data)


def run(log: str, trust: Path | None, state: Path | None, fresh: bool) -> Shown:
    """Audit a directory or `https://…/logs/ID`; a directory's progress is kept beside it unless said otherwise."""
    with ExitStack() as closing:
        return _run(log, trust, state, fresh, closing)


def _run(log: str, trust: Path | None, state: Path | None, fresh: bool, closing: ExitStack) -> Shown:
    source: Source
    if log.startswith(("http://", "https://")):
        source = mirror = Mirror(log)
        closing.callback(mirror.close)
    else:
        folder = Path(log)
        if not (folder / CHECKPOINT).is_file():
            raise Unusable(f"{folder}: expected an exported or mirrored log with a file {CHECKPOINT!r}")
        source = Directory(folder)
        if state is None and os.access(folder.absolute().parent, os.W_OK):
            state = folder.absolute().with_name(f"{folder.absolute().name}.audit-state")
    if fresh and state is not None:
        state.unlink(missing_ok=True)
    if trust is None:
        note("no --trust: who vouches for the log is taken from its own files, if they say so at all")
    root = trust_roots.parse(trust.read_bytes()) if trust else None
    try:
        report = audit(source, root, state=state, on_progress=progress("audited", 10_000))
    except KeyboardInterrupt:
        if state is not None and state.exists():
            note(f"stopped: run it again and it goes on ({state})")
        raise
    return Shown(report.to_dict(), report.to_text(), "ok" if report.ok else "refused")
