"""A context for every page of the console, full and empty: fictional, with the fields that templates name."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace as Row
from typing import Any

WHEN = datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)
BASE: dict[str, Any] = {
    "csrf_token": "c" * 43,
    "session": Row(name="Secretaria de Vallclara del Mar (fictici)", staff=False),
}
STAFF: dict[str, Any] = {"csrf_token": "c" * 43, "session": Row(name="Avaluació (fictici)", staff=True)}
NOBODY: dict[str, Any] = {"csrf_token": "c" * 43, "session": None}
ADMINISTRATIONS = [
    Row(code="9999900001", name="Ajuntament de Vallclara del Mar (fictici)"),
    Row(code="9999900002", name="Consell Comarcal de l'Alta Marinada (fictici)"),
]


def notarisation(state: str, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "id": "01JN9W5T5BZ0Q8M4K7V2X3Y6A1-17",
        "kind": "notarise",
        "algorithm": "sha-256",
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "state": state,
        "reason": None,
        "origin": "sandbox.example/9999900001/documents",
        "index": 17,
        "administration": ADMINISTRATIONS[0].name,
        "administration_code": ADMINISTRATIONS[0].code,
        "accepted": WHEN,
        "problem": None,
    }
    return Row(**(values | changes))


REVOKED = notarisation(
    "included", kind="revoke", digest=None, algorithm=None, reason="withdrawn", problem="Prova d'avís."
)
ANCHOR = Row(
    chain="decrets",
    block=42,
    transaction="0x" + "ab" * 32,
    contract="0x" + "cd" * 20,
    size=201,
    anchored=datetime(2026, 3, 2, 9, 30, 17, tzinfo=UTC),
)


def chain(observed: str, desired: str, head: int | None) -> Row:
    return Row(
        id="01JN9W5T5BZ0Q8M4K7V2X3Y6A1",
        label="decrets",
        administration=ADMINISTRATIONS[0].name,
        chain_id=73570123400001,
        genesis_hash="0x" + "5a" * 32,
        engine="embedded",
        sealing_key="chain-73570123400001+1a2b3c4d+" + "A" * 44,
        observed=observed,
        desired=desired,
        head=head,
        endpoint="https://sandbox.example/rpc/01JN9W5T5BZ0Q8M4K7V2X3Y6A1",
    )


ACCOUNTS = [
    Row(label="anchoring", address="0x" + "12" * 20, sender=True, deployer=True),
    Row(label="proves", address="0x" + "34" * 20, sender=True, deployer=False),
]
REFUSALS = [
    Row(
        rule="Aquesta adreça no té permís per enviar transaccions.",
        sender="0x" + "56" * 20,
        number=3,
        last=WHEN,
    ),
    Row(rule="La crida no existeix o no està permesa.", sender=None, number=1, last=WHEN),
]
DEPLOYMENTS = [Row(template="document-notary", address="0x" + "cd" * 20, created=WHEN)]
SNIPPETS = [Row(name="web3.py", text='w3 = Web3(Web3.HTTPProvider("https://sandbox.example/rpc/…"))')]
PILOTS = [
    Row(
        id="01JN9W5T5BZ0Q8M4K7V2X3Y6A1",
        title="Decrets d'alcaldia (fictici)",
        administration=ADMINISTRATIONS[0].name,
        state=state,
        verdict=verdict,
        decision=None,
        report=verdict is not None,
    )
    for state, verdict in (("running", None), ("evaluated", "no és concloent"))
]
NO_CHAIN_EXTRAS: dict[str, Any] = {
    "accounts": [],
    "refusals": [],
    "deployments": [],
    "snippets": [],
    "may_change": False,
}

#: (page, context), every branch of every template at least once.
PAGES: list[tuple[str, dict[str, Any]]] = [
    ("sign_in", NOBODY | {"refused": False, "next": "/console/"}),
    ("sign_in", NOBODY | {"refused": True, "next": "/console/chains"}),
    ("home", BASE | {"administrations": [one.name for one in ADMINISTRATIONS]}),
    ("notarise", BASE | {"administrations": ADMINISTRATIONS}),
    (
        "notarisations",
        BASE
        | {
            "notarisations": [notarisation(state) for state in ("accepted", "included", "anchored")]
            + [REVOKED],
            "next": "/console/notarisations?cursor=x",
        },
    ),
    ("notarisations", BASE | {"notarisations": [], "next": None}),
    ("notarisation", BASE | {"notarisation": notarisation("anchored"), "anchor": ANCHOR}),
    ("notarisation", BASE | {"notarisation": notarisation("accepted", kind="supersede"), "anchor": None}),
    ("notarisation", BASE | {"notarisation": REVOKED, "anchor": None}),
    ("check", NOBODY | {"administrations": ADMINISTRATIONS}),
    ("check", NOBODY | {"administrations": []}),
    (
        "chains",
        BASE
        | {
            "chains": [chain("running", "running", 42), chain("hibernated", "running", None)],
            "next": "/console/chains?after=x",
            "administrations": ADMINISTRATIONS,
            "problem": "Prova d'avís.",
        },
    ),
    ("chains", BASE | {"chains": [], "next": None, "administrations": [], "problem": None}),
    (
        "chain",
        BASE
        | {
            "chain": chain("running", "running", 42),
            "accounts": ACCOUNTS,
            "refusals": REFUSALS,
            "deployments": DEPLOYMENTS,
            "snippets": SNIPPETS,
            "may_change": True,
        },
    ),
    ("chain", BASE | {"chain": chain("hibernated", "running", None)} | NO_CHAIN_EXTRAS),
    (
        "chain",
        BASE
        | {"chain": chain("stopping", "stopped", None)}
        | NO_CHAIN_EXTRAS
        | {"accounts": None, "may_change": True},
    ),
    ("pilots", BASE | {"pilots": PILOTS, "next": "/console/pilots?after=x"}),
    ("pilots", STAFF | {"pilots": [], "next": None}),
    ("staff", STAFF | {"kind": "operator"}),
    ("staff", STAFF | {"kind": "evaluator"}),
    ("error", NOBODY | {"status": 404, "detail": "x", "reference": None}),
    ("error", BASE | {"status": 409, "detail": "Prova d'avís.", "reference": "01JN9W5T"}),
    ("error", BASE | {"status": 500, "detail": None, "reference": "01JN9W5T"}),
]
IDS = [f"{page}-{number}" for number, (page, _) in enumerate(PAGES)]
