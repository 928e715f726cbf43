"""The chain arm of a hand-over, on a real chain: what is made once, what evidence shows, and that it works after sleep."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from sqlmodel import col

from baas.audit.model import AuditRow
from baas.chains.leases import holding
from baas.deployments.model import Deployment
from baas.errors import Conflict, NotFound
from baas.pilots import collusion
from baas.pilots.arms import ArmEvidence, ArmTimeout
from baas.pilots.handover_arm import HandOverArm, HandOvers, hand_over_facts
from baas.settings import Settings
from baas.tenancy import Caller, CallerKind, Role, TenantScope, across_administrations
from baas.wiring import Services
from sandbox.errors import EvidenceError, RpcError
from sandbox.permissions import ActKind
from tests.baas.conftest import ShiftedClock
from tests.baas.flows import TEST, Place, accept, new_place

OTHER = "9999990002"
DIGEST = hashlib.sha256(b"expedient fictici").digest()
NEVER = threading.Event()


@dataclass(frozen=True)
class Two:
    """A service in which one administration has a chain in use, and a mandate of another one as developer."""

    services: Services
    place: Place
    scope: TenantScope

    @property
    def hand_overs(self) -> HandOvers:
        return hand_overs_of(self.services)

    def arm(self) -> HandOverArm:
        return self.hand_overs.open(self.scope, self.place.code, OTHER, NEVER)


def hand_overs_of(services: Services) -> HandOvers:
    return services.runs._hand_overs


def two_of(services: Services) -> Two:
    place = new_place(services)
    staff = TenantScope(Caller(CallerKind.OPERATOR, "operator"))
    with services.store.session() as session:
        other = services.administrations.create(session, staff, OTHER, "Roquesalbes", "ajuntament")
    roles = {**place.scope.caller.roles, other.id: frozenset({Role.DEVELOPER})}
    scope = TenantScope(replace(place.scope.caller, roles=roles))
    accept(services, place, b"un document, i amb ell el llibre de documents")
    return Two(services, place, scope)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    services = Services.build(
        Settings(data=tmp_path_factory.mktemp("hand-overs") / "data", port=0), ShiftedClock()
    )
    services.start()
    yield two_of(services)
    services.stop()


@pytest.fixture(scope="module")
def made(two: Two) -> tuple[HandOverArm, ArmEvidence]:
    arm = two.arm()
    return arm, arm.submit(DIGEST, 30.0)


def test_a_hand_over_gives_evidence_that_verifies_offline(made: tuple[HandOverArm, ArmEvidence]) -> None:
    arm, evidence = made
    arm.verify(DIGEST, evidence.content)
    arm.confirm(DIGEST, evidence.content)
    assert evidence.verifiable_until_ms is None
    assert evidence.once_only is None
    with pytest.raises(EvidenceError):
        arm.verify(hashlib.sha256(b"another").digest(), evidence.content)
    with pytest.raises(EvidenceError):
        arm.verify(DIGEST, evidence.content[:-1])


def test_evidence_is_judged_by_the_bodies_that_the_verifier_knows(
    two: Two, made: tuple[HandOverArm, ArmEvidence]
) -> None:
    """The other way round, or with somebody else in the place of one of them, it is not theirs."""
    arm, evidence = made
    giver, taker = arm.place.giver, arm.place.taker
    for changed in (
        replace(arm.place, giver=taker, taker=giver),
        replace(arm.place, taker=replace(taker, address=bytes(range(20)))),
        replace(arm.place, contract=bytes(range(20))),
    ):
        other = HandOverArm(two.services.chains, changed, arm._root, NEVER)
        with pytest.raises(EvidenceError):
            other.verify(DIGEST, evidence.content)


def test_two_hand_overs_of_one_document_have_nothing_in_common_on_the_chain(
    made: tuple[HandOverArm, ArmEvidence],
) -> None:
    arm, first = made
    second = arm.submit(DIGEST, 30.0)
    arm.verify(DIGEST, second.content)
    assert second.content != first.content
    assert second.stated_ms >= first.stated_ms


def test_what_is_there_is_used_again(two: Two, made: tuple[HandOverArm, ArmEvidence]) -> None:
    """Accounts, permissions and contract are made once for a chain and two bodies, in whichever order they are named."""
    arm, evidence = made

    def rows() -> tuple[int, int]:
        with two.services.store.reading() as session:
            deployed = session.exec(
                across_administrations(Deployment, TEST).where(Deployment.template == "hand-over")
            ).all()
            acts = session.exec(
                across_administrations(AuditRow, TEST).where(
                    col(AuditRow.action).in_(["account.create", "permission.add", "template.deploy"])
                )
            ).all()
        return len(deployed), len(acts)

    before = rows()
    again = two.arm()
    assert again.place == arm.place
    again.verify(DIGEST, evidence.content)
    assert rows() == before
    assert before[0] == 1


def test_a_body_may_send_to_the_contract_and_nowhere_else(
    two: Two, made: tuple[HandOverArm, ArmEvidence]
) -> None:
    arm, _ = made
    with holding():
        chain = two.services.chains.awake(arm.place.chain)
        for body in (arm.place.giver, arm.place.taker):
            (held,) = chain.permissions(address=body.address)
            assert (held.act, held.target) == (ActKind.SEND, arm.place.contract)
            with pytest.raises(RpcError):
                chain.send(body.label, to=two.place.notary.address, data=b"")
            with pytest.raises(RpcError):
                chain.send(body.label, to=None, data=b"\x00")


def test_it_works_after_the_chain_slept(two: Two, made: tuple[HandOverArm, ArmEvidence]) -> None:
    arm, before = made
    assert two.services.fleet.hibernate(arm.place.chain, 20.0)
    arm.verify(DIGEST, before.content)  # needs no chain
    after = arm.submit(DIGEST, 30.0)
    arm.verify(DIGEST, after.content)


def test_a_step_without_a_block_in_time_is_no_evidence(
    two: Two, made: tuple[HandOverArm, ArmEvidence]
) -> None:
    arm, _ = made
    with pytest.raises(ArmTimeout):
        arm.submit(DIGEST, 0.0)


def test_a_run_that_is_stopped_does_not_wait_for_its_time_limit(
    two: Two, made: tuple[HandOverArm, ArmEvidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    arm, _ = made
    stopped = threading.Event()
    stopped.set()
    ending = HandOverArm(two.services.chains, arm.place, arm._root, stopped)
    with pytest.raises(ArmTimeout, match="stopped"):
        ending.submit(DIGEST, 600.0)


def test_somebody_elses_chain_is_not_there(two: Two) -> None:
    roles = {two.scope.caller.administration_id or "": frozenset(Role)}
    mine_alone = TenantScope(replace(two.scope.caller, roles=roles))
    with pytest.raises(NotFound):
        two.hand_overs.open(mine_alone, OTHER, two.place.code, NEVER)
    with pytest.raises(Conflict, match="notarised nothing"):
        two.hand_overs.open(two.scope, OTHER, two.place.code, NEVER)


def test_another_process_goes_on_where_the_first_one_ended(settings: Settings) -> None:
    """Nothing of the place is remembered but on disk."""
    clock = ShiftedClock()
    services = Services.build(settings, clock)
    services.start()
    two = two_of(services)
    arm = two.arm()
    before = arm.submit(DIGEST, 30.0)
    services.stop()
    again = Services.build(settings, clock)
    again.start()
    try:
        later = hand_overs_of(again).open(two.scope, two.place.code, OTHER, NEVER)
        assert later.place == arm.place
        later.verify(DIGEST, before.content)
        later.verify(DIGEST, later.submit(DIGEST, 30.0).content)
    finally:
        again.stop()


def test_who_must_collude_is_counted_from_who_holds_which_key() -> None:
    assert hand_over_facts().capabilities.operators_who_must_collude == 1, "the sandbox holds all of them"
    assert collusion.of_hand_over("operator", "first body", "second body") == 2
    assert collusion.of_hand_over("operator", "operator", "second body") == 1
    assert collusion.of_hand_over("first body", "first body", "second body") == 1
