"""A signing process from its token to its result. On disk at each step; the token itself is not kept, only its SHA-256.

    OPENED ──start──► STARTED ──the person signs──► SIGNED
                        ├──── the person cancels ─► CANCELLED
                        └──── it cannot be made ──► FAILED
    five minutes after its last step, whatever is not finished has EXPIRED

A result is kept for fifteen days; what was to be signed goes as soon as there is one.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import threading
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from baas.ades.types import Signer, Stamper
from baas.clock import Clock, milliseconds
from baas.errors import BaasError
from baas.protocols.signador import (
    KEPT,
    PATIENCE,
    WAITING,
    SignadorRefused,
    Signature,
    Start,
    is_domain,
    read_document,
    read_start,
    require_count,
)
from baas.trust_service.acts import Acts
from baas.trust_service.database import make_private
from baas.trust_service.signador.signing import NIF, Cards, sign

NAME = "signador.sqlite"
KIND = "signador"
"""What its acts are called in the journal."""
MAX_OPEN = 200
"""How many unfinished processes one client may have at once."""

_TABLES = """
CREATE TABLE IF NOT EXISTS domains (
    domain TEXT PRIMARY KEY,
    administration TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS processes (
    token_sha256 BLOB PRIMARY KEY,
    domain TEXT NOT NULL REFERENCES domains (domain),
    state TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    asked TEXT NOT NULL DEFAULT '',
    redirect TEXT NOT NULL DEFAULT '',
    result BLOB NOT NULL DEFAULT x'',
    type TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS processes_since ON processes (since_ms);
"""


class State(StrEnum):
    OPENED = "opened"
    STARTED = "started"
    SIGNED = "signed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


#: From where each state is reached. EXPIRED is not stored: it is what an unfinished process is after five minutes.
FROM = {
    State.STARTED: State.OPENED,
    State.SIGNED: State.STARTED,
    State.CANCELLED: State.STARTED,
    State.FAILED: State.STARTED,
}
_UNFINISHED = (State.OPENED, State.STARTED)
_ERRORS = {
    State.OPENED: "the process was not started: startSignProcess comes first",
    State.STARTED: WAITING,
    State.CANCELLED: "CANCEL: the person cancelled the operation",
    State.EXPIRED: "TIMEOUT: nobody signed within 5 minutes",
}


@dataclass(frozen=True)
class Process:
    domain: str
    administration: str
    state: State
    start: Start | None
    """What is to be signed; None before it is known, and after the process has finished."""
    redirect: str
    """Where the person goes afterwards: the client's domain and its path."""
    result: bytes
    type: str
    error: str


class Signador:
    """One directory's processes. Safe for threads; WAL with synchronous=FULL."""

    def __init__(
        self, database: sqlite3.Connection, clock: Clock, cards: Cards, stamper: Stamper, acts: Acts
    ) -> None:
        self._database, self._clock, self._cards = database, clock, cards
        self._stamper, self._acts = stamper, acts
        self._lock, self._signing = threading.RLock(), threading.Lock()

    @classmethod
    def open(cls, directory: Path, clock: Clock, cards: Cards, stamper: Stamper, acts: Acts) -> Signador:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = directory / NAME
        make_private(path)
        database = sqlite3.connect(path, isolation_level=None, timeout=10.0, check_same_thread=False)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        database.executescript(_TABLES)
        return cls(database, clock, cards, stamper, acts)

    def register(self, domain: str, administration: str) -> None:
        """Whose client comes from this domain; idempotent. ValueError for a domain of another, or one that is none."""
        if not is_domain(domain):
            raise ValueError(f"expected a domain such as https://seu.example, got {domain[:80]!r}")
        with self._lock:
            self._database.execute(
                "INSERT OR IGNORE INTO domains (domain, administration) VALUES (?, ?)",
                (domain, administration),
            )
            found = self.administration_of(domain)
        if found != administration:
            raise ValueError(f"{domain} is another administration's, {found}")

    def administration_of(self, domain: str) -> str | None:
        rows = self._rows("SELECT administration FROM domains WHERE domain = ?", domain)
        return str(rows[0][0]) if rows else None

    def begin(self, domain: str) -> str:
        """A token for a new process of a registered domain. Raises SignadorRefused for too many unfinished ones."""
        token, now = secrets.token_urlsafe(24), self._now()
        with self._lock:
            self._database.execute(
                "DELETE FROM processes WHERE since_ms < ?", (now - int(KEPT.total_seconds() * 1000),)
            )
            [(count,)] = self._rows(
                "SELECT count(*) FROM processes WHERE domain = ? AND state IN (?, ?) AND since_ms > ?",
                domain,
                *_UNFINISHED,
                now - _PATIENCE_MS,
            )
            if count >= MAX_OPEN:
                raise SignadorRefused(f"this client has {count} unfinished processes: finish those first")
            self._database.execute(
                "INSERT INTO processes (token_sha256, domain, state, since_ms) VALUES (?, ?, ?, ?)",
                (_key(token), domain, State.OPENED, now),
            )
        return token

    def start(self, domain: str, fields: Any) -> str:
        """What a process is to sign; its token. Raises SignadorRefused."""
        wanted = read_start(fields)
        process = self._of(wanted.token, domain)
        if wanted.required_nif not in ("", NIF):
            raise SignadorRefused(f"required_nif: the only person here is the fictional {NIF}")
        if process.state is not State.OPENED:
            raise SignadorRefused(_error(process))
        # the checked message is kept as it came, and read again when the person signs
        self._advance(
            wanted.token, State.STARTED, asked=json.dumps(fields), redirect=domain + wanted.redirect
        )
        return wanted.token

    def add(self, domain: str, token: str, name: str, encoded: str) -> None:
        """One more document for a `multiple` process that waits for its person. Raises SignadorRefused."""
        with self._lock:
            process = self._of(token, domain)
            start = process.start
            if process.state is not State.STARTED or start is None:
                raise SignadorRefused(_error(process))
            if not start.multiple:
                raise SignadorRefused("the process was not started with multiple")
            if ";" in name or any(each.name == name for each in start.documents):
                raise SignadorRefused("doc_name: expected a name that the process does not have")
            read_document(name, encoded, start.mode, start.algorithm)
            require_count(len(start.documents) + 1, start.mode)
            [(asked,)] = self._rows("SELECT asked FROM processes WHERE token_sha256 = ?", _key(token))
            fields = json.loads(str(asked))
            configuration = fields["applet_cfg"]
            configuration["doc_name"] += f";{name}"
            configuration["document_to_sign"] += f";{encoded}"
            read_start(fields)
            self._database.execute(
                "UPDATE processes SET asked = ? WHERE token_sha256 = ? AND state = ?",
                (json.dumps(fields), _key(token), State.STARTED),
            )

    def shown(self, token: str) -> Process | None:
        """What the person is shown; None for a token that is none."""
        return self._find(token)

    def finish(self, token: str, *, signs: bool) -> Process | None:
        """The person has clicked. The process as it then is; one that does not wait for its person stays as it is.

        The signature is in the journal before it is in the process, and there before anybody gets it.
        """
        with self._signing:  # a second click finds the first one's result
            process = self._find(token)
            if process is None or process.state is not State.STARTED or process.start is None:
                return process
            if not signs:
                self._advance(token, State.CANCELLED)
            else:
                try:
                    card: Signer = self._cards.of(process.administration)
                    made = sign(process.start, card, self._stamper, self._clock.now())
                except (BaasError, SignadorRefused) as error:
                    self._advance(token, State.FAILED, error=f"ERROR: {error}")
                else:
                    [(asked,)] = self._rows("SELECT asked FROM processes WHERE token_sha256 = ?", _key(token))
                    self._acts.record(KIND, process.administration, str(asked).encode(), made.content)
                    self._advance(token, State.SIGNED, result=made.content, type=made.type)
            return self._find(token)

    def signature(self, domain: str, token: str) -> tuple[Signature, str]:
        """The answer of `getSignature`, and where the person went. Raises SignadorRefused for another's token or none."""
        process = self._of(token, domain)
        if process.state is State.SIGNED:
            return Signature(token, process.result, process.type, ""), process.redirect
        return Signature(token, b"", "", _error(process)), process.redirect

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _of(self, token: str, domain: str) -> Process:
        process = self._find(token)
        if process is None or process.domain != domain:
            raise SignadorRefused("the token is unknown")
        return process

    def _find(self, token: str) -> Process | None:
        rows = self._rows(
            "SELECT domain, administration, state, since_ms, asked, redirect, result, type, error"
            " FROM processes JOIN domains USING (domain) WHERE token_sha256 = ?",
            _key(token),
        )
        if not rows:
            return None
        domain, administration, stored, since, asked, redirect, result, type_, error = rows[0]
        state, now = State(stored), self._now()
        if state in _UNFINISHED and now - since > _PATIENCE_MS:
            state = State.EXPIRED
        if now - since > int(KEPT.total_seconds() * 1000):
            return None
        start = read_start(json.loads(asked)) if state is State.STARTED else None
        return Process(domain, administration, state, start, redirect, result, type_, error)

    def _advance(self, token: str, to: State, **values: Any) -> None:
        """Along one edge of `FROM`, or SignadorRefused; a finished process forgets what was asked."""
        if to is not State.STARTED:
            values["asked"] = ""
        columns = "".join(f", {name} = ?" for name in values)
        with self._lock:
            done = self._database.execute(
                f"UPDATE processes SET state = ?, since_ms = ?{columns} WHERE token_sha256 = ? AND state = ?",  # noqa: S608  # our own columns
                (to, self._now(), *values.values(), _key(token), FROM[to]),
            )
        if done.rowcount != 1:
            raise SignadorRefused(f"the process is no longer {FROM[to]}")

    def _rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    def _now(self) -> int:
        return milliseconds(self._clock.now())


_PATIENCE_MS = int(PATIENCE.total_seconds() * 1000)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _error(process: Process) -> str:
    return process.error or _ERRORS.get(process.state, "the process has finished")
