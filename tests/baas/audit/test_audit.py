"""The audit: append-only, hash-linked, in the transaction of the act, without secrets."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from baas.audit import AuditHead, AuditRow, head, verify
from baas.audit.redaction import redact, redact_path
from baas.errors import AuditBroken
from baas.tenancy import SERVICE
from baas.wiring import Services

TOKEN = "baas_" + "Ab3-_" * 8 + "xyz"
COLUMNS = (
    "seq, at, actor_kind, actor_id, token_id, action, object_kind, object_id, administration_id, detail, "
    "previous, hash"
)


def write(services: Services, count: int) -> AuditHead:
    with services.store.session() as session:
        for number in range(count):
            services.audit.record(
                session, SERVICE, "thing.do", "thing", f"é{number}", None, {"b": [1, "ç"], "a": number}
            )
        return head(session)


def expected_hash(row: tuple[object, ...]) -> bytes:
    """The row's hash by the standard library alone: with ASCII names, RFC 8785 is sorted compact JSON."""
    names = COLUMNS.split(", ")[:-1]
    document = dict(zip(names, row, strict=False))
    at = str(document["at"])
    document["at"] = f"{at[:10]}T{at[11:23]}Z"
    document["previous"] = bytes(document["previous"]).hex()  # type: ignore[call-overload]
    return hashlib.sha256(
        json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).digest()


def test_every_row_holds_the_hash_of_the_one_before(services: Services, settings: object) -> None:
    last = write(services, 5)
    with services.store.reading() as session:
        rows = session.execute(text(f"SELECT {COLUMNS} FROM audit ORDER BY seq")).all()
        assert verify(session) == last == AuditHead(5, rows[-1].hash)
    previous = bytes(32)
    for number, row in enumerate(rows, 1):
        assert (row.seq, row.previous, row.hash) == (number, previous, expected_hash(tuple(row)))
        previous = row.hash
    assert json.loads(rows[3].detail) == {"a": 3, "b": [1, "ç"]}


def test_an_empty_audit_holds(services: Services) -> None:
    with services.store.reading() as session:
        assert verify(session) == head(session) == AuditHead(0, bytes(32))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET detail = '{}' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 3",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 2",
        "INSERT INTO audit SELECT 9, " + COLUMNS.partition(", ")[2] + " FROM audit WHERE seq = 2",
    ],
)
def test_the_database_refuses_what_does_not_append(services: Services, statement: str) -> None:
    last = write(services, 3)
    with pytest.raises(IntegrityError, match="append-only"), services.store.session() as session:
        session.execute(text(statement))
    with services.store.reading() as session:
        assert verify(session) == last


@pytest.mark.parametrize(
    ("statement", "seq", "reason"),
    [
        ("UPDATE audit SET detail = '{}' WHERE seq = 2", 2, "content hashes to"),
        ("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE seq = 3", 3, "content hashes to"),
        ("UPDATE audit SET previous = zeroblob(32) WHERE seq = 4", 4, "previous hash"),
        ("DELETE FROM audit WHERE seq = 3", 3, "rows are missing"),
        ("UPDATE audit SET administration_id = 'x' WHERE seq = 1", 1, "content hashes to"),
    ],
)
def test_who_goes_past_the_triggers_is_found(
    services: Services, settings: object, statement: str, seq: int, reason: str
) -> None:
    write(services, 5)
    path: Path = services.settings.data / "baas.sqlite"
    with sqlite3.connect(path) as past:
        for trigger in ("audit_no_update", "audit_no_delete"):
            past.execute(f"DROP TRIGGER {trigger}")
        past.execute(statement)
    past.close()
    with services.store.reading() as session, pytest.raises(AuditBroken, match=reason) as broken:
        verify(session)
    assert broken.value.seq == seq


def test_an_act_that_fails_leaves_no_row(services: Services) -> None:
    first = write(services, 1)
    with pytest.raises(ZeroDivisionError), services.store.session() as session:
        services.audit.record(session, SERVICE, "thing.do", "thing", "x", None)
        raise ZeroDivisionError
    with services.store.reading() as session:
        assert verify(session) == first


@pytest.mark.parametrize("detail", [{"token": TOKEN}, {"list": [{"x": f"say {TOKEN}!"}]}, {TOKEN: 1}])
def test_a_secret_is_refused(services: Services, detail: dict[str, object]) -> None:
    with services.store.session() as session:
        with pytest.raises(ValueError, match="holds a secret") as refused:
            services.audit.record(session, SERVICE, "thing.do", "thing", "x", None, detail)
        assert TOKEN not in str(refused.value)
        assert session.get(AuditRow, 1) is None


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (f"GET /x with {TOKEN} failed", "GET /x with [redacted] failed"),
        (TOKEN[:20], "[redacted]"),
        (f"'{TOKEN}'", "'[redacted]'"),
        (TOKEN.replace("_", "%5F", 2).replace("%5F", "_", 1), "[redacted]"),
        ("Authorization: Bearer abc.def-123_ghi.456/jkl=", "Authorization: Bearer [redacted]"),
        ("authorization: basic dXNlcjpwYXNzd29yZHBhc3M=", "authorization: basic [redacted]"),
        ("a basic explanation, the bearer's", "a basic explanation, the bearer's"),
        ("baas_ and the BAAS_URL stay", "baas_ and the BAAS_URL stay"),
    ],
)
def test_redact(written: str, kept: str) -> None:
    assert redact(written) == kept


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/api/v1/chains", "/api/v1/chains"),
        ("/rpc/7", "/rpc/7"),
        (f"/rpc/7/{TOKEN}", "/rpc/7/[redacted]"),
        ("/rpc/7/a-mistyped-token/more\n/x", "/rpc/7/[redacted]"),
        (f"/api/v1/{TOKEN}/x", "/api/v1/[redacted]/x"),
        ("/a\r\nGET /forged 200", "/a\\r\\nGET /forged 200"),
    ],
)
def test_redact_path(path: str, kept: str) -> None:
    assert redact_path(path) == kept
