"""A client that has nothing of ours: zeep by the descriptions that the service hands out, signing by xmlsec, over HTTPS.

What it asks are the examples that AOC documents: PADRO/RESIDENT with evidence, a notice for e-TAULER, a request left for
later. Answers carry no signature of their own (evidence does), so the client is told not to look for one.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xmlsec
import zeep.exceptions
import zeep.wsse.utils
from zeep import Client, Settings
from zeep.transports import Transport
from zeep.wsse.signature import BinarySignature

from baas.ades import pem
from baas.exchange_service.products import products
from baas.protocols.pci import evidence, names
from baas.protocols.pci.wsdl import Endpoint
from baas.trust_service.pki import Enrolment
from tests.baas.ades import xmljudges
from tests.baas.exchange_service.place import FIRST, PRODUCTS, SECOND, Place
from tests.baas.protocols.pci.test_zeep import any_of, asked

PDF = b"%PDF-1.7 anunci"
OFFERED = {"PADRO": "RESIDENT", "ETAULER": "ETAULER"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("exchange"), products=PRODUCTS | products())
    for product, modality in OFFERED.items():
        made.service.authorise(FIRST, product, modality, "PROVES")
    yield made
    made.close()


class Signed(BinarySignature):
    """What zeep's documentation has its users write to send a signed Timestamp."""

    def __init__(self, folder: Path, holder: Enrolment) -> None:
        key, certificate = folder / f"{holder.code}.key", folder / f"{holder.code}.pem"
        key.write_bytes(xmljudges.key_pem(holder.signer))
        certificate.write_bytes(xmljudges.pem(holder.certificate))
        super().__init__(
            str(key),
            str(certificate),
            signature_method=xmlsec.constants.TransformEcdsaSha256,
            digest_method=xmlsec.constants.TransformSha256,
        )

    def apply(self, envelope: Any, headers: Any) -> Any:
        now = datetime.datetime.now(datetime.UTC)
        times = (now, now + datetime.timedelta(seconds=60))
        made = zeep.wsse.utils.WSU.Timestamp(
            zeep.wsse.utils.WSU.Created(zeep.wsse.utils.get_timestamp(times[0])),
            zeep.wsse.utils.WSU.Expires(zeep.wsse.utils.get_timestamp(times[1])),
        )
        zeep.wsse.utils.get_security_header(envelope).append(made)
        return super().apply(envelope, headers)

    def verify(self, envelope: Any) -> Any:
        return envelope


class Clients:
    """zeep's clients of one place, each by the description of its endpoint."""

    def __init__(self, place: Place, folder: Path) -> None:
        self._place, self._folder = place, folder
        self._transports: list[Transport] = []
        (folder / "roots.pem").write_bytes(place.service.roots_pem)

    def of(self, endpoint: Endpoint, code: str = FIRST, *, mutual: bool = False) -> Client:
        holder = self._place.trust_service.pki.application(code)
        transport = Transport()
        transport.session.trust_env = False
        transport.session.verify = str(self._folder / "roots.pem")
        if mutual:
            shown = self._folder / "shown.pem"
            shown.write_bytes(pem.write(holder.signer))
            transport.session.cert = str(shown)
        self._transports.append(transport)
        return Client(
            f"{self._place.url}{endpoint.path}?wsdl",
            transport=transport,
            settings=Settings(strict=True),
            wsse=None if mutual else Signed(self._folder, holder),
        )

    def close(self) -> None:
        for each in self._transports:
            each.session.close()


@pytest.fixture
def clients(place: Place, tmp_path: Path) -> Iterator[Clients]:
    made = Clients(place, tmp_path)
    yield made
    made.close()


def resident(made: Client, request_id: str) -> dict[str, Any]:
    question = any_of(
        made,
        names.PADRO,
        "peticionResidente",
        numExpediente="EXP-7",
        tipoDocumentacion="1",
        documentacion="12344321Z",
    )
    request = asked(made, "PADRO", "RESIDENT", question)
    request["Atributos"]["IdPeticion"] = request_id
    officer = {"NombreCompletoFuncionario": "Funcionari de Prova", "NifFuncionario": "00000000T"}
    request["Atributos"]["Funcionario"] = officer
    return request


@pytest.mark.parametrize("mutual", [False, True], ids=["signed", "mutual TLS"])
def test_a_resident_is_found_with_evidence(place: Place, clients: Clients, mutual: bool) -> None:
    client = clients.of(Endpoint.SYNC, mutual=mutual)
    answered = client.service.procesa(Peticion=resident(client, f"zeep {mutual}"))
    assert answered.Atributos.Estado.CodigoEstado == "0003", answered.Atributos.Estado
    extensions, found = answered.Transmisiones.TransmisionDatos[0].DatosEspecificos._value_1
    assert found.codigoResultado == "1"
    pki = place.trust_service.pki
    statement, verdict = evidence.read_verified(extensions.Evidencia, pki.trust(), place.clock.now())
    assert statement is not None, verdict
    assert (statement.request_id, statement.organisation) == (f"zeep {mutual}", FIRST)
    again = client.service.procesa(Peticion=resident(client, f"zeep {mutual}"))
    assert (
        again.Transmisiones.TransmisionDatos[0].DatosEspecificos._value_1[0].Evidencia == extensions.Evidencia
    )


def test_a_notice_is_published_once(clients: Clients) -> None:
    client = clients.of(Endpoint.SYNC)
    codes = []
    for number in (1, 2):
        notice = any_of(
            client,
            names.ETAULER,
            "peticioPublicarEdicte",
            edicte={
                "idEdicte": "Z-1",
                "numExpedient": "EXP-7",
                "informacio": [{"titol": "Anunci de prova", "descripcio": "Pilot", "idioma": "ca"}],
                "dataIniciPublicacio": "2026-11-23",
                "diligencia": {"idioma": "ca", "format": "electronica"},
                "document": [{"nom": "anunci.pdf", "id": "d1", "idioma": "ca"}],
                "classificacio": [
                    {
                        "classificacio": [
                            {"concepte": "Procedència", "categoria": "Interna", "idioma": "ca"}
                        ],
                        "tipus": "procedencia",
                    }
                ],
            },
        )
        request = asked(client, "ETAULER", "ETAULER", notice)
        request["Atributos"]["IdPeticion"] = f"zeep notice {number}"
        (element,) = request["Solicitudes"]["SolicitudTransmision"]
        del element["DatosGenericos"]["Titular"]  # a notice is about no person
        element["DatosGenericos"]["Ficheros"] = {
            "Fichero": [
                {
                    "NombreFichero": "anunci.pdf",
                    "Contenido": PDF,
                    "Id": "d1",
                    "Hash": hashlib.sha256(PDF).digest(),
                }
            ]
        }
        answered = client.service.procesa(Peticion=request)
        assert answered.Atributos.Estado.CodigoEstado == "0003", answered.Atributos.Estado
        codes.append(
            answered.Transmisiones.TransmisionDatos[0].DatosEspecificos._value_1[1].resultat.codiResultat
        )
    assert codes == [0, 2]


def test_a_request_is_left_and_its_answer_fetched(place: Place, clients: Clients) -> None:
    client = clients.of(Endpoint.ASYNC)
    request = resident(client, "zeep later")
    confirmed = client.service.procesa(Peticion=request)
    assert confirmed.Estado.CodigoEstado == "0001"
    place.service.start()
    fetching = clients.of(Endpoint.ANSWER)
    attributes = {name: value for name, value in request["Atributos"].items() if name != "Emisor"}
    for _ in range(600):
        answered = fetching.service.procesa(SolicitudRespuesta={"Atributos": attributes})
        if answered.Atributos.Estado.CodigoEstado not in ("0001", "0002"):
            break
    assert answered.Atributos.Estado.CodigoEstado == "0003"
    assert answered.Transmisiones.TransmisionDatos[0].DatosEspecificos._value_1[1].codigoResultado == "1"


def test_what_zeep_is_refused(clients: Clients) -> None:
    """A refusal is an answer by the description; what is no request is a Fault."""
    other = clients.of(Endpoint.SYNC, SECOND)
    answered = other.service.procesa(Peticion=resident(other, "zeep of another"))
    assert answered.Atributos.Estado.CodigoEstadoSecundario == "ORGANISATION"
    client = clients.of(Endpoint.SYNC)
    request = resident(client, "zeep refused")
    request["Atributos"]["CodigoProducto"] = "ETAULER"
    assert client.service.procesa(Peticion=request).Atributos.Estado.CodigoEstado == "0502"
    request["Atributos"]["IdPeticion"] = "x" * 101
    client.settings.strict = False
    with pytest.raises((zeep.exceptions.Fault, zeep.exceptions.ValidationError)):
        client.service.procesa(Peticion=request)
