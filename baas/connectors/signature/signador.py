"""The adapter `signador`: signatures that a person makes in their browser, through AOC's Signador.

Interactive always: without somebody who goes to the page and signs, there is no signature. A public employee signs with a
certificate of their own. It identifies no citizen, and no key of a chain signs for anybody (Ley 39/2015, DA 6ª).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import httpx2
from cryptography import x509

from baas.ades import signatures
from baas.ades.types import Format, Level, Trust
from baas.ades.verdict import Verdict
from baas.clock import Clock, SystemClock
from baas.connectors import (
    ConnectorRefused,
    ConnectorSettings,
    ConnectorTimeout,
    ConnectorUnreachable,
)
from baas.connectors.signature import Exchange, Sealed, SignatureCapabilities, _http
from baas.connectors.signature._answers import require_passed, with_crls
from baas.connectors.signature._lifetimes import verifiable_until
from baas.connectors.signature._revocation import Crls
from baas.protocols.signador import (
    MAX_MESSAGE_BYTES,
    MODES,
    PATH,
    PATIENCE,
    Document,
    headers,
    mode_of,
    read_signature,
    start_message,
)
from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence.digest import Digest

POLL = 0.5
"""How often the result is asked for, in seconds."""
MAX_RESULT_BYTES = 16 << 20
#: What a result's `error` begins with where waiting for the person is over. Others may be said while it goes on: the
#: documentation has no list of them.
FINAL = ("CANCEL", "TIMEOUT", "ERROR")

Ask = Callable[[str], None]


def nobody(url: str) -> None:
    """The hook of an adapter that was opened without one: there is nobody to show the page to."""
    del url
    raise ConnectorRefused(
        "interactive", "Signador needs a person: open the adapter with `ask`, which shows them the page"
    )


class SignadorAdapter:
    """A client of one Signador. Safe for threads.

    `settings.url` is the service's address without a path, `settings.secret` the key of the domain that the option `domain`
    names (`https://seu.example`). `ask` is given the address of the page where the person signs, and returns when it was
    shown. The other options: `redirect`, the path on the domain where the person goes afterwards; `nif`, whose signature it
    must be.
    """

    slug: ClassVar[str] = "signador"
    needs_person: ClassVar[bool] = True

    def __init__(
        self,
        settings: ConnectorSettings,
        client: httpx2.Client,
        ask: Ask = nobody,
        *,
        clock: Clock | None = None,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._settings, self._client, self._ask = settings, client, ask
        self._clock, self._patience = clock or SystemClock(), patience
        self._base = settings.url.removesuffix("/").removesuffix(PATH)
        self._domain = settings.options.get("domain", "")
        self._roots = tuple(x509.load_pem_x509_certificates(settings.trust_anchor))
        self._crls = Crls(client, self._base, self._clock)

    @classmethod
    def open(cls, settings: ConnectorSettings, ask: Ask = nobody) -> Self:
        """An adapter with its own connections, which `close` ends. The environment's proxies are ignored."""
        return cls(settings, _http.client(settings.timeout), ask)

    @property
    def trust(self) -> Trust:
        """What signatures are judged under, revocation data aside."""
        return Trust(self._roots)

    @property
    def capabilities(self) -> SignatureCapabilities:
        levels: dict[Format, tuple[Level, ...]] = {}
        for mode in MODES.values():
            if mode.level not in levels.get(mode.format, ()):
                levels[mode.format] = (*levels.get(mode.format, ()), mode.level)
        return SignatureCapabilities(
            provider=self._settings.environment.provider(self._base),
            timestamps=False,
            seals=levels,
            validates=False,
            interactive=True,
            verified_against="the embedded service only; not verified against AOC's pre-production",
        )

    def seal(
        self,
        document: bytes | Digest,
        format: Format,  # noqa: A002  # the port's word
        level: Level,
        *,
        name: str = "document",
        description: str = "",
    ) -> Sealed:
        """A person's signature, validated here before it is handed on, as the service's documentation asks of its clients.

        Blocks until the person has signed: ConnectorTimeout after five minutes. Raises ConnectorRefused for a person who
        cancels, and for what the service does not make; ConnectorUnreachable; VerificationError, MalformedEvidence.
        """
        try:
            mode = mode_of(format, level, hashes=isinstance(document, Digest))
        except KeyError as error:
            what = "digest" if isinstance(document, Digest) else "document"
            raise ConnectorRefused(
                "not_offered", f"Signador makes no {format} {level} signature of a {what}"
            ) from error
        algorithm = (
            "SHA-512" if isinstance(document, Digest) and document.algorithm == "sha-512" else "SHA-256"
        )
        sent = _Sent(self._clock.now())
        token = self._begin(sent)
        redirect = self._settings.options.get("redirect", "/")
        asked = start_message(token, redirect, description, mode, (Document(name, document),), algorithm)
        self._start(sent, asked)
        self._ask(f"{self._base}{PATH}/?id={token}")
        signed = self._wait(sent, token)
        detached = None if format is Format.PADES else document
        verdict = self.judge(signed, detached)
        require_passed(verdict, "the person's signature")
        if (verdict.format, verdict.level) != (format, level):
            raise VerificationError(
                f"expected a signature {format} {level}, got {verdict.format or 'none'} {verdict.level or 'of no level'}"
            )
        self._require_person(verdict)
        return Sealed(
            exchange=sent.exchange(self.capabilities.provider, verdict.certificates, verdict),
            signed=signed,
            format=format,
            level=level,
            verdict=verdict,
            verifiable_until=verifiable_until(signed, verdict, self.trust),
        )

    def judge(self, signed: bytes, document: bytes | Digest | None) -> Verdict:
        """The verdict on a signature here and now. CRLs are asked for where none came with it."""
        now = self._clock.now()
        return with_crls(
            lambda trust: signatures.validate(signed, document, trust, now), self.trust, self._crls
        )

    def close(self) -> None:
        self._client.close()

    def _require_person(self, verdict: Verdict) -> None:
        wanted, got = self._settings.options.get("nif", ""), verdict.signer.get("KeyOwnerNIF", "")
        if wanted and wanted != got:
            raise VerificationError(f"somebody else signed: expected the NIF {wanted}, got {got or 'none'}")

    def _begin(self, sent: _Sent) -> str:
        answer = self._call(sent, "GET", "/initProcess", authorised=True)
        return _accepted(answer, "initProcess")

    def _start(self, sent: _Sent, message: dict[str, Any]) -> None:
        content = json.dumps(message).encode()
        if len(content) > MAX_MESSAGE_BYTES:
            raise ConnectorRefused(
                "too_long",
                f"Signador takes messages of at most {MAX_MESSAGE_BYTES} bytes, got {len(content)}: sign the digest",
            )
        answer = self._call(sent, "POST", "/startSignProcess", content)
        if _accepted(answer, "startSignProcess") != message["token"]:
            raise MalformedEvidence("startSignProcess answered with another token")

    def _wait(self, sent: _Sent, token: str) -> bytes:
        end = time.monotonic() + self._patience.total_seconds()
        while True:
            found = read_signature(
                self._call(sent, "GET", f"/getSignature?identificador={token}", authorised=True)
            )
            if found.token != token:
                raise MalformedEvidence("getSignature answered with another token")
            if found.ok:
                return found.result
            if found.error.startswith("TIMEOUT"):
                raise ConnectorTimeout(f"{self._base}: {found.error}")
            if found.error.startswith(FINAL):
                raise ConnectorRefused(found.error.split(":")[0].lower(), f"{self._base}: {found.error}")
            if time.monotonic() + POLL > end:
                raise ConnectorTimeout(
                    f"{self._base}: nobody signed within {self._patience.total_seconds():.3g} s; last answer: "
                    f"{found.error}"
                )
            time.sleep(POLL)

    def _call(
        self, sent: _Sent, method: str, path: str, content: bytes = b"", *, authorised: bool = False
    ) -> dict[str, Any]:
        """A JSON object from the service; it counts into what was sent. Errors as `_http`'s, and ConnectorUnreachable."""
        given = {"Origin": self._domain}
        if authorised:
            given = headers(self._settings.secret.encode(), self._domain, self._clock.now())
        if content:
            given["Content-Type"] = "application/json"
        url = self._base + PATH + path
        answer = _http.call(self._client, method, url, content, given, self._clock, most=MAX_RESULT_BYTES)
        sent.add(answer)
        try:
            fields = json.loads(answer.content)
        except (ValueError, RecursionError):
            fields = None
        if answer.status != 200 or not isinstance(fields, dict):
            raise ConnectorUnreachable(
                f"{self._base}{PATH}: expected status 200 and a JSON object, got status {answer.status} and "
                f"{answer.media_type or 'no media type'}; is this the address of Signador?"
            )
        return fields


@dataclass
class _Sent:
    """All the requests and responses of one signature, which an `Exchange` counts as one."""

    started: datetime
    requests: list[bytes] = field(default_factory=list)
    responses: list[bytes] = field(default_factory=list)
    ended: datetime | None = None

    def add(self, answer: _http.Answer) -> None:
        self.requests.append(answer.request)
        self.responses.append(answer.content)
        self.ended = answer.ended

    def exchange(self, provider: str, certificates: tuple[bytes, ...], verdict: Verdict) -> Exchange:
        """The request is `startSignProcess`, the response the last one, with the signature; bytes are of all of them."""
        return Exchange(
            provider=provider,
            qualified=False,
            policy=verdict.signer.get("CertificatePolicies", ""),
            certificates=certificates,
            request_sha256=hashlib.sha256(self.requests[1]).hexdigest(),
            response_sha256=hashlib.sha256(self.responses[-1]).hexdigest(),
            started=self.started,
            ended=self.ended or self.started,
            bytes_sent=sum(map(len, self.requests)),
            bytes_received=sum(map(len, self.responses)),
        )


def _accepted(fields: dict[str, Any], step: str) -> str:
    """The token of an answer `OK`. Raises ConnectorRefused for `KO`."""
    token = fields.get("token")
    if fields.get("status") == "OK" and isinstance(token, str) and token:
        return token
    if fields.get("status") == "KO":
        raise ConnectorRefused(
            "KO", f"Signador refused {step}: {str(fields.get('message') or 'no reason')[:300]}"
        )
    raise MalformedEvidence(f"{step}: expected status OK or KO, and a token")


ADAPTER = SignadorAdapter
