"""Keccak-256 in plain Python (the Keccak reference, version 3.0): for where no compiled library is, or will be."""

from __future__ import annotations

_RATE = 136
_ROUNDS = 24
_MASK = 2**64 - 1


def _constants() -> tuple[list[int], list[int], list[int]]:
    """Round constants (iota), and for each step of rho and pi the rotation and the place it goes to."""
    constants, register = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    rotations, places, x, y = [], [], 1, 0
    for step in range(24):
        rotations.append((step + 1) * (step + 2) // 2 % 64)
        x, y = y, (2 * x + 3 * y) % 5
        places.append(x + 5 * y)
    return constants, rotations, places


_IOTA, _RHO, _PI = _constants()


def keccak_256(data: bytes) -> bytes:
    """The 32-byte digest: rate 136 bytes, padding 01…80."""
    padding = bytearray(_RATE - len(data) % _RATE)
    padding[0] |= 0x01
    padding[-1] |= 0x80
    message = data + padding
    state = [0] * 25
    for start in range(0, len(message), _RATE):
        for lane in range(_RATE // 8):
            at = start + 8 * lane
            state[lane] ^= int.from_bytes(message[at : at + 8], "little")
        _permute(state)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])


def _permute(state: list[int]) -> None:
    """Keccak-f[1600] on the lanes x + 5·y."""
    for constant in _IOTA:
        parity = [state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] for x in range(5)]
        for x in range(5):
            mixed = parity[x - 1] ^ _rotated(parity[(x + 1) % 5], 1)
            for place in range(x, 25, 5):
                state[place] ^= mixed
        carried = state[1]
        for rotation, place in zip(_RHO, _PI, strict=True):
            state[place], carried = _rotated(carried, rotation), state[place]
        for row in range(0, 25, 5):
            a, b, c, d, e = state[row : row + 5]
            state[row : row + 5] = (a ^ ~b & c, b ^ ~c & d, c ^ ~d & e, d ^ ~e & a, e ^ ~a & b)
        state[0] ^= constant


def _rotated(lane: int, by: int) -> int:
    return (lane << by | lane >> (64 - by)) & _MASK
