"""`baas login` and `baas logout`: a token is checked with its service before it is stored, and never shown."""

from __future__ import annotations

import getpass
import os
import sys

from baas.client import Client
from baas.terminal.login import Login
from baas.terminal.problems import NotLoggedIn, Unusable
from baas.terminal.render import Shown
from baas.terminal.session import checked_url


def login(url: str, from_stdin: bool) -> Shown:
    """Store `url` as the service to talk to, with the token that it accepts. ApiProblem 401 when it does not."""
    place = checked_url(url)
    token = _token(place, from_stdin)
    with Client(place, token) as client:
        me = client.me()
    stored = Login.load()
    stored.service = place
    stored.tokens[place] = token
    stored.save()
    value = {"service": place, "login": str(stored.path), "me": me}
    return Shown(value, f"logged in to {place} as {me['label']} ({me['kind']}); stored in {stored.path}")


def logout(url: str | None) -> Shown:
    """Forget the token for `url`, or for the service that is logged in to. NotLoggedIn when there is none."""
    stored = Login.load()
    place = checked_url(url) if url else stored.service
    if place is None or place not in stored.tokens:
        raise NotLoggedIn(
            f"there is no login to forget{f' for {place}' if place else ''}: nothing was changed"
        )
    del stored.tokens[place]
    if stored.service == place:
        stored.service = None
    stored.save()
    return Shown(
        {"logged_out": place}, f"logged out of {place}; the token stays valid until it expires or is revoked"
    )


def _token(place: str, from_stdin: bool) -> str:
    if from_stdin:
        token = sys.stdin.readline().strip()
    elif given := os.environ.get("BAAS_TOKEN"):
        token = given.strip()
    elif sys.stdin.isatty():
        token = getpass.getpass(f"Token for {place}: ").strip()
    else:
        raise Unusable(
            "expected a token, but there is no terminal to ask on: use --token-stdin, or set BAAS_TOKEN"
        )
    if not token or not token.isascii() or not token.isprintable():
        raise Unusable("expected a token as the service showed it (baas_…), got nothing of that kind")
    return token
