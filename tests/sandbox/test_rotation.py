"""A new key for a label: rights move, nothing is half done, and a crash at any step is gone on from."""

import time
from dataclasses import replace

import pytest

from sandbox import notary
from sandbox.abi import encode_call
from sandbox.account_records import AccountState
from sandbox.accounts import sign
from sandbox.catalogue import template
from sandbox.chain import Chain
from sandbox.deployer import deploy
from sandbox.errors import AccountError, IllegalRestore, KeystoreError, RotationRefused, RpcError
from sandbox.evidence.keccak import keccak
from sandbox.permissions import ActKind
from sandbox.rotation import Contract, RotationState

ADMIN = bytes(32)
ROLES = {"DEFAULT_ADMIN_ROLE": ADMIN} | {
    name: keccak(name.encode()) for name in ("NOTARY_ROLE", "REVOKER_ROLE", "PAUSER_ROLE")
}


@pytest.fixture
def clerk(chain):
    address = chain.accounts.create("clerk")
    for act in ActKind:
        chain.allow(address, act)
    return address


def deployed(chain, label, **parameters):
    done = deploy(chain, template("document-notary"), parameters, label)
    return Contract(done.address, notary.artifact())


def roles(chain, contract, address):
    found = set()
    for name, role in ROLES.items():
        data = encode_call(contract.artifact, "hasRole", role, address)
        call = {"to": f"0x{contract.address.hex()}", "data": f"0x{data.hex()}"}
        if int(chain.read("eth_call", call, "latest"), 16):
            found.add(name)
    return found


def anchor(chain, contract, old, new):
    data = notary.notarise_batch(bytes([new]) * 32, old, new)
    return chain.wait(chain.send("clerk", to=contract.address, data=data))["status"]


def test_rights_move_and_work_goes_on_under_the_new_key(chain, clerk):
    contract = deployed(chain, "clerk")
    assert anchor(chain, contract, 0, 1) == "0x1"
    old_key = chain.accounts.unlocked("clerk")
    rotation = chain.rotate("clerk", [contract])
    new = chain.accounts.address("clerk")
    assert new != clerk
    assert (rotation.state, f"0x{rotation.new.hex()}") == (RotationState.DONE, new.lower())
    assert (roles(chain, contract, new), roles(chain, contract, clerk)) == (set(ROLES), set())
    assert chain.may(new) == set(ActKind)
    assert {each.address.hex() for each in chain.permissions()} == {new[2:].lower()}
    assert anchor(chain, contract, 1, 2) == "0x1"
    assert chain.rotating("clerk") is None

    history = chain.accounts.history("clerk")
    assert [each.state for each in history] == [AccountState.RETIRED, AccountState.CURRENT]
    assert history[0].address == old_key.address
    assert history[0].retired_ms is not None
    assert chain.accounts.list() == {"clerk": new}
    retired = chain.accounts.at(old_key.address)
    assert retired is not None
    assert retired.label == "clerk"
    raw = sign(old_key, chain_id=4242, nonce=99, gas=50_000, to=old_key.address, value=0, data=b"")
    with pytest.raises(RpcError, match="not authorized"):
        chain.submit(raw)
    with pytest.raises(AccountError):
        chain.accounts.unlocked("clerk", AccountState.LEAVING)


def test_an_account_without_rights_just_gets_a_new_key(chain):
    old = chain.accounts.create("reader")
    chain.rotate("reader")
    assert chain.accounts.address("reader") != old
    assert chain.permissions() == []
    with pytest.raises(AccountError, match="no account 'nobody'"):
        chain.rotate("nobody")


def test_a_role_that_another_account_administers_stops_it_before_anything_is_done(chain, clerk):
    mayor = chain.accounts.create("mayor")
    stuck, fine = deployed(chain, "clerk", admin=mayor), deployed(chain, "clerk")
    before = chain.head().number
    with pytest.raises(RotationRefused, match="NOTARY_ROLE of this DocumentNotary") as refused:
        chain.rotate("clerk", [stuck, fine])
    assert list(refused.value.reasons) == [f"0x{stuck.address.hex()}"]
    assert chain.accounts.address("clerk") == clerk
    assert [each.state for each in chain.accounts.history("clerk")] == [AccountState.CURRENT]
    assert (chain.rotating("clerk"), chain.head().number) == (None, before)


def test_roles_that_no_function_can_move_are_a_reason_too(chain, clerk):
    contract = deployed(chain, "clerk")
    abi = tuple(item for item in contract.artifact.abi if item.get("name") != "grantRole")
    fixed = replace(contract, artifact=replace(contract.artifact, abi=abi))
    with pytest.raises(RotationRefused, match="no function grantRole"):
        chain.rotate("clerk", [fixed])
    assert chain.accounts.address("clerk") == clerk


class Crash(BaseException):
    """The process ends here."""


def sends(chain, monkeypatch, crash_at):
    """Counts the steps that a rotation writes down; the one numbered `crash_at` is the last before the crash."""
    steps = 0

    def counted(real):
        def call(*args, **kwargs):
            nonlocal steps
            steps += 1
            if steps == crash_at:
                raise Crash
            result = real(*args, **kwargs)
            steps += 1
            if steps == crash_at:
                raise Crash
            return result

        return call

    for name in ("_send_as", "_copy_permissions", "_drop_permissions", "wait"):
        monkeypatch.setattr(chain, name, counted(getattr(chain, name)))
    for name in ("becomes", "begin"):
        monkeypatch.setattr(chain._rotations, name, counted(getattr(chain._rotations, name)))
    return lambda: steps


@pytest.fixture
def hasty_chain(tmp_path, spec):
    """A chain whose clock runs a thousand times as fast: it makes more than one block in a second of ours."""
    began = time.monotonic()
    with Chain.create(
        tmp_path / "hasty", spec, clock=lambda: spec.genesis_time + (time.monotonic() - began) * 1000
    ) as opened:
        yield opened


@pytest.mark.long
def test_a_crash_at_any_step_stops_nothing_and_is_gone_on_from(hasty_chain, monkeypatch):
    """Every number of steps in turn: each time the rotation ends there, the label works, and the next one goes on.

    The chain stays open, which is quicker: what a rotation knows is on disk alone.
    """
    chain = hasty_chain
    for act in ActKind:
        chain.allow(chain.accounts.list().get("clerk") or chain.accounts.create("clerk"), act)
    contract = deployed(chain, "clerk")
    crash_at, finished = 0, False
    while not finished:
        crash_at += 1
        before = chain.accounts.address("clerk")
        with monkeypatch.context() as patched:
            sends(chain, patched, crash_at)
            try:
                chain.rotate("clerk", [contract])
                finished = True
            except Crash:
                pass
        assert anchor(chain, contract, crash_at - 1, crash_at) == "0x1"
        if not finished and (crash_at == 1 or chain.rotating("clerk") is not None):
            chain.rotate("clerk", [contract])
        assert chain.rotating("clerk") is None
        new = chain.accounts.address("clerk")
        assert new != before
        assert {each.state for each in chain.accounts.history("clerk")[:-1]} == {AccountState.RETIRED}
        assert (roles(chain, contract, new), roles(chain, contract, before)) == (set(ROLES), set())
        assert chain.may(new) == set(ActKind)
        assert {each.address.hex() for each in chain.permissions()} == {new[2:].lower()}
    assert crash_at > 30


def test_what_waits_when_the_key_changes_is_not_lost(tmp_path, spec):
    slow = replace(spec, seal_after_ms=300, seal_after_transactions=1000)
    with Chain.create(tmp_path / "chain", slow) as chain:
        address = chain.accounts.create("clerk")
        chain.allow(address, ActKind.SEND)
        hashes = [chain.send("clerk", to=address, data=bytes([n])) for n in range(20)]
        chain.rotate("clerk")
        for each in hashes:
            assert chain.wait(each)["status"] == "0x1"


def test_a_rotation_needs_the_keystore(chain, clerk, monkeypatch):
    contract = deployed(chain, "clerk")

    def locked(_):
        raise KeystoreError("locked")

    monkeypatch.setattr(chain.accounts, "_unlocked", {})
    monkeypatch.setattr(type(chain.keystore), "decrypt", lambda self, keystore: locked(keystore))
    with pytest.raises(KeystoreError):
        chain.rotate("clerk", [contract])
    assert chain.accounts.address("clerk") == clerk


def test_a_balance_goes_along(tmp_path, spec):
    with Chain.create(tmp_path / "rich", spec, faucet=True) as chain:
        address = chain.accounts.create("clerk")
        chain.allow(address, "send")
        chain.wait(chain.give(address, 5))
        chain.rotate("clerk")
        new = chain.accounts.address("clerk")
        assert [int(chain.read("eth_getBalance", each, "latest"), 16) for each in (address, new)] == [0, 5]
        held = int(chain.read("eth_getBalance", chain.accounts.address("faucet"), "latest"), 16)
        chain.rotate("faucet")
        assert int(chain.read("eth_getBalance", chain.accounts.address("faucet"), "latest"), 16) == held
        chain.wait(chain.give(new, 1))


def test_what_the_gateway_would_refuse_stops_it_before_anything_is_done(chain):
    """A permission to anchor alone: the account has roles in the contract, and may not call what moves them."""
    address = chain.accounts.create("clerk")
    for act in ("send", "deploy"):
        chain.allow(address, act)
    contract = deployed(chain, "clerk")
    chain.disallow(address, "send")
    selector = notary.notarise_batch(bytes([1]) * 32, 0, 1)[:4]
    chain.allow(address, "send", target=contract.address, selector=selector)
    with pytest.raises(RotationRefused, match=r"does not let 0x\w+ call grantRole there: rule selector"):
        chain.rotate("clerk", [contract])
    assert chain.accounts.address("clerk") == address


def test_a_chain_is_not_restored_to_before_a_rotation(chain):
    chain.accounts.create("clerk")
    chain.snapshots.take("before")
    chain.rotate("clerk")
    with pytest.raises(IllegalRestore, match="'clerk' got a new key after snapshot 'before'"):
        chain.snapshots.restore("before")
