"""A service with everything at debug level, as a process of its own: no token in anything that it wrote."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.baas.flows import ok

SERVER = """
import logging, sys
from pathlib import Path
data, log, token = map(Path, sys.argv[1:])
logging.basicConfig(level=logging.DEBUG, handlers=[logging.FileHandler(log), logging.StreamHandler(sys.stderr)])
from baas.app import serving
from baas.settings import Settings
from baas.wiring import Services
for name in ["uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "websockets", "websockets.server"]:
    logging.getLogger(name).setLevel(5)
services = Services.build(Settings(data=data, port=0))
services.start()
token.write_text(services.initialise().text)
with serving(services) as url:
    print(url, flush=True)
    sys.stdin.read()
services.stop()
"""
CALL = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
UNKNOWN = "baas_" + "Zq" * 21 + "Z"


class Noisy:
    """The running service: its address, and what it wrote where."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.outputs = [directory / name for name in ("stdout", "stderr", "log")]
        token = directory / "token"
        environment = os.environ | {"PYTHONASYNCIODEBUG": "1", "PYTHONPATH": str(Path(__file__).parents[3])}
        with self.outputs[1].open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(directory / "data"), str(self.outputs[2]), str(token)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.outputs[1].read_text()
        self.operator = token.read_text()
        token.unlink()

    def end(self) -> None:
        rest, _ = self.process.communicate("", timeout=60)
        self.outputs[0].write_text(rest)
        assert self.process.returncode == 0, self.outputs[1].read_text()[-3000:]

    def written(self) -> Iterator[Path]:
        yield from self.outputs
        yield from (path for path in (self.directory / "data").rglob("*") if path.is_file())


def placed(door: str, chain: str, token: str) -> list[tuple[str, dict[str, str]]]:
    """The token in each place where somebody might put it, and in some where nobody should."""
    basic = base64.b64encode(f"anyone:{token}".encode()).decode()
    path = f"/{door}/{chain}"
    return [
        (path, {"Authorization": f"Bearer {token}"}),
        (path, {"Authorization": f"Basic {basic}"}),
        (path, {"Authorization": f"bearer  {token}", "Cookie": f"session={token}", "X-Api-Key": token}),
        (f"{path}/{token}", {}),
        (f"{path}/{token}", {"Referer": f"http://127.0.0.1{path}/{token}", "User-Agent": token}),
        (f"{path}/{token}?token={token}", {}),
        (f"{path}?token={token}", {"Authorization": f"Digest {token}"}),
        (f"{path}/{quote(token.replace('_', '%5F'), safe='%')}", {}),
        (f"{path}/{token}/more", {}),
        (f"/{door}/{token}", {}),
        (f"/{token}", {}),
        (f"/api/v1/chains/{token}", {"Authorization": f"Bearer {token}", "Idempotency-Key": token}),
    ]


def forms(token: str) -> set[bytes]:
    """What would give a token away: its secret part, or the Basic credentials that hold it."""
    basic = base64.b64encode(f"anyone:{token}".encode()).decode()
    return {token[13:43].encode(), basic[20:50].encode()}


@pytest.mark.long
@pytest.mark.timeout(240)
def test_no_token_is_in_anything_that_a_service_at_debug_level_wrote(tmp_path: Path) -> None:
    service = Noisy(tmp_path)
    with ExitStack() as stack:
        client = stack.enter_context(httpx2.Client(base_url=service.url, timeout=60))

        def api(path: str, body: object, token: str) -> dict[str, str]:
            headers = {"Authorization": f"Bearer {token}"}
            return dict(ok(client.post(f"/api/v1{path}", json=body, headers=headers), 201))

        api("/administrations", {"code": "9999990001", "name": "Vilafictícia"}, service.operator)
        person = {"label": "persona", "roles": ["admin", "developer", "auditor"]}
        member = api("/administrations/9999990001/members", person, service.operator)
        mine = api("/tokens", {"label": "meu", "actor_id": member["id"]}, service.operator)["token"]
        chain = api("/chains", {"administration": "9999990001", "label": "prova"}, mine)["id"]
        public = api(f"/chains/{chain}/tokens", {}, mine)["token"]
        admin = api(f"/chains/{chain}/tokens", {"endpoint": "admin"}, mine)["token"]
        gone = api(f"/chains/{chain}/tokens", {}, mine)
        client.delete(f"/api/v1/tokens/{gone['id']}", headers={"Authorization": f"Bearer {mine}"})
        tokens = [service.operator, mine, public, admin, gone["token"], UNKNOWN]
        statuses: list[int] = []
        for token in tokens:
            for door in ("rpc", "rpc-admin"):
                for path, headers in placed(door, chain, token):
                    for method, content in (("POST", CALL), ("POST", None), ("GET", None), ("OPTIONS", None)):
                        answer = client.request(method, path, json=content, headers=headers)
                        statuses.append(answer.status_code)
                        assert not any(form in answer.content for form in forms(token)), (path, answer.text)
                    try:
                        with connect(
                            service.url.replace("http", "ws", 1) + path, additional_headers=headers
                        ) as line:
                            line.send(
                                '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}'
                            )
                            line.recv(20)
                            line.send(f"{token}")  # no JSON
                            line.recv(20)
                            statuses.append(101)
                    except InvalidStatus as error:
                        statuses.append(error.response.status_code)
                    except ConnectionClosed:
                        statuses.append(0)
        assert {200, 101, 401, 404, 405} <= set(statuses)
        assert not [each for each in statuses if each >= 500]
    service.end()
    secrets = {form for token in tokens for form in forms(token)}
    found, size = [], 0
    for path in service.written():
        data = path.read_bytes()
        size += len(data)
        found += [(path.name, form) for form in secrets if form in data]
    print(
        f"{len(statuses)} requests with {len(tokens)} tokens; {size} bytes written; tokens found: {len(found)}"
    )
    assert b"/rpc/" in service.outputs[2].read_bytes(), "the log has the requests"
    assert size > 100_000
    assert found == []
