"""Notarising documents: by the service in batches, one transaction each, and the bare append of the same bytes."""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from baas.administrations.model import AdministrationKind
from baas.logs.acceptance import INSERT
from baas.notarisations.documents import Document
from baas.settings import load_settings
from baas.tenancy import Caller, CallerKind, Role, TenantScope
from baas.wiring import Services
from sandbox.abi import encode_call
from sandbox.artifacts import load_artifact
from sandbox.evidence.commitment import commit
from sandbox.evidence.digest import Digest
from sandbox.evidence.receipt import Receipt
from tests.bench.offline import Receipts

CODE = "9999990009"
BATCH, BATCHES, SINGLE, WAITED = 10_000, 10, 300, 5


class Bench:
    """A service in process with one administration, a chain and a document log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._services = Services.build(load_settings(data=folder, port=0))
        self._services.start()

    def __enter__(self) -> Self:
        services = self._services
        operator = TenantScope(Caller(CallerKind.OPERATOR, "bench"))
        with services.store.session() as session:
            body = services.administrations.create(
                session, operator, CODE, "Banc de proves (fictici)", AdministrationKind.OTHER
            )
        self._scope = TenantScope(
            Caller(CallerKind.MEMBER, "bench", administration_id=body.id, roles={body.id: frozenset(Role)})
        )
        self._chain = services.chains.create(self._scope, CODE, "bench").id
        self._deployment = services.deployments.deploy(self._scope, self._chain, "document-notary", {})
        self._single = services.deployments.deploy(self._scope, self._chain, "document-notary", {})
        self._bare = sqlite3.connect(self._folder / "bare.sqlite", isolation_level=None)
        self._bare.execute("PRAGMA journal_mode = WAL")
        self._bare.execute("PRAGMA synchronous = FULL")
        texts = "kind TEXT, algorithm TEXT, digest BLOB, salt BLOB, commitment BLOB, refers_to INTEGER, reason TEXT"
        key = "log INTEGER, position INTEGER"
        self._bare.execute(
            f"CREATE TABLE log_entries ({key}, {texts}, PRIMARY KEY (log, position)) WITHOUT ROWID"
        )
        self._rows = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bare.close()
        self._services.stop()

    def batched(self) -> float:
        """Documents per second from their digests to anchored: ten batches of 10,000, one after the other."""
        batches = [_documents(BATCH) for _ in range(BATCHES)]
        start = time.perf_counter()
        for documents in batches:
            last = self._accept(documents)
        while self._state(f"{last}-{BATCH - 1}") != "anchored":
            time.sleep(0.005)
        return BATCH * BATCHES / (time.perf_counter() - start)

    def one_transaction_each(self) -> float:
        """Documents per second where each is a transaction, all sent at once and sealed in full blocks."""
        chain, account, address, calls = self._calls(SINGLE)
        start = time.perf_counter()
        sent = [chain.send(account, to=address, data=data) for data in calls]
        for transaction in sent:
            assert chain.wait(transaction)["status"] == "0x1"
        return SINGLE / (time.perf_counter() - start)

    def one_block_each(self) -> float:
        """Documents per second where each waits for its own transaction before the next is sent."""
        chain, account, address, calls = self._calls(WAITED)
        start = time.perf_counter()
        for data in calls:
            assert chain.wait(chain.send(account, to=address, data=data))["status"] == "0x1"
        return WAITED / (time.perf_counter() - start)

    def accept(self, count: int) -> float:
        """Documents per second made durable and acknowledged: digests in, committed rows with salt and commitment."""
        documents = _documents(count)
        start = time.perf_counter()
        self._accept(documents, poke=False)
        return count / (time.perf_counter() - start)

    def bare_append(self, count: int) -> float:
        """Rows per second of the very same bytes, ready-made, in one transaction on a bare SQLite file."""
        salts = [os.urandom(32) for _ in range(count)]
        digests = [os.urandom(32) for _ in range(count)]
        rows = [
            (
                1,
                self._rows + place,
                "notarise",
                "sha-256",
                digest,
                salt,
                commit("sha-256", digest, salt),
                None,
                None,
            )
            for place, (digest, salt) in enumerate(zip(digests, salts, strict=True))
        ]
        self._rows += count
        start = time.perf_counter()
        self._bare.execute("BEGIN IMMEDIATE")
        self._bare.executemany(INSERT, rows)
        self._bare.execute("COMMIT")
        return count / (time.perf_counter() - start)

    def receipts(self, count: int, *, stamped: bool = False) -> Receipts:
        """So many receipts of one batch, with what is needed to verify them; with or without a time-stamp token."""
        digests = [hashlib.sha256(os.urandom(8)).digest() for _ in range(count)]
        batch = self._accept([Document("sha-256", digest.hex()) for digest in digests])
        while self._state(f"{batch}-{count - 1}") != "anchored":
            time.sleep(0.02)
        found = self._receipts(batch)
        while stamped and not found[0].timestamps:
            time.sleep(0.02)
            found = self._receipts(batch)
        if not stamped:
            found = [replace(each, timestamps=()) for each in found]
        with self._services.store.reading() as session:
            trust = self._services.trust.of(session, self._scope, CODE).to_bytes()
        return Receipts(
            [each.to_bytes() for each in found], [Digest("sha-256", digest) for digest in digests], trust
        )

    def _receipts(self, batch: str) -> list[Receipt]:
        with self._services.store.reading() as session:
            return [
                receipt for _, receipt in self._services.notarisations.receipts(session, self._scope, batch)
            ]

    def _state(self, notarisation: str) -> str:
        with self._services.store.reading() as session:
            return self._services.notarisations.get(session, self._scope, notarisation).state

    def _accept(self, documents: list[Document], *, poke: bool = True) -> str:
        with self._services.store.session() as session:
            batch, log = self._services.notarisations.accept(session, self._scope, CODE, documents)
        if poke:
            self._services.logs.poke(log)
        return batch.id

    def _calls(self, count: int):  # type: ignore[no-untyped-def]  # four things that only the two methods above take apart
        chain = self._services.chains.awake(self._chain)
        artifact = load_artifact("DocumentNotary")
        address = bytes.fromhex(self._single.address.removeprefix("0x"))
        calls = [encode_call(artifact, "notarise", secrets.token_bytes(32)) for _ in range(count)]
        return chain, self._services.chains.ANCHORING_ACCOUNT, address, calls


def _documents(count: int) -> list[Document]:
    return [Document("sha-256", os.urandom(32).hex()) for _ in range(count)]
