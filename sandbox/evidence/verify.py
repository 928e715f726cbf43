"""Offline verification of a receipt: numbered steps in a fixed order, against a trust root, under a policy.

What is needed: the document (or its digest), the receipt, and a trust root that came by another way.
No network, no clock and no chain. A step runs only if no step before it failed: what depends on something
refused is reported as not checked, never as passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sandbox.errors import EvidenceError
from sandbox.evidence.check import Check, checks
from sandbox.evidence.context import Context, SharedWork
from sandbox.evidence.document import Document
from sandbox.evidence.policy import STANDARD, Policy
from sandbox.evidence.receipt import Receipt
from sandbox.evidence.report import Outcome, Report, Result, Step, not_checked, refused
from sandbox.evidence.trust import TrustRoot


def verify(
    document: Document,
    receipt: Receipt,
    trust: TrustRoot,
    policy: Policy = STANDARD,
    *,
    as_of: datetime | None = None,
) -> Report:
    """Check one receipt. `document` is its bytes, a Path, or a Digest computed elsewhere.

    `as_of` is when the question is asked (UTC): with it, algorithms that ended before are refused unless a renewal
    covers them; without it that step is not checked.
    Whatever the receipt holds, the answer is a Report; only a document that cannot be read raises (OSError).
    """
    return run(Context(document, receipt, trust, as_of=as_of), policy)


def verify_many(
    documents: Iterable[tuple[Document, Receipt]],
    trust: TrustRoot,
    policy: Policy = STANDARD,
    *,
    as_of: datetime | None = None,
) -> Iterator[Report]:
    """Check many receipts in order; what they share (a checkpoint, a block) is checked once."""
    work = SharedWork()
    for document, receipt in documents:
        yield run(Context(document, receipt, trust, work, as_of), policy)


def run(context: Context, policy: Policy) -> Report:
    """Every step on a context that is ready; `encodings` makes those of other encodings than JSON."""
    steps: list[Step] = []
    stopped_at: int | None = None
    for check in checks():
        if stopped_at is None:
            outcome = _run(check, context)
        else:
            outcome = not_checked("step.stopped", "not checked, since step {step} failed", step=stopped_at)
        if outcome.result is Result.FAILED:
            stopped_at = check.number
        steps.append(Step(check.number, check.name, check.layer, check.name in policy.required, outcome))
    return Report(tuple(steps))


def _run(check: Check, context: Context) -> Outcome:
    if context.carried is not None and check.name not in context.carried:
        return not_checked(
            "step.not-carried",
            "not checked: the encoding {encoding} carries nothing for it, the JSON receipt may",
            encoding=context.encoding,
        )
    if check.needs_anchor and context.receipt.anchor is None:
        return not_checked(
            "anchor.none", "the receipt holds no anchor: its log's root was not on a chain yet"
        )
    try:
        return check.run(context)
    except EvidenceError as error:
        return refused(check.name, error)
