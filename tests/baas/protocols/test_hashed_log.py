"""A log's file as its holder judges it: what holds, and named files that do not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from baas.clock import SystemClock
from baas.protocols.hashed_log import (
    NOTHING_BEFORE,
    Entry,
    Header,
    Held,
    PeriodFile,
    Record,
    build,
    contradiction,
    verify,
)
from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence.digest import Digest
from tests.baas.trust_service.stands import OTHER, TOWN, Authority

KEY, OTHER_KEY = bytes(range(32)), bytes(32)
OPENS = datetime(2026, 3, 1, tzinfo=UTC)
NIGHT_MS = 86_400_000


def header(number: int = 1, previous: bytes = NOTHING_BEFORE) -> Header:
    opens = OPENS + timedelta(days=number - 1)
    return Header(TOWN, NIGHT_MS, number, opens, opens + timedelta(days=1), previous)


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def entries(count: int = 5, first: int = 1, opens: datetime = OPENS) -> list[Entry]:
    return [
        Entry(first + each, opens + timedelta(seconds=each), TOWN, digest(first + each))
        for each in range(count)
    ]


FILE = build(KEY, header(), entries())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    made = Authority(tmp_path_factory.mktemp("tsa") / "tsa", SystemClock())
    yield made
    made.close()


@pytest.fixture(scope="module")
def roots(authority: Authority) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(authority.root_pem)


def stamped(file: PeriodFile, authority: Authority, position: int = 3) -> bytes:
    return Held(file, authority.stamp(Digest("sha-256", file.sha256)), position).encode()


def test_evidence_of_each_record_holds_without_the_key(
    authority: Authority, roots: list[x509.Certificate]
) -> None:
    for position in range(1, 6):
        held, stamp = verify(stamped(FILE, authority, position), digest(position), roots)
        assert (held.file, held.position) == (FILE, position)
        assert stamp.imprint.value == hashlib.sha256(FILE.content).digest()
    FILE.check_macs(KEY)


def test_a_file_is_lines_that_the_standard_tools_read() -> None:
    """Chain and key with nothing of ours: split, sha256, hmac."""
    import hmac

    first, *lines = FILE.content.decode().splitlines(keepends=True)
    before = first
    for line in lines:
        previous, mac, rest = line.rstrip("\n").split(" ", 2)
        assert previous == hashlib.sha256(before.encode()).hexdigest()
        assert mac == hmac.new(KEY, f"{previous} {rest}".encode(), "sha256").hexdigest()
        before = line


def _swapped(file: PeriodFile) -> PeriodFile:
    one, two, *rest = file.records
    return replace(file, records=(two, one, *rest))


def _changed(file: PeriodFile, at: int, **fields: object) -> PeriodFile:
    records = list(file.records)
    records[at] = replace(records[at], entry=replace(records[at].entry, **fields))  # type: ignore[arg-type]
    return replace(file, records=tuple(records))


BROKEN: dict[str, tuple[Callable[[], PeriodFile], str]] = {
    "record_deleted": (
        lambda: replace(FILE, records=FILE.records[:2] + FILE.records[3:]),
        "record 4 does not follow",
    ),
    "first_record_deleted": (lambda: replace(FILE, records=FILE.records[1:]), "record 2 does not follow"),
    "records_swapped": (lambda: _swapped(FILE), "record 2 does not follow"),
    "digest_changed": (lambda: _changed(FILE, 1, digest=bytes(32)), "record 3 does not follow"),
    "header_of_another_period": (lambda: replace(FILE, header=header(2)), "record 1 does not follow"),
    "position_skipped": (
        lambda: build(KEY, header(), [*entries(2), *entries(1, 7)]),
        "expected record 3, got record 7",
    ),
    "position_repeated": (
        lambda: build(KEY, header(), [*entries(2), *entries(1, 2)]),
        "expected record 3, got record 2",
    ),
    "time_goes_back": (
        lambda: build(KEY, header(), [*entries(2), replace(entries(3)[2], time=OPENS)]),
        "is not between",
    ),
    "time_before_the_period": (
        lambda: build(KEY, header(), [replace(entries(1)[0], time=OPENS - timedelta(seconds=1))]),
        "is not between",
    ),
    "time_after_the_period": (
        lambda: build(KEY, header(), [replace(entries(1)[0], time=OPENS + timedelta(days=1))]),
        "is not between",
    ),
    "another_administration": (
        lambda: build(KEY, header(), [replace(entries(1)[0], administration=OTHER)]),
        "another administration's",
    ),
    "period_of_another_length": (
        lambda: build(KEY, replace(header(), closes=OPENS + timedelta(days=2)), entries()),
        "period is not of",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_chain_that_does_not_hold(name: str, authority: Authority, roots: list[x509.Certificate]) -> None:
    """Each of them is stamped by the real authority: the token alone would not tell."""
    make, reason = BROKEN[name]
    file = make()
    position = file.records[0].entry.position
    with pytest.raises(VerificationError, match=reason):
        verify(stamped(file, authority, position), file.records[0].entry.digest, roots)


def test_what_the_token_does_not_cover(authority: Authority, roots: list[x509.Certificate]) -> None:
    token = authority.stamp(Digest("sha-256", FILE.sha256))
    longer = build(KEY, header(), entries(6))
    shorter = build(KEY, header(), entries(4))
    rewritten = build(KEY, header(), [*entries(4), replace(entries(5)[4], digest=digest(99))])
    for file in (longer, shorter, rewritten):
        with pytest.raises(VerificationError, match="another message"):
            verify(Held(file, token, 3).encode(), digest(3), roots)


def test_evidence_of_another_document_or_position(
    authority: Authority, roots: list[x509.Certificate]
) -> None:
    with pytest.raises(VerificationError, match="another document"):
        verify(stamped(FILE, authority, 3), digest(4), roots)
    with pytest.raises(VerificationError, match="no record 6"):
        verify(stamped(FILE, authority, 6), digest(3), roots)


def test_a_stamp_earlier_than_the_records(authority: Authority, roots: list[x509.Certificate]) -> None:
    """A file made before its period for records still to come: its token is honest and too early."""
    opens = (SystemClock().now() + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    ahead = replace(header(), opens=opens, closes=opens + timedelta(days=1))
    with pytest.raises(VerificationError, match="stamped before its last record"):
        verify(stamped(build(KEY, ahead, entries(opens=opens)), authority), digest(3), roots)


def test_another_authority_is_not_trusted(
    authority: Authority, roots: list[x509.Certificate], tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other", SystemClock())
    with pytest.raises(VerificationError):
        verify(stamped(FILE, other), digest(3), roots)
    other.close()


def test_a_holder_cannot_tell_a_false_key(authority: Authority, roots: list[x509.Certificate]) -> None:
    """The finding for the report: HMACs under any key verify as well for a holder; only the operator sees it."""
    forged = build(OTHER_KEY, header(), entries())
    verify(stamped(forged, authority), digest(3), roots)
    with pytest.raises(VerificationError, match="record 1 is not under the operator's key"):
        forged.check_macs(KEY)


def test_two_holders_find_what_one_cannot() -> None:
    second = build(KEY, header(2, FILE.last_hash), entries(3, 6, OPENS + timedelta(days=1)))
    rewritten = build(KEY, header(), [replace(each, digest=digest(100)) for each in entries()])
    third = build(KEY, header(3, FILE.last_hash), entries(1, 9, OPENS + timedelta(days=2)))
    assert contradiction(FILE, second) is None and contradiction(second, FILE) is None
    assert contradiction(FILE, FILE) is None
    assert contradiction(second, third) == "file 3 does not follow file 2"
    assert contradiction(FILE, rewritten) == "two different files 1"
    assert contradiction(rewritten, second) == "file 2 does not follow file 1"
    again = build(KEY, header(3, second.last_hash), entries(1, 4, OPENS + timedelta(days=2)))
    assert contradiction(FILE, again) == "record 4 is in two files"
    elsewhere = replace(FILE, header=replace(FILE.header, administration=OTHER))
    assert contradiction(FILE, elsewhere) is None


GOOD = json.loads(Held(FILE, b"token", 3).encode())
MALFORMED = {
    "not_json": b"{",
    "not_an_object": b"[]",
    "deep": b"[" * 100_000,
    "another_format": json.dumps(GOOD | {"format": "baas.log.evidence/2"}).encode(),
    "a_name_too_many": json.dumps(GOOD | {"more": 1}).encode(),
    "a_name_twice": json.dumps(GOOD).encode()[:-1] + b', "position": 3}',
    "position_is_true": json.dumps(GOOD | {"position": True}).encode(),
    "file_is_text": json.dumps(GOOD | {"file": "text"}).encode(),
    "line_is_a_number": json.dumps(GOOD | {"file": [1]}).encode(),
    "token_is_not_base64": json.dumps(GOOD | {"token": "*"}).encode(),
    "no_records": json.dumps(GOOD | {"file": GOOD["file"][:1]}).encode(),
    "empty_file": json.dumps(GOOD | {"file": []}).encode(),
    "header_missing": json.dumps(GOOD | {"file": GOOD["file"][1:]}).encode(),
    "line_with_two_lines": json.dumps(
        GOOD | {"file": [GOOD["file"][0], "\n".join(GOOD["file"][1:]) + "\n"]}
    ).encode(),
    "upper_case_hash": json.dumps(GOOD | {"file": [GOOD["file"][0], GOOD["file"][1].upper()]}).encode(),
    "trailing_space": json.dumps(GOOD | {"file": [GOOD["file"][0], GOOD["file"][1] + " "]}).encode(),
    "no_such_day": json.dumps(
        GOOD | {"file": [GOOD["file"][0].replace("2026-03-01", "2026-02-30"), *GOOD["file"][1:]]}
    ).encode(),
    "other_letters": json.dumps(
        GOOD | {"file": [GOOD["file"][0], GOOD["file"][1].replace(TOWN, "Vilà")]}
    ).encode(),
    "huge": b" " * ((16 << 20) + 1),
    "too_many_records": json.dumps(GOOD | {"file": [GOOD["file"][0]] + ["x"] * 20_001}).encode(),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_cannot_be_read(name: str) -> None:
    with pytest.raises(MalformedEvidence):
        Held.decode(MALFORMED[name])


def test_a_line_with_crlf_is_no_line() -> None:
    with pytest.raises(MalformedEvidence):
        PeriodFile.parse(FILE.content.replace(b"\n", b"\r\n"))
    with pytest.raises(MalformedEvidence):
        PeriodFile.parse(FILE.content.removesuffix(b"\n"))


@given(st.binary(max_size=300))
def test_any_bytes_are_evidence_or_malformed(content: bytes) -> None:
    with pytest.raises(EvidenceError):
        Held.decode(content)


@given(st.integers(0, len(FILE.content) - 1), st.integers(0, 7))
def test_a_bit_of_the_file_changed_is_noticed(at: int, bit: int) -> None:
    """By its shape, by its chain, or by its digest, which the token is over."""
    content = bytearray(FILE.content)
    content[at] ^= 1 << bit
    try:
        found = PeriodFile.parse(bytes(content))
        found.check()
    except EvidenceError:
        return
    assert found.sha256 != FILE.sha256


def test_reading_gives_back_the_same_bytes() -> None:
    assert PeriodFile.parse(FILE.content) == FILE
    assert PeriodFile.parse(FILE.content).content == FILE.content
    assert Record.parse(FILE.records[0].line.decode().rstrip("\n")) == FILE.records[0]
