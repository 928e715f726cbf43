"""Routes of the exchange: what AOC lets an administration ask of the embedded service."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from sqlmodel import Session

from baas.ades import pem
from baas.api.administrations import Code
from baas.api.calls import Calling
from baas.exchange_service.authorisations import Granted
from baas.exchanges.schemas import AuthorisationIn, AuthorisationOut, AuthorisationsOut, ExchangeKeyOut

router = APIRouter(prefix="/administrations/{code}", tags=["exchange"])


@router.get("/exchange-authorisations")
def list_exchange_authorisations(
    code: Code,
    call: Calling,
    withdrawn: Annotated[bool, Query(description="those that are no longer in force, too")] = False,
) -> AuthorisationsOut:
    """What the administration may ask of the exchange, what could be granted, and where the service answers."""
    exchanges = call.services.exchanges
    found = call.read(lambda session: exchanges.listing(session, call.scope, code, withdrawn=withdrawn))
    return AuthorisationsOut(
        address=exchanges.address,
        offered={product: list(each) for product, each in exchanges.offered.items()},
        items=[_out(each) for each in found],
    )


@router.post("/exchange-authorisations", status_code=201, response_model=AuthorisationOut)
def grant_exchange_authorisation(code: Code, body: AuthorisationIn, call: Calling) -> Response:
    """Lets the administration ask for a product's modality, for one purpose. For AOC's operators; idempotent."""
    return call.write(
        lambda session: _out(
            call.services.exchanges.grant(
                session, call.scope, code, body.product, body.modality, body.purpose
            )
        )
    )


@router.delete("/exchange-authorisations/{product}/{modality}", status_code=204)
def withdraw_exchange_authorisation(
    code: Code,
    product: Annotated[str, Path(max_length=64)],
    modality: Annotated[str, Path(max_length=64)],
    call: Calling,
    purpose: Annotated[str, Query(max_length=250)] = "PROVES",
) -> Response:
    """Ends an authorisation at once. For AOC's operators."""
    return call.write(
        lambda session: call.services.exchanges.withdraw(
            session, call.scope, code, product, modality, purpose
        )
    )


@router.post("/exchange-key", status_code=201, response_model=ExchangeKeyOut)
def hand_out_exchange_key(code: Code, call: Calling) -> Response:
    """The key of the administration's systems, for a SOAP client of its own. For its own admins and developers."""
    exchanges = call.services.exchanges

    def act(session: Session) -> ExchangeKeyOut:
        found = exchanges.key(session, call.scope, code)
        return ExchangeKeyOut(
            administration=found.code,
            serial=f"{found.certificate.serial_number:x}",
            key=pem.write(found.signer).decode(),
            roots=exchanges.roots_pem.decode(),
            address=exchanges.address,
        )

    return call.write(act, without_secret=lambda answer: answer.model_copy(update={"key": None}))


def _out(granted: Granted) -> AuthorisationOut:
    said = granted.authorisation
    return AuthorisationOut(
        product=said.product,
        modality=said.modality,
        purpose=said.purpose,
        since=granted.since,
        withdrawn=granted.withdrawn,
    )
