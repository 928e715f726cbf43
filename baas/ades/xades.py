"""XAdES baseline signatures in XML (ETSI EN 319 132-1): made at B-B and B-T, and judged (EN 319 102-1).

Made: *detached*, a ds:Reference with the document's name and its digest, so that a document that is known by its digest
alone can be signed; and *enveloped*, in the document itself. Judged besides: *enveloping*, in an Object of the signature.
One signature a document, over one document: where it stands and what it covers are known before it is looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades import xades_procedure
from baas.ades.signing import require
from baas.ades.types import AdesError, Format, Level, Signer, Stamper, Trust
from baas.ades.verdict import Indication, SubIndication, Verdict
from baas.ades.xml import making, properties
from baas.ades.xml.names import ds
from baas.ades.xml.places import identified
from baas.ades.xml.reading import LIMIT, UnsafeXml, parse
from sandbox.evidence.digest import Digest, digest_bytes


def sign(
    document: bytes | Digest,
    level: Level,
    signer: Signer,
    *,
    stamper: Stamper | None,
    now: datetime,
    name: str = "document",
    mime: str = "application/octet-stream",
) -> bytes:
    """A detached signature over a document or its digest: an XML document of its own, which names it `name`."""
    require(Format.XADES, level, signer, stamper)
    if not name:
        raise AdesError("a detached signature names its document: give it a name")
    covered = digest_bytes(document) if isinstance(document, bytes) else document
    identifier = _identifier(covered.value, signer, now)
    draft = making.Draft.begin(signer, id=identifier)
    draft.planned.append(making.Planned(quote(name), covered, id=f"{identifier}-document"))
    return _finish(draft, level, stamper, now, mime)


def enveloped(
    xml: bytes, level: Level, signer: Signer, *, stamper: Stamper | None, now: datetime, limit: int = LIMIT
) -> bytes:
    """The document with a signature over all of it as the last child of its root.

    Comments are left out, as they are not signed. Raises UnsafeXml, and AdesError for a document that is signed already.
    """
    require(Format.XADES, level, signer, stamper)
    root = parse(xml, limit=limit)
    if next(root.iter(ds("Signature")), None) is not None:
        raise AdesError("the document has a signature already: sign the document without it, or beside it")
    identifier = _identifier(hashlib.sha256(xml).digest(), signer, now)
    if identifier in identified(root):
        raise AdesError("the document uses the signature's own identifier")
    draft = making.Draft.begin(signer, root, id=identifier)
    draft.planned.append(making.Planned("", root, id=f"{identifier}-document", enveloped=True))
    return _finish(draft, level, stamper, now, "text/xml")


def validate(
    xml: bytes,
    detached: bytes | Digest | None,
    trust: Trust,
    at: datetime,
    *,
    within: Sequence[str] = (),
    limit: int = LIMIT,
) -> Verdict:
    """The verdict on the one signature of an XML document; nothing raises.

    `detached` is the document that the signature stands beside, or its digest. The signature is the root, or directly in
    it, or where the tags `within` lead from it.
    """
    try:
        root = parse(xml, limit=limit)
    except UnsafeXml as error:
        return Verdict(Indication.FAILED, SubIndication.FORMAT_FAILURE, (str(error),), format=Format.XADES)
    return validate_element(root, detached, trust, at, within=within)


def validate_element(
    element: etree._Element,
    detached: bytes | Digest | None,
    trust: Trust,
    at: datetime,
    *,
    within: Sequence[str] = (),
) -> Verdict:
    """As `validate`, for an element of a message that was parsed already.

    Without `detached`, TOTAL-PASSED says that all of `element` is signed, but for the signature itself.
    """
    return xades_procedure.judge(element, detached, trust, at, within)


# --- making


def _identifier(document: bytes, signer: Signer, now: datetime) -> str:
    """An identifier that no other signature has: of this document, by this certificate, at this time."""
    certificate = signer.certificate.public_bytes(Encoding.DER)
    return f"xades-{hashlib.sha256(document + certificate + now.isoformat().encode()).hexdigest()[:32]}"


def _finish(draft: making.Draft, level: Level, stamper: Stamper | None, now: datetime, mime: str) -> bytes:
    of = draft.planned[0].id or ""
    draft.planned.append(properties.write(draft, draft.signer.certificate, now, of=of, mime=mime))
    signature = draft.finish()
    if level is Level.T:
        assert stamper is not None
        properties.add_stamp(signature, stamper(digest_bytes(properties.stamped(signature))))
    made: bytes = etree.tostring(signature.getroottree(), encoding="UTF-8", xml_declaration=True)
    return made
