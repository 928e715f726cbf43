"""How each kind of evidence is looked at: files in, by name; out, what contradicts, or None.

Pure: no server, no key of the operator's, no state. What cannot be read or does not hold is a contradiction too, with
the verifier's own words. Each look imports what it needs when it is taken: a receipt is examined without any PKI.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from baas.pilots.cheating.exhibits import Files
from baas.pilots.cheating.looks.chain import (
    checkpoint_and_kept,
    checkpoints_of_two,
    receipt_alone,
    receipt_and_kept,
)
from baas.pilots.cheating.looks.code import codes_beside
from baas.pilots.cheating.looks.exchange import (
    evidence_alone,
    evidence_beside,
    evidence_denied,
    steps_alone,
    steps_beside,
    steps_denied,
)
from baas.pilots.cheating.looks.hand_over import hand_over_alone, hand_over_beside, hand_over_denied
from baas.pilots.cheating.looks.log import log_alone, log_beside
from baas.pilots.cheating.looks.seal import seal_alone, seal_denied, seals_beside
from baas.pilots.cheating.looks.timestamp import token_alone, token_denied, tokens_beside

#: Every way of looking, by its name.
KINDS: Final[dict[str, Callable[[Files], str | None]]] = {
    look.__name__: look
    for look in (
        receipt_alone,
        checkpoint_and_kept,
        receipt_and_kept,
        checkpoints_of_two,
        token_alone,
        token_denied,
        tokens_beside,
        log_alone,
        log_beside,
        seal_alone,
        seal_denied,
        seals_beside,
        hand_over_alone,
        hand_over_denied,
        hand_over_beside,
        steps_alone,
        steps_denied,
        steps_beside,
        evidence_alone,
        evidence_denied,
        evidence_beside,
        codes_beside,
    )
}
