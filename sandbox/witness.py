"""A witness (C2SP tlog-witness v1.0.0): it cosigns a log's checkpoint when that only adds to what it cosigned before.

One SQLite file holds who the witness is, which logs it follows with which keys, and the newest checkpoint that it
cosigned of each. Whoever runs it decides which logs it follows; a log asks with `add-checkpoint`:

    old <size of the checkpoint that you cosigned last, 0 for none>
    <base64 of a hash of the RFC 9162 consistency proof, at most 63 lines; none from size 0>

    <the checkpoint, a signed note>

| status | when | text |
|---|---|---|
| 200 | cosigned, and on disk | the cosignature's line |
| 400 | the request cannot be read, or the old size is above the checkpoint's | why |
| 403 | no key that is followed for that origin signed it, or one did so wrongly | why |
| 404 | the origin is not followed | why |
| 409 | the old size is another than the one cosigned last, or the same size has another root | that size |
| 422 | the proof does not hold | why |
| 503 | the file is in use for too long, or the witness's clock went back | why |

Checking and keeping are one transaction that writes from its beginning, in whichever process: between the two nothing
else can be cosigned, so nothing is rolled back. It is on disk before the answer is made; a witness that dies in between
gave no cosignature, and the log asks again, from the size that it is told.

Two checkpoints of one size with different roots, both signed by the log, prove that it shows two views: they are kept.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sandbox.errors import MalformedEvidence, VerificationError, WitnessError
from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import Checkpoint, open_checkpoint, parse_unverified
from sandbox.evidence.cosignature import Cosigner
from sandbox.evidence.encoding import from_base64, from_decimal, to_base64
from sandbox.evidence.note import MAX_NOTE_BYTES, NoteVerifier

#: Bytes of a request: the largest note, and 64 lines before it.
MAX_REQUEST = MAX_NOTE_BYTES + 64 * 46
#: Pairs of contradicting checkpoints that are kept of one log: one is proof enough, and a log must not fill the disk.
MOST_CONTRADICTIONS = 100
#: Seconds for which a request waits for another one's transaction.
WAIT = 10.0
TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"
_EMPTY_ROOT = sha256(b"").digest()
_SCHEMA = """
CREATE TABLE witness (name TEXT NOT NULL, key TEXT NOT NULL, seed BLOB);
CREATE TABLE log_keys (origin TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (origin, key));
CREATE TABLE heads (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL,
                    checkpoint TEXT NOT NULL);
CREATE TABLE contradictions (origin TEXT NOT NULL, size INTEGER NOT NULL, first TEXT NOT NULL, second TEXT NOT NULL,
                             time INTEGER NOT NULL, UNIQUE (origin, second));
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets: HTTP status, content type and body."""

    status: int
    content_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Followed:
    """A log that the witness follows, and the newest checkpoint that it cosigned (size 0 and no time before any)."""

    origin: str
    keys: tuple[str, ...]
    size: int
    root: bytes
    time: int | None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two checkpoints of one size, signed by the log, with different roots: proof of a split view."""

    origin: str
    size: int
    first: str
    second: str
    time: int


class _Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(answer.text)


def create(path: Path, name: str, seed: bytes | None = None, *, keep_key: bool = True) -> str:
    """Make a witness's file, readable by its owner only; its verifier key. WitnessError where there is a file already.

    `seed` is the 32-byte private key, a new one unless given. With `keep_key=False` it is not written: whoever opens
    the witness hands it in.
    """
    seed = seed or Ed25519PrivateKey.generate().private_bytes_raw()
    cosigner = Cosigner(name, seed)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        raise WitnessError(f"{path} is there already: a witness needs a file of its own") from None
    file = sqlite3.connect(path)
    try:
        with file:
            for statement in _SCHEMA.strip().split(";\n"):
                file.execute(statement)
            kept = seed if keep_key else None
            file.execute("INSERT INTO witness VALUES (?, ?, ?)", (name, cosigner.verifier.vkey, kept))
    finally:
        file.close()
    return cosigner.verifier.vkey


class Witness:
    """An open witness. Thread-safe; several processes may have the same file open.

    `clock` gives seconds since 1970. Where the file holds no key, it cosigns only with the `seed` that is handed in.
    Raises WitnessError.
    """

    def __init__(self, path: Path, clock: Callable[[], float], seed: bytes | None = None) -> None:
        if not path.is_file():
            raise WitnessError(f"no witness at {path}: make one first (baas witness init {path} NAME)")
        self._clock, self._lock = clock, threading.Lock()
        self._file = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
        try:
            self.vkey, self._cosigner = self._opened(path, seed)
        except BaseException:
            self._file.close()
            raise

    def _opened(self, path: Path, seed: bytes | None) -> tuple[str, Cosigner | None]:
        try:
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = FULL")
            name, key, kept = self._file.execute("SELECT name, key, seed FROM witness").fetchone()
        except sqlite3.DatabaseError as error:
            raise WitnessError(f"{path} is no witness's file: {error}") from error
        if not (seed := seed or kept):
            return key, None
        cosigner = Cosigner(name, seed)
        if cosigner.verifier.vkey != key:
            raise WitnessError(f"the private key handed in is not that of {key}")
        return key, cosigner

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._file.close()

    @property
    def name(self) -> str:
        return self.vkey.partition("+")[0]

    @property
    def signs(self) -> bool:
        """Whether it has its private key; without, it can only be looked at and told which logs to follow."""
        return self._cosigner is not None

    # -- which logs --------------------------------------------------------------------------------

    def follow(self, origin: str, key: str) -> None:
        """Cosign for the log `origin` from now on, when `key` (a vkey) signed. Once more changes nothing.

        A log may have several keys. What was cosigned of it before counts for ever: MalformedEvidence for a bad key.
        """
        Checkpoint(origin, 0, _EMPTY_ROOT)  # an origin is one line
        key = NoteVerifier.from_vkey(key).vkey
        with self._transaction() as file:
            file.execute("INSERT OR IGNORE INTO log_keys VALUES (?, ?)", (origin, key))

    def unfollow(self, origin: str) -> bool:
        """Cosign no more for that log; whether it was followed. Its newest checkpoint stays known."""
        with self._transaction() as file:
            return file.execute("DELETE FROM log_keys WHERE origin = ?", (origin,)).rowcount > 0

    def followed(self) -> list[Followed]:
        keys: dict[str, list[str]] = {}
        with self._lock:
            for origin, key in self._file.execute("SELECT origin, key FROM log_keys ORDER BY origin, key"):
                keys.setdefault(origin, []).append(key)
            heads = {
                row[0]: row[1:] for row in self._file.execute("SELECT origin, size, root, time FROM heads")
            }
        return [
            Followed(origin, tuple(found), *heads.get(origin, (0, _EMPTY_ROOT, None)))
            for origin, found in keys.items()
        ]

    def contradictions(self) -> list[Contradiction]:
        """Every split view that a log showed to this witness."""
        with self._lock:
            rows = self._file.execute(
                "SELECT origin, size, first, second, time FROM contradictions ORDER BY rowid"
            )
            return [Contradiction(*row) for row in rows]

    # -- the protocol ------------------------------------------------------------------------------

    def add_checkpoint(self, body: bytes) -> Answer:
        """The answer to one request. It never raises for what the request holds; WitnessError without the key."""
        if self._cosigner is None:
            raise WitnessError(f"the file of {self.vkey} holds no private key: hand it in")
        try:
            old_size, proof, note = _parsed(body)
            origin = parse_unverified(note).origin
        except (MalformedEvidence, ValueError) as error:
            return Answer(400, TEXT, f"{error}\n")
        try:
            checkpoint = self._signed(origin, note)
            if old_size > checkpoint.size:
                return Answer(
                    400, TEXT, f"the old size {old_size} is above the checkpoint's, {checkpoint.size}\n"
                )
            time = self._keep(old_size, proof, checkpoint, note)
        except _Refused as refused:
            return refused.answer
        except (
            sqlite3.OperationalError
        ) as error:  # another process holds the file; anything else would be a defect
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            return Answer(503, TEXT, "another request takes too long: ask again\n")
        return Answer(200, TEXT, self._cosigner.cosign(checkpoint.to_text(), time).line)

    def _signed(self, origin: str, note: str) -> Checkpoint:
        """The checkpoint, signed by a key that is followed for its origin."""
        with self._lock:
            rows = self._file.execute("SELECT key FROM log_keys WHERE origin = ?", (origin,)).fetchall()
        if not rows:
            raise _Refused(Answer(404, TEXT, "this witness does not follow a log of that origin\n"))
        try:
            return open_checkpoint(note, [NoteVerifier.from_vkey(key) for (key,) in rows]).checkpoint
        except VerificationError as error:
            raise _Refused(Answer(403, TEXT, f"{error}\n")) from error

    def _keep(self, old_size: int, proof: Sequence[bytes], checkpoint: Checkpoint, note: str) -> int:
        """Check against what was cosigned last and make this the last, as one; the time to state."""
        with self._transaction() as file:
            size, root, last, before = file.execute(
                "SELECT size, root, time, checkpoint FROM heads WHERE origin = ?", (checkpoint.origin,)
            ).fetchone() or (0, _EMPTY_ROOT, 0, "")
            conflict = Answer(409, SIZE, f"{size}\n")
            if old_size != size:
                raise _Refused(conflict)
            contradicts = size == checkpoint.size > 0 and root != checkpoint.root
            if not contradicts:
                try:
                    _require_growth(size, root, proof, checkpoint)
                except VerificationError as error:
                    raise _Refused(Answer(422, TEXT, f"{error}\n")) from error
            time = int(self._clock())
            if time < last:
                text = f"this witness's clock went back: it says {time}, and it said {last} before\n"
                raise _Refused(Answer(503, TEXT, text))
            if contradicts:
                self._note_contradiction(checkpoint, before, note, time)
            else:
                file.execute(
                    "INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?)",
                    (checkpoint.origin, checkpoint.size, checkpoint.root, time, note),
                )
        if contradicts:  # outside: what was noted stays
            raise _Refused(conflict)
        return time

    def _note_contradiction(self, checkpoint: Checkpoint, first: str, second: str, time: int) -> None:
        self._file.execute(
            "INSERT OR IGNORE INTO contradictions SELECT ?, ?, ?, ?, ? "
            "WHERE (SELECT count(*) FROM contradictions WHERE origin = ?) < ?",
            (checkpoint.origin, checkpoint.size, first, second, time, checkpoint.origin, MOST_CONTRADICTIONS),
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block on disk when it ends, or nothing of it; no other process writes meanwhile."""
        with self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield self._file
                self._file.execute("COMMIT")
            except BaseException:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                raise


def request(old_size: int, proof: Sequence[bytes], checkpoint: str) -> bytes:
    """The body of an `add-checkpoint` request."""
    lines = [f"old {old_size}", *map(to_base64, proof)]
    return ("\n".join(lines) + "\n\n" + checkpoint).encode()


def _parsed(body: bytes) -> tuple[int, list[bytes], str]:
    """Old size, proof and checkpoint of a request. MalformedEvidence or ValueError (not UTF-8)."""
    if len(body) > MAX_REQUEST:
        raise MalformedEvidence(f"a request has at most {MAX_REQUEST} bytes, got {len(body)}")
    head, blank, note = body.decode().partition("\n\n")
    first, *lines = head.split("\n")
    if not blank or not first.startswith("old "):
        raise MalformedEvidence(
            "a request is 'old SIZE', the lines of a proof, a blank line and a checkpoint"
        )
    if len(lines) > merkle.MAX_PROOF_LENGTH:
        raise MalformedEvidence(f"a proof has at most {merkle.MAX_PROOF_LENGTH} lines, got {len(lines)}")
    proof = [from_base64(each, "proof line", length=merkle.HASH_SIZE) for each in lines]
    return from_decimal(first.removeprefix("old "), "old size"), proof, note


def _require_growth(size: int, root: bytes, proof: Sequence[bytes], new: Checkpoint) -> None:
    """VerificationError unless `new` extends the log at `size` with `root`.

    From size 0 there is nothing to extend: the proof must be empty, and the empty log has one root only. RFC 9162's
    verification, and ours, refuses a size of 0.
    """
    if size:
        merkle.verify_consistency(size, new.size, proof, root, new.root)
        return
    if proof:
        raise VerificationError(f"from size 0 the proof is empty, got {len(proof)} hashes")
    if new.size == 0 and new.root != _EMPTY_ROOT:
        raise VerificationError(f"the root of an empty log is {_EMPTY_ROOT.hex()}, got {new.root.hex()}")
