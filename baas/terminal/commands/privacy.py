"""`baas privacy`: what a digest gives away, shown live."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated

import typer

from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, progress
from sandbox import dni_search
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
