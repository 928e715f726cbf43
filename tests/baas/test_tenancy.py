"""The scope: what a caller may see and do; and that no query goes past it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, SQLModel

import baas
from baas.administrations.model import Administration, AdministrationKind, Mandate, Member, Staff, Token
from baas.audit.model import AuditRow
from baas.errors import Forbidden, NotFound
from baas.store.idempotency import IdempotencyKey
from baas.tenancy import SERVICE, Caller, CallerKind, Role, TenantScope, column
from baas.wiring import Services

OWN, REACHED, OTHER = "A" * 26, "B" * 26, "C" * 26
MEMBER = Caller(
    CallerKind.MEMBER,
    "anna",
    administration_id=OWN,
    roles={OWN: frozenset({Role.ADMIN}), REACHED: frozenset({Role.DEVELOPER})},
)
OPERATOR = Caller(CallerKind.OPERATOR, "olga")
EVALUATOR = Caller(CallerKind.EVALUATOR, "eva")


@pytest.fixture
def session(services: Services) -> Iterator[Session]:
    now = services.clock.now()
    with services.store.session() as opened:
        for number, each in enumerate((OWN, REACHED, OTHER)):
            code = f"999999000{number}"
            opened.add(
                Administration(id=each, code=code, name=each, kind=AdministrationKind.OTHER, created=now)
            )
            opened.flush()
            opened.add(
                Member(id=f"m{number}", administration_id=each, label="", roles=frozenset(Role), created=now)
            )
        opened.flush()
        yield opened


def seen(session: Session, caller: Caller, model: type[Any], key: str = "administration_id") -> set[str]:
    return {getattr(row, key) for row in session.exec(TenantScope(caller).select(model))}


def test_a_member_sees_the_administrations_that_it_reaches(session: Session) -> None:
    assert seen(session, MEMBER, Member) == {OWN, REACHED}
    assert seen(session, MEMBER, Administration, "id") == {OWN, REACHED}


@pytest.mark.parametrize(
    ("caller", "members", "administrations"),
    [(OPERATOR, 3, 3), (EVALUATOR, 0, 3), (SERVICE, 0, 0), (Caller(CallerKind.MEMBER, "nobody"), 0, 0)],
    ids=lambda value: getattr(value, "kind", value),
)
def test_staff_see_only_what_a_table_shows_them(
    session: Session, caller: Caller, members: int, administrations: int
) -> None:
    assert len(seen(session, caller, Member)) == members
    assert len(seen(session, caller, Administration, "id")) == administrations


def test_rows_of_no_administration_are_shown_to_nobody(session: Session, services: Services) -> None:
    services.audit.record(session, SERVICE, "service.start", "service", "x", None)
    for caller in (MEMBER, OPERATOR, EVALUATOR):
        assert list(session.exec(TenantScope(caller).select(AuditRow))) == []


def test_anothers_and_an_absent_row_are_refused_in_the_same_words(session: Session) -> None:
    scope, words = TenantScope(MEMBER), []
    for row_id in ("m2", "m9"):
        with pytest.raises(NotFound) as refused:
            scope.get(session, Member, row_id)
        words.append(str(refused.value).replace(row_id, "ID"))
    assert words[0] == words[1]
    assert scope.get(session, Member, "m1").administration_id == REACHED


@pytest.mark.parametrize("model", [Staff, IdempotencyKey])
def test_a_table_without_an_administration_cannot_be_selected(model: type[SQLModel]) -> None:
    with pytest.raises(TypeError, match="belongs to no administration"):
        TenantScope(OPERATOR).select(model)


def test_a_column_that_is_not_there_is_a_mistake_that_shows() -> None:
    with pytest.raises(TypeError, match="no column 'label'"):
        column(Administration, "label")


REQUIRED = [
    (MEMBER, OWN, {Role.ADMIN}, [], None),
    (MEMBER, OWN, {Role.ADMIN, Role.AUDITOR}, [], None),
    (MEMBER, OWN, {Role.AUDITOR}, [], Forbidden),
    (MEMBER, OWN, set(), [], Forbidden),
    (MEMBER, REACHED, {Role.DEVELOPER}, [], None),
    (MEMBER, REACHED, {Role.ADMIN}, [], Forbidden),
    (MEMBER, OTHER, {Role.ADMIN}, [], NotFound),
    (MEMBER, OTHER, {Role.ADMIN}, [CallerKind.OPERATOR], NotFound),
    (OPERATOR, OTHER, {Role.ADMIN}, [CallerKind.OPERATOR], None),
    (OPERATOR, OTHER, {Role.ADMIN}, [], Forbidden),
    (EVALUATOR, OTHER, {Role.ADMIN}, [CallerKind.OPERATOR], Forbidden),
    (SERVICE, OWN, {Role.ADMIN}, [], Forbidden),
]


@pytest.mark.parametrize(("caller", "administration", "roles", "staff", "refused"), REQUIRED)
def test_require(
    caller: Caller,
    administration: str,
    roles: set[Role],
    staff: list[CallerKind],
    refused: type[Exception] | None,
) -> None:
    scope = TenantScope(caller)
    if refused is None:
        scope.require(administration, "doing it", *roles, staff=staff)
    else:
        with pytest.raises(refused):
            scope.require(administration, "doing it", *roles, staff=staff)


def test_require_own_does_not_count_a_mandate() -> None:
    scope = TenantScope(MEMBER)
    scope.require_own(OWN, "doing it", Role.ADMIN)
    with pytest.raises(Forbidden, match="of the administration itself"):
        scope.require_own(REACHED, "doing it", Role.DEVELOPER)
    TenantScope(OPERATOR).require_own(OTHER, "doing it", Role.ADMIN, staff=[CallerKind.OPERATOR])


def test_forbidden_says_what_is_needed_and_what_one_has() -> None:
    with pytest.raises(Forbidden) as refused:
        TenantScope(MEMBER).require(REACHED, "adding a member", Role.ADMIN)
    assert str(refused.value) == (
        "adding a member needs the role admin; you have developer: ask an admin of the administration"
    )
    assert (refused.value.expected, refused.value.got) == ("admin", "developer")
    assert str(Forbidden("granting it", ("operator",), ("admin",))) == (
        "granting it needs the role operator; you have admin: ask AOC's operators"
    )


# The lint: a query of a scoped table is made by a scope, or by `across_administrations` with its reason.

QUERIES = {"select", "update", "delete", "get", "get_one", "query", "select_from", "exists"}
SQL_TABLE = re.compile(r"\b(?:FROM|UPDATE|JOIN)\s+\"?(\w+)", re.IGNORECASE)

# Reviewed one by one; the comment says why no other administration's row can be reached.
EXCEPTIONS = {
    # number and hash of the audit's last row: the chain of hashes is one for all, and neither names anybody
    "audit/__init__.py": ["SQL on audit without administration_id"],
    # only narrows `scope.select(Deployment)`: which of the own deployments are taken
    "logs/service.py": ["select(Log.deployment_id)"],
}


def scoped_models() -> dict[str, str]:
    """Class name to table name of every table under `Scoped` that the source declares."""
    found: dict[str, str] = {}
    for path in Path(baas.__path__[0]).rglob("model.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and {getattr(base, "id", "") for base in node.bases} & {
                "TenantRow",
                "Scoped",
            }:
                table = re.search(
                    r'__tablename__ = "(\w+)"', ast.get_source_segment(path.read_text(), node) or ""
                )
                assert table, f"{path}: {node.name} has no __tablename__"
                found[node.name] = table.group(1)
    return found


def by_scope(node: ast.AST) -> bool:
    """Whether `node` is a call on a scope, or built on one, such as `scope.select(Member).where(…)`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if ast.unparse(node.func.value).endswith("scope"):
            return True
        node = node.func.value
    return False


def names(node: ast.AST) -> Iterator[str]:
    """The names in `node`, but for those of a scope's own query."""
    if isinstance(node, ast.Name):
        yield node.id
    if not by_scope(node):
        for child in ast.iter_child_nodes(node):
            yield from names(child)


def unscoped_queries(source: str, models: dict[str, str]) -> list[str]:
    """The calls and SQL texts of `source` that reach a scoped table by another way than a scope."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            arguments = node.args[:1] if name in ("get", "query", "get_one") else node.args
            named = {each for argument in arguments for each in names(argument)}
            if name in QUERIES and not by_scope(node) and named & models.keys():
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            tables = set(SQL_TABLE.findall(node.value)) & set(models.values())
            statement = re.match(r"\s*(SELECT|UPDATE|DELETE|WITH|INSERT)\b", node.value)
            if tables and statement and "administration_id" not in node.value:
                found.append(
                    f"line {node.lineno}: SQL on {', '.join(sorted(tables))} without administration_id"
                )
    return found


def test_no_query_of_a_scoped_table_goes_past_the_scope() -> None:
    models, root = scoped_models(), Path(baas.__path__[0])
    assert models.keys() >= {each.__name__ for each in (Administration, Member, Mandate, Token, AuditRow)}
    found = {
        str(path.relative_to(root)): lines
        for path in root.rglob("*.py")
        if path.name != "tenancy.py" and "migrations" not in path.parts
        if (lines := [each.partition(": ")[2] for each in unscoped_queries(path.read_text(), models)])
    }
    assert found == EXCEPTIONS, "use scope.select, scope.get, or across_administrations with the reason"


@pytest.mark.parametrize(
    "source",
    [
        "session.exec(select(Member))",
        "scope.select(Staff).where(Staff.id.in_(select(Member.id)))",
        "session.exec(select(Member.id).where(Member.label == 'x'))",
        "session.exec(select(func.count()).select_from(Member))",
        "session.get(Member, 'm1')",
        "session.execute(update(Member).values(label='x'))",
        "session.execute(delete(Member))",
        "session.query(Member)",
        "raw(session).execute('SELECT * FROM members')",
        "raw(session).execute('UPDATE members SET label = 1')",
    ],
)
def test_the_lint_finds(source: str) -> None:
    assert unscoped_queries(source, {"Member": "members"})


@pytest.mark.parametrize(
    "source",
    [
        "session.exec(scope.select(Member).where(Member.label == 'x'))",
        "scope.get(session, Member, 'm1')",
        "call.scope.select(Member)",
        "select(func.count()).select_from(scope.select(Member).where(Member.label == 'x').subquery())",
        "across_administrations(Member, because='x')",
        "session.exec(select(Staff))",
        "raw(session).execute('SELECT * FROM members WHERE administration_id = ?')",
    ],
)
def test_the_lint_allows(source: str) -> None:
    assert unscoped_queries(source, {"Member": "members"}) == []
