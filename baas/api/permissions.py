"""Routes of a chain's permissions: who may, why not, requests for access, and what was refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from eth_utils.address import to_checksum_address
from fastapi import APIRouter, Path, Query, Response

from baas.api.calls import Calling, Paging
from baas.api.chains import Name
from baas.chains import permission_schemas as schemas
from baas.chains.permissions import Narrowing
from baas.errors import Invalid
from baas.store.paging import MOST_ROWS, PageOf
from baas.wire import Out, Page
from sandbox.access_records import RequestState
from sandbox.errors import RpcError
from sandbox.permissions import ActKind, Permission, as_json, selector_of

router = APIRouter(tags=["permissions"])
INVALID_PARAMS = -32602  # JSON-RPC 2.0 section 5.1
AddressIn = Annotated[str, Path(pattern=r"^0x[0-9a-fA-F]{40}$")]
AddressOf = Annotated[str | None, Query(pattern=r"^0x[0-9a-fA-F]{40}$", description="only this address's")]
Number = Annotated[int, Path(ge=1, le=MOST_ROWS)]


@router.get("/chains/{chain}/permissions")
def list_permissions(
    chain: Name, call: Calling, page: Paging, address: AddressOf = None
) -> Page[schemas.PermissionOut]:
    """Who may do what, expired permissions too."""
    _, awake = call.services.chains.use(call.scope, chain)
    found = awake.permissions(address=address, after=_after(page), limit=page.limit + 1)
    return _page([permission_out(each) for each in found], page)


@router.post("/chains/{chain}/permissions", status_code=201, response_model=schemas.PermissionOut)
def give_permission(chain: Name, body: schemas.PermissionIn, call: Calling) -> Response:
    """Lets an address `send`, or `deploy` (it needs both to create contracts), as narrowly as you say."""

    def act() -> schemas.PermissionOut:
        narrowing = Narrowing(role=body.role, **_narrowing(body))
        return permission_out(
            call.services.permissions.allow(call.scope, chain, body.address, body.act, **narrowing)
        )

    return call.act(act)


@router.delete("/chains/{chain}/permissions/{permission}", status_code=204)
def withdraw_permission(chain: Name, permission: Number, call: Calling) -> Response:
    """Takes one permission away: from now on nothing is accepted by it."""
    return call.act(lambda: call.services.permissions.withdraw(call.scope, chain, permission))


@router.delete("/chains/{chain}/permissions/{act}/{address}", response_model=schemas.WithdrawnOut)
def withdraw_permissions(chain: Name, act: ActKind, address: AddressIn, call: Calling) -> Response:
    """Takes all permissions for the act from an address: from now on nothing more of it is accepted."""

    def withdraw() -> schemas.WithdrawnOut:
        taken = call.services.permissions.disallow(call.scope, chain, address, act)
        return schemas.WithdrawnOut(items=[permission_out(each) for each in taken])

    return call.act(withdraw, 200)


@router.get("/chains/{chain}/permission-changes")
def list_permission_changes(chain: Name, call: Calling, page: Paging) -> Page[schemas.PermissionChangeOut]:
    """Every change of the permissions ever: when, by whom, before and after."""
    _, awake = call.services.chains.use(call.scope, chain)
    found = awake.permission_changes(_after(page), page.limit + 1)
    return _page([schemas.PermissionChangeOut.model_validate(each) for each in found], page)


@router.post("/chains/{chain}/explain", response_model=schemas.ExplanationOut)
def explain(chain: Name, body: schemas.ExplainIn, call: Calling) -> Response:
    """A dry run: what the chain's gateway would do with a transaction, by which rule, and how to ask for access."""

    def act() -> schemas.ExplanationOut:
        _, awake = call.services.chains.use(call.scope, chain)
        said = body.model_dump(by_alias=True, exclude_none=True)
        raw = said.pop("raw", None)
        if (raw is None) == (not said):
            raise Invalid(
                "/raw", "either a signed transaction, or from, to, data and value", "both, or neither"
            )
        try:
            return schemas.ExplanationOut.model_validate(awake.explain(said if raw is None else raw))
        except RpcError as error:
            if error.code != INVALID_PARAMS:
                raise
            raise Invalid(
                "/from" if raw is None else "/raw", "what a transaction says", error.data["detail"]
            ) from error

    return call.act(act, 200)


@router.post("/chains/{chain}/access-requests", status_code=201, response_model=schemas.AccessRequestOut)
def request_access(chain: Name, body: schemas.AccessRequestIn, call: Calling) -> Response:
    """Asks for a permission; an admin of the administration accepts or rejects it."""

    def act() -> schemas.AccessRequestOut:
        said = _narrowing(body)
        selector = said["selector"]
        wanted = Permission(
            bytes.fromhex(body.address[2:]),
            body.act,
            target=None if body.target is None else bytes.fromhex(body.target[2:]),
            selector=None if selector is None else selector_of(selector),
            max_value=said["max_value"],
            expires=body.expires,
        )
        made = call.services.permissions.request_access(call.scope, chain, wanted, body.message)
        return _request_out(made.as_json())

    return call.act(act)


@router.get("/chains/{chain}/access-requests")
def list_access_requests(
    chain: Name, call: Calling, page: Paging, state: RequestState | None = None
) -> Page[schemas.AccessRequestOut]:
    """The requests for access and what became of them, oldest first."""
    _, awake = call.services.chains.use(call.scope, chain)
    found = awake.access_requests(after=_after(page), limit=page.limit + 1, state=state)
    return _page([_request_out(each.as_json()) for each in found], page)


@router.post("/chains/{chain}/access-requests/{request}/accept", response_model=schemas.AccessRequestOut)
def accept_request(chain: Name, request: Number, body: schemas.AcceptIn, call: Calling) -> Response:
    """Gives what was asked for; or less, where you narrow it or let it expire."""

    def act() -> schemas.AccessRequestOut:
        given = body.model_dump(exclude_none=True, exclude={"reason"})
        if "target" in given:
            given["target"] = bytes.fromhex(given["target"][2:])
        if "selector" in given:
            given["selector"] = selector_of(given["selector"])
        if "max_value" in given:
            given["max_value"] = int(given["max_value"])
        decided = call.services.permissions.accept_request(call.scope, chain, request, body.reason, **given)
        return _request_out(decided.as_json())

    return call.act(act, 200)


@router.post("/chains/{chain}/access-requests/{request}/reject", response_model=schemas.AccessRequestOut)
def reject_request(chain: Name, request: Number, body: schemas.RejectIn, call: Calling) -> Response:
    """Gives nothing, and says why."""
    return call.act(
        lambda: _request_out(
            call.services.permissions.reject_request(call.scope, chain, request, body.reason).as_json()
        ),
        200,
    )


@router.get("/chains/{chain}/refusals")
def list_refusals(
    chain: Name,
    call: Calling,
    page: Paging,
    rule: Annotated[str | None, Query(max_length=40, description="only by this rule")] = None,
    sender: AddressOf = None,
) -> Page[schemas.RefusalOut]:
    """What the gateway did not let pass, oldest first: evidence for a pilot. The newest 10,000 are kept whole."""
    _, awake = call.services.chains.use(call.scope, chain)
    of = None if sender is None else bytes.fromhex(sender[2:])
    found = awake.refusals.page(_after(page), page.limit + 1, rule=rule, sender=of)
    return _page(
        [
            schemas.RefusalOut(
                id=each.id,
                at_ms=each.at_ms,
                endpoint=each.endpoint,
                code=each.code,
                rule=each.rule,
                method=each.method,
                sender=_hex(each.sender),
                target=_hex(each.target),
                selector=_hex(each.selector),
                value=each.value,
                permission=each.permission,
                detail=each.detail,
                actor=each.actor,
            )
            for each in found
        ],
        page,
    )


@router.get("/chains/{chain}/refusals/summary")
def summarise_refusals(chain: Name, call: Calling) -> schemas.RefusalSummaryOut:
    """How often which rule refused whom, and how many refusals there were on each day."""
    _, awake = call.services.chains.use(call.scope, chain)
    return schemas.RefusalSummaryOut(
        by_rule_and_sender=[
            schemas.RefusalsOfRuleOut(
                rule=each.rule,
                sender=_hex(each.sender),
                number=each.number,
                first_ms=each.first_ms,
                last_ms=each.last_ms,
            )
            for each in awake.refusals.by_rule_and_sender()
        ],
        by_day=[
            schemas.RefusalsOfDayOut(
                day=(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=each.day)).date().isoformat(),
                rule=each.rule,
                endpoint=each.endpoint,
                number=each.number,
            )
            for each in awake.refusals.by_day()
        ],
    )


def permission_out(permission: Permission) -> schemas.PermissionOut:
    return schemas.PermissionOut(**_checksummed(as_json(permission)))


def _request_out(request: dict[str, Any]) -> schemas.AccessRequestOut:
    return schemas.AccessRequestOut(**_checksummed(request))


def _checksummed(values: dict[str, Any]) -> dict[str, Any]:
    """Addresses as people write them (EIP-55)."""
    return values | {
        key: to_checksum_address(values[key]) for key in ("address", "target") if values[key] is not None
    }


def _narrowing(body: schemas.NarrowingIn) -> Narrowing:
    most = None if body.max_value is None else int(body.max_value)
    return Narrowing(target=body.target, selector=body.selector, max_value=most, expires=body.expires)


def _after(page: PageOf) -> int:
    """Rows of a chain's file are numbered: what is no number is after none of them."""
    after = page.after or "0"
    return min(int(after), MOST_ROWS) if after.isdecimal() else MOST_ROWS


def _page(items: list[Any], page: PageOf) -> Page[Any]:
    """One page of what was asked for with one row more than it holds."""
    kept: list[Out] = items[: page.limit]
    last = kept[-1].id if len(items) > page.limit else None  # type: ignore[attr-defined]  # each kind here has one
    return Page(items=kept, next=None if last is None else str(last))


def _hex(value: bytes | None) -> str | None:
    return None if value is None else f"0x{value.hex()}"
