"""An audit's progress on disk, so that one which was stopped goes on. It is believed only as far as it proves itself.

It is of one checkpoint and of the very bytes that were read: whoever goes on reads them again (hashing is cheap, judging
is not) and starts from the beginning when one of them is another. And what it says of the tree must lead to the
checkpoint's root in the end, or the audit is done anew without it. It is the auditor's own file: keep it as the report.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from sandbox.audit.report import LISTED, Finding
from sandbox.audit.rules import Rules
from sandbox.audit.tree import Place, Tree, split
from sandbox.evidence.static_log import Tile
from sandbox.evidence.tiles import TILE_WIDTH

VERSION = 1
MAGIC = b"baas-audit-state\n"


class Chain:
    """A hash over all that was read, in order."""

    def __init__(self, value: bytes = bytes(32)) -> None:
        self.value = value

    def add(self, *parts: bytes | None) -> None:
        digests = b"".join(sha256(each).digest() if each is not None else bytes(32) for each in parts)
        self.value = sha256(self.value + digests).digest()


@dataclass
class Progress:
    """Everything that the next bundle needs of those before it. `of` says what the audit is of."""

    of: str
    tree: Tree
    rules: Rules = field(default_factory=Rules)
    chain: Chain = field(default_factory=Chain)
    bundles: int = 0
    rows_at: int = 0
    rows_checked: int = 0
    checkpoints: int = 0
    doubtful: set[int] = field(default_factory=set)
    #: Bundles of entries that could not be read, and sizes at which the tree had not the root of a checkpoint.
    unread: set[int] = field(default_factory=set)
    rewritten: list[int] = field(default_factory=list)
    #: Each with the check that it belongs to, and the entries without which it would be none.
    findings: list[tuple[Finding, str, tuple[int, ...]]] = field(default_factory=list)
    counted: int = 0

    def find(self, check: str, finding: Finding, because: tuple[int, ...] = ()) -> None:
        """Something of that check does not hold; `because` of these entries."""
        self.counted += 1
        if len(self.findings) < LISTED:
            self.findings.append((finding, check, because))

    def save(self, path: Path) -> None:
        """Put it in place of what was there, in one step."""
        tree, rules = self.tree, self.rules
        header = {
            "v": VERSION,
            "of": self.of,
            "chain": self.chain.value.hex(),
            "bundles": self.bundles,
            "rows_at": self.rows_at,
            "rows_checked": self.rows_checked,
            "checkpoints": self.checkpoints,
            "doubtful": sorted(self.doubtful),
            "unread": sorted(self.unread),
            "rewritten": self.rewritten,
            "findings": [[each.file, each.text, each.index, of, why] for each, of, why in self.findings],
            "counted": self.counted,
            "levels": [b"".join(each).hex() for each in tree.levels],
            "done": tree.done,
            "uncounted": tree.uncounted,
            "different": [[*place, b"".join(each).hex()] for place, each in tree.different.items()],
            "began": len(rules.began),
        }
        body = b"".join(
            (
                MAGIC,
                json.dumps(header).encode() + b"\n",
                bytes(rules.flags),
                rules.versions.tobytes(),
                rules.keys.tobytes(),
                rules.began.tobytes(),
            )
        )
        beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with beside.open("wb") as file:
                file.write(body + sha256(body).digest())
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def load(path: Path, of: str, size: int, stored: Callable[[Tile], list[bytes] | None]) -> Progress | None:
    """What was saved for this very audit; None where there is nothing, or nothing that can be read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    body, checksum = data[:-32], data[-32:]
    if not body.startswith(MAGIC) or sha256(body).digest() != checksum:
        return None
    line, _, rest = body[len(MAGIC) :].partition(b"\n")
    header = json.loads(line)
    if (header["v"], header["of"]) != (VERSION, of):
        return None
    tree, rules = Tree(size, stored), Rules()
    tree.levels = [split(bytes.fromhex(each)) for each in header["levels"]]
    tree.done, tree.uncounted = header["done"], header["uncounted"]
    tree.different = {_place(each[:2]): split(bytes.fromhex(each[2])) for each in header["different"]}
    count = min(header["bundles"] * TILE_WIDTH, size)
    rules.flags = bytearray(rest[:count])
    at = count
    for values, entries in ((rules.versions, count), (rules.keys, count), (rules.began, header["began"])):
        end = at + entries * values.itemsize
        values.frombytes(rest[at:end])
        at = end
    return Progress(
        of,
        tree,
        rules,
        Chain(bytes.fromhex(header["chain"])),
        header["bundles"],
        header["rows_at"],
        header["rows_checked"],
        header["checkpoints"],
        set(header["doubtful"]),
        set(header["unread"]),
        header["rewritten"],
        [
            (Finding(file, text, index), check, tuple(why))
            for file, text, index, check, why in header["findings"]
        ],
        header["counted"],
    )


def _place(pair: list[int]) -> Place:
    level, number = pair
    return level, number
