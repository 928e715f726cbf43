"""Who must collude is counted from who holds which key, and the arms declare no other number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas.ades.types import Level
from baas.connectors import ConnectorSettings, Environment, connectors
from baas.pilots.collusion import NEEDED, fewest, of_arm, of_chain
from sandbox.evidence.cosignature import Cosigner
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.trust import TrustedKey, TrustedLog, TrustedWitness, TrustRoot, Witnesses
from tests.baas.conftest import World

NOW = datetime(2026, 11, 27, tzinfo=UTC)
AOC, TOWN, OTHER = "AOC", "the administration", "another authority"


@pytest.mark.parametrize(
    ("slug", "holders", "level", "number"),
    [
        ("timestamp", {"authority": AOC}, Level.T, 1),
        ("csv", {"site": TOWN}, Level.T, 1),
        ("exchange", {"exchange": AOC, "authority": AOC}, Level.T, 1),
        ("exchange", {"exchange": AOC, "authority": OTHER}, Level.T, 2),  # somebody else's time-stamps
        ("log", {"authority": AOC}, Level.T, 1),
        ("log", {"authority": OTHER}, Level.T, 1),  # nobody but the log's operator can check the HMACs
        ("seal", {"sealing": AOC, "authority": AOC}, Level.T, 1),  # embedded, or all at one service
        ("seal", {"sealing": TOWN, "authority": AOC}, Level.T, 2),  # its own key, somebody else's time-stamps
        ("seal", {"sealing": TOWN, "authority": AOC}, Level.B, 1),  # no time-stamp: nothing binds the time
    ],
)
def test_an_arm_is_as_strong_as_its_keys_are_in_different_hands(
    slug: str, holders: dict[str, str], level: Level, number: int
) -> None:
    assert of_arm(slug, holders, level) == number


def test_every_arm_is_counted_and_none_declares_another_number(world: World) -> None:
    """Each connector asks one service, which holds every key of its arm."""
    assert set(NEEDED) == set(connectors())
    root = world.server.services.trust_service.roots_pem
    settings = ConnectorSettings("http://127.0.0.1:9", root, Environment.LAB_EMULATOR, secret="x")
    for slug, connector in connectors().items():
        opened = connector.open(settings)
        declared = opened.capabilities.operators_who_must_collude
        opened.close()
        assert declared == of_arm(slug, dict.fromkeys(NEEDED[slug], "the service")), slug


keys = st.lists(st.frozensets(st.sampled_from("abcd"), min_size=1), max_size=5)


@given(keys)
def test_the_fewest_have_every_key_and_no_fewer_have(needed: list[frozenset[str]]) -> None:
    number = fewest(needed)
    assert number <= len(needed)
    assert number <= len(frozenset().union(*needed))
    assert (number == 0) is (not needed)
    if needed:
        common = frozenset.intersection(*needed)
        assert (number == 1) is bool(common)
    for more in "abcd":  # a key more never makes it fewer, and one that they have changes nothing
        assert fewest([*needed, frozenset(more)]) in (number, number + 1)


def test_a_key_that_nobody_holds_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="nobody holds"):
        fewest([frozenset("a"), frozenset()])


def root_of(*logs: Witnesses | None) -> TrustRoot:
    signer = NoteSigner("log.example", bytes(32))
    return TrustRoot(
        tuple(
            TrustedLog(
                f"log{number}.example", 1, (),
                (TrustedKey(signer.verifier, NOW - timedelta(days=1)),), AOC, witnesses,
            )
            for number, witnesses in enumerate(logs)
        ),
        (),
    )  # fmt: skip


def witnesses(threshold: int, *operators: str) -> Witnesses:
    return Witnesses(
        threshold,
        tuple(
            TrustedWitness(
                Cosigner(f"w{n}.example", bytes([n + 1]) * 32).verifier, operator, NOW - timedelta(days=1)
            )
            for n, operator in enumerate(operators)
        ),
    )


@pytest.mark.parametrize(
    ("logs", "number"),
    [
        ((), 1),
        ((None,), 1),
        ((witnesses(1, AOC),), 1),  # its own witness adds nobody
        ((witnesses(1, TOWN),), 2),
        ((witnesses(2, TOWN, OTHER),), 3),
        ((witnesses(2, TOWN, OTHER, "third"),), 2),
        ((witnesses(1, TOWN, OTHER),), 1),  # honest witnesses can be shared out between two views
        ((witnesses(2, TOWN, OTHER), None), 1),  # the weakest log counts
    ],
)
def test_a_chain_is_as_strong_as_the_weakest_of_its_logs(
    logs: tuple[Witnesses | None, ...], number: int
) -> None:
    assert of_chain(root_of(*logs), NOW) == number


def test_a_witness_that_was_retired_counts_for_both_views() -> None:
    (kept, gone) = witnesses(2, TOWN, OTHER).keys
    retired = TrustedWitness(gone.verifier, gone.operator, gone.valid_from, NOW - timedelta(hours=1))
    assert of_chain(root_of(Witnesses(2, (kept, retired))), NOW) == 3
