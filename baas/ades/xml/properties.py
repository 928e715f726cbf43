"""The qualifying properties that make an XML signature XAdES: what they say, and how they are written (EN 319 132-1).

ds:Object / QualifyingProperties[@Target = "#signature"]
    SignedProperties                    one reference of the signature covers it
        SignedSignatureProperties       SigningTime, SigningCertificateV2 (5.2.1, 5.2.2)
        SignedDataObjectProperties      DataObjectFormat (5.2.4)
    UnsignedProperties / UnsignedSignatureProperties
        SignatureTimeStamp              over the canonical ds:SignatureValue (5.3)
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades.xml import canonical, dsig, making, names
from baas.ades.xml.names import ds, xades
from baas.ades.xml.places import Refusal, SignatureRefused

SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
STAMPS = 8
_DER = "http://uri.etsi.org/01903/v1.2.2#DER"


@dataclass(frozen=True)
class Stamp:
    """One SignatureTimeStamp: how the signature's value became bytes, and the tokens over them (DER)."""

    canonicalisation: canonical.Canonicalisation
    tokens: tuple[bytes, ...]


@dataclass(frozen=True)
class Properties:
    """What the properties say; whether they are signed is not asked here.

    `certificate` is the first reference to the signing certificate: the digest's identifier, and the digest;
    `second_version` says that SigningCertificateV2 makes it. `formats` are the references whose format is told. `unread`
    names what is there and is not read.
    """

    signed: etree._Element
    signing_time: datetime | None
    certificate: tuple[str, bytes] | None
    second_version: bool
    formats: frozenset[str]
    policy: str | None
    stamps: tuple[Stamp, ...]
    unread: tuple[str, ...]


def read(signature: dsig.Signature) -> Properties | None:
    """The properties in the signature's one Object that has them, None without any."""
    found = [(each, held) for each in signature.objects for held in each.iter(xades("QualifyingProperties"))]
    if not found:
        return None
    holder, qualifying = found[0]
    if len(found) > 1 or qualifying.getparent() is not holder or len(holder) != 1:
        raise _structure("QualifyingProperties stands alone in one Object of the signature")
    if (target := qualifying.get("Target")) != f"#{signature.element.get('Id')}":
        raise _structure(f"QualifyingProperties is of another signature: its Target is {target!r}")
    parts = [each.tag for each in qualifying]
    if parts not in (
        [xades("SignedProperties")],
        [xades("SignedProperties"), xades("UnsignedProperties")],
    ):
        raise _structure("QualifyingProperties has SignedProperties, and UnsignedProperties perhaps")
    signed = qualifying[0]
    first = _only(signed, "SignedSignatureProperties")
    of_signature = [] if first is None else list(first)
    by_name = {str(each.tag).rpartition("}")[2]: each for each in of_signature}
    if len(by_name) != len(of_signature):
        raise _structure("a signed property is repeated")
    stamps, unread = _unsigned(qualifying)
    return Properties(
        signed=signed,
        signing_time=_time(by_name.get("SigningTime")),
        certificate=_certificate(by_name),
        second_version="SigningCertificateV2" in by_name,
        formats=frozenset(
            each.get("ObjectReference", "")
            for each in signed.findall(f"{xades('SignedDataObjectProperties')}/{xades('DataObjectFormat')}")
            if each.find(xades("MimeType")) is not None
        ),
        policy=_policy(by_name.get("SignaturePolicyIdentifier")),
        stamps=stamps,
        unread=unread,
    )


# --- writing


def write(
    draft: making.Draft, certificate: x509.Certificate, now: datetime, *, of: str, mime: str
) -> making.Planned:
    """Puts the signed properties into `draft`; gives the reference to them. `of` is the Id of the document's reference."""
    identifier = draft.element.get("Id", "")
    holder = etree.SubElement(draft.element, ds("Object"))
    qualifying = etree.SubElement(
        holder, xades("QualifyingProperties"), nsmap={"xades": names.XADES}, Target=f"#{identifier}"
    )
    signed = etree.SubElement(qualifying, xades("SignedProperties"), Id=f"{identifier}-signed-properties")
    of_signature = etree.SubElement(signed, xades("SignedSignatureProperties"))
    moment = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    etree.SubElement(of_signature, xades("SigningTime")).text = moment
    reference = etree.SubElement(of_signature, xades("SigningCertificateV2"))
    digest = etree.SubElement(etree.SubElement(reference, xades("Cert")), xades("CertDigest"))
    etree.SubElement(digest, ds("DigestMethod"), Algorithm=names.SHA256)
    value = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    etree.SubElement(digest, ds("DigestValue")).text = base64.b64encode(value).decode()
    of_data = etree.SubElement(signed, xades("SignedDataObjectProperties"))
    form = etree.SubElement(of_data, xades("DataObjectFormat"), ObjectReference=f"#{of}")
    etree.SubElement(form, xades("MimeType")).text = mime
    return making.Planned(f"#{signed.get('Id')}", signed, type=SIGNED_PROPERTIES)


def stamped(signature: etree._Element) -> bytes:
    """What a signature's time-stamp is over: its ds:SignatureValue, canonicalised exclusively."""
    return canonical.EXCLUSIVE(signature[1])


def add_stamp(signature: etree._Element, token: bytes) -> None:
    """Puts a SignatureTimeStamp with the token (DER) into the unsigned properties."""
    qualifying = signature.find(f"{ds('Object')}/{xades('QualifyingProperties')}")
    assert qualifying is not None
    unsigned = etree.SubElement(qualifying, xades("UnsignedProperties"))
    stamp = etree.SubElement(
        etree.SubElement(unsigned, xades("UnsignedSignatureProperties")), xades("SignatureTimeStamp")
    )
    etree.SubElement(stamp, ds("CanonicalizationMethod"), Algorithm=names.EXC_C14N)
    encapsulated = etree.SubElement(stamp, xades("EncapsulatedTimeStamp"), Encoding=_DER)
    encapsulated.text = base64.b64encode(token).decode()


# --- reading the parts


def _structure(message: str) -> SignatureRefused:
    return SignatureRefused(Refusal.STRUCTURE, message)


def _only(element: etree._Element, name: str) -> etree._Element | None:
    found = element.findall(xades(name))
    if len(found) > 1:
        raise _structure(f"{name} is there {len(found)} times")
    return found[0] if found else None


def _time(element: etree._Element | None) -> datetime | None:
    """xsd:dateTime with its zone; None for one without, which names no moment."""
    if element is None:
        return None
    try:
        moment = datetime.fromisoformat((element.text or "").strip())
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        raise _structure("SigningTime is not a time (xsd:dateTime)") from None


def _certificate(by_name: dict[str, etree._Element]) -> tuple[str, bytes] | None:
    """The first Cert of SigningCertificateV2, or of the SigningCertificate that came before it."""
    reference = by_name.get("SigningCertificateV2", by_name.get("SigningCertificate"))
    if reference is None:
        return None
    first = reference.find(xades("Cert"))
    digest = None if first is None else _only(first, "CertDigest")
    if digest is None or [each.tag for each in digest] != [ds("DigestMethod"), ds("DigestValue")]:
        raise _structure("the reference to the signing certificate has a digest")
    return digest[0].get("Algorithm", ""), dsig.decoded(digest[1], "DigestValue")


def _policy(element: etree._Element | None) -> str | None:
    if element is None:
        return None
    identifier = element.find(f".//{xades('SigPolicyId')}/{xades('Identifier')}")
    return "implied" if identifier is None else (identifier.text or "").strip()[:200]


def _unsigned(qualifying: etree._Element) -> tuple[tuple[Stamp, ...], tuple[str, ...]]:
    stamps: list[Stamp] = []
    unread: list[str] = []
    for each in qualifying.findall(f"{xades('UnsignedProperties')}/{xades('UnsignedSignatureProperties')}/*"):
        stamp = _stamp(each) if each.tag == xades("SignatureTimeStamp") else None
        if stamp is None:
            unread.append(str(each.tag).rpartition("}")[2][:80])
        elif len(stamps) == STAMPS:
            raise _structure(f"more than {STAMPS} time-stamps")
        else:
            stamps.append(stamp)
    return tuple(stamps), tuple(unread)


def _stamp(element: etree._Element) -> Stamp | None:
    """None for one that is not over the signature's value alone, or not of RFC 3161."""
    parts = list(element)
    how = canonical.Canonicalisation()
    if parts and parts[0].tag == ds("CanonicalizationMethod"):
        how = dsig.canonicalisation(parts.pop(0))
    if not parts or len(parts) > STAMPS or any(each.tag != xades("EncapsulatedTimeStamp") for each in parts):
        return None
    if any(each.get("Encoding", _DER) != _DER for each in parts):
        return None
    return Stamp(how, tuple(dsig.decoded(each, "EncapsulatedTimeStamp") for each in parts))
