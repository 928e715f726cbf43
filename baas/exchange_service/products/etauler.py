"""ETAULER, the notice board: notices are published, asked for and withdrawn, by their own administration alone.

A name that was used once is `REGISTERED_ALREADY`, whatever the new notice says; a notice that does not exist, is another
administration's or is withdrawn already is an `ERROR`, in the same words. The *diligència* is a sandbox's and
says so; `electronica` and `imprimible` give the same one. Descriptions and classifications are checked, and not kept.

A notice with personal data is gone once it is withdrawn or over, and with it every request of this product that had
them in it or in its answer: such a request is not answered again. That happens before anything of this product is
answered, recorded answers too, and within a minute of the notice's end while the service runs. An asynchronous request
that was refused stays as it came.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Self

from baas.clock import Clock, iso
from baas.exchange_service.diligence import diligence
from baas.exchange_service.noticeboard import TABLES, ZONE, Content, Document, Notice, NoticeBoard, UnfitDays
from baas.exchange_service.products import Asked, Done, Modalities
from baas.exchange_service.products._payloads import read, refused, require_holder, require_no_files
from baas.exchange_service.requests import Requests
from baas.protocols.pci.messages import File
from baas.protocols.pci.products import etauler
from baas.protocols.pci.products.etauler import (
    AskDocument,
    AskState,
    Code,
    DocumentAnswer,
    Publish,
    Published,
    Result,
    StateAnswer,
    Withdraw,
    Withdrawn,
)
from baas.trust_service.database import Database

_DONE = Result(Code.DONE, "Correcte")
_TAKEN = Result(Code.REGISTERED_ALREADY, "Ja hi ha un edicte amb aquest identificador")
_NONE = Result(Code.ERROR, "No consta cap edicte vigent amb aquest identificador")
_NO_SUCH_DOCUMENT = Result(Code.ERROR, "L'edicte no té aquest document, o el seu contingut s'ha suprimit")


class Etauler:
    """The board, in the service's database."""

    slug: ClassVar[str] = "etauler"
    code: ClassVar[str] = etauler.PRODUCT
    modalities: ClassVar[Modalities] = {
        etauler.MODALITY: {
            "ca": "publicar un edicte al tauler, i la diligència d'haver-hi estat exposat",
            "es": "publicar un edicto en el tablón, y la diligencia de haber estado expuesto",
            "en": "to publish a notice on the board, and its diligència",
        }
    }
    tables: ClassVar[str] = TABLES

    def __init__(self, board: NoticeBoard) -> None:
        self._board = board

    @classmethod
    def open(cls, database: Database, clock: Clock) -> Self:
        return cls(NoticeBoard(database, clock, Requests(database, clock).forget))

    def forget(self) -> None:
        self._board.erase()

    def answer(self, asked: Asked) -> Done:
        payload = read(Etauler, asked, etauler.read)
        require_holder(asked)
        if not isinstance(payload, Publish):
            require_no_files(asked)
        match payload:
            case Publish():
                return self._publish(asked, payload.notice)
            case Withdraw():
                return self._withdraw(asked, payload.id)
            case AskState():
                return self._state(asked, payload.id)
            case AskDocument():
                return self._document(asked, payload)
            case _:
                raise refused("expected a request of ETAULER (peticio…), got an answer to one")

    def _publish(self, asked: Asked, notice: etauler.Notice) -> Done:
        languages = [each.language for each in notice.information]
        if "ca" not in languages or len(set(languages)) != len(languages):
            raise refused("informacio: expected it once in Catalan, and once at most in any other language")
        content = Content(
            tuple((each.language, each.title) for each in notice.information),
            notice.file_number,
            _documents(notice, asked.element.files),
        )
        try:
            made = self._board.publish(
                asked.organisation,
                notice.id,
                content,
                notice.start,
                notice.end,
                personal=notice.personal_data,
            )
        except UnfitDays as error:
            raise refused(f"dataIniciPublicacio, dataFiPublicacio: {error}") from error
        if notice.personal_data:
            self._board.told(asked.organisation, asked.request.id, notice.id)
        result = _TAKEN if made is None else _DONE
        return Done(
            etauler.write(Published(result)),
            _stated("publicar", notice.id, result, made),
            _paper(asked, made, notice.diligence.language),
        )

    def _withdraw(self, asked: Asked, notice: str) -> Done:
        made = self._board.withdraw(asked.organisation, notice)
        result = _NONE if made is None else _DONE
        return Done(
            etauler.write(Withdrawn(result)),
            _stated("despublicar", notice, result, made),
            _paper(asked, made),
        )

    def _find(self, asked: Asked, notice: str, *, tells: bool) -> Notice | None:
        """The notice; where the answer `tells` of personal data, it will go with them."""
        found = self._board.find(asked.organisation, notice)
        if tells and found is not None and found.personal and found.content is not None:
            self._board.told(asked.organisation, asked.request.id, notice)
        return found

    def _state(self, asked: Asked, notice: str) -> Done:
        found = self._find(asked, notice, tells=asked.element.evidence or asked.element.pdf)
        result = _NONE if found is None else _DONE
        answer = StateAnswer(result) if found is None else _answer(found)
        return Done(etauler.write(answer), _stated("consultar", notice, result, found), _paper(asked, found))

    def _document(self, asked: Asked, payload: AskDocument) -> Done:
        found = self._find(asked, payload.id, tells=True)
        content = b"" if found is None or found.content is None else found.content.document(payload.language)
        if found is None:
            answer = DocumentAnswer(_NONE)
        elif payload.diligence is not None:
            paper = asked.seal(diligence(found, payload.diligence.language))
            answer = DocumentAnswer(_DONE, diligence=paper)
        elif content:
            answer = DocumentAnswer(_DONE, notice=content)
        else:
            answer = DocumentAnswer(_NO_SUCH_DOCUMENT)
        return Done(
            etauler.write(answer), _stated("document", payload.id, answer.result, found), _paper(asked, found)
        )


def _documents(notice: etauler.Notice, files: tuple[File, ...]) -> tuple[Document, ...]:
    """Each with the file of the message that it names; no file is left over. Raises ProductRefused."""
    sent = {each.id: each for each in files}
    named = [each.id for each in notice.documents]
    if sorted(sent) != sorted(named):
        raise refused("document: expected each to name, by its id, a Fichero of its own, and no Fichero more")
    if len({each.language for each in notice.documents}) != len(named):
        raise refused("document: expected one at most in each language")
    return tuple(
        Document(each.name, each.language, sent[each.id].sha256, sent[each.id].content)
        for each in notice.documents
    )


def _answer(notice: Notice) -> StateAnswer:
    ended = notice.ends is not None and notice.at >= notice.ends
    return StateAnswer(
        _DONE,
        notice.state,
        start=notice.first,
        effective_start=_day(notice.starts) if notice.was_published else None,
        end=notice.last,
        effective_end=_day(notice.ends) if ended and notice.was_published else None,
        received=_day(notice.received),
    )


def _day(time: datetime | None) -> date | None:
    return None if time is None else time.astimezone(ZONE).date()


def _stated(operation: str, notice_id: str, result: Result, notice: Notice | None) -> dict[str, str]:
    """What evidence states: what was asked, what came of it, and the notice as it stands then."""
    stated = {"operacio": operation, "idEdicte": notice_id, "codiResultat": str(result.code.value)}
    if notice is None:
        return stated
    stated |= {"estat": str(notice.state.value), "dataRecepcio": iso(notice.received)}
    if notice.was_published:
        stated["dataIniciPublicacioEfectiva"] = iso(notice.starts)
        if notice.ends is not None and notice.at >= notice.ends:
            stated["dataFiPublicacioEfectiva"] = iso(notice.ends)
    for number, each in enumerate(notice.content.documents if notice.content else (), 1):
        stated[f"document.{number}.nom"] = each.name
        stated[f"document.{number}.sha256"] = each.sha256.hex()
    return stated


def _paper(asked: Asked, notice: Notice | None, language: str = "ca") -> bytes:
    """The diligence that goes beside, where it was asked for."""
    return diligence(notice, language) if notice is not None and asked.element.pdf else b""


PRODUCT = Etauler
