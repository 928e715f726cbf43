"""Ed25519 verification (RFC 8032 section 5.1.7) in plain Python: for where no compiled library is, or will be.

Strict: the signature's scalar is below the group's order, and R is compared as the bytes that were given, with no
cofactor: what OpenSSL does. It checks and never signs, so that nothing here is secret and time does not matter.
Vectors of RFC 8032 and of Wycheproof judge it, and `cryptography` beside it.
"""

from __future__ import annotations

from hashlib import sha512

P = 2**255 - 19
#: The order of the base point.
L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, P - 2, P) % P
_ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

#: A point in extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z.
_Point = tuple[int, int, int, int]
_NEUTRAL: _Point = (0, 1, 1, 0)


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the 64-byte `signature` is the 32-byte `public_key`'s over `message`."""
    if len(signature) != 64:
        return False
    point = decode(public_key)
    scalar = int.from_bytes(signature[32:], "little")
    if point is None or scalar >= L:
        return False
    challenge = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % L
    x, y, z, t = point
    return _encode(_sum_of_two(scalar, _BASE, challenge, (P - x, y, z, P - t))) == signature[:32]


def decode(data: bytes) -> _Point | None:
    """The point that 32 bytes spell (5.1.3), or None: y below p, a square x, and no minus zero."""
    if len(data) != 32:
        return None
    number = int.from_bytes(data, "little")
    y, odd = number & (2**255 - 1), number >> 255
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (_D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == P - u:
        x = x * _ROOT_OF_MINUS_ONE % P
    if v * x * x % P != u or (x == 0 and odd):
        return None
    if x & 1 != odd:
        x = P - x
    return x, y, 1, x * y % P


def has_small_order(point: _Point) -> bool:
    """Whether eight times the point is nothing: such a key has a signature that fits many messages."""
    for _ in range(3):
        point = _add(point, point)
    return point[0] == 0 and point[1] == point[2]


def _add(a: _Point, b: _Point) -> _Point:
    """The sum (5.1.4), with formulas that hold for doubling too."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    m, n = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * _D % P, 2 * z1 * z2 % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def _double(a: _Point) -> _Point:
    x, y, z, _ = a
    xx, yy, zz = x * x % P, y * y % P, 2 * z * z % P
    h = xx + yy
    e, g = h - (x + y) * (x + y) % P, xx - yy
    f = zz + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def _sum_of_two(s: int, a: _Point, k: int, b: _Point) -> _Point:
    """s·a + k·b, both scalars read bit by bit together (Shamir's trick)."""
    choices = (None, a, b, _add(a, b))
    total = _NEUTRAL
    for bit in range(max(s.bit_length(), k.bit_length()) - 1, -1, -1):
        total = _double(total)
        if chosen := choices[(s >> bit & 1) | (k >> bit & 1) << 1]:
            total = _add(total, chosen)
    return total


def _encode(point: _Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little")


def _base() -> _Point:
    point = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    assert point is not None
    return point


_BASE = _base()
