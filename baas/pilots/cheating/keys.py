"""The trust service once more, under a clock that the operator sets: the same keys, in a copy of their directory."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from baas.clock import Clock
from baas.protocols.rfc3161 import request_der
from baas.trust_service.errors import NotEnrolled
from baas.trust_service.pki import Enrolment
from baas.trust_service.service import TrustService
from sandbox.evidence.digest import IMPRINTS, Digest


class HandClock:
    """A clock that its owner sets by hand; it shows the real time until it is set."""

    def __init__(self, real: Clock) -> None:
        self._real = real
        self._set: datetime | None = None

    def now(self) -> datetime:
        return self._set or self._real.now()

    def set(self, time: datetime | None) -> None:
        """Stand at `time` from now on; None: show the real time again."""
        self._set = time


class Keys:
    """Every key of a trust service, and its clock in the operator's hand. Closed at the end of `keys_of`."""

    def __init__(self, directory: Path, service: TrustService, clock: HandClock) -> None:
        self.directory, self.service, self.clock = directory, service, clock

    @property
    def root_pem(self) -> bytes:
        return self.service.roots_pem

    @property
    def anchors(self) -> bytes:
        """`anchors.json`, what who judges signatures holds: roots, intermediates, the CRLs of now. No key is in it."""
        trust = self.service.pki.trust()
        return json.dumps(
            {
                "roots": [each.public_bytes(Encoding.PEM).decode() for each in trust.roots],
                "intermediates": [each.public_bytes(Encoding.PEM).decode() for each in trust.intermediates],
                "crls": [b64encode(each).decode() for each in trust.revocation.crls],
                "at": self.clock.now().isoformat(),
            }
        ).encode()

    def enrolled(self, administration: str) -> Enrolment:
        """The administration's own seal, as it is; a new one where it had none yet."""
        try:
            return self.service.pki.seal(administration)
        except NotEnrolled:
            return self.service.enrol(administration, administration)

    def stamp(self, digest: bytes, at: datetime) -> bytes:
        """The reply of the authority (DER, TimeStampResp) for a SHA-256 digest, stating `at`."""
        return self.reply(Digest("sha-256", digest), at)

    def reply(self, digest: Digest, at: datetime | None) -> bytes:
        """The same for any digest; None is the real time."""
        self.clock.set(at)
        try:
            name = IMPRINTS[digest.algorithm].hashlib_name
            return self.service.authority.respond(
                request_der(digest.value, secrets.randbits(64), algorithm=name)
            )
        finally:
            self.clock.set(None)


@contextmanager
def keys_of(trust_service: Path, clock: Clock) -> Iterator[Keys]:
    """The keys of the service in `trust_service`, which may be running and is not touched."""
    scratch = Path(tempfile.mkdtemp(prefix="operators-keys-"))
    try:
        copy = scratch / "trust-service"
        _copy(trust_service, copy)
        hand = HandClock(clock)
        with closing(TrustService.open(copy, hand)) as service:
            yield Keys(copy, service, hand)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _copy(directory: Path, to: Path) -> None:
    """Every file as of now; databases by SQLite itself, as they may be written meanwhile."""
    to.mkdir(mode=0o700)
    for path in directory.iterdir():
        if path.is_dir():
            _copy(path, to / path.name)
        elif path.suffix == ".sqlite":
            with closing(sqlite3.connect(path, timeout=30)) as source:
                source.execute("VACUUM INTO ?", (str(to / path.name),))
            (to / path.name).chmod(0o600)
        elif not path.name.endswith(("-wal", "-shm")):
            shutil.copy2(path, to / path.name)
