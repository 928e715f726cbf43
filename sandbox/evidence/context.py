"""What one verification works on, and the work that many verifications share.

Steps run in order and leave here what they established, so that a later one uses what was *checked*, never
what the receipt merely claims.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from sandbox.evidence.checkpoint import NoteStatement, OpenedCheckpoint, Statement
from sandbox.evidence.digest import Digest
from sandbox.evidence.document import Document, Match
from sandbox.evidence.header import Header
from sandbox.evidence.receipt import Anchor, Receipt
from sandbox.evidence.sealer import OpenedSealedBlock
from sandbox.evidence.transaction_receipt import TransactionReceipt
from sandbox.evidence.trust import TrustedChain, TrustedLog, TrustRoot

_T = TypeVar("_T")
_MAX_SHARED = 4096


class SharedWork:
    """Results of pure checks by their very inputs, for receipts that share a checkpoint or a block.

    Only what succeeded is kept; it belongs to one trust root, and forgets everything when it is full.
    """

    def __init__(self) -> None:
        self._results: dict[Hashable, Any] = {}

    def once(self, inputs: Hashable, make: Callable[[], _T]) -> _T:
        """`make()`, or what it gave before for the same `inputs`, which must be all that it depends on."""
        if inputs in self._results:
            known: _T = self._results[inputs]
            return known
        result = make()
        if len(self._results) >= _MAX_SHARED:
            self._results.clear()
        self._results[inputs] = result
        return result


@dataclass(slots=True)
class Context:
    """A receipt, what it is checked against, and what the steps so far established.

    `as_of` is the time at which the question is asked, where somebody said so: no step reads a clock. An encoding that
    carries less than the JSON receipt says so: `carried` are the steps that it carries something for (None: all),
    `stated` is how it states the root, and `match` is what was found of the document while its digests were sought.
    """

    document: Document
    receipt: Receipt
    trust: TrustRoot
    work: SharedWork = field(default_factory=SharedWork)
    as_of: datetime | None = None
    encoding: str = "json"
    carried: frozenset[str] | None = None
    stated: Callable[[], Statement] | None = None
    match: Match | None = None
    _established: dict[type, Any] = field(default_factory=dict)

    @property
    def statement(self) -> Statement:
        """Who states the root; where a proof leads to no root, it raises as the proof's check does."""
        return self.stated() if self.stated else NoteStatement(self.receipt.checkpoint)

    @property
    def anchor(self) -> Anchor:
        assert self.receipt.anchor is not None, "the steps that need an anchor run only where there is one"
        return self.receipt.anchor

    @property
    def digests(self) -> tuple[Digest, ...]:
        """The digests of the document that is checked: of one file of a folder, where the receipt is of a manifest."""
        manifest = self.receipt.manifest
        return (self.receipt.document if manifest is None else manifest.file).digests()

    @property
    def sealed_ms(self) -> int | None:
        """When the block was sealed, as its key states; None where no step has checked that."""
        sealed = self.find(OpenedSealedBlock)
        return None if sealed is None else sealed.block.time_ms

    def but(self, *, anchor: Anchor, checkpoint: str | None = None) -> Context:
        """A context of its own for another anchor, and for another checkpoint of the same log; nothing established."""
        other = replace(self.receipt, anchor=anchor, checkpoint=checkpoint or self.receipt.checkpoint)
        return Context(self.document, other, self.trust, self.work, self.as_of)

    def find(self, kind: type[_T]) -> _T | None:
        """What a step established, or None where none did."""
        found: _T | None = self._established.get(kind)
        return found

    def establish(self, *results: object) -> None:
        for result in results:
            self._established[type(result)] = result

    @property
    def log(self) -> TrustedLog:
        return self._get(TrustedLog)

    @property
    def checkpoint(self) -> OpenedCheckpoint:
        return self._get(OpenedCheckpoint)

    @property
    def chain(self) -> TrustedChain:
        return self._get(TrustedChain)

    @property
    def header(self) -> Header:
        return self._get(Header)

    @property
    def sealed(self) -> OpenedSealedBlock:
        return self._get(OpenedSealedBlock)

    @property
    def transaction_receipt(self) -> TransactionReceipt:
        return self._get(TransactionReceipt)

    def _get(self, kind: type[_T]) -> _T:
        """What an earlier step established; a KeyError is a step that ran before the one it builds on."""
        found: _T = self._established[kind]
        return found
