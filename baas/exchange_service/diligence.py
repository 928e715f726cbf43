"""The *diligència* of a notice: a PDF for a person, which says when it was on the board and what its documents are.

It says what the board holds at that moment, and that the board is a sandbox's. It is not sealed here.
"""

from __future__ import annotations

from datetime import datetime

from baas.exchange_service.noticeboard import ZONE, Notice
from baas.paper import Paper
from baas.protocols.pci.products.etauler import NoticeState
from baas.texts import DEFAULT, LANGUAGES, text


def diligence(notice: Notice, language: str = DEFAULT) -> bytes:
    """The PDF (PDF/A-3), in `language` where there are texts in it, and else in Catalan. Same notice, same bytes."""
    language = language if language in LANGUAGES else DEFAULT

    def words(key: str, **values: object) -> str:
        said = text(f"diligence.{key}", language)
        return said.format(**values) if values else said

    title = words("title_pending" if notice.state is NoticeState.WAITING else "title")
    subject = words("subject", notice=notice.id, organisation=notice.organisation)
    paper = Paper(language, title, subject, words("page", page="{page}"), notice.at)
    paper.str_alias_nb_pages = ""  # a title is shown as it is, `{nb}` too
    paper.heading(title, 1)
    paper.notice(words("sandbox"), strong=True)
    paper.paragraph(words(_standing(notice)))
    width = paper.epw
    facts = [(words("organisation"), notice.organisation), (words("notice"), notice.id)]
    if notice.content is not None:
        facts += [
            (words("file"), notice.content.file_number),
            (words("name"), notice.content.title(language)),
        ]
    facts += [
        (words("received"), _moment(notice.received)),
        (words("starts"), _moment(notice.starts)),
        (words("ends"), words("no_end") if notice.ends is None else _moment(notice.ends)),
    ]
    if notice.state is NoticeState.WITHDRAWN and not notice.was_published:
        del facts[-2]
    for label, value in facts:
        if value:
            paper.fact(label, paper.shown(value), width)
    for document in notice.content.documents if notice.content else ():
        paper.fact(words("document"), paper.shown(document.name), width)
        paper.fact(words("digest"), document.sha256.hex(), width, code=8)
    if notice.content is None:
        paper.paragraph(words("erased"))
    paper.paragraph(words("issued", at=_moment(notice.at)), soft=True)
    return bytes(paper.output())


def _standing(notice: Notice) -> str:
    if notice.state is NoticeState.WITHDRAWN:
        return "taken_down" if notice.was_published else "never"
    return "published" if notice.state is NoticeState.PUBLISHED else "pending"


def _moment(time: datetime) -> str:
    return f"{time.astimezone(ZONE):%d/%m/%Y, %H:%M:%S}"
