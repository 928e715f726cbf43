"""RFC 9162 trees against Certificate Transparency's published vectors and the RFC's recursive definition."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import VerificationError
from sandbox.evidence import merkle


def h(text: str) -> bytes:
    return bytes.fromhex(text)


# Leaves, roots and proofs of the transparency-dev/merkle test data (indexes from 1, as there).
LEAVES = [
    merkle.leaf_hash(h(data))
    for data in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    h("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    h("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    h("aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    h("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    h("4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    h("76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    h("ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    h("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
]
A = h("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7")
B = h("5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e")
C = h("6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")
D = h("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b")
E = h("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0")
F = h("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a")
G = h("b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f")
SOME = h("abacaba000000000000000000000000000000000000000000060061e00123456")
INCLUSION = [
    (1, 1, []),
    (1, 8, [A, B, C]),
    (6, 8, [D, E, ROOTS[3]]),
    (3, 3, [ROOTS[1]]),
    (2, 5, [ROOTS[0], B, D]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [A, B, C]),
    (6, 8, [F, E, ROOTS[3]]),
    (2, 5, [B, D]),
    (6, 7, [F, G, ROOTS[3]]),
]


def reference_root(leaves: list[bytes]) -> bytes:
    """MTH exactly as RFC 9162 2.1.1 writes it, by recursion."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + reference_root(leaves[:k]) + reference_root(leaves[k:])).digest()


def reference_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH exactly as 2.1.3.1 writes it."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*reference_path(m, leaves[:k]), reference_root(leaves[k:])]
    return [*reference_path(m - k, leaves[k:]), reference_root(leaves[:k])]


def reference_subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF exactly as 2.1.4.1 writes it."""
    if m == len(leaves):
        return [] if whole else [reference_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*reference_subproof(m, leaves[:k], whole), reference_root(leaves[k:])]
    return [*reference_subproof(m - k, leaves[k:], False), reference_root(leaves[:k])]


def numbered(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(i).encode()) for i in range(size)]


def test_published_roots() -> None:
    assert [merkle.root(LEAVES[: n + 1]) for n in range(8)] == ROOTS
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("leaf", "size", "proof"), INCLUSION)
def test_published_inclusion_proofs(leaf: int, size: int, proof: list[bytes]) -> None:
    index, root, own = leaf - 1, ROOTS[size - 1], LEAVES[leaf - 1]
    assert merkle.inclusion_proof(LEAVES[:size], index) == proof
    merkle.verify_inclusion(own, index, size, proof, root)
    bad = [
        (own, index - 1, size, proof, root),
        (own, index + 1, size, proof, root),
        (own, index ^ 2, size, proof, root),
        (own, index, size * 2, proof, root),
        (own, index, size // 2, proof, root),
        (b"WrongLeaf", index, size, proof, root),
        (own, index, size, proof, merkle.root([])),
        (own, index, size, proof, SOME),
        (own, index, size, [*proof, b""], root),
        (own, index, size, [*proof, root], root),
        (own, index, size, [b"", *proof], root),
        (own, index, size, [root, *proof], root),
        *(
            (own, index, size, [*proof[:i], bytes([proof[i][0] ^ 8]) + proof[i][1:], *proof[i + 1 :]], root)
            for i in range(len(proof))
        ),
    ]
    if proof:
        bad.append((own, index, size, proof[:-1], root))
    if len(proof) > 1:
        bad.append((own, index, size, [proof[0], SOME, *proof[1:]], root))
    for case in bad:
        with pytest.raises(VerificationError) as raised:
            merkle.verify_inclusion(*case)
        assert raised.value.reason


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int, proof: list[bytes]) -> None:
    old_root, new_root = ROOTS[old - 1], ROOTS[new - 1]
    assert merkle.consistency_proof(LEAVES[:new], old) == proof
    merkle.verify_consistency(old, new, proof, old_root, new_root)
    if not proof:
        return
    bad = [
        (old - 1, new, proof, old_root, new_root),
        (old + 1, new, proof, old_root, new_root),
        (old ^ 2, new, proof, old_root, new_root),
        (old, new * 2, proof, old_root, new_root),
        (old, new // 2, proof, old_root, new_root),
        (old, new, proof, b"WrongRoot", new_root),
        (old, new, proof, old_root, b"WrongRoot"),
        (old, new, proof, new_root, old_root),
        (old, new, [], old_root, new_root),
        (old, new, [*proof, b""], old_root, new_root),
        (old, new, [*proof, old_root], old_root, new_root),
        (old, new, [*proof, new_root], old_root, new_root),
        (old, new, [b"", *proof], old_root, new_root),
        (old, new, [old_root, *proof], old_root, new_root),
        (old, new, [new_root, *proof], old_root, new_root),
        (old, new, [proof[0], *proof], old_root, new_root),
        (old, new, proof[:-1], old_root, new_root),
        *(
            (
                old,
                new,
                [*proof[:i], bytes([proof[i][0] ^ 16]) + proof[i][1:], *proof[i + 1 :]],
                old_root,
                new_root,
            )
            for i in range(len(proof))
        ),
    ]
    for case in bad:
        with pytest.raises(VerificationError) as raised:
            merkle.verify_consistency(*case)
        assert raised.value.reason


@pytest.mark.parametrize(
    ("old", "new", "proof", "old_root", "new_root"),
    [
        (0, 0, [], SOME, SOME),
        (0, 0, [], SOME, ROOTS[0]),
        (0, 1, [], SOME, ROOTS[0]),
        (1, 1, [], SOME, ROOTS[0]),
        (1, 0, [], SOME, ROOTS[0]),
        (2, 1, [], SOME, ROOTS[0]),
        (1, 2, [], SOME, ROOTS[0]),
        (1, 1, [SOME], ROOTS[0], ROOTS[0]),
        (-1, 1, [], SOME, SOME),
    ],
)
def test_consistency_edges_are_refused(
    old: int, new: int, proof: list[bytes], old_root: bytes, new_root: bytes
) -> None:
    with pytest.raises(VerificationError):
        merkle.verify_consistency(old, new, proof, old_root, new_root)


def test_a_bad_index_is_a_value_error() -> None:
    for index in (-1, 8, 9):
        with pytest.raises(ValueError, match="index"):
            merkle.inclusion_proof(LEAVES, index)
        with pytest.raises(ValueError, match="index"):
            merkle.verify_inclusion(LEAVES[0], index, 8, [A, B, C], ROOTS[7])
    for old in (-1, 0, 9):
        with pytest.raises(ValueError, match="old"):
            merkle.consistency_proof(LEAVES, old)
        with pytest.raises(ValueError, match="old"):
            merkle.verify_consistency(old, 8, [A], ROOTS[0], ROOTS[7])
    with pytest.raises(ValueError, match="index"):
        merkle.inclusion_proof([], 0)
    with pytest.raises(ValueError, match="32 bytes"):
        merkle.root([b"short"])


def test_proofs_of_all_small_trees_are_the_rfcs() -> None:
    for size in range(1, 34):
        leaves = numbered(size)
        assert merkle.root(leaves) == reference_root(leaves)
        for number in range(size):
            assert merkle.inclusion_proof(leaves, number) == reference_path(number, leaves)
            assert merkle.consistency_proof(leaves, number + 1) == reference_subproof(
                number + 1, leaves, True
            )


@given(st.data())
def test_any_proof_verifies_and_no_altered_one_does(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    leaves = numbered(size)
    root = merkle.root(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    path, growth = merkle.inclusion_proof(leaves, index), merkle.consistency_proof(leaves, old)
    old_root = merkle.root(leaves[:old])
    merkle.verify_inclusion(leaves[index], index, size, path, root)
    merkle.verify_consistency(old, size, growth, old_root, root)

    position, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
    path[position] = (int.from_bytes(path[position], "big") ^ (1 << bit)).to_bytes(32, "big")
    with pytest.raises(VerificationError):
        merkle.verify_inclusion(leaves[index], index, size, path, root)
    position = data.draw(st.integers(0, len(growth) - 1))
    growth[position] = (int.from_bytes(growth[position], "big") ^ (1 << bit)).to_bytes(32, "big")
    with pytest.raises(VerificationError):
        merkle.verify_consistency(old, size, growth, old_root, root)
