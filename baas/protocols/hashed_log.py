"""A hash-linked, keyed log with one time-stamp a period: its files, as a holder reads and judges them offline.

AOC's VÀLid keeps its own audit this way: each record begins with the SHA-256 of the one before and carries an HMAC under a
secret that only the system has, and every night the file gets a time-stamp. One file is one period of one administration's
log, as lines of text:

    baas.log/1 <administration> <period, ms> <number> <opens> <closes> <SHA-256 of the last record of the file before>
    <SHA-256 of the line before> <HMAC-SHA-256> <position> <time> <administration> <SHA-256 of the document>
    …

A line's hash is over all of its bytes, its end (LF) too. The HMAC is over the rest of its record. The token (RFC 3161) is
over the SHA-256 of the whole file.

**What a holder cannot check: the HMACs.** Only who has the key can, and who has the key can make them for anything. To
everybody else they are noise; what binds the operator is the token, and nothing binds it before the period's end.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from baas.clock import iso, milliseconds
from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import Timestamp, verify_token

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

PATH = "/registre"
"""Where a service has its log, under its own address."""
FORMAT = "baas.log/1"
EVIDENCE_FORMAT = "baas.log.evidence/1"
MEDIA_TYPE = "application/json"
#: What the first file of a log has where the others have the hash of the last record before them.
NOTHING_BEFORE = bytes(32)
#: A file is closed early when it has this many records: what a holder must keep and read stays within megabytes.
MAX_RECORDS = 20_000
MAX_EVIDENCE_BYTES = 16 << 20
#: The periods that a log may have, in milliseconds: a tenth of a second to 31 days. A night is 86 400 000.
PERIODS_MS = (100, 31 * 86_400_000)

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
_HASH = r"[0-9a-f]{64}"
_HEADER = re.compile(
    rf"{re.escape(FORMAT)} ([0-9A-Z]{{1,20}}) ([1-9]\d{{0,11}}) ([1-9]\d{{0,11}}) ({_TIME}) ({_TIME}) ({_HASH})"
)
_RECORD = re.compile(rf"({_HASH}) ({_HASH}) ([1-9]\d{{0,14}}) ({_TIME}) ([0-9A-Z]{{1,20}}) ({_HASH})")


@dataclass(frozen=True, slots=True)
class Header:
    """A file's first line. `number` counts the files of one log from 1; times are aware, whole milliseconds."""

    administration: str
    period_ms: int
    number: int
    opens: datetime
    closes: datetime
    previous: bytes

    @property
    def line(self) -> bytes:
        fields = (FORMAT, self.administration, self.period_ms, self.number, iso(self.opens), iso(self.closes))
        return f"{' '.join(map(str, fields))} {self.previous.hex()}\n".encode("ascii")

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.line).digest()


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded: `position` counts a log's records from 1 and never restarts; `digest` is a SHA-256."""

    position: int
    time: datetime
    administration: str
    digest: bytes

    @property
    def text(self) -> str:
        return f"{self.position} {iso(self.time)} {self.administration} {self.digest.hex()}"


@dataclass(frozen=True, slots=True)
class Record:
    """An entry linked to what stands before it, under the operator's key."""

    previous: bytes
    mac: bytes
    entry: Entry

    @classmethod
    def made(cls, key: bytes, previous: bytes, entry: Entry) -> Record:
        return cls(previous, _mac(key, previous, entry), entry)

    @property
    def line(self) -> bytes:
        return f"{self.previous.hex()} {self.mac.hex()} {self.entry.text}\n".encode("ascii")

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.line).digest()

    @classmethod
    def parse(cls, line: str) -> Record:
        found = _RECORD.fullmatch(line)
        if found is None:
            raise MalformedEvidence(f"expected a record of a log, got {line[:60]!r}")
        previous, mac, position, time, administration, digest = found.groups()
        entry = Entry(int(position), _moment(time), administration, bytes.fromhex(digest))
        return cls(bytes.fromhex(previous), bytes.fromhex(mac), entry)


@dataclass(frozen=True, slots=True)
class PeriodFile:
    """One period of one log, with at least one record. Reading it checks its shape; `check` checks that it holds."""

    header: Header
    records: tuple[Record, ...]

    @classmethod
    def parse(cls, content: bytes) -> PeriodFile:
        """Raises MalformedEvidence for anything that is not exactly a file of this format."""
        try:
            text = content.decode("ascii")
        except UnicodeDecodeError as error:
            raise MalformedEvidence("a log's file is ASCII text") from error
        first, *lines = text.split("\n")
        if not lines or lines.pop() or not lines:
            raise MalformedEvidence("a log's file has a header and records, and each line ends with LF")
        if len(lines) > MAX_RECORDS:
            raise MalformedEvidence(f"a log's file has at most {MAX_RECORDS} records, got {len(lines)}")
        found = _HEADER.fullmatch(first)
        if found is None:
            raise MalformedEvidence(f"expected the header of a log ({FORMAT} …), got {first[:60]!r}")
        administration, period, number, opens, closes, previous = found.groups()
        header = Header(
            administration,
            int(period),
            int(number),
            _moment(opens),
            _moment(closes),
            bytes.fromhex(previous),
        )
        return cls(header, tuple(Record.parse(line) for line in lines))

    @property
    def content(self) -> bytes:
        return self.header.line + b"".join(record.line for record in self.records)

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()

    @property
    def last_hash(self) -> bytes:
        """What the next file begins with."""
        return self.records[-1].hash

    def at(self, position: int) -> Record:
        for record in self.records:
            if record.entry.position == position:
                return record
        raise VerificationError(
            f"the file has no record {position}: it has {self.records[0].entry.position} to "
            f"{self.records[-1].entry.position}"
        )

    def check(self) -> None:
        """The chain from the file's start to its end, without any key. Raises VerificationError, naming the record."""
        header, before, position, time = self.header, self.header.hash, 0, self.header.opens
        if milliseconds(header.closes) - milliseconds(header.opens) != header.period_ms:
            raise VerificationError(f"the file's period is not of {header.period_ms} ms")
        for record in self.records:
            entry = record.entry
            what = f"record {entry.position}"
            if not hmac.compare_digest(record.previous, before):
                raise VerificationError(
                    f"{what} does not follow the line before it: expected {before.hex()}, got "
                    f"{record.previous.hex()}"
                )
            if position and entry.position != position + 1:
                raise VerificationError(f"expected record {position + 1}, got {what}")
            if entry.administration != header.administration:
                raise VerificationError(f"{what} is another administration's: {entry.administration}")
            if not time <= entry.time < header.closes:
                raise VerificationError(
                    f"{what}: its time {iso(entry.time)} is not between {iso(time)} and {iso(header.closes)}"
                )
            before, position, time = record.hash, entry.position, entry.time

    def check_macs(self, key: bytes) -> None:
        """What only the operator can: that each record is under `key`. Raises VerificationError, naming the record."""
        for record in self.records:
            if not hmac.compare_digest(record.mac, _mac(key, record.previous, record.entry)):
                raise VerificationError(f"record {record.entry.position} is not under the operator's key")


def build(key: bytes, header: Header, entries: Iterable[Entry]) -> PeriodFile:
    """The file that whoever has the key can make of any entries, true or not: nothing but a time-stamp tells."""
    before, records = header.hash, []
    for entry in entries:
        records.append(Record.made(key, before, entry))
        before = records[-1].hash
    return PeriodFile(header, tuple(records))


@dataclass(frozen=True, slots=True)
class Held:
    """Evidence as a holder keeps it: the whole file, the token over it, and which record is meant."""

    file: PeriodFile
    token: bytes
    position: int

    def encode(self) -> bytes:
        return encoded(self.file.content, self.token, self.position)

    @classmethod
    def decode(cls, content: bytes) -> Held:
        """Raises MalformedEvidence."""
        if len(content) > MAX_EVIDENCE_BYTES:
            raise MalformedEvidence(
                f"evidence of a log has at most {MAX_EVIDENCE_BYTES} bytes, got {len(content)}"
            )
        try:
            fields = json.loads(content, object_pairs_hook=_unique)
            if not isinstance(fields, dict) or set(fields) != {"format", "file", "token", "position"}:
                raise MalformedEvidence("expected a JSON object with format, file, token and position")
            lines, position = fields["file"], fields["position"]
            if fields["format"] != EVIDENCE_FORMAT:
                raise MalformedEvidence(f"expected the format {EVIDENCE_FORMAT}")
            if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
                raise MalformedEvidence("expected the file as a list of lines")
            if type(position) is not int or not isinstance(fields["token"], str):
                raise MalformedEvidence("expected a number as the position, and the token in base64")
            token = base64.b64decode(fields["token"], validate=True)
            file = "".join(f"{line}\n" for line in lines).encode("ascii")
        except (binascii.Error, UnicodeError, ValueError, RecursionError) as error:
            raise MalformedEvidence(f"this is not evidence of a log: {error}") from error
        return cls(PeriodFile.parse(file), token, position)


def encoded(file: bytes, token: bytes, position: int) -> bytes:
    """Evidence from a file's bytes, which are not read again."""
    fields = {
        "format": EVIDENCE_FORMAT,
        "position": position,
        "token": base64.b64encode(token).decode("ascii"),
        "file": file.decode("ascii").split("\n")[:-1],
    }
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def verify(content: bytes, digest: bytes, roots: Sequence[Certificate]) -> tuple[Held, Timestamp]:
    """The evidence, and what its token states: it holds for this SHA-256 digest. Without the operator, offline.

    Checked: the chain over the whole file, the record, the token over the file under one of `roots`, and that the token
    is not earlier than the records. Not checked, because no holder can: the HMACs. Raises MalformedEvidence or
    VerificationError.
    """
    held = Held.decode(content)
    held.file.check()
    record = held.file.at(held.position)
    if not hmac.compare_digest(record.entry.digest, digest):
        raise VerificationError(
            f"record {held.position} is of another document: expected {digest.hex()}, got "
            f"{record.entry.digest.hex()}"
        )
    stamp = verify_token(held.token, Digest("sha-256", held.file.sha256), roots)
    last = milliseconds(held.file.records[-1].entry.time)
    if stamp.latest_ms < last:
        raise VerificationError(
            f"the file was stamped before its last record was made: {stamp.time_ms} ms, the record {last} ms"
        )
    return held, stamp


def contradiction(one: PeriodFile, other: PeriodFile) -> str | None:
    """Why two files, each of which holds, cannot both be of the same honest log; None if they can.

    Two holders who compare theirs find so an operator that told them different things, or that rewrote what it had
    handed out. A single holder finds nothing.
    """
    if (one.header.administration, one.header.period_ms) != (
        other.header.administration,
        other.header.period_ms,
    ):
        return None
    first, second = sorted((one, other), key=lambda file: file.header.number)
    if first.header.number == second.header.number:
        return None if first.content == second.content else f"two different files {first.header.number}"
    if first.records[-1].entry.position >= second.records[0].entry.position:
        return f"record {second.records[0].entry.position} is in two files"
    if first.header.number + 1 == second.header.number and second.header.previous != first.last_hash:
        return f"file {second.header.number} does not follow file {first.header.number}"
    return None


def _mac(key: bytes, previous: bytes, entry: Entry) -> bytes:
    return hmac.digest(key, f"{previous.hex()} {entry.text}".encode("ascii"), "sha256")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)  # whose shape is known; ten times as fast as strptime
    except ValueError as error:
        raise MalformedEvidence(f"expected a time, got {text!r}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields
