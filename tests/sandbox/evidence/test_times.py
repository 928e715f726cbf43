"""Time in layers: tokens on checkpoints, the lower bound, clocks that are off, and algorithms that end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from baas.protocols.rfc3161 import request_der
from baas.trust_service.service import TrustService
from baas.trust_service.tsa.authority import TimeStampAuthority
from sandbox.errors import EvidenceError
from sandbox.evidence import encodings, merkle, receipt, timestamp
from sandbox.evidence.context import SharedWork
from sandbox.evidence.digest import IMPRINTS, Digest
from sandbox.evidence.note import split
from sandbox.evidence.policy import STANDARD, Policy
from sandbox.evidence.receipt import Anchor, Previous, Receipt, Renewal
from sandbox.evidence.renewal import Tree, leaf_hash
from sandbox.evidence.report import Result
from sandbox.evidence.trust import AlgorithmEnd, TimestampRoot, TrustRoot
from sandbox.evidence.verify import verify
from tests.sandbox.evidence.conftest import World, keccak
from tests.sandbox.evidence.encoded import flipped

SEALED = datetime(2026, 6, 1, 9, tzinfo=UTC)
END = datetime(2035, 1, 1, tzinfo=UTC)
AFTER = datetime(2040, 1, 1, tzinfo=UTC)


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = SEALED

    def now(self) -> datetime:
        return self.time


@pytest.fixture(scope="module")
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory, clock: SetClock) -> Iterator[TimeStampAuthority]:
    made = TrustService.open(tmp_path_factory.mktemp("tsa"), clock)
    yield made.authority
    made.close()


@pytest.fixture
def stamped(authority: TimeStampAuthority, clock: SetClock) -> Any:
    """A token over a message, as of a time."""

    def make(message: bytes, time: datetime = SEALED + timedelta(seconds=1), slug: str = "sha-256") -> bytes:
        clock.time = time
        name = IMPRINTS[slug].hashlib_name
        digest = hashlib.new(name, message).digest()
        return timestamp.token_of(authority.respond(request_der(digest, 1, algorithm=name)))

    return make


def trusting(world: Any, authority: TimeStampAuthority, *ends: AlgorithmEnd) -> TrustRoot:
    root = TimestampRoot("test", authority.root_pem.decode())
    return replace(world.trust(), timestamp_roots=(root,), algorithms=ends)


def body(made: Receipt) -> bytes:
    return split(made.checkpoint)[0].encode()


def key_of(report: Any, number: int) -> str:
    return str(report.steps[number - 1].outcome.key)


# -- tokens ----------------------------------------------------------------------------------------


def test_a_token_on_the_checkpoint_holds(world: Any, authority: Any, stamped: Any) -> None:
    made = world.receipt()
    made = replace(made, timestamps=(stamped(body(made)), stamped(body(made), slug="sha-512")))
    everything = Policy(STANDARD.required | {"timestamps"})
    report = verify(world.document, receipt.parse(made.to_bytes()), trusting(world, authority), everything)
    assert report.ok, report.to_text()
    values = report.steps[10].outcome.values
    assert (values["count"], values["time"]) == (2, "2026-06-01T09:00:01Z ± 1000 ms")
    assert "qualified" in report.steps[10].outcome.text
    assert "Baas Sandbox Test TSA" in str(values["tsa"])


def test_a_token_of_something_else_is_refused(world: Any, authority: Any, stamped: Any) -> None:
    good = world.receipt()
    smaller = world.but(documents=6).receipt()
    for token in (
        stamped(body(smaller)),
        stamped(good.checkpoint.encode()),
        stamped(body(good))[:-1],
        b"\x30\x00",
    ):
        report = verify(world.document, replace(good, timestamps=(token,)), trusting(world, authority))
        assert report.failed_step == "timestamps", report.to_text()
        assert report.layers["time"] is Result.FAILED


def test_a_token_of_an_authority_that_is_not_trusted_is_refused(
    world: Any, authority: Any, stamped: Any, tmp_path: Path, clock: SetClock
) -> None:
    other = TrustService.open(tmp_path, clock)
    made = replace(world.receipt(), timestamps=(stamped(body(world.receipt())),))
    report = verify(world.document, made, trusting(world, other.authority))
    other.close()
    assert report.failed_step == "timestamps"
    assert key_of(verify(world.document, made, world.trust()), 11) == "timestamps.no-root"


def test_without_the_library_tokens_are_not_checked(
    world: Any, authority: Any, stamped: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timestamp, "available", lambda: False)
    made = replace(world.receipt(), timestamps=(stamped(body(world.receipt())),))
    report = verify(world.document, made, trusting(world, authority))
    assert report.ok
    assert key_of(report, 11) == "timestamps.no-library"


# -- the interval ----------------------------------------------------------------------------------


def with_previous(world: World, seconds: float = -60.0, size: int = 3, **changes: Any) -> Receipt:
    """The receipt with the checkpoint of `size` entries before, sealed `seconds` from the receipt's own block."""
    sealed_ms = int((SEALED + timedelta(seconds=seconds)).timestamp() * 1000)
    before = world.but(documents=size, sealed_ms=sealed_ms, block_number=11, **changes)
    proof = tuple(merkle.consistency_proof(world.leaves(), size))
    return replace(world.receipt(), previous=Previous(before.checkpoint(), proof, before.anchor()))


def test_an_earlier_checkpoint_bounds_the_time_from_below(world: Any, authority: Any, stamped: Any) -> None:
    made = with_previous(world)
    report = verify(world.document, receipt.parse(made.to_bytes()), trusting(world, authority))
    assert report.ok, report.to_text()
    values = report.steps[13].outcome.values
    assert (values["not_before"], values["not_after"]) == ("2026-06-01T08:59:00Z", "2026-06-01T09:00:00Z")
    assert (values["before"], values["after"]) == ("baas.example/seal", "baas.example/seal")
    late = replace(made, timestamps=(stamped(body(made), SEALED - timedelta(seconds=30)),))
    values = verify(world.document, late, trusting(world, authority)).steps[13].outcome.values
    assert values["not_after"] == "2026-06-01T08:59:31Z"  # the stamp's accuracy is a second
    assert "TSA" in str(values["after"])


BAD_BOUNDS: dict[str, Any] = {
    "the entry was in it": lambda world: with_previous(world, size=5),
    "no proof": lambda world: _previous_but(world, consistency=()),
    "another key": lambda world: _previous_but(
        world, checkpoint=with_previous(world).previous.checkpoint.replace("— baas.example/log", "— other")
    ),
    "anchored at another size": lambda world: with_previous(world, anchored_size=2),
    "an untrusted contract": lambda world: with_previous(world, contract=b"\xc1" * 20, emitter=b"\xc1" * 20),
    "another contract's log": lambda world: with_previous(world, emitter=b"\xc1" * 20),
    "another chain's block": lambda world: with_previous(world, chain_id=1),
}


def _previous_but(world: Any, **changes: Any) -> Receipt:
    made = with_previous(world)
    assert made.previous is not None
    return replace(made, previous=replace(made.previous, **changes))


@pytest.mark.parametrize("vector", BAD_BOUNDS)
def test_an_earlier_checkpoint_that_does_not_hold(world: Any, vector: str) -> None:
    report = verify(world.document, BAD_BOUNDS[vector](world), world.trust())
    assert report.failed_step == "lower-bound", report.to_text()


@pytest.mark.parametrize("seconds", [0.5, 10.0, 15.0])
def test_clocks_that_are_a_little_off_are_said_and_bound_nothing(world: Any, seconds: float) -> None:
    report = verify(world.document, with_previous(world, seconds), world.trust())
    assert report.ok
    assert [step.outcome.key for step in report.flags] == ["bound.skewed"]
    assert report.steps[13].outcome.values["skew_ms"] == int(seconds * 1000)


@pytest.mark.parametrize("seconds", [15.1, 3600.0])
def test_clocks_that_contradict_each_other_are_refused(world: Any, seconds: float) -> None:
    report = verify(world.document, with_previous(world, seconds), world.trust())
    assert report.failed_step == "lower-bound"
    assert "contradict" in report.steps[13].outcome.text


def test_a_time_stamp_from_before_the_lower_bound_is_refused(
    world: Any, authority: Any, stamped: Any
) -> None:
    """The sealer's clock is an hour ahead of the authority's: nobody is told an interval."""
    made = with_previous(world)
    made = replace(made, timestamps=(stamped(body(made), SEALED - timedelta(hours=1)),))
    report = verify(world.document, made, trusting(world, authority))
    assert report.failed_step == "lower-bound"


# -- algorithms and renewals -----------------------------------------------------------------------


class Renewing(World):
    """A chain whose transaction notarises one root alone, as a renewal does."""

    root: bytes = b""

    def consensus_receipts(self) -> list[bytes]:
        import rlp

        topics = [keccak(text="Notarised(bytes32,address)"), self.root, self.account.rjust(32, b"\x00")]
        logs = [[self.emitter, topics, b""]]
        one = b"\x02" + rlp.encode([self.status, 21_000, b"\x00" * 256, logs])
        return [one]


def notarised(root: bytes, time: datetime, **changes: Any) -> Anchor:
    chain = Renewing(
        sealed_ms=int(time.timestamp() * 1000), transaction_index=0, transactions=1, log_index=0, **changes
    )
    chain.root = root
    return chain.anchor()


def renewed(
    world: Any,
    made: Receipt,
    time: datetime,
    *,
    slug: str = "sha3-256",
    document: bytes | None = None,
    **changes: Any,
) -> Receipt:
    """The receipt renewed with two others in one tree."""
    digest = hashlib.new(IMPRINTS[slug].hashlib_name, document or world.document).digest()
    bare = Renewal(slug, digest, 1, 3, ())
    leaves = [bytes(32), leaf_hash(slug, bare.subject(made)), b"\x01" * 32]
    tree = Tree(slug, leaves)
    anchor = notarised(tree.root, time, **changes)
    return replace(made, renewals=(*made.renewals, replace(bare, proof=tree.proof(1), anchor=anchor)))


def ended(world: Any, *slugs: str, until: datetime = END) -> TrustRoot:
    return replace(world.trust(), algorithms=tuple(AlgorithmEnd(slug, until) for slug in sorted(slugs)))


def test_the_end_of_sha_256(world: Any) -> None:
    """Refused after the end, but for what was renewed before it; a renewal that came later helps nobody."""
    made, trust = world.receipt(), ended(world, "sha-256")
    for moment, step in ((END - timedelta(seconds=1), None), (END, "algorithms"), (AFTER, "algorithms")):
        report = verify(world.document, made, trust, as_of=moment)
        assert report.failed_step == step
    assert key_of(verify(world.document, made, trust), 15) == "algorithms.undated"
    in_time = receipt.parse(renewed(world, made, END - timedelta(days=400)).to_bytes())
    report = verify(world.document, in_time, trust, as_of=AFTER)
    assert report.ok, report.to_text()
    assert (key_of(report, 15), key_of(report, 16)) == ("algorithms.hold", "renewal.renewed")
    assert "sha3-256" in str(report.steps[14].outcome.values["slugs"])
    late = renewed(world, made, END + timedelta(days=1))
    assert verify(world.document, late, trust, as_of=AFTER).failed_step == "algorithms"
    assert verify(world.document, late, trust).failed_step == "renewal"


def test_a_renewal_of_a_renewal(world: Any) -> None:
    trust = replace(world.trust(), algorithms=(AlgorithmEnd("sha-256", END), AlgorithmEnd("sha3-256", AFTER)))
    once = renewed(world, world.receipt(), END - timedelta(days=1))
    assert verify(world.document, once, trust, as_of=AFTER).failed_step == "algorithms"
    twice = renewed(world, once, AFTER - timedelta(days=1), slug="sha-256")  # any that has not ended would do
    assert verify(world.document, twice, trust, as_of=AFTER).failed_step == "algorithms"
    free = replace(trust, algorithms=(AlgorithmEnd("sha-512", END), AlgorithmEnd("sha3-256", AFTER)))
    assert verify(world.document, twice, free, as_of=AFTER).ok
    swapped = replace(twice, renewals=twice.renewals[::-1])
    assert verify(world.document, swapped, free, as_of=AFTER).failed_step == "algorithms"
    assert verify(world.document, swapped, free).failed_step == "renewal"


def test_the_chains_own_algorithms_may_end_too(world: Any) -> None:
    for slug in ("keccak-256", "ed25519"):
        report = verify(world.document, world.receipt(), ended(world, slug), as_of=AFTER)
        assert report.failed_step == "algorithms"
        assert report.steps[14].outcome.values["slug"] == slug


BAD_RENEWALS: dict[str, Any] = {
    "of another document": lambda world: renewed(world, world.receipt(), SEALED, document=b"another"),
    "of another receipt": lambda world: replace(
        world.receipt(), renewals=renewed(world, world.but(documents=6).receipt(), SEALED).renewals
    ),
    "a changed place": lambda world: _but(world, index=2),
    "a shortened proof": lambda world: _but(world, proof=()),
    "on no chain": lambda world: _but(world, anchor=None),
    "an untrusted contract": lambda world: renewed(
        world, world.receipt(), SEALED, contract=b"\xc1" * 20, emitter=b"\xc1" * 20
    ),
    "another contract's log": lambda world: renewed(world, world.receipt(), SEALED, emitter=b"\xc1" * 20),
    "a failed transaction": lambda world: renewed(world, world.receipt(), SEALED, status=b""),
    "before the receipt": lambda world: renewed(world, world.receipt(), SEALED - timedelta(minutes=1)),
    "the log's own anchor": lambda world: _but(world, anchor=world.anchor()),
}


def _but(world: Any, **changes: Any) -> Receipt:
    made = renewed(world, world.receipt(), SEALED)
    return replace(made, renewals=(replace(made.renewals[0], **changes),))


@pytest.mark.parametrize("vector", BAD_RENEWALS)
def test_a_renewal_that_does_not_hold(world: Any, vector: str) -> None:
    report = verify(world.document, BAD_RENEWALS[vector](world), world.trust())
    assert report.failed_step == "renewal", report.to_text()


def test_a_renewal_needs_the_document_or_its_new_digest(world: Any) -> None:
    made = renewed(world, world.receipt(), SEALED)
    old = Digest("sha-256", hashlib.sha256(world.document).digest())
    report = verify(old, made, world.trust())
    assert report.ok
    assert key_of(report, 16) == "renewal.needs-document"


def test_time_stamps_alone_may_renew(world: Any, authority: Any, stamped: Any) -> None:
    made = renewed(world, world.receipt(), SEALED)
    root = Tree(
        "sha3-256",
        [bytes(32), leaf_hash("sha3-256", made.renewals[0].subject(world.receipt())), b"\x01" * 32],
    )
    token = stamped(root.root, SEALED + timedelta(days=1), "sha-512")
    only = replace(made, renewals=(replace(made.renewals[0], anchor=None, timestamps=(token,)),))
    report = verify(
        world.document, only, trusting(world, authority, AlgorithmEnd("sha-256", END)), as_of=AFTER
    )
    assert report.ok, report.to_text()
    wrong = replace(made, renewals=(replace(made.renewals[0], timestamps=(stamped(b"another"),)),))
    assert verify(world.document, wrong, trusting(world, authority)).failed_step == "renewal"


@pytest.mark.parametrize("size", range(1, 18))
def test_a_renewals_tree_is_rfc_9162s(size: int) -> None:
    leaves = [hashlib.sha256(b"%d" % number).digest() for number in range(size)]
    tree = Tree("sha-256", leaves)
    assert tree.root == merkle.root(leaves)
    assert [list(tree.proof(index)) for index in range(size)] == [
        merkle.inclusion_proof(leaves, index) for index in range(size)
    ]


# -- every bit counts ------------------------------------------------------------------------------

PARTS = 4


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("is_renewed", [False, True], ids=["stamped", "stamped and renewed"])
def test_a_bit_of_each_byte_of_a_receipt_with_everything(
    world: Any, authority: Any, stamped: Any, is_renewed: bool, part: int
) -> None:
    """A time-stamp, a lower bound, a renewal: refused, or the same report. A renewal covers every bit before it."""
    made = with_previous(world.but(transactions=1, transaction_index=0))
    made = replace(made, timestamps=(stamped(body(made)),))
    trust, as_of = trusting(world, authority), SEALED + timedelta(days=9)
    if is_renewed:
        made = renewed(world, made, END - timedelta(days=400))
        trust, as_of = trusting(world, authority, AlgorithmEnd("sha-256", END)), AFTER
    data, work = made.to_bytes(), SharedWork()
    true = encodings.verify(world.document, data, trust, as_of=as_of)
    assert true.ok, true.to_text()
    unauthenticated = 0
    for place in range(part, len(data), PARTS):
        try:
            proof = encodings.read(flipped(data, place * 8 + place % 8))
        except EvidenceError:
            continue
        report = encodings.verify(world.document, proof, trust, as_of=as_of, work=work)
        if report.ok:
            assert report.to_dict() == true.to_dict()
            unauthenticated += 1
    assert unauthenticated < (1 if is_renewed else 40)  # of a token: versions and lists that nothing reads
