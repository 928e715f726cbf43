"""Refusals over real HTTP: as problem documents, in the same words where nothing may be told."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from baas.api.middleware import HEADERS, PUBLIC
from baas.tenancy import Role

TOWN, OTHER = "9999990001", "9999990002"


@pytest.fixture(scope="module")
def reader(shared_server: Any) -> httpx2.Client:
    """The operator's client of the shared server."""
    operator: httpx2.Client = shared_server.operator
    return operator


def problem(response: httpx2.Response, status: int, slug: str) -> dict[str, Any]:
    document = dict(response.json())
    assert response.status_code == document["status"] == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert document["type"] == f"https://baas-sandbox.example/problems/{slug}"
    assert document.keys() >= {"title", "detail"}
    return document


def operations(server: Any) -> list[tuple[str, str]]:
    """Method and path of every operation, with some text in place of its parameters."""
    paths = server.client().get("/openapi.json").json()["paths"]
    return [
        (method.upper(), path.removeprefix("/api/v1").replace("{", "").replace("}", ""))
        for path, methods in paths.items()
        for method in methods
        if path not in PUBLIC
    ]


def test_without_a_valid_token_every_address_gives_the_same_401(server: Any, clock: Any) -> None:
    server.administration(TOWN)
    expired = server.token_of(server.member(TOWN, Role.ADMIN)["id"], days=1)
    revoked = server.token_of(server.member(TOWN, Role.ADMIN)["id"])
    holder = server.client(revoked)
    assert holder.delete(f"/tokens/{holder.get('/me').json()['token_id']}").status_code == 204
    clock.advance(days=2)
    operator = server.operator_token
    values = [None, f"Bearer {expired}", f"Bearer {revoked}", "Bearer baas_" + "A" * 43, "Bearer", operator]
    values += [f"Bearer {operator}x", f"Basic {operator}"]
    client, bodies = server.client(), set()
    addresses = [
        *operations(server),
        ("GET", f"/administrations/{TOWN}"),
        ("GET", "/nowhere"),
        ("OPTIONS", "/me"),
    ]
    assert len(addresses) > 20
    for index, (method, path) in enumerate(addresses):
        for value in values if index % 7 == 0 else values[:1]:
            response = client.request(
                method, path, headers={"Authorization": value} if value else {}, content=b"{not json"
            )
            problem(response, 401, "unauthenticated")
            bodies.add((response.content, response.headers["www-authenticate"]))
    assert len(bodies) == 1


def test_anothers_and_an_absent_object_give_the_same_404(server: Any) -> None:
    for code in (TOWN, OTHER):
        server.administration(code)
    others = server.member(OTHER, Role.ADMIN)
    others_token = server.client(server.token_of(others["id"])).get("/me").json()["token_id"]
    mine = server.as_member(TOWN, *Role)
    pairs = [
        ("GET", f"/administrations/{OTHER}", "/administrations/9999990009"),
        ("GET", f"/administrations/{OTHER}/members", "/administrations/9999990009/members"),
        ("POST", f"/administrations/{OTHER}/members", "/administrations/9999990009/members"),
        ("GET", f"/administrations/{OTHER}/mandates", "/administrations/9999990009/mandates"),
        ("GET", f"/administrations/{OTHER}/tokens", "/administrations/9999990009/tokens"),
        (
            "DELETE",
            f"/administrations/{TOWN}/members/{others['id']}",
            f"/administrations/{TOWN}/members/none",
        ),
        ("DELETE", f"/tokens/{others_token}", "/tokens/none"),
        ("GET", f"/audit?administration={OTHER}", "/audit?administration=9999990009"),
    ]
    for method, anothers, absent in pairs:
        answers = []
        for path in (anothers, absent):
            body = {"label": "x", "roles": ["admin"]} if method == "POST" else None
            document = problem(mine.request(method, path, json=body), 404, "not-found")
            for name in (OTHER, "9999990009", others["id"], others_token, "none"):
                document["detail"] = document["detail"].replace(name, "NAME")
            answers.append(document)
        assert answers[0] == answers[1]


def test_a_missing_role_on_the_own_object_gives_403(server: Any) -> None:
    server.administration(TOWN)
    developer = server.as_member(TOWN, Role.DEVELOPER)
    body = {"label": "x", "roles": ["admin"]}
    document = problem(developer.post(f"/administrations/{TOWN}/members", json=body), 403, "forbidden")
    assert (document["expected"], document["got"]) == ("admin or operator", "developer")
    problem(developer.get("/audit"), 403, "forbidden")
    problem(developer.post("/administrations", json={"code": OTHER, "name": "x"}), 403, "forbidden")
    problem(developer.post("/staff", json={"label": "x", "kind": "operator"}), 403, "forbidden")
    problem(developer.get("/staff"), 403, "forbidden")
    problem(developer.get("/audit/verification"), 403, "forbidden")


def test_unknown_addresses_and_methods(reader: httpx2.Client, shared_server: Any) -> None:
    problem(reader.get("/nowhere"), 404, "no-such-address")
    problem(reader.get(f"{shared_server.url}/nowhere"), 404, "no-such-address")
    response = reader.delete("/me")
    assert problem(response, 405, "method-not-allowed")["detail"] == "expected GET, got DELETE"
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["#/code", "#/name"]),
        ({"code": 7, "name": "x"}, ["#/code"]),
        ({"code": TOWN, "name": "x", "kind": "empire"}, ["#/kind"]),
        ({"code": TOWN, "name": " "}, ["#/name"]),
        ({"code": TOWN, "name": "x" * 201}, ["#/name"]),
        ({"code": TOWN, "name": "x", "a/b~c": 1}, ["#/a~1b~0c"]),
        ({"code": "123", "name": "x"}, ["#/code"]),
        ([], ["#"]),
        ("text", ["#"]),
        (None, ["#"]),
    ],
)
def test_each_wrong_value_is_pointed_at(reader: httpx2.Client, body: Any, pointers: list[str]) -> None:
    document = problem(reader.post("/administrations", json=body), 422, "invalid")
    assert [each["pointer"] for each in document["errors"]] == pointers
    assert reader.get("/administrations").json()["items"] == []


def test_a_wrong_value_is_told_with_what_came(reader: httpx2.Client) -> None:
    kind = reader.post("/administrations", json={"code": TOWN, "name": "x", "kind": "empire"})
    assert "#/kind: " in kind.json()["detail"]
    assert kind.json()["detail"].endswith(", got 'empire'")
    many = reader.get("/administrations", params={"limit": "many"})
    assert many.json()["detail"].endswith(", got 'many'")


@pytest.mark.parametrize(
    "content",
    [b"{", b"{not json", b"\xff\xfe{}", b"[" * 100_000, b'{"a":' * 101, b'{"code": }', b"{}{}"],
    ids=["open", "bare", "not UTF-8", "deep list", "deep object", "no value", "two"],
)
def test_what_is_not_json_gives_400(reader: httpx2.Client, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    problem(reader.post("/administrations", content=content, headers=headers), 400, "malformed-json")


def test_a_lone_surrogate_or_another_content_type_is_refused_and_answered(reader: httpx2.Client) -> None:
    surrogate = b'{"code": "9999990001", "name": "\\ud800"}'
    problem(
        reader.post("/administrations", content=surrogate, headers={"Content-Type": "application/json"}),
        422,
        "invalid",
    )
    plain = reader.post("/administrations", content=b"{}", headers={"Content-Type": "text/plain"})
    assert "Content-Type: application/json" in problem(plain, 422, "invalid")["detail"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "after=%27;--", "after=" + "A" * 27])
def test_a_wrong_page_is_refused(reader: httpx2.Client, query: str) -> None:
    document = problem(reader.get(f"/administrations?{query}"), 422, "invalid")
    assert document["errors"][0]["parameter"] == query.partition("=")[0]


def test_a_large_body_is_refused_by_its_length_and_as_it_comes(
    shared_server: Any, reader: httpx2.Client
) -> None:
    limit = shared_server.services.settings.body_limit
    headers = {"Content-Type": "application/json"}
    whole = b'{"code": "9999990001", "name": "' + b"x" * limit + b'"}'
    problem(reader.post("/administrations", content=whole, headers=headers), 413, "too-large")
    chunks = (whole[start : start + 65536] for start in range(0, len(whole), 65536))
    response = reader.post("/administrations", content=chunks, headers=headers)
    assert "content-length" not in response.request.headers
    problem(response, 413, "too-large")
    fitting = b'{"code": "9999990001", "name": "' + b"x" * (limit - 34) + b'"}'
    assert len(fitting) == limit
    problem(reader.post("/administrations", content=fitting, headers=headers), 422, "invalid")


def test_an_absurd_length_is_refused(shared_server: Any) -> None:
    """An absurd Content-Length is refused, and nothing hangs."""
    port = int(shared_server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(
            b"POST /api/v1/administrations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + shared_server.operator_token.encode() + b"\r\n"
            b"Content-Length: 9999999999999999999999\r\nConnection: close\r\n\r\n{}"
        )
        answer = connection.makefile("rb").read()
    assert answer.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))


def test_every_answer_has_the_security_headers(shared_server: Any, reader: httpx2.Client) -> None:
    for response in (
        reader.get("/me"),
        reader.get("/nowhere"),
        shared_server.client().get("/me"),
        reader.get("/health"),
    ):
        for name, value in HEADERS.items():
            assert response.headers[name] == value
        assert "server" not in response.headers


def test_health_and_the_api_description_are_all_that_is_open(shared_server: Any) -> None:
    client = shared_server.client()
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/openapi.json").status_code == 200
    for path in ("/health/", "/openapi.json/", "//health", "/../me", "/health/../me"):
        assert client.get(path).status_code == 401


def test_an_incident_shows_its_number_and_the_log_its_traceback_without_tokens(
    serve: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    secret = "baas_" + "S" * 43

    def add_route(app: FastAPI) -> None:
        @app.get("/broken")
        def broken() -> None:
            raise LookupError(f"/srv/private {secret}")

    server = serve(add_route)
    with caplog.at_level(logging.INFO):
        response = server.client().get(f"{server.url}/broken?token={secret}")
    document = problem(response, 500, "incident")
    assert document["incident"] in document["detail"]
    assert "private" not in response.text
    assert secret not in response.text
    (record,) = [each for each in caplog.records if each.name == "baas.incidents"]
    assert document["incident"] in record.getMessage()
    assert "LookupError: /srv/private [redacted]" in record.getMessage()
    ours = "\n".join(each.getMessage() for each in caplog.records if not each.name.startswith("http"))
    assert secret not in ours


def access_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "baas.access"]


def test_the_access_log_has_no_query_and_no_token(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    token = server.operator_token
    logging.getLogger("uvicorn.access").propagate = True  # as a logging configuration may
    with caplog.at_level(logging.DEBUG):
        server.client(token).get(f"/audit?limit=5&name={token}")
        server.client().get(f"{server.url}/rpc/1/{token}?q=1")
        server.client().get(f"{server.url}/rpc/1/{token[:-3]}")
        # the line is written after the answer, which the client may have by then
        deadline = time.monotonic() + 60
        while len(lines := access_lines(caplog)) < 3 and time.monotonic() < deadline:
            time.sleep(0.005)
    assert [" ".join(line.split()[:3]) for line in lines] == [
        "GET /api/v1/audit 200",
        "GET /rpc/1/[redacted] 405",
        "GET /rpc/1/[redacted] 405",
    ]
    ours = "\n".join(each.getMessage() for each in caplog.records if not each.name.startswith("http"))
    assert token[5:30] not in ours
