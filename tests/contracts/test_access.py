"""Who may write, and that a pause stops every write and no read; for each contract, function by function."""

from typing import Any

import pytest
from eth_hash.auto import keccak

from sandbox.artifacts import artifact_names, load_artifact
from tests.contracts.evm import Contract, Evm
from tests.contracts.rfc9162 import leaf, mth, path, proof

LEAVES = [leaf(bytes([n])) for n in range(12)]
A, B, C = (bytes([n]) * 32 for n in (1, 2, 3))
INCLUDED = (LEAVES[3], 3, path(3, LEAVES[:5]), mth(LEAVES[:5]))
ADMIN, WORKER, STRANGER, NEWCOMER = 1, 2, 3, 4
SOMEBODY = "0x" + "a1" * 20
#: eth-tester's account 5: the body beside the one that works.
OTHER_BODY = "0xe57bfe9f44b819898f47bf37e5af72a0783e1141"

#: Each contract's writing functions: the role, and arguments with which they succeed after `prepare`.
WRITES: dict[str, dict[str, tuple[str, tuple[Any, ...]]]] = {
    "DocumentNotary": {
        "notarise": ("NOTARY_ROLE", (B,)),
        "notariseBatch": ("NOTARY_ROLE", (mth(LEAVES), 5, 12)),
        "supersede": ("NOTARY_ROLE", (A, B)),
        "supersedeBatched": ("NOTARY_ROLE", (*INCLUDED, B)),
        "revoke": ("REVOKER_ROLE", (A, 1)),
        "revokeBatched": ("REVOKER_ROLE", (*INCLUDED, 1)),
    },
    "HashRegistry": {"advance": ("REGISTRAR_ROLE", (12, mth(LEAVES), proof(5, LEAVES)))},
    "AccountAllowlist": {"mirror": ("MIRROR_ROLE", (5, 12, False, [(SOMEBODY, 0, [])]))},
    "HandOver": {
        "offer": ("BODY_ROLE", (C, OTHER_BODY)),
        "accept": ("BODY_ROLE", (A,)),
        "reject": ("BODY_ROLE", (A, C)),
        "complete": ("BODY_ROLE", (B, C)),
    },
}
WORKERS = {
    "DocumentNotary": "NOTARY_ROLE",
    "HashRegistry": "REGISTRAR_ROLE",
    "AccountAllowlist": "MIRROR_ROLE",
    "HandOver": "BODY_ROLE",
}
#: What a constructor takes besides the admin and the account that works.
MORE: dict[str, tuple[str, ...]] = {"HandOver": (OTHER_BODY,)}
READS: dict[str, list[tuple[str, tuple[Any, ...]]]] = {
    "DocumentNotary": [
        ("entry", (A,)),
        ("batchedEntry", (LEAVES[3],)),
        ("size", ()),
        ("anchoredAt", (INCLUDED[3],)),
        ("sizeAt", (INCLUDED[3],)),
        ("verifyBatched", INCLUDED),
    ],
    "HashRegistry": [
        ("size", ()),
        ("root", ()),
        ("anchoredAt", (INCLUDED[3],)),
        ("verifyInclusion", INCLUDED[:3]),
    ],
    "AccountAllowlist": [
        ("transactionAllowed", (SOMEBODY, SOMEBODY, 0, 0, 0, b"")),
        ("suspended", ()),
        ("readAllowList", (SOMEBODY,)),
        ("readDeployerAllowList", (SOMEBODY,)),
        ("permissionsOf", (SOMEBODY, 0)),
        ("revision", ()),
        ("mirroredAt", ()),
    ],
    "HandOver": [("handOver", (A,)), ("handOver", (B,)), ("handOver", (C,))],
}
CASES = [(name, function) for name, writes in WRITES.items() for function in writes]


def role_id(role: str) -> bytes:
    return bytes(32) if role == "DEFAULT_ADMIN_ROLE" else keccak(role.encode())


def prepare(evm: Evm, name: str) -> Contract:
    contract = evm.deploy(name, evm.accounts[ADMIN], evm.accounts[WORKER], *MORE.get(name, ()))
    if name == "DocumentNotary":
        contract.does(evm.accounts[WORKER], "notarise", A)
        contract.does(evm.accounts[WORKER], "notariseBatch", INCLUDED[3], 0, 5)
    elif name == "HashRegistry":
        contract.does(evm.accounts[WORKER], "advance", 5, INCLUDED[3], [])
    elif name == "HandOver":
        contract.does(OTHER_BODY, "offer", A, evm.accounts[WORKER])
        contract.does(OTHER_BODY, "offer", B, evm.accounts[WORKER])
        contract.does(evm.accounts[WORKER], "accept", B)
    else:
        anything = (1, False, False, bytes(4), "0x" + "00" * 20, 0, 0)
        contract.does(evm.accounts[WORKER], "mirror", 0, 5, False, [(SOMEBODY, 0, [anything])])
    return contract


def holder(evm: Evm, name: str, role: str) -> str:
    return evm.accounts[WORKER if role == WORKERS[name] else ADMIN]


def refused(account: str, role: str) -> str:
    return f"AccessControlUnauthorizedAccount(account={account}, neededRole=0x{role_id(role).hex()})"


def test_every_contract_and_every_writing_function_is_here() -> None:
    common = {"pause", "unpause", "grantRole", "revokeRole", "renounceRole"}
    assert sorted(WRITES) == artifact_names()
    for name in artifact_names():
        writing = {
            item["name"]
            for item in load_artifact(name).abi
            if item["type"] == "function" and item["stateMutability"] not in ("view", "pure")
        }
        assert writing == common | set(WRITES[name])


@pytest.mark.parametrize(("name", "function"), CASES)
def test_only_its_role_may_write(evm: Evm, name: str, function: str) -> None:
    contract = prepare(evm, name)
    role, arguments = WRITES[name][function]
    allowed = holder(evm, name, role)
    contract.accepts(allowed, function, *arguments)
    for account in {evm.accounts[n] for n in (0, ADMIN, WORKER, STRANGER)} - {allowed}:
        assert contract.refusal(account, function, *arguments) == refused(account, role)


@pytest.mark.parametrize(("name", "function"), CASES)
def test_a_pause_stops_every_write_until_it_is_lifted(evm: Evm, name: str, function: str) -> None:
    contract, admin = prepare(evm, name), evm.accounts[ADMIN]
    role, arguments = WRITES[name][function]
    sent = contract.does(admin, "pause")
    assert sent.events == [("Paused", {"account": admin})]
    assert contract.refusal(holder(evm, name, role), function, *arguments) == "EnforcedPause()"
    contract.does(admin, "unpause")
    contract.does(holder(evm, name, role), function, *arguments)


@pytest.mark.parametrize("name", sorted(READS))
def test_a_pause_stops_no_read(evm: Evm, name: str) -> None:
    contract = prepare(evm, name)
    before = [contract.read(function, *arguments) for function, arguments in READS[name]]
    contract.does(evm.accounts[ADMIN], "pause")
    assert contract.read("paused") is True
    assert [contract.read(function, *arguments) for function, arguments in READS[name]] == before


@pytest.mark.parametrize("name", sorted(WRITES))
def test_only_the_pauser_pauses(evm: Evm, name: str) -> None:
    contract = prepare(evm, name)
    for account in (evm.accounts[WORKER], evm.accounts[STRANGER]):
        assert contract.refusal(account, "pause") == refused(account, "PAUSER_ROLE")
        assert contract.refusal(account, "unpause") == refused(account, "PAUSER_ROLE")
    assert contract.refusal(evm.accounts[ADMIN], "unpause") == "ExpectedPause()"


@pytest.mark.parametrize("name", sorted(WRITES))
def test_the_deploying_account_gets_nothing_by_itself(evm: Evm, name: str) -> None:
    contract = prepare(evm, name)
    roles = {item["name"] for item in contract.artifact.abi if item.get("name", "").endswith("_ROLE")}
    for role in roles:
        assert contract.read(role) == role_id(role)
        assert not contract.read("hasRole", role_id(role), evm.accounts[0])


@pytest.mark.parametrize("name", sorted(WRITES))
def test_the_admin_grants_and_withdraws_and_nobody_else(evm: Evm, name: str) -> None:
    contract, admin, newcomer = prepare(evm, name), evm.accounts[ADMIN], evm.accounts[NEWCOMER]
    role = role_id(WORKERS[name])
    function, (_, arguments) = next(iter(WRITES[name].items()))
    for account in (evm.accounts[WORKER], evm.accounts[STRANGER]):
        assert contract.refusal(account, "grantRole", role, account) == refused(account, "DEFAULT_ADMIN_ROLE")
    contract.does(admin, "grantRole", role, newcomer)
    contract.accepts(newcomer, function, *arguments)
    contract.does(admin, "revokeRole", role, newcomer)
    assert contract.refusal(newcomer, function, *arguments) == refused(newcomer, WORKERS[name])
