"""The cheating operator of a secure verification code: it keeps the only copy, on its own site.

Nothing is signed and nothing verifies offline. Whoever notices does so by asking the operator's site, and can show it to
nobody: what a holder kept is its own note, which anybody could have written. Here the site is really asked, in its
cheating state; with every server off nobody can tell anything.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Final

import httpx2

from baas.clock import iso
from baas.connectors import ConnectorError, ConnectorSettings, Environment
from baas.connectors.csv import CsvConnector
from baas.metrics import OF_A_RECORD, Arm, Attack
from baas.pilots.cheating.exhibits import Exhibit, Look, Seen
from baas.pilots.cheating.keys import Keys
from baas.pilots.cheating.site import site
from baas.pilots.cheating.timestamp import BACK
from baas.protocols.secure_code import PATH, Held, Statement
from baas.trust_service.secure_codes.keeping import SecureCodes
from baas.trust_store import trusted_for
from sandbox.errors import EvidenceError

KEPT: Final = "code"
OFFLINE: Final = "with every server off nobody can tell: the issuer's site alone answers"


class Issuer:
    """The operator's site, open, and what it keeps: `codes` is where it cheats."""

    def __init__(self, url: str, connector: CsvConnector, codes: SecureCodes, now: datetime) -> None:
        self.url, self.connector, self.codes, self.now = url, connector, codes, now
        self._anybody = httpx2.Client(timeout=10.0, trust_env=False, verify=trusted_for(url))

    def close(self) -> None:
        self._anybody.close()

    def issued(self) -> bytes:
        """A new code for a new document, as its holder keeps it."""
        return self.connector.submit(secrets.token_bytes(32)).content

    def asked(self, by: str, content: bytes) -> Seen:
        """What `by`, who holds `content`, finds when the site is asked as it is now."""
        started = time.perf_counter()
        said = self._found(Held.decode(content), content)
        return Seen(by, KEPT, said, time.perf_counter() - started, without_operator=False)

    def _found(self, held: Held, content: bytes) -> str | None:
        try:
            self.connector.confirm(held.digest, content)
            copy = self._anybody.get(f"{self.url}{PATH}/{held.code}/copy")
            stated = Statement.decode(copy.content).time
        except (ConnectorError, EvidenceError) as error:
            return str(error)
        return None if stated == held.time else f"its date is {iso(stated)} now, and was {iso(held.time)}"


@contextmanager
def issuer(keys: Keys, administration: str) -> Iterator[Issuer]:
    """The administration as the issuer of codes, on a site of its own in which the operator's hands are."""
    keys.enrolled(administration)
    with site(keys) as url, closing(SecureCodes.open(keys.directory / "csv", keys.clock)) as codes:
        settings = ConnectorSettings(
            url,
            keys.root_pem,
            Environment.LAB_EMULATOR,
            secret=keys.service.secret_of(administration),
            options={"administration": administration},
        )
        with (
            closing(CsvConnector.open(settings)) as connector,
            closing(Issuer(url, connector, codes, keys.clock.now())) as opened,
        ):
            yield opened


def exhibits(arm: Arm, opened: Issuer, records: int) -> Iterator[Exhibit]:
    """Every attack on `records` codes each, and the untouched ones."""
    for attack in OF_A_RECORD:
        for number in range(records):
            yield Exhibit(arm, attack, number, tuple(_looks(attack, opened)), OFFLINE)


def _looks(attack: Attack, opened: Issuer) -> Iterator[Look | Seen]:
    kept = opened.issued()
    held, other = Held.decode(kept), secrets.token_bytes(32)
    match attack:
        case Attack.NONE:
            yield opened.asked("holder", kept)
        case Attack.BACK_DATE:
            opened.codes.replace(held.code, held.digest, time=opened.now - BACK)
            invented = Held(held.code, held.url, held.issuer, opened.now - BACK, held.digest, held.whole)
            yield opened.asked(
                "verifier", invented.encode()
            )  # who got the code with its false date, and asks
        case Attack.DELETE:
            opened.codes.delete(held.code)
            yield opened.asked("holder", kept)
        case Attack.REORDER:
            after = opened.issued()
            second = Held.decode(after)
            opened.codes.replace(held.code, held.digest, time=second.time)
            opened.codes.replace(second.code, second.digest, time=held.time - BACK)
            yield opened.asked("holder", after)
        case Attack.REWRITE:
            opened.codes.replace(held.code, other)
            yield opened.asked("holder", kept)
        case Attack.EQUIVOCATE:
            yield opened.asked("holder", kept)
            opened.codes.replace(held.code, other)
            second = Held(held.code, held.url, held.issuer, held.time, other, held.whole)
            yield opened.asked("holder", second.encode())
            yield Look(
                "third_party", "two_codes", "codes_beside", {"one.json": kept, "other.json": second.encode()}
            )
