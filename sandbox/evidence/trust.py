"""Trust roots: what a verifier already holds, and got by another way than the receipts that it checks.

A trust root says which keys speak for which log and chain, and when; which contracts anchor which log; and
which authorities' time-stamps count. Canonical JSON, strictly read; the fields are in README.md.
Times are UTC in whole seconds, `2026-01-31T09:00:00Z`; a key is valid from `valid_from` until before
`valid_until`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from sandbox.errors import MalformedEvidence
from sandbox.evidence import fields
from sandbox.evidence.canonical import Json, dumps, loads
from sandbox.evidence.certificate import require_pem
from sandbox.evidence.cosignature import CosignatureVerifier
from sandbox.evidence.encoding import utc_text
from sandbox.evidence.note import NoteVerifier, OpenedNote
from sandbox.evidence.reasons import because

VERSION = 1
TYPE = "baas-trust-root"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key and the time in which it speaks; `valid_until` is None while no end is known."""

    verifier: NoteVerifier
    valid_from: datetime
    valid_until: datetime | None = None

    def is_valid_at(self, time_ms: int) -> bool:
        """Whether the key spoke for its log or chain at `time_ms`, milliseconds since 1970."""
        return _is_within(time_ms, self.valid_from, self.valid_until)


def require_valid(keys: tuple[TrustedKey, ...], note: OpenedNote, time_ms: int, what: str) -> None:
    """Raise VerificationError unless one of the keys that signed the note was valid at `time_ms`."""
    if not any(key.verifier in note.verified and key.is_valid_at(time_ms) for key in keys):
        names = ", ".join(note.verified_names)
        raise because(
            "trust.not-valid",
            "the {what} {keys} was not valid at {time}, the block's time",
            what=what,
            keys=names,
            time=utc_text(time_ms),
        )


@dataclass(frozen=True, slots=True)
class TrustedWitness:
    """A witness of a log: its cosigning key, who runs it, and the time in which it speaks."""

    verifier: CosignatureVerifier
    operator: str
    valid_from: datetime
    valid_until: datetime | None = None

    @property
    def name(self) -> str:
        """Which witness it is: a new key of the same one has the same name."""
        return self.verifier.name

    def is_valid_at(self, time_ms: int) -> bool:
        return _is_within(time_ms, self.valid_from, self.valid_until)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What a log's checkpoint must carry: valid cosignatures of at least `threshold` witnesses, whose keys these are."""

    threshold: int
    keys: tuple[TrustedWitness, ...]

    def __post_init__(self) -> None:
        _require_distinct((each.verifier.vkey for each in self.keys), "witnesses")
        operators = {(each.name, each.operator) for each in self.keys}
        _require_distinct((name for name, _ in operators), "witnesses: operators of one witness")
        if not 1 <= self.threshold <= len(operators):
            raise MalformedEvidence(
                f"trust root: a threshold of witnesses is from 1 to their number, {len(operators)}; got {self.threshold}"
            )


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A log: its origin, the chain and the contracts (20 bytes each) that anchor it, its keys, its witnesses.

    `operator` is who runs it, empty where nobody said so: what one operator runs counts once when it is asked who
    would have to collude.
    """

    origin: str
    chain_id: int
    contracts: tuple[bytes, ...]
    keys: tuple[TrustedKey, ...]
    operator: str = ""
    witnesses: Witnesses | None = None


@dataclass(frozen=True, slots=True)
class TrustedContract:
    """A contract: address, the template it was deployed from, keccak-256 of its runtime code."""

    address: bytes
    template: str
    code_hash: bytes


@dataclass(frozen=True, slots=True)
class TrustedChain:
    """A chain: its id, its genesis hash, the keys that seal it and the contracts deployed on it."""

    chain_id: int
    genesis_hash: bytes
    sealing_keys: tuple[TrustedKey, ...]
    contracts: tuple[TrustedContract, ...]


@dataclass(frozen=True, slots=True)
class TimestampRoot:
    """The certificate (PEM) of a time-stamp authority's own root."""

    name: str
    certificate_pem: str


@dataclass(frozen=True, slots=True)
class AlgorithmEnd:
    """From `until` on the algorithm is not relied on any more; it overrides the registry's own date."""

    slug: str
    until: datetime


@dataclass(frozen=True, slots=True)
class TrustRoot:
    logs: tuple[TrustedLog, ...]
    chains: tuple[TrustedChain, ...]
    timestamp_roots: tuple[TimestampRoot, ...] = ()
    algorithms: tuple[AlgorithmEnd, ...] = ()

    def __post_init__(self) -> None:
        _require_distinct((each.slug for each in self.algorithms), "algorithms: slug")
        _require_distinct((log.origin for log in self.logs), "logs: origin")
        _require_distinct((chain.chain_id for chain in self.chains), "chains: chain_id")
        for chain in self.chains:
            _require_distinct((key.verifier.vkey for key in chain.sealing_keys), "sealing_keys")
            _require_distinct((contract.address for contract in chain.contracts), "chains: contract address")
        for log in self.logs:
            _require_distinct((key.verifier.vkey for key in log.keys), f"keys of log {log.origin}")
            own_chain = self.chain(log.chain_id)
            known = () if own_chain is None else [contract.address for contract in own_chain.contracts]
            for contract in log.contracts:
                if contract not in known:
                    raise MalformedEvidence(
                        f"trust root: log {log.origin!r} names contract 0x{contract.hex()}, which is not "
                        f"among the contracts of chain {log.chain_id}"
                    )

    def log(self, origin: str) -> TrustedLog | None:
        return next((log for log in self.logs if log.origin == origin), None)

    def chain(self, chain_id: int) -> TrustedChain | None:
        return next((chain for chain in self.chains if chain.chain_id == chain_id), None)

    def to_json(self) -> dict[str, Json]:
        value: dict[str, Json] = {
            "v": VERSION,
            "type": TYPE,
            "logs": [_log_to_json(log) for log in self.logs],
            "chains": [
                {
                    "chain_id": chain.chain_id,
                    "genesis_hash": "0x" + chain.genesis_hash.hex(),
                    "sealing_keys": [_key_to_json(key) for key in chain.sealing_keys],
                    "contracts": [
                        {
                            "address": "0x" + contract.address.hex(),
                            "template": contract.template,
                            "code_hash": "0x" + contract.code_hash.hex(),
                        }
                        for contract in chain.contracts
                    ],
                }
                for chain in self.chains
            ],
            "timestamp_roots": [
                {"name": root.name, "certificate_pem": root.certificate_pem} for root in self.timestamp_roots
            ],
        }
        if self.algorithms:
            value["algorithms"] = [
                {"slug": each.slug, "until": utc_text(_milliseconds(each.until))} for each in self.algorithms
            ]
        return value

    def to_bytes(self) -> bytes:
        return dumps(self.to_json())


def parse(data: bytes) -> TrustRoot:
    """The trust root whose canonical bytes these are."""
    what = "trust root"
    value = fields.file(
        loads(data, what),
        what,
        type_=TYPE,
        version=VERSION,
        names=("v", "type", "logs", "chains", "timestamp_roots"),
        optional=("algorithms",),
    )
    return TrustRoot(
        logs=tuple(_log(item) for item in fields.array(value["logs"], f"{what}.logs")),
        chains=tuple(_chain(item) for item in fields.array(value["chains"], f"{what}.chains")),
        timestamp_roots=tuple(
            _timestamp_root(item)
            for item in fields.array(value["timestamp_roots"], f"{what}.timestamp_roots")
        ),
        algorithms=tuple(
            _algorithm_end(item) for item in fields.some(value["algorithms"], f"{what}.algorithms")
        )
        if "algorithms" in value
        else (),
    )


def _log(value: Json) -> TrustedLog:
    what = "trust root log"
    found = fields.record(
        value, what, ("origin", "chain_id", "contracts", "keys"), optional=("operator", "witnesses")
    )
    contracts = fields.array(found["contracts"], f"{what} contracts")
    operator = ""
    if "operator" in found:
        operator = fields.text(found["operator"], f"{what} operator")
        if not operator:
            raise MalformedEvidence(f"{what} operator: expected a name, or no such key")
    return TrustedLog(
        fields.text(found["origin"], f"{what} origin"),
        fields.integer(found["chain_id"], f"{what} chain_id", minimum=1),
        tuple(fields.hexadecimal(item, f"{what} contract", length=20, prefix="0x") for item in contracts),
        tuple(_key(item) for item in fields.array(found["keys"], f"{what} keys")),
        operator,
        _witnesses(found["witnesses"]) if "witnesses" in found else None,
    )


def _log_to_json(log: TrustedLog) -> dict[str, Json]:
    value: dict[str, Json] = {
        "origin": log.origin,
        "chain_id": log.chain_id,
        "contracts": ["0x" + address.hex() for address in log.contracts],
        "keys": [_key_to_json(key) for key in log.keys],
    }
    if log.operator:
        value["operator"] = log.operator
    if log.witnesses is not None:
        value["witnesses"] = {
            "threshold": log.witnesses.threshold,
            "keys": [
                {
                    "key": each.verifier.vkey,
                    "operator": each.operator,
                    **_validity_to_json(each.valid_from, each.valid_until),
                }
                for each in log.witnesses.keys
            ],
        }
    return value


def _witnesses(value: Json) -> Witnesses:
    what = "trust root witnesses"
    found = fields.record(value, what, ("threshold", "keys"))
    return Witnesses(
        fields.integer(found["threshold"], f"{what} threshold", minimum=1),
        tuple(_witness(item) for item in fields.array(found["keys"], f"{what} keys")),
    )


def _witness(value: Json) -> TrustedWitness:
    what = "trust root witness"
    found = fields.record(value, what, ("key", "operator", "valid_from", "valid_until"))
    return TrustedWitness(
        CosignatureVerifier.from_vkey(fields.text(found["key"], f"{what} key")),
        fields.text(found["operator"], f"{what} operator"),
        *_validity(found, what),
    )


def _algorithm_end(value: Json) -> AlgorithmEnd:
    what = "trust root algorithm"
    found = fields.record(value, what, ("slug", "until"))
    return AlgorithmEnd(
        fields.text(found["slug"], f"{what} slug"),
        _time(fields.text(found["until"], f"{what} until"), f"{what} until"),
    )


def _chain(value: Json) -> TrustedChain:
    what = "trust root chain"
    found = fields.record(value, what, ("chain_id", "genesis_hash", "sealing_keys", "contracts"))
    return TrustedChain(
        fields.integer(found["chain_id"], f"{what} chain_id", minimum=1),
        fields.hexadecimal(found["genesis_hash"], f"{what} genesis_hash", length=32, prefix="0x"),
        tuple(_key(item) for item in fields.array(found["sealing_keys"], f"{what} sealing_keys")),
        tuple(_contract(item) for item in fields.array(found["contracts"], f"{what} contracts")),
    )


def _contract(value: Json) -> TrustedContract:
    what = "trust root contract"
    found = fields.record(value, what, ("address", "template", "code_hash"))
    return TrustedContract(
        fields.hexadecimal(found["address"], f"{what} address", length=20, prefix="0x"),
        fields.text(found["template"], f"{what} template"),
        fields.hexadecimal(found["code_hash"], f"{what} code_hash", length=32, prefix="0x"),
    )


def _timestamp_root(value: Json) -> TimestampRoot:
    what = "trust root timestamp_root"
    found = fields.record(value, what, ("name", "certificate_pem"))
    pem = fields.text(found["certificate_pem"], f"{what} certificate_pem")
    require_pem(pem, f"{what} certificate_pem")
    return TimestampRoot(fields.text(found["name"], f"{what} name"), pem)


def _key(value: Json) -> TrustedKey:
    what = "trust root key"
    found = fields.record(value, what, ("key", "valid_from", "valid_until"))
    return TrustedKey(NoteVerifier.from_vkey(fields.text(found["key"], what)), *_validity(found, what))


def _validity(found: dict[str, Json], what: str) -> tuple[datetime, datetime | None]:
    since = _time(fields.text(found["valid_from"], f"{what} valid_from"), f"{what} valid_from")
    if found["valid_until"] is None:
        return since, None
    until = _time(fields.text(found["valid_until"], f"{what} valid_until"), f"{what} valid_until")
    if until <= since:
        raise MalformedEvidence(f"{what}: valid_until must be later than valid_from")
    return since, until


def _key_to_json(key: TrustedKey) -> dict[str, Json]:
    return {"key": key.verifier.vkey, **_validity_to_json(key.valid_from, key.valid_until)}


def _validity_to_json(since: datetime, until: datetime | None) -> dict[str, Json]:
    return {
        "valid_from": utc_text(_milliseconds(since)),
        "valid_until": None if until is None else utc_text(_milliseconds(until)),
    }


def _time(text: str, what: str) -> datetime:
    try:
        if _TIME.fullmatch(text):
            return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise MalformedEvidence(f"{what}: expected UTC like 2026-01-31T09:00:00Z (RFC 3339), got {text[:40]!r}")


def _is_within(time_ms: int, since: datetime, until: datetime | None) -> bool:
    return _milliseconds(since) <= time_ms and (until is None or time_ms < _milliseconds(until))


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp()) * 1000


def _require_distinct(values: Iterable[str | int | bytes], what: str) -> None:
    if repeated := [a for a, b in pairwise(sorted(values, key=repr)) if a == b]:
        raise MalformedEvidence(f"trust root: {what} repeated: {repeated[0]!r}")
