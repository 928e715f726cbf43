"""What IHashRegistry promises, on every contract that implements it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.evm import Contract, Evm
from tests.contracts.implementations import implementations
from tests.contracts.rfc9162 import EqualLeaves, consistent, leaf, mth, path, proof

IMPLEMENTATIONS = implementations("IHashRegistry")
LEAVES = [leaf(n.to_bytes(4, "big")) for n in range(300)]
ADMIN, REGISTRAR, STRANGER = 1, 2, 3
ZERO_ADDRESS, ZERO_HASH = "0x" + "00" * 20, bytes(32)


@pytest.fixture(params=IMPLEMENTATIONS)
def registry(evm: Evm, request: pytest.FixtureRequest) -> Contract:
    return evm.deploy(request.param, evm.accounts[ADMIN], evm.accounts[REGISTRAR])


@pytest.fixture
def registrar(evm: Evm) -> str:
    return evm.accounts[REGISTRAR]


def advance(registry: Contract, registrar: str, size: int, leaves: list[bytes] = LEAVES) -> None:
    old = registry.read("size")
    registry.does(registrar, "advance", size, mth(leaves[:size]), proof(old, leaves[:size]) if old else [])


def test_a_new_register_is_empty(registry: Contract) -> None:
    assert registry.read("size") == 0
    assert registry.read("root") == ZERO_HASH
    assert not registry.read("verifyInclusion", LEAVES[0], 0, [])
    assert registry.refusal(registry.evm.accounts[0], "anchoredAt", ZERO_HASH).startswith("NotCurrentRoot(")


def test_advance_keeps_root_size_and_time_and_says_so(registry: Contract, registrar: str) -> None:
    first = registry.does(registrar, "advance", 5, mth(LEAVES[:5]), [])
    assert first.events == [
        ("RootAnchored", {"root": mth(LEAVES[:5]), "oldSize": 0, "newSize": 5, "by": registrar})
    ]
    second = registry.does(registrar, "advance", 12, mth(LEAVES[:12]), proof(5, LEAVES[:12]))
    assert second.events == [
        ("RootAnchored", {"root": mth(LEAVES[:12]), "oldSize": 5, "newSize": 12, "by": registrar})
    ]
    assert (registry.read("size"), registry.read("root")) == (12, mth(LEAVES[:12]))
    assert registry.read("anchoredAt", mth(LEAVES[:12])) == second.time
    assert registry.refusal(registrar, "anchoredAt", mth(LEAVES[:5])) == (
        f"NotCurrentRoot(given=0x{mth(LEAVES[:5]).hex()}, current=0x{mth(LEAVES[:12]).hex()})"
    )


def test_the_first_root_takes_no_proof(registry: Contract, registrar: str) -> None:
    assert (
        registry.refusal(registrar, "advance", 5, mth(LEAVES[:5]), [LEAVES[0]]) == "ProofNotEmpty(length=1)"
    )


def test_a_zero_root_is_refused(registry: Contract, registrar: str) -> None:
    assert registry.refusal(registrar, "advance", 5, ZERO_HASH, []) == "ZeroRoot()"


@pytest.mark.parametrize("size", [0, 1, 6, 7])
def test_the_register_only_grows(registry: Contract, registrar: str, size: int) -> None:
    advance(registry, registrar, 7)
    assert (
        registry.refusal(registrar, "advance", size, mth(LEAVES[:7]), [])
        == f"NotGrown(size=7, newSize={size})"
    )


def test_a_used_proof_cannot_be_used_again(registry: Contract, registrar: str) -> None:
    advance(registry, registrar, 7)
    again = (12, mth(LEAVES[:12]), proof(7, LEAVES[:12]))
    registry.does(registrar, "advance", *again)
    assert registry.refusal(registrar, "advance", *again) == "NotGrown(size=12, newSize=12)"
    assert registry.refusal(registrar, "advance", 13, *again[1:]).startswith("Inconsistent(")


def test_a_refused_advance_changes_nothing(registry: Contract, registrar: str) -> None:
    advance(registry, registrar, 7)
    forged = [*LEAVES[:3], leaf(b"forged"), *LEAVES[4:12]]
    sent = registry.send(registrar, "advance", 12, mth(forged), proof(7, forged))
    assert (sent.succeeded, sent.events) == (False, [])
    assert (registry.read("size"), registry.read("root")) == (7, mth(LEAVES[:7]))
    refusal = registry.refusal(registrar, "advance", 12, mth(forged), proof(7, forged))
    assert refusal == (
        f"Inconsistent(size=7, root=0x{mth(LEAVES[:7]).hex()}, newSize=12, newRoot=0x{mth(forged).hex()})"
    )


@pytest.mark.long
def test_every_pair_of_sizes_up_to_40(registry: Contract, registrar: str) -> None:
    """From each size to each later one the standard's proof is accepted; for another root it is not."""
    for old in range(1, 40):
        advance(registry, registrar, old)
        for new in range(old + 1, 41):
            honest = proof(old, LEAVES[:new])
            registry.accepts(registrar, "advance", new, mth(LEAVES[:new]), honest)
        assert registry.refusal(registrar, "advance", 40, LEAVES[0], honest).startswith("Inconsistent(")


@pytest.mark.parametrize("old", [1, 2, 3, 4, 6, 7, 8, 20, 31, 32, 33])
def test_a_damaged_proof_is_refused(registry: Contract, registrar: str, old: int) -> None:
    """Each hash flipped, dropped or doubled, two swapped, and sizes that the proof was not made for."""
    new = 37
    advance(registry, registrar, old)
    honest, root = proof(old, LEAVES[:new]), mth(LEAVES[:new])
    registry.accepts(registrar, "advance", new, root, honest)
    damaged = [[], [*honest, LEAVES[0]], [LEAVES[0], *honest], honest[::-1]] if len(honest) > 1 else [[]]
    for at, value in enumerate(honest):
        flipped = bytes([value[0] ^ 1]) + value[1:]
        damaged += [[*honest[:at], flipped, *honest[at + 1 :]], [*honest[:at], *honest[at + 1 :]]]
        damaged += [[*honest[:at], value, *honest[at:]]]
    for attempt in damaged:
        assert registry.refusal(registrar, "advance", new, root, attempt).startswith("Inconsistent("), attempt
    for size in (new * 2, 2**64 - 1):  # trees of another height; see below for those of the same
        assert registry.refusal(registrar, "advance", size, root, honest).startswith("Inconsistent("), size


def test_whoever_lies_about_the_size_is_stuck_with_it(registry: Contract, registrar: str) -> None:
    """An RFC 9162 root does not commit to its size: 1 to 37 and 1 to 64 have proofs of one shape.

    So the standard's check lets a registrar call 37 entries 64. From then on no honest proof fits, and
    entries cannot be proved: the lie shows.
    """
    advance(registry, registrar, 1)
    registry.does(registrar, "advance", 64, mth(LEAVES[:37]), proof(1, LEAVES[:37]))
    for honest in (65, 70, 128):
        attempt = (honest, mth(LEAVES[:honest]), proof(37, LEAVES[:honest]))
        assert registry.refusal(registrar, "advance", *attempt).startswith("Inconsistent(")
        attempt = (honest, mth(LEAVES[:honest]), proof(64, LEAVES[:honest]))
        assert registry.refusal(registrar, "advance", *attempt).startswith("Inconsistent(")
    assert not registry.read("verifyInclusion", LEAVES[36], 36, path(36, LEAVES[:37]))


def test_a_proof_made_for_a_larger_log_does_not_pass_for_a_smaller_one(
    registry: Contract, registrar: str
) -> None:
    """The root of 7 entries given out as one of 3: a proof from 7 to 8 has one hash more than from 3 to 4."""
    registry.does(registrar, "advance", 3, mth(LEAVES[:7]), [])
    attempt = (4, mth(LEAVES[:8]), proof(7, LEAVES[:8]))
    assert registry.refusal(registrar, "advance", *attempt).startswith("Inconsistent(")
    assert not registry.read("verifyInclusion", LEAVES[6], 2, path(6, LEAVES[:7]))


def test_an_entry_of_a_larger_log_is_none_of_a_smaller_one(registry: Contract, registrar: str) -> None:
    """The root of 8 entries given out as one of 4: entry 7's path has one hash more than entry 3's."""
    registry.does(registrar, "advance", 4, mth(LEAVES[:8]), [])
    assert not registry.read("verifyInclusion", LEAVES[7], 3, path(7, LEAVES[:8]))


@pytest.mark.long
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(steps=st.lists(st.integers(1, 70), min_size=2, max_size=4), data=st.data())
def test_any_growth_is_accepted_and_any_rewriting_is_not(
    shared_evm: Evm, name: str, steps: list[int], data: st.DataObject
) -> None:
    admin, registrar = shared_evm.accounts[ADMIN], shared_evm.accounts[REGISTRAR]
    registry = shared_evm.deploy(name, admin, registrar)
    size = 0
    for step in steps:
        if size:
            changed = data.draw(st.integers(0, size - 1))
            forged = [*LEAVES[:changed], leaf(b"forged"), *LEAVES[changed + 1 : size + step]]
            attempt = (size + step, mth(forged), proof(size, forged))
            assert registry.refusal(registrar, "advance", *attempt).startswith("Inconsistent(")
        size += step
        advance(registry, registrar, size)
    assert (registry.read("size"), registry.read("root")) == (size, mth(LEAVES[:size]))
    index = data.draw(st.integers(0, size - 1))
    assert registry.read("verifyInclusion", LEAVES[index], index, path(index, LEAVES[:size]))


#: Sizes of registers from a few entries to 2^40, most of them at the edge of a power of two.
sizes = st.integers(1, 200) | st.builds(
    lambda exponent, off: max(1, 2**exponent + off), st.integers(0, 40), st.integers(-3, 3)
)


def refuses(
    registry: Contract, registrar: str, new: int, root: bytes, hashes: list[bytes], size: int
) -> None:
    """It says no, with a reason that is true of a register of that size."""
    reason = registry.refusal(registrar, "advance", new, root, hashes).partition("(")[0]
    assert reason == ("NotGrown" if new <= size else "Inconsistent")


@pytest.mark.long
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(old=sizes, step=sizes, data=st.data())
def test_forged_roots_truncated_proofs_and_replayed_sizes_are_refused(
    shared_evm: Evm, name: str, old: int, step: int, data: st.DataObject
) -> None:
    """The standard's own definition judges each attempt: what is not consistent by it is refused by the contract."""
    admin, registrar = shared_evm.accounts[ADMIN], shared_evm.accounts[REGISTRAR]
    registry = shared_evm.deploy(name, admin, registrar)
    log, new = EqualLeaves(LEAVES[0]), old + step
    old_root, new_root, honest = log.mth(old), log.mth(new), log.proof(old, new)
    registry.does(registrar, "advance", old, old_root, [])

    forged = data.draw(st.binary(min_size=32, max_size=32).filter(any))
    kept = data.draw(st.lists(st.booleans(), min_size=len(honest), max_size=len(honest)))
    at, bit = data.draw(st.integers(0, len(honest) - 1)), 1 << data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(honest[at], "big") ^ bit).to_bytes(32, "big")
    for size, root, hashes in (
        (new, forged, honest),
        (new, old_root, honest),
        (new, new_root, [each for each, keep in zip(honest, kept, strict=True) if keep]),
        (new, new_root, [*honest[:at], flipped, *honest[at + 1 :]]),
        (data.draw(sizes), new_root, honest),
    ):
        if size <= old or not consistent(old, size, hashes, old_root, root):
            refuses(registry, registrar, size, root, hashes, old)

    registry.does(registrar, "advance", new, new_root, honest)
    replayed = data.draw(st.integers(0, new))
    for size, root, hashes in (
        (new, new_root, honest),
        (replayed, new_root, honest),
        (replayed, old_root, []),
    ):
        refuses(registry, registrar, size, root, hashes, new)
    if not consistent(new, new + step, honest, new_root, new_root):
        refuses(registry, registrar, new + step, new_root, honest, new)
    assert (registry.read("size"), registry.read("root")) == (new, new_root)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13])
def test_inclusion_under_the_current_root(registry: Contract, registrar: str, size: int) -> None:
    advance(registry, registrar, size)
    for index in range(size):
        honest = path(index, LEAVES[:size])
        assert registry.read("verifyInclusion", LEAVES[index], index, honest)
        assert not registry.read("verifyInclusion", LEAVES[index + 1], index, honest)
        assert not registry.read("verifyInclusion", LEAVES[index], size, honest)
        assert not registry.read("verifyInclusion", LEAVES[index], index, [*honest, LEAVES[0]])
        if honest:
            assert not registry.read("verifyInclusion", LEAVES[index], index, honest[:-1])
            assert not registry.read("verifyInclusion", LEAVES[index], index ^ 1, honest)


def test_an_inner_node_is_not_an_entry(registry: Contract, registrar: str) -> None:
    """The known attack on trees whose proofs have no fixed length: present a node as if it were a leaf."""
    advance(registry, registrar, 8)
    for index in range(4):
        node = mth(LEAVES[2 * index : 2 * index + 2])
        above = path(2 * index, LEAVES[:8])[1:]
        assert not any(registry.read("verifyInclusion", node, i, above) for i in range(8))


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_the_zero_address_gets_no_role(evm: Evm, name: str) -> None:
    account = evm.accounts[1]
    assert evm.creation_refusal(name, ZERO_ADDRESS, account) == "ZeroAccount()"
    assert evm.creation_refusal(name, account, ZERO_ADDRESS) == "ZeroAccount()"
