"""Who may do what on a chain: permissions, requests for access, a dry run that explains, and what was refused."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

from eth_utils.address import to_checksum_address
from fastapi import APIRouter, Response

from baas.chains.model import Chain
from baas.chains.permissions import Narrower, Narrowing
from baas.console.chain_pages import (
    CHANGES,
    CLOSED_ERRORS,
    Mistake,
    actor_name,
    address_of,
    attempt,
    closed_page,
    may,
    open_chain,
    people,
    shown,
    when,
)
from baas.console.visits import PATH, Posted, PostedVisit, SignedIn, Visit, redirect
from baas.errors import Invalid
from baas.tenancy import Role
from sandbox.access_records import MOST_TEXT, RequestState
from sandbox.chain import Chain as AwakeChain
from sandbox.errors import BadPermission, PermissionsError, RpcError, TooManyPermissions, UnknownPermission
from sandbox.gateway.rules import ORDER
from sandbox.permissions import ActKind, Permission, selector_of
from sandbox.permissions import Role as PermissionRole

router = APIRouter()
TAB = "permissions"
#: The rules that the catalogue has a sentence for, and how many lines of each table a page shows.
EXPLAINED, LINES = frozenset({*ORDER, "method-table"}), 100
_WEI = re.compile(r"[0-9]{1,78}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


@router.get("/chains/{chain}/permissions")
def permissions(chain: str, visit: SignedIn) -> Response:
    """Everything about who may; with `from` in the query, also what the chain would do with such a transaction."""
    row = visit.services.chains.get(visit.scope, chain)
    asked = {
        name: visit.request.query_params.get(name, "").strip() for name in ("from", "to", "data", "value")
    }
    if not any(asked.values()):
        return _page(visit, row)
    try:
        explained = _explained(visit, open_chain(visit, row), asked)
    except Mistake as mistake:
        return _page(visit, row, 422, mistake.text(visit), asked)
    except CLOSED_ERRORS as error:
        return closed_page(visit, row, TAB, error)
    return _page(visit, row, asked=asked, explained=explained)


@router.post("/chains/{chain}/permissions")
def give(chain: str, posted: Posted) -> Response:
    row = posted.services.chains.get(posted.scope, chain)
    return attempt(posted, lambda: _give(posted, row), partial(_page, posted, row))


@router.post("/chains/{chain}/permissions/{number}/withdraw")
def withdraw(chain: str, number: str, posted: Posted) -> Response:
    row = posted.services.chains.get(posted.scope, chain)
    try:
        posted.services.permissions.withdraw(posted.scope, row.id, _number(number))
    except UnknownPermission:
        return _page(posted, row, 404, posted.t("console.mistake.gone"))
    return redirect(f"{PATH}/chains/{row.id}/permissions")


@router.post("/chains/{chain}/requests")
def ask(chain: str, posted: Posted) -> Response:
    """Whoever reaches the chain may ask for access."""
    row = posted.services.chains.get(posted.scope, chain)
    return attempt(posted, lambda: _ask(posted, row), partial(_page, posted, row))


@router.post("/chains/{chain}/requests/{number}/accept")
def accept(chain: str, number: str, posted: Posted) -> Response:
    """What was asked for, or less."""
    row = posted.services.chains.get(posted.scope, chain)
    return attempt(posted, lambda: _accept(posted, row, _number(number)), partial(_page, posted, row))


@router.post("/chains/{chain}/requests/{number}/reject")
def reject(chain: str, number: str, posted: Posted) -> Response:
    row = posted.services.chains.get(posted.scope, chain)
    return attempt(posted, lambda: _reject(posted, row, _number(number)), partial(_page, posted, row))


def _give(posted: PostedVisit, row: Chain) -> Response:
    address, act = address_of(posted.field("address"), "address"), _act(posted)
    role = posted.field("role") or PermissionRole.ENABLED.value
    if role not in {each.value for each in PermissionRole}:
        raise Mistake("mistake.role")
    narrowing: Narrowing = {"role": role, **_narrowing(posted)}
    if act is ActKind.DEPLOY and (narrowing.get("target") or narrowing.get("selector")):
        raise Mistake("mistake.deploy_target")
    try:
        posted.services.permissions.allow(posted.scope, row.id, address, act, **narrowing)
    except TooManyPermissions as error:
        raise Mistake("mistake.too_many", limit=error.limit) from error
    except BadPermission as error:
        raise Mistake("mistake.permission") from error
    return redirect(f"{PATH}/chains/{row.id}/permissions")


def _ask(posted: PostedVisit, row: Chain) -> Response:
    address = address_of(posted.field("address"), "address")
    wanted = Permission(bytes.fromhex(address[2:]), _act(posted))
    message = _text(posted.field("message"), "message")
    try:
        posted.services.permissions.request_access(posted.scope, row.id, wanted, message)
    except PermissionsError as error:
        raise Mistake("mistake.request") from error
    return redirect(f"{PATH}/chains/{row.id}/permissions")


def _accept(posted: PostedVisit, row: Chain, number: int) -> Response:
    said, less = _narrowing(posted), Narrower()
    if target := said.get("target"):
        less["target"] = bytes.fromhex(target[2:])
    if selector := said.get("selector"):
        less["selector"] = selector_of(selector)
    if (most := said.get("max_value")) is not None:
        less["max_value"] = most
    if expires := said.get("expires"):
        less["expires"] = expires
    reason = _text(posted.field("reason"), "reason")
    try:
        posted.services.permissions.accept_request(posted.scope, row.id, number, reason, **less)
    except PermissionsError as error:
        raise Mistake("mistake.decision") from error
    return redirect(f"{PATH}/chains/{row.id}/permissions")


def _reject(posted: PostedVisit, row: Chain, number: int) -> Response:
    reason = _text(posted.field("reason"), "reason")
    if not reason:
        raise Mistake("mistake.no_reason")
    try:
        posted.services.permissions.reject_request(posted.scope, row.id, number, reason)
    except PermissionsError as error:
        raise Mistake("mistake.decision") from error
    return redirect(f"{PATH}/chains/{row.id}/permissions")


def _act(posted: PostedVisit) -> ActKind:
    try:
        return ActKind(posted.field("act"))
    except ValueError as error:
        raise Mistake("mistake.act") from error


def _page(
    visit: Visit,
    row: Chain,
    status: int = 200,
    problem: str | None = None,
    asked: dict[str, str] | None = None,
    explained: dict[str, Any] | None = None,
) -> Response:
    try:
        awake = open_chain(visit, row)
    except CLOSED_ERRORS as error:
        return closed_page(visit, row, TAB, error)
    labels = {address.lower(): label for label, address in awake.accounts.list().items()}
    known = people(visit, row)
    now = visit.services.clock.now()
    is_admin, may_change = may(visit, row, Role.ADMIN), may(visit, row, *CHANGES)
    given = [_permission(each, labels, now) for each in awake.permissions(limit=LINES + 1)]
    for each in given:
        each["removable"] = is_admin or (may_change and each["role"] == PermissionRole.ENABLED.value)
    return visit.page(
        "permissions",
        status,
        chain=shown(visit, row),
        tab=TAB,
        permissions=given[:LINES],
        more=len(given) > LINES,
        requests=_requests(visit, awake, labels, known, now),
        refusals=_refusals(visit, awake, labels),
        roles=[each.value for each in PermissionRole] if is_admin else [PermissionRole.ENABLED.value],
        may_change=may_change,
        may_decide=is_admin,
        may_ask=may(visit, row, *Role),
        sent={
            name: visit.field(name) if isinstance(visit, PostedVisit) else ""
            for name in ("address", "target", "selector", "max_value", "until")
        },
        asked=asked or {"from": "", "to": "", "data": "", "value": ""},
        explained=explained,
        problem=problem,
    )


def _permission(given: Permission, labels: dict[str, str], now: datetime) -> dict[str, Any]:
    address = f"0x{given.address.hex()}"
    target = None if given.target is None else f"0x{given.target.hex()}"
    return {
        "id": given.id,
        "address": to_checksum_address(address),
        "label": labels.get(address),
        "act": given.act.value,
        "role": given.role.value,
        "target": None if target is None else to_checksum_address(target),
        "selector": None if given.selector is None else f"0x{given.selector.hex()}",
        "max_value": None if given.max_value is None else str(given.max_value),
        "expires": None if given.expires is None else _moment(given.expires),
        "lasts": given.lasts(now.timestamp()),
    }


def _requests(
    visit: Visit, awake: AwakeChain, labels: dict[str, str], known: dict[str, str], now: datetime
) -> dict[str, list[dict[str, Any]]]:
    """Those that wait, oldest first; and what was decided last."""

    def one(asked: Any) -> dict[str, Any]:
        return _permission(asked.wanted, labels, now) | {
            "id": asked.id,
            "at": when(asked.at_ms),
            "actor": actor_name(visit, known, asked.actor),
            "message": asked.message,
            "state": asked.state.value,
            "decided": None if asked.decided_ms is None else when(asked.decided_ms),
            "decided_by": actor_name(visit, known, asked.decided_by or ""),
            "reason": asked.reason,
        }

    waiting = awake.access_requests(limit=LINES, state=RequestState.OPEN)
    decided = [each for each in awake.access_requests(limit=10_000) if each.state is not RequestState.OPEN]
    return {
        "waiting": [one(each) for each in waiting],
        "decided": [one(each) for each in decided[-10:][::-1]],
    }


def _refusals(visit: Visit, awake: AwakeChain, labels: dict[str, str]) -> list[dict[str, Any]]:
    """Which rules refused whom how often, the most frequent first."""
    found = []
    for each in awake.refusals.by_rule_and_sender(LINES):
        sender = None if each.sender is None else f"0x{each.sender.hex()}"
        found.append(
            {
                "rule": _rule(visit, each.rule),
                "sender": None if sender is None else to_checksum_address(sender),
                "label": labels.get(sender or ""),
                "number": each.number,
                "first": when(each.first_ms),
                "last": when(each.last_ms),
            }
        )
    return found


def _explained(visit: Visit, awake: AwakeChain, asked: dict[str, str]) -> dict[str, Any]:
    said: dict[str, str] = {"from": address_of(asked["from"], "from")}
    if asked["to"]:
        said["to"] = address_of(asked["to"], "target")
    if asked["data"]:
        if not _DATA.fullmatch(asked["data"]):
            raise Mistake("mistake.data")
        said["data"] = asked["data"]
    if asked["value"]:
        if not _WEI.fullmatch(asked["value"]):
            raise Mistake("mistake.max_value")
        said["value"] = hex(int(asked["value"]))
    try:
        found = awake.explain(said)
    except RpcError as error:
        raise Mistake("mistake.explain") from error
    return {
        "allowed": found["allowed"],
        "rule": _rule(visit, found["rule"]),
        "permission": found["permission"],
        "may_create": found["may_create"],
        "creates": not asked["to"],
        "sender": to_checksum_address(said["from"]),
        "checks": [
            {
                "rule": visit.t(f"console.check_name.{each['rule']}"),
                "outcome": each["outcome"].replace(" ", "_"),
            }
            for each in found["checks"]
        ],
    }


def _rule(visit: Visit, slug: str) -> str:
    return visit.t(f"console.rule.{slug}") if slug in EXPLAINED else slug


def _narrowing(posted: PostedVisit) -> Narrowing:
    """What the form's fields narrow a permission by. Mistake for what cannot be used."""
    found: Narrowing = {}
    if target := posted.field("target"):
        found["target"] = address_of(target, "target")
    if selector := posted.field("selector"):
        try:
            selector_of(selector)
        except BadPermission as error:
            raise Mistake("mistake.selector") from error
        found["selector"] = selector
    if most := posted.field("max_value"):
        if not _WEI.fullmatch(most):
            raise Mistake("mistake.max_value")
        found["max_value"] = int(most)
    if until := posted.field("until"):
        found["expires"] = _end_of(until, posted.services.clock.now())
    return found


def _end_of(day: str, now: datetime) -> int:
    """The second after a day, which is the last one that a permission holds. Mistake for a day that is over."""
    try:
        found = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time(), UTC)
    except (ValueError, OverflowError) as error:
        raise Mistake("mistake.until") from error
    if found <= now:
        raise Mistake("mistake.past")
    return int(found.timestamp())


def _moment(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # no calendar has it: for ever
        return None


def _text(text: str, field: str) -> str:
    if len(text) > MOST_TEXT:
        raise Mistake(f"mistake.long_{field}", most=MOST_TEXT)
    return text


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise Invalid("/number", "a number", text[:40])
    return int(text)
