"""A receipt as a PDF/A-3 for a person: what it proves and what not, who says so, how to check it, and the proof inside.

The page is words; the proof is what it embeds: the receipt as JSON, as COSE and as tlog-proof, and its RFC 3161 tokens.
Everything on it is what the receipt states. Nothing is verified here, and the page does not say that it was: who made
the receipt cannot vouch for it. Same receipt and language, same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from baas.paper import MARGIN, Paper
from baas.receipts.qr_image import png, qr_code, width_on_paper
from baas.texts import catalogue
from sandbox.evidence import note, sealer
from sandbox.evidence.checkpoint import parse_unverified
from sandbox.evidence.receipt import Receipt
from sandbox.evidence.timestamp import stated_time

#: For a receipt that states no time: the page must have a date, and the clock's would differ each time.
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_COSIGNATURE_BYTES = 72


@dataclass(frozen=True, slots=True)
class Embedded:
    """A file inside the PDF: the proof, in one of its encodings."""

    name: str
    content: bytes
    media_type: str
    described: str  # the text's key under `receipt.file`


@dataclass(frozen=True, slots=True)
class Stated:
    """What a receipt states, taken out of its notes; nothing of it is verified."""

    log_key: str
    witnesses: tuple[str, ...]
    sealing_key: str | None
    sealed: sealer.SealedBlock | None
    tokens: tuple[int, ...]

    @property
    def moment(self) -> datetime:
        if self.sealed is None:
            return NO_TIME
        return datetime.fromtimestamp(self.sealed.time_ms // 1000, UTC)


def stated(receipt: Receipt) -> Stated:
    _, signatures = note.split(receipt.checkpoint)
    witnesses = [name for name, _, signature in signatures if len(signature) == _COSIGNATURE_BYTES]
    log_keys = [name for name, _, signature in signatures if len(signature) != _COSIGNATURE_BYTES]
    sealed = sealing_key = None
    if receipt.anchor is not None:
        text, seals = note.split(receipt.anchor.sealer_note)
        sealed, sealing_key = sealer.parse(text), ", ".join(name for name, _, _ in seals)
    return Stated(
        ", ".join(log_keys),
        tuple(dict.fromkeys(witnesses)),
        sealing_key,
        sealed,
        tuple(stated_time(token) for token in receipt.timestamps),
    )


class Words:
    """The texts of one language under `receipt.`."""

    def __init__(self, language: str) -> None:
        self._texts: Mapping[str, str] = catalogue(language)

    def __call__(self, key: str, **values: object) -> str:
        text = self._texts[f"receipt.{key}"]
        return text.format(**values) if values else text


def pdf(
    receipt: Receipt,
    qr_text: str | None,
    files: Sequence[Embedded],
    language: str,
    operators: int | None = None,
) -> bytes:
    """The receipt's PDF, with these files in it, and the QR code of a text that fits in one.

    `operators` is how many must collude for another view of the log, where its witnesses are known.
    """
    t, told = Words(language), stated(receipt)
    subject = t("subject", position=receipt.inclusion.index + 1, origin=receipt.inclusion.origin)
    paper = Paper(language, t("title"), subject, t("page", page="{page}", pages="{pages}"), told.moment)
    _opening(paper, t, receipt, told, qr_text)
    _limits(paper, t, receipt)
    _layers(paper, t, receipt, told)
    _collusion(paper, t, told, operators)
    _checking(paper, t, _is_row(receipt))
    _files(paper, t, files)
    for each in files:
        paper.attach(each.name, each.content, each.media_type, t(f"file.{each.described}"))
    return bytes(paper.output())


def _moment(time_ms: int) -> str:
    """As the console writes it; what follows says that it is UTC."""
    return f"{datetime.fromtimestamp(time_ms // 1000, UTC):%d/%m/%Y, %H:%M:%S}"


def _is_row(receipt: Receipt) -> bool:
    return "registers" in receipt.inclusion.origin.split("/")


def _opening(paper: Paper, t: Words, receipt: Receipt, told: Stated, qr_text: str | None) -> None:
    paper.heading(t("title"), 1)
    paper.paragraph(t("of_row" if _is_row(receipt) else "of_document"), 12, soft=True)
    paper.ln(1)
    paper.notice(t("not_the_proof"), strong=True)
    paper.notice(t("sandbox"))
    if qr_text is None:
        _facts(paper, t, receipt, told, paper.epw)
    else:
        code = qr_code(qr_text)
        top, page, size = paper.y, paper.page, width_on_paper(code)
        paper.figure(png(code), paper.w - MARGIN - size, top, size, t("qr_alt"))
        _facts(paper, t, receipt, told, paper.epw - size - 6)
        if paper.page == page:
            paper.set_y(max(paper.y, top + size))
        paper.ln(1)
        paper.paragraph(t("qr"), 8, soft=True)
    paper.notice(t("salt"))


def _facts(paper: Paper, t: Words, receipt: Receipt, told: Stated, width: float) -> None:
    paper.subheading(t("fact.title"), level=2)
    place = receipt.manifest
    if place is not None:
        paper.fact(t("fact.folder"), t("fact.folder_value", position=place.index + 1, size=place.size), width)
        for each in place.file.digests():
            paper.fact(t("fact.file", algorithm=each.algorithm), each.value.hex(), width, code=7.6)
    for each in receipt.document.digests():
        paper.fact(t("fact.digest", algorithm=each.algorithm), each.value.hex(), width, code=7.6)
    paper.fact(t("fact.kind"), t(f"kind.{receipt.entry.kind}"), width)
    position = t("fact.position_value", position=receipt.inclusion.index + 1, size=receipt.inclusion.size)
    paper.fact(t("fact.position"), position, width)
    paper.fact(t("fact.origin"), receipt.inclusion.origin, width, code=8)
    if told.sealed is None:
        paper.fact(t("fact.chain"), t("fact.no_anchor"), width)
        return
    paper.fact(t("fact.time"), t("fact.time_value", time=_moment(told.sealed.time_ms)), width)
    chain = t("fact.chain_value", chain_id=told.sealed.chain_id, number=told.sealed.number)
    paper.fact(t("fact.chain"), chain, width)


def _limits(paper: Paper, t: Words, receipt: Receipt) -> None:
    paper.heading(t("proves.title"))
    proves = ["row" if _is_row(receipt) else "document", "place"]
    proves += ["anchor"] if receipt.anchor is not None else []
    paper.bullets([t(f"proves.{key}") for key in (*proves, "alone")])
    paper.heading(t("limits.title"))
    limits = [t(f"limits.{key}") for key in ("content", "copy", "qualified", "da6")]
    paper.bullets([*limits, t("limits.later", size=receipt.inclusion.size), t("limits.appended")])


def _layers(paper: Paper, t: Words, receipt: Receipt, told: Stated) -> None:
    paper.heading(t("layer.title"))
    paper.paragraph(t("layer.lead"))
    size = receipt.inclusion.size
    log = [t("layer.log.text", name=told.log_key, size=size)]
    if told.witnesses:
        log.append(t("layer.log.witnesses", names=", ".join(told.witnesses)))
    else:
        log.append(t("layer.log.no_witnesses"))
    anchor, times = [t("layer.anchor.none")], [t("layer.time.none")]
    if told.sealed is not None:
        block = told.sealed
        anchor = [t("layer.anchor.text", number=block.number, chain_id=block.chain_id, name=told.sealing_key)]
        times = [t("layer.time.text", time=_moment(block.time_ms))]
        times += [] if told.tokens or told.witnesses else [t("layer.time.alone")]
        times += [t("layer.time.moved")] if block.moved is not None else []
    _layer(paper, t, "document", [t("layer.document.text")])
    _layer(paper, t, "log", log)
    _layer(paper, t, "anchor", anchor)
    if receipt.previous is not None:
        earlier = parse_unverified(receipt.previous.checkpoint)
        times.append(t("layer.time.previous", size=earlier.size))
    if receipt.renewals:
        times.append(t("layer.time.renewals", count=len(receipt.renewals)))
    _layer(paper, t, "time", times)
    for time in told.tokens:
        paper.paragraph(t("layer.time.token", time=_moment(time)))
    if told.tokens:
        paper.paragraph(t("layer.weight", text=t("layer.time.token_weight")), soft=True)
    _layer(paper, t, "status", [t("layer.status.text", size=size)])


def _layer(paper: Paper, t: Words, name: str, sentences: Sequence[str]) -> None:
    paper.subheading(t(f"layer.{name}.title"))
    paper.paragraph(" ".join(sentences))
    paper.paragraph(t("layer.weight", text=t(f"layer.{name}.weight")), soft=True)


def _collusion(paper: Paper, t: Words, told: Stated, operators: int | None) -> None:
    paper.heading(t("collusion.title"))
    if operators is not None and operators > 1:
        paper.paragraph(t("collusion.counted", count=operators))
    elif told.witnesses and operators == 1:
        paper.paragraph(t("collusion.alone"))
    elif told.witnesses:
        paper.paragraph(t("collusion.names", names=", ".join(told.witnesses)))
    else:
        paper.paragraph(t("collusion.one"))


def _checking(paper: Paper, t: Words, row: bool) -> None:
    paper.heading(t("check.title"))
    paper.bullets([t(f"check.{key}") for key in ("files", "trust", "page")], numbered=True)
    command = "baas register verify" if row else "baas verify"
    what = t("check.row" if row else "check.document")
    for key, program in (("program", "python3 baas-verify.pyz"), ("service", command)):
        paper.paragraph(t(f"check.{key}"))
        paper.code(f"{program} {what} receipt.json --trust trust.json")
    paper.paragraph(t("check.result"))


def _files(paper: Paper, t: Words, files: Sequence[Embedded]) -> None:
    paper.heading(t("files.title"))
    paper.paragraph(t("files.lead"))
    for each in files:
        paper.subheading(t("files.item", name=each.name, size=len(each.content)))
        paper.paragraph(t(f"file.{each.described}"), 9, soft=True)
        paper.code(hashlib.sha256(each.content).hexdigest(), 7.5)
