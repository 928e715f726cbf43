"""Messages of these tests: the PADRO example of AOC's documentation, with this sandbox's names and fictional people."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

from baas.protocols.pci.messages import (
    Consent,
    DocumentType,
    Element,
    File,
    Holder,
    Officer,
    Purpose,
    Request,
    Requester,
)

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=timezone(timedelta(hours=1))).astimezone(UTC)
TOWN = Requester("9821920002", "Ajuntament de Prova", Purpose(finality="PROVES"))
OFFICER = Officer("Funcionari de Prova", "00000000T")
RESIDENT = (
    b'<p:peticionResidente xmlns:p="http://www.aocat.net/padro"><p:numExpediente>EXP-7</p:numExpediente>'
    b"<p:tipoDocumentacion>1</p:tipoDocumentacion><p:documentacion>12344321Z</p:documentacion>"
    b"</p:peticionResidente>"
)
#: As AOC documents it: example (g) of our notes, with every field of the message filled.
DOCUMENTED = f"""<procesa xmlns="http://www.openuri.org/"><Peticion xmlns="http://gencat.net/scsp/esquemes/peticion">
 <Atributos><IdPeticion>9821920002-20261122-000001</IdPeticion><NumElementos>1</NumElementos>
  <TimeStamp>2026-11-22T10:00:00.000+01:00</TimeStamp><CodigoCertificado>RESIDENT</CodigoCertificado>
  <CodigoProducto>PADRO</CodigoProducto>
  <DatosAutorizacion><IdentificadorSolicitante>9821920002</IdentificadorSolicitante>
   <NombreSolicitante>Ajuntament de Prova</NombreSolicitante><Finalidad>PROVES</Finalidad></DatosAutorizacion>
  <Emisor><NifEmisor>Q0801175A</NifEmisor><NombreEmisor>CAOC</NombreEmisor></Emisor>
  <Funcionario><NombreCompletoFuncionario>Funcionari de Prova</NombreCompletoFuncionario>
   <NifFuncionario>00000000T</NifFuncionario></Funcionario></Atributos>
 <Solicitudes><SolicitudTransmision><DatosGenericos>
   <Emisor><NifEmisor>Q0801175A</NifEmisor><NombreEmisor>CAOC</NombreEmisor></Emisor>
   <Solicitante><IdentificadorSolicitante>9821920002</IdentificadorSolicitante>
    <NombreSolicitante>Ajuntament de Prova</NombreSolicitante><Finalidad>PROVES</Finalidad>
    <Consentimiento>Ley</Consentimiento></Solicitante>
   <Titular><TipoDocumentacion>NIF</TipoDocumentacion><Documentacion>12344321Z</Documentacion></Titular>
   <Transmision><CodigoCertificado>RESIDENT</CodigoCertificado><IdSolicitud>1</IdSolicitud>
    <IdTransmision>EXP-7</IdTransmision><FechaGeneracion>2026-11-22</FechaGeneracion></Transmision>
  </DatosGenericos><DatosEspecificos>
   <c:ExtensionesPeticion xmlns:c="http://www.aocat.net/scsp/esquemes/caoc-extensions"
     ><c:Evidencia>true</c:Evidencia></c:ExtensionesPeticion>
   {RESIDENT.decode()}
  </DatosEspecificos></SolicitudTransmision></Solicitudes></Peticion></procesa>""".encode()


def element(id_: str = "1") -> Element:
    return Element(
        id=id_,
        requester=TOWN,
        data=RESIDENT,
        transmission="EXP-7",
        holder=Holder(DocumentType.NIF, "12344321Z"),
        evidence=True,
        generated="2026-11-22",
    )


def request(count: int = 1) -> Request:
    return Request(
        id="9821920002-20261122-000001",
        time=NOW,
        product="PADRO",
        modality="RESIDENT",
        requester=TOWN,
        elements=tuple(element(str(number)) for number in range(1, count + 1)),
        officer=OFFICER,
    )


def full_request() -> Request:
    """Every field filled, with two elements that differ."""
    content = b"%PDF-1.7 an announcement \x00\xff"
    other = Element(
        id="2",
        requester=replace(TOWN, purpose=Purpose(procedure="207234")),
        data=b"",
        consent=Consent.NO_OPPOSITION,
        officer=Officer("Núria Puig", "00000000T", "nuria@example.test", "9821920002"),
        holder=Holder(DocumentType.PASSPORT, "RA12345678", "Mireia Soler i Vidal"),
        files=(
            File("d1", "anunci.pdf", content, sha256(content).digest()),
            File("d2", "", b"", sha256().digest()),
        ),
        pdf=True,
    )
    return replace(request(), elements=(element("1"), other))
