"""`baas privacy`: what a digest gives away, shown live."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Any

import typer

from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, progress
from baas.terminal.session import connect
from sandbox import chain_scan, dni_search
from sandbox.catalogue import template
from sandbox.errors import SandboxError
from sandbox.evidence.commitment import commit, new_salt

app = typer.Typer(help="Privacy: what a digest of few possible values gives away, and what is on a chain.")


@app.command()
def demonstration(
    number: Annotated[
        int | None,
        typer.Option(
            help="The DNI's eight digits; drawn by chance unless said.", min=0, max=dni_search.ALL - 1
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(help="Try only the numbers below this one.", min=1, max=dni_search.ALL)
    ] = dni_search.ALL,
    processes: Annotated[int, typer.Option(help="How many processes share the work.", min=1, max=64)] = 1,
    seconds: Annotated[float, typer.Option(help="Stop after this time.", min=1)] = 600.0,
) -> Shown:
    """Find the DNI number behind an unsalted SHA-256 by trying them all, and fail to find it behind a commitment.

    A minute and a half on one core, less with --processes 2. No service, no network; the number is invented.
    """
    if number is not None and number >= limit:
        raise Unusable(
            f"--number {number}: expected one below --limit {limit}, or it is not among those tried"
        )
    secret = dni_search.message(secrets.randbelow(limit) if number is None else number)
    digest = hashlib.sha256(secret).digest()
    commitment = commit("sha-256", digest, new_salt())
    note(f"SHA-256 of a DNI number, without salt   {digest.hex()}")
    note(f"commitment to the same number, salted   {commitment.hex()}")
    note(f"trying {limit:,} numbers for both ...")
    done = dni_search.search(
        [digest, commitment],
        limit=limit,
        processes=processes,
        most_seconds=seconds,
        on_progress=progress("tried"),
    )
    plain, salted = done.found.get(digest), done.found.get(commitment)
    value = {
        "unsalted": {"digest": digest.hex(), "found": plain},
        "salted": {"commitment": commitment.hex(), "found": salted},
        "numbers": done.numbers,
        "seconds": round(done.seconds, 3),
        "rate": round(done.rate),
        "complete": done.numbers == limit,
    }
    text = "\n".join(
        (
            f"{done.numbers:,} numbers in {done.seconds:.1f} s, {done.rate:,.0f} a second on {processes} process(es)",
            f"unsalted SHA-256     {f'found: {plain}' if plain else 'not reached in the time given'}",
            f"salted commitment    {f'found: {salted}' if salted else 'not found: each number has 2^256 of them'}",
            "Whoever gets the salt, with a receipt or from the service, finds it as fast: that is why erasing deletes it.",
        )
    )
    return Shown(value, text, "ok" if plain else "refused")


@app.command()
def scan(ctx: typer.Context, chain: Annotated[str, typer.Argument(help="The chain's id.")]) -> Shown:
    """Read a whole chain by its contracts' ABIs: every word a root, a commitment, a proof hash, a number, an address.

    It ends with 1 when something is there that no ABI explains, such as another contract of yours.
    """
    with connect(ctx) as client:
        contracts = {
            each["address"]: template(each["template"]).artifact() for each in client.deployments(chain)
        }

        def read(method: str, *params: Any) -> Any:
            answer = client.rpc(chain, method, *params)
            if "error" in answer:
                raise RpcRefused(str(answer["error"].get("message")))
            return answer["result"]

        done = chain_scan.scan(read, contracts)
    value = {
        "blocks": done.blocks,
        "transactions": done.transactions,
        "words": dict(done.words),
        "findings": done.findings,
    }
    lines = [f"{done.transactions} transactions in {done.blocks} blocks, {len(contracts)} contracts"]
    lines += [f"{count:>8}  {kind}" for kind, count in done.words.most_common()]
    lines += done.findings or ["nothing else is on this chain: no text, no digest, no salt"]
    return Shown(value, "\n".join(lines), "ok" if done.clean else "refused")


class RpcRefused(SandboxError):
    """What the chain's door answered instead of a result."""
