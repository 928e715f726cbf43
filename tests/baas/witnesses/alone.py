"""Witnesses outside of a service: `baas witness run` in a process of its own, and servers that do not behave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sandbox.witness import Witness, create

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Alone:
    """A witness on a machine of its own: its file, where it answers, its key."""

    file: Path
    url: str
    key: str

    @property
    def name(self) -> str:
        return self.key.partition("+")[0]

    def follow(self, origin: str, key: str) -> None:
        with Witness(self.file, lambda: 0) as opened:
            opened.follow(origin, key)

    def entry(self, label: str, operator: str) -> str:
        """Its table in the operator's file."""
        return f'[{label}]\nurl = "{self.url}"\nkey = "{self.key}"\noperator = "{operator}"\n'


@contextmanager
def running(file: Path, name: str = "witness.vila-b.example/w1") -> Iterator[Alone]:
    """`baas witness init` and `run`, until the end of the block."""
    if not file.exists():
        create(file, name)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "witness", "run", str(file), "--port", "0", "--json"],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environ,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline())
        yield Alone(file, said["url"], said["key"])
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> Iterator[str]:
    """The URL of a server that answers as `answer` says, in a thread."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer(self, self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
