"""The verification steps, one class each, and the policies that say which of them must pass.

To add a step, write one class with `@check` on it: it then runs, is reported and can be required. Give it a
good and a bad vector in tests/sandbox/evidence/. A step returns an Outcome or raises an EvidenceError, which
is a failure; it relies only on what earlier steps established in the context.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace

from sandbox.errors import VerificationError
from sandbox.evidence import (
    algorithms,
    anchored_root,
    document,
    header,
    manifest,
    merkle,
    renewal,
    rlp,
    times,
    timestamp,
    transaction_receipt,
    trie,
    witnesses,
)
from sandbox.evidence.check import check, checks
from sandbox.evidence.context import Context
from sandbox.evidence.digest import Digest
from sandbox.evidence.encoding import utc_text
from sandbox.evidence.reasons import because
from sandbox.evidence.receipt import Renewal
from sandbox.evidence.report import Outcome, failed, flagged, not_checked, passed
from sandbox.evidence.sealer import MAX_SECONDS_AHEAD, open_sealed_block, require_not_ahead, require_of
from sandbox.evidence.trust import require_valid


@dataclass(frozen=True, slots=True)
class Policy:
    """The names of the steps that must pass. An empty policy would accept anything, and is refused."""

    required: frozenset[str]

    def __post_init__(self) -> None:
        if not self.required:
            raise ValueError("a policy must require at least one step: an empty one would accept any receipt")
        if unknown := self.required - {step.name for step in checks()}:
            raise ValueError(f"no such step: {', '.join(sorted(unknown))}")


def named(text: str) -> Policy:
    """The policy that a text names: `standard`, `log-only`, or the names of its steps, separated by commas.

    ValueError for an empty one, and for a step that does not exist.
    """
    known = {"standard": STANDARD, "log-only": LOG_ONLY}
    return known.get(text) or Policy(frozenset(name.strip() for name in text.split(",") if name.strip()))


@check
class DocumentDigest:
    number, name, layer, needs_anchor = 1, "document-digest", "document", False

    def run(self, context: Context) -> Outcome:
        notarised, place = context.receipt.document, context.receipt.manifest
        if place is not None:
            manifest.require_header(place, notarised)
            notarised = place.file
        expected = notarised.to_digest()
        if context.match is not None:
            return _opens(context.match)
        match = document.match(context.document, expected, notarised.also)
        if match.exact:
            return passed(
                "document.exact",
                "the document's {algorithm} digest is the receipt's, {digest}",
                algorithm=expected.algorithm,
                digest=expected.value.hex(),
            )
        if match.revision:
            return _revision(match)
        return failed(
            "document.differs",
            "this is not the receipt's document: expected {algorithm} {digest}, got {found} {actual}",
            actual=match.actual.value.hex(),
            found=match.actual.algorithm,
            digest=expected.value.hex(),
            algorithm=expected.algorithm,
        )


def _opens(match: document.Match) -> Outcome:
    """Step 1 of an encoding without digests: the document's own, with the salt, open the entry's commitment or not."""
    if match.exact:
        return passed(
            "document.opens",
            "the document's {algorithm} digest, {digest}, opens the entry's commitment with the salt that comes with it",
            algorithm=match.actual.algorithm,
            digest=match.actual.value.hex(),
        )
    if match.revision:
        return _revision(match)
    return failed(
        "document.unopened",
        "this is not the document of the entry, or not its salt: {algorithm} {actual} does not open the commitment",
        algorithm=match.actual.algorithm,
        actual=match.actual.value.hex(),
    )


def _revision(match: document.Match) -> Outcome:
    found = passed(
        "document.revision",
        "the document matches revision {revision} of {revisions}: the receipt covers its first {end} "
        "bytes, and nothing that was added after them",
        revision=match.revision,
        revisions=match.revisions,
        end=match.end,
    )
    return found._replace(details=document.details(match))


@check
class CommitmentOpens:
    number, name, layer, needs_anchor = 2, "commitment", "document", False

    def run(self, context: Context) -> Outcome:
        opened = context.receipt.document.commitment()
        return passed(
            "commitment.opened", "digest and salt give commitment {commitment}", commitment=opened.hex()
        )


@check
class EntryCommitment:
    number, name, layer, needs_anchor = 3, "entry", "document", False

    def run(self, context: Context) -> Outcome:
        salted, entry = context.receipt.document, context.receipt.entry
        if entry.commitment is None:
            return failed("entry.empty", "the entry ({kind}) carries no commitment", kind=entry.kind)
        if not hmac.compare_digest(entry.commitment, salted.commitment()):
            return failed(
                "entry.other", "the entry carries another commitment, {found}", found=entry.commitment.hex()
            )
        return passed("entry.carries", "the entry ({kind}) carries this commitment", kind=entry.kind)


@check
class LeafIncluded:
    number, name, layer, needs_anchor = 4, "inclusion", "log", False

    def run(self, context: Context) -> Outcome:
        inclusion, statement = context.receipt.inclusion, context.statement
        claimed = context.work.once(("claimed", statement), statement.claimed)  # step 5 checks who says so
        merkle.verify_inclusion(
            context.receipt.entry.leaf_hash(), inclusion.index, inclusion.size, inclusion.proof, claimed.root
        )
        return passed(
            "inclusion.proven",
            "the entry is leaf {index} of {size} under the checkpoint's root {root}",
            index=inclusion.index,
            size=inclusion.size,
            root=claimed.root.hex(),
        )


@check
class CheckpointSigned:
    number, name, layer, needs_anchor = 5, "checkpoint", "log", False

    def run(self, context: Context) -> Outcome:
        inclusion, statement = context.receipt.inclusion, context.statement
        log = context.trust.log(inclusion.origin)
        if log is None:
            raise because(
                "checkpoint.unknown-log",
                "the trust root knows no log with origin '{origin}'",
                origin=inclusion.origin,
            )
        opened = context.work.once(
            ("checkpoint", statement, log.origin),
            lambda: statement.open([key.verifier for key in log.keys]),
        )
        stated = opened.checkpoint
        if (stated.origin, stated.size) != (inclusion.origin, inclusion.size):
            raise because(
                "checkpoint.other-log",
                "the checkpoint is of log '{stated}' at size {stated_size}, the inclusion proof of '{origin}' at {size}",
                stated=stated.origin,
                stated_size=stated.size,
                origin=inclusion.origin,
                size=inclusion.size,
            )
        context.establish(log, opened)
        return passed(
            "checkpoint.signed",
            "{keys} signed that log {origin} had this root at size {size}",
            keys=", ".join(opened.note.verified_names),
            origin=stated.origin,
            size=stated.size,
        )


@check
class ContractTrusted:
    number, name, layer, needs_anchor = 6, "contract", "anchor", True

    def run(self, context: Context) -> Outcome:
        anchor, log = context.anchor, context.log
        chain = context.trust.chain(anchor.chain_id)
        if chain is None or log.chain_id != anchor.chain_id:
            raise because(
                "contract.other-chain",
                "log '{origin}' is anchored on chain {expected}, not {chain_id}",
                origin=log.origin,
                expected=log.chain_id,
                chain_id=anchor.chain_id,
            )
        if anchor.contract not in log.contracts:
            raise because(
                "contract.untrusted",
                "contract {contract} is not trusted to anchor '{origin}'",
                contract="0x" + anchor.contract.hex(),
                origin=log.origin,
            )
        context.establish(chain)
        return passed(
            "contract.trusted",
            "contract {contract} on chain {chain_id} is trusted to anchor this log",
            contract="0x" + anchor.contract.hex(),
            chain_id=anchor.chain_id,
        )


@check
class HeaderSealed:
    number, name, layer, needs_anchor = 7, "sealed-header", "anchor", True

    def run(self, context: Context) -> Outcome:
        anchor, chain = context.anchor, context.chain
        block = context.work.once(("header", anchor.header), lambda: header.parse(anchor.header))
        opened = context.work.once(
            ("sealed", anchor.sealer_note, chain.chain_id),
            lambda: open_sealed_block(anchor.sealer_note, [key.verifier for key in chain.sealing_keys]),
        )
        require_of(opened.block, chain.chain_id, block)
        context.establish(block, opened)
        return passed(
            "header.sealed",
            "{keys} signed that block {number} of chain {chain_id} is {hash}",
            keys=", ".join(opened.note.verified_names),
            number=block.number,
            chain_id=chain.chain_id,
            hash="0x" + block.hash.hex(),
        )


@check
class TimeCoherent:
    number, name, layer, needs_anchor = 8, "validity-and-time", "time", False

    def run(self, context: Context) -> Outcome:
        if context.receipt.anchor is None:
            return _undated(context)
        block, stated_ms = context.sealed.block, context.header.timestamp * 1000
        sealed_ms = block.time_ms
        require_not_ahead(block, context.header)
        require_valid(context.chain.sealing_keys, context.sealed.note, sealed_ms, "sealing key")
        require_valid(context.log.keys, context.checkpoint.note, sealed_ms, "log key")
        if block.moved is not None:
            return flagged(
                "time.moved",
                "the sealing key states {time} as the real time of the block; its keys and the log's were valid then. "
                "The chain's clock was moved by an administrator, {acts} time(s) before this block: it was {offset_ms} "
                "ms ahead of real time, so the block's own timestamp, {stated}, is no real time and proves none",
                time=utc_text(sealed_ms),
                time_ms=sealed_ms,
                acts=block.moved.acts,
                offset_ms=block.moved.offset_ms,
                stated=utc_text(stated_ms),
            )
        return passed(
            "time.stated",
            "the sealing key states {time} as the time of the block; its keys and the log's were valid then",
            time=utc_text(sealed_ms),
            time_ms=sealed_ms,
        )


def _undated(context: Context) -> Outcome:
    """Step 8 where no block states a time: the log's key is judged by when the question is asked, or not at all.

    A key that is over by then may have signed afterwards: nothing here tells that from a signature of its time.
    """
    note = context.checkpoint.note
    names = ", ".join(note.verified_names)
    if context.as_of is None:
        return not_checked(
            "time.undated",
            "nothing here states when {keys} signed, and nobody said as of when to judge it",
            keys=names,
        )
    as_of_ms = int(context.as_of.timestamp() * 1000)
    valid = any(key.verifier in note.verified and key.is_valid_at(as_of_ms) for key in context.log.keys)
    if not valid:
        return failed(
            "time.expired",
            "the log key {keys} is not valid as of {as_of}, and nothing here states that it was when it signed",
            keys=names,
            as_of=utc_text(as_of_ms),
        )
    return passed(
        "time.valid",
        "nothing here states when the log signed; its key {keys} is valid as of {as_of}",
        keys=names,
        as_of=utc_text(as_of_ms),
    )


@check
class TransactionReceiptProven:
    number, name, layer, needs_anchor = 9, "transaction-receipt", "anchor", True

    def run(self, context: Context) -> Outcome:
        anchor, receipts_root = context.anchor, context.header.receipts_root
        found = context.work.once(
            (receipts_root, anchor.transaction_index, anchor.receipt_proof),
            lambda: trie.verify(
                receipts_root, rlp.encode_integer(anchor.transaction_index), anchor.receipt_proof
            ),
        )
        if found != anchor.transaction_receipt:
            raise because(
                "transaction.other",
                "the block's receipts trie holds another transaction receipt at that index",
            )
        decoded = context.work.once(("transaction receipt", found), lambda: transaction_receipt.decode(found))
        if not decoded.succeeded:
            raise because("transaction.failed", "the transaction failed (status 0): it anchored nothing")
        context.establish(decoded)
        return passed(
            "transaction.proven",
            "transaction {index} of the block succeeded: its receipt is proven under the header",
            index=anchor.transaction_index,
        )


@check
class RootAnchored:
    number, name, layer, needs_anchor = 10, "anchored-root", "anchor", True

    def run(self, context: Context) -> Outcome:
        anchor, logs = context.anchor, context.transaction_receipt.logs
        stated = context.checkpoint.checkpoint
        if anchor.log_index >= len(logs):
            raise because(
                "root.no-log",
                "the transaction receipt has {count} logs, none at {index}",
                count=len(logs),
                index=anchor.log_index,
            )
        if logs[anchor.log_index].address != anchor.contract:
            raise because(
                "root.other-contract", "the log at that index is another contract's, not the trusted one's"
            )
        event = anchored_root.decode(logs[anchor.log_index])
        if (event.root, event.new_size) != (stated.root, stated.size):
            raise because(
                "root.other",
                "the chain has root {root} at size {size}, the checkpoint {stated} at size {stated_size}",
                root=event.root.hex(),
                size=event.new_size,
                stated=stated.root.hex(),
                stated_size=stated.size,
            )
        return passed(
            "root.anchored",
            "the contract recorded this root at size {size}, growing from {old_size}, for account {by}",
            size=event.new_size,
            old_size=event.old_size,
            by="0x" + event.by.hex(),
        )


@check
class TimestampTokens:
    number, name, layer, needs_anchor = 11, "timestamps", "time", False

    def run(self, context: Context) -> Outcome:
        tokens = context.receipt.timestamps
        if not tokens:
            return not_checked("timestamps.none", "the receipt holds no RFC 3161 time-stamp")
        if not context.trust.timestamp_roots:
            return not_checked(
                "timestamps.no-root",
                "{count} RFC 3161 time-stamp(s), not checked: the trust root names no authority's certificate",
                count=len(tokens),
            )
        if not timestamp.available():
            return not_checked(
                "timestamps.no-library",
                "{count} RFC 3161 time-stamp(s), not checked here, since rfc3161-client is not installed: check them "
                "with `openssl ts -verify` and the certificate in the trust root",
                count=len(tokens),
            )
        held = times.stamps(tokens, context.checkpoint.note.text.encode(), context)
        first = min(held.stamps, key=lambda each: each.latest_ms)
        context.establish(held)
        return passed(
            "timestamps.hold",
            "{tsa} states {time} for this checkpoint, {count} time-stamp(s) in all; a presumption of date comes only from "
            "a qualified authority (Regulation (EU) 910/2014, article 41), and whether this one is stands in a trusted "
            "list that is not read here",
            tsa=first.tsa,
            time=timestamp.shown(first),
            time_ms=first.time_ms,
            latest_ms=first.latest_ms,
            policy=first.policy,
            count=len(held.stamps),
        )


@check
class LaterStatus:
    number, name, layer, needs_anchor = 12, "later-status", "status", False

    def run(self, context: Context) -> Outcome:
        return not_checked(
            "status.later",
            "a later revocation or supersession is not checked beyond size {size} of the log",
            size=context.receipt.inclusion.size,
        )


@check
class WitnessesCosigned:
    number, name, layer, needs_anchor = 13, "witnesses", "log", False

    def run(self, context: Context) -> Outcome:
        log, text = context.log, context.receipt.checkpoint
        if (demanded := log.witnesses) is None:
            return not_checked("witnesses.none", "the trust root demands no witnesses of this log")
        found = context.work.once(
            ("witnesses", text, log.origin), lambda: witnesses.witnessed(text, log, demanded)
        )
        context.establish(found)
        seen = ", ".join(f"{each.name} ({each.operator}) {utc_text(each.time * 1000)}" for each in found.seen)
        if found.colluding is None:
            return failed(
                "witnesses.few",
                "{count} witness(es) cosigned this checkpoint, {threshold} are demanded: {seen}; missing: {missing}",
                count=len(found.seen),
                threshold=found.threshold,
                seen=seen or "nobody",
                missing=", ".join(found.missing),
            )
        values: dict[str, str | int] = {
            "count": len(found.seen),
            "threshold": found.threshold,
            "seen": seen,
            "operators": found.colluding,
        }
        if found.colluding == 1:
            return flagged(
                "witnesses.alone",
                "{count} witness(es) cosigned, {threshold} are demanded: {seen}. Those times are of their own clocks: the "
                "checkpoint existed by then, without any legal presumption. Operators that must collude to show another "
                "view of the log: {operators}, its own operator alone",
                **values,
            )
        return passed(
            "witnesses.cosigned",
            "{count} witness(es) cosigned, {threshold} are demanded: {seen}. Those times are of their own clocks: the "
            "checkpoint existed by then, without any legal presumption. Operators that must collude to show another view "
            "of the log: {operators}, its own included",
            **values,
        )


@check
class LowerBound:
    number, name, layer, needs_anchor = 14, "lower-bound", "time", True

    def run(self, context: Context) -> Outcome:
        if context.receipt.previous is None:
            return not_checked("bound.none", "the receipt holds no checkpoint from before the entry")
        before = context.but(
            checkpoint=context.receipt.previous.checkpoint, anchor=context.receipt.previous.anchor
        )
        size = times.extended(context, before)
        for step in (ContractTrusted, HeaderSealed, TimeCoherent, TransactionReceiptProven, RootAnchored):
            step().run(before)
        found = times.interval(context, before)
        if found.not_before_ms > found.not_after_ms:
            return flagged(
                "bound.skewed",
                "the log had {size} entries, not this one, at {not_before} as {before} state(s), and had it at {not_after} "
                "as {after} state(s): the clocks contradict each other by {skew_ms} ms, so they bound nothing more closely",
                size=size,
                not_before=utc_text(found.not_before_ms),
                before=found.not_before_source,
                not_after=utc_text(found.not_after_ms),
                after=found.not_after_source,
                skew_ms=found.not_before_ms - found.not_after_ms,
            )
        return passed(
            "bound.interval",
            "the entry came into the log not before {not_before} (as {before} state(s): it had {size} entries then) and "
            "not after {not_after} (as {after} state(s)); the lower bound is a sealing key's statement, and no law "
            "presumes it",
            not_before=utc_text(found.not_before_ms),
            not_before_ms=found.not_before_ms,
            before=found.not_before_source,
            size=size,
            not_after=utc_text(found.not_after_ms),
            not_after_ms=found.not_after_ms,
            after=found.not_after_source,
        )


@check
class AlgorithmsInForce:
    number, name, layer, needs_anchor = 15, "algorithms", "time", False

    def run(self, context: Context) -> Outcome:
        if context.as_of is None:
            return not_checked("algorithms.undated", "nobody said as of when its algorithms shall be judged")
        found = algorithms.ended(context.receipt, context.trust, context.as_of)
        if found is not None:
            return failed(
                "algorithms.ended",
                "{slug} is not relied on from {until} on, and at {moment} the receipt rested on it: no renewal under "
                "another algorithm covers that",
                slug=found.slug,
                until=algorithms.text_of(found.until),
                moment=utc_text(found.moment_ms),
            )
        return passed(
            "algorithms.hold",
            "as of {as_of} it rests on {slugs}, and none of them had ended; {renewals} renewal(s) count",
            as_of=algorithms.text_of(context.as_of),
            slugs=", ".join(list(algorithms.layers(context.receipt))[-1].algorithms),
            renewals=len(context.receipt.renewals),
        )


@check
class Renewed:
    number, name, layer, needs_anchor = 16, "renewal", "time", False

    def run(self, context: Context) -> Outcome:
        renewals = context.receipt.renewals
        if not renewals:
            return not_checked("renewal.none", "the receipt was never renewed under another algorithm")
        if any(_undecided(context, each) for each in renewals):
            return not_checked(
                "renewal.needs-document",
                "the renewals are of the document's digest by {slug}: give the document, not another digest of it",
                slug=renewals[-1].algorithm,
            )
        before_ms, below = context.sealed_ms, algorithms.of_receipt(replace(context.receipt, renewals=()))
        for position, each in enumerate(renewals):
            before = replace(context.receipt, renewals=renewals[:position])
            _require_same_document(context, each)
            root = renewal.root_of(each, before)
            made_ms = _renewed_at(context, each, root)
            if before_ms is not None and made_ms < before_ms - MAX_SECONDS_AHEAD * 1000:
                raise VerificationError(
                    f"renewal {position + 1} is of {utc_text(made_ms)}, before what it renews existed "
                    f"({utc_text(before_ms)})"
                )
            if (late := algorithms.ended_before(below, context.trust, made_ms)) is not None:
                raise VerificationError(
                    f"renewal {position + 1} is of {utc_text(made_ms)}, and {late.slug} was not relied on from "
                    f"{algorithms.text_of(late.until)} on: it came too late"
                )
            before_ms, below = made_ms, algorithms.of_renewal(each)
        return passed(
            "renewal.renewed",
            "renewed {count} time(s), the last one under {slug} at {time}: the receipt and the document's digest by {slug} "
            "were on the chain then, before what they rested on ended",
            count=len(renewals),
            slug=renewals[-1].algorithm,
            time=utc_text(before_ms or 0),
            time_ms=before_ms or 0,
        )


def _undecided(context: Context, each: Renewal) -> bool:
    """Whether only a digest by another algorithm is known of the document, and none of the receipt's is the renewal's."""
    known = {digest.algorithm for digest in context.digests}
    return isinstance(context.document, Digest) and each.algorithm not in known | {context.document.algorithm}


def _require_same_document(context: Context, each: Renewal) -> None:
    """Raise VerificationError unless the renewal's digest is of the document that step 1 found."""
    expected = Digest(each.algorithm, each.digest)
    if any(digest.algorithm == each.algorithm for digest in context.digests):
        holds = expected in context.digests  # step 1 and the commitment bind all of them to one document
    else:
        found, first = (
            document.match(context.document, expected),
            document.match(context.document, context.digests[0]),
        )
        holds = (found.exact or bool(found.revision)) and found.end == first.end
    if not holds:
        raise VerificationError(
            f"the renewal is of another document: its {each.algorithm} digest is {each.digest.hex()}"
        )


def _renewed_at(context: Context, each: Renewal, root: bytes) -> int:
    """When the renewal's root was on the chain, or time-stamped where it is on none; milliseconds since 1970."""
    if each.timestamps and context.trust.timestamp_roots and timestamp.available():
        held = times.stamps(each.timestamps, root, context)
    elif each.anchor is None:
        raise VerificationError("the renewal is on no chain, and its time-stamps cannot be checked here")
    else:
        held = None
    if each.anchor is None:
        assert held is not None
        return min(stamp.latest_ms for stamp in held.stamps)
    chain = context.trust.chain(each.anchor.chain_id)
    notaries = (
        [] if chain is None else [one.address for one in chain.contracts if one.template == renewal.TEMPLATE]
    )
    if chain is None or each.anchor.contract not in notaries:
        raise VerificationError(
            f"contract 0x{each.anchor.contract.hex()} on chain {each.anchor.chain_id} is no trusted {renewal.TEMPLATE}"
        )
    inner = context.but(anchor=each.anchor)
    inner.establish(chain)
    HeaderSealed().run(inner)
    require_valid(chain.sealing_keys, inner.sealed.note, inner.sealed.block.time_ms, "sealing key")
    TransactionReceiptProven().run(inner)
    logs = inner.transaction_receipt.logs
    if each.anchor.log_index >= len(logs) or logs[each.anchor.log_index].address != each.anchor.contract:
        raise VerificationError("the renewal's transaction has no log of the trusted contract at that index")
    renewal.require_notarised(logs[each.anchor.log_index], root)
    return inner.sealed.block.time_ms


#: What a receipt proves in full: document, commitment, inclusion, checkpoint and anchor.
STANDARD = Policy(frozenset(step.name for step in checks() if step.number <= 10))
#: For a receipt whose root is not yet on a chain: the log's operator alone vouches for it.
LOG_ONLY = Policy(frozenset(step.name for step in checks() if step.number <= 5))
