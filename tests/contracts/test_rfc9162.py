"""The oracle itself, against the roots that Certificate Transparency's own tests publish."""

import pytest

from tests.contracts.rfc9162 import EqualLeaves, consistent, leaf, mth, path, proof, sha256

ENTRIES = [
    bytes.fromhex(text)
    for text in (
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
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    assert mth([leaf(entry) for entry in ENTRIES[:size]]).hex() == ROOTS[size]


def test_proofs_of_the_standards_example() -> None:
    """RFC 9162 section 2.1.5: the tree with seven leaves d0 to d6, its nodes named a to l."""
    leaves = [leaf(bytes([n])) for n in range(7)]
    a, b, c, d, e, f, j = leaves
    node = lambda left, right: sha256(b"\x01" + left + right)  # noqa: E731  (the example's own notation)
    g, h, i = node(a, b), node(c, d), node(e, f)
    k, ell = node(g, h), node(i, j)
    assert path(0, leaves) == [b, h, ell]
    assert path(3, leaves) == [c, g, ell]
    assert path(4, leaves) == [f, j, k]
    assert path(6, leaves) == [i, k]
    assert proof(3, leaves) == [c, d, g, ell]
    assert proof(4, leaves) == [ell]
    assert proof(6, leaves) == [i, j, k]


@pytest.mark.parametrize("new", range(2, 20))
def test_equal_leaves_are_leaves_like_any(new: int) -> None:
    one = leaf(b"")
    log = EqualLeaves(one)
    assert log.mth(new) == mth([one] * new)
    for old in range(1, new):
        assert log.proof(old, new) == proof(old, [one] * new)


@pytest.mark.parametrize("new", range(2, 20))
def test_a_proof_is_consistent_as_it_was_made_and_in_no_other_shape(new: int) -> None:
    leaves = [leaf(bytes([n])) for n in range(new)]
    for old in range(1, new):
        roots, honest = (mth(leaves[:old]), mth(leaves)), proof(old, leaves)
        assert consistent(old, new, honest, *roots)
        assert not consistent(old, new, honest[:-1], *roots)
        assert not consistent(old, new, [*honest, leaves[0]], *roots)
        assert not consistent(old, new, honest, leaf(b""), roots[1])
        assert not consistent(old, new, honest, roots[0], leaf(b""))
