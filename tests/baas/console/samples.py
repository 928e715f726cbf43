"""A context for every page of the console, full and empty: fictional, with the fields that templates name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace as Row
from typing import Any

WHEN = datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)
NOBODY: dict[str, Any] = {"csrf_token": "c" * 43, "session": None, "suspensions": []}
BASE: dict[str, Any] = NOBODY | {
    "session": Row(name="Secretaria de Vallclara del Mar (fictici)", staff=False)
}
STAFF: dict[str, Any] = NOBODY | {"session": Row(name="Avaluació (fictici)", staff=True)}
NOTARISED: dict[str, Any] = BASE | {
    "versions": [],
    "may_end": False,
    "reasons": [Row(slug="error", text="error"), Row(slug="withdrawn", text="retirada")],
    "problem": None,
}
ADMINISTRATIONS = [
    Row(code="9999900001", name="Ajuntament de Vallclara del Mar (fictici)"),
    Row(code="9999900002", name="Consell Comarcal de l'Alta Marinada (fictici)"),
]


def notarisation(state: str, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "id": "01JN9W5T5BZ0Q8M4K7V2X3Y6A1-17",
        "erased": False,
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
        "also": (),
        "same_digest": None,
        "timestamped": None,
        "ended": None,
        "followed_by": None,
    }
    return Row(**(values | changes))


SUPERSEDED = notarisation(
    "anchored",
    id="01JN9W5T5BZ0Q8M4K7V2X3Y6A1-3",
    also=(Row(algorithm="sha3-256", value=b"\x5a" * 32),),
    same_digest="01JN9W5T5BZ0Q8M4K7V2X3Y6A1-1",
    timestamped=WHEN,
    ended="supersede",
    followed_by="01JN9W5T5BZ0Q8M4K7V2X3Y6A1-17",
)
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


def chain(observed: str, desired: str, head: int | None, *warnings: str) -> Row:
    return Row(
        id="01JN9W5T5BZ0Q8M4K7V2X3Y6A1",
        label="decrets",
        administration=ADMINISTRATIONS[0].name,
        chain_id=73570123400001,
        genesis_hash="0x" + "5a" * 32,
        engine_title="Integrat (py-evm)",
        sealing_key="chain-73570123400001+1a2b3c4d+" + "A" * 44,
        parent=None,
        suspended=desired == "expired",
        observed=observed,
        desired=desired,
        head=head,
        sleeps_in=720.0 if observed == "running" else None,
        expires=datetime(2026, 5, 31, 9, 30, 15, tzinfo=UTC),
        expires_in=0.0 if desired == "expired" else 90 * 86_400.0,
        deletion=datetime(2026, 6, 30, 9, 30, 15, tzinfo=UTC),
        warnings=list(warnings),
    )


RUNNING = chain("running", "running", 42)
ACCOUNTS = [
    Row(label="anchoring", address="0x" + "12" * 20, sender=True, deployer=True, purpose="anchoring"),
    Row(label="faucet", address="0x" + "13" * 20, sender=True, deployer=False, purpose="faucet"),
    Row(label="proves", address="0x" + "34" * 20, sender=True, deployer=False, purpose=None),
]
REFUSALS = [
    Row(
        rule="Aquesta adreça no té permís per enviar transaccions.",
        sender="0x" + "56" * 20,
        label="proves",
        number=3,
        first=WHEN,
        last=WHEN,
    ),
    Row(
        rule="La crida no existeix o no està permesa.",
        sender=None,
        label=None,
        number=1,
        first=WHEN,
        last=WHEN,
    ),
]
DEPLOYMENTS = [Row(template="document-notary", address="0x" + "cd" * 20, created=WHEN)]
SNIPPETS = [Row(name="web3.py", text='w3 = Web3(Web3.HTTPProvider("https://sandbox.example/rpc/…"))')]


def permission(number: int, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "id": number,
        "address": "0x" + "56" * 20,
        "label": None,
        "act": "send",
        "role": "enabled",
        "target": None,
        "selector": None,
        "max_value": None,
        "expires": None,
        "lasts": True,
        "removable": True,
        "at": WHEN,
        "actor": "Marta",
        "message": "",
        "state": "open",
        "decided": None,
        "decided_by": "no consta",
        "reason": None,
    }
    return Row(**(values | changes))


NARROW = {"target": "0x" + "cd" * 20, "selector": "0x1a2b3c4d", "max_value": "1000", "expires": WHEN}
NOTHING = {"address": "", "target": "", "selector": "", "max_value": "", "until": ""}
UNASKED = {"from": "", "to": "", "data": "", "value": ""}
EXPLAINED: dict[str, Any] = {
    "allowed": False,
    "rule": "Aquesta adreça només pot enviar a altres destinacions.",
    "permission": 7,
    "may_create": False,
    "creates": False,
    "sender": "0x" + "56" * 20,
    "checks": [Row(rule="Destinació", outcome=each) for each in ("passed", "failed", "not_reached")],
}
PERMISSIONS: dict[str, Any] = {
    "tab": "permissions",
    "chain": RUNNING,
    "permissions": [
        permission(1, label="proves", role="admin", removable=False),
        permission(2, lasts=False, **NARROW),
        permission(3, act="deploy"),
    ],
    "more": True,
    "requests": {
        "waiting": [permission(1, message="Per a una prova."), permission(2, label="proves", **NARROW)],
        "decided": [
            permission(3, state="accepted", decided=WHEN),
            permission(4, state="rejected", decided=WHEN, reason="No és per a aquesta prova."),
        ],
    },
    "refusals": REFUSALS,
    "roles": ["enabled", "manager", "admin"],
    "may_change": True,
    "may_decide": True,
    "may_ask": True,
    "sent": NOTHING | {"selector": "notarise(bytes32)"},
    "asked": UNASKED | {"from": "0x" + "56" * 20},
    "explained": EXPLAINED,
    "problem": "Prova d'avís.",
}
FEW_PERMISSIONS = PERMISSIONS | {
    "permissions": [],
    "more": False,
    "requests": {"waiting": [permission(1)], "decided": []},
    "refusals": [],
    "roles": ["enabled"],
    "may_change": False,
    "may_decide": False,
    "sent": NOTHING,
    "asked": UNASKED,
    "explained": EXPLAINED | {"allowed": True, "may_create": True},
    "problem": None,
}
CONNECT: dict[str, Any] = {
    "tab": "connect",
    "chain": RUNNING,
    "public": "https://sandbox.example/rpc/01JN9W5T5BZ0Q8M4K7V2X3Y6A1",
    "admin": "https://sandbox.example/rpc-admin/01JN9W5T5BZ0Q8M4K7V2X3Y6A1",
    "may_public": True,
    "may_admin": True,
    "days": 30,
    "most_days": 365,
    "made": Row(
        url="https://sandbox.example/rpc-admin/01JN9W5T5BZ0Q8M4K7V2X3Y6A1/baas_…",
        label="Hardhat",
        endpoint="admin",
        expires=WHEN,
    ),
    "snippets": SNIPPETS,
    "problem": None,
}
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
CLONE = chain("hibernated", "running", None)
CLONE.parent = {"chain_id": 73570123400001, "number": 7, "hash": "0x" + "5a" * 32}
SNAPSHOTS: dict[str, Any] = {
    "tab": "snapshots",
    "chain": RUNNING,
    "seals": True,
    "snapshots": [
        Row(
            name="abans", number=4, hash="0x" + "ab" * 32, at=WHEN, author="Marta", digest="cd" * 32, moved=0
        ),
        Row(name="despres", number=9, hash="0x" + "ab" * 32, at=WHEN, author="Marta", digest=None, moved=-60),
        Row(name="mes-tard", number=9, hash="0x" + "ab" * 32, at=WHEN, author="Marta", digest=None, moved=60),
    ],
    "verified": {"name": "abans", "outcome": "holds"},
    "anchored": False,
    "clock": Row(acts=2, ahead=3_600, now=WHEN, by=["Marta"]),
    "operations": [Row(at=WHEN, actor="Marta", what="Va fer la instantània «abans» al bloc 4.")],
    "may_change": True,
    "may_restore": True,
    "units": ["minutes", "hours", "days"],
    "problem": None,
}
FEW_SNAPSHOTS: dict[str, Any] = {
    "snapshots": [],
    "verified": None,
    "anchored": True,
    "clock": Row(acts=0, ahead=0, now=WHEN, by=[]),
    "operations": [],
    "may_change": False,
    "may_restore": False,
    "problem": "Prova d'avís.",
}
OVERVIEW: dict[str, Any] = {
    "tab": "overview",
    "deployments": [],
    "may_change": False,
    "may_extend": False,
    "more_days": 90,
    "most_days": 365,
    "problem": None,
}
ENGINES = [
    Row(slug="embedded", title="Integrat", text="Per a proves.", offered=True, endpoints=None, command=""),
    Row(
        slug="anvil",
        title="anvil",
        text="Per a càrrega.",
        offered=False,
        endpoints=None,
        command="baas engine install anvil",
    ),
    Row(slug="remote", title="Externa", text="Ja hi és.", offered=True, endpoints=["besu-lab"], command=""),
]
CHOSEN = {"administration": "", "label": "", "engine": "", "endpoint": "", "faucet": True}
USAGE = [
    Row(
        administration=ADMINISTRATIONS[0].name,
        chains=2,
        most_chains=20,
        megabytes=3.2,
        most_megabytes=2147.5,
        gas=1.5,
        most_gas=200_000.0,
        requests=2_000,
    )
]

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

DECLARED = Row(
    done=True,
    reference="Decret 2026/14",
    fields=[Row(label="On i quan s'ha publicat", value="BOPB (fictici)")],
    note="Prova.",
    expires=date(2027, 3, 2),
    actor="Marta",
    at=WHEN,
)
REOPENED = Row(
    done=False, reference="", fields=[], note="S'ha canviat.", expires=None, actor="Marta", at=WHEN
)


def readiness_item(slug: str, state: str, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "slug": slug,
        "name": "Certificat de segell electrònic",
        "about": "L'ens té un certificat vigent.",
        "hint": "El número de sèrie.",
        "source": "Llei 40/2015, art. 40 i 42",
        "services": ["segell electrònic automatitzat"],
        "fields": [Row(slug="holder", label="Titular")],
        "expiry": True,
        "must_expire": True,
        "state": state,
        "declaration": None,
        "earlier": [],
    }
    return Row(**(values | changes))


READINESS: dict[str, Any] = {
    "administrations": ADMINISTRATIONS,
    "chosen": ADMINISTRATIONS[0],
    "services": [Row(name="segells de temps", ready=True), Row(name="segell electrònic", ready=False)],
    "items": [
        readiness_item("agreement", "done", declaration=DECLARED, expiry=False, fields=[]),
        readiness_item("seal-certificate", "expired", declaration=DECLARED, earlier=[REOPENED, DECLARED]),
        readiness_item("automated-action", "open", declaration=REOPENED, must_expire=False),
        readiness_item("clock", "open"),
    ],
    "may_declare": True,
    "wrong": "",
    "mistakes": {},
    "sent": {},
}
EXCHANGE: dict[str, Any] = {
    "administrations": ADMINISTRATIONS,
    "chosen": ADMINISTRATIONS[0],
    "address": "https://127.0.0.1:8444",
    "granted": [
        Row(product="PADRO", modality="RESIDENT", purpose="PROVES", since=WHEN, withdrawn=None),
        Row(product="MUX", modality="MUX_CONSULTA", purpose="Ajut de menjador", since=WHEN, withdrawn=WHEN),
    ],
    "offered": [
        Row(product="PADRO", modality="RESIDENT", about="si una persona consta com a resident"),
        Row(product="MUX", modality="MUX_CONSULTA", about="consultar què hi ha registrat"),
    ],
    "may_manage": False,
    "may_take_key": True,
    "made": None,
    "trials": "PROVES",
    "most": 250,
    "mistakes": {},
    "sent": {"what": "", "purpose": "PROVES"},
}
HANDED_OUT = Row(pem="-----BEGIN PRIVATE KEY-----\nZmljdGljaQ==\n", serial="5f0c" * 10, ends=WHEN)
PILOT = Row(
    **(
        vars(PILOTS[0])
        | {
            "plan_sha256": "ab" * 32,
            "plan_notarisation": None,
            "report_notarisation": None,
            "frozen": None,
            "measured": None,
            "acts": 12,
            "acts_planned": 540,
        }
    )
)
PLAN: dict[str, Any] = {
    "problem": "la constància dels decrets d'un ajuntament fictici",
    "hypothesis": "La cadena dona evidència tan aviat com un segell de temps.",
    "alternative": "Un segell de temps pot ser suficient.",
    "subject": "un acte que passa d'un ens a un altre",
    "counterpart": "Consell Comarcal fictici",
    "screening": [Row(title="DHS", said="no respost")],
    "arms": ["Segell de temps (RFC 3161)", "Registre encadenat"],
    "observed": ["Codi segur de verificació (CSV)"],
    "primary": "Temps fins a l'evidència",
    "mid": "2 s",
    "guardrails": ["Verificades fora de línia: 8 punts"],
    "secondary": ["Mida de l'evidència"],
    "pairs": 60,
    "interval": "0,25",
    "timeout": "30",
    "seal": "CADES, B-T",
    "log_period": "2",
    "shortened": True,
    "disturbance": Row(arm="Segell electrònic", delay="300"),
    "legacy_sha1": True,
    "data_class": "sintètiques",
}
FEW_PLAN = PLAN | {
    "counterpart": "",
    "screening": [],
    "observed": [],
    "guardrails": [],
    "secondary": [],
    "seal": None,
    "log_period": None,
    "shortened": False,
    "disturbance": None,
    "legacy_sha1": False,
}


def pilot_at(state: str, **changes: Any) -> dict[str, Any]:
    """The page of a pilot in that state, for an admin."""
    order = ("draft", "frozen", "running", "measured", "evaluated", "decided")
    here = order.index(state)
    shown: dict[str, Any] = {
        "pilot": Row(**(vars(PILOT) | {"state": state})),
        "plan": PLAN,
        "steps": [
            Row(state=each, place="past" if n < here else "current" if n == here else "later")
            for n, each in enumerate(order)
        ],
        "verdicts": [],
        "decided": None,
        "decisions": [
            Row(slug="iterate", text="tornar-ho a provar"),
            Row(slug="stop_learned", text="aturar"),
        ],
        "may_measure": True,
        "may_decide": True,
        "mistakes": {},
        "exchange": "",
        "sent": Row(decision="", reason=""),
    }
    return shown | changes


ENDED = Row(
    **(
        vars(PILOT)
        | {
            "state": "decided",
            "verdict": "l'alternativa existent és millor",
            "frozen": WHEN,
            "measured": WHEN,
            "plan_notarisation": "01JN9W5T5BZ0Q8M4K7V2X3Y6A1-0",
            "report_notarisation": "01JN9W5T5BZ0Q8M4K7V2X3Y6A1-1",
        }
    )
)
VERDICTS = [
    Row(arm="Segell de temps (RFC 3161)", verdict="l'alternativa existent és millor"),
    Row(arm="Registre encadenat", verdict="la cadena de blocs és millor en aquest laboratori"),
]
OFFERED = Row(
    arms=[Row(slug="timestamp", title="Segell de temps"), Row(slug="csv", title="Codi segur de verificació")],
    parts=[Row(slug="compared", text="comparat"), Row(slug="", text="no hi és")],
    primaries=[Row(slug="time_to_evidence", text="Temps fins a l'evidència", unit="s")],
    metrics=[
        Row(slug="verified_offline", text="Verificades", unit="punts", uses=["secondary", "guardrail", ""]),
        Row(slug="tampering_noticed", text="Trampes", unit="%", uses=["secondary", ""]),
    ],
    levels=[Row(slug="b-t", text="B-T")],
    data_classes=[Row(slug="synthetic", text="sintètiques")],
    subjects=[
        Row(slug="document", text="un document qualsevol"),
        Row(slug="hand_over", text="un acte que passa d'un ens a un altre"),
    ],
    trees=[
        Row(
            slug="dhs",
            title="DHS",
            source="NISTIR 8202",
            questions=[
                Row(id="dhs.1", field="screening-dhs.1", text="Us cal un lloc comú?", note=""),
                Row(id="dhs.2", field="screening-dhs.2", text="Hi aporta més d'un?", note="Amb cautela."),
            ],
        )
    ],
)
PILOT_FORM: dict[str, Any] = {
    "administrations": ADMINISTRATIONS[:1],
    "counterparts": [],
    "offered": OFFERED,
    "fields": {"arm-timestamp": "compared", "mid": "2", "primary": "time_to_evidence"},
    "mistakes": {},
}
FORM_MISTAKES = (
    "title", "problem", "arms", "primary", "mid", "secondary", "margin-verified_offline", "pairs", "seed",
    "log_period", "delay_ms", "disturbed", "seal_level", "subject", "counterpart", "screening", "data_class",
)  # fmt: skip
#: (page, context), every branch of every template at least once.
REGISTER = Row(
    id="01JN9W5T5BZ0Q8M4K7V2X3Y6A1",
    name="Llibre de decrets",
    administration=ADMINISTRATIONS[0].name,
    key="numero",
    columns=["numero", "data", "titol"],
    numbering="{year}/{number}",
    origin="sandbox.example/9999900001/registers/01jn9w5t",
    published=None,
    created=WHEN,
    entries=1_000,
    anchored=990,
    waiting=10,
    problem=None,
)
PUBLIC_REGISTER = Row(
    **(vars(REGISTER) | {"published": WHEN, "waiting": 0, "problem": "the chain is stopped"})
)


def version(number: int, kind: str, state: str, **changes: Any) -> Row:
    values: dict[str, Any] = {
        "key": "2026/0301",
        "row": "/console/registers/01JN9W5T5BZ0Q8M4K7V2X3Y6A1/row?key=2026%2F0301",
        "version": number,
        "what": kind,
        "why": None,
        "state": state,
        "index": 300 + number,
        "content": {
            "numero": "2026/0301",
            "data": "2026-03-02",
            "titol": "Aprovar les bases del fons (fictici)",
        },
        "erased": False,
        "receipts": [Row(format="json", address="/console/registers/x/receipt?format=json")],
    }
    return Row(**(values | changes))


VERSIONS = [
    version(3, "Deixat sense efecte", "accepted", why="error", content=None, receipts=[]),
    version(2, "Esmena", "included", receipts=[]),
    version(1, "Alta", "anchored"),
    version(1, "Alta", "anchored", key="", content=None, erased=True, receipts=[]),
]
REASONS = [Row(slug="error", text="error")]
REGISTERS: dict[str, Any] = {
    "registers": [REGISTER, PUBLIC_REGISTER],
    "next": "/console/registers?after=x",
    "presets": [Row(slug="decrees", name="Llibre de decrets", about="Numerats per anys.")],
    "chains": [Row(id="01JN9W5T5BZ0Q8M4K7V2X3Y6A1", label="decrets", administration=ADMINISTRATIONS[0].name)],
    "may_write": True,
    "problem": None,
}
BOOK: dict[str, Any] = {
    "register": REGISTER,
    "entries": VERSIONS,
    "next": "/console/registers/x?before=1#entries",
    "numbering": Row(whole=False, lines=["2026: hi falta el 287; el 301 té dues versions"], more=2),
    "witnesses": Row(
        threshold=2,
        count=2,
        operators=3,
        list=[
            Row(name="witness.vila-b.example/w1", operator="Vila B (fictícia)", signed=True, problem=None),
            Row(
                name="witness.vila-c.example/w1",
                operator="Vila C (fictícia)",
                signed=False,
                problem="witness cannot be reached: ConnectError",
            ),
        ],
    ),
    "imported": None,
    "may_write": True,
    "may_publish": True,
    "address": "/logs/01JN9W5T5BZ0Q8M4K7V2X3Y6A1/",
    "problem": None,
}
ALONE = Row(threshold=1, count=1, operators=1, list=[])
EMPTY_BOOK = BOOK | {
    "register": PUBLIC_REGISTER,
    "entries": [],
    "next": None,
    "numbering": None,
    "witnesses": None,
    "may_write": False,
}
ROW: dict[str, Any] = {
    "register": REGISTER,
    "key": "2026/0301",
    "columns": REGISTER.columns,
    "versions": VERSIONS,
    "current": ["2026/0301", "2026-03-02", "Aprovar"],
    "ended": None,
    "reasons": REASONS,
    "rectification_reasons": REASONS,
    "may_write": True,
    "problem": None,
}
PAGES: list[tuple[str, dict[str, Any]]] = [
    ("sign_in", NOBODY | {"refused": False, "ended": False, "next": "/console/"}),
    ("sign_in", NOBODY | {"refused": False, "ended": True, "next": "/console/"}),
    ("sign_in", NOBODY | {"refused": True, "ended": True, "next": "/console/chains"}),
    ("home", BASE | {"administrations": [one.name for one in ADMINISTRATIONS]}),
    ("notarise", BASE | {"administrations": ADMINISTRATIONS, "supersedes": None}),
    ("notarise", BASE | {"administrations": ADMINISTRATIONS[:1], "supersedes": SUPERSEDED}),
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
    (
        "notarisation",
        NOTARISED | {"notarisation": notarisation("anchored"), "anchor": ANCHOR, "may_end": True},
    ),
    (
        "notarisation",
        NOTARISED | {"notarisation": notarisation("accepted", kind="supersede"), "anchor": None},
    ),
    (
        "notarisation",
        NOTARISED
        | {
            "notarisation": SUPERSEDED,
            "anchor": ANCHOR,
            "versions": [SUPERSEDED, notarisation("anchored", kind="supersede")],
        },
    ),
    ("notarisation", NOTARISED | {"notarisation": REVOKED, "anchor": None, "problem": "Prova de problema."}),
    (
        "notarisation",
        NOTARISED | {"notarisation": notarisation("anchored", erased=True, digest=None), "anchor": ANCHOR},
    ),
    ("check", NOBODY | {"administrations": ADMINISTRATIONS}),
    ("check", NOBODY | {"administrations": []}),
    (
        "chains",
        BASE
        | {
            "chains": [
                RUNNING,
                chain("hibernated", "running", None),
                chain("stopped", "expired", None, "expired"),
            ],
            "next": "/console/chains?after=x",
            "administrations": ADMINISTRATIONS,
            "importing": ADMINISTRATIONS,
            "engines": ENGINES,
            "chosen": CHOSEN | {"label": "decrets", "endpoint": "besu-lab"},
            "usage": USAGE,
            "hours": 24,
            "days": 90,
            "problem": "Prova d'avís.",
        },
    ),
    (
        "chains",
        BASE
        | {
            "chains": [],
            "next": None,
            "administrations": [],
            "importing": [],
            "engines": [],
            "chosen": CHOSEN,
            "usage": [],
            "hours": 24,
            "days": 90,
            "problem": None,
        },
    ),
    (
        "chain",
        BASE
        | OVERVIEW
        | {
            "chain": chain("running", "running", 42, "expires_within_7_days", "failed"),
            "deployments": DEPLOYMENTS,
            "may_change": True,
            "may_extend": True,
            "problem": "Prova d'avís.",
        },
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
    ("chain", BASE | OVERVIEW | {"chain": CLONE}),
    ("chain", BASE | OVERVIEW | {"chain": chain("stopping", "stopped", None), "may_change": True}),
    ("chain", BASE | OVERVIEW | {"chain": chain("stopped", "expired", None, "expired")}),
    *(
        (
            "chain_closed",
            BASE
            | {
                "suspensions": [{"name": ADMINISTRATIONS[0].name, "reason": "prova"}],
                "tab": "accounts",
                "chain": chain("stopped", "stopped", None),
                "why": why,
                "may_change": why == "stopped",
            },
        )
        for why in ("stopped", "expired", "suspended")
    ),
    (
        "chain_deleted",
        BASE
        | {
            "chain": Row(
                label="decrets",
                chain_id=73570123400001,
                deleted=WHEN,
                administration=ADMINISTRATIONS[0].name,
                api="/api/v1/notarisations?administration=9999900001",
            )
        },
    ),
    ("permissions", BASE | PERMISSIONS),
    ("permissions", BASE | FEW_PERMISSIONS),
    ("permissions", BASE | FEW_PERMISSIONS | {"explained": None, "may_ask": False}),
    (
        "accounts",
        BASE
        | {
            "tab": "accounts",
            "chain": RUNNING,
            "accounts": ACCOUNTS,
            "has_faucet": True,
            "most": 1000,
            "may_change": True,
            "given": {"ether": "1.5", "address": "0x" + "34" * 20, "transaction": "0x" + "ab" * 32},
            "problem": None,
        },
    ),
    (
        "accounts",
        BASE
        | {
            "tab": "accounts",
            "chain": RUNNING,
            "accounts": [],
            "has_faucet": False,
            "most": 1000,
            "may_change": True,
            "given": None,
            "problem": "Prova d'avís.",
        },
    ),
    ("snapshots", BASE | SNAPSHOTS),
    *(
        ("snapshots", BASE | SNAPSHOTS | {"verified": {"name": "abans", "outcome": outcome}})
        for outcome in ("broken", "left", "unknown")
    ),
    ("snapshots", BASE | SNAPSHOTS | {"clock": Row(acts=1, ahead=-60, now=WHEN, by=[])}),
    ("snapshots", BASE | SNAPSHOTS | FEW_SNAPSHOTS),
    ("snapshots", BASE | SNAPSHOTS | FEW_SNAPSHOTS | {"seals": False, "clock": None}),
    ("connect", BASE | CONNECT),
    (
        "connect",
        BASE | CONNECT | {"made": None, "may_public": False, "may_admin": False, "problem": "Prova d'avís."},
    ),
    ("connect", BASE | CONNECT | {"made": None, "may_public": False}),
    ("registers", BASE | REGISTERS),
    ("registers", BASE | REGISTERS | {"registers": [], "next": None, "chains": [], "problem": "Prova."}),
    ("registers", BASE | REGISTERS | {"registers": [], "may_write": False}),
    ("register", BASE | BOOK),
    ("register", BASE | BOOK | {"imported": Row(created=2, amended=1, unchanged=7), "witnesses": ALONE}),
    ("register", BASE | EMPTY_BOOK),
    ("register_row", BASE | ROW),
    ("register_row", BASE | ROW | {"current": None, "ended": "es va deixar sense efecte"}),
    (
        "register_row",
        BASE | ROW | {"versions": [], "current": None, "columns": [], "problem": "No n'hi ha cap."},
    ),
    ("pilots", BASE | {"pilots": PILOTS, "next": "/console/pilots?after=x", "may_create": True}),
    ("pilots", STAFF | {"pilots": [], "next": None, "may_create": False}),
    *(("pilot", BASE | pilot_at(state)) for state in ("draft", "frozen", "running", "measured")),
    ("pilot", BASE | pilot_at("draft", mistakes={"": "Prova d'avís."}, may_measure=False, plan=FEW_PLAN)),
    ("pilot", BASE | pilot_at("evaluated", pilot=ENDED, verdicts=VERDICTS)),
    (
        "pilot",
        BASE
        | pilot_at(
            "evaluated",
            mistakes={"decision": "Trieu-ne una.", "reason": "Massa curt."},
            sent=Row(decision="iterate", reason="x"),
        ),
    ),
    ("pilot", BASE | pilot_at("evaluated", may_decide=False)),
    (
        "pilot",
        BASE
        | pilot_at(
            "draft",
            mistakes={"": "El servei refusaria el que demanés."},
            exchange="/console/exchange?administration=9999900001",
        ),
    ),
    (
        "pilot",
        STAFF
        | pilot_at(
            "decided",
            pilot=ENDED,
            verdicts=VERDICTS,
            decided=Row(decision="aturar", reason="N'hi ha prou.", by="Marta", at="2026-03-02T09:30:15.000Z"),
            may_measure=False,
        ),
    ),
    ("pilot_new", BASE | PILOT_FORM),
    (
        "pilot_new",
        BASE
        | PILOT_FORM
        | {
            "administrations": ADMINISTRATIONS,
            "counterparts": ADMINISTRATIONS,
            "mistakes": dict.fromkeys(FORM_MISTAKES, "Prova d'avís."),
            "fields": {
                "arm-csv": "observed",
                "legacy_sha1": "yes",
                "disturbed": "csv",
                "subject": "hand_over",
                "counterpart": ADMINISTRATIONS[1].code,
                "screening-dhs.1": "no",
            },
        },
    ),
    ("pilot_new", BASE | PILOT_FORM | {"mistakes": {"": "Prova d'avís."}}),
    ("pilot_new", BASE | PILOT_FORM | {"administrations": []}),
    ("readiness", BASE | READINESS),
    (
        "readiness",
        BASE
        | READINESS
        | {
            "wrong": "seal-certificate",
            "mistakes": {"reference": "Ompliu-lo.", "expires": "Ja ha passat."},
            "sent": {"holder": "Ajuntament", "expires": "2020-01-01"},
        },
    ),
    (
        "readiness",
        BASE
        | READINESS
        | {
            "wrong": "seal-certificate",
            "mistakes": {"reopen-note": "Ompliu-lo."},
            "sent": {"act": "open", "note": ""},
        },
    ),
    ("readiness", STAFF | READINESS | {"chosen": None, "items": [], "services": [], "may_declare": False}),
    ("readiness", STAFF | READINESS | {"may_declare": False}),
    ("exchange", BASE | EXCHANGE),
    ("exchange", BASE | EXCHANGE | {"administrations": ADMINISTRATIONS[:1], "granted": [], "address": None}),
    ("exchange", BASE | EXCHANGE | {"made": HANDED_OUT}),
    ("exchange", BASE | EXCHANGE | {"mistakes": {"key": "Es va revocar."}}),
    (
        "exchange",
        STAFF
        | EXCHANGE
        | {
            "may_manage": True,
            "may_take_key": False,
            "mistakes": {"what": "Trieu-ne un.", "purpose": "Escriviu-la.", "withdraw": "Ja no és vigent."},
            "sent": {"what": "PADRO/RESIDENT", "purpose": ""},
        },
    ),
    ("exchange", STAFF | EXCHANGE | {"chosen": None, "granted": [], "may_take_key": False}),
    ("staff", STAFF | {"kind": "operator"}),
    ("staff", STAFF | {"kind": "evaluator"}),
    ("error", NOBODY | {"status": 404, "detail": "x", "reference": None}),
    ("error", BASE | {"status": 409, "detail": "Prova d'avís.", "reference": "01JN9W5T"}),
    ("error", BASE | {"status": 500, "detail": None, "reference": "01JN9W5T"}),
]
IDS = [f"{page}-{number}" for number, (page, _) in enumerate(PAGES)]
