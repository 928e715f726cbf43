"""Witnesses elsewhere: which there are is the operator's choice alone, and this is the one place that asks them.

The addresses are in a TOML file that the setting `BAAS_WITNESSES_FILE` names, so that nobody else chooses where this
process connects to. Administrations choose among them by the name in their key:

    [vila-b]
    url = "https://witness.vila-b.example/w1"    # what `/add-checkpoint` is put after
    key = "witness.vila-b.example/w1+1a2b3c4d+BOvN…"
    operator = "Ajuntament de Vila B (fictici)"

Redirects and proxies of the environment are not followed. An answer has a bounded time and size.
"""

from __future__ import annotations

import threading
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from baas.errors import BaasError, SettingsError
from baas.trust_store import machine_roots
from sandbox.errors import MalformedEvidence
from sandbox.evidence.cosignature import CosignatureVerifier
from sandbox.witness import Answer

VARIABLE = "BAAS_WITNESSES_FILE"
#: Seconds to connect and for all of an answer; bytes of an answer: a hundred cosignatures.
CONNECT_SECONDS, SECONDS, MOST_BYTES = 3.0, 10.0, 32 * 1024
#: Seconds for which one that did not answer is asked no more, by anybody: doubled from the first to the last.
FIRST_REST, LAST_REST = 0.5, 60.0


class WitnessUnreachable(BaasError):
    """A witness did not answer, or not in HTTP as it should."""


@dataclass(frozen=True, slots=True)
class OutsideWitness:
    """A witness that the operator named."""

    url: str
    verifier: CosignatureVerifier
    operator: str


def outside(path: Path | None) -> dict[str, OutsideWitness]:
    """The operator's witnesses by the name in their key. SettingsError names what is wrong in the file."""
    if path is None:
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{VARIABLE}: expected a TOML file of witnesses, got {error}") from error
    found: dict[str, OutsideWitness] = {}
    for label, table in tables.items():
        witness = _witness(label, table)
        if witness.verifier.name in found:
            raise SettingsError(f"{VARIABLE}, [{label}]: {witness.verifier.name} is there twice")
        found[witness.verifier.name] = witness
    return found


def _witness(label: str, table: Any) -> OutsideWitness:
    where = f"{VARIABLE}, [{label[:80]}]"
    wanted = ("url", "key", "operator")
    if not isinstance(table, dict) or sorted(table) != sorted(wanted):
        raise SettingsError(f"{where}: expected exactly {', '.join(wanted)}")
    if not all(isinstance(table[each], str) and table[each].strip() for each in wanted):
        raise SettingsError(f"{where}: expected a text for each of {', '.join(wanted)}")
    url = urlsplit(table["url"])
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.query or url.fragment:
        raise SettingsError(f"{where}: url is http or https without a user name, a query or a fragment")
    try:
        verifier = CosignatureVerifier.from_vkey(table["key"])
    except MalformedEvidence as error:
        raise SettingsError(f"{where}: key: {error}") from error
    return OutsideWitness(url.geturl().rstrip("/"), verifier, table["operator"].strip())


class Asking:
    """Asks witnesses elsewhere. Thread-safe. One that did not answer rests, so that it holds up no other's questions."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._opened: httpx2.Client | None = None
        self._now, self._lock = now, threading.Lock()
        self._rests: dict[str, tuple[float, float]] = {}  # by address: until when, and how long it was

    def ask(self, witness: OutsideWitness, body: bytes) -> Answer:
        """The answer, whatever its status. WitnessUnreachable when there is none."""
        with self._lock:
            until, rest = self._rests.get(witness.url, (0.0, 0.0))
        if self._now() < until:
            raise WitnessUnreachable(f"witness {witness.verifier.name} did not answer a moment ago")
        try:
            answer = self._ask(witness, body)
        except WitnessUnreachable:
            with self._lock:
                rest = min(max(2 * rest, FIRST_REST), LAST_REST)
                self._rests[witness.url] = (self._now() + rest, rest)
            raise
        with self._lock:
            self._rests.pop(witness.url, None)
        return answer

    def _ask(self, witness: OutsideWitness, body: bytes) -> Answer:
        deadline = self._now() + SECONDS
        limits = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)
        name, text = witness.verifier.name, bytearray()
        try:
            with self._client().stream(
                "POST",
                f"{witness.url}/add-checkpoint",
                content=body,
                headers={"Content-Type": "text/plain; charset=utf-8"},
                timeout=limits,
            ) as response:
                for chunk in response.iter_bytes():
                    text += chunk
                    # the client's own limit is for each piece: one that drips has none without this one
                    if len(text) > MOST_BYTES or self._now() > deadline:
                        raise WitnessUnreachable(
                            f"witness {name} answered more than {MOST_BYTES} bytes, or not within {SECONDS:g} s"
                        )
                content_type = response.headers.get("content-type", "")
                return Answer(response.status_code, content_type, text.decode())
        except httpx2.HTTPError as error:
            raise WitnessUnreachable(f"witness {name} cannot be reached: {type(error).__name__}") from error
        except UnicodeDecodeError as error:
            raise WitnessUnreachable(f"witness {name} did not answer in UTF-8") from error

    def _client(self) -> httpx2.Client:
        """Opened for the first question: most services have no witness elsewhere."""
        with self._lock:
            if self._opened is None:
                self._opened = httpx2.Client(follow_redirects=False, trust_env=False, verify=machine_roots())
            return self._opened

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
