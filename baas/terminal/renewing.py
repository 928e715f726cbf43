"""Renew receipts: the service's own in one go, or one that you hold with its document, of which only a hash is sent."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from baas.client import Client
from baas.terminal import files
from baas.terminal.notarising import only_administration
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, record
from sandbox.evidence import receipt as receipts
from sandbox.evidence.digest import digest_file
from sandbox.evidence.document import match
from sandbox.evidence.receipt import Receipt, Renewal, renewal_from_json
from sandbox.evidence.renewal import leaf_hash

PATIENCE, EVERY = 300.0, 0.1
FIELDS = ("id", "algorithm", "size", "missing", "anchored", "stamped", "problem")


def all_of(client: Client, administration: str | None, algorithm: str) -> Shown:
    """Every receipt that the service can renew; it says how many need their document."""
    made = client.request_renewal(administration or only_administration(client), algorithm)
    done = wait(client, made["id"])
    if done["missing"]:
        note(
            f"{done['missing']} need their document: baas renewal needs, then baas renew --document FILE RECEIPT"
        )
    return record(done, *FIELDS)


def one(
    document: Path,
    receipt: Path,
    administration: str | None,
    algorithm: str,
    out: Path,
    open_client: Callable[[], Any],
) -> Shown:
    """One receipt that you hold; Unusable when the document is not its own, since that would renew nothing."""
    before = receipts.parse(receipt.read_bytes())
    salted = before.document if before.manifest is None else before.manifest.file
    found = match(document, salted.to_digest(), salted.also)
    if not found.exact:
        raise Unusable(
            f"{document} is not the document of {receipt}: a renewal is of the document as it was notarised"
        )
    digest = digest_file(document, slug=algorithm).value
    leaf = leaf_hash(algorithm, Renewal(algorithm, digest, 0, 1, ()).subject(before))
    with open_client() as client:
        made = client.request_renewal(administration or only_administration(client), algorithm, [leaf.hex()])
        done = wait(client, made["id"])
        proof = renewal_from_json(client.renewal_proof(made["id"], leaf.hex()), "renewal")
    files.write(out, _renewed(before, proof, digest).to_bytes())
    return record({**done, "file": str(out)}, *FIELDS, "file")


def wait(client: Client, renewal: str) -> dict[str, Any]:
    """Until it is on the chain and time-stamped; it goes on without a time-stamp that does not come."""
    deadline = time.monotonic() + PATIENCE
    while True:
        now = client.renewal(renewal)
        if now["anchored"] and (now["stamped"] or now["size"] == 0):
            return now
        if now["anchored"] and now["problem"]:
            note(f"no time-stamp yet: {now['problem']}")
            return now
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"renewal {renewal} is not on the chain yet; it is not lost: {now['problem'] or 'ask again'}"
            )
        time.sleep(EVERY)


def _renewed(before: Receipt, proof: Renewal, digest: bytes) -> Receipt:
    return replace(before, renewals=(*before.renewals, replace(proof, digest=digest)))
