"""The console's pages and static files on a loopback server, with a stand-in for the notarisation routes."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import segno

import baas.console
from baas.console.rendering import SECURITY_HEADERS, render
from tests.baas.console.samples import PAGES

STATIC = Path(baas.console.__file__).parent / "static"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
STATES = ("accepted", "included", "anchored")


@dataclass
class Site:
    """What is served, and what was asked: `posted` holds (headers, body) of each POST."""

    address: str = ""
    trust_root: bytes = b""
    posted: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    refuse: bool = False

    def get(self, path: str) -> tuple[int, str, bytes]:
        if path.startswith("/console/static/"):
            file = STATIC / Path(path).name
            return 200, TYPES[file.suffix], file.read_bytes()
        if path.startswith("/console/trust/") and self.trust_root:
            return 200, "application/json", self.trust_root
        if path.startswith("/console/notarisations/") and path.endswith(".json"):
            step = self.asked[path] = self.asked.get(path, 0) + 1
            return 200, "application/json", json.dumps({"state": STATES[min(step, 2)]}).encode()
        if path.endswith("/receipt"):  # the picture that a notarisation's page shows
            picture = io.BytesIO()
            segno.make("justificant").save(picture, kind="png")
            return 200, "image/png", picture.getvalue()
        if path.startswith("/page/"):  # /page/<number>/<language>: a sample of samples.py
            _, _, number, language = path.split("/")
            page, context = PAGES[int(number)]
            return 200, "text/html; charset=utf-8", render(page, language, **context).encode()
        return 404, "text/plain", b"not here"

    def post(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        if self.refuse:
            return 409, "application/problem+json", b'{"title":"Conflict","detail":"cap contracte"}'
        documents = json.loads(body)["documents"]
        found = [{"id": f"A-{place}", "state": "accepted"} for place in range(len(documents))]
        return 202, "application/json", json.dumps({"notarisations": found}).encode()


@contextmanager
def serve() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(*site.get(self.path.split("?")[0]))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            site.posted.append((dict(self.headers), body))
            self.answer(*site.post(self.path, body))

        def answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            for name, value in (SECURITY_HEADERS | {"Content-Type": content_type}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Nothing: a test's output is its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
