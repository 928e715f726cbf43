"""The adapter `psis`: AOC's validator and time-stamp authority, in OASIS DSS over SOAP and RFC 3161.

Every verdict that it hands on was signed by the service, for this very request, under a root that the caller holds. What
it asks of a remote service is what PSIS' clients are known to ask. Sealing is another matter: AOC documents no operation
that seals on its side, so `capabilities.seals` is empty but for the embedded service, unless the settings say otherwise.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, Self, TypeVar

import httpx2
from cryptography import x509
from lxml import etree

from baas.ades import signatures
from baas.ades.stamps import certificates_of
from baas.ades.types import MADE, Format, Level, Trust
from baas.ades.verdict import Verdict
from baas.clock import Clock, SystemClock, from_milliseconds
from baas.connectors import (
    ConnectorRefused,
    ConnectorSettings,
    ConnectorUnreachable,
    Environment,
)
from baas.connectors._timestamp_token import refuse_rejection
from baas.connectors.signature import Exchange, Sealed, SignatureCapabilities, Stamped, Validated, _http, told
from baas.connectors.signature._answers import require_bound, require_passed, require_signed, with_crls
from baas.connectors.signature._lifetimes import is_token, verifiable_until
from baas.connectors.signature._revocation import Crls
from baas.protocols import soap
from baas.protocols.dss import names, requests, responses, verdicts
from baas.protocols.dss.messages import (
    Malformed,
    Refusal,
    Result,
    SignRequest,
    SignResponse,
    Subject,
    VerifyRequest,
)
from baas.protocols.rfc3161 import QUERY, REPLY, request_der
from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence.digest import IMPRINTS, Digest
from sandbox.evidence.timestamp import Timestamp, token_of, verify_token

TSP_PATH = "/psis/catcert/tsp"
DSS_PATH = "/psis/catcert/dss"
MAX_REPLY_BYTES = 64 * 1024
MAX_RESPONSE_BYTES = 24 << 20


class PsisAdapter:
    """A client of one service. Safe for threads.

    `settings.url` is the service's address without a path; `settings.secret` is the client secret of the administration
    whose code is the option `administration`. The other options, all optional:

        identifier          the organizationIdentifier of whose seal it must be, as in `VATES-P0000000A`
        response_policy     certificate policy (dotted) of who may sign answers; the embedded service's own by default
        policy              certificate policy that a seal's certificate must be under
        legacy_sha1         "true": SHA-1 counts, as the plan says of signatures of the past
        seals               "true": this remote service seals by DSS, which AOC does not document
    """

    slug: ClassVar[str] = "psis"
    needs_person: ClassVar[bool] = False

    def __init__(
        self,
        settings: ConnectorSettings,
        client: httpx2.Client,
        clock: Clock | None = None,
        nonce: Callable[[], int] = lambda: secrets.randbits(64),
    ) -> None:
        self._settings, self._client, self._nonce = settings, client, nonce
        self._clock = clock or SystemClock()
        self._base = settings.url.removesuffix(TSP_PATH).removesuffix(DSS_PATH).rstrip("/")
        self._roots = tuple(x509.load_pem_x509_certificates(settings.trust_anchor))
        self._embedded = settings.environment is Environment.LAB_EMULATOR
        self._crls = Crls(client, self._base, self._clock)
        self._legacy = settings.options.get("legacy_sha1") == "true"
        self._policies = frozenset(settings.options.get("policy", "").split())

    @classmethod
    def open(cls, settings: ConnectorSettings) -> Self:
        """An adapter with its own connections, which `close` ends. The environment's proxies are ignored."""
        return cls(settings, _http.client(settings.timeout))

    @property
    def trust(self) -> Trust:
        """What seals are judged under, revocation data aside."""
        return Trust(self._roots, policies=self._policies, legacy_sha1=self._legacy)

    @property
    def capabilities(self) -> SignatureCapabilities:
        seals = self._embedded or self._settings.options.get("seals") == "true"
        return SignatureCapabilities(
            provider=self._provider,
            timestamps=True,
            seals=dict(MADE) if seals else {},
            validates=True,
            interactive=False,
            verified_against="the embedded service only; not verified against AOC's pre-production",
        )

    # time-stamps

    def timestamp(self, digest: Digest) -> Stamped:
        """A token of the authority (RFC 3161 over HTTP), verified with the nonce of this request."""
        nonce = self._nonce()
        query = request_der(digest.value, nonce, algorithm=IMPRINTS[digest.algorithm].hashlib_name)
        url = self._base + TSP_PATH
        headers = {"Content-Type": QUERY, "Accept": REPLY}
        answer = _http.post(self._client, url, query, headers, self._clock, most=MAX_REPLY_BYTES)
        if answer.status != 200 or answer.media_type != REPLY:
            raise _not_the_service(url, answer, REPLY)
        refuse_rejection(answer.content)
        return self._stamped(answer, answer.content, digest, nonce)

    def timestamp_by_dss(self, digest: Digest) -> Stamped:
        """A token by DSS' time-stamping profile, which has no nonce: what binds it to the request is its imprint."""
        made, answer = self._sign(SignRequest(_request_id(), names.RFC3161, digest), {})
        if made.subject is not Subject.TIMESTAMP:
            raise MalformedEvidence("expected a time-stamp token, got another kind of signature")
        return self._stamped(answer, made.signature, digest, None)

    # seals

    def seal(self, document: bytes | Digest, format: Format, level: Level) -> Sealed:  # noqa: A002  # the port's word
        """A seal with the administration's key, which the service holds; validated here before it is handed on."""
        return self.seal_judged(document, format, level, self.judge)

    def seal_judged(
        self,
        document: bytes | Digest,
        format: Format,  # noqa: A002  # the port's word
        level: Level,
        judge: Callable[[bytes, bytes | Digest | None], Verdict],
    ) -> Sealed:
        """As `seal`, where `judge(seal, document)` is who validates it."""
        offered = self.capabilities.seals
        if level not in offered.get(format, ()):
            raise ConnectorRefused(
                "not_offered",
                f"{self._base} offers no seal {format} {level}; it offers {told(offered) or 'none'}",
            )
        asked = SignRequest(
            _request_id(),
            names.SIGNATURE_TYPES[format],
            document,
            level,
            key_name=self._settings.options.get("identifier", ""),
        )
        made, answer = self._sign(asked, self._credentials())
        verdict = judge(made.signature, None if format is Format.PADES else document)
        require_passed(verdict, "the seal")
        if verdict.format is not format or verdict.level is None or _below(verdict.level, level):
            raise VerificationError(
                f"expected a seal {format} {level}, got {verdict.format or 'none'} {verdict.level or 'of no level'}"
            )
        owner = self._settings.options.get("identifier", "")
        if owner and verdict.signer.get("OrganizationIdentifier") != owner:
            raise VerificationError(
                f"the seal is another body's: expected {owner}, got "
                f"{verdict.signer.get('OrganizationIdentifier', 'none')}"
            )
        return Sealed(
            exchange=self._exchange(answer, verdict.certificates, _policy_of(verdict)),
            signed=made.signature,
            format=format,
            level=level,
            verdict=verdict,
            verifiable_until=verifiable_until(made.signature, verdict, self.trust),
        )

    def judge(self, signed: bytes, document: bytes | Digest | None) -> Verdict:
        """The verdict on a seal here and now, not the service's. CRLs are asked for where none came with it."""
        now = self._clock.now()
        return with_crls(
            lambda trust: signatures.validate(signed, document, trust, now), self.trust, self._crls
        )

    # verdicts

    def validate(
        self, signed: bytes, detached: bytes | Digest | None = None, at: datetime | None = None
    ) -> Validated:
        """The service's verdict on a signature or a time-stamp token. A bad signature is a verdict, not an error."""
        return self._verify(self._question(_subject(signed), signed, detached, at))

    def validate_certificate(self, der: bytes) -> Validated:
        return self._verify(self._question(Subject.CERTIFICATE, der, None, None))

    def close(self) -> None:
        self._client.close()

    # inside

    def _question(
        self, subject: Subject, signed: bytes, detached: bytes | Digest | None, at: datetime | None
    ) -> VerifyRequest:
        return VerifyRequest(
            request_id=_request_id(),
            subject=subject,
            signed=signed,
            detached=detached,
            at=at,
            attributes=tuple(names.ATTRIBUTES.values()),
            legacy_sha1=self._legacy,
            policies=self._policies,
        )

    def _verify(self, asked: VerifyRequest) -> Validated:
        root, answer = self._call(requests.verify_request(asked), {})
        response = _reading(responses.read_verify_response, root)
        verdict = _reading(verdicts.verdict_in, response)
        if verdict is None:
            raise _refused(response.result)
        chain = require_signed(root, self._answers_trust(), self._crls, self._clock.now())
        exchange = self._exchange(answer, chain)
        require_bound(response, asked.request_id, exchange.request_sha256, by_digest=self._embedded)
        return Validated(exchange, verdict, etree.tostring(root, method="c14n", exclusive=True))

    def _sign(self, asked: SignRequest, headers: Mapping[str, str]) -> tuple[SignResponse, _http.Answer]:
        """A seal or token needs no signed response: it is one itself, over what was sent."""
        root, answer = self._call(requests.sign_request(asked), headers)
        response = _reading(responses.read_sign_response, root)
        if response.result.major != names.SUCCESS or not response.signature:
            raise _refused(response.result)
        digest = hashlib.sha256(answer.request).hexdigest()
        require_bound(response, asked.request_id, digest, by_digest=self._embedded)
        return response, answer

    def _call(
        self, content: etree._Element, headers: Mapping[str, str]
    ) -> tuple[etree._Element, _http.Answer]:
        url = self._base + DSS_PATH
        sent = {"Content-Type": soap.CONTENT_TYPE, "SOAPAction": '""', **headers}
        answer = _http.post(
            self._client, url, soap.envelope(content), sent, self._clock, most=MAX_RESPONSE_BYTES
        )
        if answer.media_type != soap.MEDIA_TYPE:
            raise _not_the_service(url, answer, soap.MEDIA_TYPE)
        try:
            root = soap.read(answer.content, limit=MAX_RESPONSE_BYTES)
        except soap.SoapError as error:
            raise MalformedEvidence(f"{url}: {error}") from error
        if isinstance(root, soap.Fault):
            raise ConnectorRefused(root.code, f"{url} answered with a fault ({root.code}): {root.text[:300]}")
        if answer.status != 200:
            raise _not_the_service(url, answer, soap.MEDIA_TYPE)
        return root, answer

    def _answers_trust(self) -> Trust:
        own = names.SANDBOX_ANSWERS_POLICY if self._embedded else ""
        policies = frozenset(self._settings.options.get("response_policy", own).split())
        return Trust(self._roots, policies=policies, legacy_sha1=self._legacy)

    def _stamped(self, answer: _http.Answer, reply: bytes, digest: Digest, nonce: int | None) -> Stamped:
        stamp = verify_token(reply, digest, self._roots, nonce=nonce)
        token = token_of(reply)
        return Stamped(
            exchange=self._exchange(answer, certificates_of(token), stamp.policy),
            token=token,
            stated_time=_time(stamp),
            verifiable_until=min([stamp.valid_until, *(root.not_valid_after_utc for root in self._roots)]),
        )

    def _credentials(self) -> dict[str, str]:
        code = self._settings.options.get("administration", "")
        if not code or not self._settings.secret:
            return {}
        pair = base64.b64encode(f"{code}:{self._settings.secret}".encode()).decode("ascii")
        return {"Authorization": f"Basic {pair}"}

    @property
    def _provider(self) -> str:
        return "embedded" if self._embedded else self._base

    def _exchange(self, answer: _http.Answer, chain: tuple[bytes, ...], policy: str = "") -> Exchange:
        return answer.exchange(self._provider, policy=policy, certificates=chain)


_Read = TypeVar("_Read")
_Given = TypeVar("_Given")


def _reading(read: Callable[[_Given], _Read], given: _Given) -> _Read:
    """What `read` gives, a message that is none being evidence that cannot be read."""
    try:
        return read(given)
    except (Malformed, Refusal) as error:
        raise MalformedEvidence(f"the service's answer is not a DSS response: {error}") from error


def _request_id() -> str:
    return f"r{secrets.token_hex(16)}"


def _refused(result: Result) -> ConnectorRefused:
    reason = result.minor or result.major
    return ConnectorRefused(reason, f"the service refused ({reason}): {result.message[:300] or 'no text'}")


def _not_the_service(url: str, answer: _http.Answer, expected: str) -> ConnectorUnreachable:
    return ConnectorUnreachable(
        f"{url}: expected status 200 and {expected}, got status {answer.status} and "
        f"{answer.media_type or 'no media type'}; is this the address of the service?"
    )


def _subject(signed: bytes) -> Subject:
    """What bytes are, by how they begin; a CMS whose content is a TSTInfo is a time-stamp token."""
    if signed.startswith(b"%PDF-"):
        return Subject.PDF
    if signed.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return Subject.XML
    return Subject.TIMESTAMP if is_token(signed) else Subject.CMS


def _below(level: Level, wanted: Level) -> bool:
    order = list(Level)
    return order.index(level) < order.index(wanted)


def _policy_of(verdict: Verdict) -> str:
    return next(iter(verdict.signer.get("CertificatePolicies", "").split()), "")


def _time(stamp: Timestamp) -> datetime:
    return from_milliseconds(stamp.time_ms)


ADAPTER = PsisAdapter
