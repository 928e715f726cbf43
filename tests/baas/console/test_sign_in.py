"""Signing in and out over real HTTP, and what protects a session."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import Any

import httpx2
import pytest

from baas.console.attempts import FAILURES
from baas.console.rendering import SECURITY_HEADERS
from baas.tenancy import Role
from tests.baas.console.person import SESSION, Person, words

TOWN, OTHER = "9999990001", "9999990002"
HOME, SIGN_IN = "/console/", "/console/sign-in"
ENDED = "/console/sign-in?ended=1"


@pytest.fixture(scope="module")
def town(shared_server: Any) -> Any:
    shared_server.administration(TOWN, "Vallclara del Mar")
    return shared_server


@pytest.fixture(scope="module")
def token(town: Any) -> str:
    return str(town.token_of(town.member(TOWN, *Role)["id"]))


@pytest.fixture
def person(town: Any) -> Person:
    return Person(town)


def cookies(response: httpx2.Response) -> SimpleCookie:
    found = SimpleCookie()
    for line in response.headers.get_list("set-cookie"):
        found.load(line)
    return found


def test_the_first_page_leads_to_sign_in(person: Person) -> None:
    for path in ("/", "/console"):
        assert person.get(path).headers["location"] == HOME
    response = person.get(HOME)
    assert (response.status_code, response.headers["location"]) == (303, SIGN_IN)


def test_a_good_token_opens_a_session_in_a_strict_cookie(person: Person, token: str) -> None:
    response = person.sign_in(token)
    assert (response.status_code, response.headers["location"]) == (303, HOME)
    cookie = cookies(response)[SESSION]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/console", True, "strict")
    assert (cookie["secure"], cookie["max-age"], cookie["domain"]) == ("", "", "")
    assert len(cookie.value) == 43
    assert token[5:] not in cookie.value
    home = person.get(HOME)
    assert home.status_code == 200
    assert "Vallclara del Mar" in words(home)
    assert person.get(SIGN_IN).headers["location"] == HOME


def test_the_cookie_is_secure_where_the_browser_speaks_https(person: Person, token: str) -> None:
    csrf = person.csrf(SIGN_IN)
    headers = {"Origin": person.url.replace("http://", "https://"), "Sec-Fetch-Site": "same-origin"}
    response = person.post(SIGN_IN, csrf, headers, token=token)
    assert cookies(response)[SESSION]["secure"] is True


def test_another_token_gets_no_session_whatever_is_wrong_with_it(town: Any) -> None:
    developer = town.as_member(TOWN, Role.DEVELOPER)
    revoked = town.token_of(town.member(TOWN, Role.ADMIN)["id"])
    holder = town.client(revoked)
    holder.delete(f"/tokens/{holder.get('/me').json()['token_id']}")
    ended = town.member(TOWN, Role.ADMIN)
    ended_token = town.token_of(ended["id"])
    assert town.operator.delete(f"/administrations/{TOWN}/members/{ended['id']}").status_code == 204
    chain = developer.post("/chains", json={"administration": TOWN, "label": "rpc"}).json()
    rpc = developer.post(f"/chains/{chain['id']}/tokens", json={"label": "rpc"}).json()["token"]
    pages = set()
    for wrong in ("", "x", "baas_" + "A" * 43, revoked, ended_token, rpc, "baas_ñ"):
        person = Person(town)
        response = person.sign_in(wrong)
        assert response.status_code == 401, wrong
        assert response.headers["www-authenticate"] == 'Bearer realm="baas"'
        assert SESSION not in cookies(response)
        pages.add(response.text.replace(person.csrf(SIGN_IN), "CSRF"))
    assert len(pages) == 1
    assert "no és vàlida o ha caducat" in pages.pop()


def test_an_expired_token_opens_nothing_and_ends_the_session_that_it_opened(server: Any, clock: Any) -> None:
    server.administration(TOWN)
    short = server.token_of(server.member(TOWN, Role.ADMIN)["id"], days=1)
    person = Person(server)
    clock.advance(hours=23, minutes=50)
    assert person.sign_in(short).status_code == 303
    assert person.get(HOME).status_code == 200
    clock.advance(minutes=15)
    assert person.get(HOME).headers["location"] == ENDED
    assert "la clau d'accés ha caducat" in person.get(ENDED).text.replace("&#39;", "'")
    assert person.sign_in(short).status_code == 401


def test_a_session_ends_when_idle_when_revoked_and_on_signing_out(server: Any, clock: Any) -> None:
    server.administration(TOWN)
    text = server.token_of(server.member(TOWN, Role.ADMIN)["id"])
    idle, out, revoked = Person(server), Person(server), Person(server)
    for each in (idle, out, revoked):
        each.sign_in(text)
        assert each.get(HOME).status_code == 200
    kept = out.http.cookies[SESSION]
    response = out.post("/console/sign-out")
    assert (response.status_code, response.headers["location"]) == (303, SIGN_IN)
    assert SESSION not in out.http.cookies
    out.http.cookies.set(SESSION, kept, domain="127.0.0.1", path="/console")
    assert out.get(HOME).headers["location"] == ENDED
    clock.advance(minutes=20)
    assert revoked.get(HOME).status_code == 200
    clock.advance(minutes=20)
    assert idle.get(HOME).headers["location"] == ENDED
    assert revoked.get(HOME).status_code == 200
    holder = server.client(text)
    assert holder.delete(f"/tokens/{holder.get('/me').json()['token_id']}").status_code == 204
    assert revoked.get(HOME).headers["location"] == ENDED


def test_signing_in_again_ends_the_session_before(person: Person, token: str) -> None:
    person.sign_in(token)
    before = person.http.cookies[SESSION]
    person.post(SIGN_IN, _sign_in_secret(person), token=token)
    assert person.http.cookies[SESSION] != before
    person.http.cookies.set(SESSION, before, domain="127.0.0.1", path="/console")
    assert person.get(HOME).headers["location"] == ENDED


def _sign_in_secret(person: Person) -> str:
    """As a second tab of the same browser has it, loaded before the first one signed in."""
    secret = "s" * 43
    person.http.cookies.set("baas_sign_in", secret, domain="127.0.0.1", path="/console")
    return secret


def test_the_sign_in_form_has_a_secret_of_its_own(town: Any, token: str) -> None:
    good = Person(town).csrf(SIGN_IN)
    for cookie, field in ((None, good), (good, ""), (good, "x" * 43), ("short", "short"), (None, "")):
        person = Person(town)
        if cookie:
            person.http.cookies.set("baas_sign_in", cookie, domain="127.0.0.1", path="/console")
        response = person.post(SIGN_IN, field, token=token)
        assert response.status_code == 403
        assert SESSION not in cookies(response)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"},
    ],
)
def test_a_form_sent_from_elsewhere_is_refused(person: Person, token: str, headers: dict[str, str]) -> None:
    response = person.post(SIGN_IN, person.csrf(SIGN_IN), headers, token=token)
    assert response.status_code == 403
    assert "Torneu-la a carregar" in words(response)
    assert SESSION not in cookies(response)


def test_after_many_failures_an_address_waits(server: Any, clock: Any) -> None:
    server.administration(TOWN)
    text = server.token_of(server.member(TOWN, Role.ADMIN)["id"])
    for _ in range(FAILURES):
        assert Person(server).sign_in("baas_" + "A" * 43).status_code == 401
    person = Person(server)
    response = person.sign_in(text)
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert "massa intents" in words(response)
    assert SESSION not in cookies(response)
    clock.advance(minutes=1)
    assert person.sign_in(text).status_code == 303


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example",
        "/console//elsewhere.example",
        "/console/../api/v1/me",
        "/console/..//elsewhere.example",
        "/console/%2e%2e/",
        "/consolex",
        "/api/v1/me",
        "/console/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/console/chains#x",
        "/console/@elsewhere.example",
        "console/",
        " /console/",
    ],
)
def test_nobody_is_led_elsewhere(person: Person, token: str, elsewhere: str) -> None:
    page = person.get(SIGN_IN, params={"next": elsewhere})
    (hidden,) = re.findall(r'name="next" value="([^"]*)"', page.text)
    assert hidden == HOME
    assert person.sign_in(token, next=elsewhere).headers["location"] == HOME


@pytest.mark.parametrize(
    "page",
    [
        "/console/chains",
        "/console/notarisations/01JN9W5T5BZ0Q8M4K7V2X3Y6A1-17",
        "/console/pilots?language=es",
    ],
)
def test_one_comes_back_to_the_page_that_was_asked_for(person: Person, token: str, page: str) -> None:
    asked = person.get(page)
    assert asked.status_code == 303
    form = person.get(asked.headers["location"])
    (hidden,) = re.findall(r'name="next" value="([^"]*)"', form.text)
    assert hidden == page
    assert person.sign_in(token, next=hidden).headers["location"] == page


def test_the_language_is_asked_for_then_remembered_then_the_installations(person: Person) -> None:
    def language(path: str) -> str:
        response = person.get(path)
        assert response.headers["referrer-policy"] == SECURITY_HEADERS["Referrer-Policy"]
        return re.findall(r'<html lang="(\w+)">', response.text)[0]  # type: ignore[no-any-return]

    assert language(SIGN_IN) == "ca"
    assert language(f"{SIGN_IN}?language=xx") == "ca"
    assert language(f"{SIGN_IN}?language=en") == "en"
    assert language("/console/check") == "en"
    assert language("/console/nowhere") == "en"
    assert language("/console/check?language=es") == "es"
