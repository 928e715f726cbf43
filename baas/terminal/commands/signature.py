"""`baas signature`: the signature services in their own protocols (OASIS DSS, RFC 3161), and signatures judged offline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baas.ades import dss_codes
from baas.ades.types import Format, Level
from baas.connectors import ConnectorSettings, Environment
from baas.terminal import files
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, record

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from baas.ades.verdict import Verdict
    from baas.connectors.signature.psis import PsisAdapter

app = typer.Typer(
    help="The existing signature services, asked in their own protocols: PSIS' validator, its time-stamps, seals. Nothing "
    "that the embedded service signs is qualified."
)
Url = Annotated[str, typer.Option(help="The service's address, without a path.", envvar="BAAS_SIGNATURE_URL")]
Root = Annotated[
    Path,
    typer.Option(
        help="The PEM file of the roots that you trust.",
        envvar="BAAS_SIGNATURE_ROOT",
        exists=True,
        dir_okay=False,
    ),
]
Where = Annotated[
    Environment, typer.Option("--environment", help="Which environment the address belongs to.")
]
Document = Annotated[Path, typer.Argument(help="The document.", exists=True, dir_okay=False)]
Out = Annotated[Path, typer.Option(help="The file to write.", dir_okay=False)]
FIELDS = (
    "indication", "sub_indication", "result_major", "result_minor", "format", "level", "signer",
    "signing_time", "proven_time", "details", "notes", "judged_by",
)  # fmt: skip


@app.command()
def validate(
    signed: Annotated[
        Path, typer.Argument(help="A signed PDF, a CMS or XML signature, a time-stamp token.", exists=True)
    ],
    root: Root,
    document: Annotated[
        Path | None,
        typer.Option(help="What was signed, where that is apart.", exists=True, dir_okay=False),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="The service to ask; without it the signature is judged here, offline.",
            envvar="BAAS_SIGNATURE_URL",
        ),
    ] = None,
    crl: Annotated[
        list[Path] | None,
        typer.Option(help="A CRL (DER), for a judgement offline; may be repeated.", exists=True),
    ] = None,
    at: Annotated[
        datetime | None, typer.Option(help="The time of the question, in UTC; now unless said.")
    ] = None,
    environment: Where = Environment.LAB_EMULATOR,
) -> Shown:
    """Judge a signature: EN 319 102-1's indication and OASIS DSS' result, with the reason. Not 0 unless TOTAL-PASSED."""
    content, detached = signed.read_bytes(), document.read_bytes() if document else None
    moment = _utc(at)
    if url is None:
        from baas.ades import signatures
        from baas.ades.types import Revocation, Trust
        from baas.clock import SystemClock

        known = Revocation(crls=tuple(each.read_bytes() for each in crl or ()))
        trust = Trust(tuple(_certificates(root)), revocation=known)
        verdict = signatures.validate(content, detached, trust, moment or SystemClock().now())
        return _verdict(verdict, "signature", "here, offline")
    with _psis(url, root, environment) as service:
        found = service.validate(content, detached, moment)
    return _verdict(found.verdict, "signature", found.exchange.provider)


@app.command()
def certificate(
    file: Annotated[Path, typer.Argument(help="A certificate, PEM or DER.", exists=True, dir_okay=False)],
    url: Url,
    root: Root,
    environment: Where = Environment.LAB_EMULATOR,
) -> Shown:
    """Ask the service whether a certificate is valid now, and whose it is."""
    from cryptography.hazmat.primitives.serialization import Encoding

    (found, *_) = _certificates(file)
    with _psis(url, root, environment) as service:
        answer = service.validate_certificate(found.public_bytes(Encoding.DER))
    return _verdict(answer.verdict, "certificate", answer.exchange.provider)


@app.command()
def timestamp(
    document: Document, url: Url, root: Root, out: Out, environment: Where = Environment.LAB_EMULATOR
) -> Shown:
    """Have a document's digest time-stamped (RFC 3161); the document stays here. Writes the token, DER."""
    from sandbox.evidence.digest import digest_file

    with _psis(url, root, environment) as service:
        stamped = service.timestamp(digest_file(document))
    files.write(out, stamped.token)
    shown = {
        "file": str(out),
        "time": stamped.stated_time.isoformat(),
        "verifiable_until": stamped.verifiable_until.isoformat(),
        "policy": stamped.exchange.policy,
        "provider": stamped.exchange.provider,
        "qualified": stamped.exchange.qualified,
    }
    return record(shown, *shown)


@app.command()
def seal(
    document: Document,
    url: Url,
    root: Root,
    out: Out,
    administration: Annotated[str, typer.Option(help="Whose seal: its INE10 or DIR3 code.")],
    secret_file: Annotated[
        Path,
        typer.Option(
            help="The file of the secret that the service knows it by.", exists=True, dir_okay=False
        ),
    ],
    format: Annotated[Format, typer.Option(help="Of a PDF: pades.")] = Format.CADES,  # noqa: A002  # the standards' word
    level: Annotated[Level, typer.Option(help="The baseline level.")] = Level.T,
    environment: Where = Environment.LAB_EMULATOR,
) -> Shown:
    """Have a document sealed with the administration's electronic seal, which the service holds."""
    from sandbox.evidence.digest import digest_file

    secret = secret_file.read_text("utf-8").strip()
    what = document.read_bytes() if format is Format.PADES else digest_file(document)
    with _psis(url, root, environment, secret, administration) as service:
        sealed = service.seal(what, format, level)
    files.write(out, sealed.signed)
    until = sealed.verifiable_until.isoformat() if sealed.verifiable_until else None
    shown = {
        "file": str(out),
        "format": sealed.format.value,
        "level": sealed.level.value,
        "sealed_by": sealed.verdict.signer.get("OrganizationName"),
        "verifiable_until": until,
        "provider": sealed.exchange.provider,
        "qualified": sealed.exchange.qualified,
    }
    return record(shown, *shown)


@app.command()
def sign(
    document: Document,
    url: Annotated[str, typer.Option(help="Signador's address.", envvar="BAAS_SIGNADOR_URL")],
    root: Root,
    out: Out,
    domain: Annotated[
        str, typer.Option(help="The domain that is registered there, such as https://seu.example.")
    ],
    key_file: Annotated[
        Path, typer.Option(help="The file of that domain's key.", exists=True, dir_okay=False)
    ],
    format: Annotated[Format, typer.Option(help="Of the signature.")] = Format.CADES,  # noqa: A002  # the standards' word
    level: Annotated[Level, typer.Option(help="The baseline level.")] = Level.T,
    environment: Where = Environment.LAB_EMULATOR,
) -> Shown:
    """Have a person sign a document's digest through Signador: shows the address to open, waits five minutes at most."""
    from baas.connectors.signature.signador import SignadorAdapter
    from sandbox.evidence.digest import digest_file

    _certificates(root)
    settings = ConnectorSettings(
        url,
        root.read_bytes(),
        environment,
        secret=key_file.read_text("utf-8").strip(),
        options={"domain": domain},
    )
    adapter = SignadorAdapter.open(settings, lambda page: note(f"sign at {page}"))
    try:
        signed = adapter.seal(digest_file(document), format, level, name=document.name)
    finally:
        adapter.close()
    files.write(out, signed.signed)
    shown = {
        "file": str(out),
        "format": signed.format.value,
        "level": signed.level.value,
        "signed_by": signed.verdict.signer.get("CommonName"),
        "provider": signed.exchange.provider,
        "qualified": signed.exchange.qualified,
    }
    return record(shown, *shown)


@app.command()
def run(
    data: Annotated[Path, typer.Option(help="Its directory, made when it is not there.", file_okay=False)],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 lets the system choose.", min=0, max=65535)] = 8091,
) -> None:
    """Run the embedded trust service alone, until Ctrl-C: a laboratory's stand-in for AOC's services, apart from chains."""
    from baas.trust_service.__main__ import main

    note("a laboratory's stand-in: nothing that it signs is qualified")
    raise typer.Exit(main(["--data", str(data), "--host", host, "--port", str(port)]))


@contextmanager
def _psis(
    url: str, root: Path, environment: Environment, secret: str = "", administration: str = ""
) -> Iterator[PsisAdapter]:
    from baas.connectors.signature.psis import PsisAdapter

    _certificates(root)
    options = {"administration": administration} if administration else {}
    adapter = PsisAdapter.open(
        ConnectorSettings(url, root.read_bytes(), environment, secret=secret, options=options)
    )
    if environment is not Environment.LAB_EMULATOR:
        note(f"this adapter was verified against {adapter.capabilities.verified_against}")
    try:
        yield adapter
    finally:
        adapter.close()


def _certificates(file: Path) -> list[Certificate]:
    from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificates

    content = file.read_bytes()
    try:
        if content.startswith(b"\x30"):
            return [load_der_x509_certificate(content)]
        return load_pem_x509_certificates(content)
    except ValueError as error:
        raise Unusable(f"{file}: expected certificates in PEM, or one in DER: {error}") from error


def _utc(at: datetime | None) -> datetime | None:
    from datetime import UTC

    return None if at is None else at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _verdict(verdict: Verdict, subject: dss_codes.Subject, judged_by: str) -> Shown:
    major, minor = dss_codes.result(verdict, subject)
    shown: dict[str, Any] = {
        "indication": verdict.indication.value,
        "sub_indication": verdict.sub_indication and verdict.sub_indication.value,
        "result_major": major,
        "result_minor": minor,
        "format": verdict.format and verdict.format.value,
        "level": verdict.level and verdict.level.value,
        "signer": verdict.signer.get("CommonName") or verdict.signer.get("OrganizationName"),
        "signing_time": verdict.signing_time and verdict.signing_time.isoformat(),
        "proven_time": verdict.proven_time and verdict.proven_time.isoformat(),
        "details": list(verdict.details),
        "notes": list(verdict.notes),
        "judged_by": judged_by,
        "certificate": dict(verdict.signer),
        "qualified": False,
    }
    found = record(shown, *FIELDS)
    return found if verdict.ok else found._replace(ending="refused")
