"""The audit: every row leads to its entry, every entry to its tiles, all of them to the root that the log's key signed.

    rows.jsonl ── digest, salt ──> commitment ── entry ──> leaf ── tiles ──> root == checkpoint ── signature, anchor

One pass, bundle after bundle of 256 entries. A row that is not what was committed to is named by its line; a tile or an
entry that was changed is told from what still leads to the root (`locate.py`). Earlier checkpoints need no consistency
proof here: the tree passes through their sizes, and had their roots or had not. Which entry may refer to which is in
`rules.py`. A trust root that comes with the export says only what its maker says of itself: give your own.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from sandbox.audit import progress as saved
from sandbox.audit import rows as lines
from sandbox.audit.anchors import Anchored, Anchors
from sandbox.audit.anchors import read as read_checkpoints
from sandbox.audit.locate import Location
from sandbox.audit.progress import Progress
from sandbox.audit.report import LISTED, Finding, Report
from sandbox.audit.rules import COMMITS, ENDS, UNOPENED, Rules
from sandbox.audit.source import CHECKPOINTS, DESCRIPTION, ROWS, TRUST, Source
from sandbox.audit.tree import Tree, split
from sandbox.errors import EvidenceError, MalformedEvidence
from sandbox.evidence import entry as entries
from sandbox.evidence.checkpoint import Checkpoint, parse_unverified
from sandbox.evidence.commitment import commit_all
from sandbox.evidence.digest import digest_bytes
from sandbox.evidence.entry import KINDS
from sandbox.evidence.merkle import HASH_SIZE
from sandbox.evidence.report import Outcome, failed, flagged, not_checked, passed
from sandbox.evidence.static_log import CHECKPOINT, Tile, parse_bundle
from sandbox.evidence.tiles import TILE_WIDTH
from sandbox.evidence.trust import TrustRoot
from sandbox.evidence.trust import parse as parse_trust

#: Seconds of work between two saves; a save that takes long is made less often.
SAVE_EVERY = 5.0
#: The longest line of rows.jsonl.
MAX_LINE = 16 << 20
#: Stands among the entries that a finding is because of, for whichever damaged one it depends on.
DEPENDS = -1
_ENTRY = re.compile(
    rb'\{"commitment":(?:"([0-9a-f]{64})"|null),"kind":"([a-z]+)","reason":(?:"[a-z][a-z0-9_-]{0,63}"|null),'
    rb'"refers_to":(0|[1-9][0-9]{0,18}|null),"v":1\}'
)


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


@dataclass(frozen=True, slots=True)
class _Beside:
    """An entry that a row stands beside; `because` as of a finding about it."""

    index: int
    kind: str
    commitment: bytes | None
    because: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Opening:
    """A row that shall open its entry's commitment, with its digest."""

    entry: _Beside
    row: lines.Row
    digest: bytes


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
    missing: set[str] = field(default_factory=set)

    def report(self) -> Report:
        stated = parse_unverified(self.note)
        own = self._trust()
        self._key_column()
        history = self._history(stated)
        anchors = None if own is None else Anchors(own, stated.origin)
        self._signature(anchors)
        done = self._pass(stated, history, self._resumed(stated))
        went_on = self.went_on
        if went_on and done.tree.root() != stated.root:
            # what was saved must lead to the root like everything else: judged anew, without it
            done, went_on = self._pass(stated, history, self._fresh(stated)), 0
        findings, more = self._conclude(stated, done)
        self._anchoring(anchors, history, stated)
        self._unchecked(stated, anchors)
        if self.state is not None:
            self.state.unlink(missing_ok=True)
        required = ("checkpoint", "tree", "rules", *(("rows",) if self.has_rows else ()))
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
        self.own_trust = self.trust is not None
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
        opened = self.source.open(ROWS)
        self.has_rows = opened is not None
        if opened is not None:
            opened.close()

    def _history(self, stated: Checkpoint) -> list[Anchored]:
        self.history_problem: str | None = None
        self.history_data = self.source.read(CHECKPOINTS)
        try:
            found = read_checkpoints(self.history_data)
        except EvidenceError as error:
            self.history_problem = str(error)
            return []
        for each in found:
            if each.stated.origin != stated.origin or each.stated.size > stated.size:
                self.history_problem = (
                    f"it has a checkpoint of {each.stated.origin!r} at size {each.stated.size}"
                )
        return found

    def _signature(self, anchors: Anchors | None) -> None:
        if anchors is None:
            self.checks["checkpoint"] = not_checked(
                "audit.untrusted", "no trust root was given and none is here: nobody vouches for the root"
            )
            return
        refused = anchors.signed(self.note)
        if refused is not None:
            self.checks["checkpoint"] = failed("audit.unsigned", "{why}", why=refused)
        elif self.own_trust:
            self.checks["checkpoint"] = passed("audit.signed", "signed by the log's key in your trust root")
        else:
            self.checks["checkpoint"] = flagged(
                "audit.signed_here",
                "signed by the key that these files name themselves: give a trust root that came by another way",
            )

    # -- the entries -------------------------------------------------------------------------------

    def _fresh(self, stated: Checkpoint) -> Progress:
        self.went_on = 0
        return Progress(self._of(), Tree(stated.size, self._stored))

    def _of(self) -> str:
        """What makes an audit another one: the checkpoint, the register's description, the history, rows or none."""
        parts = (self.note.encode(), self.description, self.history_data, b"rows" if self.has_rows else b"")
        return sha256(b"".join(sha256(each or b"").digest() for each in parts)).hexdigest()

    def _resumed(self, stated: Checkpoint) -> Progress:
        """What was saved, if what was read then is still what is there."""
        found = saved.load(self.state, self._of(), stated.size, self._stored) if self.state else None
        if found is None:
            return self._fresh(stated)
        if self.source.local:  # a mirror elsewhere is not fetched again: its entries answer to the root alone
            chain, opened = saved.Chain(), self._rows()
            for number in range(found.bundles):
                tile = _bundle(number, stated.size)
                chunk = _chunk(opened, tile.width) if opened else []
                parts = [self._tile(each) for each in _completed(number)]
                chain.add(self.source.read(tile.path), b"".join(chunk), *parts)
            at = opened.tell() if opened else 0
            if opened:
                opened.close()
            if (chain.value, at) != (found.chain.value, found.rows_at):
                return self._fresh(stated)
        self.went_on = min(found.bundles * TILE_WIDTH, stated.size)
        return found

    def _pass(self, stated: Checkpoint, history: list[Anchored], done: Progress) -> Progress:
        """Every bundle from where `done` is."""
        opened = self._rows()
        if opened:
            opened.seek(done.rows_at)
        last, cost = self.clock(), 0.0
        bundles = -(-stated.size // TILE_WIDTH)
        try:
            while done.bundles < bundles:
                self._bundle(done, _bundle(done.bundles, stated.size), opened, history)
                done.bundles += 1
                self.on_progress(min(done.bundles * TILE_WIDTH, stated.size), stated.size)
                now = self.clock()
                if self.state is not None and now - last >= max(self.save_every, 20 * cost):
                    done.save(self.state)
                    last = self.clock()
                    cost = last - now
            if opened and opened.read(1):
                self._find(
                    done, "rows", Finding(ROWS, f"it has more lines than the log has entries, {stated.size}")
                )
        finally:
            if opened:
                opened.close()
        done.tree.finish()
        return done

    def _bundle(self, done: Progress, tile: Tile, opened: BinaryIO | None, history: list[Anchored]) -> None:
        data = self.source.read(tile.path)
        stored = self._stored(Tile(0, tile.number, tile.width))
        chunk = _chunk(opened, tile.width) if opened else []
        try:
            parts = _parts(data, tile)
        except MalformedEvidence as error:
            parts = []
            done.unread.add(tile.number)
            text = f"{error}: entries {tile.start} to {tile.start + tile.width - 1} and their rows were not checked"
            self._find(done, "tree", Finding(tile.path, text, tile.start))
            leaves = stored or [bytes(HASH_SIZE)] * tile.width
            done.doubtful.update(range(tile.start, tile.start + tile.width))
        else:
            leaves = [sha256(b"\x00" + each).digest() for each in parts]
            if stored is not None and stored != leaves:
                differing = (at for at in range(tile.width) if stored[at] != leaves[at])
                done.doubtful.update(tile.start + at for at in differing)
        while done.checkpoints < len(history):
            each = history[done.checkpoints].stated
            if each.size > tile.start + tile.width:
                break
            if done.tree.root(leaves[: each.size - tile.start]) != each.root:
                done.rewritten.append(each.size)
            done.checkpoints += 1
        self._entries(done, tile, parts, chunk)
        done.tree.add(leaves)
        completed = [self._tile(each) for each in _completed(tile.number)] if self.source.local else []
        done.chain.add(data, b"".join(chunk), *completed)
        done.rows_at += sum(map(len, chunk))

    def _entries(self, done: Progress, tile: Tile, parts: list[bytes], chunk: list[bytes]) -> None:
        """One bundle's entries with their rows. What opens the commitments is computed for all of them at once."""
        rules = done.rules
        opening: list[_Opening] = []
        if not parts:
            for index in range(tile.start, tile.start + tile.width):
                rules.add("", None)
                rules.doubt(index, None)
            return
        for at, data in enumerate(parts):
            index = tile.start + at
            kind, refers_to, commitment = _read_entry(data)
            wrong = rules.add(kind, refers_to)
            because: tuple[int, ...] = ()
            if index in done.doubtful:
                rules.doubt(index, refers_to)
                because = (index,)
            elif rules.doubtful(refers_to):
                because = (DEPENDS,)
            if not kind:
                text = f"entry {index} is none: {data[:80].decode(errors='replace')}"
                self._find(done, "rules", Finding(tile.path, text, index), because)
                continue
            if wrong:
                self._find(
                    done, "rules", Finding(tile.path, f"entry {index} ({kind}): {wrong}", index), because
                )
            if at < len(chunk):
                rules.begin_row(index, kind, refers_to)
                done.rows_checked += 1
                row = _Beside(index, kind, commitment, because)
                opening += self._row(done, row, chunk[at])
            elif self.has_rows and at == len(chunk):
                self._find(done, "rows", Finding(ROWS, f"it ends before row {index}", index))
        self._open(done, opening)

    def _row(self, done: Progress, entry: _Beside, line: bytes) -> list[_Opening]:
        """A row beside its entry; and what of it is still to be opened."""
        opening, problem = [], None
        try:
            row = lines.parse(line)
            if row.opens and entry.commitment is not None:
                assert row.content is not None
                digest = digest_bytes(row.content, row.algorithm or "").value
                opening = [_Opening(entry, row, digest)]
            problem = self._told(done.rules, row, entry)
        except EvidenceError as error:
            problem = str(error)
        if problem is not None:
            text = f"row {entry.index} (line {entry.index + 1}): {problem}"
            self._find(done, "rows", Finding(ROWS, text, entry.index), entry.because)
        return opening

    def _told(self, rules: Rules, row: lines.Row, entry: _Beside) -> str | None:
        """What is wrong with a row, but for its commitment."""
        told = None
        if row.place != entry.index:
            told = f"it says that it is of entry {row.place}"
        elif row.kind != entry.kind:
            told = f"it says {row.kind!r}, its entry {entry.kind!r}"
        elif not row.opens and (row.content, row.salt) != (None, None):
            told = "it has a part of what opens a commitment: content, salt and algorithm go together"
        elif row.opens and entry.commitment is None:
            told = f"it has content, and a {entry.kind} entry commits to nothing"
        elif row.content is not None and self.key_column is not None:
            found = lines.columns(row.content).get(self.key_column)
            if found != row.key:
                told = f"its key is {row.key!r}, and its content has {self.key_column} {found!r}"
        if told is None and not row.opens and entry.kind in COMMITS:
            rules.flags[entry.index] |= UNOPENED
        return told or rules.compare_row(entry.index, entry.kind, row.key, row.version)

    def _open(self, done: Progress, opening: list[_Opening]) -> None:
        """Whether digests and salts make the commitments."""
        for algorithm in {each.row.algorithm for each in opening}:
            some = [each for each in opening if each.row.algorithm == algorithm]
            salts = b"".join(each.row.salt or b"" for each in some)
            made = commit_all(str(algorithm), [each.digest for each in some], salts)
            for each, opened in zip(some, made, strict=True):
                entry = each.entry
                if opened != entry.commitment:
                    said = (each.row.content or b"")[:120].decode(errors="replace")
                    text = (
                        f"row {entry.index} (line {entry.index + 1}) was changed: it does not open its entry's "
                        f"commitment {(entry.commitment or b'').hex()[:16]}…; it says {said}"
                    )
                    self._find(done, "rows", Finding(ROWS, text, entry.index), entry.because)

    def _find(self, done: Progress, check: str, finding: Finding, because: tuple[int, ...] = ()) -> None:
        done.counted += 1
        if len(done.findings) < LISTED:
            done.findings.append((finding, check, because))

    # -- after the entries -------------------------------------------------------------------------

    def _conclude(self, stated: Checkpoint, done: Progress) -> tuple[list[Finding], int]:
        """Which of what differs was changed, and what of the findings stands then."""
        same = done.tree.root() == stated.root
        location = Location(done.tree, stated.root, self._stored)
        if done.tree.different or done.tree.uncounted or not same:
            location.find()
        damaged = set(location.entries)
        for number in done.unread:
            damaged.update(range(number * TILE_WIDTH, min((number + 1) * TILE_WIDTH, stated.size)))
        if damaged:
            damaged.add(DEPENDS)
        if self.has_rows:
            self._whole(done, stated)
        for size in done.rewritten:
            text = f"the tree of its first {size} entries has not the root that the checkpoint of that size states"
            because = tuple(sorted(index for index in damaged if index < size))[:2]
            self._find(done, "history", Finding(CHECKPOINTS, text), because)
        for path in sorted(self.missing):
            self._find(done, "tiles", Finding(path, "the file is missing"))
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
            self._find(done, "rows", Finding(ROWS, text, index))
        for first, second in done.rules.repeated():
            text = f"row {second} (line {second + 1}) begins with the key that row {first} has already"
            self._find(done, "rows", Finding(ROWS, text, second))

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
        if not self.has_rows:
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

    def _anchoring(self, anchors: Anchors | None, history: list[Anchored], stated: Checkpoint) -> None:
        """The chain's part: the newest checkpoint's anchor, and every earlier one's."""
        if self.history_data is None or anchors is None:
            what = "no anchors are here" if self.history_data is None else "no trust root names the chain"
            for name in ("anchor", "history"):
                self.checks[name] = not_checked("audit.no_anchors", "{what}", what=what)
            return
        if self.history_problem or not history:
            why = self.history_problem or "it is empty"
            for name in ("anchor", "history"):
                self.checks[name] = failed("audit.history", CHECKPOINTS + ": {why}", why=why)
            return
        newest = history[-1]
        refused: str | None = anchors.anchored(newest)
        if newest.note.partition("\n\n")[0] != self.note.partition("\n\n")[0]:
            refused = f"the newest anchored checkpoint is of size {newest.stated.size}, not {stated.size}"
        self.checks["anchor"] = (
            failed("audit.anchor", "{why}", why=refused)
            if refused
            else passed(
                "audit.anchor", "the chain's contract recorded this root, in a block that its key sealed"
            )
        )
        told = ((each.stated.size, anchors.anchored(each)) for each in history[:-1])
        bad = [f"size {size}: {refusal}" for size, refusal in told if refusal]
        if self.rewritten:
            bad.append(f"{self.rewritten} of them had another root than this log had at their size")
        if bad:
            why = f"{len(bad)} do not hold; {bad[0]}"
            self.checks["history"] = failed("audit.history", "of the earlier checkpoints, {why}", why=why)
        elif self.unjudged:
            text = "{count} earlier checkpoints lie after a changed entry: whether this log extends them is not known"
            self.checks["history"] = not_checked("audit.unjudged", text, count=self.unjudged)
        else:
            text = "{count} earlier checkpoints were signed and anchored, and this log extends each of them"
            self.checks["history"] = passed("audit.history", text, count=len(history) - 1)

    def _unchecked(self, stated: Checkpoint, anchors: Anchors | None) -> None:
        witnessed = None if anchors is None else anchors.witnessed(self.note)
        self.checks["witnesses"] = witnessed or not_checked(
            "audit.witnesses",
            "whether others were shown another log of this name is for witnesses to say: compare checkpoints with theirs",
        )
        self.checks["later"] = not_checked(
            "audit.later",
            "nothing is said of entries after size {size}, nor of what was never entered",
            size=stated.size,
        )

    # -- files -------------------------------------------------------------------------------------

    def _tile(self, tile: Tile) -> bytes | None:
        data = self.source.read(tile.path)
        if data is None and not tile.full:  # a mirror may have kept only the full one
            data = self.source.read(Tile(tile.level, tile.number).path)
            data = None if data is None else data[: tile.width * HASH_SIZE]
        return data

    def _stored(self, tile: Tile) -> list[bytes] | None:
        data = self._tile(tile)
        if data is None:
            self.missing.add(tile.path)
            return None
        hashes = split(data[: tile.width * HASH_SIZE])
        if (
            len(data) != tile.width * HASH_SIZE
        ):  # of no use as it is, and told by its first place that differs
            hashes = [each.ljust(HASH_SIZE, b"\0") for each in hashes]
            hashes += [bytes(HASH_SIZE)] * (tile.width - len(hashes))
            if len(data) > tile.width * HASH_SIZE:
                hashes[-1] = bytes(HASH_SIZE)
        return hashes

    def _rows(self) -> BinaryIO | None:
        return self.source.open(ROWS) if self.has_rows else None


def _bundle(number: int, size: int) -> Tile:
    return Tile(None, number, min(TILE_WIDTH, size - number * TILE_WIDTH))


def _parts(data: bytes | None, tile: Tile) -> list[bytes]:
    if data is None:
        raise MalformedEvidence("the file is missing")
    return parse_bundle(data, tile.width, "the bundle")


def _completed(number: int) -> Iterator[Tile]:
    """The full tiles that are complete with a full bundle."""
    level, number = 0, number + 1
    while True:
        yield Tile(level, number - 1)
        number, rest = divmod(number, TILE_WIDTH)
        if rest or not number:
            return
        level += 1


def _chunk(opened: BinaryIO, width: int) -> list[bytes]:
    """The next lines, one for each entry of a bundle."""
    found = []
    for _ in range(width):
        line = opened.readline(MAX_LINE)
        if not line:
            break
        found.append(line)
    return found


def _read_entry(data: bytes) -> tuple[str, int | None, bytes | None]:
    """Kind, what it refers to, commitment; no kind for what is no entry."""
    match = _ENTRY.fullmatch(data)
    try:
        if match is None:
            found = entries.parse(data)  # says the same more slowly, and refuses for a reason
            return found.kind, found.refers_to, found.commitment
        commitment, slug, refers_to = match.groups()
        kind = slug.decode()
        if (
            (kind in ENDS) == (refers_to == b"null")
            or (kind in COMMITS and commitment is None)
            or kind not in KINDS
        ):
            entries.parse(data)
        return (
            kind,
            None if refers_to == b"null" else int(refers_to),
            None if commitment is None else bytes.fromhex(commitment.decode()),
        )
    except EvidenceError:
        return "", None, None
