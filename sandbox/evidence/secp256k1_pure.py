"""ECDSA over secp256k1 (SEC 1 section 4.1.4, SEC 2 section 2.4.1) in plain Python: for where no compiled library is.

It checks and never signs, so that nothing here is secret and time does not matter. Both values of s count here, as
SEC 1 has it; that only the smaller is taken is `secp256k1`'s rule. Wycheproof's vectors judge it, and `cryptography`
and `eth_account` beside it.
"""

from __future__ import annotations

P = 2**256 - 2**32 - 977
#: The order of the curve's group.
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

#: A point in Jacobian coordinates (X, Y, Z): x = X/Z², y = Y/Z³; Z = 0 is the point at infinity.
_Point = tuple[int, int, int]
_INFINITY: _Point = (1, 1, 0)
_BASE: _Point = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
    1,
)


def is_point(x: int, y: int) -> bool:
    """Whether (x, y) is on the curve y² = x³ + 7, each spelled below p; infinity is no such pair."""
    return 0 <= x < P and 0 <= y < P and (y * y - x * x * x - 7) % P == 0


def verify(x: int, y: int, digest: bytes, r: int, s: int) -> bool:
    """Whether (r, s) is a signature of the 32-byte `digest` by the point (x, y), which must be one."""
    if not (is_point(x, y) and 0 < r < N and 0 < s < N):
        return False
    inverse = pow(s, -1, N)
    found = _sum_of_two(int.from_bytes(digest, "big") * inverse % N, _BASE, r * inverse % N, (x, y, 1))
    if found[2] == 0:
        return False
    return found[0] * pow(found[2], -2, P) % P % N == r


def _sum_of_two(u: int, a: _Point, v: int, b: _Point) -> _Point:
    """u·a + v·b, both scalars read bit by bit together (Shamir's trick)."""
    choices = (None, a, b, _add(a, b))
    total = _INFINITY
    for bit in range(max(u.bit_length(), v.bit_length()) - 1, -1, -1):
        total = _double(total)
        if chosen := choices[(u >> bit & 1) | (v >> bit & 1) << 1]:
            total = _add(total, chosen)
    return total


def _double(point: _Point) -> _Point:
    """Twice the point (dbl-2009-l); the curve has no point of order two, so that Y = 0 does not come up."""
    x, y, z = point
    a, b = x * x % P, y * y % P
    c = b * b % P
    d = 2 * ((x + b) * (x + b) - a - c) % P
    e = 3 * a
    found = (e * e - 2 * d) % P
    return found, (e * (d - found) - 8 * c) % P, 2 * y * z % P


def _add(a: _Point, b: _Point) -> _Point:
    """The sum (add-2007-bl), with the cases that its formulas leave out."""
    if a[2] == 0:
        return b
    if b[2] == 0:
        return a
    (x1, y1, z1), (x2, y2, z2) = a, b
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2z2 % P, x2 * z1z1 % P
    s1, s2 = y1 * z2 * z2z2 % P, y2 * z1 * z1z1 % P
    h, r = (u2 - u1) % P, 2 * (s2 - s1) % P
    if h == 0:
        return _double(a) if r == 0 else _INFINITY
    i = 4 * h * h % P
    j, v = h * i % P, u1 * i % P
    x = (r * r - j - 2 * v) % P
    return x, (r * (v - x) - 2 * s1 * j) % P, ((z1 + z2) * (z1 + z2) - z1z1 - z2z2) * h % P
