"""`baas logout`: a stored token, forgotten."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal import signing_in
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)


@app.command()
def logout(
    url: Annotated[str | None, typer.Argument(help="The service; that of the login, unless said.")] = None,
) -> Shown:
    """Forget a stored token. It stays valid: `baas token revoke` ends it."""
    return signing_in.logout(url)
