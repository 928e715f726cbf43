"""A message made secure: what it has in its Body, and when it was made, signed by its sender's certificate."""

from __future__ import annotations

import base64
import secrets
from copy import deepcopy
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades.types import Signer
from baas.ades.xml import parse, sign_parts
from baas.ades.xml.names import WSU, ds
from baas.protocols import soap
from baas.protocols.wss import timestamps
from baas.protocols.wss.names import (
    BASE64,
    ID,
    REFERENCE,
    SECURITY,
    TOKEN,
    TOKEN_REFERENCE,
    WSSE,
    X509_V3,
)

TTL = timedelta(seconds=60)
"""How long a message counts unless said otherwise: AOC's own client says so."""


def secure(envelope: bytes | etree._Element, signer: Signer, now: datetime, *, ttl: timedelta = TTL) -> bytes:
    """The SOAP 1.1 envelope with a wsse:Security that signs its Body and its time; what is given is not changed.

    In it, as a reader meets them: the certificate (X.509 token profile, 3.1.2), the Timestamp, and the signature, whose
    KeyInfo refers to the token directly (3.2.1). Identifiers are random, so that no two messages are the same.
    Raises ValueError for what is no such envelope, or is secured already.
    """
    root = parse(envelope) if isinstance(envelope, bytes) else deepcopy(envelope)
    header, body = _parts(root)
    if next(root.iter(SECURITY), None) is not None:
        raise ValueError("the message has a wsse:Security already: secure the message without it")
    if header is None:
        header = etree.Element(soap.HEADER)
        root.insert(0, header)
    names = {"wsse": WSSE, "wsu": WSU}
    security = etree.SubElement(header, SECURITY, {f"{{{soap.NAMESPACE}}}mustUnderstand": "1"}, nsmap=names)
    identifier = secrets.token_hex(16)
    token = etree.SubElement(
        security, TOKEN, {"EncodingType": BASE64, "ValueType": X509_V3, ID: f"token-{identifier}"}
    )
    token.text = base64.b64encode(signer.certificate.public_bytes(Encoding.DER)).decode()
    timestamp = timestamps.write(security, f"time-{identifier}", now, ttl)
    body.set(ID, f"body-{identifier}")
    _refer(sign_parts(security, [body, timestamp], signer), token)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _parts(root: etree._Element) -> tuple[etree._Element | None, etree._Element]:
    parts = soap.elements(root)
    names = [each.tag for each in parts]
    if root.tag != soap.ENVELOPE or names not in ([soap.BODY], [soap.HEADER, soap.BODY]):
        raise ValueError(
            f"expected a SOAP 1.1 Envelope of a Header at most and one Body, got {soap.short(root.tag)}"
        )
    return (parts[0] if len(parts) == 2 else None), parts[-1]


def _refer(signature: etree._Element, token: etree._Element) -> None:
    """KeyInfo, which nobody signs, refers to the token in the header in place of holding certificates."""
    key_info = signature.find(ds("KeyInfo"))
    assert key_info is not None
    for each in list(key_info):
        key_info.remove(each)
    reference = etree.SubElement(key_info, TOKEN_REFERENCE)
    etree.SubElement(reference, REFERENCE, URI=f"#{token.get(ID)}", ValueType=X509_V3)
