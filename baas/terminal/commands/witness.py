"""`baas witness`: witnesses of logs, inside the service or on a machine of one's own."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from baas.terminal.commands.administration import Administration, OnlyOf
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, record, table
from baas.terminal.session import connect
from sandbox import witness as witnesses
from sandbox.evidence import trust as trust_roots

app = typer.Typer(
    help="Witnesses: they cosign a log's checkpoint when that only adds to what they cosigned before."
)
File = Annotated[Path, typer.Argument(help="The witness's file.", exists=True, dir_okay=False)]
Key = Annotated[
    Path | None,
    typer.Option(
        help="A file of 64 hexadecimal digits: the private key, where the witness's file shall not hold it.",
        exists=True,
        dir_okay=False,
    ),
]
Either = Annotated[str, typer.Argument(help="The id of a witness in the service, or the file of one's own.")]


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="The file to make.", dir_okay=False)],
    name: Annotated[str, typer.Argument(help="Its name in cosignatures, such as witness.vila-b.example/w1.")],
    key: Key = None,
) -> Shown:
    """Make a witness of one's own: one file, which needs no service."""
    made = witnesses.create(file, name, _seed(key), keep_key=key is None)
    return record({"file": str(file), "name": name, "key": made}, "file", "name", "key")


@app.command()
def run(
    ctx: typer.Context,
    file: File,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 lets the system choose.", min=0, max=65535)] = 8090,
    key: Key = None,
) -> None:
    """Run a witness of one's own until Ctrl-C. It answers POST /add-checkpoint (C2SP tlog-witness)."""
    from baas.terminal.witness_server import run as serve

    def listening(shown: Shown) -> None:
        typer.echo(json.dumps(shown.value, ensure_ascii=False) if ctx.obj["json"] else shown.text)

    serve(file, host, port, _seed(key), listening)


@app.command()
def create(
    ctx: typer.Context,
    administration: Administration,
    label: Annotated[str, typer.Option(help="Its label among the administration's witnesses.")] = "w1",
) -> Shown:
    """Make a witness of an administration inside the service. For its admins."""
    with connect(ctx) as client:
        return record(client.create_witness(administration, label), "id", "name", "key", "address")


@app.command("list")
def list_(
    ctx: typer.Context,
    administration: OnlyOf = None,
    known: Annotated[
        bool, typer.Option("--known", help="All that a log may name, those elsewhere included.")
    ] = False,
) -> Shown:
    """The witnesses of the administrations that you may see."""
    with connect(ctx) as client:
        if known:
            return table(client.known_witnesses(), "name", "operator", "inside", "key")
        return table(client.witnesses(administration), "id", "name", "key", "created")


@app.command()
def show(ctx: typer.Context, witness: Either) -> Shown:
    """One witness, the logs that it follows, and the split views that one of them showed it."""
    if (file := Path(witness)).is_file():
        with witnesses.Witness(file, time.time) as opened:
            found = _own(opened)
    else:
        with connect(ctx) as client:
            found = client.witness(witness)
    lines = [record(found, "name", "key").text, "", table(found["logs"], "origin", "size", "time").text]
    lines += [
        f"SPLIT VIEW: {each['origin']} signed two checkpoints of size {each['size']} with different roots"
        for each in found["contradictions"]
    ]
    return Shown(found, "\n".join(lines), "refused" if found["contradictions"] else "ok")


@app.command()
def follow(
    ctx: typer.Context,
    witness: Either,
    trust: Annotated[
        Path,
        typer.Argument(help="The trust root of the logs' administration.", exists=True, dir_okay=False),
    ],
    origin: Annotated[
        str | None, typer.Option(help="Only the log of this origin; all of them, unless said.")
    ] = None,
) -> Shown:
    """Cosign for an administration's logs from now on. Get its trust root from that administration itself."""
    logs = [
        {"origin": log.origin, "key": key.verifier.vkey}
        for log in trust_roots.parse(trust.read_bytes()).logs
        for key in log.keys
        if origin in (None, log.origin)
    ]
    if not logs:
        raise Unusable(f"{trust}: expected a log{f' of origin {origin}' if origin else ''}, got none")
    if (file := Path(witness)).is_file():
        with witnesses.Witness(file, time.time) as opened:
            for each in logs:
                opened.follow(each["origin"], each["key"])
    else:
        with connect(ctx) as client:
            for each in logs:
                client.follow_log(witness, each["origin"], each["key"])
    return table(logs, "origin", "key")


@app.command()
def unfollow(
    ctx: typer.Context,
    witness: Either,
    origin: Annotated[str, typer.Argument(help="The log's origin.")],
) -> Shown:
    """Cosign no more for a log. What was cosigned stays valid, and is not forgotten."""
    if (file := Path(witness)).is_file():
        with witnesses.Witness(file, time.time) as opened:
            if not opened.unfollow(origin):
                raise Unusable(f"{file} follows no log of origin {origin!r}")
    else:
        with connect(ctx) as client:
            client.unfollow_log(witness, origin)
    return record({"origin": origin, "followed": False}, "origin", "followed")


def _seed(key: Path | None) -> bytes | None:
    if key is None:
        return None
    try:
        seed = bytes.fromhex(key.read_text().strip())
    except ValueError:
        seed = b""
    if len(seed) != 32:
        raise Unusable(f"{key}: expected 64 hexadecimal digits, the 32 bytes of an Ed25519 private key")
    return seed


def _own(opened: witnesses.Witness) -> dict[str, Any]:
    return {
        "name": opened.name,
        "key": opened.vkey,
        "logs": [
            {"origin": each.origin, "keys": list(each.keys), "size": each.size, "time": each.time}
            for each in opened.followed()
        ],
        "contradictions": [
            {"origin": each.origin, "size": each.size, "first": each.first, "second": each.second}
            for each in opened.contradictions()
        ],
    }
