"""AOC's Signador, in its own wire format: an administration's system asks, a person signs in their browser.

Four steps: `GET /initProcess` gives a token; `POST /startSignProcess` says what is to be signed; the person goes to
`/?id=<token>` and signs there; `GET /getSignature` gives the result. What is known of it is AOC's own documentation
(github.com/ConsorciAOC/signador, README); what that leaves open is marked here.

Somebody signs who is there and has a certificate of their own. Nothing here identifies a citizen, and no key of a chain
signs for one (Ley 39/2015, disposición adicional sexta).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from baas.ades.types import Format, Level
from sandbox.errors import MalformedEvidence
from sandbox.evidence.digest import Digest

PATH = "/signador"
MAX_MESSAGE_BYTES = 7 << 20
MAX_DOCUMENTS, MAX_HASHES = 25, 50
#: How far the header's date may be from the service's own time.
DATE_WITHIN = timedelta(hours=1)
#: From the start of a process to the person's signature.
PATIENCE = timedelta(minutes=5)
#: How long a result can be fetched.
KEPT = timedelta(days=15)
#: The documentation names no time zone: its examples take the machine's, which in Catalonia is this one.
ZONE = ZoneInfo("Europe/Madrid")

HASH_DOCUMENT, BASE64_DOCUMENT = 3, 4
"""The values of `doc_type` that say that the request itself carries what is signed."""
#: Of `hash_algorithm`; without one the documented default is SHA-1, with which nothing is signed here.
ALGORITHMS = {"SHA-256": "sha-256", "SHA-512": "sha-512"}

_DATE = re.compile(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}", re.ASCII)
_REDIRECT = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
_DOMAIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?")
_NAME_CHARACTERS = 255


class SignadorRefused(Exception):
    """A message that the service answers with `KO`: what was expected, what came."""


@dataclass(frozen=True)
class Mode:
    """A value of `signature_mode`. `hashes` says that a digest is given, and not a document. `type` is the result's."""

    name: str
    format: Format
    level: Level
    hashes: bool
    type: str


#: The modes that are made here; PDF's are PAdES, and "BES" and "T" the baseline levels B-B and B-T.
MODES: dict[int, Mode] = {
    9: Mode("XAdES_BES_enveloped", Format.XADES, Level.B, False, "XML"),
    11: Mode("XAdES_BES_detached", Format.XADES, Level.B, False, "XML"),
    12: Mode("XAdES_BES_detached_hash", Format.XADES, Level.B, True, "XML"),
    13: Mode("XAdES_T_enveloped", Format.XADES, Level.T, False, "XML"),
    15: Mode("XAdES_T_detached", Format.XADES, Level.T, False, "XML"),
    16: Mode("XAdES_T_detached_hash", Format.XADES, Level.T, True, "XML"),
    22: Mode("CAdES_BES_detached", Format.CADES, Level.B, False, "CMS"),
    23: Mode("CAdES_BES_detached_hash", Format.CADES, Level.B, True, "CMS"),
    24: Mode("CAdES_BES_in_PDF", Format.PADES, Level.B, False, "PDF"),
    26: Mode("CAdES_T_detached", Format.CADES, Level.T, False, "CMS"),
    27: Mode("CAdES_T_detached_hash", Format.CADES, Level.T, True, "CMS"),
    28: Mode("CAdES_T_in_PDF", Format.PADES, Level.T, False, "PDF"),
}
ENVELOPED = (9, 13)
#: The modes of the documentation that are not made here: without an advanced format, or with the document in the signature.
NOT_MADE = frozenset({*range(1, 9), 10, 14, 21, 25})


def mode_of(format_: Format, level: Level, *, hashes: bool) -> int:
    """The mode that a client asks for, where there are two the detached one. KeyError where there is none."""
    for number, mode in MODES.items():
        if (mode.format, mode.level, mode.hashes) == (format_, level, hashes) and number not in ENVELOPED:
            return number
    raise KeyError((format_, level, hashes))


# -- who asks: the header `SC`


def date_text(moment: datetime) -> str:
    """`dd/MM/yyyy HH:mm`, as the header `Date` has it."""
    return moment.astimezone(ZONE).strftime("%d/%m/%Y %H:%M")


def authorization(key: bytes, domain: str, date: str) -> str:
    """The header `Authorization`: HMAC-SHA-256 of `<domain>_<date>` under the key of the domain, base64."""
    mac = hmac.digest(key, f"{domain}_{date}".encode(), "sha256")
    return f"SC {base64.b64encode(mac).decode('ascii')}"


def headers(key: bytes, domain: str, now: datetime) -> dict[str, str]:
    """What a client's request carries."""
    date = date_text(now)
    return {"Authorization": authorization(key, domain, date), "Origin": domain, "Date": date}


def authorized(key: bytes, given: Mapping[str, str], now: datetime) -> bool:
    """Whether the headers are of who has the key, for a time within an hour of now.

    The header is over the domain and the minute alone: whoever sees one can send it again for up to two hours, and by the
    protocol nobody can tell. What follows hangs on the token, which they do not have.
    """
    date = given.get("date", "")
    domain = given.get("origin", "")
    right = hmac.compare_digest(
        given.get("authorization", "").encode("utf-8", "surrogateescape"),
        authorization(key, domain, date).encode(),
    )
    if not right or not _DATE.fullmatch(date):
        return False
    try:
        moments = [
            datetime.strptime(date, "%d/%m/%Y %H:%M").replace(tzinfo=ZONE, fold=fold).astimezone(UTC)
            for fold in (0, 1)  # the hour that comes twice in October
        ]
    except ValueError:
        return False
    return any(abs(moment - now) < DATE_WITHIN + timedelta(minutes=1) for moment in moments)


def is_domain(text: str) -> bool:
    """Whether this is a domain as clients are registered under: scheme and host, as in a browser's `Origin`."""
    return len(text) <= _NAME_CHARACTERS and _DOMAIN.fullmatch(text) is not None


# -- what is to be signed


@dataclass(frozen=True)
class Document:
    """What is signed, under its name: its bytes, or a digest of it."""

    name: str
    content: bytes | Digest


@dataclass(frozen=True)
class Start:
    """A `startSignProcess` that can be done. `redirect` is a path on the client's own domain."""

    token: str
    redirect: str
    description: str
    mode: int
    algorithm: str
    documents: tuple[Document, ...]
    multiple: bool
    reason: str
    required_nif: str


def start_message(
    token: str,
    redirect: str,
    description: str,
    mode: int,
    documents: tuple[Document, ...],
    algorithm: str = "SHA-256",
) -> dict[str, Any]:
    """The body of a `startSignProcess`."""
    made = MODES[mode]
    configuration: dict[str, Any] = {
        "keystore_type": "0",
        "signature_mode": str(mode),
        "doc_type": str(HASH_DOCUMENT if made.hashes else BASE64_DOCUMENT),
        "doc_name": ";".join(each.name for each in documents),
        "document_to_sign": ";".join(
            base64.b64encode(each.content if isinstance(each.content, bytes) else each.content.value).decode(
                "ascii"
            )
            for each in documents
        ),
        "hash_algorithm": algorithm,
        "certs_cfg": {"psis_validation": "true"},
    }
    if made.format is Format.PADES:
        configuration["pdf_cfg"] = {"pdf_visible_signature": "false"}
    if made.format is Format.XADES and made.level is Level.T:
        configuration["xml_cfg"] = {"includeXMLTimestamp": "false"}
    return {
        "redirectUrl": redirect,
        "token": token,
        "descripcio": description,
        "responseB64": "true",
        "applet_cfg": configuration,
    }


def read_start(fields: Any) -> Start:
    """The request that a JSON value is. Raises SignadorRefused for one that cannot be done here, saying why."""
    if not isinstance(fields, dict):
        raise SignadorRefused("expected a JSON object")
    if "applet_apsa_cfg" in fields:
        raise SignadorRefused("applet_apsa_cfg is not served here: use applet_cfg")
    given = _object(
        fields,
        "",
        {"callbackUrl", "redirectUrl", "token", "descripcio", "responseB64", "applet_cfg"},
    )
    redirect = _redirect(_text(given, "callbackUrl"), _text(given, "redirectUrl"))
    if _text(given, "responseB64") not in ("", "true"):
        raise SignadorRefused("responseB64: only true is served here, the result itself and not its address")
    configuration = _object(
        given.get("applet_cfg"),
        "applet_cfg",
        {"keystore_type", "signature_mode", "doc_type", "doc_name", "document_to_sign", "hash_algorithm"}
        | {"multiple", "pdf_cfg", "certs_cfg", "xml_cfg", "cms_cfg", "ades_cfg", "pkcs11_files"},
    )
    if _text(configuration, "keystore_type") != "0":
        raise SignadorRefused("keystore_type: only 0 is served here")
    mode, algorithm = _mode(configuration), _text(configuration, "hash_algorithm")
    if algorithm not in ALGORITHMS:
        raise SignadorRefused(
            f"hash_algorithm: expected {' or '.join(ALGORITHMS)}, got {algorithm[:20] or 'none, which is SHA-1'}"
        )
    if MODES[mode].format is Format.PADES and algorithm != "SHA-256":
        raise SignadorRefused("hash_algorithm: expected SHA-256 for a PDF")
    reason, nif = _settings(configuration, MODES[mode])
    return Start(
        token=_text(given, "token"),
        redirect=redirect,
        description=_text(given, "descripcio")[:1000],
        mode=mode,
        algorithm=algorithm,
        documents=_documents(configuration, mode, algorithm),
        multiple=_text(configuration, "multiple") == "true",
        reason=reason,
        required_nif=nif,
    )


def read_document(name: str, encoded: str, mode: int, algorithm: str) -> Document:
    """One document or digest, as `document_to_sign` has it. Raises SignadorRefused."""
    if not 0 < len(name) <= _NAME_CHARACTERS or not name.isprintable():
        raise SignadorRefused(f"doc_name: expected a name of up to {_NAME_CHARACTERS} characters")
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignadorRefused("document_to_sign: expected base64") from error
    if not MODES[mode].hashes:
        if not content:
            raise SignadorRefused("document_to_sign: expected a document")
        return Document(name, content)
    try:
        return Document(name, Digest(ALGORITHMS[algorithm], content))
    except MalformedEvidence as error:
        raise SignadorRefused(f"document_to_sign: {error}") from error


def require_count(documents: int, mode: int) -> None:
    """Raises SignadorRefused beyond what one operation may sign."""
    most = MAX_HASHES if MODES[mode].hashes else MAX_DOCUMENTS
    if documents > most:
        raise SignadorRefused(f"expected at most {most} documents in one operation, got {documents}")


def _redirect(callback: str, redirect: str) -> str:
    if bool(callback) == bool(redirect):
        raise SignadorRefused("expected exactly one of callbackUrl and redirectUrl")
    if callback:
        raise SignadorRefused("callbackUrl is not served here: use redirectUrl and getSignature")
    if len(redirect) > 1000 or not _REDIRECT.fullmatch(redirect):
        raise SignadorRefused(
            "redirectUrl: expected a path on the client's own domain, such as /signed?case=7"
        )
    return redirect


def _mode(configuration: dict[str, Any]) -> int:
    text = _text(configuration, "signature_mode")
    mode = int(text) if re.fullmatch(r"[0-9]{1,2}", text) else 0
    if mode in NOT_MADE:
        raise SignadorRefused(f"signature_mode {mode} is not made here: {', '.join(map(str, MODES))} are")
    if mode not in MODES:
        raise SignadorRefused(f"signature_mode: expected one of {', '.join(map(str, MODES))}")
    return mode


def _documents(configuration: dict[str, Any], mode: int, algorithm: str) -> tuple[Document, ...]:
    wanted = HASH_DOCUMENT if MODES[mode].hashes else BASE64_DOCUMENT
    if _text(configuration, "doc_type") != str(wanted):
        raise SignadorRefused(f"doc_type: expected {wanted} for signature_mode {mode}")
    names = _text(configuration, "doc_name").split(";")
    encoded = _text(configuration, "document_to_sign").split(";")
    if len(names) != len(encoded) or len(set(names)) != len(names):
        raise SignadorRefused("expected as many different names in doc_name as documents in document_to_sign")
    require_count(len(names), mode)
    return tuple(
        read_document(name, each, mode, algorithm) for name, each in zip(names, encoded, strict=True)
    )


def _settings(configuration: dict[str, Any], mode: Mode) -> tuple[str, str]:
    """The reason for a PDF, and whose certificate it must be. What would change the signature is done or refused."""
    certificates = _object(
        configuration.get("certs_cfg", {}), "certs_cfg", {"psis_validation", "required_nif", "keyUsage"}
    )
    pdf = _object(configuration.get("pdf_cfg", {}), "pdf_cfg", {"pdf_visible_signature", "pdf_reason"})
    if mode.format is Format.PADES and _text(pdf, "pdf_visible_signature") != "false":
        raise SignadorRefused(
            "pdf_visible_signature: only false is served here (the documented default is true)"
        )
    xml = _object(configuration.get("xml_cfg", {}), "xml_cfg", {"includeXMLTimestamp"})
    if (mode.format, mode.level) == (Format.XADES, Level.T) and _text(xml, "includeXMLTimestamp") != "false":
        raise SignadorRefused(
            "includeXMLTimestamp: only false is served here, a token of RFC 3161 (the documented default is true)"
        )
    for name in ("cms_cfg", "ades_cfg"):
        _object(configuration.get(name, {}), name, set())
    if _text(configuration, "pkcs11_files"):
        raise SignadorRefused("pkcs11_files is not served here")
    return _text(pdf, "pdf_reason")[:200], _text(certificates, "required_nif")


def _object(value: Any, name: str, known: set[str]) -> dict[str, Any]:
    """Members that are not known and not empty are refused: left out, they would change what is signed without a word."""
    if not isinstance(value, dict):
        raise SignadorRefused(f"{name or 'the request'}: expected an object")
    unknown = [each for each in value if each not in known and value[each] not in ("", "false", None, {})]
    if unknown:
        raise SignadorRefused(f"{name or 'the request'}: {str(unknown[0])[:60]} is not served here")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SignadorRefused(f"{name}: expected text")
    return value


# -- what comes back

#: Before the person has signed. The documentation does not say what the service answers then; this is ours.
WAITING = "PENDENT: the person has not signed yet"


@dataclass(frozen=True)
class Signature:
    """An answer of `getSignature`. `result` is the signature itself, or a ZIP of several; `error` is "" where it is OK."""

    token: str
    result: bytes
    type: str
    error: str

    @property
    def ok(self) -> bool:
        return not self.error


def signature_message(found: Signature, redirect: str) -> dict[str, str]:
    return {
        "status": "OK" if found.ok else "KO",
        "token": found.token,
        "signResult": base64.b64encode(found.result).decode("ascii"),
        "type": found.type,
        "error": found.error,
        "urlRedirect": redirect,
    }


def read_signature(fields: Mapping[str, Any]) -> Signature:
    """Raises MalformedEvidence for what is no answer of `getSignature`."""
    status, error = fields.get("status"), fields.get("error") or ""
    if status == "KO":
        return Signature(str(fields.get("token", "")), b"", "", str(error)[:500] or "KO without a reason")
    result = fields.get("signResult")
    if status != "OK" or not isinstance(result, str):
        raise MalformedEvidence("expected an answer of getSignature: status OK or KO, and signResult")
    try:
        content = base64.b64decode(result, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise MalformedEvidence("signResult: expected base64") from problem
    return Signature(str(fields.get("token", "")), content, str(fields.get("type", "")), "")
