"""How many times the tests that kill processes do it: `make crash ROUNDS=200` for a measurement."""

import os

#: In each round the newest so many are looked at again, and after the last one all of them.
NEWEST = 100


def rounds(unless_said: int) -> int:
    return int(os.environ.get("BAAS_CRASH_ROUNDS") or unless_said)
