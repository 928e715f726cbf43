"""One proof in several encodings: each is recognised by its first bytes, and verified by the same steps.

| encoding     | begins with               | carries nothing for                                                |
| `json`       | `{`                       |                                                                    |
| `cose`       | D2 84                     | the anchor, time-stamps, witnesses, the lower bound, renewals      |
| `tlog-proof` | `c2sp.org/tlog-proof@v1`  | the anchor, time-stamps, the lower bound, renewals                 |
| `pdf`        | `%PDF-`                   | (it holds all three as embedded files, which must agree and hold)  |
| `qr`         | `RRQ`, of its text        | as `cose`                                                          |

What an encoding carries nothing for is reported as *not checked*, never as passed: a policy that requires such a step
is not met. `log-only` asks for what all of them carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from sandbox.errors import EvidenceError, MalformedEvidence
from sandbox.evidence import cose, manifest, merkle, pdf, qr, receipt, tlog_proof
from sandbox.evidence import document as documents
from sandbox.evidence.check import checks
from sandbox.evidence.context import Context, SharedWork
from sandbox.evidence.cose import InclusionReceipt, Opening
from sandbox.evidence.digest import Digest, digest_bytes, digest_file
from sandbox.evidence.document import Document, Match
from sandbox.evidence.embedded import embedded_files
from sandbox.evidence.policy import STANDARD, Policy
from sandbox.evidence.receipt import FilePlace, Inclusion, Receipt, SaltedDigest
from sandbox.evidence.report import Report, Result, Step, failed, not_checked
from sandbox.evidence.trust import TrustRoot
from sandbox.evidence.verify import run


class Encoding(StrEnum):
    """An encoding of a proof, by its slug."""

    JSON = "json"
    COSE = "cose"
    TLOG_PROOF = "tlog-proof"
    PDF = "pdf"
    QR = "qr"


_OF_A_ROOT = frozenset(
    {
        "document-digest",
        "commitment",
        "entry",
        "inclusion",
        "checkpoint",
        "validity-and-time",
        "later-status",
        "algorithms",
    }
)
#: The steps that an encoding carries something for; None: all of them.
CARRIED: Mapping[Encoding, frozenset[str] | None] = MappingProxyType(
    {
        Encoding.JSON: None,
        Encoding.COSE: _OF_A_ROOT,
        Encoding.TLOG_PROOF: _OF_A_ROOT | {"witnesses"},
        Encoding.PDF: None,
        Encoding.QR: _OF_A_ROOT,
    }
)
#: The files that a receipt's PDF embeds, besides `token-N.tsr` for each time-stamp, from 1.
JSON_FILE, COSE_FILE, TLOG_PROOF_FILE = "receipt.json", "receipt.cose", "receipt.tlog-proof"


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof as it was read, nothing of it checked; `others` are the other files of a PDF, by their names."""

    encoding: Encoding
    content: Receipt | InclusionReceipt
    others: tuple[tuple[str, Proof], ...] = ()


def recognise(data: bytes) -> Encoding:
    """Which encoding these bytes are, by how they begin. MalformedEvidence when they are none."""
    for encoding, beginning in (
        (Encoding.JSON, b"{"),
        (Encoding.COSE, b"\xd2"),
        (Encoding.TLOG_PROOF, tlog_proof.FIRST_LINE.encode()),
        (Encoding.PDF, b"%PDF-"),
        (Encoding.QR, qr.BEGINNING.encode()),
    ):
        if data.startswith(beginning):
            return encoding
    raise MalformedEvidence(
        f"this is no receipt: expected JSON, a COSE receipt, a {tlog_proof.FIRST_LINE}, a receipt's PDF or the text of its "
        f"QR code, got {data[:24]!r}"
    )


def read(data: bytes) -> Proof:
    """The proof that these bytes are, in whatever encoding; each has one spelling. MalformedEvidence otherwise.

    The text of a QR code may end in one end of line, which editors add.
    """
    encoding = recognise(data)
    if encoding is Encoding.JSON:
        return Proof(encoding, receipt.parse(data))
    if encoding is Encoding.COSE:
        return Proof(encoding, cose.parse_inclusion(data))
    if encoding is Encoding.TLOG_PROOF:
        return Proof(encoding, tlog_proof.to_receipt(tlog_proof.parse(data)))
    if encoding is Encoding.QR:
        text = data.decode("latin-1").removesuffix("\n").removesuffix("\r")
        return Proof(encoding, cose.parse_inclusion(qr.decode(text)))
    return _of_files(embedded_files(data))


def verify(
    document: Document,
    proof: Proof | bytes,
    trust: TrustRoot,
    policy: Policy = STANDARD,
    *,
    as_of: datetime | None = None,
    work: SharedWork | None = None,
) -> Report:
    """Check a proof in any encoding; as `verify.verify`. Bytes are read first: MalformedEvidence when they cannot be."""
    if isinstance(proof, bytes):
        proof = read(proof)
    work = work or SharedWork()
    report = run(_context(document, proof, trust, work, as_of), policy)
    if not proof.others:
        return report
    assert isinstance(proof.content, Receipt)
    # the document was compared with the JSON's digests, which the others share: it is not hashed again
    known = proof.content.document if proof.content.manifest is None else proof.content.manifest.file
    seen = Match(known.to_digest(), exact=True)
    others = [
        (name, run(_context(known, each, trust, work, as_of, seen), policy)) for name, each in proof.others
    ]
    return _merged(report, others)


def verify_many(
    documents: Iterable[tuple[Document, Proof]],
    trust: TrustRoot,
    policy: Policy = STANDARD,
    *,
    as_of: datetime | None = None,
) -> Iterator[Report]:
    """Check many proofs in order; what they share is checked once."""
    work = SharedWork()
    for document, proof in documents:
        yield verify(document, proof, trust, policy, as_of=as_of, work=work)


def _context(
    document: Document | SaltedDigest,
    proof: Proof,
    trust: TrustRoot,
    work: SharedWork,
    as_of: datetime | None,
    match: Match | None = None,
) -> Context:
    content = proof.content
    stated = None
    if isinstance(content, InclusionReceipt):
        stated = cache(content.statement)
        content, match = _opened(document, content)
    return Context(
        document.to_digest() if isinstance(document, SaltedDigest) else document,
        content,
        trust,
        work,
        as_of,
        encoding=proof.encoding,
        carried=CARRIED[proof.encoding],
        stated=stated,
        match=match,
    )


# -- a COSE receipt has no digest: the document's own has to open the entry's commitment --------------------


def _opened(document: Document | SaltedDigest, proof: InclusionReceipt) -> tuple[Receipt, Match]:
    """The receipt with the digests of the document, or of its revision, that open the entry; else with the document's."""
    opening = proof.opening if proof.manifest is None else proof.manifest.file
    first: tuple[Receipt, Match] | None = None
    for match, digests in _candidates(document, opening):
        made = _receipt(proof, _salted(digests, opening.salt))
        if proof.entry.commitment is not None and made.document.commitment() == proof.entry.commitment:
            if match.exact or isinstance(document, SaltedDigest):
                return made, match
            return made, documents.match(
                document, digests[0], digests[1:]
            )  # a revision: there is more to say
        first = first or (made, Match(match.actual, exact=False))
    assert first is not None, "a document has a digest"
    return first


def _candidates(
    document: Document | SaltedDigest, opening: Opening
) -> Iterator[tuple[Match, tuple[Digest, ...]]]:
    """The document's digests by the opening's algorithms, then those of each revision of a PDF."""
    if isinstance(document, SaltedDigest):
        yield Match(document.to_digest(), exact=True), document.digests()
        return
    if isinstance(document, Digest):
        yield Match(document, exact=True), (document,)
        return
    slugs = opening.algorithms
    digests = tuple(
        digest_bytes(document, slug) if isinstance(document, bytes) else digest_file(document, slug=slug)
        for slug in slugs
    )
    yield Match(digests[0], exact=True), digests
    found = [pdf.revision_digests(document, slug) for slug in slugs]
    for revisions in zip(*found, strict=True):
        for values in zip(*(each for _, each in revisions), strict=True):
            of_revision = tuple(map(Digest, slugs, values))
            yield Match(digests[0], exact=False), of_revision


def _salted(digests: tuple[Digest, ...], salt: bytes) -> SaltedDigest:
    first, *also = digests
    return SaltedDigest(first.algorithm, first.value, salt, tuple(also))


def _receipt(proof: InclusionReceipt, document: SaltedDigest) -> Receipt:
    """The receipt of that document, without checkpoint: the context's statement stands for it."""
    place = None
    if (opening := proof.manifest) is not None:
        place = FilePlace(document, opening.index, opening.size, opening.proof)
        leaf = merkle.leaf_hash(document.commitment())
        try:
            root = merkle.root_of_inclusion(leaf, place.index, place.size, place.proof)
        except (
            EvidenceError
        ):  # a place that no such manifest has: no header, and nothing that opens the entry
            root = leaf
        header = manifest.header(root, place.size)
        slugs = proof.opening.algorithms
        document = _salted(tuple(digest_bytes(header, slug) for slug in slugs), proof.opening.salt)
    issued = proof.issued
    inclusion = Inclusion(issued.origin, proof.index, issued.size, proof.proof)
    return Receipt(document, proof.entry, inclusion, checkpoint="", manifest=place)


# -- a PDF embeds the others -------------------------------------------------------------------------------


def _of_files(files: Mapping[str, bytes]) -> Proof:
    """The proof that a receipt's PDF embeds: JSON, COSE, tlog-proof and the JSON's own time-stamps, and nothing else."""
    what = "receipt's PDF"
    if missing := sorted({JSON_FILE, COSE_FILE, TLOG_PROOF_FILE} - files.keys()):
        raise MalformedEvidence(f"{what}: missing {', '.join(missing)}")
    main = receipt.parse(files[JSON_FILE])
    expected = {f"token-{place}.tsr": token for place, token in enumerate(main.timestamps, start=1)}
    others = {
        COSE_FILE: Proof(Encoding.COSE, cose.parse_inclusion(files[COSE_FILE])),
        TLOG_PROOF_FILE: Proof(
            Encoding.TLOG_PROOF, tlog_proof.to_receipt(tlog_proof.parse(files[TLOG_PROOF_FILE]))
        ),
    }
    rest = {name: data for name, data in files.items() if name != JSON_FILE and name not in others}
    if rest != expected:
        differing = sorted(name for name in rest.keys() | expected if rest.get(name) != expected.get(name))
        raise MalformedEvidence(
            f"{what}: {', '.join(differing)[:200]}: expected the time-stamps of {JSON_FILE} and nothing else"
        )
    for name, other in others.items():
        if (states := _states(other.content)) != _states(main):
            raise MalformedEvidence(
                f"{what}: {name} is not of the entry that {JSON_FILE} is of: index {states[1]} of log {states[0]!r}"
            )
    return Proof(Encoding.PDF, main, tuple(others.items()))


def _states(content: Receipt | InclusionReceipt) -> tuple[object, ...]:
    """What the encodings of one proof agree about: log, index, size, entry, and what opens it."""
    if isinstance(content, InclusionReceipt):
        place, opening = content.manifest, content.opening
        stated = (content.issued.origin, content.index, content.issued.size, content.entry, opening)
        file = place and (place.file, place.index, place.size, place.proof)
        return (*stated, file)
    at, within = content.inclusion, content.manifest
    stated = (at.origin, at.index, at.size, content.entry, _opening(content.document))
    file_ = within and (_opening(within.file), within.index, within.size, within.proof)
    return (*stated, file_)


def _opening(document: SaltedDigest) -> Opening:
    return Opening(document.salt, tuple(each.algorithm for each in document.digests()))


def _merged(report: Report, others: list[tuple[str, Report]]) -> Report:
    """The first report, with the first failure of any: a step holds only where it holds in every file."""
    steps: list[Step] = []
    stopped_at: int | None = None
    for step, check in zip(report.steps, checks(), strict=True):
        outcome = step.outcome
        wrong = [
            (f"{name}: {each.steps[len(steps)].outcome.text}", each.steps[len(steps)].outcome.cause)
            for name, each in others
            if each.steps[len(steps)].outcome.result is Result.FAILED
        ]
        if stopped_at is not None:
            outcome = not_checked("step.stopped", "not checked, since step {step} failed", step=stopped_at)
        elif outcome.result is not Result.FAILED and wrong:
            reason = "; ".join(text for text, _ in wrong)
            outcome = failed(f"{check.name}.refused", "{reason}", reason=reason)._replace(cause=wrong[0][1])
        if outcome.result is Result.FAILED:
            stopped_at = step.number
        steps.append(step._replace(outcome=outcome))
    return Report(tuple(steps))
