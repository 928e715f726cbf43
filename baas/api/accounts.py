"""Routes of a chain's custodial accounts, and of what they send."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import SecretStr

from baas.accounts import schemas
from baas.api.calls import Call, Calling
from baas.api.chains import Name
from baas.chains.schemas import AccountIn

router = APIRouter(tags=["accounts"])
Label = Annotated[
    str, Path(description="the account's label", pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")
]


@router.post("/chains/{chain}/accounts", status_code=201, response_model=schemas.AccountOut)
def create_account(chain: Name, body: AccountIn, call: Calling) -> Response:
    """A technical account of the administration on this chain. It has no permission yet."""
    return call.act(
        lambda: schemas.AccountOut(
            label=body.label, address=call.services.chains.create_account(call.scope, chain, body.label)
        )
    )


@router.get("/chains/{chain}/accounts")
def list_accounts(chain: Name, call: Calling) -> schemas.AccountsOut:
    """The custodial accounts: labels, addresses, and the addresses that they had before."""
    return schemas.AccountsOut(
        items=[
            schemas.AccountDetailOut(
                label=each.label,
                address=each.address,
                keys=[
                    schemas.KeyOut(
                        address=f"0x{key.address.hex()}",
                        state=key.state,
                        created_ms=key.created_ms,
                        retired_ms=key.retired_ms,
                    )
                    for key in each.history
                ],
                rotating=each.rotating,
            )
            for each in call.services.accounts.listing(call.scope, chain)
        ]
    )


@router.post("/chains/{chain}/accounts/import", status_code=201, response_model=schemas.AccountOut)
def import_account(chain: Name, body: schemas.ImportIn, call: Calling) -> Response:
    """An account with a key from elsewhere: a keystore v3 with its password, or a private key in hex."""
    return call.act(
        lambda: schemas.AccountOut(
            label=body.label,
            address=call.services.accounts.bring_in(
                call.scope,
                chain,
                body.label,
                private_key=_text(body.private_key),
                keystore=body.keystore,
                password=_text(body.password),
            ),
        )
    )


@router.post("/chains/{chain}/accounts/{label}/export", response_model=schemas.ExportOut)
def export_account(chain: Name, label: Label, body: schemas.ExportIn, call: Calling) -> Response:
    """Its key as a keystore v3 under a password of yours. For admins. Each time a new file: no answer is stored."""
    address, keystore = call.services.accounts.hand_out(
        call.scope, chain, label, body.password.get_secret_value()
    )
    shown = schemas.ExportOut(label=label, address=address, keystore=keystore)
    return Response(shown.model_dump_json(), media_type="application/json")


@router.post("/chains/{chain}/accounts/{label}/rotate", response_model=schemas.RotationOut)
def rotate_account(chain: Name, label: Label, call: Calling) -> Response:
    """A new key under the same label, with all that the old one may do; the old one is retired. For admins.

    The same again goes on with what was cut short.
    """

    def act() -> schemas.RotationOut:
        rotation, contracts = call.services.accounts.rotate(call.scope, chain, label)
        return schemas.RotationOut(
            label=label, old=f"0x{rotation.old.hex()}", new=f"0x{rotation.new.hex()}", contracts=contracts
        )

    return call.act(act, 200)


@router.post("/chains/{chain}/transactions", status_code=202, response_model=schemas.TransactionOut)
def send_transaction(chain: Name, body: schemas.TransactionIn, call: Calling) -> Response:
    """Signs with a custodial account and sends; the answer comes once it is on disk. Nonces are kept in order here."""

    def act() -> schemas.TransactionOut:
        asked = body.call
        sent = call.services.accounts.send(
            call.scope,
            chain,
            body.account,
            to=body.to,
            data=body.data,
            call=None if asked is None else (asked.function, asked.arguments),
            value=int(body.value, 16 if body.value.startswith("0x") else 10),
            gas=body.gas,
            key=_key(call),
        )
        return schemas.TransactionOut(hash=sent.hash, sender=sent.sender, nonce=sent.nonce)

    return call.act(act, 202)


def _key(call: Call) -> str | None:
    """The idempotency key as the chain keeps it: the caller's own."""
    asked = call.idempotent
    return None if asked is None else f"{asked.actor_id}/{asked.key}"


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
