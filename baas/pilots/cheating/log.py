"""The cheating operator of a hash-linked log: it holds the HMAC key, and the authority that stamps each period.

The history is made by the log's own code, in a directory apart, with the operator's own keys and a clock that is set
forward: no night is waited for. With the key every file can be made again from any entries (the HMACs are then right),
and stamped again with the clock turned back to the period's end. What the operator cannot reach is the file, with its
stamp, that somebody kept.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from baas.metrics import OF_A_RECORD, Arm, Attack
from baas.pilots.cheating.exhibits import Exhibit, Look
from baas.pilots.cheating.keys import HandClock, Keys
from baas.protocols.hashed_log import Entry, Held, PeriodFile, build
from baas.trust_service.hashed_log import HashedLog, key_of, period_files
from sandbox.evidence.digest import Digest, digest_bytes
from sandbox.evidence.timestamp import token_of

KEPT: Final = "log_file"
#: Nights of the history; the records are spread over them.
NIGHTS: Final = 3
NIGHT: Final = timedelta(days=1)
ALONE: Final = "each holder alone finds nothing: only two who compare their files notice"
UNTIL_THEN: Final = "before the period's stamp nothing binds the operator"


@dataclass(frozen=True, slots=True)
class History:
    """A log as it really was: its stamped files, and the key under which its operator can make others."""

    key: bytes
    root: bytes
    files: tuple[tuple[PeriodFile, bytes], ...]

    @property
    def places(self) -> list[tuple[int, int]]:
        """File and position of every record, in order."""
        return [(n, r.entry.position) for n, (file, _) in enumerate(self.files) for r in file.records]

    def held(self, file: int, position: int) -> bytes:
        """What the holder of a record kept."""
        return Held(self.files[file][0], self.files[file][1], position).encode()

    def digest(self, file: int, position: int) -> bytes:
        return self.files[file][0].at(position).entry.digest


def made(directory: Path, keys: Keys, administration: str, records: int, now: datetime) -> History:
    """A true history of at least `records` records that ends before `now`, kept by the log's own code in `directory`."""
    clock = HandClock(_Standing(now))
    begins = (now - (NIGHTS + 1) * NIGHT).replace(hour=1, minute=0, second=0, microsecond=0)

    def stamp(digest: Digest) -> bytes:
        return token_of(keys.reply(digest, clock.now()))

    directory.mkdir(mode=0o700)
    clock.set(begins)
    period = int(NIGHT.total_seconds() * 1000)
    with closing(HashedLog.open(directory, clock, stamp)) as log:
        log.start()
        each = -(-records // NIGHTS) + 1
        for night in range(NIGHTS):
            for number in range(each):
                clock.set(begins + night * NIGHT + timedelta(minutes=number))
                log.append(administration, secrets.token_bytes(32), period).result(30)
            clock.set((begins + (night + 1) * NIGHT).replace(hour=0))
            log.settle()
        stamped = tuple(period_files(directory, administration, period))
    return History(key_of(directory), keys.root_pem, stamped)


def exhibits(arm: Arm, keys: Keys, history: History, records: int) -> Iterator[Exhibit]:
    """Every attack on `records` records, and the untouched ones."""
    places = history.places
    step = max(1, len(places) // records)
    for attack in OF_A_RECORD:
        for number, (file, position) in enumerate(places[::step][:records]):
            remark = {Attack.EQUIVOCATE: ALONE, Attack.REWRITE: UNTIL_THEN}.get(attack, "")
            yield Exhibit(arm, attack, number, tuple(_looks(attack, keys, history, file, position)), remark)


def _looks(attack: Attack, keys: Keys, history: History, file: int, position: int) -> Iterator[Look]:
    kept, digest = history.held(file, position), history.digest(file, position)
    if attack is Attack.NONE:
        yield _alone(history, "verifier", KEPT, digest, kept)
        yield _beside(history.root, "holder", KEPT, kept, history.files)
        return
    new = digest_bytes(f"Document fictici: {attack} {position} {secrets.token_hex(8)}".encode()).value
    shown = _forged(history, keys, file, _changes(attack, position, new))
    claim = next((r.entry for r in shown[file][0].records if r.entry.digest == new), None)
    if claim is not None:  # an invented document has evidence that holds by itself
        yield _alone(history, "verifier", "tsa_root", new, Held(*shown[file], claim.position).encode())
    if attack is Attack.EQUIVOCATE:
        other = Held(*shown[file], position).encode()
        yield _beside(history.root, "holder", KEPT, kept, history.files)  # each is shown its own view
        yield _beside(history.root, "holder", KEPT, other, shown)
        yield _beside(history.root, "third_party", "two_log_files", kept, shown)
        return
    yield _beside(history.root, "holder", KEPT, kept, shown)


def _changes(attack: Attack, position: int, new: bytes) -> Callable[[list[Entry]], list[Entry]]:
    """What the attack makes of the entries of the file that holds the record at `position`."""

    def change(entries: list[Entry]) -> list[Entry]:
        at = next(index for index, each in enumerate(entries) if each.position == position)
        this = entries[at]
        match attack:
            case Attack.BACK_DATE:  # as if it had been recorded in that night
                return [*entries, replace(entries[-1], digest=new)]
            case Attack.DELETE:
                return entries[:at] + entries[at + 1 :]
            case Attack.REORDER:
                beside = at + 1 if at + 1 < len(entries) else at - 1
                entries[at], entries[beside] = (
                    replace(this, digest=entries[beside].digest),
                    replace(entries[beside], digest=this.digest),
                )
                return entries
            case _:
                entries[at] = replace(this, digest=new)
                return entries

    return change


def _forged(
    history: History, keys: Keys, file: int, change: Callable[[list[Entry]], list[Entry]]
) -> list[tuple[PeriodFile, bytes]]:
    """The log with one file changed: that one and all after it numbered, linked, keyed and stamped anew."""
    shown = list(history.files[:file])
    position = history.files[file][0].records[0].entry.position
    for number, (true, _) in enumerate(history.files[file:], start=file):
        entries = [record.entry for record in true.records]
        if number == file:
            entries = change(entries)
        entries = [replace(entry, position=position + n) for n, entry in enumerate(entries)]
        position += len(entries)
        before = shown[-1][0].last_hash if shown else true.header.previous
        forged = build(history.key, replace(true.header, previous=before), entries)
        reply = keys.reply(Digest("sha-256", forged.sha256), true.header.closes)
        shown.append((forged, token_of(reply)))
    return shown


def _alone(history: History, by: str, with_file: str, digest: bytes, content: bytes) -> Look:
    return Look(by, with_file, "log_alone", {"root.pem": history.root, "digest": digest, "log.json": content})


def _beside(
    root: bytes, by: str, with_file: str, kept: bytes, shown: Sequence[tuple[PeriodFile, bytes]]
) -> Look:
    files = {
        f"shown-{number}.json": Held(file, token, file.records[0].entry.position).encode()
        for number, (file, token) in enumerate(shown)
    }
    return Look(by, with_file, "log_beside", {"root.pem": root, "log.json": kept, **files})


class _Standing:
    def __init__(self, time: datetime) -> None:
        self._time = time

    def now(self) -> datetime:
        return self._time
