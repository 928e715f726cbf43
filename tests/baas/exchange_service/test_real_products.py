"""Every product over HTTPS: signed messages of two administrations, evidence and papers judged without the service."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from baas.ades import signatures
from baas.ades.types import Trust
from baas.ades.xml import parse
from baas.exchange_service.products import products
from baas.protocols.pci import evidence, reading, writing
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.evidence import EvidenceStatement
from baas.protocols.pci.messages import Element, File, Request, Requester, Response
from baas.protocols.pci.products import etauler, mux, padro, representa
from baas.trust_service.database import Database
from sandbox.evidence.digest import digest_bytes
from tests.baas.exchange_service.place import FIRST, PRODUCTS, PURPOSE, SECOND, Client, Place
from tests.baas.exchange_service.products.cases import CONTENT, FILE, NOTICE
from tests.baas.exchange_service.products.place import OFFICER, words_of
from tests.baas.protocols.pci.examples import DOCUMENTED

_numbers = count(1)
ACT = digest_bytes(b"act")


@dataclass(frozen=True)
class Exchanged:
    """What one administration sent, and what came back."""

    message: bytes
    response: Response
    request: Request | None = None

    @property
    def data(self) -> bytes:
        assert self.response.status.state is State.FINISHED, self.response.status
        return self.response.answers[0].data


class Town:
    """Two administrations that may ask for everything."""

    def __init__(self, directory: Path) -> None:
        self.place = Place(directory, products=PRODUCTS | products())
        for kind in products().values():
            for modality in kind.modalities:
                for code in (FIRST, SECOND):
                    self.place.service.authorise(code, kind.code, modality, "PROVES")
        self.first, self.second = self.place.client(FIRST), self.place.client(SECOND)

    def request(
        self, client: Client, product: str, modality: str, *payloads: bytes, files: tuple[File, ...] = ()
    ) -> Request:
        requester = Requester(client.code, "Ens de prova", PURPOSE)
        elements = tuple(
            Element(str(n), requester, data, files=files, evidence=True, pdf=product == "ETAULER")
            for n, data in enumerate(payloads, 1)
        )
        id_ = f"{client.code}-{next(_numbers):06d}"
        return Request(id_, self.place.clock.now(), product, modality, requester, elements, officer=OFFICER)

    def ask(
        self, client: Client, product: str, modality: str, payload: bytes, files: tuple[File, ...] = ()
    ) -> Exchanged:
        asked = self.request(client, product, modality, payload, files=files)
        message = client.signed(writing.request_xml(asked))
        return Exchanged(message, reading.read_response(client.answered("Sincron", message)), asked)

    @property
    def trust(self) -> Trust:
        return self.place.trust_service.pki.trust()

    def stated(self, exchanged: Exchanged, n: int = 0) -> EvidenceStatement:
        """What the evidence says, which is of this message and of this answer."""
        answer = exchanged.response.answers[n]
        statement, verdict = evidence.read_verified(answer.evidence, self.trust, self.place.clock.now())
        assert verdict.ok, verdict.details
        assert statement is not None
        assert statement.message_sha256 == hashlib.sha256(exchanged.message).digest()
        assert statement.answer_sha256 == hashlib.sha256(answer.data).digest()
        return statement

    def said(self, pdf: bytes) -> str:
        """The words of a PDF that the exchange has sealed."""
        verdict = signatures.validate(pdf, None, self.trust, self.place.clock.now())
        assert verdict.ok, verdict.details
        assert verdict.covers_whole_document
        assert "Sandbox" in verdict.signer["CommonName"]
        return words_of(pdf)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"))
    yield made
    made.place.close()


# --- PADRO


def test_the_documented_example_goes_there_and_back(town: Town) -> None:
    message = town.first.signed(parse(DOCUMENTED))
    response = reading.read_response(town.first.answered("Sincron", message))
    exchanged = Exchanged(message, response)
    answer = padro.read(exchanged.data)
    assert answer == padro.ResidentAnswer("EXP-7", padro.Document.NIF, "12344321Z", padro.Result.FOUND)
    assert (response.id, response.answers[0].transmission) == ("9821920002-20261122-000001", "EXP-7")
    assert (response.product, response.modality, response.status.message) == ("PADRO", "RESIDENT", "OK")
    stated = town.stated(exchanged)
    assert (stated.organisation, stated.product, stated.purpose) == (FIRST, "PADRO", "PROVES")
    assert stated.parameters["codigoResultado"] == "1"


def test_hundreds_of_residents_are_asked_for_at_once(town: Town) -> None:
    asked = [padro.Resident(f"E-{n}", padro.Document.NIF, f"9999{n:04d}A") for n in range(40)]
    request = town.request(town.first, "PADRO", "RESIDENT", *map(padro.write, asked))
    message = town.first.signed(writing.request_xml(request))
    confirmed = reading.read_confirmation(town.first.answered("Asincron", message))
    assert (confirmed.status.state, confirmed.count) == (State.PENDING, 40)
    while (response := town.first.poll(request)).status.state is not State.FINISHED:
        time.sleep(0.02)
    assert [each.id for each in response.answers] == [str(n) for n in range(1, 41)]
    for n in (0, 39):
        assert town.stated(Exchanged(message, response), n).parameters["numExpediente"] == f"E-{n}"


# --- ETAULER

#: As AOC's guide has it (example j of our notes).
DOCUMENTED_NOTICE = (
    '<e:peticioPublicarEdicte xmlns:e="http://www.aoc.cat/etauler"><e:edicte><e:idEdicte>P7-0001</e:idEdicte>'
    "<e:numExpedient>EXP-7</e:numExpedient><e:informacio><e:titol>Anunci de prova</e:titol>"
    "<e:descripcio>Pilot</e:descripcio><e:idioma>ca</e:idioma></e:informacio>"
    "<e:dataIniciPublicacio>2026-11-23</e:dataIniciPublicacio><e:diligencia><e:idioma>ca</e:idioma>"
    "<e:format>electronica</e:format></e:diligencia><e:document><e:nom>anunci.pdf</e:nom><e:id>d1</e:id>"
    "<e:idioma>ca</e:idioma></e:document><e:classificacio><e:classificacio><e:concepte>Procedència</e:concepte>"
    "<e:categoria>Interna</e:categoria><e:idioma>ca</e:idioma></e:classificacio><e:tipus>procedencia</e:tipus>"
    "</e:classificacio></e:edicte></e:peticioPublicarEdicte>"
).encode()


def test_a_notice_is_published_accredited_and_withdrawn(town: Town) -> None:
    assert etauler.read(DOCUMENTED_NOTICE) == etauler.Publish(NOTICE)
    published = town.ask(town.first, "ETAULER", "ETAULER", DOCUMENTED_NOTICE, (FILE,))
    answer = etauler.read(published.data)
    assert isinstance(answer, etauler.Published)
    assert answer.result.code is etauler.Code.DONE
    stated = town.stated(published).parameters
    assert (stated["idEdicte"], stated["document.1.sha256"]) == ("P7-0001", FILE.sha256.hex())
    said = town.said(published.response.answers[0].pdf)
    assert "Diligència de publicació" in said
    assert "Sandbox" in said
    assert FILE.sha256.hex() in said.replace(" ", "")

    asked = town.ask(town.first, "ETAULER", "ETAULER", etauler.write(etauler.AskDocument("P7-0001")))
    document = etauler.read(asked.data)
    assert isinstance(document, etauler.DocumentAnswer)
    assert document.notice == CONTENT
    by_diligence = etauler.AskDocument("P7-0001", etauler.Diligence())
    paper = etauler.read(town.ask(town.first, "ETAULER", "ETAULER", etauler.write(by_diligence)).data)
    assert isinstance(paper, etauler.DocumentAnswer)
    assert "P7-0001" in town.said(paper.diligence)

    again = town.ask(town.first, "ETAULER", "ETAULER", DOCUMENTED_NOTICE, (FILE,))
    taken = etauler.read(again.data)
    assert isinstance(taken, etauler.Published)
    assert taken.result.code is etauler.Code.REGISTERED_ALREADY
    assert again.response.answers[0].pdf == b""

    gone = town.ask(town.first, "ETAULER", "ETAULER", etauler.write(etauler.Withdraw("P7-0001")))
    assert town.stated(gone).parameters["estat"] == "2"
    assert "ha estat al tauler" in town.said(gone.response.answers[0].pdf)


# --- MUX


def add(town: Town, client: Client, other: str, step: mux.Step | None = None) -> Exchanged:
    entry = mux.Entry(
        mux.Kind.EXIT,
        "Un acte",
        town.place.clock.now(),
        client.code,
        other,
        (mux.Document("acte.pdf", ACT, town.place.clock.now()),),
        step=step,
    )
    return town.ask(client, "MUX", "MUX_REGISTRE", mux.write(mux.Add("SANDBOX", entry)))


def test_an_act_is_handed_over_with_evidence_of_each_bodys_own_message(town: Town) -> None:
    steps = [
        (town.first, SECOND, mux.Step("T-1", mux.Phase.OFFER, SECOND)),
        (town.second, FIRST, mux.Step("T-1", mux.Phase.ACCEPTANCE)),
        (town.second, FIRST, mux.Step("T-1", mux.Phase.COMPLETION)),
    ]
    before = ""
    for client, other, step in steps:
        done = add(town, client, other, step)
        stated = town.stated(done)
        assert stated.organisation == client.code, "each in its own name"
        certificate = client.signer.certificate
        assert stated.certificate_sha256 == hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
        assert stated.parameters["Tramesa.Fase"] == step.phase
        assert stated.parameters["Document.1.HashAlgorithm"] == "SHA256"
        assert stated.parameters["DataAssentament"] > before
        before = stated.parameters["DataAssentament"]
    query = mux.write(mux.Query("SANDBOX", hand_over="T-1"))
    for client in (town.first, town.second):
        found = mux.read(town.ask(client, "MUX", "MUX_CONSULTA", query).data)
        assert isinstance(found, mux.Answer)
        assert found.hand_over is not None
        assert found.hand_over.state is mux.HandOverState.COMPLETED
        assert [each.owner for each in found.entries] == [FIRST, SECOND, SECOND]


@pytest.mark.parametrize("phase", [mux.Phase.ACCEPTANCE, mux.Phase.REJECTION, mux.Phase.COMPLETION])
def test_nobody_answers_an_own_offer(town: Town, phase: mux.Phase) -> None:
    name = f"T-own-{phase}"
    assert add(town, town.first, SECOND, mux.Step(name, mux.Phase.OFFER, SECOND)).data
    reason = "motiu" if phase is mux.Phase.REJECTION else ""
    refused = add(town, town.first, SECOND, mux.Step(name, phase, reason=reason))
    assert (refused.response.status.state, refused.response.status.detail) == (State.ERROR, Detail.PRODUCT)
    assert refused.response.answers == ()
    query = mux.write(mux.Query("SANDBOX", hand_over=name))
    found = mux.read(town.ask(town.second, "MUX", "MUX_CONSULTA", query).data)
    assert isinstance(found, mux.Answer)
    assert found.hand_over is not None
    assert found.hand_over.state is mux.HandOverState.OFFERED
    assert len(found.entries) == 1


def test_numbers_have_no_gap_where_requests_were_refused_in_between(town: Town) -> None:
    def number(exchanged: Exchanged) -> int:
        answer = mux.read(exchanged.data)
        assert isinstance(answer, mux.Answer)
        return int(answer.entries[0].number[1:])

    first = number(add(town, town.second, FIRST))
    for wrong in (mux.Step("nowhere", mux.Phase.ACCEPTANCE), mux.Step("T-x", mux.Phase.OFFER, SECOND)):
        assert add(town, town.second, FIRST, wrong).response.status.detail == Detail.PRODUCT
    assert number(add(town, town.second, FIRST)) == first + 1


# --- REPRESENTA


@pytest.mark.parametrize(
    ("grantor", "representative", "code"),
    [("Q0000000J", "00000000T", "0"), ("00000000T", "Q0000000J", "001")],
)
def test_a_power_is_validated(town: Town, grantor: str, representative: str, code: str) -> None:
    payload = representa.Validate(
        representa.Person(grantor),
        representa.Person(representative),
        representa.Scope(("CONSULTA",), FIRST),
        town.place.clock.now(),
        representa.Person("00000000T"),
        FIRST,
    )
    done = town.ask(town.first, "REPRESENTA", "REPRESENTA_VALIDACIO", representa.write(payload))
    answer = representa.read(done.data)
    assert isinstance(answer, representa.Validated)
    assert answer.code == code
    assert town.stated(done).parameters["codi"] == code
    other = town.ask(town.second, "REPRESENTA", "REPRESENTA_VALIDACIO", representa.write(payload))
    assert other.response.status.detail == Detail.PRODUCT, "in another administration's name"


# --- personal data, and what the service keeps of messages


SECRET = b"%PDF-1.7 Maria Ficticia, multa de deu euros"


def on_disk(town: Town) -> bytes:
    """The service's file, whole."""
    path = town.place.directory / "exchange" / "exchange.sqlite"
    database = Database(path, "SELECT 1")
    try:
        database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        database.close()
    return path.read_bytes()


def test_personal_data_go_with_their_notice_from_every_message_that_had_them(town: Town) -> None:
    def board(payload: etauler.Payload, *files: File) -> Exchanged:
        return town.ask(town.first, "ETAULER", "ETAULER", etauler.write(payload), files)

    secret = File("d1", "multa.pdf", SECRET, hashlib.sha256(SECRET).digest())
    notice = replace(
        NOTICE,
        id="P7-0009",
        personal_data=True,
        information=(etauler.Information("Multa a Maria Fictícia", "Deu euros"),),
        documents=(etauler.Document("multa-de-maria.pdf", "d1"),),
    )
    told = [
        board(etauler.Publish(notice), secret),
        board(etauler.Publish(notice), secret),  # registered already, and the message says it all again
        board(etauler.AskState("P7-0009")),
        board(etauler.AskDocument("P7-0009")),
    ]
    traces = (b"multa-de-maria", base64.b64encode(SECRET), secret.sha256.hex().encode(), SECRET)
    before = on_disk(town)
    assert sum(before.count(trace) for trace in traces) > 10
    withdrawn = board(etauler.Withdraw("P7-0009"))
    board(etauler.AskState("P7-0001"))
    left = on_disk(town)
    assert not any(trace in left for trace in traces)
    assert b"P7-0009" in left, "that it was there stays"
    assert town.stated(withdrawn).parameters["estat"] == "2"
    for each in told:
        kept = town.place.service.exchanged(FIRST, each.response.id)
        assert kept is not None
        assert (kept.message, kept.answer) == (b"", b"")
        request = each.request
        assert request is not None
        poll = town.first.poll(request)
        assert (poll.status.state, poll.status.detail) == (State.ERROR, Detail.UNKNOWN)
        again = town.first.sync(request)
        assert (again.status.state, again.status.detail) == (State.ERROR, Detail.UNKNOWN)
        changed = town.first.sync(replace(request, elements=(replace(request.elements[0], evidence=False),)))
        assert changed.status.detail == Detail.ID_REUSED, "what was asked is still known by its digest"
        # who asked keeps its own copies, and what was proved then is proved still
        assert town.stated(each).parameters["idEdicte"] == "P7-0009"
