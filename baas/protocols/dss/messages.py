"""OASIS DSS 1.0 messages as values: what is asked and what is answered, with nothing of XML in them.

Times are aware, in UTC. `request_id` is the RequestID attribute, "" where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from baas.ades.types import Format, Level
from baas.errors import BaasError
from baas.protocols.dss import names
from sandbox.evidence.digest import Digest


class Malformed(BaasError):
    """An element that is not the DSS message that it should be: the answer is a SOAP fault."""


class Refusal(BaasError):
    """A request that is understood and not served; `major` and `minor` are its Result (core, section 2.6)."""

    def __init__(self, major: str, minor: str, message: str) -> None:
        self.major, self.minor = major, minor
        super().__init__(message)


def not_supported(message: str) -> Refusal:
    return Refusal(names.REQUESTER_ERROR, names.NOT_SUPPORTED, message)


class Subject(StrEnum):
    """What is to be verified."""

    CERTIFICATE = "certificate"
    CMS = "cms"
    XML = "xml"
    PDF = "pdf"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True)
class VerifyRequest:
    """`signed` is DER for certificates, CMS and tokens, else the XML or PDF. `detached` is what a CMS or XML signature
    or a token is about, when it stands beside it. `at` is the time of the question, None for the present.

    `attributes` are the designators of the certificate attributes wanted, each a URI. `legacy_sha1` and `policies`
    (dotted OIDs) narrow or widen the trust; they are options of our own. `updated_signature` is the form asked for.
    """

    request_id: str
    subject: Subject
    signed: bytes = field(repr=False)
    detached: bytes | Digest | None = field(default=None, repr=False)
    at: datetime | None = None
    attributes: tuple[str, ...] = ()
    details: bool = True
    signed_response: bool = True
    updated_signature: str = ""
    legacy_sha1: bool = False
    policies: frozenset[str] = frozenset()

    @property
    def profile(self) -> str:
        return names.PROFILE_PDF if self.subject is Subject.PDF else names.PROFILE_XSS


@dataclass(frozen=True)
class SignRequest:
    """A time-stamp (`signature_type` RFC 3161) or a seal.

    A seal is made with the key that `key_name` names, at `level`. AOC documents no operation that seals on its side:
    this is core DSS with the AdES profile's SignatureForm, and no service but ours is known to take it.
    """

    request_id: str
    signature_type: str
    document: bytes | Digest = field(repr=False)
    level: Level | None = None
    key_name: str = ""
    signed_response: bool = False

    @property
    def format(self) -> Format | None:
        """The format of the seal; None for a time-stamp."""
        return next(
            (found for found, uri in names.SIGNATURE_TYPES.items() if uri == self.signature_type), None
        )

    @property
    def profile(self) -> str:
        return names.SEAL_PROFILES[self.format] if self.format else names.PROFILE_TIMESTAMPING


@dataclass(frozen=True)
class Result:
    """Core, section 2.6."""

    major: str
    minor: str = ""
    message: str = ""


@dataclass(frozen=True)
class Detail:
    """One thing that was checked (core, section 4.5.5). `certificates` are DER."""

    type: str
    message: str = ""
    code: str = ""
    certificates: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Response:
    """What both responses hold. `request_sha256`, hexadecimal, is of the request's bytes as the service got them: an
    output of our own, "" from a service that does not give it, which binds the answer to all of what was asked."""

    request_id: str
    profile: str
    result: Result
    request_sha256: str = ""


@dataclass(frozen=True)
class VerifyResponse(Response):
    valid: tuple[Detail, ...] = ()
    indeterminate: tuple[Detail, ...] = ()
    invalid: tuple[Detail, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class SignResponse(Response):
    """`signature` is the token or CMS (DER), the XML signature, or the signed PDF; empty when refused."""

    signature: bytes = field(default=b"", repr=False)
    subject: Subject | None = None
