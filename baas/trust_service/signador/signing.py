"""What the fictional public employee's card does: their certificate, and signatures in the modes that are made here."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
from dataclasses import dataclass
from datetime import datetime

from baas.ades import cades, pades, xades
from baas.ades.types import Format, Level, Signer, Stamper
from baas.clock import Clock
from baas.protocols.signador import ALGORITHMS, ENVELOPED, MODES, SignadorRefused, Start
from baas.trust_service.pki import Pki
from sandbox.evidence.digest import IMPRINTS, Digest

#: The person of every laboratory, and the NIF that AOC's own documents use for nobody.
NAME, NIF = "Funcionària de Prova", "00000000T"

_EXTENSIONS = {"CMS": "p7s", "XML": "xml", "PDF": "pdf"}


@dataclass(frozen=True)
class Signed:
    """The result: one signature, or a ZIP of them."""

    content: bytes
    type: str


class Cards:
    """The employee's card of each administration, issued when it is first used. Safe for threads."""

    def __init__(self, pki: Pki, clock: Clock) -> None:
        self._pki, self._clock = pki, clock
        self._lock = threading.Lock()
        self._cards: dict[str, Signer] = {}

    def of(self, administration: str) -> Signer:
        """Raises SignadorRefused for a revoked card: it stays revoked. One that has ended is replaced."""
        with self._lock:
            card = self._cards.get(administration)
            if card is not None and self._pki.revoked(card.certificate.serial_number) is not None:
                raise SignadorRefused("the person's certificate is revoked")
            if card is None or self._clock.now() > card.certificate.not_valid_after_utc:
                card = self._pki.issue_person(NAME, NIF, self._pki.seal(administration))
                self._cards[administration] = card
            return card


def sign(start: Start, card: Signer, stamper: Stamper, now: datetime) -> Signed:
    """The signatures that a process asks for. Raises AdesError for a document that cannot be signed."""
    mode = MODES[start.mode]
    made = [_sign_one(start, each.name, each.content, card, stamper, now) for each in start.documents]
    if len(made) == 1:
        return Signed(made[0], mode.type)
    return Signed(_zipped(start, made, _EXTENSIONS[mode.type], now), "ZIP")


def _sign_one(
    start: Start, name: str, content: bytes | Digest, card: Signer, stamper: Stamper, now: datetime
) -> bytes:
    mode = MODES[start.mode]
    given = stamper if mode.level is not Level.B else None
    if mode.format is Format.PADES:
        assert isinstance(content, bytes)
        reason = start.reason or start.description
        return pades.sign(content, mode.level, card, stamper=given, trust=None, now=now, reason=reason)
    if start.mode in ENVELOPED:
        assert isinstance(content, bytes)
        return xades.enveloped(content, mode.level, card, stamper=given, now=now)
    if isinstance(content, bytes):
        slug = ALGORITHMS[start.algorithm]
        content = Digest(slug, hashlib.new(IMPRINTS[slug].hashlib_name, content).digest())
    if mode.format is Format.XADES:
        return xades.sign(content, mode.level, card, stamper=given, now=now, name=name)
    return cades.sign(content, mode.level, card, stamper=given, now=now)


def _zipped(start: Start, made: list[bytes], extension: str, now: datetime) -> bytes:
    """Numbered in the order of the request; of a document's name only what no file system reads otherwise is kept."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (document, signature) in enumerate(zip(start.documents, made, strict=True), 1):
            safe = re.sub(r"[^A-Za-z0-9_-]", "_", document.name)[:80]
            entry = zipfile.ZipInfo(f"{number:02}-{safe}.{extension}", now.timetuple()[:6])
            archive.writestr(entry, signature)
    return content.getvalue()
