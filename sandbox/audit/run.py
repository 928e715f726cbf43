"""The audit: every row leads to its entry, every entry to its tiles, all of them to the root that the log's key signed.

    rows.jsonl ── digest, salt ──> commitment ── entry ──> leaf ── tiles ──> root == checkpoint ── signature, anchor

One pass, bundle after bundle of 256 entries. A row that is not what was committed to is named by its line; a tile or an
entry that was changed is told from what still leads to the root (`locate.py`). Earlier checkpoints need no consistency
proof here: the tree passes through their sizes, and had their roots or had not. Which entry may refer to which is in
`rules.py`. A trust root that comes with the export says only what its maker says of itself: give your own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from sandbox.audit import beside, vouching
from sandbox.audit import progress as saved
from sandbox.audit.anchors import Anchors
from sandbox.audit.entry import read as read_entry
from sandbox.audit.files import Files, bundle_of, completed_by, entries_of, next_lines
from sandbox.audit.locate import Location
from sandbox.audit.progress import Progress
from sandbox.audit.report import LISTED, Finding, Report
from sandbox.audit.source import CHECKPOINTS, DESCRIPTION, ROWS, TRUST, Source
from sandbox.audit.tree import Tree
from sandbox.audit.vouching import History
from sandbox.errors import EvidenceError, MalformedEvidence
from sandbox.evidence.checkpoint import Checkpoint, parse_unverified
from sandbox.evidence.merkle import HASH_SIZE
from sandbox.evidence.report import Outcome, failed, not_checked, passed
from sandbox.evidence.static_log import CHECKPOINT, Tile
from sandbox.evidence.tiles import TILE_WIDTH
from sandbox.evidence.trust import TrustRoot
from sandbox.evidence.trust import parse as parse_trust

#: Seconds of work between two saves; a save that takes long is made less often.
SAVE_EVERY = 5.0
#: Stands among the entries that a finding is because of, for whichever damaged one it depends on.
DEPENDS = -1


def audit(
    source: Source,
    trust: TrustRoot | None = None,
    *,
    state: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    save_every: float = SAVE_EVERY,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Audit the log in `source`. `state` is a file of progress: an audit that was stopped goes on from it.

    Whatever the files hold, the answer is a Report. MalformedEvidence only where there is no checkpoint to audit
    against; OSError when a file cannot be read.
    """
    note = source.read(CHECKPOINT)
    if note is None:
        raise MalformedEvidence(f"there is no file {CHECKPOINT!r}: expected an exported or mirrored log")
    run = _Run(source, note.decode(errors="replace"), trust, state, on_progress, save_every, clock)
    return run.report()


@dataclass
class _Run:
    source: Source
    note: str
    trust: TrustRoot | None
    state: Path | None
    on_progress: Callable[[int, int], None]
    save_every: float
    clock: Callable[[], float]
    checks: dict[str, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.files = Files(self.source)

    def report(self) -> Report:
        stated = parse_unverified(self.note)
        own = self._trust()
        self._key_column()
        self.history = History.of(self.source.read(CHECKPOINTS), stated)
        anchors = None if own is None else Anchors(own, stated.origin)
        done = self._pass(stated, self._resumed(stated))
        went_on = self.went_on
        if went_on and done.tree.root() != stated.root:
            # what was saved must lead to the root like everything else: judged anew, without it
            done, went_on = self._pass(stated, self._fresh(stated)), 0
        findings, more = self._conclude(stated, done)
        self.checks["checkpoint"] = vouching.signature(anchors, self.note, own_trust=self.trust is not None)
        self.checks["anchor"], self.checks["history"] = vouching.anchoring(
            anchors, self.history, self.note, stated, self.rewritten, self.unjudged
        )
        self.checks["witnesses"] = vouching.witnessed(anchors, self.note)
        self.checks["later"] = not_checked(
            "audit.later",
            "nothing is said of entries after size {size}, nor of what was never entered",
            size=stated.size,
        )
        if self.state is not None:
            self.state.unlink(missing_ok=True)
        required = ("checkpoint", "tree", "rules", *(("rows",) if self.files.has_rows else ()))
        order = ("checkpoint", "anchor", "history", "tree", "tiles", "rows", "rules", "witnesses", "later")
        return Report(
            stated.origin,
            stated.size,
            stated.root.hex(),
            {name: self.checks[name] for name in order},
            required,
            tuple(findings),
            more,
            went_on,
        )

    # -- before the entries ------------------------------------------------------------------------

    def _trust(self) -> TrustRoot | None:
        if self.trust is not None:
            return self.trust
        data = self.source.read(TRUST)
        try:
            return None if data is None else parse_trust(data)
        except EvidenceError:
            return None

    def _key_column(self) -> None:
        """The column that names a row, as the register's description says."""
        self.key_column: str | None = None
        self.description = self.source.read(DESCRIPTION)
        try:
            found = json.loads(self.description or b"null")
        except ValueError:
            found = None
        if isinstance(found, dict) and isinstance(found.get("key"), str):
            self.key_column = found["key"]

    # -- the entries -------------------------------------------------------------------------------

    def _fresh(self, stated: Checkpoint) -> Progress:
        self.went_on = 0
        return Progress(self._of(), Tree(stated.size, self.files.hashes))

    def _of(self) -> str:
        """What makes an audit another one: the checkpoint, the register's description, the history, rows or none."""
        parts = (
            self.note.encode(),
            self.description,
            self.history.data,
            b"rows" if self.files.has_rows else b"",
        )
        return sha256(b"".join(sha256(each or b"").digest() for each in parts)).hexdigest()

    def _resumed(self, stated: Checkpoint) -> Progress:
        """What was saved, if what was read then is still what is there."""
        found = saved.load(self.state, self._of(), stated.size, self.files.hashes) if self.state else None
        if found is None:
            return self._fresh(stated)
        if self.source.local:  # a mirror elsewhere is not fetched again: its entries answer to the root alone
            chain, opened = saved.Chain(), self.files.rows()
            for number in range(found.bundles):
                tile = bundle_of(number, stated.size)
                chunk = next_lines(opened, tile.width) if opened else []
                parts = [self.files.tile(each) for each in completed_by(number)]
                chain.add(self.source.read(tile.path), b"".join(chunk), *parts)
            at = opened.tell() if opened else 0
            if opened:
                opened.close()
            if (chain.value, at) != (found.chain.value, found.rows_at):
                return self._fresh(stated)
        self.went_on = min(found.bundles * TILE_WIDTH, stated.size)
        return found

    def _pass(self, stated: Checkpoint, done: Progress) -> Progress:
        """Every bundle from where `done` is."""
        opened = self.files.rows()
        if opened:
            opened.seek(done.rows_at)
        last, cost = self.clock(), 0.0
        bundles = -(-stated.size // TILE_WIDTH)
        try:
            while done.bundles < bundles:
                self._bundle(done, bundle_of(done.bundles, stated.size), opened)
                done.bundles += 1
                self.on_progress(min(done.bundles * TILE_WIDTH, stated.size), stated.size)
                now = self.clock()
                if self.state is not None and now - last >= max(self.save_every, 20 * cost):
                    done.save(self.state)
                    last = self.clock()
                    cost = last - now
            if opened and opened.read(1):
                done.find("rows", Finding(ROWS, f"it has more lines than the log has entries, {stated.size}"))
        finally:
            if opened:
                opened.close()
        done.tree.finish()
        return done

    def _bundle(self, done: Progress, tile: Tile, opened: BinaryIO | None) -> None:
        data = self.source.read(tile.path)
        stored = self.files.hashes(Tile(0, tile.number, tile.width))
        chunk = next_lines(opened, tile.width) if opened else []
        try:
            parts = entries_of(data, tile)
        except MalformedEvidence as error:
            parts = []
            done.unread.add(tile.number)
            text = f"{error}: entries {tile.start} to {tile.start + tile.width - 1} and their rows were not checked"
            done.find("tree", Finding(tile.path, text, tile.start))
            leaves = stored or [bytes(HASH_SIZE)] * tile.width
            done.doubtful.update(range(tile.start, tile.start + tile.width))
        else:
            leaves = [sha256(b"\x00" + each).digest() for each in parts]
            if stored is not None and stored != leaves:
                differing = (at for at in range(tile.width) if stored[at] != leaves[at])
                done.doubtful.update(tile.start + at for at in differing)
        earlier = self.history.checkpoints
        while done.checkpoints < len(earlier):
            each = earlier[done.checkpoints].stated
            if each.size > tile.start + tile.width:
                break
            if done.tree.root(leaves[: each.size - tile.start]) != each.root:
                done.rewritten.append(each.size)
            done.checkpoints += 1
        self._entries(done, tile, parts, chunk)
        done.tree.add(leaves)
        completed = [self.files.tile(each) for each in completed_by(tile.number)] if self.source.local else []
        done.chain.add(data, b"".join(chunk), *completed)
        done.rows_at += sum(map(len, chunk))

    def _entries(self, done: Progress, tile: Tile, parts: list[bytes], chunk: list[bytes]) -> None:
        """One bundle's entries with their rows. What opens the commitments is computed for all of them at once."""
        rules = done.rules
        opening: list[beside.Opening] = []
        if not parts:
            for index in range(tile.start, tile.start + tile.width):
                rules.add("", None)
                rules.doubt(index, None)
            return
        for at, data in enumerate(parts):
            index = tile.start + at
            kind, refers_to, commitment = read_entry(data)
            wrong = rules.add(kind, refers_to)
            because: tuple[int, ...] = ()
            if index in done.doubtful:
                rules.doubt(index, refers_to)
                because = (index,)
            elif rules.doubtful(refers_to):
                because = (DEPENDS,)
            if not kind:
                text = f"entry {index} is none: {data[:80].decode(errors='replace')}"
                done.find("rules", Finding(tile.path, text, index), because)
                continue
            if wrong:
                done.find("rules", Finding(tile.path, f"entry {index} ({kind}): {wrong}", index), because)
            if at < len(chunk):
                rules.begin_row(index, kind, refers_to)
                done.rows_checked += 1
                row = beside.Beside(index, kind, commitment, because)
                opening += beside.check(done, row, chunk[at], self.key_column)
            elif self.files.has_rows and at == len(chunk):
                done.find("rows", Finding(ROWS, f"it ends before row {index}", index))
        beside.check_openings(done, opening)

    # -- after the entries -------------------------------------------------------------------------

    def _conclude(self, stated: Checkpoint, done: Progress) -> tuple[list[Finding], int]:
        """Which of what differs was changed, and what of the findings stands then."""
        same = done.tree.root() == stated.root
        location = Location(done.tree, stated.root, self.files.hashes)
        if done.tree.different or done.tree.uncounted or not same:
            location.find()
        damaged = set(location.entries)
        for number in done.unread:
            damaged.update(range(number * TILE_WIDTH, min((number + 1) * TILE_WIDTH, stated.size)))
        if damaged:
            damaged.add(DEPENDS)
        if self.files.has_rows:
            self._whole(done, stated)
        for size in done.rewritten:
            text = f"the tree of its first {size} entries has not the root that the checkpoint of that size states"
            because = tuple(sorted(index for index in damaged if index < size))[:2]
            done.find("history", Finding(CHECKPOINTS, text), because)
        for path in sorted(self.files.missing):
            done.find("tiles", Finding(path, "the file is missing"))
        # what a damaged entry made us find is no finding; where its tile was damaged instead, it stands
        stands = [
            (finding, check, why)
            for finding, check, why in done.findings
            if not damaged.intersection(why) and not (check == "rows" and finding.index in damaged)
        ]
        listed = [each for each, _, _ in stands] + location.findings
        counts = {
            name: sum(check == name for _, check, _ in stands)
            for name in ("tree", "tiles", "rows", "rules", "history")
        }
        counts["tree"] += sum(each.index is not None for each in location.findings)
        counts["tiles"] += sum(each.index is None for each in location.findings)
        self._say(stated, done, counts, same)
        listed.sort(key=lambda each: (each.index is None, each.index or 0, each.file))
        more = done.counted - len(done.findings) + max(0, len(listed) - LISTED)
        return listed[:LISTED], more

    def _whole(self, done: Progress, stated: Checkpoint) -> None:
        """What only all rows together show."""
        for index in done.rules.unopened():
            text = f"row {index} (line {index + 1}) opens nothing, and no erasure up to size {stated.size} says why"
            done.find("rows", Finding(ROWS, text, index))
        for first, second in done.rules.repeated():
            text = f"row {second} (line {second + 1}) begins with the key that row {first} has already"
            done.find("rows", Finding(ROWS, text, second))

    def _say(self, stated: Checkpoint, done: Progress, counts: dict[str, int], same: bool) -> None:
        root, checks = stated.root.hex(), self.checks
        if same and not counts["tree"]:
            checks["tree"] = passed(
                "audit.tree", "{size} entries lead to the root {root}", size=stated.size, root=root
            )
        else:
            text = "the entries do not lead to the root {root}" if not same else "entries could not be read"
            checks["tree"] = failed("audit.tree", text, root=root)
        checks["tiles"] = (
            failed("audit.tiles", "{count} tiles do not hold", count=counts["tiles"])
            if counts["tiles"]
            else passed("audit.tiles", "the tiles are what the entries make them")
        )
        checks["rules"] = (
            failed("audit.rules", "{count} entries are not as they may be", count=counts["rules"])
            if counts["rules"]
            else passed("audit.rules", "only what was in effect was changed or ended, each once")
        )
        self.rewritten = counts["history"]
        self.unjudged = len(done.rewritten) - counts["history"]
        if not self.files.has_rows:
            checks["rows"] = not_checked("audit.no_rows", "there are no rows here: only entries were checked")
        elif counts["rows"]:
            checks["rows"] = failed("audit.rows", "{count} rows do not hold", count=counts["rows"])
        else:
            keys = (
                ""
                if self.key_column is not None
                else "; no file says which column is the key: keys were not compared"
            )
            text = "{count} rows are what their entries commit to{keys}"
            checks["rows"] = passed("audit.rows", text, count=done.rows_checked, keys=keys)
