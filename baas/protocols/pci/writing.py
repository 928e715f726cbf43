"""Messages as XML: the `procesa` or `procesaResponse` element that goes into a SOAP Body.

What is written is valid by our schemas, or PciError says why not, before anything is sent. Children stand in the
schema's order: services of AOC take no other.
"""

from __future__ import annotations

from lxml import etree

from baas.ades.types import AdesError
from baas.ades.xml import parse
from baas.protocols.pci import names
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.fields import add, add_some, base64_text, time_text, under
from baas.protocols.pci.messages import (
    Answer,
    Confirmation,
    Element,
    Issuer,
    Officer,
    Poll,
    Purpose,
    Request,
    Requester,
    Response,
    Status,
)
from baas.protocols.pci.names import qname
from baas.protocols.pci.reading import require_counts, require_short
from baas.protocols.pci.schema import check
from baas.protocols.soap import printable

MOST_CHARACTERS = 255
"""Of a LiteralError; longer words are cut."""


def request_xml(request: Request) -> etree._Element:
    """`procesa/Peticion`. Raises PciError for a request that would not be taken."""
    wrapper, root = _begin("procesa", "Peticion", names.REQUEST)
    attributes = under(root, "Atributos")
    _identify(attributes, request.id, len(request.elements), time_text(request.time))
    add(attributes, "CodigoCertificado", request.modality)
    add(attributes, "CodigoProducto", request.product)
    _requester(under(attributes, "DatosAutorizacion"), request.requester)
    _issuer(attributes, request.issuer)
    _officer(attributes, request.officer)
    asked = under(root, "Solicitudes")
    for element in request.elements:
        require_short(element.transmission)
        one = under(asked, "SolicitudTransmision")
        generic = _generic(one, request, element, element.transmission)
        _files(generic, element)
        extensions = {"PDF": "true" if element.pdf else "", "Evidencia": "true" if element.evidence else ""}
        _specific(one, "ExtensionesPeticion", extensions, element.data)
    check("peticion", root)
    require_counts(root, [each.id for each in request.elements])
    return wrapper


def response_xml(response: Response, request: Request | None) -> etree._Element:
    """`procesaResponse/Respuesta`, in which DatosGenericos of the request come back, but for its files.

    Only a response without answers can do without the request; ValueError otherwise, and for an answer to nothing in it.
    """
    wrapper, root = _begin("procesaResponse", "Respuesta", names.RESPONSE)
    attributes = under(root, "Atributos")
    count = len(response.answers) if request is None else len(request.elements)
    _identify(attributes, response.id, count, time_text(response.time))
    _status(attributes, response.status)
    add(attributes, "CodigoCertificado", response.modality)
    add(attributes, "CodigoProducto", response.product)
    if request is not None:
        _issuer(attributes, request.issuer)
    if response.answers:
        if request is None:
            raise ValueError("answers come with what was asked: expected the request, got none")
        answered = under(root, "Transmisiones")
        for answer in response.answers:
            _answer(answered, request, answer)
    check("respuesta", root)
    return wrapper


def confirmation_xml(confirmation: Confirmation) -> etree._Element:
    """`procesaResponse/ConfirmacionPeticion`."""
    wrapper, root = _begin("procesaResponse", "ConfirmacionPeticion", names.CONFIRMATION)
    attributes = under(root, "Atributos")
    _identify(attributes, confirmation.id, confirmation.count, time_text(confirmation.time))
    _status(attributes, confirmation.status)
    add(attributes, "CodigoCertificado", confirmation.modality)
    add(attributes, "CodigoProducto", confirmation.product)
    check("confirmacionPeticion", root)
    return wrapper


def poll_xml(poll: Poll) -> etree._Element:
    """`procesa/SolicitudRespuesta`. Its CodigoProducto comes last: so it stands in AOC's example."""
    wrapper, root = _begin("procesa", "SolicitudRespuesta", names.POLL)
    attributes = under(root, "Atributos")
    _identify(attributes, poll.id, poll.count, time_text(poll.time))
    add(attributes, "CodigoCertificado", poll.modality)
    _requester(under(attributes, "DatosAutorizacion"), poll.requester)
    add(attributes, "CodigoProducto", poll.product)
    check("solicitudRespuesta", root)
    return wrapper


# --- blocks


def _begin(wrapper: str, name: str, namespace: str) -> tuple[etree._Element, etree._Element]:
    outer = etree.Element(qname(names.WRAPPER, wrapper), nsmap={None: names.WRAPPER})
    return outer, etree.SubElement(outer, qname(namespace, name), nsmap={None: namespace})


def _identify(attributes: etree._Element, id: str, count: int, time: str) -> None:  # noqa: A002 - the wire's word
    add(attributes, "IdPeticion", id)
    add(attributes, "NumElementos", str(count))
    add(attributes, "TimeStamp", time)


def _status(attributes: etree._Element, status: Status) -> None:
    state = under(attributes, "Estado")
    add(state, "CodigoEstado", status.state.value)
    add_some(state, "CodigoEstadoSecundario", status.detail)
    add_some(state, "LiteralError", _words(status.message))
    add(state, "TiempoEstimadoRespuesta", str(status.hours))


def _words(message: str) -> str:
    """A message as it goes out: cut, and without what XML cannot hold, which a stranger's words may contain."""
    cut = message if len(message) <= MOST_CHARACTERS else f"{message[: MOST_CHARACTERS - 1]}…"
    try:
        etree.Element("words").text = cut
    except ValueError:
        return printable(cut)
    return cut


def _requester(parent: etree._Element, requester: Requester) -> None:
    add(parent, "IdentificadorSolicitante", requester.code)
    add(parent, "NombreSolicitante", requester.name)
    _purpose(parent, requester.purpose)


def _purpose(parent: etree._Element, purpose: Purpose) -> None:
    add_some(parent, "Finalidad", purpose.finality)
    add_some(parent, "Procedimiento", purpose.procedure)


def _issuer(parent: etree._Element, issuer: Issuer) -> None:
    block = under(parent, "Emisor")
    add(block, "NifEmisor", issuer.nif)
    add(block, "NombreEmisor", issuer.name)


def _officer(parent: etree._Element, officer: Officer | None) -> None:
    if officer is None:
        return
    block = under(parent, "Funcionario")
    add_some(block, "NombreCompletoFuncionario", officer.name)
    add_some(block, "NifFuncionario", officer.nif)
    add_some(block, "EMailFuncionario", officer.email)
    add_some(block, "CodigoOrganismoFuncionario", officer.organisation)


def _generic(parent: etree._Element, request: Request, element: Element, transmission: str) -> etree._Element:
    """`DatosGenericos` of one element, which its answer repeats."""
    generic = under(parent, "DatosGenericos")
    _issuer(generic, request.issuer)
    requester = under(generic, "Solicitante")
    _requester(requester, element.requester)
    add(requester, "Consentimiento", element.consent.value)
    _officer(requester, element.officer)
    if element.holder is not None:
        holder = under(generic, "Titular")
        add(holder, "TipoDocumentacion", element.holder.type.value)
        add(holder, "Documentacion", element.holder.document)
        add_some(holder, "NombreCompleto", element.holder.name)
    sent = under(generic, "Transmision")
    add(sent, "CodigoCertificado", request.modality)
    add(sent, "IdSolicitud", element.id)
    add_some(sent, "IdTransmision", transmission)
    add_some(sent, "FechaGeneracion", element.generated)
    return generic


def _files(generic: etree._Element, element: Element) -> None:
    if not element.files:
        return
    block = under(generic, "Ficheros")
    for file in element.files:
        one = under(block, "Fichero")
        add_some(one, "NombreFichero", file.name)
        add(one, "Contenido", base64_text(file.content))
        add(one, "Id", file.id)
        add(one, "Hash", base64_text(file.sha256))


def _answer(parent: etree._Element, request: Request, answer: Answer) -> None:
    asked = next((each for each in request.elements if each.id == answer.id), None)
    if asked is None:
        raise ValueError(f"an answer to {answer.id!r}, which is not asked in the request {request.id!r}")
    one = under(parent, "TransmisionDatos")
    _generic(one, request, asked, answer.transmission)
    extensions = {"PDF": base64_text(answer.pdf), "Evidencia": base64_text(answer.evidence)}
    _specific(one, "ExtensionesRespuesta", extensions, answer.data)


def _specific(parent: etree._Element, name: str, extensions: dict[str, str], data: bytes) -> None:
    """`DatosEspecificos`: the extensions that are not empty, then the product's element."""
    block = under(parent, "DatosEspecificos")
    if any(extensions.values()):
        ours = etree.SubElement(block, qname(names.EXTENSIONS, name), nsmap={"caoc": names.EXTENSIONS})
        for each, value in extensions.items():
            add_some(ours, each, value)
        check("extensions", ours)
    if data:
        try:
            block.append(parse(data))
        except AdesError as error:
            raise PciError(
                Detail.PRODUCT,
                f"expected one XML element as the product's data, got none that is read: {error}",
            ) from error
