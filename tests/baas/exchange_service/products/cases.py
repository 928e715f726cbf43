"""One case for each product: what may be asked of it, what it writes, and what it does not take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from baas.exchange_service.products import Asked
from baas.protocols.pci.messages import File
from baas.protocols.pci.products import etauler, mux, padro, representa
from sandbox.evidence.digest import digest_bytes
from tests.baas.exchange_service.products.place import NOW, TOWN, asked

#: Makes what is asked, in the name of an administration.
Make = Callable[..., Asked]


@dataclass(frozen=True)
class Case:
    """`acts` are asked one after the other, and each leaves something or nothing; `questions` are about what they left,
    and leave nothing; `bad` are refused, with the effects of `acts` there or not."""

    read: Callable[[bytes], Any]
    acts: tuple[Make, ...]
    questions: tuple[Make, ...] = ()
    bad: dict[str, Make] = field(default_factory=dict)


def making(product: str, modality: str, payload: Callable[[str], bytes], **more: Any) -> Make:
    def make(organisation: str = TOWN) -> Asked:
        return asked(product, modality, payload(organisation), organisation, **more)

    return make


# --- PADRO

_padro = partial(making, "PADRO", "RESIDENT")


def resident(document: str, kind: padro.Document = padro.Document.NIF) -> Make:
    return _padro(lambda _: padro.write(padro.Resident("EXP-7", kind, document)))


# --- ETAULER

CONTENT = b"%PDF-1.7 anunci"
FILE = File("d1", "anunci.pdf", CONTENT, sha256(CONTENT).digest())
NOTICE = etauler.Notice(
    id="P7-0001",
    file_number="EXP-7",
    information=(etauler.Information("Anunci de prova", "Pilot"),),
    start=date(2026, 11, 23),
    documents=(etauler.Document("anunci.pdf", "d1"),),
    classifications=(etauler.Classification((etauler.Criterion("Procedència", "Interna"),)),),
)


def board(payload: etauler.Payload, *files: File, pdf: bool = False) -> Make:
    return making("ETAULER", "ETAULER", lambda _: etauler.write(payload), files=files, pdf=pdf)


def publishing(files: tuple[File, ...] = (FILE,), **changed: Any) -> Make:
    return board(etauler.Publish(replace(NOTICE, **changed)), *files)


# --- MUX

OTHER_BODY = "0801930008"
DIGEST = digest_bytes(b"acta")


def entry(organisation: str, **changed: Any) -> mux.Entry:
    """An exit of the organisation's, to another body."""
    made: dict[str, Any] = {
        "kind": mux.Kind.EXIT,
        "subject": "Una acta",
        "presented": NOW,
        "origin": organisation,
        "destination": OTHER_BODY,
        "documents": (mux.Document("acta.pdf", DIGEST, NOW),),
    }
    return mux.Entry(**made | changed)


def adding(**changed: Any) -> Make:
    return making("MUX", "MUX_REGISTRE", lambda own: mux.write(mux.Add("SANDBOX", entry(own, **changed))))


def finding(**by: Any) -> Make:
    return making("MUX", "MUX_CONSULTA", lambda _: mux.write(mux.Query("SANDBOX", **by)))


# --- REPRESENTA


def may(grantor: str, representative: str, /, **changed: Any) -> Make:
    def payload(organisation: str) -> bytes:
        made: dict[str, Any] = {
            "grantor": representa.Person(grantor),
            "representative": representa.Person(representative),
            "scope": representa.Scope(("CONSULTA",), organisation, "AJUTS"),
            "at": NOW,
            "asker": representa.Person("00000000T"),
            "administration": organisation,
        }
        return representa.write(representa.Validate(**made | changed))

    return making("REPRESENTA", "REPRESENTA_VALIDACIO", payload)


def _offer(**changed: Any) -> mux.Step:
    return mux.Step(**{"id": "H-1", "phase": mux.Phase.OFFER, "to": OTHER_BODY} | changed)


CASES: dict[str, Case] = {
    "padro": Case(
        padro.read,
        acts=(resident("12344321Z"),),
        questions=(resident("12344321Z"), resident("00000000T"), resident("1")),
        bad={
            "an-answer": _padro(
                lambda _: padro.write(
                    padro.ResidentAnswer("E", padro.Document.NIF, "12344321Z", padro.Result.FOUND)
                )
            ),
        },
    ),
    "etauler": Case(
        etauler.read,
        acts=(
            publishing(),
            publishing(id="P7-0002", personal_data=True, end=date(2026, 12, 31)),
            board(etauler.Withdraw("P7-0002")),
        ),
        questions=(
            board(etauler.AskState("P7-0001"), pdf=True),
            board(etauler.AskState("P7-0002")),
            board(etauler.AskState("p7-0001")),
            board(etauler.AskState("%")),
            board(etauler.AskDocument("P7-0001")),
            board(etauler.AskDocument("P7-0001", etauler.Diligence())),
            board(etauler.AskDocument("P7-0002")),
        ),
        bad={
            "an-answer": board(etauler.Published(etauler.Result(etauler.Code.DONE, "fet"))),
            "no-file": publishing(files=()),
            "one-file-more": publishing(files=(FILE, File("d2", "x", b"x", sha256(b"x").digest()))),
            "another-file": publishing(files=(File("d2", "x", b"x", sha256(b"x").digest()),)),
            "a-file-twice": publishing(
                documents=(etauler.Document("a", "d1"), etauler.Document("b", "d1", "es"))
            ),
            "no-catalan": publishing(information=(etauler.Information("Anuncio", "Piloto", "es"),)),
            "catalan-twice": publishing(information=NOTICE.information * 2),
            "over-before-it-begins": publishing(start=date(2027, 1, 2), end=date(2027, 1, 1)),
            "over-already": publishing(end=NOW.date() - timedelta(days=1)),
            "in-the-year-1": publishing(start=date.min),
            "in-the-year-9999": publishing(end=date.max),
        },
    ),
    "mux": Case(
        mux.read,
        acts=(adding(), adding(subject="Una altra"), adding(step=_offer())),
        questions=(
            finding(number="P00000001"),
            finding(number="P00000009"),
            finding(number="A00000001"),
            finding(number="P1"),
            finding(number="' OR 1=1 --"),
            finding(document=DIGEST),
            finding(document=digest_bytes(b"acta", "sha-512")),
            finding(hand_over="H-1"),
            finding(hand_over="h-1"),
            finding(hand_over="%"),
        ),
        bad={
            "an-answer": making("MUX", "MUX_REGISTRE", lambda _: mux.write(mux.Answer("0", "fet"))),
            "an-entry-to-ask": making(
                "MUX", "MUX_CONSULTA", lambda own: mux.write(mux.Add("SANDBOX", entry(own)))
            ),
            "a-question-to-enter": making(
                "MUX", "MUX_REGISTRE", lambda _: mux.write(mux.Query("SANDBOX", "P00000001"))
            ),
            "no-document": adding(documents=()),
            "fifty-one-documents": adding(
                documents=tuple(
                    mux.Document("acta.pdf", digest_bytes(bytes([number])), NOW) for number in range(51)
                )
            ),
            "anothers-exit": adding(origin="1234567890"),
            "anothers-entry": adding(kind=mux.Kind.ENTRY),
            "offered-to-nobody": adding(step=_offer(to="")),
            "offered-to-another": adding(step=_offer(to="1234567890")),
            "offered-with-a-reason": adding(step=_offer(reason="perquè sí")),
            "offered-by-an-entry": making(
                "MUX",
                "MUX_REGISTRE",
                lambda own: mux.write(
                    mux.Add(
                        "SANDBOX",
                        entry(
                            own,
                            kind=mux.Kind.ENTRY,
                            origin=OTHER_BODY,
                            destination=own,
                            step=_offer(id="H-9"),
                        ),
                    )
                ),
            ),
            "two-acts-offered": adding(
                documents=(
                    mux.Document("acta.pdf", DIGEST, NOW),
                    mux.Document("acta2.pdf", digest_bytes(b"2"), NOW),
                ),
                step=_offer(id="H-9"),
            ),
            "accepted-by-who-offered": adding(step=mux.Step("H-1", mux.Phase.ACCEPTANCE)),
            "completed-by-who-offered": adding(step=mux.Step("H-1", mux.Phase.COMPLETION)),
            "unknown": adding(step=mux.Step("H-8", mux.Phase.ACCEPTANCE)),
        },
    ),
    "representa": Case(
        representa.read,
        acts=(may("Q0000000J", "00000000T"),),
        questions=(may("Q0000000J", "00000000T"), may("00000000T", "Q0000000J"), may("%", "' OR 1=1")),
        bad={
            "an-answer": making(
                "REPRESENTA",
                "REPRESENTA_VALIDACIO",
                lambda _: representa.write(representa.Validated("0", "fet")),
            ),
            "for-another-body": may("Q0000000J", "00000000T", administration="1234567890"),
            "tomorrow": may("Q0000000J", "00000000T", at=NOW + timedelta(days=1)),
            "too-much-at-once": may(
                "Q0000000J",
                "00000000T",
                scope=representa.Scope(tuple(f"C{number}" for number in range(51)), TOWN),
            ),
        },
    ),
}
