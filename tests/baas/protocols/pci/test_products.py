"""Products' payloads, written and read back; AOC's documented examples; what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256, sha512

import pytest

from baas.ades.xml import parse
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.products import etauler, mux, padro, representa
from baas.protocols.pci.reading import canonical
from sandbox.evidence.digest import Digest
from tests.baas.protocols.pci.examples import RESIDENT

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
DAY = date(2026, 11, 23)
ACT = Digest("sha-256", sha256(b"act").digest())

#: As AOC documents it: example (j) of our notes.
EDICT = b"""<e:peticioPublicarEdicte xmlns:e="http://www.aoc.cat/etauler"><e:edicte><e:idEdicte>P7-0001</e:idEdicte>
 <e:numExpedient>EXP-7</e:numExpedient>
 <e:informacio><e:titol>Anunci de prova</e:titol><e:descripcio>Pilot</e:descripcio><e:idioma>ca</e:idioma></e:informacio>
 <e:dataIniciPublicacio>2026-11-23</e:dataIniciPublicacio><e:diligencia><e:idioma>ca</e:idioma>
 <e:format>electronica</e:format></e:diligencia>
 <e:document><e:nom>anunci.pdf</e:nom><e:id>d1</e:id><e:idioma>ca</e:idioma></e:document>
 <e:classificacio><e:classificacio><e:concepte>Proced\xc3\xa8ncia</e:concepte><e:categoria>Interna</e:categoria>
 <e:idioma>ca</e:idioma></e:classificacio><e:tipus>procedencia</e:tipus></e:classificacio></e:edicte>
</e:peticioPublicarEdicte>"""
NOTICE = etauler.Notice(
    id="P7-0001",
    file_number="EXP-7",
    information=(etauler.Information("Anunci de prova", "Pilot"),),
    start=DAY,
    documents=(etauler.Document("anunci.pdf", "d1"),),
    classifications=(etauler.Classification((etauler.Criterion("Procedència", "Interna"),)),),
)
FULL_NOTICE = replace(
    NOTICE,
    information=(*NOTICE.information, etauler.Information("Anuncio", "Prueba", "es")),
    end=date(2026, 12, 23),
    highlighted=True,
    diligence=etauler.Diligence("oc", "imprimible"),
    classifications=(
        etauler.Classification((etauler.Criterion("Matèria", "Urbanisme", "Plans"),), "classificacio1"),
    ),
    personal_data=True,
)
DONE = etauler.Result(etauler.Code.DONE, "")
ENTRY = mux.Entry(
    mux.Kind.EXIT, "Expedient", NOW, "9821920002", "0801930008", (mux.Document("acta.pdf", ACT, NOW),)
)
OFFER = replace(ENTRY, observations="x", step=mux.Step("T-1", mux.Phase.OFFER, "0801930008"))
PERSON = representa.Person("00000000T", name="Ferran Prova", type="FISICA")
SCOPE = representa.Scope(("CONSULTA", "TRAMITACIO"), "9821920002", "1111")
VALIDATE = representa.Validate(
    representa.Person("Q0000000J", type="JURIDICA"), PERSON, SCOPE, NOW, PERSON, "9821920002", "sandbox", True
)
POWER = representa.Power("202600001", "TIPUS_C", "VALIDA", VALIDATE.grantor, PERSON, SCOPE, NOW, NOW)
ASKED = padro.Resident("EXP-7", padro.Document.NIF, "12344321Z")

PADRO = [ASKED, *(padro.ResidentAnswer.to(ASKED, result) for result in padro.Result)]
ETAULER = [
    etauler.Publish(NOTICE),
    etauler.Publish(FULL_NOTICE),
    etauler.Withdraw("P7-0001"),
    etauler.AskState("P7-0001"),
    etauler.AskDocument("P7-0001", etauler.Diligence("es", "imprimible")),
    etauler.AskDocument("P7-0001", language="oc"),
    etauler.Published(etauler.Result(etauler.Code.REGISTERED_ALREADY, "ja hi és")),
    etauler.Withdrawn(DONE),
    etauler.StateAnswer(DONE, etauler.NoticeState.WITHDRAWN, DAY, DAY, DAY, DAY, DAY),
    etauler.StateAnswer(etauler.Result(etauler.Code.ERROR, "no hi és")),
    etauler.DocumentAnswer(DONE, diligence=b"%PDF \x00"),
    etauler.DocumentAnswer(DONE, notice=b"%PDF"),
    etauler.DocumentAnswer(etauler.Result(etauler.Code.ERROR, "no")),
]
REGISTERED = mux.Registered("2026/1", NOW, "9821920002", (mux.Document("acta.pdf", ACT),))
MUX = [
    mux.Add("SANDBOX", ENTRY),
    mux.Add("SANDBOX", OFFER, "T-1.2,3"),
    mux.Add("SANDBOX", replace(ENTRY, kind=mux.Kind.ENTRY, documents=())),
    mux.Query("SANDBOX", number="2026/1"),
    mux.Query("SANDBOX", document=Digest("sha-512", sha512(b"").digest())),
    mux.Query("SANDBOX", hand_over="T-1", transaction="Q-2"),
    mux.Answer(mux.REFUSED, "no hi ha res"),
    mux.Answer(
        mux.DONE,
        "",
        (
            REGISTERED,
            replace(
                REGISTERED,
                step=mux.Step("T-1", mux.Phase.REJECTION, reason="no"),
                register=mux.Register.AUXILIARY,
            ),
        ),
        mux.HandOver(
            "T-1", mux.HandOverState.REJECTED, "9821920002", "0801930008", ACT, NOW, NOW, reason="no"
        ),
    ),
]
REPRESENTA = [
    VALIDATE,
    replace(VALIDATE, scope=representa.Scope(("CONSULTA",)), application="", evidence=False),
    representa.Validated(representa.HOLDS, "S'ha validat", POWER),
    representa.Validated(representa.NO_SUCH_POWER, "No hi ha cap apoderament"),
]
CASES = [
    *((padro, each) for each in PADRO),
    *((etauler, each) for each in ETAULER),
    *((mux, each) for each in MUX),
    *((representa, each) for each in REPRESENTA),
]


@pytest.mark.parametrize(("product", "payload"), CASES, ids=lambda each: type(each).__name__)
def test_a_payload_is_read_as_it_was_written(product: object, payload: object) -> None:
    written = product.write(payload)  # type: ignore[attr-defined]
    assert product.read(written) == payload  # type: ignore[attr-defined]
    assert canonical(parse(written)) == written


def test_the_documented_question_to_padro() -> None:
    assert padro.read(RESIDENT) == ASKED
    assert padro.write(ASKED) == RESIDENT


def test_the_documented_notice() -> None:
    assert etauler.read(EDICT) == etauler.Publish(NOTICE)


@pytest.mark.parametrize(
    ("product", "data", "words"),
    [
        (padro, b"", "expected an element of PADRO, got none"),
        (padro, b"peticionResidente", "are not read"),
        (
            padro,
            EDICT,
            "got peticioPublicarEdicte of http://www.aoc.cat/etauler, expected of http://www.aocat.net/padro one of "
            "peticionResidente, respuestaResidente",
        ),
        (padro, RESIDENT.replace(b"aocat.net/padro", b"aocat.net/padron"), "of http://www.aocat.net/padron"),
        (
            padro,
            RESIDENT.replace(b"<p:tipoDocumentacion>1<", b"<p:tipoDocumentacion>9<"),
            "tipoDocumentacion",
        ),
        (padro, RESIDENT.replace(b"12344321Z", b"1" * 15), "maximum length of '14'"),
        (padro, RESIDENT.replace(b"12344321Z", b""), "minimum length of '1'"),
        (
            etauler,
            EDICT.replace(b"<e:titol>Anunci de prova", b"<e:titol>" + b"a" * 257),
            "maximum length of '256'",
        ),
        (etauler, EDICT.replace(b"2026-11-23", b"2026-02-30"), "dataIniciPublicacio"),
        (etauler, EDICT.replace(b"2026-11-23", b"2026-11-23Z"), "pattern"),
        (etauler, EDICT.replace(b"<e:idioma>ca", b"<e:idioma>fr"), "idioma"),
        (mux, RESIDENT, "expected of http://net.aocat/MUX2/PeticioRegistre one of PeticioRegistre"),
        (mux, mux.write(MUX[0]).replace(b"SHA256", b"MD5"), "HashAlgorithm"),
        (mux, mux.write(MUX[0]).replace(b"SHA256", b"SHA512"), "a sha-512 digest has 64 bytes, got 32"),
        (mux, mux.write(MUX[0]).replace(b"0801930008", b"080193000"), "INE10"),
        (mux, mux.write(MUX[1]).replace(b"oferta", b"regal"), "Fase"),
        (mux, mux.write(MUX[0]).replace(b"acta.pdf", b"acta"), "minimum length of '5'"),
        (
            representa,
            representa.write(representa.Validated("0", "", POWER)).replace(b"<r:estat>VALIDA</r:estat>", b""),
            "Expected is ( estat )",
        ),
        (
            representa,
            representa.write(VALIDATE).replace(b":capacitat>", b":altra>"),
            "capacitat",
        ),
    ],
)
def test_data_that_a_product_does_not_take(product: object, data: bytes, words: str) -> None:
    with pytest.raises(PciError) as refused:
        product.read(data)  # type: ignore[attr-defined]
    assert refused.value.detail is Detail.PRODUCT
    assert words in str(refused.value)


def test_what_is_said_in_a_value_does_not_say_what_it_is() -> None:
    """An entry whose subject is the namespace of answers is a request all the same."""
    asked = mux.Add("SANDBOX", replace(ENTRY, subject="http://net.aocat/MUX2/RespostaRegistre"))
    assert mux.read(mux.write(asked)) == asked


def test_what_would_be_refused_is_not_written() -> None:
    with pytest.raises(PciError, match="maximum length of '64'"):
        padro.write(replace(ASKED, file_number="x" * 65))
    with pytest.raises(PciError, match="expected"):
        etauler.write(etauler.Publish(replace(NOTICE, documents=())))
    with pytest.raises(PciError, match="sha3-256"):
        mux.write(mux.Query("SANDBOX", document=Digest("sha3-256", bytes(32))))
    with pytest.raises(ValueError, match="expected one of"):
        mux.Query("SANDBOX")
