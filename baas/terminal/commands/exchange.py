"""`baas exchange`: the existing exchange service in its own messages (PCI over SOAP), and its evidence checked offline."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baas.connectors import ConnectorSettings, Environment
from baas.terminal import files
from baas.terminal.commands import exchange_access
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, record

if TYPE_CHECKING:
    from baas.connectors.exchanges import Call
    from baas.connectors.exchanges.pci import PciAdapter
    from baas.protocols.pci.evidence import EvidenceStatement
    from baas.protocols.pci.messages import Element, Poll, Request, Requester, Response

app = typer.Typer(
    help="The existing exchange service, asked in its own messages: AOC's PCI, or the embedded stand-in, whose answers are "
    "about nobody."
)
app.add_typer(exchange_access.app)
Url = Annotated[str, typer.Option(help="The service's address, without a path.", envvar="BAAS_EXCHANGE_URL")]
Root = Annotated[
    Path,
    typer.Option(
        help="The PEM file of the roots that you trust: of its TLS server and of its evidence.",
        envvar="BAAS_EXCHANGE_ROOT",
        exists=True,
        dir_okay=False,
    ),
]
Key = Annotated[
    Path,
    typer.Option(
        help="The PEM file of your application's private key, its certificate and those above it.",
        envvar="BAAS_EXCHANGE_KEY",
        exists=True,
        dir_okay=False,
    ),
]
Code = Annotated[
    str, typer.Option("--administration", help="Who asks: its INE10 code.", envvar="BAAS_EXCHANGE_CODE")
]
Name = Annotated[str, typer.Option(help="Its name; its code unless said.")]
Purpose = Annotated[str, typer.Option(help="Finalitat: what it is asked for.")]
Where = Annotated[
    Environment, typer.Option("--environment", help="Which environment the address belongs to.")
]
Security = Annotated[str, typer.Option(help="How you are known: wss (signed messages) or mtls.")]
Revocation = Annotated[
    str, typer.Option(help="Where the embedded service's CRLs are, when not at its own address.")
]
Product = Annotated[str, typer.Option(help="CodigoProducto.")]
Modality = Annotated[str, typer.Option(help="CodigoCertificado.")]
Data = Annotated[
    list[Path] | None,
    typer.Option(
        help="The XML file of the product's own element, one for each thing asked.",
        exists=True,
        dir_okay=False,
    ),
]
Person = Annotated[
    list[str] | None,
    typer.Option(
        "--person",
        help="In place of --data, for PADRO RESIDENT: KIND:NUMBER, as nif:12344321Z; nif, nie, passport.",
    ),
]
Id = Annotated[str, typer.Option("--id", help="IdPeticion; a new one unless said.")]
OldId = Annotated[str, typer.Option("--id", help="IdPeticion of the request.")]
Count = Annotated[int, typer.Option(help="How many elements the request has.", min=1, max=500)]
NoEvidence = Annotated[bool, typer.Option("--no-evidence", help="Do not ask for signed evidence.")]


@app.command()
def capabilities(url: Url, environment: Where = Environment.LAB_EMULATOR) -> Shown:
    """What can be asked of it from here, and where that was really tried."""
    from baas.connectors.exchanges.pci import offered

    found = offered(environment, url)
    products = [f"{code} {each}" for code, modalities in found.products.items() for each in modalities]
    shown = {
        "provider": found.provider,
        "products": products,
        "most_elements": found.most_elements,
        "attachments": found.attachments,
        "verified_against": found.verified_against,
    }
    return record(shown, *shown)


@app.command()
def submit(
    url: Url,
    root: Root,
    key: Key,
    administration: Code,
    product: Product = "PADRO",
    modality: Modality = "RESIDENT",
    data: Data = None,
    person: Person = None,
    attach: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file that goes along, named d1, d2… in the message.", exists=True, dir_okay=False
        ),
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="The file to write the signed evidence to.", dir_okay=False)
    ] = None,
    answer: Annotated[
        Path | None, typer.Option(help="The file to write the product's answer to.", dir_okay=False)
    ] = None,
    message: Annotated[
        Path | None,
        typer.Option(help="The file to write the message to, as it was sent.", dir_okay=False),
    ] = None,
    id_: Id = "",
    name: Name = "",
    purpose: Purpose = "PROVES",
    security: Security = "wss",
    revocation: Revocation = "",
    environment: Where = Environment.LAB_EMULATOR,
) -> Shown:
    """Ask one thing and wait for the answer; evidence is asked for where a file is named for it, and checked first."""
    from baas.protocols.pci.messages import File

    with _pci(url, root, key, administration, name, purpose, security, revocation, environment) as pci:
        attached = tuple(
            File(f"d{number}", path.name, content, hashlib.sha256(content).digest())
            for number, path in enumerate(attach or (), 1)
            for content in (path.read_bytes(),)
        )
        elements = _elements(data, person, pci.requester, evidence=evidence is not None)
        request = _request(pci.requester, id_, product, modality, elements, attached)
        found = pci.submit(request)
        kept = {
            evidence: pci.completed(found.response.answers[0].evidence) if evidence else b"",
            answer: found.response.answers[0].data,
            message: found.call.message,
        }
    for path, content in kept.items():
        if path is not None:
            files.write(path, content)
    return _told(found.response, found.call, found.response.answers[0].data)


@app.command("submit-async")
def submit_async(
    url: Url,
    root: Root,
    key: Key,
    administration: Code,
    product: Product = "PADRO",
    modality: Modality = "RESIDENT",
    data: Data = None,
    person: Person = None,
    id_: Id = "",
    no_evidence: NoEvidence = False,
    name: Name = "",
    purpose: Purpose = "PROVES",
    security: Security = "wss",
    revocation: Revocation = "",
    environment: Where = Environment.LAB_EMULATOR,
) -> Shown:
    """Leave a request of up to 500 elements; `fetch` gets the answers."""
    with _pci(url, root, key, administration, name, purpose, security, revocation, environment) as pci:
        elements = _elements(data, person, pci.requester, evidence=not no_evidence)
        found = pci.submit_async(_request(pci.requester, id_, product, modality, elements))
    shown = {
        "id": found.confirmation.id,
        "state": found.confirmation.status.state.value,
        "elements": found.confirmation.count,
        "hours": found.confirmation.status.hours,
        "provider": found.call.provider,
    }
    return record(shown, *shown)


@app.command()
def fetch(
    url: Url,
    root: Root,
    key: Key,
    administration: Code,
    id_: OldId,
    product: Product = "PADRO",
    modality: Modality = "RESIDENT",
    count: Count = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="The directory to write the answers to: 1.xml, 2.xml…", file_okay=False),
    ] = None,
    name: Name = "",
    purpose: Purpose = "PROVES",
    security: Security = "wss",
    revocation: Revocation = "",
    environment: Where = Environment.LAB_EMULATOR,
) -> Shown:
    """The answers to a request of before; where there are none yet, its state."""
    from baas.connectors.exchanges import Pending

    with _pci(url, root, key, administration, name, purpose, security, revocation, environment) as pci:
        found = pci.fetch(_poll(pci.requester, id_, product, modality, count))
    if isinstance(found, Pending):
        return _told(found.response, found.call)._replace(ending="conflict")
    for number, each in enumerate(found.response.answers if out else (), 1):
        assert out is not None
        files.write(out / f"{number}.xml", each.data)
    return _told(found.response, found.call)


@app.command()
def evidence(
    url: Url,
    root: Root,
    key: Key,
    administration: Code,
    id_: OldId,
    out: Annotated[
        Path, typer.Option(help="The directory to write the evidence to: 1.xml, 2.xml…", file_okay=False)
    ],
    product: Product = "PADRO",
    modality: Modality = "RESIDENT",
    count: Count = 1,
    name: Name = "",
    purpose: Purpose = "PROVES",
    security: Security = "wss",
    revocation: Revocation = "",
    environment: Where = Environment.LAB_EMULATOR,
) -> Shown:
    """The signed evidence of an answered request, checked, with the CRLs in it: what its holder keeps."""
    with _pci(url, root, key, administration, name, purpose, security, revocation, environment) as pci:
        found = pci.evidence(_poll(pci.requester, id_, product, modality, count))
        kept = [pci.completed(each) for each in found]
    for number, content in enumerate(kept, 1):
        files.write(out / f"{number}.xml", content)
    shown = {"id": id_, "files": [str(out / f"{number}.xml") for number in range(1, len(kept) + 1)]}
    return record(shown, *shown)


@app.command()
def verify(
    kept: Annotated[
        Path,
        typer.Argument(
            help="Signed evidence (XML), or that of a hand-over (JSON).", exists=True, dir_okay=False
        ),
    ],
    root: Root,
    document: Annotated[
        Path | None, typer.Option(help="The document of a hand-over.", exists=True, dir_okay=False)
    ] = None,
    message: Annotated[
        Path | None,
        typer.Option(help="The message that it must be evidence of.", exists=True, dir_okay=False),
    ] = None,
    giver: Annotated[str, typer.Option(help="Who must have handed over: its code.")] = "",
    taker: Annotated[str, typer.Option(help="Who must have taken: its code.")] = "",
    environment: Where = Environment.LAB_EMULATOR,
) -> Shown:
    """Check kept evidence offline, with the roots alone."""
    from baas.clock import SystemClock
    from baas.connectors import _hand_over
    from baas.connectors.exchanges._evidence import Signatory
    from sandbox.errors import VerificationError

    signatory = Signatory.of(_settings("https://nobody.invalid", root, environment))
    content, now = kept.read_bytes(), SystemClock().now()
    if content.startswith(b"{"):
        said, _ = _hand_over.read(content)
        digest = hashlib.sha256(document.read_bytes()).digest() if document else said
        bodies = _hand_over.Bodies(giver, taker, {}) if giver or taker else None
        time, until, steps = _hand_over.verify(content, digest, signatory, bodies, now)
        shown: dict[str, Any] = {
            "type": _hand_over.TYPE,
            "digest": digest.hex(),
            "document": "matches" if document else "not compared",
            "steps": [
                f"{step} by {each.organisation} at {each.time.isoformat()}"
                for step, each in zip(_hand_over.Step, steps, strict=True)
            ],
            "time": time.isoformat(),
        }
    else:
        statement, judged = signatory.kept(content, now)
        if message and hashlib.sha256(message.read_bytes()).digest() != statement.message_sha256:
            raise VerificationError(f"the evidence is not of the message {message}")
        until, proven = judged.until, judged.verdict.proven_time
        shown = _stated(statement) | {
            "message": "matches" if message else "not compared",
            "time": (proven or statement.time).isoformat(),
        }
    shown["verifiable_until"] = until.isoformat() if until else None
    shown["qualified"] = False
    return record(shown, *shown)


@app.command()
def run(
    data: Annotated[Path, typer.Option(help="Its directory, made when it is not there.", file_okay=False)],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 lets the system choose.", min=0, max=65535)] = 8092,
    authorise: Annotated[
        list[str] | None,
        typer.Option(help="CODE:PRODUCT:MODALITY:PURPOSE that may be asked; may be repeated."),
    ] = None,
) -> None:
    """Run the embedded exchange service alone, until Ctrl-C: a laboratory's stand-in, with a trust service of its own."""
    from baas.exchange_service.__main__ import main

    note("a laboratory's stand-in: its data are about nobody, and nothing that it signs is qualified")
    given = [argument for each in authorise or () for argument in ("--authorise", each)]
    raise typer.Exit(main(["--data", str(data), "--host", host, "--port", str(port), *given]))


# --- inside


@contextmanager
def _pci(
    url: str,
    root: Path,
    key: Path,
    administration: str,
    name: str,
    purpose: str,
    security: str,
    revocation: str,
    environment: Environment,
) -> Iterator[PciAdapter]:
    from baas.ades import pem
    from baas.ades.types import AdesError
    from baas.connectors.exchanges.pci import PciAdapter

    try:
        signer = pem.read(key.read_bytes())
    except AdesError as error:
        raise Unusable(f"{key}: {error}") from error
    options = {
        "administration": administration,
        "name": name,
        "purpose": purpose,
        "security": security,
        "revocation": revocation,
    }
    settings = _settings(url, root, environment, options, {administration: signer})
    try:
        adapter = PciAdapter.open(settings)
    except ValueError as error:
        raise Unusable(str(error)) from error
    if environment is not Environment.LAB_EMULATOR:
        note(f"this adapter was verified against {adapter.capabilities.verified_against}")
    try:
        yield adapter
    finally:
        adapter.close()


def _settings(
    url: str,
    root: Path,
    environment: Environment,
    options: dict[str, str] | None = None,
    signers: Any = None,
) -> ConnectorSettings:
    from cryptography.x509 import load_pem_x509_certificates

    anchors = root.read_bytes()
    try:
        load_pem_x509_certificates(anchors)
    except ValueError as error:
        raise Unusable(f"{root}: expected certificates in PEM: {error}") from error
    return ConnectorSettings(url, anchors, environment, options=options or {}, signers=signers or {})


def _elements(
    data: list[Path] | None, person: list[str] | None, requester: Requester, *, evidence: bool
) -> tuple[Element, ...]:
    from baas.protocols.pci.messages import Element, Holder

    if bool(data) == bool(person):
        raise Unusable("say what is asked: either --data or --person")
    asked: list[tuple[bytes, Holder | None]] = [(path.read_bytes(), None) for path in data or ()]
    asked += [_person(each) for each in person or ()]
    return tuple(
        Element(str(number), requester, content, holder=holder, officer=_officer(), evidence=evidence)
        for number, (content, holder) in enumerate(asked, 1)
    )


def _person(text: str) -> tuple[bytes, Any]:
    from baas.protocols.pci.errors import PciError
    from baas.protocols.pci.messages import DocumentType, Holder
    from baas.protocols.pci.products import padro

    kinds = {
        "nif": (padro.Document.NIF, DocumentType.NIF),
        "nie": (padro.Document.NIE, DocumentType.NIE),
        "passport": (padro.Document.PASSPORT, DocumentType.PASSPORT),
    }
    kind, _, number = text.partition(":")
    if kind not in kinds or not number:
        raise Unusable(f"--person: expected {', '.join(kinds)} and a number, as nif:12344321Z, got {text!r}")
    product, message = kinds[kind]
    try:
        return padro.write(padro.Resident("BAAS", product, number)), Holder(message, number)
    except PciError as error:
        raise Unusable(f"--person: {error}") from error


def _officer() -> Any:
    from baas.connectors._exchange_asks import OFFICER

    return OFFICER


def _request(
    requester: Requester,
    id_: str,
    product: str,
    modality: str,
    elements: tuple[Element, ...],
    attached: tuple[Any, ...] = (),
) -> Request:
    from dataclasses import replace

    from baas.protocols.pci.messages import Request

    if attached:
        elements = (replace(elements[0], files=attached), *elements[1:])
    return Request(
        id_ or _new_id(requester),
        datetime.now(UTC),
        product,
        modality,
        requester,
        elements,
        officer=_officer(),
    )


def _new_id(requester: Requester) -> str:
    import secrets

    return f"{requester.code}-{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(8)}"


def _poll(requester: Requester, id_: str, product: str, modality: str, count: int) -> Poll:
    from baas.protocols.pci.messages import Poll

    return Poll(id_, datetime.now(UTC), product, modality, requester, count)


def _told(response: Response, call: Call, data: bytes = b"") -> Shown:
    shown: dict[str, Any] = {
        "id": response.id,
        "state": response.status.state.value,
        "answers": len(response.answers),
        "hours": response.status.hours,
        "provider": call.provider,
        "seconds": round((call.ended - call.started).total_seconds(), 3),
        "qualified": False,
    }
    if data:
        shown["answer"] = data.decode("utf-8")
    return record(shown, *shown)


def _stated(statement: EvidenceStatement) -> dict[str, Any]:
    return {
        "id": statement.request_id,
        "element": statement.element_id,
        "product": f"{statement.product} {statement.modality}",
        "purpose": statement.purpose,
        "organisation": statement.organisation,
        "parameters": [f"{name}={value}" for name, value in sorted(statement.parameters.items())],
    }
