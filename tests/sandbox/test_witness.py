"""The witness: litewitness's published requests, the specification's statuses, races and kills of real processes."""

from __future__ import annotations

import hashlib
import json
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import MalformedEvidence, WitnessError
from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.cosignature import CosignatureVerifier, open_cosignatures
from sandbox.evidence.note import NoteSigner, NoteVerifier
from sandbox.evidence.tiles import MemoryTiles, TiledLog
from sandbox.witness import MAX_REQUEST, MOST_CONTRADICTIONS, SIZE, TEXT, Answer, Witness, create, request

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors/witness/add_checkpoint.json").read_text()
)
PROCESS = Path(__file__).with_name("witness_process.py")
EMPTY_ROOT = hashlib.sha256(b"").digest()
NOW = 1_800_000_000


@dataclass
class Log:
    """A log that signs whatever it is asked to: also two trees of one size."""

    origin: str = "log.example/decrets"
    tree: TiledLog = field(default_factory=lambda: TiledLog(MemoryTiles(), 0))
    seed: bytes = bytes(32)

    @property
    def signer(self) -> NoteSigner:
        return NoteSigner(self.origin, self.seed)

    def grow(self, *entries: str) -> Log:
        self.tree.append([merkle.leaf_hash(entry.encode()) for entry in entries])
        return self

    def checkpoint(self, size: int | None = None) -> str:
        size = self.tree.size if size is None else size
        return sign_checkpoint(Checkpoint(self.origin, size, self.tree.root(size)), [self.signer])

    def request(self, old: int, size: int | None = None) -> bytes:
        size = self.tree.size if size is None else size
        proof = self.tree.consistency_proof(old, size) if old else []
        return request(old, proof, self.checkpoint(size))


@dataclass
class Clock:
    time: float = NOW

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log() -> Log:
    return Log().grow("a", "b", "c")


@pytest.fixture
def path(tmp_path: Path, log: Log) -> Path:
    """The file of a witness that follows `log`."""
    file = tmp_path / "witness.sqlite"
    create(file, "witness.example/w1", b"w" * 32)
    with Witness(file, Clock()) as made:
        made.follow(log.origin, log.signer.verifier.vkey)
    return file


@pytest.fixture
def witness(path: Path, clock: Clock) -> Any:
    with Witness(path, clock) as opened:
        yield opened


def times(witness: Witness, checkpoint: str, answer: Answer) -> list[int]:
    """The times of the cosignatures of an answer, checked as the log does."""
    assert (answer.status, answer.content_type) == (200, TEXT), answer
    verifier = CosignatureVerifier.from_vkey(witness.vkey)
    return [each.time for each in open_cosignatures(checkpoint + answer.text, [verifier]).cosignatures]


# -- who it is -------------------------------------------------------------------------------------


def test_a_file_is_its_owner_s_only_and_made_once(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(WitnessError, match="there already"):
        create(path, "other")


def test_a_key_may_be_handed_in_and_is_then_not_in_the_file(tmp_path: Path) -> None:
    seed, file = b"\xa5" * 32, tmp_path / "w"
    vkey = create(file, "w.example", seed, keep_key=False)
    assert seed not in file.read_bytes()
    with Witness(file, Clock()) as opened:
        opened.follow("log.example/decrets", Log().signer.verifier.vkey)
        assert (opened.signs, opened.vkey) == (False, vkey)
        with pytest.raises(WitnessError, match="holds no private key"):
            opened.add_checkpoint(Log().grow("a").request(0))
    with Witness(file, Clock(), seed) as opened:
        assert (opened.signs, opened.name, opened.vkey) == (True, "w.example", vkey)
        assert opened.add_checkpoint(Log().grow("a").request(0)).status == 200
    with pytest.raises(WitnessError, match="is not that of"):
        Witness(file, Clock(), bytes(32))


def test_what_is_no_witness_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WitnessError, match="no witness at"):
        Witness(tmp_path / "absent", Clock())
    (tmp_path / "text").write_text("not a database, and long enough to be looked at as one" * 20)
    with pytest.raises(WitnessError, match="no witness's file"):
        Witness(tmp_path / "text", Clock())
    sqlite3.connect(tmp_path / "other").close()
    (tmp_path / "other").touch()
    with pytest.raises(WitnessError, match="no witness's file"):
        Witness(tmp_path / "other", Clock())
    with pytest.raises(MalformedEvidence):
        create(tmp_path / "named", "a name")


# -- the protocol ----------------------------------------------------------------------------------


def test_the_published_requests_get_what_the_specification_says(tmp_path: Path) -> None:
    seed = bytes.fromhex(VECTORS["witness_seed"])
    create(tmp_path / "w", "example.com", seed)
    key = NoteVerifier(VECTORS["origin"], bytes.fromhex(VECTORS["key"])).vkey
    with Witness(tmp_path / "w", Clock()) as opened:
        opened.follow(VECTORS["origin"], key)
        for each in VECTORS["requests"]:
            answer = opened.add_checkpoint(each["body"].encode())
            assert answer.status == each["status"], each["name"]
            if "text" in each:
                assert (answer.text, answer.content_type) == (each["text"], SIZE)
            if answer.status == 200:
                assert times(opened, each["body"].partition("\n\n")[2], answer) == [NOW]
        (followed,) = opened.followed()
    assert (followed.size, followed.root.hex()) == tuple(VECTORS["final"].values())


def test_a_log_is_followed_from_its_first_entry_to_its_ten_thousandth(
    witness: Witness, clock: Clock, log: Log
) -> None:
    old = 0
    while log.tree.size < 10_000:
        checkpoint = log.checkpoint()
        assert times(witness, checkpoint, witness.add_checkpoint(log.request(old))) == [int(clock.time)]
        old, clock.time = log.tree.size, clock.time + 1
        step = 1 if old < 300 else 97  # every small size, then across tiles
        log.grow(*(f"entry {old + i}" for i in range(min(step, 10_000 - old))))
    assert witness.add_checkpoint(log.request(old)).status == 200
    (followed,) = witness.followed()
    assert (followed.size, followed.root) == (10_000, log.tree.root())
    assert witness.contradictions() == []


def test_the_same_checkpoint_is_cosigned_again_with_the_time_of_then(
    witness: Witness, clock: Clock, log: Log
) -> None:
    assert witness.add_checkpoint(log.request(0)).status == 200
    clock.time += 60.9
    answer = witness.add_checkpoint(log.request(3))
    assert times(witness, log.checkpoint(), answer) == [NOW + 60]


def test_another_old_size_is_told_the_right_one(witness: Witness, log: Log) -> None:
    witness.add_checkpoint(log.request(0))
    log.grow("d")
    for old in (0, 1, 2):
        assert witness.add_checkpoint(log.request(old)) == Answer(409, SIZE, "3\n")
    assert witness.add_checkpoint(request(4, [], log.checkpoint())) == Answer(409, SIZE, "3\n")
    assert witness.add_checkpoint(log.request(3)).status == 200


def test_who_never_asked_learns_the_size_by_asking_from_zero(witness: Witness, log: Log) -> None:
    assert witness.add_checkpoint(log.request(2)) == Answer(409, SIZE, "0\n")


def hashes(*seeds: str) -> list[bytes]:
    return [hashlib.sha256(each.encode()).digest() for each in seeds]


@pytest.mark.parametrize(
    ("known", "old", "size", "root", "proof", "status"),
    [
        (None, 0, 0, EMPTY_ROOT, [], 200),
        (None, 0, 0, hashes("leaf")[0], [], 422),
        (None, 0, 0, bytes(32), [], 422),
        (None, 0, 0, EMPTY_ROOT, hashes("x"), 422),
        (None, 0, 1, hashes("leaf")[0], [], 200),
        (None, 0, 1, hashes("leaf")[0], hashes("x"), 422),
        (1, 0, 1, hashes("leaf")[0], hashes("x"), 409),
        (1, 1, 0, EMPTY_ROOT, [], 400),
        (1, 1, 1, hashes("leaf")[0], hashes("x"), 422),
        (1, 1, 1, hashes("other")[0], [], 409),
        (1, 1, 2, hashes("root")[0], [], 422),
        (1, 1, 2, hashes("root")[0], hashes("x"), 422),
    ],
)
def test_sizes_at_the_edges(
    witness: Witness,
    log: Log,
    known: int | None,
    old: int,
    size: int,
    root: bytes,
    proof: list[bytes],
    status: int,
) -> None:
    if known is not None:
        first = sign_checkpoint(Checkpoint(log.origin, known, hashes("leaf")[0]), [log.signer])
        assert witness.add_checkpoint(request(0, [], first)).status == 200
    before = witness.followed()
    note = sign_checkpoint(Checkpoint(log.origin, size, root), [log.signer])
    for _ in range(2 if status != 200 else 1):
        answer = witness.add_checkpoint(request(old, proof, note))
        assert answer.status == status, answer
        if status == 409:
            assert (answer.content_type, answer.text) == (SIZE, f"{known}\n")
    assert (witness.followed() == before) == (status != 200)


def test_who_signed(witness: Witness, log: Log) -> None:
    stranger = Log("other.example").grow("a")
    assert witness.add_checkpoint(stranger.request(0)).status == 404
    impostor = Log(log.origin, log.tree, b"i" * 32)
    assert witness.add_checkpoint(impostor.request(0)).status == 403
    forged = log.checkpoint().replace("\n3\n", "\n4\n")
    assert witness.add_checkpoint(request(0, [], forged)).status == 403
    both = log.checkpoint() + impostor.checkpoint().rpartition("\n\n")[2]
    assert witness.add_checkpoint(request(0, [], both)).status == 200  # unknown ones are ignored
    assert witness.unfollow(log.origin)
    assert witness.add_checkpoint(log.request(3)).status == 404


def malformed(log: Log) -> list[bytes]:
    good, note = log.request(0), log.checkpoint().encode()
    hash_line = b"KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    return [
        b"",
        b"\n\n",
        note,
        good[:-1],
        good.replace(b"old 0", b"old 00"),
        good.replace(b"old 0", b"old -1"),
        good.replace(b"old 0", b"old  0"),
        good.replace(b"old 0", b"Old 0"),
        good.replace(b"old 0", b"old 9223372036854775808"),
        good.replace(b"old 0\n", b"old 0\r\n"),
        good.replace(b"old 0\n", b"old 0"),
        b"old 0\n\n",
        b"old 0\nAAAA\n\n" + note,
        b"old 0\nnot base64\n\n" + note,
        b"old 0\n" + hash_line * 64 + b"\n" + note,
        b"old 0\n\n" + b"\xff" + note,
        b"old 0\n\n" + note.replace(b"\n3\n", b"\n03\n"),
        b"old 0\n\n" + b"x" * (MAX_REQUEST + 1),
        b"old 4\n\n" + note,  # above the checkpoint's size
    ]


@pytest.mark.parametrize("case", range(19))
def test_what_cannot_be_read(witness: Witness, log: Log, case: int) -> None:
    before = witness.followed()
    answer = witness.add_checkpoint(malformed(log)[case])
    assert (answer.status, witness.followed()) == (400, before), answer


def test_sixty_three_lines_of_proof_can_be_read(witness: Witness, log: Log) -> None:
    assert witness.add_checkpoint(request(0, hashes("x") * 63, log.checkpoint())).status == 422


def test_a_clock_that_went_back_signs_nothing(witness: Witness, clock: Clock, log: Log) -> None:
    witness.add_checkpoint(log.request(0))
    log.grow("d")
    clock.time -= 5
    answer = witness.add_checkpoint(log.request(3))
    assert (answer.status, witness.followed()[0].size) == (503, 3)
    clock.time += 5
    assert witness.add_checkpoint(log.request(3)).status == 200


def test_a_replayed_request_gives_nothing_that_was_not_true(witness: Witness, log: Log) -> None:
    first = log.request(0)
    witness.add_checkpoint(first)
    log.grow("d", "e")
    second = log.request(3)
    assert witness.add_checkpoint(second).status == 200
    assert [witness.add_checkpoint(each).status for each in (first, second)] == [409, 409]
    assert witness.followed()[0].size == 5


# -- logs that it follows --------------------------------------------------------------------------


def test_following(witness: Witness, log: Log) -> None:
    newer = Log(log.origin, log.tree, b"2" * 32)
    witness.follow(log.origin, newer.signer.verifier.vkey)
    witness.follow(log.origin, newer.signer.verifier.vkey)
    assert len(witness.followed()[0].keys) == 2
    assert witness.add_checkpoint(newer.request(0)).status == 200
    assert witness.unfollow(log.origin)
    assert not witness.unfollow(log.origin)
    assert witness.followed() == []
    witness.follow(log.origin, log.signer.verifier.vkey)
    assert witness.add_checkpoint(log.request(0)) == Answer(409, SIZE, "3\n")  # nothing is forgotten
    for origin, key in (
        ("", log.signer.verifier.vkey),
        ("a\nb", log.signer.verifier.vkey),
        ("o", "x"),
        ("o", witness.vkey),
    ):
        with pytest.raises(MalformedEvidence):
            witness.follow(origin, key)


# -- split views -----------------------------------------------------------------------------------


def two_views(size: int, fork: int) -> tuple[Log, Log]:
    """A log that lies: the same log, key and size, and two trees that part at `fork`."""
    views = Log(), Log()
    for view, name in zip(views, "AB", strict=True):
        view.grow(*(f"{i}" if i < fork else f"{name}{i}" for i in range(size)))
    return views


@pytest.mark.parametrize("fork", [0, 1, 5, 7])
def test_one_honest_witness_detects_a_split_view(path: Path, fork: int) -> None:
    honest_view, other_view = two_views(8, fork)
    assert honest_view.tree.root() != other_view.tree.root()
    with Witness(path, Clock()) as witness:
        if fork:
            assert witness.add_checkpoint(honest_view.request(0, fork)).status == 200
        assert witness.add_checkpoint(honest_view.request(fork)).status == 200
        # the second view: as it would be asked for, then with the size that the witness says
        assert witness.add_checkpoint(other_view.request(fork)) == Answer(409, SIZE, "8\n")
        assert witness.add_checkpoint(other_view.request(8)) == Answer(409, SIZE, "8\n")
        (proof,) = witness.contradictions()
        assert (proof.origin, proof.size, proof.time) == (honest_view.origin, 8, NOW)
        assert (proof.first, proof.second) == (honest_view.checkpoint(), other_view.checkpoint())
        # grown further it is no better off: no proof leads from one tree to the other
        assert witness.add_checkpoint(other_view.grow("more").request(8)).status == 422
        assert witness.followed()[0].root == honest_view.tree.root()
        assert witness.add_checkpoint(honest_view.grow("more").request(8)).status == 200


def test_a_liar_cannot_reach_two_of_three_for_both_views(tmp_path: Path) -> None:
    views = two_views(4, 2)
    got: list[int] = [0, 0]
    for number in range(3):
        file = tmp_path / str(number)
        create(file, f"w{number}.example")
        with Witness(file, Clock()) as witness:
            witness.follow(views[0].origin, views[0].signer.verifier.vkey)
            order = (0, 1) if number % 2 else (1, 0)  # as the liar likes
            for view in order:
                answer = witness.add_checkpoint(views[view].request(0))
                if answer.status == 409:
                    answer = witness.add_checkpoint(views[view].request(int(answer.text)))
                got[view] += answer.status == 200
            assert len(witness.contradictions()) == 1
    assert sum(got) == 3
    assert min(got) < 2


def test_contradictions_that_are_kept_are_bounded(witness: Witness, log: Log) -> None:
    witness.add_checkpoint(log.request(0))
    for number in range(MOST_CONTRADICTIONS + 5):
        liar = Log().grow("a", "b", f"x{number}")
        assert witness.add_checkpoint(liar.request(3)).status == 409
        assert witness.add_checkpoint(liar.request(3)).status == 409
    assert len(witness.contradictions()) == MOST_CONTRADICTIONS


# -- real processes --------------------------------------------------------------------------------


class Other:
    """Another process with the same witness; `stopping` says where it stops."""

    def __init__(self, path: Path, body: bytes, stopping: str = "") -> None:
        here = path.with_name(f"{hashlib.sha256(body).hexdigest()[:8]}-{time.monotonic_ns()}")
        here.mkdir()
        (here / "request").write_bytes(body)
        self.answer, self.stopped, self.go = here / "answer", here / "stopped", here / "go"
        arguments = [
            path,
            here / "request",
            self.answer,
            *([self.stopped, self.go, stopping] if stopping else []),
        ]
        self.process = subprocess.Popen([sys.executable, str(PROCESS), *map(str, arguments)])

    def until_stopped(self) -> None:
        until(lambda: self.stopped.exists() or self.process.poll() is not None)
        assert self.stopped.exists()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def answered(self) -> tuple[int, str]:
        assert self.process.wait(60) == 0
        status, _, text = self.answer.read_text().partition("\n")
        return int(status), text


def until(ask: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not ask():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_request_that_waits_between_check_and_keeping_rolls_nothing_back(path: Path, log: Log) -> None:
    """The race that the specification spells out, between two processes."""
    log.grow("d", "e")
    with Witness(path, Clock()) as first:
        assert first.add_checkpoint(log.request(0, 1)).status == 200
    shorter = Other(path, log.request(1, 3), stopping="check")
    shorter.until_stopped()
    longer = Other(path, log.request(1, 5))
    shorter.go.touch()
    assert (shorter.answered()[0], longer.answered()) == (200, (409, "3\n"))
    with Witness(path, Clock()) as after:
        assert after.followed()[0].size == 3
        assert after.add_checkpoint(log.request(3, 5)).status == 200
    late = Other(path, log.request(1, 3))
    assert late.answered() == (409, "5\n")


def test_killed_between_check_and_keeping_it_cosigned_nothing(path: Path, log: Log) -> None:
    with Witness(path, Clock()) as first:
        assert first.add_checkpoint(log.request(0, 1)).status == 200
    other = Other(path, log.request(1, 3), stopping="check")
    other.until_stopped()
    other.kill()
    assert not other.answer.exists()
    with Witness(path, Clock()) as after:
        assert after.followed()[0].size == 1
        view = Log().grow("a", "x", "y", "z")  # what it did not sign binds it to nothing
        assert after.add_checkpoint(view.request(1)).status == 200


def test_killed_between_keeping_and_answer_the_log_asks_again(path: Path, log: Log) -> None:
    """What was kept and never told: the log is told the size, and gets its cosignature from there."""
    other = Other(path, log.request(0), stopping="answer")
    other.until_stopped()
    other.kill()
    assert not other.answer.exists()
    with Witness(path, Clock()) as after:
        assert after.add_checkpoint(log.request(0)) == Answer(409, SIZE, "3\n")
        assert after.add_checkpoint(log.request(3)).status == 200
        assert after.add_checkpoint(Log().grow("x", "y", "z").request(3)).status == 409


def test_many_at_once_end_in_one_history(path: Path, log: Log) -> None:
    """Threads and processes ask for growing and for forking checkpoints at once: cosigned ones never contradict."""
    views = two_views(40, 20)
    with Witness(path, Clock()) as witness:
        assert witness.add_checkpoint(views[0].request(0, 20)).status == 200

        def ask(number: int) -> tuple[int, int, int]:
            view, size = number % 2, 21 + number // 2 % 20
            answer = witness.add_checkpoint(views[view].request(20, size))
            if answer.status == 409:
                old = int(answer.text)
                if old <= size:
                    answer = witness.add_checkpoint(views[view].request(old, size))
            return view, size, answer.status

        others = [Other(path, views[number % 2].request(20, 22 + number)) for number in range(4)]
        with ThreadPoolExecutor(8) as pool:
            cosigned = [each for each in pool.map(ask, range(80)) if each[2] == 200]
        told = [other.answered()[0] for other in others]
        assert {view for view, _, _ in cosigned} <= {0} or {view for view, _, _ in cosigned} <= {1}
        assert set(told) <= {200, 409, 422}
        end = witness.followed()[0]
        assert end.root in [view.tree.root(end.size) for view in views]


def test_a_file_that_another_process_holds_for_too_long(
    path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.witness.WAIT", 0.05)
    with Witness(path, Clock()) as witness:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        assert witness.add_checkpoint(log.request(0)).status == 503
        holder.execute("ROLLBACK")
        holder.close()
        assert witness.add_checkpoint(log.request(0)).status == 200


def test_a_broken_tree_of_the_log_s_own_is_not_cosigned(witness: Witness, log: Log) -> None:
    witness.add_checkpoint(log.request(0))
    log.grow("d", "e")
    proof: Sequence[bytes] = log.tree.consistency_proof(3)
    for wrong in ([], proof[:-1], [*proof, bytes(32)], [bytes(32), *proof[1:]]):
        assert witness.add_checkpoint(request(3, wrong, log.checkpoint())).status == 422
    assert witness.add_checkpoint(request(3, proof, log.checkpoint())).status == 200
