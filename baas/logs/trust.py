"""Trust roots of administrations: what a verifier must get from the administration itself, apart from any receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.chains.model import Chain
from baas.deployments.model import Deployment
from baas.errors import NotFound
from baas.logs.model import Log, LogWitness, WitnessPolicy
from baas.tenancy import Row, TenantScope, across_administrations
from sandbox.evidence.cosignature import CosignatureVerifier
from sandbox.evidence.note import NoteSigner, NoteVerifier
from sandbox.evidence.trust import (
    AlgorithmEnd,
    TimestampRoot,
    TrustedChain,
    TrustedContract,
    TrustedKey,
    TrustedLog,
    TrustedWitness,
    TrustRoot,
    Witnesses,
)


class RowsOf(Protocol):
    """Where a trust root's rows are taken from: a scope, or across administrations for the public one."""

    def __call__(self, model: type[Row]) -> SelectOfScalar[Row]: ...


class TrustRoots:
    """Makes trust roots; `timestamp_roots` are those of the time-stamp authorities in use here, `ends` of algorithms.

    `operator` is who runs this installation and so its logs: named where a log has witnesses.
    """

    def __init__(
        self,
        timestamp_roots: Sequence[TimestampRoot] = (),
        operator: str = "",
        ends: Sequence[AlgorithmEnd] = (),
    ) -> None:
        self._timestamp_roots, self._operator, self._ends = tuple(timestamp_roots), operator, tuple(ends)

    def of(self, session: Session, scope: TenantScope, administration: str) -> TrustRoot:
        """Everything that this administration's receipts are checked against; deleted chains stay in it."""
        owner = repository.administration(session, scope, administration)
        return self._made(session, scope.select, owner)

    def public(self, session: Session, administration: str) -> TrustRoot:
        """As `of`, for anybody: whoever checks a receipt needs it, and it holds only public keys, addresses and hashes.

        NotFound, in the same words, for an administration that is absent and for one without a log: no receipt
        names it, so there is nothing to check.
        """

        def rows_of(model: type[Row]) -> SelectOfScalar[Row]:
            return across_administrations(model, because="what receipts are checked against is public")

        owner = repository.registered(session, administration)
        root = self._made(session, rows_of, owner) if owner else None
        if root is None or not root.logs:
            raise NotFound("administration", administration)
        return root

    def _made(self, session: Session, rows_of: RowsOf, owner: Administration) -> TrustRoot:
        chains = session.exec(
            rows_of(Chain).where(Chain.administration_id == owner.id).order_by(col(Chain.id))
        ).all()
        deployments = session.exec(
            rows_of(Deployment).where(Deployment.administration_id == owner.id).order_by(col(Deployment.id))
        ).all()
        logs = session.exec(
            rows_of(Log).where(Log.administration_id == owner.id).order_by(col(Log.number))
        ).all()
        chain_ids = {chain.id: chain.chain_id for chain in chains}
        by_id = {deployment.id: deployment for deployment in deployments}
        demanded = {log.key: _witnesses(session, log) for log in logs}
        return TrustRoot(
            logs=tuple(
                TrustedLog(
                    origin=log.origin,
                    chain_id=chain_ids[by_id[log.deployment_id].chain],
                    contracts=(_bytes(by_id[log.deployment_id].address),),
                    keys=(_key(NoteSigner(log.origin, log.signing_key).verifier, log.created),),
                    operator=self._operator if demanded[log.key] else "",
                    witnesses=demanded[log.key],
                )
                for log in logs
            ),
            chains=tuple(
                TrustedChain(
                    chain_id=chain.chain_id,
                    genesis_hash=_bytes(chain.genesis_hash),
                    sealing_keys=(_key(NoteVerifier.from_vkey(chain.sealing_key), chain.created),),
                    contracts=tuple(
                        TrustedContract(_bytes(each.address), each.template, _bytes(each.code_hash))
                        for each in deployments
                        if each.chain == chain.id
                    ),
                )
                for chain in chains
            ),
            timestamp_roots=self._timestamp_roots,
            algorithms=self._ends,
        )


def _witnesses(session: Session, log: Log) -> Witnesses | None:
    """The witnesses that receipts of this log need, those that were retired included; None where they need none."""
    policy = session.get(WitnessPolicy, log.key)
    if policy is None:
        return None
    rows = session.exec(
        select(LogWitness)
        .where(LogWitness.log == log.key)
        .order_by(col(LogWitness.name), col(LogWitness.since), col(LogWitness.key))
    )
    return Witnesses(
        policy.threshold,
        tuple(
            TrustedWitness(
                CosignatureVerifier.from_vkey(each.key),
                each.operator,
                datetime.fromtimestamp(each.since, UTC),
                None if each.until is None else datetime.fromtimestamp(each.until, UTC),
            )
            for each in rows
        ),
    )


def _key(verifier: NoteVerifier, since: datetime) -> TrustedKey:
    return TrustedKey(verifier, since.replace(microsecond=0))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
