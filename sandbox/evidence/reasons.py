"""Reasons that a reader is told in his own language: each has a key, an English text and values, as messages have.

A reason without a key is the library's own English sentence: of files that cannot be read, mostly, whose names of
fields are English anyhow.
"""

from __future__ import annotations

from sandbox.errors import VerificationError


def because(key: str, text: str, /, **values: str | int) -> VerificationError:
    """What a step raises where something does not hold; a catalogue says it by the key `evidence.reason.<key>`."""
    return VerificationError(text.format(**values), key, values)
