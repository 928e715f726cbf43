"""REPRESENTA, modality REPRESENTA_VALIDACIO: whether somebody may act for another, before a body, at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from baas.protocols.pci import names
from baas.protocols.pci.fields import (
    add,
    add_some,
    add_time,
    part,
    parts,
    some,
    some_time,
    text,
    time_in,
    truth,
    under,
)
from baas.protocols.pci.products import begin, finished, name_of, opened

PRODUCT = "REPRESENTA"
VALIDATION = "REPRESENTA_VALIDACIO"

HOLDS = "0"
"""`codi`: there is a power."""
NO_SUCH_POWER = "001"


@dataclass(frozen=True, slots=True)
class Person:
    """A person's document (14): `kind` is NIF or PASSAPORT; `type`, where said, FISICA or JURIDICA."""

    document: str
    kind: str = "NIF"
    type: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """`ambitRepresentacio`: what a power is for (`capacities`, one at least), before which body, in which procedure."""

    capacities: tuple[str, ...]
    administration: str = ""
    procedure: str = ""


@dataclass(frozen=True, slots=True)
class Validate:
    """`validarRepresentacio`: may `representative` act for `grantor` at `at`? Asked by a person of an administration."""

    grantor: Person
    representative: Person
    scope: Scope
    at: datetime
    asker: Person
    administration: str
    application: str = ""
    evidence: bool = False


@dataclass(frozen=True, slots=True)
class Power:
    """`representacio` as it is registered: `type` TIPUS_A (general), B (a body), C (a procedure); `state` VALIDA…"""

    id: str
    type: str
    state: str
    grantor: Person
    representative: Person
    scope: Scope
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Validated:
    """`validarRepresentacioResponse`: code "0" with the power that answers, or another code and none."""

    code: str
    description: str
    power: Power | None = None


Payload = Validate | Validated


# --- writing


def write(payload: Payload) -> bytes:
    if isinstance(payload, Validate):
        root = begin(names.REPRESENTA, "validarRepresentacio", "r")
        data = under(root, "dades")
        _write_parties(under(data, "representacio"), payload)
        add_time(data, "dataValidacio", payload.at)
        asker = under(data, "solicitant")
        _write_person(under(asker, "persona"), payload.asker)
        add(under(asker, "administracio"), "codi", payload.administration)
        add_some(asker, "aplicacio", payload.application)
        add_some(data, "generaEvidencia", "true" if payload.evidence else "")
        return finished(root, "representa")
    root = begin(names.REPRESENTA, "validarRepresentacioResponse", "r")
    result = under(root, "resultat")
    said = under(result, "resposta")
    add(said, "codi", payload.code)
    add(said, "descripcio", payload.description)
    add(said, "tipusSolicitud", "VALIDACIO")
    if payload.power is not None:
        _write_power(under(result, "representacio"), payload.power)
    return finished(root, "representa")


def _write_power(block: etree._Element, power: Power) -> None:
    add(block, "identificadorLegal", power.id)
    add(block, "tipusRepresentacio", power.type)
    add(block, "estat", power.state)
    _write_parties(block, power)
    for name, moment in (("dataIniciVigencia", power.start), ("dataFiVigencia", power.end)):
        add_time(block, name, moment)


def _write_parties(block: etree._Element, of: Validate | Power) -> None:
    _write_person(under(block, "poderdant"), of.grantor)
    _write_person(under(block, "representant"), of.representative)
    scope = under(block, "ambitRepresentacio")
    for name, code in (("administracio", of.scope.administration), ("tramit", of.scope.procedure)):
        if code:
            add(under(scope, name), "codi", code)
    capacities = under(scope, "capacitats")
    for each in of.scope.capacities:
        add(under(capacities, "capacitat"), "codi", each)


def _write_person(block: etree._Element, person: Person) -> None:
    add(block, "tipusDocumentIdentificatiu", person.kind)
    add(block, "valorDocumentIdentificatiu", person.document)
    add_some(block, "tipusPersona", person.type)
    add_some(block, "nomRaoSocial", person.name)


# --- reading


def read(data: bytes) -> Payload:
    root = opened(data, "representa", PRODUCT)
    if name_of(root) == "validarRepresentacio":
        asked = part(root, "dades")
        power, asker = part(asked, "representacio"), part(asked, "solicitant")
        return Validate(
            grantor=_person(part(power, "poderdant")),
            representative=_person(part(power, "representant")),
            scope=_scope(part(power, "ambitRepresentacio")),
            at=time_in(asked, "dataValidacio"),
            asker=_person(part(asker, "persona")),
            administration=text(part(asker, "administracio"), "codi"),
            application=text(asker, "aplicacio"),
            evidence=truth(asked, "generaEvidencia"),
        )
    result = part(root, "resultat")
    said, found = part(result, "resposta"), some(result, "representacio")
    return Validated(text(said, "codi"), text(said, "descripcio"), None if found is None else _power(found))


def _power(block: etree._Element) -> Power:
    return Power(
        id=text(block, "identificadorLegal"),
        type=text(block, "tipusRepresentacio"),
        state=text(block, "estat"),
        grantor=_person(part(block, "poderdant")),
        representative=_person(part(block, "representant")),
        scope=_scope(part(block, "ambitRepresentacio")),
        start=some_time(block, "dataIniciVigencia"),
        end=some_time(block, "dataFiVigencia"),
    )


def _person(block: etree._Element) -> Person:
    return Person(
        text(block, "valorDocumentIdentificatiu"),
        text(block, "tipusDocumentIdentificatiu"),
        text(block, "tipusPersona"),
        text(block, "nomRaoSocial"),
    )


def _scope(block: etree._Element) -> Scope:
    administration, procedure = some(block, "administracio"), some(block, "tramit")
    return Scope(
        tuple(text(each, "codi") for each in parts(part(block, "capacitats"), "capacitat")),
        "" if administration is None else text(administration, "codi"),
        "" if procedure is None else text(procedure, "codi"),
    )
