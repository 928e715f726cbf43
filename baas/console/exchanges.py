"""What an administration may ask of the exchange, and the key of its systems: shown, granted, withdrawn, handed out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlmodel import Session

from baas.ades import pem
from baas.console.chosen import choice, chosen
from baas.console.fields import Mistakes, Texts, attempt
from baas.console.visits import PATH, Posted, PostedVisit, SignedIn, Visit, redirect
from baas.errors import Invalid, NotFound
from baas.exchange_service.authorisations import Granted
from baas.exchanges.service import Exchanges
from baas.protocols.pci.messages import TRIALS
from baas.trust_service.errors import CertificateRevoked
from baas.trust_service.pki import Enrolment

router = APIRouter()
PEM = "application/x-pem-file"
#: The longest that a purpose may be, as the API's own.
MOST = 250


def page_of(code: str) -> str:
    """Where an administration's page is."""
    return f"{PATH}/exchange?administration={code}"


@router.get("/exchange")
def exchange(visit: SignedIn, administration: Annotated[str, Query(max_length=20)] = "") -> Response:
    return _page(visit, administration)


@router.get("/exchange/roots.pem")
def roots(visit: SignedIn) -> Response:
    """The roots by which a client knows the service: no secret."""
    return _file(visit.services.exchanges.roots_pem, "roots.pem")


@router.post("/exchange/{code}/authorise")
def authorise(code: str, posted: Posted) -> Response:
    """From now on the administration may ask this. For AOC's operators."""

    def act(session: Session, exchanges: Exchanges) -> None:
        exchanges.grant(session, posted.scope, code, *_asked(posted), posted.field("purpose"))

    return _change(posted, code, act, {name: posted.field(name) for name in ("what", "purpose")})


@router.post("/exchange/{code}/withdraw")
def withdraw(code: str, posted: Posted) -> Response:
    """From now on no longer. For AOC's operators."""

    def act(session: Session, exchanges: Exchanges) -> None:
        exchanges.withdraw(session, posted.scope, code, *_asked(posted), posted.field("purpose"))

    return _change(posted, code, act)


@router.post("/exchange/{code}/key")
def hand_out_key(code: str, posted: Posted) -> Response:
    """The key and the certificate, on the page that answers or as a file, and nowhere ever after."""

    def done() -> Response:
        try:
            with posted.services.store.session() as session:
                found = posted.services.exchanges.key(session, posted.scope, code)
        except CertificateRevoked as error:
            raise Mistakes.one("key", "exchange.mistake.revoked") from error
        if posted.field("act") == "download":
            return _file(pem.write(found.signer), f"key-{found.code}.pem")
        return _page(posted, code, made=found)

    return attempt(done, posted, lambda status, mistakes: _page(posted, code, status, mistakes))


# -- what is done --------------------------------------------------------------------------------------


def _change(
    posted: PostedVisit,
    code: str,
    act: Callable[[Session, Exchanges], None],
    sent: Mapping[str, str] | None = None,
) -> Response:
    """A change of authorisations; what stands in its way is told beside its field, which shows what was `sent`."""

    def done() -> Response:
        try:
            with posted.services.store.session() as session:
                act(session, posted.services.exchanges)
        except Invalid as error:
            field = "purpose" if error.pointer == "/purpose" else "what"
            raise Mistakes.one(field, f"exchange.mistake.{field}", most=MOST) from error
        except NotFound as error:
            if error.kind != "authorisation":
                raise
            raise Mistakes.one("withdraw", "exchange.mistake.gone") from error
        return redirect(page_of(code))

    return attempt(done, posted, lambda status, mistakes: _page(posted, code, status, mistakes, sent=sent))


def _asked(posted: PostedVisit) -> tuple[str, str]:
    """Product and modality, as one choice of the form names both."""
    product, _, modality = posted.field("what").partition("/")
    return product, modality


def _file(content: bytes, name: str) -> Response:
    """A file to be kept."""
    return Response(
        content, media_type=PEM, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


# -- what the page shows -------------------------------------------------------------------------------


def _page(
    visit: Visit,
    code: str,
    status: int = 200,
    mistakes: Texts | None = None,
    *,
    made: Enrolment | None = None,
    sent: Mapping[str, str] | None = None,
) -> Response:
    exchanges = visit.services.exchanges
    with visit.services.store.reading() as session:
        found = chosen(visit, session, code)
        shown = choice(visit, session, found)
        standing = None if found is None else exchanges.standing(session, visit.scope, found.code)
    return visit.page(
        "exchange",
        status,
        **shown,
        address=exchanges.address,
        granted=[] if standing is None else [_granted(each) for each in standing.granted],
        offered=[
            {"product": product, "modality": modality, "about": about.get(visit.language, "")}
            for product, modalities in exchanges.offered.items()
            for modality, about in modalities.items()
        ],
        may_manage=standing is not None and standing.may_manage,
        may_take_key=standing is not None and standing.may_take_key,
        made=None if made is None else _made(made),
        trials=TRIALS,
        most=MOST,
        mistakes=dict(mistakes or {}),
        sent=sent or {"what": "", "purpose": TRIALS},
    )


def _granted(each: Granted) -> dict[str, Any]:
    said = each.authorisation
    return {
        "product": said.product,
        "modality": said.modality,
        "purpose": said.purpose,
        "since": each.since,
        "withdrawn": each.withdrawn,
    }


def _made(made: Enrolment) -> dict[str, Any]:
    return {
        "pem": pem.write(made.signer).decode(),
        "serial": f"{made.certificate.serial_number:x}",
        "ends": made.certificate.not_valid_after_utc,
    }
