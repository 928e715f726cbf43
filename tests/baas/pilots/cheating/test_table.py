"""The whole table, arm by arm, as a pilot gets it: the one of decision 40."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from baas.connectors import Environment, Subject, connectors
from baas.metrics import CHAIN, OF_A_HAND_OVER, OF_A_RECORD, Attack, Trial
from baas.protocols.pci.products import mux
from baas.wiring import Services
from tests.baas.conftest import serving
from tests.baas.flows import Place
from tests.baas.pilots.cheating.conftest import examiner_of

#: Arm, and for each attack who notices with which file; `asks` where the operator's own site must be asked; `-` nobody.
TABLE = """
           back_date       delete           reorder           rewrite           equivocate                   none
chain      holder:receipt  holder:receipt   holder:receipt    holder:receipt    third_party:two_checkpoints  -
log        holder:log_file holder:log_file  holder:log_file   holder:log_file   third_party:two_log_files    -
seal       -               holder:seal      -                 -                 -                            -
timestamp  -               holder:token     -                 -                 -                            -
csv        -               holder:code:asks holder:code:asks  holder:code:asks  third_party:two_codes        -
exchange   -               holder:evidence  holder:evidence   holder:evidence   third_party:two_evidences    -
"""


def expected() -> dict[tuple[str, str], str]:
    """Of the arms that there are. The exchange's files are named shorter above."""
    head, *rows = (line.split() for line in TABLE.strip().splitlines())
    return {
        (arm, attack): cell.replace("evidence", "exchange_evidence")
        for arm, *cells in rows
        for attack, cell in zip(head, cells, strict=True)
        if arm in (CHAIN, *connectors())
    }


def cell(trials: list[Trial]) -> str:
    (said,) = {
        ":".join([each.noticed_by, each.with_file, *([] if each.without_operator else ["asks"])])
        if each.noticed
        else "-"
        for each in trials
    }
    return said


@pytest.fixture(scope="module")
def trials(cheated: tuple[Services, Place]) -> list[Trial]:
    services, place = cheated
    with serving(services) as url, ExitStack() as stack:
        services.address.is_at(url)
        services.exchange_service.authorise(place.code, mux.PRODUCT, mux.ENTRY, "PROVES")
        services.exchange_service.serve()
        settings_of = services.pilots._opening.settings_of
        opened = {
            slug: stack.enter_context(closing(made.open(settings_of(slug, place.code))))
            for slug, made in connectors().items()
        }
        return list(examiner_of(services, 2)(place.scope, place.code, opened))


@pytest.mark.parametrize(("arm", "attack"), expected())
def test_who_notices(trials: list[Trial], arm: str, attack: str) -> None:
    found = [each for each in trials if (each.arm, each.attack.value) == (arm, attack)]
    assert [each.number for each in found] == [0, 1]
    assert cell(found) == expected()[arm, attack], found[0].detail


def test_every_attack_was_tried_on_every_arm_and_nothing_else(trials: list[Trial]) -> None:
    assert {(each.arm, each.attack.value) for each in trials} == set(expected())
    assert {arm for arm, _ in expected()} == {CHAIN, *connectors()}
    assert {attack for _, attack in expected()} == {each.value for each in OF_A_RECORD}


def test_an_arm_whose_operators_keys_are_not_here_is_not_tried(cheated: tuple[Services, Place]) -> None:
    services, place = cheated
    with serving(services) as url:
        services.address.is_at(url)
        settings = services.pilots._opening.settings_of("timestamp", place.code)
        outside = connectors()["timestamp"].open(replace(settings, environment=Environment.PREPRODUCTION))
        with closing(outside):
            found = list(examiner_of(services, 1)(place.scope, place.code, {"timestamp": outside}))
    assert {each.arm for each in found} == {CHAIN}


def test_a_hand_over_has_attacks_of_its_own_on_both_arms(cheated: tuple[Services, Place]) -> None:
    """Nobody takes a body's step without its key, where the bodies are known; with the key nobody notices."""
    services, place = cheated
    two = [slug for slug, each in connectors().items() if Subject.HAND_OVER in each.subjects]
    with serving(services) as url, ExitStack() as stack:
        services.address.is_at(url)
        services.exchange_service.serve()
        settings_of = services.pilots._opening.settings_of
        opened = {
            slug: stack.enter_context(closing(connectors()[slug].open(settings_of(slug, place.code))))
            for slug in two
        }
        found = list(examiner_of(services, 1)(place.scope, place.code, opened, Subject.HAND_OVER))
    assert {(each.arm, each.attack) for each in found} == {
        (arm, attack) for arm in (CHAIN, *two) for attack in OF_A_HAND_OVER
    }
    by_verifier = {
        each.arm for each in found if each.attack is Attack.IMPERSONATE and each.noticed_by == "verifier"
    }
    assert by_verifier == {CHAIN, *two}
    unseen = {Attack.IMPERSONATE_WITH_KEY, Attack.NONE}
    assert {each.attack for each in found if not each.noticed} == unseen
