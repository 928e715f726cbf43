"""Clones and exported chains: what they keep, what they refuse, and that not one byte can be changed."""

import io
import os
import shutil
import sqlite3
import zipfile
from contextlib import closing

import pytest

from sandbox.archive import pack
from sandbox.chain import Chain
from sandbox.chain_file import DATABASE
from sandbox.chain_tables import CLONED, EXPORTED, KEPT
from sandbox.errors import ChainError, RpcError, TransferRefused
from sandbox.evidence.note import NoteVerifier
from sandbox.evidence.sealer import open_sealed_block
from sandbox.spec import ChainSpec
from sandbox.transfer import FILE, NOTE, import_chain
from tests import transactions as tx

NOW = 1_800_000_000_000
PASSWORD = "una contrasenya de prova"


def populate(chain):
    clerk = chain.accounts.create("clerk")
    for act in ("send", "deploy"):
        chain.allow(clerk, act)
    made = chain.wait(chain.send("clerk", to=None, data=tx.deploying(tx.RECORDER)))["contractAddress"]
    for number in range(3):
        chain.wait(chain.send("clerk", to=made, data=number.to_bytes(32)))
    return made


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A chain with a past: a contract, a snapshot, an abandoned block, a moved clock. Tests only read it."""
    directory = tmp_path_factory.mktemp("source") / "chain"
    with Chain.create(directory, ChainSpec(4242, 1_700_000_000, seal_after_ms=5)) as chain:
        chain.recorder = populate(chain)
        chain.snapshots.take("kept", "ona")
        chain.wait(chain.send("clerk", to=chain.recorder, data=bytes(32)))
        chain.snapshots.restore("kept", "ona")
        chain.time_travel.move(100, "ona")
        yield chain


@pytest.fixture(scope="module")
def exported(source):
    return b"".join(source.export("aoc.example", "ona"))


@pytest.fixture
def archive(tmp_path, exported):
    path = tmp_path / "chain.zip"
    path.write_bytes(exported)
    return path


def bring(archive, directory, **options):
    return import_chain(archive, directory, origin="other.example", now_ms=NOW, **options)


# clones


def test_a_clone_begins_with_its_parents_state(tmp_path, source):
    source.clone(tmp_path / "clone", 4343, snapshot="kept", actor="ona")
    with Chain.open(tmp_path / "clone") as clone:
        record = source.snapshots.show("kept")
        assert (clone.spec.chain_id, clone.head().number, clone.head().timestamp) == (
            4343,
            0,
            record.timestamp,
        )
        parent = clone.spec.parent
        assert (parent.chain_id, parent.number, parent.hash) == (
            4242,
            record.number,
            f"0x{record.hash.hex()}",
        )
        assert clone.accounts.list() == source.accounts.list()
        assert clone.permissions() == source.permissions()
        clone.snapshots.take("start")
        assert clone.snapshots.show("start").state_digest == record.state_digest
        for slot in range(3):
            read = ("eth_getStorageAt", source.recorder, hex(slot), "latest")
            assert clone.read(*read) == source.read(*read)
        made = clone.wait(clone.send("clerk", to=source.recorder, data=bytes(32)))
        assert made["status"] == "0x1"
        assert clone.operations()[-1].act == "clone"
        assert clone.sealing_key != source.sealing_key
        note = open_sealed_block(clone.sealer_note(1), [NoteVerifier.from_vkey(clone.sealing_key)]).block
        assert note.moved.acts == 1  # the flag is inherited, with the snapshot's own offset
        assert note.moved.offset_ms == record.offset_ms


def test_old_signed_transactions_do_not_replay_on_a_clone(tmp_path, source):
    """At the gateway, and at the engine below it: EIP-155."""
    raw = source.prepare("clerk", to=source.recorder, data=bytes(32))
    source.clone(tmp_path / "clone", 4343)
    with Chain.open(tmp_path / "clone") as clone:
        with pytest.raises(RpcError) as refused:
            clone.submit(raw)
        assert refused.value.data["rule"] == "eip-155"
        head = clone.head()
        sealed = clone._node.seal([raw], head.timestamp + 1, time_limit=10)
        assert (sealed.head, sealed.included) == (head, ())
        assert "wrong chain id" in sealed.dropped[0][1]


def test_a_clone_needs_a_chain_id_of_its_own(tmp_path, source):
    with pytest.raises(ChainError, match="of its own"):
        source.clone(tmp_path / "clone", 4242)
    assert list(tmp_path.iterdir()) == []


def test_every_table_is_said_to_stay_or_to_leave(source):
    tables = {
        name
        for (name,) in source._journal._file.read(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    }
    assert tables <= EXPORTED | KEPT, (
        "say in sandbox/chain_tables.py whether these leave with an exported chain"
    )
    assert not EXPORTED & KEPT
    assert not CLONED & KEPT


# export and import


def test_an_exported_chain_runs_elsewhere(tmp_path, source, archive):
    imported = bring(archive, tmp_path / "here", expected_key=source.sealing_key)
    assert (imported.spec, imported.genesis_hash, imported.head) == (
        source.spec, source.genesis_hash, source.head(),
    )  # fmt: skip
    with Chain.open(tmp_path / "here") as here:
        for number in range(source.head().number + 1):
            for read in (("eth_getBlockByNumber", hex(number), True), ("eth_getBlockReceipts", hex(number))):
                assert here.read(*read) == source.read(*read)
        assert here.read("eth_getLogs", {"fromBlock": "0x0"}) == source.read(
            "eth_getLogs", {"fromBlock": "0x0"}
        )
        assert here.sealer_note(1) == source.sealer_note(1)
        assert here.snapshots.list() == source.snapshots.list()
        assert here.snapshots.verify("kept").holds
        assert here.abandoned() == source.abandoned()
        assert here.time_travel.clock() == source.time_travel.clock()
        assert here.accounts.list() == {}
        assert here.operations()[0].act == "import"
        assert here.sealing_key != source.sealing_key
        here.allow(here.accounts.create("clerk"), "send")
        assert here.wait(here.send("clerk", to=source.recorder, data=bytes(32)))["status"] == "0x1"
        assert here.snapshots.restore("kept").branch == 2


def test_no_key_is_in_it(source, exported):
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        import gzip

        inside = exported + gzip.decompress(archive.read(FILE))
    for secret in (source.accounts.unlocked("clerk").private_key, source._sealing_key()):
        for form in (secret, secret.hex().encode()):
            assert form not in inside
    assert b'"ciphertext"' not in inside


def test_with_a_password_the_accounts_come_along(tmp_path, source):
    path = tmp_path / "keys.zip"
    path.write_bytes(b"".join(source.export("aoc.example", "ona", PASSWORD)))
    with pytest.raises(TransferRefused, match="password is wrong"):
        bring(path, tmp_path / "wrong", password=PASSWORD + "!")
    bring(path, tmp_path / "here", password=PASSWORD)
    with Chain.open(tmp_path / "here") as here:
        assert here.accounts.list() == source.accounts.list()
        assert here.wait(here.send("clerk", to=source.recorder, data=bytes(32)))["status"] == "0x1"
    bring(path, tmp_path / "without")
    with Chain.open(tmp_path / "without") as here:
        assert here.accounts.list() == {}


def test_imported_as_a_clone_it_has_another_id(tmp_path, source, archive):
    imported = bring(archive, tmp_path / "here", as_clone=5555)
    assert (imported.spec.chain_id, imported.spec.parent.chain_id) == (5555, 4242)
    with Chain.open(tmp_path / "here") as here:
        read = ("eth_getCode", source.recorder, "latest")
        assert here.read(*read) == source.read(*read)
        assert {operation.act for operation in here.operations()} == {"clone", "import"}


def refused(data, tmp_path, **options):
    path, to = tmp_path / "changed.zip", tmp_path / "changed"
    path.write_bytes(data)
    with pytest.raises(TransferRefused) as error:
        bring(path, to, **options)
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith((".", "changed"))] == [
        "changed.zip"
    ]
    path.unlink()
    return error.value


def test_every_byte_of_the_manifest_counts(tmp_path, exported):
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        size = archive.getinfo(NOTE).file_size
    start = exported.index(b"baas-sandbox/chain-export/v1")
    for at in range(start, start + size):
        data = bytearray(exported)
        data[at] ^= 1 << (at % 8)
        assert refused(bytes(data), tmp_path).member in (NOTE, "archive"), at


def test_a_changed_byte_anywhere_is_refused(tmp_path, exported):
    """At a stride over the whole archive, and everywhere in the zip's own structure."""
    stride = int(os.environ.get("FLIP_STRIDE", "97"))
    file_at = exported.index(b"\x1f\x8b\x08")
    structure = [*range(60), *range(file_at - 60, file_at + 12), *range(len(exported) - 220, len(exported))]
    members = set()
    for at in sorted({*range(0, len(exported), stride), *structure}):
        data = bytearray(exported)
        data[at] ^= 0x10
        members.add(refused(bytes(data), tmp_path).member)
    assert {NOTE, FILE, "archive"} <= members


def test_appended_prepended_and_cut_archives_are_refused(tmp_path, exported):
    for data in (exported + b"\0", b"\0" + exported, exported[:-1], exported[1:], b"", b"PK", exported * 2):
        assert refused(data, tmp_path).member in ("archive", NOTE, FILE)


def zipped(*members, **options):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", **options) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return sink.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_archives_are_refused(tmp_path, exported):
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        note, file = archive.read(NOTE), archive.read(FILE)
    good = [(NOTE, note), (FILE, file)]
    link = zipfile.ZipInfo(FILE)
    link.external_attr = 0o120777 << 16
    encrypted = bytearray(exported)
    at = encrypted.index(b"PK\x01\x02")
    encrypted[at + 8] |= 1
    for data, member in (
        (zipped(*good, ("../evil.sqlite", b"x")), "../evil.sqlite"),
        (zipped(*good, ("/etc/evil.conf", b"x")), "/etc/evil.conf"),
        (zipped(*good, good[1]), FILE),
        (zipped(good[0], (link, file)), FILE),
        (zipped(*good, compression=zipfile.ZIP_DEFLATED), NOTE),
        (zipped(good[1], good[0]), "archive"),
        (zipped(*good, ("keys/other.json", b"{}")), "archive"),
        (zipped(good[0]), "archive"),
        (zipped(*good), "archive"),  # the same members, and not the same bytes
        (zipped(*(good + [(f"keys/a{n}.json", b"") for n in range(300)])), "archive"),
        (bytes(encrypted), NOTE),
    ):
        assert refused(data, tmp_path).member == member
    assert "at most" in refused(exported, tmp_path, most_bytes=100).reason
    assert "unpacks to more" in refused(exported, tmp_path, most_unpacked=1000).reason
    assert "was expected" in refused(exported, tmp_path, expected_key="another key").reason


def resigned(source, tmp_path, change, restate=lambda manifest: None):
    """An archive whose file was changed by SQL and that is signed again: whoever has a key can make one."""
    import gzip
    import json

    from sandbox import transfer

    work = tmp_path / "work"
    work.mkdir()
    data = b"".join(source.export("aoc.example"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (work / DATABASE).write_bytes(gzip.decompress(archive.read(FILE)))
        manifest = json.loads(archive.read(NOTE).split(b"\n")[1])
    with closing(sqlite3.connect(work / DATABASE, isolation_level=None)) as database:
        change(database)
    with gzip.GzipFile(work / FILE, "wb", mtime=0) as out:
        out.write((work / DATABASE).read_bytes())
    manifest["members"] = [transfer._member(FILE, work / FILE, work / DATABASE)]
    restate(manifest)
    signer = transfer.NoteSigner(f"{source._row.origin}/chains/4242", source._sealing_key())
    text = f"{transfer.FIRST_LINE}\n{transfer.dumps(manifest).decode()}\n"
    (work / NOTE).write_text(transfer.sign(text, [signer]))
    made = b"".join(pack([(NOTE, work / NOTE), (FILE, work / FILE)]))
    shutil.rmtree(work)
    return made


def test_what_waits_or_was_counted_elsewhere_is_no_part_of_an_archive(tmp_path, source):
    """With a row in `pending` a transaction would be sealed that no gateway ever ruled on."""
    for table in sorted(KEPT):
        declared = source._journal._file.read("SELECT sql FROM sqlite_master WHERE name = ?", table)[0][0]
        found = refused(
            resigned(source, tmp_path, lambda database, sql=declared: database.execute(sql)), tmp_path
        )
        assert "declares" in found.reason, table


@pytest.mark.parametrize(
    "changed",
    [
        {"genesis_hash": None},
        {"genesis_hash": "0xzz"},
        {"exporter": None},
        {"head": 7},
        {"spec": 7},
        {"members": [{"name": FILE}]},
    ],
)
def test_a_signed_manifest_says_all_that_it_must(tmp_path, source, changed):
    def change(manifest):
        for name, value in changed.items():
            if value is None:
                del manifest[name]
            else:
                manifest[name] = value

    assert refused(resigned(source, tmp_path, lambda _: None, change), tmp_path).member in (NOTE, FILE)


@pytest.mark.parametrize("value", ["many", [1], None])
def test_a_members_unpacked_size_is_a_number(tmp_path, source, value):
    def change(manifest):
        manifest["members"][0]["unpacked_bytes"] = value

    assert refused(resigned(source, tmp_path, lambda _: None, change), tmp_path).member == FILE


def test_an_archives_list_of_members_is_counted_before_it_is_read(tmp_path, monkeypatch):
    """A quarter of a gigabyte holds millions of names: reading them takes the process's memory."""
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("the list was read"))
    end = (
        b"PK\x05\x06"
        + bytes(4)
        + (5_000).to_bytes(2, "little") * 2
        + (5_000 * 46).to_bytes(4, "little")
        + bytes(6)
    )
    assert "members" in refused(bytes(5_000 * 46) + end, tmp_path).reason
    few = (
        b"PK\x05\x06"
        + bytes(4)
        + (2).to_bytes(2, "little") * 2
        + (5_000_000).to_bytes(4, "little")
        + bytes(6)
    )
    assert "members" in refused(bytes(5_000 * 46) + few, tmp_path).reason
    locator = b"PK\x06\x07" + bytes(16)
    small = b"PK\x05\x06" + bytes(4) + (2).to_bytes(2, "little") * 2 + (92).to_bytes(4, "little") + bytes(6)
    assert "64-bit" in refused(bytes(5_000 * 46) + locator + small, tmp_path).reason


def test_more_accounts_than_an_archive_can_carry_are_not_exported(tmp_path, source, monkeypatch):
    monkeypatch.setattr("sandbox.chain.states.MOST_KEYS", 0)
    with pytest.raises(ChainError, match="keys"):
        source.export("aoc.example", "ona", PASSWORD)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "UPDATE blocks SET header = (SELECT header FROM blocks WHERE number = 1) WHERE number = 2",
            "block 2",
        ),
        ("DELETE FROM blocks WHERE number = 1", "block 1 is missing"),
        ("DELETE FROM transactions WHERE block = 1", "of block 1"),
        ("UPDATE transactions SET receipt = raw WHERE block = 2", "of block 2"),
        (
            "UPDATE kv SET value = x'c0' WHERE key = (SELECT key FROM kv WHERE length(key) = 32 LIMIT 1)",
            "not what",
        ),
        ("DELETE FROM kv WHERE key = 'v1:canonical_head_hash' OR length(key) = 32", "No header"),
        ("INSERT INTO kv VALUES (x'00', x'00')", "not what it should be"),
        ("UPDATE logs SET data = x'00' WHERE block = 3", "of block 3"),
        ("DELETE FROM logs WHERE block = 2", "of block 2"),
        (
            "INSERT INTO logs SELECT 99, log_index, position, transaction_hash, address, topic0, topic1, topic2, topic3, "
            "data FROM logs LIMIT 1",
            "no block",
        ),
        ("UPDATE transactions SET sender = zeroblob(20) WHERE block = 1", "of block 1"),
        ("UPDATE transactions SET gas_used = 1 WHERE block = 1", "of block 1"),
        ("UPDATE blocks SET size = 1 WHERE number = 2", "block 2"),
        ("UPDATE chain SET spec = replace(spec, '4242', '4243')", "not the manifest's"),
        ("CREATE TRIGGER evil AFTER INSERT ON blocks BEGIN DELETE FROM logs; END", "declares"),
        ("CREATE TABLE evil (a)", "declares"),
        ("CREATE VIEW evil AS SELECT 1", "declares"),
        ("UPDATE permissions SET expires = 'soon'", "permission"),
        ("UPDATE permissions SET max_value = 'much'", "permission"),
    ],
)
def test_a_signed_archive_still_has_to_hold(tmp_path, source, statement, reason):
    data = resigned(source, tmp_path, lambda database: database.execute(statement))
    found = refused(data, tmp_path)
    assert found.member == FILE
    import re

    assert re.search(reason, found.reason), found.reason


def test_what_a_cut_export_left_is_removed_at_the_next_opening(tmp_path):
    with Chain.create(tmp_path / "chain", ChainSpec(4242, 1_700_000_000)) as chain:
        pieces = chain.export()
        next(pieces)
        assert list((tmp_path / "chain").glob(".export-*"))
        del pieces  # as a process that ends: nobody closes it
        (tmp_path / "chain" / ".export-cut").mkdir(exist_ok=True)
    with Chain.open(tmp_path / "chain"):
        assert not list((tmp_path / "chain").glob(".export-*"))
