"""REPRESENTA, modality REPRESENTA_VALIDACIO: whether somebody may act for another, before a body, on a day.

The powers are nobody's (`fictional.powers`). Code "0" comes with the power that answers; any other comes with none. AOC
publishes "0" alone: "001" to "005" are this sandbox's. What a power had given on a day that is still to come nobody can
say, since it may be revoked before. Signed evidence goes with the answer where `ExtensionesPeticion` asks for it;
`generaEvidencia`, which asks AOC's register for a paper of its own, does nothing here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import ClassVar, Self

from baas.clock import Clock, iso
from baas.exchange_service.fictional.powers import ANY, Power, Standing, powers
from baas.exchange_service.noticeboard import ZONE
from baas.exchange_service.products import Asked, Done, Modalities
from baas.exchange_service.products._payloads import read, refused, require_holder, require_no_files
from baas.protocols.pci.products import representa
from baas.protocols.pci.products.representa import HOLDS, NO_SUCH_POWER, Person, Scope, Validate, Validated
from baas.trust_service.database import Database

#: Of one question: all of them are one value of the evidence.
MOST_CAPACITIES = 50
ANSWERS = MappingProxyType(
    {
        Standing.VALID: (HOLDS, "La representació és vigent"),
        Standing.NONE: (NO_SUCH_POWER, "No consta cap representació entre aquestes persones"),
        Standing.OTHER_SCOPE: ("002", "La representació és vigent, però no per a aquest àmbit"),
        Standing.NOT_YET: ("003", "La representació encara no és vigent en aquesta data"),
        Standing.EXPIRED: ("004", "La vigència de la representació s'ha acabat"),
        Standing.REVOKED: ("005", "La representació s'ha revocat"),
    }
)


class Representa:
    """The register of powers, in the service's database."""

    slug: ClassVar[str] = "representa"
    code: ClassVar[str] = representa.PRODUCT
    modalities: ClassVar[Modalities] = {
        representa.VALIDATION: {
            "ca": "si una representació val per a un tràmit",
            "es": "si una representación vale para un trámite",
            "en": "whether a power of attorney covers an act",
        }
    }
    tables: ClassVar[str] = """
CREATE TABLE IF NOT EXISTS representa_powers (
    number INTEGER PRIMARY KEY,
    principal TEXT NOT NULL,
    attorney TEXT NOT NULL,
    administration TEXT NOT NULL,
    procedure TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    revoked TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS representa_by_parties ON representa_powers (principal, attorney)"""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    @classmethod
    def open(cls, database: Database, clock: Clock) -> Self:
        with database.transaction():
            for each in powers():
                database.rows(
                    "INSERT OR IGNORE INTO representa_powers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    each.number,
                    each.principal,
                    each.attorney,
                    each.administration,
                    each.procedure,
                    " ".join(sorted(each.capabilities)),
                    each.first.isoformat(),
                    each.last.isoformat(),
                    "" if each.revoked is None else each.revoked.isoformat(),
                )
        return cls(database, clock)

    def answer(self, asked: Asked) -> Done:
        payload = read(Representa, asked, representa.read)
        if not isinstance(payload, Validate):
            raise refused("expected validarRepresentacio, got an answer to one")
        require_no_files(asked)
        require_holder(asked, payload.grantor.document)
        if payload.administration != asked.organisation:
            raise refused(f"solicitant/administracio is who asks: expected {asked.organisation}")
        if len(payload.scope.capacities) > MOST_CAPACITIES:
            raise refused(
                f"capacitats: expected at most {MOST_CAPACITIES}, got {len(payload.scope.capacities)}"
            )
        day = self._day(payload.at)
        standing, power = self._best(payload, day)
        code, words = ANSWERS[standing]
        held = power if standing is Standing.VALID else None
        return Done(
            representa.write(Validated(code, words, None if held is None else _described(held))),
            {
                "codi": code,
                "estat": standing.value,
                "poderdant": payload.grantor.document,
                "representant": payload.representative.document,
                "administracio": payload.scope.administration,
                "tramit": payload.scope.procedure,
                "capacitats": " ".join(sorted(payload.scope.capacities)),
                "dataValidacio": iso(payload.at),
                "identificadorLegal": "" if held is None else _id(held),
            },
        )

    def _day(self, at: datetime) -> date:
        """The day in Catalonia. Raises ProductRefused for one that has not begun, and before 1900."""
        today = self._clock.now().astimezone(ZONE).date()
        if 1900 <= at.year <= today.year + 1:  # the others may have no day in another zone
            day = at.astimezone(ZONE).date()
            if day <= today:
                return day
        raise refused(f"dataValidacio: expected a day since 1900 that has begun, got {at:%Y-%m-%d}")

    def _best(self, payload: Validate, day: date) -> tuple[Standing, Power | None]:
        """Of all powers that the one gave the other, the one that says most in favour."""
        if payload.grantor.kind != "NIF" or payload.representative.kind != "NIF":
            return Standing.NONE, None  # nobody here gave or got a power by a passport
        scope = payload.scope
        found = [
            (each.standing(scope.administration, scope.procedure, scope.capacities, day), each)
            for each in self._between(payload.grantor.document, payload.representative.document)
        ]
        order = list(Standing)
        return min(found, key=lambda pair: order.index(pair[0]), default=(Standing.NONE, None))

    def _between(self, principal: str, attorney: str) -> list[Power]:
        rows = self._database.rows(
            "SELECT number, principal, attorney, administration, procedure, capabilities, first, last, revoked "
            "FROM representa_powers WHERE principal = ? AND attorney = ? ORDER BY number",
            principal,
            attorney,
        )
        return [_power(row) for row in rows]


def _power(row: tuple[object, ...]) -> Power:
    number, *texts = row
    assert isinstance(number, int)
    principal, attorney, administration, procedure, capabilities, first, last, revoked = map(str, texts)
    return Power(
        number,
        principal,
        attorney,
        administration,
        procedure,
        frozenset(capabilities.split()),
        date.fromisoformat(first),
        date.fromisoformat(last),
        date.fromisoformat(revoked) if revoked else None,
    )


def _described(power: Power) -> representa.Power:
    """As the register shows it: TIPUS_A in general, TIPUS_B before a body, TIPUS_C for a procedure."""
    administration = "" if power.administration == ANY else power.administration
    procedure = "" if power.procedure == ANY else power.procedure
    kind = "TIPUS_C" if procedure else "TIPUS_B" if administration else "TIPUS_A"
    return representa.Power(
        _id(power),
        kind,
        "VALIDA",
        Person(power.principal),
        Person(power.attorney),
        Scope(tuple(sorted(power.capabilities)), administration, procedure),
        start=_midnight(power.first),
        end=_midnight(power.last + timedelta(days=1)),
    )


def _id(power: Power) -> str:
    return f"SANDBOX-{power.number:06d}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, ZONE).astimezone(UTC)


PRODUCT = Representa
