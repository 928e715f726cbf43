"""JSON-RPC over WebSocket on a real server: who gets in, what comes in which order, and what ends a connection."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from baas import app
from baas.api import rpc_websocket
from baas.tenancy import Role
from sandbox import chain as runtime
from sandbox.gateway import front
from tests.baas.flows import ok
from tests.transactions import account, address_of, typed

CALL = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}


class Line:
    """A client's end: calls with their answers, and the notifications that came meanwhile."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.notifications: list[dict[str, Any]] = []

    def call(self, method: str, *params: Any) -> Any:
        self.connection.send(json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}))
        while True:
            message = json.loads(self.connection.recv(60))
            if isinstance(message, dict) and "method" in message:
                self.notifications.append(message["params"])
                continue
            assert message["id"] == 7
            return message.get("result", message.get("error"))

    def next(self) -> dict[str, Any]:
        """The next notification's parameters."""
        if self.notifications:
            return self.notifications.pop(0)
        message = json.loads(self.connection.recv(60))
        assert message["method"] == "eth_subscription", message
        return dict(message["params"])

    def end(self) -> tuple[int, str]:
        """Code and reason with which the server ends the connection."""
        with pytest.raises(ConnectionClosed) as caught:
            while True:
                self.connection.recv(60)
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code, caught.value.rcvd.reason


Opener = Callable[..., Line]


@pytest.fixture
def dial(world: Any) -> Iterator[Opener]:
    """Opens a connection to a path of the world's server; with the town's member's token unless headers are given."""
    with ExitStack() as stack:

        def dialled(path: str, headers: dict[str, str] | None = None, **options: Any) -> Line:
            given = {"Authorization": f"Bearer {world.town.token}"} if headers is None else headers
            url = world.server.url.replace("http", "ws", 1) + path
            options.setdefault("additional_headers", given)
            return Line(stack.enter_context(connect(url, **options)))

        yield dialled


def refused(
    dial: Opener, path: str, headers: dict[str, str] | None = None, **options: Any
) -> httpx2.Response:
    """The answer to a handshake that is not accepted."""
    with pytest.raises(InvalidStatus) as caught:
        dial(path, headers, **options)
    answer = caught.value.response
    return httpx2.Response(
        answer.status_code, headers=list(answer.headers.raw_items()), content=bytes(answer.body)
    )


@pytest.fixture(scope="module")
def chain(world: Any) -> dict[str, Any]:
    """A chain of the town for this module alone, with a wallet that may send."""
    body = {"administration": world.town.code, "label": "endolls"}
    made = dict(ok(world.town.member.post("/chains", json=body), 201))
    permission = {"address": account(61).address, "act": "send"}
    ok(world.town.member.post(f"/chains/{made['id']}/permissions", json=permission), 201)
    return made


class Wallet:
    """Sends to the module's chain."""

    def __init__(self, chain_id: int) -> None:
        self.chain_id, self.nonce, self.signer = chain_id, 0, account(61)

    def raw(self) -> str:
        raw = typed(self.signer, 2, self.nonce, self.chain_id, to=address_of(self.signer))
        self.nonce += 1
        return f"0x{raw.hex()}"


@pytest.fixture(scope="module")
def wallet(chain: dict[str, Any]) -> Wallet:
    return Wallet(chain["chain_id"])


def rpc_token(world: Any, chain: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(ok(world.town.member.post(f"/chains/{chain['id']}/tokens", json=more), 201))


def basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"anyone:{token}".encode()).decode()}


def test_every_way_in(world: Any, chain: dict[str, Any], dial: Opener) -> None:
    public, admin = rpc_token(world, chain), rpc_token(world, chain, endpoint="admin")
    expected = hex(chain["chain_id"])
    for path, token in (("/rpc/", public["token"]), ("/rpc-admin/", admin["token"])):
        for given in (token, world.town.token):
            for headers in ({"Authorization": f"Bearer {given}"}, basic(given)):
                assert dial(f"{path}{chain['id']}", headers).call("eth_chainId") == expected
    for made in (public, admin):
        assert dial(made["url"], {}).call("eth_chainId") == expected


def test_who_does_not_get_in(world: Any, chain: dict[str, Any], dial: Opener) -> None:
    public = rpc_token(world, chain)
    wrong = [
        refused(dial, f"/rpc/{chain['id']}", {}),
        refused(dial, f"/rpc/{chain['id']}", {"Authorization": "Bearer x"}),
        refused(dial, f"/rpc/{'0' * 26}", {}),
        refused(dial, f"/rpc/{chain['id']}/{world.town.token}", {}),
        refused(dial, f"/rpc-admin/{chain['id']}/{public['token']}", {}),
    ]
    assert {(each.status_code, each.json()["title"]) for each in wrong} == {(401, "A valid token is needed")}
    assert wrong[0].headers["content-type"] == "application/problem+json"
    assert wrong[0].headers["x-content-type-options"] == "nosniff"
    for name in (world.other.chain["id"], "0" * 26):
        assert refused(dial, f"/rpc/{name}").status_code == 404
        assert refused(dial, f"/rpc/{name}/{public['token']}", {}).status_code == 404
    auditor = world.server.token_of(world.server.member(world.town.code, Role.AUDITOR)["id"])
    headers = {"Authorization": f"Bearer {auditor}"}
    assert refused(dial, f"/rpc-admin/{chain['id']}", headers).status_code == 403
    assert dial(f"/rpc/{chain['id']}", headers).call("eth_blockNumber")
    assert refused(dial, "/api/v1/chains").status_code == 403  # nothing else speaks WebSocket
    assert refused(dial, "/nowhere").status_code == 403


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "x"])
def test_a_page_that_may_not_call_over_http_may_not_here(
    world: Any, chain: dict[str, Any], dial: Opener, origin: str
) -> None:
    assert refused(dial, f"/rpc/{chain['id']}", origin=origin).status_code == 403
    assert dial(f"/rpc/{chain['id']}", origin="https://dapp.example").call("eth_chainId")


def test_json_rpc_is_as_over_http(world: Any, chain: dict[str, Any], dial: Opener) -> None:
    line, url = dial(f"/rpc/{chain['id']}").connection, f"{world.server.url}/rpc/{chain['id']}"
    notification = {key: value for key, value in CALL.items() if key != "id"}
    bodies = [
        json.dumps(CALL),
        json.dumps([CALL, notification, {**CALL, "id": 2, "method": "no_such"}]),
        "{",
        "[]",
        "",
        "[" * 90,
        '{"jsonrpc":"2.0","id":1,"id":2,"method":"eth_chainId"}',
        json.dumps([1] * 1_001),
        json.dumps(
            {**CALL, "method": "eth_getLogs", "params": [{"fromBlock": "0x0", "toBlock": "0xffffff"}]}
        ),
        " " * (2 * 1024 * 1024 + 1),
        '"\\ud800"',
    ]
    for body in bodies:
        line.send(body)
        assert json.loads(line.recv(60)) == world.town.member.post(url, content=body.encode()).json()
    line.send(json.dumps(notification))
    line.send(json.dumps(CALL).encode())  # a binary message is as good
    assert json.loads(line.recv(60))["id"] == 1


def test_the_caps_of_the_gateway_hold_here(world: Any, dial: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "MAX_LOG_RANGE", 1)
    line = dial(f"/rpc/{world.town.chain['id']}")
    error = line.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    assert (error["code"], error["data"]["rule"]) == (-32005, "log-range")
    name = line.call("eth_newFilter", {"fromBlock": "0x0"})
    assert line.call("eth_getFilterLogs", name)["data"]["rule"] == "log-range"
    monkeypatch.setattr(front._Budget, "__init__", _small)
    error = line.call("eth_getBlockByNumber", "0x0", True)
    assert (error["code"], error["data"]["rule"]) == (-32005, "answer-size")


def _small(budget: Any, deadline: float) -> None:
    budget.deadline, budget.room = deadline, 100


def test_a_message_too_large_ends_the_connection(world: Any, chain: dict[str, Any], dial: Opener) -> None:
    line = dial(f"/rpc/{chain['id']}")
    line.connection.send(" " * (world.server.services.settings.body_limit + 1))
    assert line.end()[0] == 1009


def test_subscriptions_give_everything_once_and_in_order(
    chain: dict[str, Any], dial: Opener, wallet: Wallet
) -> None:
    line = dial(f"/rpc/{chain['id']}")
    heads, pending = (
        line.call("eth_subscribe", "newHeads"),
        line.call("eth_subscribe", "newPendingTransactions"),
    )
    logs = line.call("eth_subscribe", "logs", {"topics": [f"0x{1:064x}"]})
    assert len({heads, pending, logs}) == 3
    sent = [line.call("eth_sendRawTransaction", wallet.raw()) for _ in range(20)]
    numbers: list[int] = []
    hashes: list[str] = []
    while len(hashes) < 20 or line.call("eth_getTransactionReceipt", sent[-1]) is None:
        told = line.next()
        if told["subscription"] == pending:
            hashes.append(told["result"])
        else:
            assert told["subscription"] == heads
            numbers.append(int(told["result"]["number"], 16))
    assert hashes == sent
    last = int(line.call("eth_getTransactionReceipt", sent[-1])["blockNumber"], 16)
    while not numbers or numbers[-1] < last:
        numbers.append(int(line.next()["result"]["number"], 16))
    assert numbers == list(range(numbers[0], last + 1))
    assert line.call("eth_unsubscribe", heads) is True
    assert line.call("eth_unsubscribe", heads)["code"] == -32000
    other = dial(f"/rpc/{chain['id']}")
    assert other.call("eth_unsubscribe", pending)["code"] == -32000


def test_a_batch_that_subscribes_and_sends_is_answered_before_what_it_causes(
    chain: dict[str, Any], dial: Opener, wallet: Wallet
) -> None:
    line = dial(f"/rpc/{chain['id']}").connection
    calls = [
        {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]},
        {"jsonrpc": "2.0", "id": 2, "method": "eth_sendRawTransaction", "params": [wallet.raw()]},
    ]
    line.send(json.dumps(calls))
    answer, told = json.loads(line.recv(60)), json.loads(line.recv(60))
    assert [each["id"] for each in answer] == [1, 2]
    assert told["params"]["subscription"] == answer[0]["result"]


def test_subscribing_over_http_says_where(world: Any, chain: dict[str, Any]) -> None:
    call = {**CALL, "method": "eth_subscribe", "params": ["newHeads"]}
    error = world.town.member.post(f"{world.server.url}/rpc/{chain['id']}", json=call).json()["error"]
    assert (error["code"], error["data"]["rule"]) == (-32604, "websocket")


def test_a_revoked_token_ends_it(
    world: Any, chain: dict[str, Any], dial: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_websocket, "CHECK_SECONDS", 0.05)
    made = rpc_token(world, chain)
    line = dial(made["url"], {})
    assert line.call("eth_subscribe", "newHeads")
    assert world.town.member.delete(f"/tokens/{made['id']}").status_code == 204
    assert line.end() == (1008, "A valid token is needed")
    awake = world.server.services.chains.awake(chain["id"])
    deadline = time.monotonic() + 60
    while awake.subscriptions and time.monotonic() < deadline:
        time.sleep(0.01)
    assert awake.subscriptions == 0


def test_a_revoked_token_is_refused_at_the_next_message(
    world: Any, chain: dict[str, Any], dial: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_websocket, "CHECK_SECONDS", 1000)
    made = rpc_token(world, chain)
    line = dial(made["url"], {})
    assert line.call("eth_chainId")
    assert world.town.member.delete(f"/tokens/{made['id']}").status_code == 204
    line.connection.send(json.dumps(CALL))
    assert line.end() == (1008, "A valid token is needed")


def test_a_stopped_and_a_deleted_chain_end_it(
    world: Any, dial: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_websocket, "CHECK_SECONDS", 0.05)
    town = world.town
    made = ok(town.member.post("/chains", json={"administration": town.code, "label": "breu"}), 201)
    subscribed, silent = dial(f"/rpc/{made['id']}"), dial(f"/rpc/{made['id']}")
    assert subscribed.call("eth_subscribe", "newHeads")
    assert silent.call("eth_blockNumber") == "0x0"
    ok(town.member.post(f"/chains/{made['id']}/stop"))
    assert subscribed.end()[0] == silent.end()[0] == 1001
    assert refused(dial, f"/rpc/{made['id']}").status_code == 409
    ok(town.member.post(f"/chains/{made['id']}/start"))
    again = dial(f"/rpc/{made['id']}")
    assert town.member.delete(f"/chains/{made['id']}").status_code == 204
    assert again.end()[0] == 1001
    assert refused(dial, f"/rpc/{made['id']}").status_code == 410


def test_a_suspended_administration_ends_it(
    world: Any, dial: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_websocket, "CHECK_SECONDS", 0.05)
    server, code = world.server, "9999990007"
    server.administration(code)
    token = server.token_of(server.member(code, *Role)["id"])
    made = ok(server.client(token).post("/chains", json={"administration": code, "label": "breu"}), 201)
    line = dial(f"/rpc/{made['id']}", {"Authorization": f"Bearer {token}"})
    assert line.call("eth_subscribe", "newHeads")
    ok(server.operator.post(f"/administrations/{code}/suspend", json={"reason": "prova de suspensió"}))
    assert line.end()[0] in (
        1001,
        1008,
    )  # its chains go to sleep, and its tokens open nothing: which comes first
    assert refused(dial, f"/rpc/{made['id']}", {"Authorization": f"Bearer {token}"}).status_code == 403


def test_a_restored_chain_ends_subscriptions(world: Any, chain: dict[str, Any], dial: Opener) -> None:
    line = dial(f"/rpc/{chain['id']}")
    assert line.call("eth_subscribe", "newHeads")
    world.server.services.chains.awake(chain["id"]).hang_up(
        "the chain was restored to block 3: connect again"
    )
    assert line.end() == (1001, "the chain was restored to block 3: connect again")


def test_one_that_nobody_uses_is_ended_and_one_with_a_subscription_stays(
    chain: dict[str, Any], dial: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_websocket, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(rpc_websocket, "IDLE_SECONDS", 0.2)
    idle, subscribed = dial(f"/rpc/{chain['id']}"), dial(f"/rpc/{chain['id']}")
    assert subscribed.call("eth_subscribe", "newHeads")
    code, reason = idle.end()
    assert (code, "nothing came" in reason) == (1001, True)
    assert subscribed.call("eth_chainId")


def test_there_is_room_for_so_many(
    world: Any, chain: dict[str, Any], dial: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_websocket, "MOST_OF_A_CHAIN", 2)
    name = ok(
        world.town.member.post("/chains", json={"administration": world.town.code, "label": "plena"}), 201
    )["id"]
    first, _ = dial(f"/rpc/{name}"), dial(f"/rpc/{name}")
    answer = refused(dial, f"/rpc/{name}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    monkeypatch.setattr(rpc_websocket, "MOST_OF_THE_PROCESS", 1)
    assert refused(dial, f"/rpc/{chain['id']}").status_code == 503
    monkeypatch.undo()
    first.connection.close()
    assert dial(f"/rpc/{name}").call("eth_chainId")


def test_who_does_not_read_is_let_go_and_holds_up_nobody(
    world: Any, chain: dict[str, Any], dial: Opener, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that subscribes many times and reads nothing; meanwhile another one gets every block."""
    monkeypatch.setattr(rpc_websocket, "MOST_WAITING", 5)
    monkeypatch.setattr(rpc_websocket, "LAST_SECONDS", 0.1)
    monkeypatch.setattr(app, "CUT_SECONDS", 0.1)
    awake = world.server.services.chains.awake(chain["id"])
    other = dial(f"/rpc/{chain['id']}")
    assert other.call("eth_subscribe", "newHeads")
    url = httpx2.URL(world.server.url)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((url.host, url.port))
        slow.sendall(
            (
                f"GET /rpc/{chain['id']} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.town.token}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            ).encode()
        )
        assert slow.recv(64).startswith(b"HTTP/1.1 101")
        call = {**CALL, "method": "eth_subscribe", "params": ["newHeads"]}
        body = json.dumps([call] * 100).encode()
        slow.sendall(b"\x81\xfe" + len(body).to_bytes(2) + b"\0\0\0\0" + body)  # masked with zeros
        until = time.monotonic() + 90
        while awake.subscriptions < 101 and time.monotonic() < until:
            time.sleep(0.01)
        assert awake.subscriptions == 101
        sent = 0
        while awake.subscriptions > 1 and time.monotonic() < until:
            other.call("eth_sendRawTransaction", wallet.raw())
            other.next()
            sent += 1
        assert awake.subscriptions == 1, f"not let go after {sent} blocks"
    assert other.call("eth_chainId")


def test_a_slow_call_does_not_hold_up_notifications(
    world: Any, chain: dict[str, Any], dial: Opener, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, other = dial(f"/rpc/{chain['id']}"), dial(f"/rpc/{chain['id']}")
    assert line.call("eth_subscribe", "newHeads")
    released, answer = threading.Event(), runtime.Chain.rpc

    def slow(awake: runtime.Chain, body: bytes, *asker: Any) -> bytes | None:
        if b"eth_call" in body:
            released.wait(60)
        return answer(awake, body, *asker)

    monkeypatch.setattr(runtime.Chain, "rpc", slow)
    line.connection.send(json.dumps({**CALL, "method": "eth_call", "params": [{}, "latest"]}))
    other.call("eth_sendRawTransaction", wallet.raw())
    try:
        assert line.next()["result"]["number"]
    finally:
        released.set()
    assert json.loads(line.connection.recv(60))["id"] == 1


def test_pings_are_answered_and_silence_ends_it(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "PING_SECONDS", 1.0)
    server = serve()
    code = server.administration()["code"]
    person = server.as_member(code, *Role)
    made = ok(person.post("/chains", json={"administration": code, "label": "prova"}), 201)
    url = httpx2.URL(server.url)
    headers = {"Authorization": person.headers["authorization"]}
    with connect(f"ws://{url.host}:{url.port}/rpc/{made['id']}", additional_headers=headers) as alive:
        with socket.create_connection((url.host, url.port), timeout=20) as dead:
            dead.sendall(
                (
                    f"GET /rpc/{made['id']} HTTP/1.1\r\nHost: x\r\n"
                    f"Authorization: {person.headers['authorization']}\r\n"
                    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
                ).encode()
            )
            while dead.recv(4096):  # TimeoutError when it is never ended
                pass
        alive.send(json.dumps(CALL))
        assert json.loads(alive.recv(60))["id"] == 1
