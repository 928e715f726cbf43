"""Entries: the leaves of a log, canonical JSON that says what was done to which commitment, never to what.

    {"commitment":64 hex or null,"kind":slug,"reason":slug or null,"refers_to":log index or null,"v":1}

| kind                                | commitment | refers_to | reason    | in the log of |
| genesis (index 0, once)             | null       | null      | null      | both          |
| notarise                            | required   | null      | optional  | documents     |
| create                              | required   | null      | optional  | registers     |
| supersede                           | required   | required  | optional  | both          |
| amend, rectify                      | required   | required  | optional  | registers     |
| revoke                              | optional   | required  | optional  | both          |
| erase                               | optional   | required  | optional  | both          |
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.errors import MalformedEvidence
from sandbox.evidence import fields, merkle
from sandbox.evidence.canonical import Json, loads

VERSION = 1
DOCUMENT_KINDS = frozenset({"genesis", "notarise", "supersede", "revoke", "erase"})
REGISTER_KINDS = frozenset({"genesis", "create", "amend", "supersede", "revoke", "rectify", "erase"})
KINDS = DOCUMENT_KINDS | REGISTER_KINDS
_COMMITS = frozenset({"notarise", "create", "supersede", "amend", "rectify"})
_REFERS = frozenset({"supersede", "amend", "rectify", "revoke", "erase"})
_REASON = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_NAMES = ("v", "kind", "commitment", "refers_to", "reason")


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf: `commitment` is 32 bytes, `refers_to` the index of an earlier leaf, `reason` a slug."""

    kind: str
    commitment: bytes | None = None
    refers_to: int | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise MalformedEvidence(
                f"entry: unknown kind {self.kind[:40]!r}; expected {', '.join(sorted(KINDS))}"
            )
        if self.commitment is not None and len(self.commitment) != merkle.HASH_SIZE:
            raise MalformedEvidence(f"entry: a commitment has 32 bytes, got {len(self.commitment)}")
        if self.commitment is None and self.kind in _COMMITS:
            raise MalformedEvidence(f"entry: kind {self.kind!r} needs a commitment")
        if (self.refers_to is not None) != (self.kind in _REFERS):
            need = "needs" if self.kind in _REFERS else "cannot have"
            raise MalformedEvidence(f"entry: kind {self.kind!r} {need} refers_to, got {self.refers_to!r}")
        if self.refers_to is not None and self.refers_to < 0:
            raise MalformedEvidence(f"entry: refers_to is a log index from 0, got {self.refers_to}")
        if self.reason is not None and not _REASON.fullmatch(self.reason):
            raise MalformedEvidence(
                f"entry: a reason is a slug of at most 64 characters, got {self.reason[:80]!r}"
            )
        if self.kind == "genesis" and (self.commitment is not None or self.reason is not None):
            raise MalformedEvidence("entry: the genesis entry has neither commitment nor reason")

    def to_json(self) -> dict[str, Json]:
        return {
            "v": VERSION,
            "kind": self.kind,
            "commitment": None if self.commitment is None else self.commitment.hex(),
            "refers_to": self.refers_to,
            "reason": self.reason,
        }

    def to_bytes(self) -> bytes:
        """The leaf's data: `to_json` as RFC 8785 has it, written out since logs hash millions of them.

        Keys in order and no blanks; kinds, reasons and hex need no escapes.
        """
        commitment = "null" if self.commitment is None else f'"{self.commitment.hex()}"'
        reason = "null" if self.reason is None else f'"{self.reason}"'
        refers_to = "null" if self.refers_to is None else self.refers_to
        text = f'{{"commitment":{commitment},"kind":"{self.kind}","reason":{reason},"refers_to":{refers_to},"v":{VERSION}}}'
        return text.encode("ascii")

    def leaf_hash(self) -> bytes:
        return merkle.leaf_hash(self.to_bytes())


def from_json(value: Json, what: str = "entry") -> Entry:
    """The entry that a JSON object states; all five keys, and no other."""
    found = fields.record(value, what, _NAMES)
    fields.constant(found["v"], f"{what}.v", VERSION)
    commitment, refers_to, reason = found["commitment"], found["refers_to"], found["reason"]
    return Entry(
        kind=fields.text(found["kind"], f"{what}.kind"),
        commitment=None
        if commitment is None
        else fields.hexadecimal(commitment, f"{what}.commitment", length=merkle.HASH_SIZE),
        refers_to=None if refers_to is None else fields.integer(refers_to, f"{what}.refers_to"),
        reason=None if reason is None else fields.text(reason, f"{what}.reason"),
    )


def parse(data: bytes) -> Entry:
    """The entry whose canonical bytes (the leaf's data) these are."""
    return from_json(loads(data, "entry"))
