"""Which algorithms a receipt rests on, until when each is relied on, and what a renewal takes off their shoulders.

A receipt is a stack of layers: at the bottom the receipt as it was first made, on top of it each renewal in its order. A
layer must hold until the one above it was made; the uppermost until the time at which the question is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sandbox.evidence import sealer, timestamp
from sandbox.evidence.digest import IMPRINTS
from sandbox.evidence.encoding import utc_text
from sandbox.evidence.note import split
from sandbox.evidence.receipt import Receipt, Renewal
from sandbox.evidence.trust import TrustRoot

#: What is no digest of documents and may end all the same: the chain's hash, and the signatures of notes.
KECCAK, ED25519 = "keccak-256", "ed25519"
#: The hash of the log's tree and of commitments.
TREE = "sha-256"
#: Every algorithm that may have an end.
KNOWN = (*IMPRINTS, KECCAK, ED25519)


@dataclass(frozen=True, slots=True)
class Layer:
    """What must hold until `until_ms` (None: until the question is asked), and the algorithms that it rests on."""

    algorithms: tuple[str, ...]
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class Ended:
    """An algorithm that ended before what rests on it was renewed, or before the question was asked."""

    slug: str
    until: datetime
    moment_ms: int


def end_of(slug: str, trust: TrustRoot) -> datetime | None:
    """From when on the algorithm is not relied on: the trust root's date, else the registry's; None is no end known."""
    for each in trust.algorithms:
        if each.slug == slug:
            return each.until
    known = IMPRINTS.get(slug)
    return None if known is None else known.accepted_until


def of_receipt(receipt: Receipt) -> tuple[str, ...]:
    """The algorithms of a receipt as it was first made, without its renewals and tokens."""
    found = {TREE, ED25519}
    found |= {each.algorithm for each in receipt.document.digests()}
    if receipt.manifest is not None:
        found |= {each.algorithm for each in receipt.manifest.file.digests()}
    if receipt.anchor is not None:
        found.add(KECCAK)
    return tuple(sorted(found))


def of_renewal(renewal: Renewal) -> tuple[str, ...]:
    """A renewal's: its own, and those of the chain that anchors it; else those of the time-stamps over it."""
    if renewal.anchor is not None:
        return tuple(sorted({renewal.algorithm, KECCAK, ED25519}))
    imprints = {timestamp.imprint_of(token).algorithm for token in renewal.timestamps}
    return tuple(sorted({renewal.algorithm, *imprints}))


def stated_time(renewal: Renewal) -> int | None:
    """When a renewal says that it was made, milliseconds since 1970; the step `renewal` checks who says so."""
    if renewal.anchor is not None:
        return sealer.parse(split(renewal.anchor.sealer_note)[0]).time_ms
    return min(map(timestamp.stated_time, renewal.timestamps), default=None)


def layers(receipt: Receipt) -> Iterator[Layer]:
    """From the bottom up."""
    below = of_receipt(replace(receipt, renewals=()))
    for renewal in receipt.renewals:
        yield Layer(below, stated_time(renewal))
        below = of_renewal(renewal)
    yield Layer(below, None)


def ended(receipt: Receipt, trust: TrustRoot, as_of: datetime) -> Ended | None:
    """The first algorithm that ended too early for what rests on it; None when each held as long as it had to."""
    asked_ms = int(as_of.timestamp() * 1000)
    for layer in layers(receipt):
        moment = asked_ms if layer.until_ms is None else min(layer.until_ms, asked_ms)
        for slug in layer.algorithms:
            until = end_of(slug, trust)
            if until is not None and moment >= int(until.timestamp()) * 1000:
                return Ended(slug, until, moment)
    return None


def ended_before(algorithms: tuple[str, ...], trust: TrustRoot, time_ms: int) -> Ended | None:
    """The first of `algorithms` that had ended at `time_ms`."""
    for slug in algorithms:
        until = end_of(slug, trust)
        if until is not None and time_ms >= int(until.timestamp()) * 1000:
            return Ended(slug, until, time_ms)
    return None


def text_of(moment: datetime) -> str:
    return utc_text(int(moment.astimezone(UTC).timestamp()) * 1000)
