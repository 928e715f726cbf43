"""Messages from XML: what a `procesa` or `procesaResponse` element says, once our schema has let it through.

An element comes from `baas.ades.xml.parse` (by way of SOAP or WS-Security), so it has no document type and no entity.
Whoever answers must not read less than what was signed: what the data classes have no place for is either without
meaning here (an empty state, a civil servant's certificate) or refused.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from hmac import compare_digest

from lxml import etree

from baas.protocols.pci import names
from baas.protocols.pci.codes import MOST_ELEMENTS, Detail, State
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.fields import number, octets, part, parts, some, text, time_in, truth
from baas.protocols.pci.messages import (
    Answer,
    Confirmation,
    Consent,
    DocumentType,
    Element,
    File,
    Holder,
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
from baas.protocols.pci.schema import check, local


def read_request(element: etree._Element) -> Request:
    """`procesa/Peticion`. Raises PciError."""
    root = _content(element, "procesa", "Peticion", names.REQUEST)
    _require_purposes(root)
    check("peticion", root)
    attributes = part(root, "Atributos")
    asked = parts(part(root, "Solicitudes"), "SolicitudTransmision")
    ids = [text(part(part(each, "DatosGenericos"), "Transmision"), "IdSolicitud") for each in asked]
    require_counts(root, ids)
    requester = _requester(part(attributes, "DatosAutorizacion"))
    _require_no_other(attributes, requester)
    issuer = _issuer(some(attributes, "Emisor"), part(asked[0], "DatosGenericos"))
    modality = text(attributes, "CodigoCertificado")
    return Request(
        id=text(attributes, "IdPeticion"),
        time=time_in(attributes, "TimeStamp"),
        product=text(attributes, "CodigoProducto"),
        modality=modality,
        requester=requester,
        elements=tuple(_element(each, issuer, modality) for each in asked),
        issuer=issuer,
        officer=_officer(some(attributes, "Funcionario")),
    )


def read_response(element: etree._Element) -> Response:
    """`procesaResponse/Respuesta`. Raises PciError."""
    root = _content(element, "procesaResponse", "Respuesta", names.RESPONSE)
    check("respuesta", root)
    attributes = part(root, "Atributos")
    answers = tuple(_answer(each) for each in parts(some(root, "Transmisiones"), "TransmisionDatos"))
    _require_unique([answer.id for answer in answers])
    return Response(
        id=text(attributes, "IdPeticion"),
        time=time_in(attributes, "TimeStamp"),
        product=text(attributes, "CodigoProducto"),
        modality=text(attributes, "CodigoCertificado"),
        status=_status(part(attributes, "Estado")),
        answers=answers,
    )


def read_confirmation(element: etree._Element) -> Confirmation:
    """`procesaResponse/ConfirmacionPeticion`. Raises PciError."""
    root = _content(element, "procesaResponse", "ConfirmacionPeticion", names.CONFIRMATION)
    check("confirmacionPeticion", root)
    attributes = part(root, "Atributos")
    return Confirmation(
        id=text(attributes, "IdPeticion"),
        time=time_in(attributes, "TimeStamp"),
        product=text(attributes, "CodigoProducto"),
        modality=text(attributes, "CodigoCertificado"),
        count=number(attributes, "NumElementos"),
        status=_status(part(attributes, "Estado")),
    )


def read_poll(element: etree._Element) -> Poll:
    """`procesa/SolicitudRespuesta`. Raises PciError."""
    root = _content(element, "procesa", "SolicitudRespuesta", names.POLL)
    _require_purposes(root)
    check("solicitudRespuesta", root)
    attributes = part(root, "Atributos")
    requester = _requester(part(attributes, "DatosAutorizacion"))
    _require_no_other(attributes, requester)
    return Poll(
        id=text(attributes, "IdPeticion"),
        time=time_in(attributes, "TimeStamp"),
        product=text(attributes, "CodigoProducto"),
        modality=text(attributes, "CodigoCertificado"),
        requester=requester,
        count=number(attributes, "NumElementos"),
    )


def require_counts(root: etree._Element, ids: list[str]) -> None:
    """Raise PciError unless a Peticion has as many elements as it says, at most 500, each with its own IdSolicitud."""
    stated = number(part(root, "Atributos"), "NumElementos")
    if len(ids) > MOST_ELEMENTS:
        raise PciError(
            Detail.ELEMENTS,
            f"expected at most {MOST_ELEMENTS} SolicitudTransmision, got {len(ids)}: send them in several requests",
        )
    if stated != len(ids):
        raise PciError(
            Detail.ELEMENTS,
            f"NumElementos says {stated}, and there are {len(ids)} SolicitudTransmision: say how many there are",
        )
    _require_unique(ids)


def require_short(transmission: str) -> None:
    """Raise PciError for an IdTransmision that only an answer may have: a request's has at most 26 characters."""
    if len(transmission) > 26:
        raise PciError(
            Detail.SCHEMA,
            f"IdTransmision: expected at most 26 characters in a request, got {len(transmission)}: shorten it",
        )


# --- what a schema does not say, or says in worse words


def _content(element: etree._Element, wrapper: str, name: str, namespace: str) -> etree._Element:
    """The one message in the wrapper."""
    content = [each for each in element if isinstance(each.tag, str)]
    expected = qname(namespace, name)
    if element.tag != qname(names.WRAPPER, wrapper) or [each.tag for each in content] != [expected]:
        got = ", ".join(str(each.tag)[:100] for each in content[:3]) or "nothing"
        raise PciError(
            Detail.SCHEMA,
            f"expected {qname(names.WRAPPER, wrapper)} with one {expected}, got {str(element.tag)[:100]} with {got}",
        )
    if len(content) != len(element) or (element.text or "").strip() or (content[0].tail or "").strip():
        raise PciError(
            Detail.SCHEMA,
            f"expected in {wrapper} nothing but {name}, got text or a comment beside it: leave it out",
        )
    if element.attrib:
        raise PciError(
            Detail.SCHEMA,
            f"expected no attribute of {wrapper}, got {local(next(iter(element.attrib)))}: leave it out",
        )
    return content[0]


def _require_purposes(root: etree._Element) -> None:
    """Exactly one of Finalidad and Procedimiento, wherever there must be one."""
    namespace = str(root.tag)[1:].partition("}")[0]
    for block in ("DatosAutorizacion", "Solicitante"):
        for each in root.iter(qname(namespace, block)):
            given = [name for name in ("Finalidad", "Procedimiento") if some(each, name) is not None]
            if len(given) != 1:
                raise PciError(
                    Detail.SCHEMA,
                    f"{block}: expected either Finalidad or Procedimiento, got "
                    f"{'both' if given else 'neither'}: send exactly one",
                )


def _require_unique(ids: list[str]) -> None:
    twice = [id_ for id_, count in Counter(ids).items() if count > 1]
    if twice:
        raise PciError(
            Detail.ELEMENTS,
            f"expected an IdSolicitud of its own for each element, got {twice[0]!r} more than once",
        )


def _require_no_other(attributes: etree._Element, requester: Requester) -> None:
    other = text(attributes, "IdSolicitanteOriginal")
    if other and other != requester.code:
        raise PciError(
            Detail.ORGANISATION,
            f"nobody asks in another's name here: expected no IdSolicitanteOriginal but {requester.code}, got {other}",
        )


# --- blocks


def _requester(block: etree._Element) -> Requester:
    purpose = Purpose(text(block, "Finalidad"), text(block, "Procedimiento"))
    return Requester(text(block, "IdentificadorSolicitante"), text(block, "NombreSolicitante"), purpose)


def _issuer(block: etree._Element | None, generic: etree._Element) -> Issuer:
    """`Emisor` of a request; that of its first element where it has none of its own."""
    found = part(generic, "Emisor") if block is None else block
    return Issuer(text(found, "NifEmisor"), text(found, "NombreEmisor"))


def _officer(block: etree._Element | None) -> Officer | None:
    if block is None:
        return None
    return Officer(
        text(block, "NombreCompletoFuncionario"),
        text(block, "NifFuncionario"),
        text(block, "EMailFuncionario"),
        text(block, "CodigoOrganismoFuncionario"),
    )


def _status(block: etree._Element) -> Status:
    code = text(block, "CodigoEstado")
    state = next((each for each in State if each.value == code), None)
    if state is None:
        raise PciError(Detail.SCHEMA, f"CodigoEstado: expected one of {', '.join(State)}, got {code!r}")
    return Status(
        state,
        text(block, "CodigoEstadoSecundario"),
        text(block, "LiteralError"),
        number(block, "TiempoEstimadoRespuesta"),
    )


def _element(one: etree._Element, issuer: Issuer, modality: str) -> Element:
    generic = part(one, "DatosGenericos")
    requester, sent = part(generic, "Solicitante"), part(generic, "Transmision")
    id_ = text(sent, "IdSolicitud")
    if text(sent, "CodigoCertificado") != modality:
        raise PciError(
            Detail.PRODUCT,
            f"element {id_!r}: expected the request's own modality {modality!r}, got "
            f"{text(sent, 'CodigoCertificado')!r}: one request is of one modality",
        )
    if _issuer(None, generic) != issuer:
        raise PciError(Detail.PRODUCT, f"element {id_!r}: expected the request's own Emisor, got another")
    require_short(text(sent, "IdTransmision"))
    extensions, data = _specific(some(one, "DatosEspecificos"), "ExtensionesPeticion")
    return Element(
        id=id_,
        requester=_requester(requester),
        data=data,
        consent=Consent(text(requester, "Consentimiento")),
        transmission=text(sent, "IdTransmision"),
        officer=_officer(some(requester, "Funcionario")),
        holder=_holder(some(generic, "Titular")),
        files=_files(some(generic, "Ficheros"), id_),
        evidence=extensions is not None and truth(extensions, "Evidencia"),
        pdf=extensions is not None and truth(extensions, "PDF"),
        generated=text(sent, "FechaGeneracion"),
    )


def _holder(block: etree._Element | None) -> Holder | None:
    """`Titular`; a name in parts is put together."""
    if block is None:
        return None
    in_parts = " ".join(filter(None, (text(block, each) for each in ("Nombre", "Apellido1", "Apellido2"))))
    return Holder(
        DocumentType(text(block, "TipoDocumentacion")),
        text(block, "Documentacion"),
        text(block, "NombreCompleto") or in_parts,
    )


def _files(block: etree._Element | None, element: str) -> tuple[File, ...]:
    found = tuple(_file(each, element) for each in parts(block, "Fichero"))
    if len({file.id for file in found}) != len(found):
        raise PciError(Detail.SCHEMA, f"element {element!r}: expected an Id of its own for each Fichero")
    return found


def _file(block: etree._Element, element: str) -> File:
    """A file with its content, whose hash is what it says."""
    name = f"element {element!r}, Fichero {text(block, 'Id')!r}"
    if some(block, "Contenido") is None:
        raise PciError(
            Detail.PRODUCT, f"{name}: expected its Contenido, got a place to fetch it from: send it along"
        )
    content = octets(block, "Contenido")
    digest = sha256(content).digest()
    if some(block, "Hash") is not None and not compare_digest(digest, octets(block, "Hash")):
        raise PciError(
            Detail.PRODUCT,
            f"{name}: expected as Hash the SHA-256 of its Contenido, {digest.hex()}, got another",
        )
    return File(text(block, "Id"), text(block, "NombreFichero"), content, digest)


def _answer(one: etree._Element) -> Answer:
    sent = part(part(one, "DatosGenericos"), "Transmision")
    extensions, data = _specific(some(one, "DatosEspecificos"), "ExtensionesRespuesta")
    return Answer(
        id=text(sent, "IdSolicitud"),
        transmission=text(sent, "IdTransmision"),
        data=data,
        evidence=b"" if extensions is None else octets(extensions, "Evidencia"),
        pdf=b"" if extensions is None else octets(extensions, "PDF"),
    )


def _specific(block: etree._Element | None, name: str) -> tuple[etree._Element | None, bytes]:
    """The extensions, checked, and the product's element in exclusive canonical form; b"" where there is none."""
    content = [] if block is None else list(block)
    extensions = content.pop(0) if content and content[0].tag == qname(names.EXTENSIONS, name) else None
    if extensions is not None:
        check("extensions", extensions)
    if len(content) > 1 or any(str(each.tag).startswith(f"{{{names.EXTENSIONS}}}") for each in content):
        raise PciError(
            Detail.SCHEMA,
            f"DatosEspecificos: expected {name} first, if at all, then one element of the product, got "
            f"{', '.join(local(each) for each in content)}",
        )
    return extensions, b"".join(canonical(each) for each in content)


def canonical(element: etree._Element) -> bytes:
    """Exclusive canonical XML without comments: the same bytes wherever the element stood."""
    made: bytes = etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    return made
