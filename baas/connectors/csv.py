"""The arm `csv`: a codi segur de verificació, by which a holder compares a document with the copy at its issuer's site.

It is the check that every town hall already uses. Nothing verifies offline: the issuer's site alone answers, and it can
delete or replace what it keeps.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from baas.connectors import (
    ONE_DOCUMENT,
    Capabilities,
    ConnectorError,
    ConnectorSettings,
    ConnectorUnreachable,
    Environment,
    Erasure,
    Evidence,
    Health,
    NotOffline,
    OnLedger,
    Subject,
    require_sha256,
)
from baas.connectors._http import Service
from baas.protocols.secure_code import (
    MAX_DOCUMENT_BYTES,
    MEDIA_TYPE,
    PATH,
    STATEMENT_TYPE,
    Held,
    Statement,
    read_code,
)
from sandbox.errors import EvidenceError, VerificationError

_SMALL = 64 * 1024


class CsvConnector:
    """A client of one issuer. A pilot's arm has a digest and no document, so what the issuer keeps is its statement of it.

    `submit_document` leaves the document itself with the issuer, which is what a town hall does with its own.
    """

    slug: ClassVar[str] = "csv"
    title: ClassVar[dict[str, str]] = {
        "ca": "Codi segur de verificació (CSV)",
        "es": "Código seguro de verificación (CSV)",
        "en": "Secure verification code (CSV)",
    }
    subjects: ClassVar[frozenset[Subject]] = ONE_DOCUMENT

    def __init__(self, settings: ConnectorSettings) -> None:
        self._settings, self._service = settings, Service(settings, PATH)

    @classmethod
    def open(cls, settings: ConnectorSettings) -> Self:
        return cls(settings)

    @property
    def environment(self) -> Environment:
        return self._settings.environment

    @property
    def capabilities(self) -> Capabilities:
        """`on_ledger` is a real issuer's: it keeps the document. `submit` leaves it no more than the digest."""
        lab = self.environment is Environment.LAB_EMULATOR
        return Capabilities(
            provider=self.environment.provider(self._settings.url),
            qualified=False,
            legal_effect=self.environment.legal_effect,
            digest_algorithms=("sha-256",),
            operators_who_must_collude=1,
            verifies_offline=False,
            files_offline=(),
            anchors_offline=(),
            on_ledger=OnLedger.DIGEST if lab else OnLedger.DOCUMENT,
            erasure=Erasure.BY_OPERATOR,
        )

    def submit(self, digest: bytes) -> Evidence:
        """A code for a SHA-256 digest. That the issuer's site really answers for it, `confirm` tells."""
        require_sha256(digest)
        return self._issued({"digest": digest.hex()}, digest, whole=False)

    def submit_document(self, document: bytes, media_type: str = "application/octet-stream") -> Evidence:
        """A code for a document, of which the issuer keeps a copy."""
        digest = hashlib.sha256(document).digest()
        fields = {"digest": digest.hex(), "document": base64.b64encode(document).decode("ascii")}
        return self._issued(fields | {"media_type": media_type}, digest, whole=True)

    def verify(self, digest: bytes, content: bytes) -> Evidence:
        """Raises NotOffline for evidence that is of this digest; before that, EvidenceError for any that is not."""
        held = self._held(digest, content)
        raise NotOffline(
            f"a secure verification code proves nothing by itself: {held.url} must be asked, and believed"
        )

    def confirm(self, digest: bytes, content: bytes) -> Evidence:
        """Fetches the copy from the issuer's site and compares digests.

        The site is the one of the settings: an address that stands in the evidence is for people, and never asked.
        Raises ConnectorRefused where the site knows nothing of the code, VerificationError where its copy is another.
        """
        held = self._held(digest, content)
        answer = self._service.ask("GET", f"/{held.code}/copy", limit=MAX_DOCUMENT_BYTES, public=True)
        if answer.status_code != 200:
            raise self._service.refused(answer)
        media_type = answer.headers["content-type"].split(";")[0].strip().lower()
        if (media_type == STATEMENT_TYPE) == held.whole:
            raise VerificationError(f"{held.url}: expected the {'document' if held.whole else 'statement'}")
        if held.whole:
            found = hashlib.sha256(answer.content).digest()
        else:
            statement = Statement.decode(answer.content)
            if statement.code != held.code:
                raise VerificationError(f"{held.url}: the statement is of another code, {statement.code}")
            found = statement.digest
        if not hmac.compare_digest(found, digest):
            raise VerificationError(
                f"{held.url}: the issuer's copy is another document: expected {digest.hex()}, got {found.hex()}"
            )
        return _evidence(held, content)

    def health(self) -> Health:
        """Has a code issued and fetches its copy."""
        started, digest = time.perf_counter(), hashlib.sha256(b"health").digest()
        try:
            self.confirm(digest, self.submit(digest).content)
        except (ConnectorError, EvidenceError) as error:
            return Health(False, str(error), time.perf_counter() - started)
        return Health(True, "a code was issued and its copy fetched", time.perf_counter() - started)

    def close(self) -> None:
        self._service.close()

    def _issued(self, body: dict[str, str], digest: bytes, *, whole: bool) -> Evidence:
        answer = self._service.ask("POST", "", json=body, limit=_SMALL)
        if answer.status_code != 201:
            raise self._service.refused(answer)
        held = self._read(answer.url, self._service.fields(answer), whole=whole)
        if held.digest != digest:
            raise ConnectorUnreachable(f"{answer.url}: the code is of another digest, {held.digest.hex()}")
        return _evidence(held, held.encode())

    def _read(self, url: object, fields: dict[str, Any], *, whole: bool) -> Held:
        try:
            code, issuer = read_code(str(fields["code"])), str(fields["issuer"])
            stated = datetime.strptime(str(fields["time"]), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
            digest = bytes.fromhex(str(fields["digest"]))
        except (KeyError, ValueError) as error:
            raise ConnectorUnreachable(f"{url}: the answer is not a code's: {error!r}") from error
        if code is None or fields.get("kind") != ("document" if whole else "statement"):
            raise ConnectorUnreachable(f"{url}: the answer is not a code's: {fields!r:.200}")
        return Held(code, f"{self._service.url}/{code}", issuer, stated, digest, whole)

    def _held(self, digest: bytes, content: bytes) -> Held:
        held = Held.decode(content)
        if not hmac.compare_digest(held.digest, digest):
            raise VerificationError(
                f"the code is of another document: expected {digest.hex()}, got {held.digest.hex()}"
            )
        return held


def _evidence(held: Held, content: bytes) -> Evidence:
    return Evidence(content, MEDIA_TYPE, held.time, None)


CONNECTOR = CsvConnector
