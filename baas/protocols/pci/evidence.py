"""The signed evidence of one act of the exchange: what was asked, by whom, with which message, and what was answered.

    <Evidencia xmlns="urn:baas:sandbox:exchange-evidence:1">
      <EvidenciaSignada Id="evidencia">
        <Parametre nom="peticio">…</Parametre> …
      </EvidenciaSignada>
      <ds:Signature>…</ds:Signature>          XAdES-T, enveloped: over all of the document
    </Evidencia>

The shape is e-TAULER's, the namespace and the parameters are ours. Parameters of the act itself are in a fixed order;
those of the product follow, each `producte:` and its name. It binds the asker's own signed message by its SHA-256: who
keeps that message shows with the two that neither side made them alone. Read offline, under an issuer that is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography import x509
from lxml import etree

from baas.ades import xades
from baas.ades.types import Format, Level, Signer, Stamper, Trust
from baas.ades.verdict import Indication, SubIndication, Verdict
from baas.ades.xml import UnsafeXml, parse
from baas.clock import iso
from baas.protocols.pci import names
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.fields import add, part, parts, time_of, under
from baas.protocols.pci.names import qname
from baas.protocols.pci.schema import check

#: In bytes.
LIMIT = 1 << 20
ISSUER = "Baas Sandbox: entorn de proves, sense valor fora d'ell"
"""What every evidence says of itself."""
POLICY = "2.25.158908429358399351425202399511716122076"
"""The certificate policy of who signs this sandbox's answers: no administration's seal is issued under it."""

_PRODUCT = "producte:"
_ID = "evidencia"
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
#: Names of the act's own parameters, in order, and what holds them.
_TEXTS = {
    "peticio": "request_id",
    "element": "element_id",
    "producte": "product",
    "modalitat": "modality",
    "finalitat": "purpose",
    "organisme": "organisation",
}
_DIGESTS = {
    "certificat_sha256": "certificate_sha256",
    "missatge_sha256": "message_sha256",
    "resposta_sha256": "answer_sha256",
}
_ORDER = ("emissor", *_TEXTS, *_DIGESTS, "data")


@dataclass(frozen=True, slots=True)
class EvidenceStatement:
    """What is signed. SHA-256 digests have 32 bytes: of the asker's certificate (DER), of the SOAP message as it was
    received, and of the answered data (`Answer.data`). `time` is aware, whole milliseconds; `parameters` are the product's,
    whose names have at most 71 characters and values at most 4000.
    """

    request_id: str
    element_id: str
    product: str
    modality: str
    purpose: str
    organisation: str
    certificate_sha256: bytes
    message_sha256: bytes
    answer_sha256: bytes
    time: datetime
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in _DIGESTS.values():
            if len(getattr(self, name)) != 32:
                raise ValueError(
                    f"{name}: expected a SHA-256 of 32 bytes, got {len(getattr(self, name))} bytes"
                )


def write(statement: EvidenceStatement) -> bytes:
    """The document without its signature. Raises PciError, INTERNAL, for values that it cannot hold."""
    root = etree.Element(qname(names.EVIDENCE, "Evidencia"), nsmap={None: names.EVIDENCE})
    signed = under(root, "EvidenciaSignada")
    signed.set("Id", _ID)
    values = {"emissor": ISSUER}
    values |= {name: getattr(statement, each) for name, each in _TEXTS.items()}
    values |= {name: getattr(statement, each).hex() for name, each in _DIGESTS.items()}
    values["data"] = iso(statement.time)
    values |= {f"{_PRODUCT}{name}": value for name, value in sorted(statement.parameters.items())}
    for name, value in values.items():
        add(signed, "Parametre", value).set("nom", name)
    check("evidence", root, Detail.INTERNAL)
    made: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return made


def sign(statement: EvidenceStatement, signer: Signer, stamper: Stamper, now: datetime) -> bytes:
    """The document, signed by `signer` and stamped (XAdES baseline T, enveloped)."""
    return xades.enveloped(write(statement), Level.T, signer, stamper=stamper, now=now)


def read_verified(xml: bytes, trust: Trust, at: datetime) -> tuple[EvidenceStatement | None, Verdict]:
    """What is stated, and the verdict on who states it; nothing raises, and where the verdict is not passed nothing is
    stated.

    Where `trust` names no certificate policy, the signer's certificate must be of `POLICY`: whoever else has a certificate
    of the same authorities signs no evidence. What is read is what was verified: one parsed document, signed as a whole.
    """
    try:
        root = parse(xml, limit=LIMIT)
        check("evidence", root)
    except (UnsafeXml, PciError) as error:
        return None, _no_evidence(str(error))
    trust = trust if trust.policies else replace(trust, policies=frozenset({POLICY}))
    verdict = xades.validate_element(root, None, trust, at)
    if not verdict.ok or verdict.covers_whole_document is not True:
        return None, verdict if not verdict.ok else _no_evidence(
            "the signature does not cover all of the document"
        )
    if _for_something_else(verdict):
        return None, Verdict(
            Indication.INDETERMINATE,
            SubIndication.CHAIN_CONSTRAINTS_FAILURE,
            ("the signer's certificate is for a purpose of its own, such as TLS, not for evidence",),
            format=Format.XADES,
        )
    if verdict.proven_time is None:
        return None, _no_evidence("no time-stamp says when it was signed: expected XAdES at level T")
    try:
        return _statement(part(root, "EvidenciaSignada")), verdict
    except PciError as error:
        return None, _no_evidence(f"it is signed, and it is no evidence of this kind: {error}")


def _statement(signed: etree._Element) -> EvidenceStatement:
    found = [(str(each.get("nom")), each.text or "") for each in parts(signed, "Parametre")]
    act, product = dict(found[: len(_ORDER)]), found[len(_ORDER) :]
    if tuple(name for name, _ in found[: len(_ORDER)]) != _ORDER:
        raise PciError(Detail.SCHEMA, f"expected first the parameters {', '.join(_ORDER)}, in this order")
    if act["emissor"] != ISSUER:
        raise PciError(Detail.SCHEMA, f"emissor: expected {ISSUER!r}, got {act['emissor'][:80]!r}")
    own = {name.removeprefix(_PRODUCT): value for name, value in product}
    if len(own) != len(product) or not all(name.startswith(_PRODUCT) for name, _ in product):
        raise PciError(Detail.SCHEMA, f"expected after them only {_PRODUCT}… parameters, each once")
    for name in _DIGESTS:
        if not _DIGEST.fullmatch(act[name]):
            raise PciError(
                Detail.SCHEMA, f"{name}: expected 64 small hexadecimal digits, got {act[name][:64]!r}"
            )
    return EvidenceStatement(
        request_id=act["peticio"],
        element_id=act["element"],
        product=act["producte"],
        modality=act["modalitat"],
        purpose=act["finalitat"],
        organisation=act["organisme"],
        certificate_sha256=bytes.fromhex(act["certificat_sha256"]),
        message_sha256=bytes.fromhex(act["missatge_sha256"]),
        answer_sha256=bytes.fromhex(act["resposta_sha256"]),
        time=time_of(act["data"], "data"),
        parameters=own,
    )


def _for_something_else(verdict: Verdict) -> bool:
    """Whether the signer's certificate has extended key usages: those of a TLS server's are under the same policy."""
    signer = x509.load_der_x509_certificate(verdict.certificates[0])
    try:
        signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return True


def _no_evidence(detail: str) -> Verdict:
    return Verdict(Indication.FAILED, SubIndication.FORMAT_FAILURE, (detail,), format=Format.XADES)
