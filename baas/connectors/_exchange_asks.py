"""What the arm `exchange` asks for each subject, and what an answer to it means.

Only the digest of a case is known here. It goes into the identifier of the request, which the exchange states in its
evidence: so evidence is bound to a digest whatever the product makes of it. Persons and powers are those of AOC's and of
this sandbox's test data: nobody's.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from baas.connectors import ConnectorRefused, Subject
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.evidence import EvidenceStatement
from baas.protocols.pci.fields import ZONE
from baas.protocols.pci.messages import (
    DocumentType,
    Element,
    File,
    Holder,
    Officer,
    Request,
    Requester,
)
from baas.protocols.pci.products import etauler, mux, padro, representa
from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence.digest import Digest

APPLICATION = "BAAS"
OFFICER = Officer("Funcionari de Prova", "00000000T")
CAPACITY = "CONSULTA"
_ID = re.compile(r"([0-9A-Z]{1,10})-([0-9a-f]{64})-[0-9a-f]{16}", re.ASCII)

#: AOC's test set of the register of residents: kind for the product, kind for the exchange, number.
_PERSONS = (
    (padro.Document.NIF, DocumentType.NIF, "12344321Z"),
    (padro.Document.PASSPORT, DocumentType.PASSPORT, "RA12345678"),
    (padro.Document.NIE, DocumentType.NIE, "Z2757735Z"),
)


@dataclass(frozen=True)
class Asked:
    """What goes into one element. `product` and `modality` are the request's."""

    data: bytes
    holder: Holder | None = None
    files: tuple[File, ...] = ()
    pdf: bool = False


#: Product and modality by subject.
PRODUCTS: dict[Subject, tuple[str, str]] = {
    Subject.DOCUMENT: (mux.PRODUCT, mux.ENTRY),
    Subject.HAND_OVER: (mux.PRODUCT, mux.ENTRY),
    Subject.NOTICE: (etauler.PRODUCT, etauler.MODALITY),
    Subject.POWER: (representa.PRODUCT, representa.VALIDATION),
    Subject.PERSON_FACT: (padro.PRODUCT, padro.RESIDENT),
}


def request(subject: Subject, digest: bytes, requester: Requester, now: datetime) -> Request:
    """What an administration asks about a case of this subject; any but a hand-over, which takes several."""
    return _request(subject, digest, requester, now, _ASKED[subject](digest, requester, now))


def step(
    phase: mux.Phase,
    act: str,
    between: tuple[str, str],
    digest: bytes,
    requester: Requester,
    now: datetime,
) -> Request:
    """One step of the hand-over `act`: an entry in the register of the body whose step it is, giver or taker."""
    offer = phase is mux.Phase.OFFER
    kind = mux.Kind.EXIT if offer else mux.Kind.ENTRY
    data = _entry(kind, digest, between, now, mux.Step(act, phase, between[1] if offer else ""))
    return _request(Subject.HAND_OVER, digest, requester, now, Asked(data))


def new_act(digest: bytes) -> str:
    """The identifier of a hand-over that there is none of: of 70 characters at most, and 49 here."""
    return f"{digest.hex()[:32]}-{secrets.token_hex(8)}"


def answered(subject: Subject, data: bytes) -> bool:
    """Whether what was asked was so: a fact that there is on record. ConnectorRefused for what was not done or told.

    Raises MalformedEvidence for an answer of another kind.
    """
    try:
        return _ANSWERED[subject](data)
    except (PciError, _AnotherAnswer) as error:
        raise MalformedEvidence(f"the answer is not one of its product: {error}") from error


def require_of(statement: EvidenceStatement, subject: Subject, digest: bytes, organisation: str) -> None:
    """Raises VerificationError for evidence of another case, of another kind, or of another body than `organisation`."""
    found = _ID.fullmatch(statement.request_id)
    if found is None or found[2] != digest.hex():
        raise VerificationError(
            f"HASH_FAILURE: the evidence is of another document: expected {digest.hex()}, got the request "
            f"{statement.request_id[:100]!r}"
        )
    if organisation and statement.organisation != organisation:
        raise VerificationError(
            f"the evidence is of another body's request: expected {organisation}, got {statement.organisation[:20]!r}"
        )
    if (statement.product, statement.modality) != PRODUCTS[subject]:
        raise VerificationError(
            f"the evidence is of another act: expected {' '.join(PRODUCTS[subject])}, got "
            f"{statement.product[:40]} {statement.modality[:40]}"
        )


# --- inside


class _AnotherAnswer(Exception):
    """An answer of the product, to something else than was asked."""


def _request(subject: Subject, digest: bytes, requester: Requester, now: datetime, asked: Asked) -> Request:
    product, modality = PRODUCTS[subject]
    element = Element(
        id="1",
        requester=requester,
        data=asked.data,
        officer=OFFICER,
        holder=asked.holder,
        files=asked.files,
        evidence=True,
        pdf=asked.pdf,
    )
    identifier = f"{requester.code}-{digest.hex()}-{secrets.token_hex(8)}"
    return Request(identifier, now, product, modality, requester, (element,), officer=OFFICER)


def _document(digest: bytes, requester: Requester, now: datetime) -> Asked:
    return Asked(_entry(mux.Kind.ENTRY, digest, (requester.code, requester.code), now, None))


def _entry(
    kind: mux.Kind, digest: bytes, between: tuple[str, str], now: datetime, step: mux.Step | None
) -> bytes:
    document = mux.Document(f"document-{digest.hex()[:16]}", Digest("sha-256", digest), now)
    entry = mux.Entry(
        kind,
        "Document d'un pilot" if step is None else "Tramesa d'un pilot",
        now,
        *between,
        (document,),
        step=step,
    )
    return mux.write(mux.Add(APPLICATION, entry))


def _notice(digest: bytes, requester: Requester, now: datetime) -> Asked:
    """A notice whose published file names the document by its digest: the document itself is not known here."""
    text = f"Anunci de prova. Empremta SHA-256 del document: {digest.hex()}\n".encode()
    file = File("d1", "anunci.txt", text, hashlib.sha256(text).digest())
    origin = etauler.Criterion("Procedència", "Interna")
    notice = etauler.Notice(
        id=f"{digest.hex()[:32]}-{secrets.token_hex(8)}",
        file_number=digest.hex()[:32],
        information=(etauler.Information("Anunci de prova", digest.hex()),),
        start=now.astimezone(ZONE).date(),
        documents=(etauler.Document(file.name, file.id),),
        classifications=(etauler.Classification((origin,)),),
    )
    return Asked(etauler.write(etauler.Publish(notice)), files=(file,), pdf=True)


def _power(digest: bytes, requester: Requester, now: datetime) -> Asked:
    grantor = representa.Person("Q0000000J")
    representative = representa.Person("00000000T")
    data = representa.write(
        representa.Validate(
            grantor=grantor,
            representative=representative,
            scope=representa.Scope((CAPACITY,), requester.code),
            at=now,
            asker=representa.Person(OFFICER.nif),
            administration=requester.code,
            application=APPLICATION,
            evidence=True,
        )
    )
    return Asked(data, Holder(DocumentType.CIF, grantor.document))


def _person_fact(digest: bytes, requester: Requester, now: datetime) -> Asked:
    kind, type_, document = _PERSONS[digest[0] % len(_PERSONS)]
    return Asked(padro.write(padro.Resident(digest.hex(), kind, document)), Holder(type_, document))


def _registered(data: bytes) -> bool:
    found = mux.read(data)
    if not isinstance(found, mux.Answer):
        raise _AnotherAnswer("expected the register's answer")
    if found.code != mux.DONE:
        raise _not_done(f"the register answers {found.code}: {found.description[:200]}")
    return True


def _published(data: bytes) -> bool:
    found = etauler.read(data)
    if not isinstance(found, etauler.Published):
        raise _AnotherAnswer("expected the notice board's answer to a publication")
    if found.result.code is not etauler.Code.DONE:
        raise _not_done(
            f"the notice board answers {found.result.code.value}: {found.result.description[:200]}"
        )
    return True


def _validated(data: bytes) -> bool:
    """Whether there is such a power: that there is none is an answer too."""
    found = representa.read(data)
    if not isinstance(found, representa.Validated):
        raise _AnotherAnswer("expected the answer to a validation")
    return found.code == representa.HOLDS


def _resident(data: bytes) -> bool:
    """Whether the person is on record; where the register cannot tell, the person must bring a certificate."""
    found = padro.read(data)
    if not isinstance(found, padro.ResidentAnswer):
        raise _AnotherAnswer("expected the answer of the register of residents")
    return found.result is padro.Result.FOUND


def _not_done(message: str) -> ConnectorRefused:
    return ConnectorRefused(Detail.PRODUCT, message)


_ASKED: dict[Subject, Callable[[bytes, Requester, datetime], Asked]] = {
    Subject.DOCUMENT: _document,
    Subject.NOTICE: _notice,
    Subject.POWER: _power,
    Subject.PERSON_FACT: _person_fact,
}
_ANSWERED: dict[Subject, Callable[[bytes], bool]] = {
    Subject.DOCUMENT: _registered,
    Subject.HAND_OVER: _registered,
    Subject.NOTICE: _published,
    Subject.POWER: _validated,
    Subject.PERSON_FACT: _resident,
}
