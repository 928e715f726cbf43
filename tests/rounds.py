"""How many times the tests that kill processes do it: `make crash ROUNDS=200` for a measurement."""

import os


def rounds(unless_said: int) -> int:
    return int(os.environ.get("BAAS_CRASH_ROUNDS") or unless_said)
