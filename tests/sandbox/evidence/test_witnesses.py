"""Step 13: who cosigned, whether they are enough, and what it takes to show another view of the log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.errors import MalformedEvidence
from sandbox.evidence import receipt, trust
from sandbox.evidence.cosignature import CosignatureVerifier, Cosigner, with_cosignatures
from sandbox.evidence.policy import STANDARD, Policy
from sandbox.evidence.report import Result
from sandbox.evidence.trust import TrustedWitness, Witnesses
from sandbox.evidence.verify import verify, verify_many

FROM, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
NOON = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp())
DEMANDED = Policy(STANDARD.required | {"witnesses"})
A, B, C = (Cosigner(f"{name}.example/w1", name.encode() * 32) for name in "abc")


def witness(cosigner: Cosigner, operator: str = "", **more: Any) -> TrustedWitness:
    operator = operator or f"Vila {cosigner.verifier.name[0].upper()}"
    return TrustedWitness(**{"verifier": cosigner.verifier, "operator": operator, "valid_from": FROM} | more)


def demanding(world: Any, threshold: int, *keys: TrustedWitness, operator: str = "Plataforma") -> Any:
    root = world.trust()
    (log,) = root.logs
    log = replace(log, operator=operator, witnesses=Witnesses(threshold, keys))
    made = replace(root, logs=(log,))
    assert trust.parse(made.to_bytes()) == made
    return made


def cosigned(world: Any, *cosigners: Cosigner, time: int = NOON) -> Any:
    made = world.receipt()
    text = made.checkpoint.partition("\n\n")[0] + "\n"
    lines = [each.cosign(text, time + i) for i, each in enumerate(cosigners)]
    made = replace(made, checkpoint=with_cosignatures(made.checkpoint, lines))
    assert receipt.parse(made.to_bytes()) == made
    return made


def step(world: Any, made: Any, root: Any) -> Any:
    report = verify(world.document, made, root, DEMANDED)
    assert report == next(verify_many([(world.document, made)], root, DEMANDED))
    outcome = report.steps[12].outcome
    assert (report.steps[12].number, report.steps[12].name, report.steps[12].layer) == (
        13,
        "witnesses",
        "log",
    )
    assert report.ok == (outcome.result is Result.PASSED)
    assert report.failed_step in (None, "witnesses")
    return outcome


def test_two_of_three_towns_cosigned(world: Any) -> None:
    root = demanding(world, 2, witness(A), witness(B), witness(C))
    found = step(world, cosigned(world, A, C), root)
    assert (found.result, found.key, found.flag) == (Result.PASSED, "witnesses.cosigned", False)
    assert (found.values["count"], found.values["threshold"], found.values["operators"]) == (2, 2, 2)
    assert "a.example/w1 (Vila A) 2026-06-01T12:00:00Z, c.example/w1 (Vila C)" in found.text
    assert "without any legal presumption" in found.text
    assert verify(world.document, cosigned(world, A, C), root).layers["log"] is Result.PASSED


def test_fewer_than_demanded_are_refused_and_the_missing_ones_named(world: Any) -> None:
    root = demanding(world, 2, witness(A), witness(B), witness(C))
    for made, count in ((cosigned(world, B), 1), (world.receipt(), 0)):
        found = step(world, made, root)
        assert (found.result, found.key, found.values["count"]) == (Result.FAILED, "witnesses.few", count)
        assert "missing: a.example/w1" in found.text
        assert not verify(world.document, made, root).ok  # also where the policy does not ask for the step


def test_a_trust_root_without_witnesses_demands_none_and_reads_no_cosignature(world: Any) -> None:
    made = cosigned(world, A)
    report = verify(world.document, made, world.trust())
    assert (report.ok, report.steps[12].outcome.key) == (True, "witnesses.none")
    assert not verify(world.document, made, world.trust(), DEMANDED).ok


@pytest.mark.parametrize("operator", ["Plataforma", "Vila A"])
def test_run_by_one_operator_alone_it_says_one_and_flags_it(world: Any, operator: str) -> None:
    keys = [witness(each, operator) for each in (A, B)]
    found = step(world, cosigned(world, A, B), demanding(world, 2, *keys, operator=operator))
    assert (found.key, found.flag, found.values["operators"]) == ("witnesses.alone", True, 1)


def test_a_forged_cosignature_of_a_known_witness_refuses_the_receipt(world: Any) -> None:
    root = demanding(world, 1, witness(A), witness(B))
    liar = Cosigner(A.verifier.name, b"z" * 32)
    good, forged = cosigned(world, B), liar.cosign("another text\n", NOON)
    forged = replace(forged, verifier=A.verifier)  # A's name and key id, another's signature
    made = replace(good, checkpoint=with_cosignatures(good.checkpoint, [forged]))
    found = step(world, made, root)
    assert (found.result, found.key) == (Result.FAILED, "witnesses.refused")
    assert "a.example/w1" in found.text


def test_a_cosignature_by_another_key_of_that_name_is_nobodys(world: Any) -> None:
    found = step(
        world, cosigned(world, Cosigner(A.verifier.name, b"z" * 32)), demanding(world, 1, witness(A))
    )
    assert (found.key, found.values["count"]) == ("witnesses.few", 0)


def test_a_cosignature_replayed_from_another_checkpoint_is_refused(world: Any) -> None:
    other = world.but(documents=6)
    text = other.receipt().checkpoint.partition("\n\n")[0] + "\n"
    made = world.receipt()
    made = replace(made, checkpoint=with_cosignatures(made.checkpoint, [A.cosign(text, NOON)]))
    assert step(world, made, demanding(world, 1, witness(A))).key == "witnesses.refused"


@pytest.mark.parametrize(
    ("time", "counts"),
    [(FROM, True), (UNTIL, False), (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), False)],
)
def test_a_cosignature_counts_in_its_key_s_time_by_the_witness_s_own_clock(
    world: Any, time: datetime, counts: bool
) -> None:
    root = demanding(world, 1, witness(A, valid_until=UNTIL))
    found = step(world, cosigned(world, A, time=int(time.timestamp())), root)
    assert (found.result is Result.PASSED) == counts


def test_a_time_outside_of_the_calendar_fails_and_breaks_nothing(world: Any) -> None:
    found = step(world, cosigned(world, A, time=2**62), demanding(world, 1, witness(A)))
    assert found.result is Result.FAILED


def test_a_witness_with_a_new_key_is_still_one_witness(world: Any) -> None:
    newer = Cosigner(A.verifier.name, b"n" * 32)
    summer = datetime(2026, 7, 1, tzinfo=UTC)
    keys = (witness(A, valid_until=summer), witness(newer, valid_from=summer), witness(B), witness(C))
    root = demanding(world, 2, *keys)
    assert step(world, cosigned(world, A, newer), root).values["count"] == 1  # and newer is not valid yet
    found = step(world, cosigned(world, A, B), root)
    assert (found.values["count"], found.values["operators"]) == (2, 2)
    with pytest.raises(MalformedEvidence, match="from 1 to their number, 3"):
        Witnesses(4, keys)
    with pytest.raises(MalformedEvidence, match="operators of one witness"):
        Witnesses(1, (witness(A), replace(witness(newer), operator="Vila Z")))


def test_a_retired_witness_can_only_be_dated_back_so_it_weighs_twice(world: Any) -> None:
    spring = datetime(2026, 5, 1, tzinfo=UTC)
    root = demanding(world, 3, witness(A), witness(B), witness(C), witness(RETIRED, valid_until=spring))
    assert step(world, cosigned(world, A, B, C), root).values["operators"] == 3  # it and one more


RETIRED = Cosigner("d.example/w1", b"d" * 32)


@pytest.mark.parametrize(
    "broken",
    [
        {"threshold": 0},
        {"threshold": 3},
        {"threshold": True},
        {"keys": []},
        {"more": 1},
    ],
)
def test_malformed_witnesses_of_a_trust_root(world: Any, broken: dict[str, Any]) -> None:
    from sandbox.evidence.canonical import dumps

    value: Any = demanding(world, 1, witness(A), witness(B)).to_json()
    value["logs"][0]["witnesses"].update(broken)
    with pytest.raises(MalformedEvidence):
        trust.parse(dumps(value))


def test_a_log_s_key_is_no_witness_s(world: Any) -> None:
    from sandbox.evidence.canonical import dumps

    value: Any = demanding(world, 1, witness(A)).to_json()
    value["logs"][0]["witnesses"]["keys"][0]["key"] = world.log_signer.verifier.vkey
    with pytest.raises(MalformedEvidence, match="expected type 4"):
        trust.parse(dumps(value))
    assert isinstance(A.verifier, CosignatureVerifier)


def test_each_bit_of_the_cosignatures_counts_where_just_enough_are_there(world: Any) -> None:
    root = demanding(world, 2, witness(A), witness(B))
    good = cosigned(world, A, B)
    expected = verify(world.document, good, root)
    assert expected.ok
    data = good.checkpoint.encode()
    start = data.index("— a.example".encode())
    for position in range(start, len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 7
        try:
            report = verify(world.document, replace(good, checkpoint=changed.decode()), root)
        except UnicodeDecodeError:
            continue
        assert not report.ok or report == expected, position
