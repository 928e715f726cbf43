"""The oracle itself, against the roots that Certificate Transparency's own tests publish."""

import pytest

from tests.contracts.rfc9162 import leaf, mth, path, proof, sha256

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
