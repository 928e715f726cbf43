"""Time in layers: who states which time of an entry, and the interval that follows from all of them.

| source | bounds | weight |
| the sealing key, in its note of the block | not after | its own statement; no presumption |
| an earlier checkpoint's block | not before | the same key's statement |
| a witness's cosignature | not after | another operator's statement |
| an RFC 3161 time-stamp | not after | an authority's; the presumption of article 41 only if it is qualified |
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sandbox.errors import VerificationError
from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import open_checkpoint
from sandbox.evidence.context import Context
from sandbox.evidence.encoding import utc_text
from sandbox.evidence.sealer import MAX_SECONDS_AHEAD
from sandbox.evidence.timestamp import Timestamp, verify_token
from sandbox.evidence.witnesses import Witnessed

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


@dataclass(frozen=True, slots=True)
class Stamps:
    """The time-stamps that hold for one message."""

    stamps: tuple[Timestamp, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """When the entry came into the log, milliseconds since 1970, and who says so."""

    not_before_ms: int
    not_before_source: str
    not_after_ms: int
    not_after_source: str


def stamps(tokens: tuple[bytes, ...], message: bytes, context: Context) -> Stamps:
    """Every token holds for the message under the trust root's certificates, or VerificationError."""
    roots = tuple(_certificate(root.certificate_pem) for root in context.trust.timestamp_roots)

    def held(token: bytes) -> Timestamp:
        return context.work.once(("time-stamp", token, message), lambda: verify_token(token, message, roots))

    return Stamps(tuple(map(held, tokens)))


def extended(context: Context, before: Context) -> int:
    """The size of an earlier checkpoint of the log, which the receipt's own extends and which has not its entry.

    It and its log are then established in `before`; VerificationError when anything of that does not hold.
    """
    receipt, log, now = context.receipt, context.log, context.checkpoint.checkpoint
    assert receipt.previous is not None
    text = receipt.previous.checkpoint
    opened = context.work.once(
        ("checkpoint", text, log.origin), lambda: open_checkpoint(text, [key.verifier for key in log.keys])
    )
    earlier = opened.checkpoint
    if earlier.origin != log.origin:
        raise VerificationError(f"the earlier checkpoint is of log {earlier.origin!r}, not {log.origin!r}")
    if earlier.size > receipt.inclusion.index:
        raise VerificationError(
            f"the earlier checkpoint has {earlier.size} entries: the entry, {receipt.inclusion.index}, is one of them"
        )
    merkle.verify_consistency(earlier.size, now.size, receipt.previous.consistency, earlier.root, now.root)
    before.establish(log, opened)
    return earlier.size


def interval(context: Context, before: Context) -> Interval:
    """Between the earlier checkpoint's block and the first statement that the entry was there.

    VerificationError when they contradict each other by more than clocks may differ.
    """
    candidates = [(context.sealed.block.time_ms, ", ".join(context.sealed.note.verified_names), 0)]
    if (held := context.find(Stamps)) is not None:
        candidates += [(each.latest_ms, each.tsa, each.accuracy_ms or 0) for each in held.stamps]
    if (cosigned := context.find(Witnessed)) is not None:  # a whole second: it may be the end of it
        candidates += [
            (each.time * 1000 + 999, f"{each.name} ({each.operator})", 1000) for each in cosigned.seen
        ]
    latest, source, accuracy = min(candidates)
    earliest = before.sealed.block.time_ms
    allowed = MAX_SECONDS_AHEAD * 1000 + accuracy
    if earliest > latest + allowed:
        raise VerificationError(
            f"the times contradict each other: the entry was not in the log at {utc_text(earliest)}, says its sealing key, "
            f"and was at {utc_text(latest)}, says {source}; at most {allowed} ms are explained by their clocks"
        )
    return Interval(earliest, ", ".join(before.sealed.note.verified_names), latest, source)


@lru_cache(maxsize=64)
def _certificate(pem: str) -> Certificate:
    from cryptography.x509 import load_pem_x509_certificate

    return load_pem_x509_certificate(pem.encode())
