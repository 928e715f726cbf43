"""The arm `timestamp`: an RFC 3161 time-stamp service, asked over HTTP.

In a laboratory it asks the embedded authority (`baas.trust_service`, mounted by the service), over a real
socket as it would ask AOC's; another service needs only its address and its root certificate.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from contextlib import closing
from typing import ClassVar, Protocol, Self

import httpx2
from cryptography import x509

from baas.connectors import (
    ONE_DOCUMENT,
    Capabilities,
    ConnectorError,
    ConnectorRefused,
    ConnectorSettings,
    ConnectorTimeout,
    ConnectorUnreachable,
    Environment,
    Erasure,
    Evidence,
    Health,
    OnLedger,
    Subject,
    require_sha256,
)
from baas.connectors import _timestamp_token as token
from baas.connectors._http import LIMITS
from baas.protocols.rfc3161 import QUERY, REPLY, request_der
from baas.trust_store import trusted_for
from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence.digest import IMPRINTS, Digest
from sandbox.evidence.timestamp import token_of

MAX_REPLY_BYTES = 64 * 1024


class TimestampConnector:
    """A client of one time-stamp service. Every token is verified before it is handed on.

    Claims nothing that it cannot check: whether a service is qualified stands in a trusted list, which is
    not read here, so `qualified` is False for each of them.
    """

    slug: ClassVar[str] = "timestamp"
    title: ClassVar[dict[str, str]] = {
        "ca": "Segell de temps (RFC 3161)",
        "es": "Sello de tiempo (RFC 3161)",
        "en": "Time-stamp (RFC 3161)",
    }
    subjects: ClassVar[frozenset[Subject]] = ONE_DOCUMENT

    def __init__(
        self,
        settings: ConnectorSettings,
        client: httpx2.Client,
        nonce: Callable[[], int] = lambda: secrets.randbits(64),
    ) -> None:
        self._settings, self._client, self._nonce = settings, client, nonce
        self._root = x509.load_pem_x509_certificate(settings.trust_anchor)

    @classmethod
    def open(cls, settings: ConnectorSettings) -> Self:
        """A connector with its own connections, which `close` ends. The environment's proxies are ignored."""
        trusted = trusted_for(settings.url)
        return cls(
            settings, httpx2.Client(timeout=settings.timeout, trust_env=False, limits=LIMITS, verify=trusted)
        )

    @property
    def environment(self) -> Environment:
        return self._settings.environment

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            provider=self.environment.provider(self._settings.url),
            qualified=False,
            legal_effect=self.environment.legal_effect,
            digest_algorithms=("sha-256",),
            operators_who_must_collude=1,
            verifies_offline=True,
            files_offline=("token",),
            anchors_offline=("tsa_root",),
            on_ledger=OnLedger.NOTHING,
            erasure=Erasure.NOTHING_KEPT,
        )

    def submit(self, digest: bytes) -> Evidence:
        """A token for a SHA-256 digest, as the whole reply's DER, verified with the nonce of this request.

        Raises ConnectorTimeout, ConnectorUnreachable, ConnectorRefused, MalformedEvidence, VerificationError.
        """
        require_sha256(digest)
        return self.stamp(Digest("sha-256", digest))

    def stamp(self, digest: Digest) -> Evidence:
        """As `submit`, for a digest of any algorithm of the registry; not every service takes each."""
        nonce = self._nonce()
        name = IMPRINTS[digest.algorithm].hashlib_name
        reply = self._post(request_der(digest.value, nonce, algorithm=name))
        token.refuse_rejection(reply)
        return token.check(reply, digest, self._root, nonce)

    def verify(self, digest: bytes, content: bytes) -> Evidence:
        """A kept reply, checked offline against this connector's root. Raises EvidenceError."""
        try:
            token.refuse_rejection(content)
        except ConnectorRefused as refusal:
            raise VerificationError(f"this is a refusal, not a time-stamp: {refusal}") from refusal
        return token.check(content, Digest("sha-256", digest), self._root)

    def confirm(self, digest: bytes, content: bytes) -> Evidence:
        return self.verify(digest, content)

    def health(self) -> Health:
        """Asks for a real token: what answers only a ping would not show that the service can sign."""
        started = time.perf_counter()
        try:
            evidence = self.submit(hashlib.sha256(b"health").digest())
        except (ConnectorError, EvidenceError) as error:
            return Health(False, str(error), time.perf_counter() - started)
        return Health(True, f"stamped at {evidence.stated_time.isoformat()}", time.perf_counter() - started)

    def close(self) -> None:
        self._client.close()

    def _post(self, query: bytes) -> bytes:
        url = self._settings.url
        try:
            answer = self._client.post(url, content=query, headers={"Content-Type": QUERY, "Accept": REPLY})
        except httpx2.TimeoutException as error:
            raise ConnectorTimeout(f"{url} gave no answer within {self._settings.timeout} s") from error
        except httpx2.HTTPError as error:
            raise ConnectorUnreachable(f"{url} cannot be reached: {error}") from error
        media_type = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        if answer.status_code != 200 or media_type != REPLY:
            raise ConnectorUnreachable(
                f"{url}: expected status 200 and {REPLY}, got status {answer.status_code} and "
                f"{media_type or 'no media type'}; is this the address of a time-stamp service?"
            )
        if len(answer.content) > MAX_REPLY_BYTES:
            raise MalformedEvidence(f"{url}: a reply of {len(answer.content)} bytes is no time-stamp")
        return answer.content


class Authority(Protocol):
    """A time-stamp authority in this process: the DER of a TimeStampReq in, that of a TimeStampResp out."""

    @property
    def root_pem(self) -> bytes: ...

    def respond(self, request: bytes) -> bytes: ...


def asking(embedded: Authority, outside: ConnectorSettings | None) -> Callable[[Digest], bytes]:
    """How to ask for a TimeStampToken (its DER, verified): the service outside, or without one the embedded authority.

    The embedded one is asked in this process, since a server may not be up; each call outside has its own connection.
    """
    if outside is not None:

        def ask_outside(digest: Digest) -> bytes:
            with closing(TimestampConnector.open(outside)) as connector:
                return token_of(connector.stamp(digest).content)

        return ask_outside
    root = x509.load_pem_x509_certificate(embedded.root_pem)

    def ask_embedded(digest: Digest) -> bytes:
        nonce = secrets.randbits(64)
        name = IMPRINTS[digest.algorithm].hashlib_name
        reply = embedded.respond(request_der(digest.value, nonce, algorithm=name))
        token.refuse_rejection(reply)
        return token_of(token.check(reply, digest, root, nonce).content)

    return ask_embedded


CONNECTOR = TimestampConnector
