"""The log's server: durable and linked whatever happens, stamped when its period ends, and its arm over a real socket."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509

from baas.clock import SystemClock
from baas.connectors import (
    ConnectorRefused,
    ConnectorSettings,
    ConnectorTimeout,
    ConnectorUnreachable,
    Environment,
)
from baas.connectors.log import LogConnector
from baas.protocols.hashed_log import Held, contradiction, verify
from baas.trust_service.hashed_log import (
    PATH,
    HashedLog,
    NotStamped,
    UnknownRecord,
    key_of,
    period_files,
    routes,
)
from baas.trust_service.hashed_log.keeping import MAX_BATCH
from baas.trust_service.hashed_log.writer import TooManyLogs
from sandbox.errors import VerificationError
from tests.baas.conftest import ShiftedClock
from tests.baas.trust_service.stands import OTHER, SECRETS, TOWN, Authority, authenticate, serving

NIGHT_MS = 86_400_000


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


@pytest.fixture
def roots(stand_authority: Authority) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(stand_authority.root_pem)


@contextmanager
def opened(directory: Path, authority: Authority, clock: SystemClock | None = None) -> Iterator[HashedLog]:
    log = HashedLog.open(directory / "log", clock or SystemClock(), authority.stamp, retry=0.05)
    log.start()
    try:
        yield log
    finally:
        log.close()


def stamped(log: HashedLog, administration: str, period_ms: int, position: int) -> bytes:
    """The evidence as soon as it is there."""
    while True:  # the test's own time limit ends a wait for nothing
        try:
            return log.evidence(administration, period_ms, position)
        except NotStamped:
            time.sleep(0.01)


def test_a_night_is_closed_stamped_and_followed(
    tmp_path: Path, stand_authority: Authority, roots: list[x509.Certificate]
) -> None:
    clock = ShiftedClock()
    clock.shift -= timedelta(days=3)
    with opened(tmp_path, stand_authority, clock) as log:
        for number in range(1, 4):
            assert log.append(TOWN, digest(number), NIGHT_MS).result(10).record.entry.position == number
        with pytest.raises(NotStamped) as waiting:
            log.evidence(TOWN, NIGHT_MS, 2)
        assert waiting.value.closes.strftime("%H:%M:%S.%f") == "00:00:00.000000"
        clock.advance(days=1)
        assert log.append(TOWN, digest(4), NIGHT_MS).result(10).record.entry.position == 4
        first, _ = verify(stamped(log, TOWN, NIGHT_MS, 2), digest(2), roots)
        with pytest.raises(NotStamped):
            log.evidence(TOWN, NIGHT_MS, 4)
        clock.advance(days=1)  # nothing is recorded any more, and the period ends all the same
        second, _ = verify(stamped(log, TOWN, NIGHT_MS, 4), digest(4), roots)
    assert [each.entry.position for each in first.file.records] == [1, 2, 3]
    assert second.file.header.number == 2 and second.file.header.previous == first.file.last_hash
    assert contradiction(first.file, second.file) is None
    for held in (first, second):
        held.file.check_macs(key_of(tmp_path / "log"))
    assert [each for each, _ in period_files(tmp_path / "log", TOWN, NIGHT_MS)] == [first.file, second.file]


def test_logs_of_administrations_and_periods_are_apart(tmp_path: Path, stand_authority: Authority) -> None:
    with opened(tmp_path, stand_authority) as log:
        for administration, period in ((TOWN, 200), (TOWN, 300), (OTHER, 200)):
            assert log.append(administration, digest(1), period).result(10).record.entry.position == 1
        evidence = [Held.decode(stamped(log, *each, 1)) for each in ((TOWN, 200), (TOWN, 300), (OTHER, 200))]
        assert {len(each.file.records) for each in evidence} == {1}
        for administration, period, position in ((OTHER, 300, 1), (TOWN, 200, 2), ("9999990009", 200, 1)):
            with pytest.raises(UnknownRecord):
                log.evidence(administration, period, position)


def test_many_at_once_are_one_chain_in_few_commits(
    tmp_path: Path, stand_authority: Authority, roots: list[x509.Certificate]
) -> None:
    clock = ShiftedClock()
    with opened(tmp_path, stand_authority, clock) as log:
        commits = 0
        begin = log._writer.transaction

        @contextmanager
        def counted() -> Iterator[Any]:
            nonlocal commits
            commits += 1
            with begin() as ends:
                yield ends

        log._writer.transaction = counted  # type: ignore[method-assign]
        with log._writer.lock:  # all of them are there before the writer has done its first batch
            kept = [log.append(TOWN, digest(each), NIGHT_MS) for each in range(2000)]
        positions = [each.result(60).record.entry.position for each in kept]
        assert positions == list(range(1, 2001))
        assert commits <= 1 + -(-2000 // MAX_BATCH)
        clock.advance(days=1)
        held, _ = verify(stamped(log, TOWN, NIGHT_MS, 1000), digest(999), roots)
        assert len(held.file.records) == 2000


def test_a_full_file_is_closed_before_its_period_ends(
    tmp_path: Path, stand_authority: Authority, roots: list[x509.Certificate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baas.trust_service.hashed_log.writer.MAX_RECORDS", 3)
    with opened(tmp_path, stand_authority) as log:
        for number in range(1, 5):
            log.append(TOWN, digest(number), NIGHT_MS).result(10)
        held, _ = verify(stamped(log, TOWN, NIGHT_MS, 3), digest(3), roots)
        assert len(held.file.records) == 3
        with pytest.raises(NotStamped):
            log.evidence(TOWN, NIGHT_MS, 4)


def test_a_clock_that_goes_back_does_not_break_the_chain(
    tmp_path: Path, stand_authority: Authority, roots: list[x509.Certificate]
) -> None:
    clock = ShiftedClock()
    with opened(tmp_path, stand_authority, clock) as log:
        before = log.append(TOWN, digest(1), NIGHT_MS).result(10).record.entry.time
        clock.advance(hours=-30)
        assert log.append(TOWN, digest(2), NIGHT_MS).result(10).record.entry.time == before
        clock.advance(hours=30 + 24)
        held, _ = verify(stamped(log, TOWN, NIGHT_MS, 2), digest(2), roots)
        assert len(held.file.records) == 2


def test_an_authority_that_is_down_delays_the_stamp_and_nothing_else(
    tmp_path: Path, roots: list[x509.Certificate]
) -> None:
    authority = Authority(tmp_path / "tsa", SystemClock())
    authority.down = True
    with opened(tmp_path, authority) as log:
        log.append(TOWN, digest(1), 100).result(10)
        time.sleep(0.3)
        with pytest.raises(NotStamped):
            log.evidence(TOWN, 100, 1)
        assert log.append(TOWN, digest(2), 100).result(10).record.entry.position == 2
        with pytest.raises(ConnectionError):
            log.settle()
        authority.down = False
        own = x509.load_pem_x509_certificates(authority.root_pem)
        verify(stamped(log, TOWN, 100, 1), digest(1), own)
    authority.close()


def test_what_is_opened_again_goes_on_where_it_was(
    tmp_path: Path, stand_authority: Authority, roots: list[x509.Certificate]
) -> None:
    clock = ShiftedClock()
    with opened(tmp_path, stand_authority, clock) as log:
        log.append(TOWN, digest(1), NIGHT_MS).result(10)
    with opened(tmp_path, stand_authority, clock) as log:
        assert log.append(TOWN, digest(2), NIGHT_MS).result(10).record.entry.position == 2
    clock.advance(days=1)  # the period ends while nothing runs
    with opened(tmp_path, stand_authority, clock) as log:
        held, _ = verify(stamped(log, TOWN, NIGHT_MS, 1), digest(1), roots)
        assert len(held.file.records) == 2
        assert log.append(TOWN, digest(3), NIGHT_MS).result(10).record.entry.position == 3
    with pytest.raises(RuntimeError, match="closed"):
        log.append(TOWN, digest(4), NIGHT_MS)


def test_two_that_have_the_log_open_keep_one_chain(
    tmp_path: Path, stand_authority: Authority, roots: list[x509.Certificate]
) -> None:
    """As a second service on the same directory would, whose clock is another."""
    clock, other_clock = ShiftedClock(), ShiftedClock()
    other_clock.advance(minutes=-5)
    with (
        opened(tmp_path, stand_authority, clock) as one,
        opened(tmp_path, stand_authority, other_clock) as two,
    ):
        for number in range(1, 9):
            log = one if number % 2 else two
            assert log.append(TOWN, digest(number), NIGHT_MS).result(10).record.entry.position == number
        clock.advance(days=1)
        held, _ = verify(stamped(two, TOWN, NIGHT_MS, 8), digest(8), roots)
        assert len(held.file.records) == 8


def test_who_only_looks_stamps_nothing(
    tmp_path: Path, stand_authority: Authority, roots: list[x509.Certificate]
) -> None:
    """As an examination does, whose clock is in the past: its token would be earlier than the records."""
    down = Authority(tmp_path / "tsa", SystemClock())
    down.down = True
    with opened(tmp_path, down) as log:
        log.append(TOWN, digest(1), 100).result(10)
        time.sleep(0.2)
        looking = HashedLog.open(tmp_path / "log", SystemClock(), stand_authority.stamp)
        with pytest.raises(RuntimeError, match="not started"):
            looking.append(TOWN, digest(2), 100)
        with pytest.raises(NotStamped):
            looking.evidence(TOWN, 100, 1)
        looking.close()
        with pytest.raises(NotStamped):
            log.evidence(TOWN, 100, 1)
    down.close()


def test_a_failed_commit_acknowledges_nothing_and_breaks_nothing(
    tmp_path: Path, stand_authority: Authority, roots: list[x509.Certificate]
) -> None:
    clock = ShiftedClock()
    with opened(tmp_path, stand_authority, clock) as log:
        log.append(TOWN, digest(1), NIGHT_MS).result(10)
        log._writer.database.execute(
            "CREATE TEMP TRIGGER full BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
        with pytest.raises(sqlite3.Error, match="disk full"):
            log.append(TOWN, digest(2), NIGHT_MS).result(10)
        with pytest.raises(sqlite3.Error, match="disk full"):
            log.append(TOWN, digest(2), 300_000).result(10)
        log._writer.database.execute("DROP TRIGGER full")
        assert log.append(TOWN, digest(3), NIGHT_MS).result(10).record.entry.position == 2
        assert log.append(TOWN, digest(3), 300_000).result(10).record.entry.position == 1
        clock.advance(days=1)
        held, _ = verify(stamped(log, TOWN, NIGHT_MS, 2), digest(3), roots)
        assert [each.entry.digest for each in held.file.records] == [digest(1), digest(3)]


def test_who_gave_up_does_not_stop_the_others(tmp_path: Path, stand_authority: Authority) -> None:
    with opened(tmp_path, stand_authority) as log:
        with log._writer.lock:  # the writer waits with its first batch
            first = log.append(TOWN, digest(0), NIGHT_MS)
            time.sleep(0.1)
            given_up = log.append(TOWN, digest(1), NIGHT_MS)
            after = log.append(TOWN, digest(2), NIGHT_MS)
            assert given_up.cancel()
        assert first.result(10).record.entry.position == 1
        assert after.result(10).record.entry.position == 2


def test_a_missing_key_is_not_replaced(tmp_path: Path, stand_authority: Authority) -> None:
    with opened(tmp_path, stand_authority) as log:
        log.append(TOWN, digest(1), NIGHT_MS).result(10)
    assert (tmp_path / "log" / "hmac.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "log" / "hmac.key").unlink()
    with pytest.raises(FileNotFoundError, match="is missing beside"):
        HashedLog.open(tmp_path / "log", SystemClock(), stand_authority.stamp)


def test_bounds(tmp_path: Path, stand_authority: Authority) -> None:
    with opened(tmp_path, stand_authority) as log:
        for wrong in (
            (TOWN, digest(1)[:31], NIGHT_MS),
            (TOWN, digest(1), 99),
            ("a town", digest(1), NIGHT_MS),
        ):
            with pytest.raises(ValueError, match="expected"):
                log.append(*wrong)
        for period in range(1, 65):
            log.append(TOWN, digest(1), period * 1_000_000).result(10)
        with pytest.raises(TooManyLogs):
            log.append(TOWN, digest(1), NIGHT_MS).result(10)
        log.append(OTHER, digest(1), NIGHT_MS).result(10)


# -- over HTTP


@dataclass
class Served:
    url: str
    authority: Authority
    clock: ShiftedClock

    def settings(self, administration: str = TOWN, timeout: float = 60, **options: str) -> ConnectorSettings:
        return ConnectorSettings(
            self.url,
            self.authority.root_pem,
            Environment.LAB_EMULATOR,
            timeout,
            SECRETS[administration],
            {"administration": administration, **options},
        )

    def post(self, content: bytes, **headers: str) -> httpx2.Response:
        return httpx2.post(
            self.url + PATH, content=content, auth=(TOWN, SECRETS[TOWN]), headers=headers, trust_env=False
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, stand_authority: Authority) -> Iterator[Served]:
    clock = ShiftedClock()
    log = HashedLog.open(tmp_path_factory.mktemp("log"), clock, stand_authority.stamp)
    log.start()
    with serving(routes(log, authenticate, clock)) as url:
        yield Served(url, stand_authority, clock)
    log.close()


def test_the_arm_waits_for_its_period_and_holds_offline(served: Served) -> None:
    arm = LogConnector.open(served.settings(log_period="0.3"))
    evidence = arm.submit(digest(1))
    assert arm.verify(digest(1), evidence.content).stated_time == evidence.stated_time
    assert arm.confirm(digest(1), evidence.content) == evidence
    assert evidence.verifiable_until is not None and evidence.verifiable_until > served.clock.now()
    with pytest.raises(VerificationError, match="another document"):
        arm.verify(digest(2), evidence.content)
    assert arm.health().ok
    arm.close()


def test_arms_side_by_side_share_their_period(served: Served) -> None:
    arm = LogConnector.open(served.settings(log_period="3"))
    with ThreadPoolExecutor(20) as pool:
        evidence = list(pool.map(lambda each: arm.submit(digest(each)).content, range(20)))
    held = [Held.decode(each) for each in evidence]
    assert len({(each.file.header.number, each.position) for each in held}) == 20
    assert len({each.file.header.number for each in held}) < 10, "a period has many of them"
    arm.close()


def test_a_night_is_not_waited_for(served: Served) -> None:
    arm = LogConnector.open(served.settings(timeout=3_600, log_period=str(31 * 86_400)))
    # it does not wait for as long as it would: the test's own time limit is shorter
    with pytest.raises(ConnectorTimeout, match="the record is kept"):
        arm.submit(digest(1))
    arm.close()


def test_what_a_record_says_when_it_is_acknowledged_and_before_its_stamp(served: Served) -> None:
    body = json.dumps({"digest": digest(7).hex(), "period_ms": NIGHT_MS}).encode()
    made = served.post(body)
    assert made.status_code == 201
    fields = made.json()
    assert set(fields) == {
        "position",
        "period_ms",
        "time",
        "digest",
        "previous",
        "hmac",
        "stamped_after",
        "seconds",
    }
    url = f"{served.url}{PATH}/{NIGHT_MS}/{fields['position']}"
    mine = httpx2.get(url, auth=(TOWN, SECRETS[TOWN]), trust_env=False)
    assert (mine.status_code, mine.json()["error"]) == (404, "not_stamped")
    assert mine.json()["stamped_after"] == fields["stamped_after"]
    theirs = httpx2.get(url, auth=(OTHER, SECRETS[OTHER]), trust_env=False)
    nothing = httpx2.get(
        f"{served.url}{PATH}/{NIGHT_MS}/99999", auth=(OTHER, SECRETS[OTHER]), trust_env=False
    )
    assert (theirs.status_code, theirs.content) == (404, nothing.content)


def test_nobody_without_a_secret(served: Served) -> None:
    body = json.dumps({"digest": digest(7).hex(), "period_ms": NIGHT_MS}).encode()
    answers = [
        httpx2.post(served.url + PATH, content=body, auth=auth, trust_env=False)
        for auth in (
            None,
            (TOWN, SECRETS[OTHER]),
            (OTHER, SECRETS[TOWN]),
            ("9999990009", ""),
            ("", ""),
            (TOWN, ""),
        )
    ]
    for header in ("Basic", "Basic !", "Basic /w==", f"Bearer {SECRETS[TOWN]}", "Basic " + "A" * 2000):
        answers.append(
            httpx2.post(served.url + PATH, content=body, headers={"Authorization": header}, trust_env=False)
        )
    assert {(each.status_code, each.content) for each in answers} == {(401, answers[0].content)}
    get = httpx2.get(f"{served.url}{PATH}/{NIGHT_MS}/1", trust_env=False)
    assert get.status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 4000,
        b'{"digest": "' + b"a" * 64 + b'"}',
        b'{"digest": "' + b"A" * 64 + b'", "period_ms": 1000}',
        b'{"digest": "' + b"a" * 63 + b'", "period_ms": 1000}',
        b'{"digest": "' + b"a" * 64 + b'", "period_ms": 1}',
        b'{"digest": "' + b"a" * 64 + b'", "period_ms": true}',
        b'{"digest": "' + b"a" * 64 + b'", "period_ms": 1e999}',
        b'{"digest": "' + b"a" * 64 + b'", "period_ms": 1000, "administration": "9999990002"}',
        b"\xff\xfe",
    ],
)
def test_a_bad_request_is_told_what_was_expected(served: Served, body: bytes) -> None:
    answer = served.post(body)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert "expected" in answer.json()["detail"]


def test_a_huge_body_is_not_read_to_its_end(served: Served) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1 << 20
            yield b" " * (1 << 20)

    try:
        answer = httpx2.post(
            served.url + PATH, content=endless(), auth=(TOWN, SECRETS[TOWN]), trust_env=False
        )
    except httpx2.HTTPError:
        pass  # the connection ended before everything was sent
    else:
        assert answer.status_code == 400
    assert read < 100 << 20 or answer.status_code == 400


@pytest.mark.parametrize(
    "path", ["0/1", "1000/0", "1000/-1", "1000/١", "x/1", "1000/1e3", "1000/" + "9" * 400]
)
def test_a_name_that_is_none_is_an_unknown_record(served: Served, path: str) -> None:
    answer = httpx2.get(f"{served.url}{PATH}/{path}", auth=(TOWN, SECRETS[TOWN]), trust_env=False)
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_record")


def test_the_arm_says_who_refused_and_who_was_not_there(served: Served) -> None:
    wrong = LogConnector.open(
        ConnectorSettings(
            served.url,
            served.authority.root_pem,
            Environment.LAB_EMULATOR,
            5,
            "wrong",
            {"administration": TOWN},
        )
    )
    with pytest.raises(ConnectorRefused) as refusal:
        wrong.submit(digest(1))
    assert refusal.value.reason == "unauthenticated" and "wrong" not in str(refusal.value)
    assert not wrong.health().ok
    wrong.close()
    lost = LogConnector.open(
        ConnectorSettings(served.url + "/elsewhere", served.authority.root_pem, Environment.LAB_EMULATOR, 5)
    )
    with pytest.raises(ConnectorUnreachable):
        lost.submit(digest(1))
    lost.close()
    gone = LogConnector.open(
        ConnectorSettings("http://127.0.0.1:9", served.authority.root_pem, Environment.LAB_EMULATOR, 2)
    )
    with pytest.raises(ConnectorUnreachable):
        gone.submit(digest(1))
    gone.close()
    with pytest.raises(ValueError, match="log_period"):
        LogConnector.open(served.settings(log_period="0.01"))
    with pytest.raises(ValueError, match="32 bytes"):
        LogConnector.open(served.settings()).submit(b"")


def test_threads_end_with_the_log(tmp_path: Path, stand_authority: Authority) -> None:
    before = threading.active_count()
    with opened(tmp_path, stand_authority):
        assert threading.active_count() == before + 2
    assert threading.active_count() == before


@pytest.mark.tools
def test_openssl_and_sha256sum_check_a_file_with_nothing_of_ours(
    tmp_path: Path, stand_authority: Authority, served: Served
) -> None:
    """What a court expert does with the evidence: its lines into a file, the token beside it."""
    arm = LogConnector.open(served.settings(log_period="0.3"))
    evidence = json.loads(arm.submit(digest(42)).content)
    arm.close()
    (tmp_path / "log.txt").write_text("".join(f"{line}\n" for line in evidence["file"]))
    (tmp_path / "token.der").write_bytes(base64.b64decode(evidence["token"]))
    (tmp_path / "root.pem").write_bytes(stand_authority.root_pem)

    def stamp_holds() -> subprocess.CompletedProcess[str]:
        command = ["openssl", "ts", "-verify", "-data", "log.txt", "-in", "token.der", "-token_in"]
        return subprocess.run(
            [*command, "-CAfile", "root.pem"], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    assert "Verification: OK" in stamp_holds().stdout + stamp_holds().stderr
    script = (
        'before=$(head -n 1 log.txt | sha256sum | cut -d" " -f1); tail -n +2 log.txt | while read -r line; do '
        '[ "$(echo "$line" | cut -d" " -f1)" = "$before" ] || { echo broken; exit 1; }; '
        'before=$(echo "$line" | sha256sum | cut -d" " -f1); done'
    )
    assert subprocess.run(["sh", "-c", script], cwd=tmp_path, check=False).returncode == 0
    changed = (tmp_path / "log.txt").read_text().replace(digest(42).hex(), digest(43).hex())
    (tmp_path / "log.txt").write_text(changed)
    assert stamp_holds().returncode != 0
