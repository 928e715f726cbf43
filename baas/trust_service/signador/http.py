"""Signador over HTTP, under /signador: JSON for an administration's systems, one page for the person.

The laboratory has no card and no PIN: whoever has the token can click. What is signed says so in its names ("Sandbox").
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from baas.clock import Clock
from baas.protocols.signador import (
    MAX_MESSAGE_BYTES,
    MODES,
    PATH,
    SignadorRefused,
    authorized,
    is_domain,
    signature_message,
)
from baas.trust_service.clients import body_of
from baas.trust_service.pages import page
from baas.trust_service.signador.keeping import Process, Signador, State
from baas.trust_service.signador.signing import NAME, NIF
from sandbox.evidence.digest import Digest, digest_bytes

MAX_FORM_BYTES = 4096
_NO_STORE = {"Cache-Control": "no-store"}


def routes(signador: Signador, key_of: Callable[[str], str], clock: Clock) -> APIRouter:
    """`key_of` gives the key of a domain, which only registered ones are told."""
    router = APIRouter(prefix=PATH, include_in_schema=False)
    _for_systems(router, signador, key_of, clock)
    _for_the_person(router, signador)
    return router


def _for_systems(router: APIRouter, signador: Signador, key_of: Callable[[str], str], clock: Clock) -> None:
    def caller(request: Request) -> str:
        """The domain whose key the request shows. The answer does not tell a wrong key from an unknown domain."""
        domain = request.headers.get("origin", "")
        right = authorized(key_of(domain).encode(), request.headers, clock.now())
        if not right or not is_domain(domain) or signador.administration_of(domain) is None:
            raise SignadorRefused(
                "not authorised: expected Authorization SC, Origin and Date of a registered domain"
            )
        return domain

    @router.get("/initProcess")
    async def init_process(request: Request) -> Response:
        try:
            token = await run_in_threadpool(lambda: signador.begin(caller(request)))
        except SignadorRefused as refusal:
            return _said("KO", message=str(refusal))
        return _said("OK", token=token)

    @router.post("/startSignProcess")
    async def start_sign_process(request: Request) -> Response:
        """No key here: the token was given to who has it, and the domain must be the token's."""
        domain = request.headers.get("origin", "")
        try:
            token = await run_in_threadpool(signador.start, domain, await _message(request))
        except SignadorRefused as refusal:
            return _said("KO", message=str(refusal))
        return _said("OK", token=token)

    @router.put("/addDocumentToSign")
    async def add_document(request: Request) -> Response:
        domain = request.headers.get("origin", "")
        try:
            token, name, encoded = _added(await _message(request))
            await run_in_threadpool(signador.add, domain, token, name, encoded)
        except SignadorRefused as refusal:
            return _said("KO", message=str(refusal))
        return _said("OK", token=token)

    @router.get("/getSignature")
    async def get_signature(request: Request, identificador: str = "") -> Response:
        try:
            found, redirect = await run_in_threadpool(
                lambda: signador.signature(caller(request), identificador)
            )
        except SignadorRefused as refusal:
            fields = {"status": "KO", "token": identificador[:100], "signResult": "", "type": ""}
            return JSONResponse(fields | {"error": str(refusal)}, headers=_NO_STORE)
        return JSONResponse(
            signature_message(found, _with_token(redirect, found.token) if redirect else ""),
            headers=_NO_STORE,
        )


def _for_the_person(router: APIRouter, signador: Signador) -> None:
    @router.get("/")
    async def show(request: Request, id: str = "") -> Response:  # noqa: A002  # the protocol's word
        process = await run_in_threadpool(signador.shown, id)
        return _page(request, process, id)

    @router.post("/sign")
    async def click(request: Request) -> Response:
        token, act = _clicked(await body_of(request, MAX_FORM_BYTES) or b"")
        if act not in ("sign", "cancel"):
            return _page(request, None, token)
        try:
            process = await run_in_threadpool(lambda: signador.finish(token, signs=act == "sign"))
        except SignadorRefused:  # it has just expired
            process = await run_in_threadpool(signador.shown, token)
        if process is None or process.state is State.STARTED or not process.redirect:
            return _page(request, process, token)
        return RedirectResponse(_with_token(process.redirect, token), 303, {"Referrer-Policy": "no-referrer"})


async def _message(request: Request) -> Any:
    body = await body_of(request, MAX_MESSAGE_BYTES)
    if body is None:
        raise SignadorRefused(f"expected a message of at most {MAX_MESSAGE_BYTES} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SignadorRefused("expected JSON") from error


def _added(fields: Any) -> tuple[str, str, str]:
    names = ("token_id", "doc_name", "document_to_sign")
    if not isinstance(fields, dict) or set(fields) != set(names):
        raise SignadorRefused(f"expected {', '.join(names)}")
    token, name, encoded = (fields[each] for each in names)
    if not (isinstance(token, str) and isinstance(name, str) and isinstance(encoded, str)):
        raise SignadorRefused("expected texts")
    return token, name, encoded


def _clicked(form: bytes) -> tuple[str, str]:
    """The token and the act of a form; "" for what is not there."""
    try:
        fields = parse_qs(form.decode("latin-1"), max_num_fields=10)
    except ValueError:
        return "", ""
    return fields.get("id", [""])[0], fields.get("act", [""])[0]


def _said(status: str, *, token: str = "", message: str = "") -> Response:
    """As the documentation has it, `KO` is an answer like any other: status 200."""
    return JSONResponse({"status": status, "token": token, "message": message}, headers=_NO_STORE)


def _with_token(redirect: str, token: str) -> str:
    return f"{redirect}{'&' if '?' in redirect else '?'}token_id={token}"


def _page(request: Request, process: Process | None, token: str) -> Response:
    if process is None or process.start is None:
        state = "unknown" if process is None else process.state.value
        return page(
            request,
            "signador_over",
            404 if process is None else 200,
            keep_query=process is not None,
            state=state,
        )
    start = process.start
    documents = [
        (each.name, each.content if isinstance(each.content, Digest) else digest_bytes(each.content))
        for each in start.documents
    ]
    return page(
        request,
        "signador",
        form_action=f"'self' {process.domain}",  # where the person goes after signing
        action=f"{PATH}/sign",
        token=token,
        domain=process.domain,
        administration=process.administration,
        description=start.description,
        mode=MODES[start.mode].name,
        documents=[(name, digest.algorithm, digest.value.hex()) for name, digest in documents],
        person=NAME,
        nif=NIF,
    )
