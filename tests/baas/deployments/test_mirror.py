"""The mirror on the chain: after every change and a while, a reader there is told what the gateway would say."""

from __future__ import annotations

import random
import time

import pytest

from baas.deployments.service import MIRROR
from baas.wiring import Services
from sandbox import mirror
from sandbox.abi import decode_result, encode_call
from sandbox.chain import Chain
from sandbox.permissions import Act, ActKind, Permission, Permissions, Role, transaction_allowed
from tests.baas.flows import Place, new_place, until

ADDRESSES = [bytes([number]) * 20 for number in range(1, 5)]
FUNCTIONS = [bytes.fromhex(each) for each in ("11223344", "a9059cbb")]
PAST, FUTURE = 1_600_000_000, 2**40 - 1


def some_permission(chance: random.Random) -> Permission:
    act = chance.choice(list(ActKind))
    send = act is ActKind.SEND
    return Permission(
        chance.choice(ADDRESSES),
        act,
        chance.choice(list(Role)),
        chance.choice([None, *ADDRESSES]) if send else None,
        chance.choice([None, *FUNCTIONS]) if send else None,
        chance.choice([None, 0, 1, 2**256 - 1]),
        chance.choice([None, PAST, FUTURE]),
    )


def some_act(chance: random.Random) -> Act:
    payload = chance.choice([b"", b"\x11\x22\x33", *(each + b"\x01" for each in FUNCTIONS)])
    value = chance.choice([0, 1, 2, 2**256 - 1])
    return Act(chance.choice(ADDRESSES), chance.choice([None, *ADDRESSES]), value, 0, 100_000, payload)


def shown(services: Services, place: Place, contract: str) -> int:
    return mirror.revision(services.chains.awake(place.chain.id), bytes.fromhex(contract[2:]))


def allowed(chain: Chain, contract: str, act: Act) -> bool:
    """EEA's question, as a reader on the chain gets it answered."""
    question = (act.sender, act.target or bytes(20), act.value, act.gas_price, act.gas_limit, act.payload)
    data = encode_call(mirror.artifact(), "transactionAllowed", *question)
    answer = bytes.fromhex(chain.read("eth_call", {"to": contract, "data": f"0x{data.hex()}"}, "latest")[2:])
    return bool(decode_result(mirror.artifact(), "transactionAllowed", answer)[0])


def mirrored(services: Services, place: Place, contract: str) -> bool:
    awake = services.chains.awake(place.chain.id)
    return shown(services, place, contract) == awake.permission_changes(limit=10**6)[-1].id


def agrees(services: Services, place: Place, contract: str, acts: list[Act]) -> None:
    awake = services.chains.awake(place.chain.id)
    held = Permissions.these(awake.permissions(), suspended=awake._permissions.current().suspended)
    for act in acts:
        ruling = transaction_allowed(held, act, time.time())
        assert allowed(awake, contract, act) == ruling.allowed, (act, ruling)


@pytest.fixture
def place(services: Services) -> Place:
    return new_place(services)


@pytest.mark.timeout(300)
def test_after_changes_and_a_while_the_chain_says_what_the_gateway_says(
    services: Services, place: Place
) -> None:
    chance = random.Random(3)
    contract = services.deployments.deploy(place.scope, place.chain.id, MIRROR, {}).address
    acts = [some_act(chance) for _ in range(60)]
    awake = services.chains.awake(place.chain.id)
    for _ in range(4):
        for _ in range(8):
            permission = some_permission(chance)
            awake._permissions.add([permission], "test")
        for each in chance.sample(awake.permissions()[2:], 3):  # the anchoring account keeps its own
            awake.withdraw(each.id)
        until(lambda: mirrored(services, place, contract))
        agrees(services, place, contract, acts)


def test_a_suspended_chain_is_seen_as_such_once_it_is_resumed(services: Services, place: Place) -> None:
    """While it is suspended not even the mirror may send; whoever reads is told when it goes on."""
    contract = services.deployments.deploy(place.scope, place.chain.id, MIRROR, {}).address
    awake = services.chains.awake(place.chain.id)
    until(lambda: mirrored(services, place, contract))
    awake.suspend()
    awake.suspend(False)
    until(lambda: mirrored(services, place, contract))


def test_what_a_stop_left_behind_is_made_good_at_the_next_waking(services: Services, place: Place) -> None:
    contract = services.deployments.deploy(place.scope, place.chain.id, MIRROR, {}).address
    until(lambda: mirrored(services, place, contract))
    services.chains.awake(place.chain.id).on_permissions = lambda: None  # as if the process ended right here
    services.chains.awake(place.chain.id).allow(ADDRESSES[0], "send")
    assert not mirrored(services, place, contract)
    services.chains.stop(place.scope, place.chain.id)
    services.chains.start(place.scope, place.chain.id)
    until(lambda: mirrored(services, place, contract))
    agrees(services, place, contract, [Act(ADDRESSES[0], ADDRESSES[1], 0, 0, 0, b"")])
