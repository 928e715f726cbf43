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

HASH, ADDRESS = "0x" + "ab" * 32, "0x" + "12" * 20
CLERK = Row(address=ADDRESS, label="anchoring", template=None)
NOTARY = Row(address="0x" + "cd" * 20, label=None, template="document-notary")
STRANGER = Row(address="0x" + "99" * 20, label=None, template=None)
CHAIN = Row(id="01JN9W5T5BZ0Q8M4K7V2X3Y6A1", label="decrets")
DECODED = Row(
    name="notarise",
    signature="notarise(bytes32)",
    values=[
        Row(name="commitment", type="bytes32", value="0x" + "c1" * 32),
        Row(name="", type="uint8[]", value=["1"]),
    ],
)
BLOCK: dict[str, Any] = {
    "number": 42,
    "hash": HASH,
    "parent_hash": HASH,
    "state_root": HASH,
    "timestamp": 1_772_443_815,
    "gas_used": 81_234,
    "gas_limit": 30_000_000,
    "transactions": 102,
    "newest": False,
    "items": [
        Row(hash=HASH, index=0, sender=CLERK, to=NOTARY, function="notarise"),
        Row(hash=HASH, index=1, sender=STRANGER, to=STRANGER, function=None),
        Row(hash=HASH, index=2, sender=CLERK, to=None, function=None),
    ],
    "next": 3,
}
TRANSACTION: dict[str, Any] = {
    "hash": HASH,
    "state": "succeeded",
    "block": 42,
    "index": 0,
    "sender": CLERK,
    "to": NOTARY,
    "created": None,
    "nonce": 7,
    "value": "0",
    "gas_limit": 16_777_216,
    "gas_used": 81_234,
    "type": 2,
    "input": "0x" + "c1" * 36,
    "decoded": DECODED,
    "events": [
        Row(index=0, emitter=NOTARY, decoded=DECODED, topics=(HASH,), data="0x"),
        Row(index=1, emitter=STRANGER, decoded=None, topics=(HASH, HASH), data="0x" + "00" * 2000),
    ],
    "events_total": 120,
}
WAITING: dict[str, Any] = {
    "state": "waiting",
    "block": None,
    "index": None,
    "to": None,
    "created": NOTARY,
    "gas_used": None,
    "decoded": None,
    "events": [],
    "events_total": 0,
}
DEPLOYED = Row(template="document-notary", version="1.0.0", address="0x" + "cd" * 20, transaction_hash=HASH)
SEEN: dict[str, Any] = {
    "address": ADDRESS,
    "label": "anchoring",
    "state": "current",
    "nonce": 8,
    "balance": "0",
    "code_bytes": 0,
    "deployment": None,
    "deployments": [DEPLOYED],
}
NOT_OURS: dict[str, Any] = {"label": None, "state": None, "deployments": [], "code_bytes": 512}

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
    (
        "blocks",
        BASE
        | {
            "chain": CHAIN,
            "blocks": [
                Row(row=Row(number=42, hash=HASH, transactions=3, gas_used=81_234, timestamp=1), when=WHEN),
                Row(row=Row(number=41, hash=HASH, transactions=0, gas_used=0, timestamp=2**62), when=None),
            ],
            "newest": False,
            "next": "/console/chains/x/blocks?highest=40",
            "missing": "<b>res</b>",
            "restores": [Row(when=WHEN, snapshot="abans", number=40, abandoned_to=44)],
        },
    ),
    (
        "blocks",
        BASE | {"chain": CHAIN, "blocks": [], "newest": True, "next": None, "missing": None, "restores": []},
    ),
    (
        "block",
        BASE
        | {
            "chain": CHAIN,
            "block": Row(**BLOCK),
            "when": WHEN,
            "next": "/console/chains/x/blocks/42?start=3",
        },
    ),
    (
        "block",
        BASE
        | {
            "chain": CHAIN,
            "block": Row(**(BLOCK | {"number": 0, "newest": True, "items": [], "next": None})),
            "when": None,
            "next": None,
        },
    ),
    ("transaction", BASE | {"chain": CHAIN, "transaction": Row(**TRANSACTION), "shown": 2000}),
    ("transaction", BASE | {"chain": CHAIN, "transaction": Row(**(TRANSACTION | WAITING)), "shown": 20}),
    (
        "transaction",
        BASE | {"chain": CHAIN, "transaction": Row(**(TRANSACTION | WAITING | {"input": "0x"})), "shown": 20},
    ),
    ("address", BASE | {"chain": CHAIN, "address": Row(**SEEN)}),
    ("address", BASE | {"chain": CHAIN, "address": Row(**(SEEN | NOT_OURS))}),
    ("address", BASE | {"chain": CHAIN, "address": Row(**(SEEN | NOT_OURS | {"deployment": DEPLOYED}))}),
    ("pilots", BASE | {"pilots": PILOTS, "next": "/console/pilots?after=x"}),
    ("pilots", STAFF | {"pilots": [], "next": None}),
    ("staff", STAFF | {"kind": "operator"}),
    ("staff", STAFF | {"kind": "evaluator"}),
    ("error", NOBODY | {"status": 404, "detail": "x", "reference": None}),
    ("error", BASE | {"status": 409, "detail": "Prova d'avís.", "reference": "01JN9W5T"}),
    ("error", BASE | {"status": 500, "detail": None, "reference": "01JN9W5T"}),
]
IDS = [f"{page}-{number}" for number, (page, _) in enumerate(PAGES)]
