"""What the demo's steps stand on: the service on the loopback, who acts in it, where files go, what was counted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from baas.app import serving
from baas.client import Client
from baas.settings import load_settings
from baas.wiring import Services


@dataclass
class Town:
    """One fictional administration, the client of its developer, and what the story has made for it."""

    code: str
    name: str
    client: Client
    chain: dict[str, Any] = field(default_factory=dict)
    deployments: dict[str, dict[str, Any]] = field(default_factory=dict)
    trust: Path = Path()
    #: notarised file → its receipt's file
    receipts: dict[Path, Path] = field(default_factory=dict)


@dataclass
class Stage:
    """The running demo. `counts` becomes summary.json; every step adds what it has counted."""

    out: Path
    say: Callable[[str], None]
    services: Services
    url: str
    operator: Client
    towns: list[Town] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    _tenth: int = 0

    @classmethod
    @contextmanager
    def open(cls, out: Path, say: Callable[[str], None]) -> Iterator[Self]:
        """Start the service in this process, on a free loopback port, with its data below `out`."""
        services = Services.build(load_settings(data=out / "data", host="127.0.0.1", port=0))
        try:
            token = services.initialise()
            services.start()
            with serving(services) as url, Client(url, token.text) as operator:
                stage = cls(out, say, services, url, operator)
                try:
                    yield stage
                finally:
                    for town in stage.towns:
                        town.client.close()
        finally:
            services.stop()

    def step(self, number: int, of: int, title: str, act: Callable[[Stage], None]) -> None:
        """Run one step, say what it is and how long it took."""
        self.say(f"[{number}/{of}] {title}")
        start = time.monotonic()
        act(self)
        took = time.monotonic() - start
        self.seconds[str(number)] = round(took, 2)
        self.say(f"      {took:.1f} s")

    def note(self, line: str) -> None:
        self.say(f"      {line}")

    def progress(self, done: int, of: int) -> None:
        """A line now and then while something long runs."""
        tenth = done * 10 // max(of, 1)
        if tenth != self._tenth:
            self._tenth = tenth
            self.note(f"{done} of {of}")

    def client_of(self, member: str) -> Client:
        """A client with a fresh token of that member, issued by the operator."""
        return Client(self.url, self.operator.create_token("demo", member)["token"])

    def folder(self, *names: str) -> Path:
        path = self.out.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def summary(self) -> dict[str, Any]:
        """What was counted, written to summary.json."""
        found = {**self.counts, "seconds": {**self.seconds, "total": round(sum(self.seconds.values()), 2)}}
        path = self.out / "summary.json"
        path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
        return found
