"""A zip whose every byte is fixed by its members: what was changed anywhere is not one.

Members are stored, in order, with one date and one mode and nothing else, so that reading can make the archive
again from the members and compare. Memory is bounded: one piece of a member at a time.
"""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sandbox.errors import TransferRefused

PIECE = 1 << 20
#: Zip without its 64-bit extension.
MAX_BYTES = (1 << 32) - 1
_DATE = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"[a-z][a-z0-9-]*(?:/[a-z0-9][a-z0-9-]*)?(?:\.[a-z]+)+\Z")


class _Sink:
    """What zipfile writes to: gives away what came since the last time."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def pack(members: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    """The archive of these files, in pieces."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]  # it needs no more
        for name, path in members:
            member = zipfile.ZipInfo(name, _DATE)
            member.create_system, member.external_attr = 3, (stat.S_IFREG | 0o600) << 16
            member.file_size = path.stat().st_size
            with archive.open(member, "w") as out, path.open("rb") as source:
                while piece := source.read(PIECE):
                    out.write(piece)
                    yield sink.take()
    yield sink.take()


class Archive:
    """An archive that was read as far as its list of members: names that are ours, each once, none too large."""

    def __init__(self, path: Path, *, most_bytes: int, most_members: int) -> None:
        self._path = path
        if path.stat().st_size > min(most_bytes, MAX_BYTES):
            raise TransferRefused(
                "archive", f"it has {path.stat().st_size} bytes; at most {most_bytes} are taken here"
            )
        _require_few(path, most_members)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeError) as error:
            raise TransferRefused("archive", f"it is not a zip that can be read: {error}") from error
        members = self._zip.infolist()
        if len(members) > most_members:
            raise TransferRefused(
                "archive", f"it has {len(members)} members; at most {most_members} are expected"
            )
        seen: set[str] = set()
        for member in members:
            name = member.filename
            if name in seen:
                raise TransferRefused(name[:80], "it is there twice")
            seen.add(name)
            if not _NAME.match(name):
                raise TransferRefused(name[:80], "no member of an exported chain has such a name")
            if stat.S_ISLNK(member.external_attr >> 16) or member.is_dir():
                raise TransferRefused(name, "it is not a plain file")
            if member.flag_bits & 0x41:
                raise TransferRefused(name, "it is encrypted")
            if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                raise TransferRefused(name, "it is compressed by the zip; expected it stored")
        self.members: Sequence[zipfile.ZipInfo] = members

    def extract(self, member: zipfile.ZipInfo, to: Path, most_bytes: int) -> str:
        """Write a member's bytes to a new file; their SHA-256 in hex."""
        if member.file_size > most_bytes:
            raise TransferRefused(
                member.filename, f"it has {member.file_size} bytes; expected at most {most_bytes}"
            )
        digest = hashlib.sha256()
        try:
            with self._zip.open(member) as source, to.open("xb") as out:
                while piece := source.read(PIECE):
                    digest.update(piece)
                    out.write(piece)
        except (
            zipfile.BadZipFile,
            OSError,
            EOFError,
            ValueError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise TransferRefused(member.filename, f"it cannot be read: {error}") from error
        return digest.hexdigest()

    def require_same(self, members: Iterable[tuple[str, Path]]) -> None:
        """Refuse an archive that has a byte more or other than these members give."""
        expected, size = hashlib.sha256(), 0
        for piece in pack(members):
            expected.update(piece)
            size += len(piece)
        if size != self._path.stat().st_size or file_digest(self._path) != expected.hexdigest():
            raise TransferRefused("archive", "its structure around the members was changed")

    def close(self) -> None:
        self._zip.close()


#: The end of a zip without a comment (APPNOTE 4.3.16), what may be before it, and the most that one member's place in
#: the list may take: names are ours, and short.
_END, _LOCATOR, _MAX_ENTRY = 22, 20, 46 + 1_024


def _require_few(path: Path, most: int) -> None:
    """By the zip's last bytes, before its list of members is read into memory: that can have millions."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END - _LOCATOR))
        tail = file.read()
    end, before = tail[-_END:], tail[:-_END]
    if len(end) < _END or not end.startswith(b"PK\x05\x06") or end[20:] != b"\0\0":
        raise TransferRefused("archive", "it does not end as a zip without a comment does")
    if before.startswith(b"PK\x06\x07"):
        raise TransferRefused("archive", "it is a zip with the 64-bit extension; expected one without")
    count, size = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if count > most or size > most * _MAX_ENTRY:
        raise TransferRefused(
            "archive", f"its list has {count} members in {size} bytes; at most {most} are expected"
        )


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
