"""A small message of the exchange bus, and what reads and makes it here, by zeep, and by xmlsec."""

from __future__ import annotations

import datetime
from pathlib import Path

from lxml import etree
from zeep.wsse.signature import BinarySignature
from zeep.wsse.utils import WSU as WSU_MAKER
from zeep.wsse.utils import get_security_header

from baas.ades.types import Signer
from baas.ades.xml import sign_parts
from baas.ades.xml.names import WSU, ds
from baas.protocols import soap, wss
from baas.protocols.wss import Secured
from baas.protocols.wss.names import WSSE
from tests.baas.ades import xmljudges
from tests.baas.ades.pki import AT

Element = etree._Element
LIMIT = 1 << 20
PETITION = "http://gencat.net/scsp/esquemes/peticion"
WHO = f"{{{PETITION}}}IdentificadorSolicitante"
REQUEST_ID = f"{{{PETITION}}}IdPeticion"
ENVELOPE = f"""<s:Envelope xmlns:s="{soap.NAMESPACE}"><s:Body><procesa xmlns="http://www.openuri.org/">\
<Peticion xmlns="{PETITION}"><Atributos><IdPeticion>P-1</IdPeticion>\
<IdentificadorSolicitante>9821920002</IdentificadorSolicitante></Atributos></Peticion></procesa></s:Body></s:Envelope>\
""".encode()
WSU_ID = f"{{{WSU}}}Id"


def secured(signer: Signer, **options: object) -> bytes:
    return wss.secure(ENVELOPE, signer, AT, **options)  # type: ignore[arg-type]


def read(message: bytes | Element, now: datetime.datetime = AT, **options: object) -> Secured:
    data = message if isinstance(message, bytes) else etree.tostring(message)
    return wss.read_secured(data, now, limit=LIMIT, **options)  # type: ignore[arg-type]


def who(message: Secured) -> str | None:
    return message.body_element.findtext(f".//{WHO}")


def request_id(message: Secured) -> str | None:
    return message.body_element.findtext(f".//{REQUEST_ID}")


def canonical(element: Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def wsse(name: str) -> str:
    return f"{{{WSSE}}}{name}"


def wsu(name: str) -> str:
    return f"{{{WSU}}}{name}"


def soap_name(name: str) -> str:
    return f"{{{soap.NAMESPACE}}}{name}"


def only(root: Element, tag: str) -> Element:
    (found,) = root.iter(tag)
    return found


def security_of(root: Element) -> Element:
    return only(root, wsse("Security"))


def signature_of(root: Element) -> Element:
    return only(root, ds("Signature"))


def resigned(root: Element, signer: Signer) -> Element:
    """The message, changed by its own signer: Body and Timestamp as they now are, signed anew."""
    old = signature_of(root)
    key_info = only(old, ds("KeyInfo"))
    security_of(root).remove(old)
    made = sign_parts(security_of(root), [root[1], only(root, wsu("Timestamp"))], signer)
    made.replace(only(made, ds("KeyInfo")), key_info)
    return root


class Zeep(BinarySignature):
    """zeep's own signature with a binary token, from files, as a client of the bus configures it.

    zeep puts no Timestamp in by itself, and signs one that is there: what its users write to have one is `stamped`.
    """

    def __init__(self, folder: Path, signer: Signer, method: object, digest: object) -> None:
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        key.write_bytes(xmljudges.key_pem(signer))
        certificate.write_bytes(xmljudges.pem(signer.certificate))
        super().__init__(str(key), str(certificate), signature_method=method, digest_method=digest)

    def stamped(self, created: str, expires: str, envelope: bytes = ENVELOPE) -> Element:
        root = etree.fromstring(envelope)
        times = [WSU_MAKER.Created(created), WSU_MAKER.Expires(expires)]
        get_security_header(root).append(WSU_MAKER.Timestamp(*times))
        self.apply(root, {})
        return root

    def unstamped(self, envelope: bytes = ENVELOPE) -> Element:
        root = etree.fromstring(envelope)
        self.apply(root, {})
        return root
