"""Tokens and reach: who a token stands for, at this moment."""

from __future__ import annotations

import hashlib
import sqlite3
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from baas.administrations import repository
from baas.administrations.model import AdministrationKind, Member, Token, TokenKind
from baas.errors import AlreadyInitialised, Forbidden, Invalid, NotFound, Unauthenticated
from baas.store import DATABASE
from baas.tenancy import Caller, CallerKind, Role, RpcEndpoint, TenantScope
from baas.wiring import Services

ADMIN, DEVELOPER, AUDITOR = Role.ADMIN, Role.DEVELOPER, Role.AUDITOR
TOWN, PROVIDER = "9999990001", "9999990002"


@pytest.fixture
def operator(services: Services) -> TenantScope:
    return TenantScope(services.tokens.authenticate(services.initialise().text))


@pytest.fixture
def town(services: Services, operator: TenantScope) -> str:
    return administration(services, operator, TOWN)


def administration(services: Services, operator: TenantScope, code: str) -> str:
    with services.store.session() as session:
        row = services.administrations.create(session, operator, code, code, AdministrationKind.OTHER)
    return row.id


def member(services: Services, scope: TenantScope, code: str, *roles: Role) -> tuple[Member, str]:
    """A new member and the text of a token for it."""
    with services.store.session() as session:
        row = services.administrations.add_member(session, scope, code, "persona", frozenset(roles))
        return row, services.tokens.issue(session, scope, "test", row.id).text


def scope_of(services: Services, text: str) -> TenantScope:
    return TenantScope(services.tokens.authenticate(text))


def test_the_first_operator_is_made_once(services: Services) -> None:
    issued = services.initialise()
    caller = services.tokens.authenticate(issued.text)
    assert (caller.kind, caller.roles) == (CallerKind.OPERATOR, {})
    with pytest.raises(AlreadyInitialised, match="use the token that was shown then"):
        services.initialise()


def test_a_token_is_32_random_bytes_and_only_its_sha_256_is_kept(services: Services) -> None:
    issued = services.initialise()
    secret = urlsafe_b64decode(issued.text.removeprefix("baas_") + "=")
    assert len(secret) == 32
    assert issued.row.hash == hashlib.sha256(issued.text.encode()).digest()
    assert issued.row.prefix == issued.text[5:13]
    services.stop()
    files = [path for path in services.settings.data.rglob("*") if path.is_file()]
    assert any(path.name == "baas.sqlite" for path in files)
    assert not [path for path in files if issued.text[13:].encode() in path.read_bytes()]


def test_two_tokens_with_one_prefix_are_told_apart(services: Services, operator: TenantScope) -> None:
    texts = []
    for last in (b"\1", b"\2"):
        services.tokens._random_bytes = lambda _size, last=last: b"same beginning" + bytes(17) + last
        with services.store.session() as session:
            texts.append(services.tokens.issue(session, operator, "twin"))
    assert texts[0].row.prefix == texts[1].row.prefix
    assert [services.tokens.authenticate(each.text).token_id for each in texts] == [
        each.row.id for each in texts
    ]


def test_a_token_ends_with_its_days(services: Services, clock: Any) -> None:
    text = services.initialise().text
    clock.advance(days=90, seconds=-1)
    services.tokens.authenticate(text)
    clock.advance(seconds=1)
    with pytest.raises(Unauthenticated):
        services.tokens.authenticate(text)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: None,
        lambda text: "",
        lambda text: "baas_" + "A" * 43,
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text + "A",
        lambda text: text + "\n",
        lambda text: text.upper(),
        lambda text: text[5:],
    ],
)
def test_anything_but_the_token_is_refused_in_the_same_words(
    services: Services, spoil: Callable[[str], str | None]
) -> None:
    text = services.initialise().text
    with pytest.raises(Unauthenticated) as refused:
        services.tokens.authenticate(spoil(text))
    assert str(refused.value) == str(Unauthenticated())


def test_revoking_works_at_once_and_noting_the_use_does_not_undo_it(
    services: Services, operator: TenantScope, town: str
) -> None:
    _, text = member(services, operator, TOWN, ADMIN)
    caller = services.tokens.authenticate(text)
    with services.store.session() as session:
        services.tokens.revoke(session, TenantScope(caller), caller.token_id)
        repository.note_use(session, caller.token_id, services.clock.now())
        services.tokens.revoke(session, TenantScope(caller), caller.token_id)  # twice is as once
    with pytest.raises(Unauthenticated):
        services.tokens.authenticate(text)


def test_last_used_is_noted_to_the_minute(services: Services, clock: Any) -> None:
    issued = services.initialise()

    def noted() -> Any:
        with services.store.reading() as session:
            return session.get_one(Token, issued.row.id).last_used

    assert noted() is None
    services.tokens.authenticate(issued.text)
    first = noted()
    clock.advance(seconds=30)
    services.tokens.authenticate(issued.text)
    assert noted() == first
    clock.advance(seconds=31)
    services.tokens.authenticate(issued.text)
    assert noted() > first


def test_a_former_member_is_refused_and_changed_roles_count_at_once(
    services: Services, operator: TenantScope, town: str
) -> None:
    row, text = member(services, operator, TOWN, ADMIN)
    with services.store.session() as session:
        services.administrations.set_roles(session, operator, TOWN, row.id, frozenset({AUDITOR}))
    assert services.tokens.authenticate(text).roles == {town: {AUDITOR}}
    with services.store.session() as session:
        services.administrations.end_member(session, operator, TOWN, row.id)
    with pytest.raises(Unauthenticated):
        services.tokens.authenticate(text)


def test_a_mandate_gives_the_roles_that_both_have_and_only_while_it_lasts(
    services: Services, operator: TenantScope, town: str, clock: Any
) -> None:
    provider = administration(services, operator, PROVIDER)
    _, text = member(services, operator, PROVIDER, ADMIN, DEVELOPER)
    _, useless = member(services, operator, PROVIDER, AUDITOR)
    with services.store.session() as session:
        services.administrations.grant_mandate(
            session, operator, TOWN, PROVIDER, frozenset({DEVELOPER, AUDITOR}), 10
        )
    assert services.tokens.authenticate(text).roles == {provider: {ADMIN, DEVELOPER}, town: {DEVELOPER}}
    assert services.tokens.authenticate(useless).roles == {provider: {AUDITOR}, town: {AUDITOR}}
    clock.advance(days=10)
    assert services.tokens.authenticate(text).roles == {provider: {ADMIN, DEVELOPER}}


@contextmanager
def statements(services: Services) -> Iterator[list[str]]:
    """What is asked of the database in this block, but for how it begins and whether anything was written."""
    seen: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN")):
            seen.append(statement)

    event.listen(services.store.engine, "before_cursor_execute", note)
    yield seen
    event.remove(services.store.engine, "before_cursor_execute", note)


def test_what_a_token_stands_for_is_read_once_until_anything_is_written(
    services: Services, operator: TenantScope, town: str
) -> None:
    row, text = member(services, operator, TOWN, ADMIN)
    services.tokens.authenticate(text)  # and its use is noted
    with statements(services) as first:
        services.tokens.authenticate(text)
    with statements(services) as second:
        assert services.tokens.authenticate(text).roles == {town: {ADMIN}}
    assert first
    assert not second
    with closing(sqlite3.connect(services.settings.data / DATABASE)) as another:
        another.execute("UPDATE members SET ended = created WHERE id = ?", (row.id,))
        another.commit()
    with pytest.raises(Unauthenticated):
        services.tokens.authenticate(text)


def test_what_is_remembered_of_a_token_opens_no_more_and_no_longer(
    services: Services, operator: TenantScope, town: str, clock: Any
) -> None:
    provider = administration(services, operator, PROVIDER)
    _, text = member(services, operator, PROVIDER, DEVELOPER)
    with services.store.session() as session:
        services.administrations.grant_mandate(session, operator, TOWN, PROVIDER, frozenset({DEVELOPER}), 1)
    scope = scope_of(services, text)
    with services.store.session() as session:
        rpc = services.tokens.issue_rpc(session, scope, "wallet", town, "chain-1").text
    clock.advance(days=1, seconds=-10)
    for each in (text, rpc):
        services.tokens.authenticate(each, rpc=True)
    for _ in range(2):
        assert services.tokens.authenticate(text).roles.keys() == {provider, town}
        assert services.tokens.authenticate(rpc, rpc=True).chain_id == "chain-1"
        with pytest.raises(Unauthenticated):
            services.tokens.authenticate(rpc)
    clock.advance(seconds=10)
    with statements(services) as asked:
        assert services.tokens.authenticate(text).roles.keys() == {provider}
        with pytest.raises(Unauthenticated):  # the mandate is over
            services.tokens.authenticate(rpc, rpc=True)
    assert not [each for each in asked if not each.startswith("SELECT")]  # nothing was written
    clock.advance(seconds=-1)
    assert services.tokens.authenticate(text).roles.keys() == {provider, town}


def test_mandates_do_not_lead_on(services: Services, operator: TenantScope, town: str) -> None:
    """The town lets the provider act, the provider lets a third: the third does not reach the town."""
    provider = administration(services, operator, PROVIDER)
    third = administration(services, operator, "9999990003")
    _, text = member(services, operator, "9999990003", ADMIN)
    with services.store.session() as session:
        for given, taken in ((TOWN, PROVIDER), (PROVIDER, "9999990003")):
            services.administrations.grant_mandate(session, operator, given, taken, frozenset({ADMIN}), 10)
    assert services.tokens.authenticate(text).roles == {third: {ADMIN}, provider: {ADMIN}}


def test_only_the_administration_itself_grants_mandates(
    services: Services, operator: TenantScope, town: str
) -> None:
    administration(services, operator, PROVIDER)
    _, own = member(services, operator, TOWN, ADMIN)
    _, by_mandate = member(services, operator, PROVIDER, ADMIN)
    grant = services.administrations.grant_mandate
    itself = scope_of(services, own)
    with services.store.session() as session:
        mandate = grant(session, itself, TOWN, PROVIDER, frozenset({ADMIN}), 10)
    acting = scope_of(services, by_mandate)
    with services.store.session() as session:
        services.administrations.add_member(
            session, acting, TOWN, "x", frozenset({AUDITOR})
        )  # this much it may
        with pytest.raises(Forbidden, match="of the administration itself"):
            grant(session, acting, TOWN, PROVIDER, frozenset({ADMIN}), 4000)
        with pytest.raises(Forbidden):
            services.administrations.revoke_mandate(session, acting, TOWN, mandate.id)
        services.administrations.revoke_mandate(session, itself, TOWN, mandate.id)
    assert town not in services.tokens.authenticate(by_mandate).roles


@pytest.mark.parametrize("provider", [TOWN, "9999990009", "x"])
def test_a_mandate_names_another_registered_administration(
    services: Services, operator: TenantScope, town: str, provider: str
) -> None:
    with services.store.session() as session, pytest.raises(Invalid) as refused:
        services.administrations.grant_mandate(session, operator, TOWN, provider, frozenset({ADMIN}), 1)
    assert refused.value.pointer == "/provider"


def test_who_may_issue_a_token_for_whom(services: Services, operator: TenantScope, town: str) -> None:
    administration(services, operator, PROVIDER)
    anna, annas = member(services, operator, TOWN, ADMIN)
    dani, danis = member(services, operator, TOWN, DEVELOPER)
    other, _ = member(services, operator, PROVIDER, ADMIN)
    admin, developer = scope_of(services, annas), scope_of(services, danis)
    issue = services.tokens.issue
    with services.store.session() as session:
        assert issue(session, developer, "own").row.member_id == dani.id
        assert issue(session, admin, "for dani", dani.id).row.administration_id == town
        with pytest.raises(Forbidden):
            issue(session, developer, "for anna", anna.id)
        for nobody in (other.id, operator.caller.actor_id, "x"):
            with pytest.raises(NotFound):
                issue(session, admin, "no", nobody)
        assert issue(session, operator, "own").row.staff_id == operator.caller.actor_id
        with pytest.raises(NotFound):
            issue(session, operator, "no", "x")


def test_an_rpc_token_opens_one_chains_rpc_and_nothing_else(
    services: Services, operator: TenantScope, town: str
) -> None:
    provider = administration(services, operator, PROVIDER)
    row, text = member(services, operator, PROVIDER, DEVELOPER)
    with services.store.session() as session:
        mandate = services.administrations.grant_mandate(
            session, operator, TOWN, PROVIDER, frozenset({DEVELOPER}), 10
        )
    scope = scope_of(services, text)
    with services.store.session() as session:
        issued = services.tokens.issue_rpc(session, scope, "wallet", town, "chain-1", days=1)
        with pytest.raises(NotFound):
            services.tokens.issue_rpc(session, scope, "wallet", "another", "chain-1")
    assert (issued.row.kind, issued.row.administration_id) == (TokenKind.RPC, town)
    with pytest.raises(Unauthenticated):
        services.tokens.authenticate(issued.text)
    caller = services.tokens.authenticate(issued.text, rpc=True)
    assert caller == Caller(
        CallerKind.MEMBER,
        row.id,
        "persona",
        issued.row.id,
        provider,
        {town: frozenset({DEVELOPER})},
        "chain-1",
        RpcEndpoint.PUBLIC,
    )
    assert services.tokens.authenticate(text, rpc=True).chain_id is None  # an API token is accepted there too
    with services.store.session() as session:
        services.administrations.revoke_mandate(session, operator, TOWN, mandate.id)
    with pytest.raises(Unauthenticated):
        services.tokens.authenticate(issued.text, rpc=True)
