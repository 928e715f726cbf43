"""Exported chains: a zip that runs on another machine, and of which not one byte can be changed unnoticed.

    manifest.note       the manifest, signed with the chain's sealing key (a C2SP signed note)
    chain.sqlite.gz     the chain's file, without keys and without what waited

The manifest (canonical JSON) names the spec, genesis hash, head, engine and its version, exporter, time, the sealing
key, and of every member its size and SHA-256. No private key is in it: an imported chain seals with a key of its own
and has no accounts, unless members `keys/<label>.json` carry them, each a keystore v3 under a person's password.
The signature is by the key that the manifest names: it says that nothing was changed since. Whose key that is,
the one who imports knows by another way: `expected_key`.
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.account_records import AccountRecord, AccountRecords, AccountState
from sandbox.accounts import account_of
from sandbox.archive import PIECE, Archive, file_digest, pack
from sandbox.chain_file import DATABASE, ChainFile, draft
from sandbox.chain_tables import EXPORTED, strip
from sandbox.clock_records import ClockRecords
from sandbox.cloning import Origin, clone, declare_records
from sandbox.engines import Checking, Head, engine
from sandbox.errors import EngineError, MalformedEvidence, SandboxError, TransferRefused
from sandbox.evidence.canonical import Json, dumps, loads
from sandbox.evidence.note import NoteSigner, NoteVerifier, open_note, sign, split
from sandbox.journal import SEALING_KEY, ChainRow, key_name
from sandbox.keystore import VAULT_FILE, Vault, directory_vault, import_keystore
from sandbox.operations import OperationRecords
from sandbox.permission_records import PermissionRecords
from sandbox.spec import ChainSpec

FIRST_LINE = "baas-sandbox/chain-export/v1"
NOTE, FILE = "manifest.note", f"{DATABASE}.gz"
#: Bytes of an archive, and of the file in it, that are taken.
MAX_ARCHIVE, MAX_UNPACKED = 1 << 30, 4 << 30
_MAX_NOTE = 1 << 20
_MAX_EXTRA = 64 << 10
#: Accounts' keys that an archive carries.
MOST_KEYS = 256
#: How an unfinished export's directory begins; what a crash leaves is removed when the chain is opened.
EXPORTING = ".export-"


@dataclass(frozen=True, slots=True)
class Imported:
    """What was imported. `exporter_key` is the key that signed; `extra` the other members, by name."""

    spec: ChainSpec
    genesis_hash: bytes
    head: Head
    exporter: str
    exporter_key: str
    extra: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Exporting:
    """What an export says about the chain: `time_ms` is real time."""

    row: ChainRow
    sealing_key: bytes = field(repr=False)
    head: Head
    exporter: str
    time_ms: int


def write_copy(directory: Path) -> Path:
    """A copy of a chain's file without anything that stays, in a new directory below; nothing is sealed meanwhile."""
    made = Path(tempfile.mkdtemp(prefix=EXPORTING, dir=directory))
    copy = made / DATABASE
    with closing(sqlite3.connect(directory / DATABASE, timeout=30)) as source:
        source.execute("VACUUM INTO ?", (str(copy),))
    return copy


def export(copy: Path, says: Exporting, extra: Mapping[str, bytes] | None = None) -> Iterator[bytes]:
    """The archive of a copy that `write_copy` made, in pieces; its directory is removed at the end."""
    made = copy.parent
    try:
        with closing(sqlite3.connect(copy, isolation_level=None)) as database:
            strip(database)
        packed = made / FILE
        with (
            copy.open("rb") as source,
            packed.open("wb") as raw,
            gzip.GzipFile("", "wb", 6, raw, mtime=0) as out,
        ):
            shutil.copyfileobj(source, out, PIECE)
        members = [_member(FILE, packed, copy)]
        files = [(FILE, packed)]
        for number, (name, data) in enumerate(sorted((extra or {}).items())):
            path = made / f"extra-{number}"
            path.write_bytes(data)
            members.append(_member(name, path, path))
            files.append((name, path))
        copy.unlink()
        note = made / NOTE
        note.write_text(_signed(says, members), encoding="utf-8")
        yield from pack([(NOTE, note), *files])
    finally:
        shutil.rmtree(made, ignore_errors=True)


def import_chain(
    archive: Path,
    directory: Path,
    *,
    origin: str,
    actor: str = "",
    now_ms: int,
    may_have: Callable[[ChainSpec], None] = lambda _spec: None,
    as_clone: int | None = None,
    expected_key: str | None = None,
    keystore: Vault | None = None,
    password: str | None = None,
    most_bytes: int = MAX_ARCHIVE,
    most_unpacked: int = MAX_UNPACKED,
) -> Imported:
    """Check an exported chain to the last byte and make it in a directory that is absent or empty.

    TransferRefused with the member that does not hold; on any failure nothing is left. `may_have` raises where
    this chain is not wanted. `keystore` keeps its keys (None: a file of its own); with `password` the accounts whose
    keys are in the archive come with it. `as_clone` is a chain id: the chain is then a clone of the exported one's head.
    """
    with (
        closing(Archive(archive, most_bytes=most_bytes, most_members=MOST_KEYS + 2)) as opened,
        draft(directory) as made,
    ):
        with tempfile.TemporaryDirectory(prefix=EXPORTING, dir=made.parent) as text:
            work = Path(text)
            manifest, vkey = _manifest(opened, work, expected_key)
            spec, head, genesis_hash, exporter = _said(manifest)
            may_have(spec)
            source = made if as_clone is None else work / "chain"
            source.mkdir(mode=0o700, exist_ok=True)
            extra = _unpack(opened, manifest, work, source, most_unpacked)
            state_root = _require_whole(source, spec, head, genesis_hash)
            declared = {"exporter": exporter, "exporter_key": vkey, "from": origin}
            if as_clone is not None:
                genesis_hash, spec = _clone_of(
                    source, spec, head, state_root, made, as_clone, origin, actor, now_ms, keystore
                )
                head = Head(0, genesis_hash, spec.genesis_time)
        with closing(ChainFile(made)) as file:
            declare_records(file)
            _require_permissions(file)
            operations = OperationRecords(file)
            vault = keystore
            if vault is None:
                vault = directory_vault(made, make=not (made / VAULT_FILE).exists())
            sealing_key = secrets.token_bytes(32)
            row = ChainRow(spec, genesis_hash, origin, vault.wrap(sealing_key, SEALING_KEY))
            accounts = AccountRecords(file)
            brought = [] if password is None else _accounts(extra, password, vault, now_ms)
            NoteSigner(key_name(row), sealing_key)  # a name that no note can carry is refused here
            with file.transaction() as db:
                if as_clone is None:
                    db.execute("UPDATE chain SET origin = ?, sealing_key = ?", (origin, row.sealing_key))
                for account in brought:
                    accounts.add(account)
                operations.add(now_ms, actor, "import", archive=file_digest(archive), **declared)
    return Imported(spec, genesis_hash, head, declared["exporter"], vkey, extra)


# the manifest


def _member(name: str, path: Path, unpacked: Path) -> dict[str, Json]:
    return {
        "name": name,
        "bytes": path.stat().st_size,
        "sha256": file_digest(path),
        "unpacked_bytes": unpacked.stat().st_size,
        "unpacked_sha256": file_digest(unpacked),
    }


def _signed(says: Exporting, members: list[dict[str, Json]]) -> str:
    row, head = says.row, says.head
    signer = NoteSigner(key_name(row), says.sealing_key)
    software = engine(row.spec.engine)
    manifest: dict[str, Json] = {
        "v": 1,
        "type": "baas-chain-export",
        "spec": row.spec.to_json(),
        "genesis_hash": f"0x{row.genesis_hash.hex()}",
        "head": {"number": head.number, "hash": f"0x{head.hash.hex()}", "timestamp": head.timestamp},
        "engine": {"slug": software.slug, "version": str(getattr(software, "version", ""))},
        "exporter": says.exporter,
        "time_ms": says.time_ms,
        "sealing_key": signer.verifier.vkey,
        "members": list(members),
    }
    return sign(f"{FIRST_LINE}\n{dumps(manifest).decode()}\n", [signer])


def _manifest(opened: Archive, work: Path, expected_key: str | None) -> tuple[dict[str, Any], str]:
    """The manifest whose signature holds, and the key that made it."""
    if not opened.members or opened.members[0].filename != NOTE:
        raise TransferRefused("archive", f"expected {NOTE} as its first member")
    opened.extract(opened.members[0], work / NOTE, _MAX_NOTE)
    try:
        text = (work / NOTE).read_text(encoding="utf-8")
        manifest, vkey = _stated(split(text)[0])
        open_note(text, [NoteVerifier.from_vkey(vkey)])
    except (SandboxError, ValueError) as error:
        raise TransferRefused(NOTE, str(error)) from error
    if expected_key is not None and vkey != expected_key:
        raise TransferRefused(NOTE, f"it is signed by {vkey}, and {expected_key} was expected")
    return manifest, vkey


def _stated(text: str) -> tuple[dict[str, Any], str]:
    """What a note's text says, and the key that it names; MalformedEvidence for another text."""
    first, _, body = text.partition("\n")
    manifest = loads(body.removesuffix("\n").encode(), "manifest") if first == FIRST_LINE else None
    if not isinstance(manifest, dict) or (manifest.get("type"), manifest.get("v")) != (
        "baas-chain-export",
        1,
    ):
        raise MalformedEvidence("expected the manifest of an exported chain, version 1")
    return manifest, str(manifest.get("sealing_key"))


def _said(manifest: dict[str, Any]) -> tuple[ChainSpec, Head, bytes, str]:
    """The chain's spec, its head, block zero's hash, and who exported it."""
    try:
        spec, head = ChainSpec.from_json(manifest["spec"]), manifest["head"]
        newest = Head(int(head["number"]), bytes.fromhex(head["hash"][2:]), int(head["timestamp"]))
        return spec, newest, bytes.fromhex(manifest["genesis_hash"][2:]), str(manifest["exporter"])
    except (SandboxError, KeyError, TypeError, ValueError) as error:
        raise TransferRefused(NOTE, f"what it says of the chain cannot be read: {error!r}") from error


# the members


def _unpack(
    opened: Archive, manifest: dict[str, Any], work: Path, to: Path, most_unpacked: int
) -> dict[str, bytes]:
    """The chain's file into `to`, and the other members' bytes; each as the manifest has it, and nothing else."""
    stated = manifest.get("members")
    names = [member.filename for member in opened.members[1:]]
    if (
        not isinstance(stated, list)
        or not all(isinstance(each, dict) for each in stated)
        or [each.get("name") for each in stated] != names
        or names[:1] != [FILE]
    ):
        raise TransferRefused("archive", "its members are not those that the manifest names")
    files = [(NOTE, work / NOTE)]
    extra: dict[str, bytes] = {}
    for number, (member, says) in enumerate(zip(opened.members[1:], stated, strict=True)):
        path = work / f"member-{number}"
        digest = opened.extract(member, path, opened_limit(number))
        if (digest, path.stat().st_size) != (says.get("sha256"), says.get("bytes")):
            raise TransferRefused(member.filename, "its bytes are not those that the manifest names")
        files.append((member.filename, path))
        if number:
            extra[member.filename] = path.read_bytes()
    opened.require_same(files)
    _gunzip(files[1][1], to / DATABASE, stated[0], most_unpacked)
    return extra


def opened_limit(number: int) -> int:
    """Bytes that a member may have: the chain's file comes first."""
    return _MAX_EXTRA if number else MAX_ARCHIVE


def _gunzip(path: Path, to: Path, says: dict[str, Any], most: int) -> None:
    stated = says.get("unpacked_bytes")
    if not isinstance(stated, int):
        raise TransferRefused(FILE, "the manifest does not say how many bytes it unpacks to")
    limit, digest, size = min(most, stated), hashlib.sha256(), 0
    try:
        with gzip.open(path, "rb") as source, to.open("xb") as out:
            to.chmod(0o600)
            while piece := source.read(PIECE):
                size += len(piece)
                if size > limit:
                    raise TransferRefused(FILE, f"it unpacks to more than {limit} bytes")
                digest.update(piece)
                out.write(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise TransferRefused(FILE, f"it cannot be unpacked: {error}") from error
    if (digest.hexdigest(), size) != (says.get("unpacked_sha256"), says.get("unpacked_bytes")):
        raise TransferRefused(FILE, "it unpacks to something else than the manifest names")


# the chain in it


def _require_whole(directory: Path, spec: ChainSpec, head: Head, genesis_hash: bytes) -> bytes:
    """The head's state root. The file is SQLite's and ours, and the engine finds a chain in it that links."""
    software = engine(spec.engine)
    if not isinstance(software, Checking):
        raise TransferRefused(NOTE, f"chains of the engine {spec.engine!r} are not imported")
    try:
        with closing(sqlite3.connect(directory / DATABASE)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            (state,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            found = set(database.execute(_DECLARED))
            if strange := found - _our_schema(software, spec):
                raise TransferRefused(
                    FILE, f"it declares what no exported chain of this version has: {sorted(strange)[0][1]}"
                )
            _require_types(database)
            rows = database.execute("SELECT spec, genesis_hash, length(sealing_key) FROM chain").fetchall()
    except sqlite3.DatabaseError as error:
        raise TransferRefused(FILE, f"it is no database of a chain: {error}") from error
    if state != "ok":
        raise TransferRefused(FILE, f"the database is damaged: {state}")
    if rows != [(spec.to_json(), genesis_hash, 0)]:
        raise TransferRefused(FILE, "the chain that it describes is not the manifest's")
    try:
        return software.check(directory, spec, head)
    except EngineError as error:
        reason = str(error).partition("\nlast messages:")[0]  # what the engine printed is for the log
        raise TransferRefused(FILE, reason) from error


_DECLARED = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
)


def _require_types(database: sqlite3.Connection) -> None:
    """Every value is of its column's type: SQLite itself keeps text in a column of integers."""
    for table in sorted(EXPORTED):
        for _, column, kind, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
            query = f'SELECT 1 FROM "{table}" WHERE typeof("{column}") NOT IN (?, \'null\') LIMIT 1'  # noqa: S608 - ours
            if database.execute(query, (kind.lower(),)).fetchone():
                raise TransferRefused(FILE, f"a value in {table} is no {kind.lower()}: {column}")


def _require_permissions(file: ChainFile) -> None:
    """They can be read: a chain whose permissions cannot does not open."""
    try:
        PermissionRecords(file).current()
    except (SandboxError, ValueError) as error:
        raise TransferRefused(FILE, f"a permission in it is none: {error}") from error


def _our_schema(software: Any, spec: ChainSpec) -> set[tuple[str, str, str, str]]:
    """What an exported chain's file declares: an import brings no table, trigger or view of its own, nor one that stays."""
    with tempfile.TemporaryDirectory(prefix="schema-") as text:
        software.create(Path(text), ChainSpec(spec.chain_id, spec.genesis_time, engine=spec.engine))
        with closing(ChainFile(Path(text))) as file:
            declare_records(file)
            return {each for each in file.read(_DECLARED) if each[2] in EXPORTED}


def _accounts(extra: Mapping[str, bytes], password: str, vault: Vault, now_ms: int) -> list[AccountRecord]:
    """The accounts whose keys are in the archive, under this vault. TransferRefused names the one that is not opened."""
    found = []
    for name, data in extra.items():
        try:
            label = name.removeprefix("keys/").removesuffix(".json")
            account = account_of(label, import_keystore(data.decode(), password))
        except (SandboxError, UnicodeError) as error:
            raise TransferRefused(name, str(error)) from error
        kept = vault.encrypt(account.private_key)
        found.append(AccountRecord(label, account.address, kept, AccountState.CURRENT, now_ms))
    return found


def _clone_of(
    source: Path,
    spec: ChainSpec,
    head: Head,
    state_root: bytes,
    made: Path,
    chain_id: int,
    origin: str,
    actor: str,
    now_ms: int,
    keystore: Vault | None,
) -> tuple[bytes, ChainSpec]:
    with closing(ChainFile(source)) as file:
        declare_records(file)
        clock = ClockRecords(file).clock()
    begins = Origin(head.number, head.hash, head.timestamp, state_root, clock)
    made.rmdir()
    row = clone(
        source,
        spec,
        begins,
        made,
        chain_id,
        origin=origin,
        actor=actor,
        now_ms=now_ms,
        from_vault=None,
        keystore=keystore,
    )
    return row.genesis_hash, row.spec


def sweep(directory: Path) -> None:
    """Remove what an export that was cut short left in a chain's directory."""
    for left in directory.glob(f"{EXPORTING}*"):
        shutil.rmtree(left, ignore_errors=True)
