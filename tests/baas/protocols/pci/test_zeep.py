"""A strict zeep client, with our description alone: what it sends is read here, and what is written here it reads.

It talks to a server over a real socket that reads with `reading` and answers with `writing`; nothing is signed, since
that is another room's (`baas.protocols.wss`).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from lxml import etree
from zeep import Client, Settings
from zeep.transports import Transport
from zeep.xsd import AnyObject

from baas.protocols import soap
from baas.protocols.pci import names
from baas.protocols.pci.codes import Detail, State
from baas.protocols.pci.messages import Answer, Confirmation, Poll, Request, Response, Status
from baas.protocols.pci.products import etauler, mux, padro, representa
from baas.protocols.pci.reading import read_poll, read_request, read_response
from baas.protocols.pci.writing import confirmation_xml, response_xml
from baas.protocols.pci.wsdl import Endpoint, wsdl
from tests.baas.protocols.pci.examples import NOW, request
from tests.baas.protocols.pci.test_products import ASKED, EDICT, MUX, NOTICE, POWER, VALIDATE

Served = Callable[[etree._Element], etree._Element]


class Counter:
    """A server on the loopback that hands the Body's element to `answer`, and keeps headers and what came."""

    def __init__(self, answer: Served) -> None:
        self.received: list[tuple[str, bytes]] = []
        counter = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                counter.received.append((self.headers.get("SOAPAction", ""), body))
                element = soap.read(body, limit=1 << 20)
                assert not isinstance(element, soap.Fault)
                answered = soap.envelope(answer(element))
                self.send_response(200)
                self.send_header("Content-Type", soap.CONTENT_TYPE)
                self.send_header("Content-Length", str(len(answered)))
                self.end_headers()
                self.wfile.write(answered)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def client(endpoint: Endpoint, answer: Served) -> Iterator[tuple[Client, Counter]]:
    counter = Counter(answer)
    transport = Transport()
    transport.session.trust_env = False
    try:
        description = wsdl(endpoint, counter.address + endpoint.path)
        yield Client(io.BytesIO(description), transport=transport, settings=Settings(strict=True)), counter
    finally:
        transport.session.close()
        counter.close()


def test_it_loads_each_description_from_memory_and_finds_one_operation() -> None:
    for endpoint in Endpoint:
        made = Client(
            io.BytesIO(wsdl(endpoint, f"https://x.test{endpoint.path}")), settings=Settings(strict=True)
        )
        (service,) = made.wsdl.services.values()
        (port,) = service.ports.values()
        assert service.name == endpoint.value
        assert port.binding_options["address"] == f"https://x.test/siri-proxy/services/{endpoint.value}"
        (operation,) = port.binding._operations.values()
        assert (operation.name, operation.soapaction) == ("procesa", "http://www.openuri.org/procesa")


REQUESTER = {"IdentificadorSolicitante": "9821920002", "NombreSolicitante": "Ajuntament de Prova"}
ISSUER = {"NifEmisor": "P0000000J", "NombreEmisor": "Baas Sandbox"}


def any_of(made: Client, namespace: str, name: str, **values: Any) -> AnyObject:
    """An element of a product as zeep wants it where the schema takes any."""
    element = made.get_element(f"{{{namespace}}}{name}")
    return AnyObject(element, element(**values))


def asked(
    made: Client, product: str, modality: str, data: Any, purpose: dict[str, str] | None = None
) -> dict[str, Any]:
    """A Peticion as a program writes it, in no particular order of its keys."""
    purpose = purpose or {"Finalidad": "PROVES"}
    extensions = any_of(made, names.EXTENSIONS, "ExtensionesPeticion", Evidencia=True)
    return {
        "Solicitudes": {
            "SolicitudTransmision": [
                {
                    "DatosGenericos": {
                        "Transmision": {
                            "IdTransmision": "EXP-7",
                            "IdSolicitud": "1",
                            "CodigoCertificado": modality,
                        },
                        "Titular": {"Documentacion": "12344321Z", "TipoDocumentacion": "NIF"},
                        "Solicitante": {"Consentimiento": "Ley", **purpose, **REQUESTER},
                        "Emisor": ISSUER,
                    },
                    "DatosEspecificos": {"_value_1": [extensions, data]},
                }
            ]
        },
        "Atributos": {
            "Emisor": ISSUER,
            "DatosAutorizacion": {**purpose, **REQUESTER},
            "CodigoProducto": product,
            "CodigoCertificado": modality,
            "TimeStamp": "2026-11-22T10:00:00.000+01:00",
            "NumElementos": 1,
            "IdPeticion": "9821920002-20261122-000001",
        },
    }


def answering(data: bytes, seen: list[Request], evidence: bytes = b"") -> Served:
    def answer(element: etree._Element) -> etree._Element:
        seen.append(read_request(element))
        response = Response(
            seen[-1].id, NOW, seen[-1].product, seen[-1].modality, Status(State.FINISHED, message="OK"),
            (Answer("1", "T-1", data, evidence),),
        )  # fmt: skip
        return response_xml(response, seen[-1])

    return answer


@pytest.mark.parametrize("purpose", [{"Finalidad": "PROVES"}, {"Procedimiento": "207234"}])
def test_a_resident_is_asked_for_and_found(purpose: dict[str, str]) -> None:
    seen: list[Request] = []
    answer = padro.write(padro.ResidentAnswer.to(ASKED, padro.Result.FOUND))
    with client(Endpoint.SYNC, answering(answer, seen, b"<Evidencia/>")) as (made, counter):
        question = any_of(
            made,
            names.PADRO,
            "peticionResidente",
            documentacion="12344321Z",
            numExpediente="EXP-7",
            tipoDocumentacion="1",
        )
        answered = made.service.procesa(Peticion=asked(made, "PADRO", "RESIDENT", question, purpose))
    (element,) = seen[0].elements
    assert padro.read(element.data) == ASKED
    assert (element.evidence, element.pdf) == (True, False)
    assert seen[0].requester.purpose.value in purpose.values()
    assert counter.received[0][0].strip('"') == names.SOAP_ACTION
    assert answered.Atributos.Estado.CodigoEstado == "0003"
    (transmission,) = answered.Transmisiones.TransmisionDatos
    assert transmission.DatosGenericos.Titular.Documentacion == "12344321Z"
    extensions, found = transmission.DatosEspecificos._value_1
    assert extensions.Evidencia == b"<Evidencia/>"
    assert (found.codigoResultado, found.numExpediente) == ("1", "EXP-7")


def test_a_notice_is_published() -> None:
    seen: list[Request] = []
    answer = etauler.write(etauler.Published(etauler.Result(etauler.Code.DONE, "fet")))
    with client(Endpoint.SYNC, answering(answer, seen)) as (made, _):
        question = any_of(
            made,
            names.ETAULER,
            "peticioPublicarEdicte",
            edicte={
                "classificacio": [
                    {
                        "tipus": "procedencia",
                        "classificacio": [
                            {"concepte": "Procedència", "categoria": "Interna", "idioma": "ca"}
                        ],
                    }
                ],
                "document": [{"nom": "anunci.pdf", "id": "d1", "idioma": "ca"}],
                "diligencia": {"idioma": "ca", "format": "electronica"},
                "dataIniciPublicacio": "2026-11-23",
                "informacio": [{"titol": "Anunci de prova", "descripcio": "Pilot", "idioma": "ca"}],
                "numExpedient": "EXP-7",
                "idEdicte": "P7-0001",
            },
        )
        answered = made.service.procesa(Peticion=asked(made, "ETAULER", "ETAULER", question))
    assert etauler.read(seen[0].elements[0].data) == etauler.Publish(NOTICE) == etauler.read(EDICT)
    (found,) = answered.Transmisiones.TransmisionDatos[0].DatosEspecificos._value_1
    assert (found.resultat.codiResultat, found.resultat.descripcio) == (0, "fet")


def sent_as_it_is(data: bytes, answer: bytes, product: str, modality: str) -> tuple[Request, Any]:
    """Somebody else's XML for DatosEspecificos, by way of zeep; and what zeep makes of the answer."""
    seen: list[Request] = []
    with client(Endpoint.SYNC, answering(answer, seen)) as (made, _):
        answered = made.service.procesa(Peticion=asked(made, product, modality, etree.fromstring(data)))
    (found,) = answered.Transmisiones.TransmisionDatos[0].DatosEspecificos._value_1
    return seen[0], found


def test_a_register_entry_and_a_power() -> None:
    for payload, answer in zip(MUX[:6], (MUX[6], MUX[7]) * 3, strict=True):
        read, found = sent_as_it_is(mux.write(payload), mux.write(answer), "MUX", mux.ENTRY)
        assert mux.read(read.elements[0].data) == payload
        assert isinstance(answer, mux.Answer)
        assert found.Resultat.codi == answer.code
        if answer.entries:
            assert found.Assentament[1].Tramesa.Fase == "rebuig"
            assert found.EstatTramesa.Hash == answer.hand_over.digest.value  # type: ignore[union-attr]
    holds = representa.write(representa.Validated(representa.HOLDS, "val", POWER))
    read, found = sent_as_it_is(representa.write(VALIDATE), holds, "REPRESENTA", representa.VALIDATION)
    assert representa.read(read.elements[0].data) == VALIDATE
    assert found.resultat.representacio.ambitRepresentacio.capacitats.capacitat[1].codi == "TRAMITACIO"


def test_a_request_left_and_asked_for_later() -> None:
    def confirm(element: etree._Element) -> etree._Element:
        made = read_request(element)
        return confirmation_xml(
            Confirmation(
                made.id, NOW, made.product, made.modality, len(made.elements), Status(State.PENDING, hours=3)
            )
        )

    with client(Endpoint.ASYNC, confirm) as (made, _):
        question = etree.fromstring(padro.write(ASKED))
        confirmed = made.service.procesa(Peticion=asked(made, "PADRO", "RESIDENT", question))
    # zeep unwraps what has one child: these are the Atributos
    assert confirmed.NumElementos == 1
    assert (confirmed.Estado.CodigoEstado, confirmed.Estado.TiempoEstimadoRespuesta) == ("0001", 3)

    polls: list[Poll] = []

    def refuse(element: etree._Element) -> etree._Element:
        polls.append(read_poll(element))
        status = Status(State.ERROR, Detail.UNKNOWN, "no hi és")
        return response_xml(Response(polls[-1].id, NOW, "PADRO", "RESIDENT", status), None)

    with client(Endpoint.ANSWER, refuse) as (made, _):
        attributes = asked(made, "PADRO", "RESIDENT", None)["Atributos"]
        del attributes["Emisor"]
        answered = made.service.procesa(SolicitudRespuesta={"Atributos": attributes})
    assert polls == [Poll.of(request(), NOW)]
    assert answered.Atributos.Estado.CodigoEstadoSecundario == "UNKNOWN"
    assert answered.Transmisiones is None


def test_what_zeep_writes_of_an_answer_is_read_here() -> None:
    """The other way round: an answer that zeep's serialiser makes by our description is one that our client reads."""
    made = Client(io.BytesIO(wsdl(Endpoint.SYNC, "https://x.test/")), settings=Settings(strict=True))
    generic = asked(made, "PADRO", "RESIDENT", None)["Solicitudes"]["SolicitudTransmision"][0][
        "DatosGenericos"
    ]
    found = any_of(
        made,
        names.PADRO,
        "respuestaResidente",
        numExpediente="EXP-7",
        tipoDocumentacion="1",
        documentacion="12344321Z",
        codigoResultado="2",
    )
    extensions = any_of(made, names.EXTENSIONS, "ExtensionesRespuesta", PDF=b"%PDF", Evidencia=b"<e/>")
    value = made.get_element(f"{{{names.WRAPPER}}}procesaResponse")(
        Respuesta={
            "Atributos": {
                "IdPeticion": "P-1", "NumElementos": 1, "TimeStamp": "2026-11-22 10:00:00.000",
                "Estado": {"CodigoEstado": "0003", "LiteralError": "OK"},
                "CodigoCertificado": "RESIDENT", "CodigoProducto": "PADRO",
            },
            "Transmisiones": {
                "TransmisionDatos": [
                    {"DatosGenericos": generic, "DatosEspecificos": {"_value_1": [extensions, found]}}
                ]
            },
        }
    )  # fmt: skip
    parent = etree.Element("parent")
    made.get_element(f"{{{names.WRAPPER}}}procesaResponse").render(parent, value)
    read = read_response(parent[0])
    assert read.time == NOW
    (answer,) = read.answers
    assert (answer.pdf, answer.evidence, answer.id) == (b"%PDF", b"<e/>", "1")
    assert padro.read(answer.data) == padro.ResidentAnswer.to(ASKED, padro.Result.NOT_FOUND)
