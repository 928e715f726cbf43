"""Notarise files: hash them here, send the digests in batches, write a receipt for each. No file leaves the machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from baas.client import ApiProblem, Client
from baas.terminal import files
from baas.terminal.problems import Unusable
from baas.terminal.render import BIG_FILE, Shown, note, progress
from sandbox import low_entropy
from sandbox.errors import DocumentChanged
from sandbox.evidence.digest import DEFAULT, Digest, digests_file

#: `--digest`: the algorithms of a document's digests.
Digests = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ALGORITHM",
        help="By which algorithm; several times for several. sha-256, sha-512 or sha3-256.",
    ),
]
#: Documents in one request: a few hundred kilobytes of JSON.
BATCH = 1000
#: Seconds to wait for a batch to be on the chain.
PATIENCE = 300.0
#: Seconds to wait for its time-stamp after that.
STAMP_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Hashed:
    """A file and its digests, as it was read once: the first one is the receipt's own, by the order of slugs."""

    file: Path
    digest: Digest
    also: tuple[Digest, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the API takes it."""
        value: dict[str, Any] = {"algorithm": self.digest.algorithm, "digest": self.digest.value.hex()}
        if self.also:
            value["also"] = [{"algorithm": each.algorithm, "digest": each.value.hex()} for each in self.also]
        return value


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that could not be hashed, and why."""

    file: Path
    reason: str


def receipt_paths(documents: Sequence[Path], out: Path | None) -> dict[Path, Path]:
    """Where each file's receipt goes: beside it, or in `out`. Unusable if two would share one, or one is there."""
    found: dict[Path, Path] = {}
    taken: dict[Path, Path] = {}
    for document in documents:
        receipt = (out or document.parent) / f"{document.name}.receipt.json"
        if receipt in taken:
            raise Unusable(
                f"{taken[receipt]} and {document} would have one receipt, {receipt}: notarise them apart, "
                "with --out in two directories"
            )
        if receipt.exists():
            raise Unusable(
                f"{receipt} is there already: move it away, or write to another directory with --out"
            )
        taken[receipt] = document
        found[document] = receipt
    return found


def hash_all(
    documents: Sequence[Path], algorithms: Sequence[str] = (DEFAULT,), *, accept_guessable: bool = False
) -> tuple[list[Hashed], list[Failed]]:
    """The digests of the files; those that changed meanwhile, cannot be read or can be guessed are told and left out."""
    slugs = sorted(set(algorithms))
    hashed: list[Hashed] = []
    failed: list[Failed] = []
    for document in documents:
        try:
            if not accept_guessable and (reason := guessable(document)):
                failed.append(Failed(document, reason))
                note(f"not notarised: {document}: {reason}")
                continue
            first, *also = digests_file(document, slugs, progress(f"hashing {document.name}", BIG_FILE))
            hashed.append(Hashed(document, first, tuple(also)))
        except DocumentChanged as error:
            failed.append(Failed(document, str(error)))
            note(f"not notarised: {error}")
        except OSError as error:
            failed.append(Failed(document, f"cannot be read: {error.strerror}"))
            note(f"not notarised: {document} cannot be read: {error.strerror}")
    return hashed, failed


def guessable(document: Path) -> str | None:
    """Why the file's digest would not hide what is in it; None when it is not one of the values that are recognised."""
    if document.stat().st_size > low_entropy.LONGEST:
        return None
    found = low_entropy.of_content(document.read_bytes())
    if found is None:
        return None
    return (
        f"the whole file is {found.explanation}. The service salts the digest, and yet whoever has the receipt can try "
        "them: it is personal data. Notarise a document that says more than that, or take the risk on you with "
        "--anyone-can-guess-it"
    )


def notarise(
    documents: Sequence[Hashed],
    administration: str | None,
    client: Client,
    store: Callable[[Path, bytes], Path] | None,
) -> list[dict[str, Any]]:
    """One row for each document: file, digest, notarisation and, with `store`, the path that it gave the receipt.

    Each batch is on the service's disk before the next is sent. Without `store` nothing is waited for.
    """
    owner = administration or only_administration(client)
    rows: list[dict[str, Any]] = []
    for start in range(0, len(documents), BATCH):
        part = documents[start : start + BATCH]
        accepted = client.notarise_documents(owner, [each.to_json() for each in part])
        note(f"accepted: {len(part)} documents, batch {accepted['batch']}")
        rows += [
            {
                "file": str(each.file),
                "algorithm": each.digest.algorithm,
                "digest": each.digest.value.hex(),
                "notarisation": notarisation,
                "receipt": None,
            }
            for each, notarisation in zip(part, accepted["items"], strict=True)
        ]
        if store is None:
            continue
        wait_anchored(client, accepted["items"][-1])
        try:
            receipts = client.receipts(accepted["batch"])
        except ApiProblem as problem:
            if not problem.waits_for_witnesses:
                raise
            note(
                f"anchored, without receipts yet (baas receipt NOTARISATION --out FILE, later): {problem.detail}"
            )
            continue
        for row, each, receipt in zip(rows[start:], part, receipts, strict=True):
            row["receipt"] = str(store(each.file, receipt))
        note(f"anchored: receipts of batch {accepted['batch']} are written")
    return rows


def wait_anchored(client: Client, notarisation: str) -> None:
    """Wait for the chain, and a little for the time-stamp that comes after it; without one the receipt says less."""
    client.wait_anchored(notarisation, timeout=PATIENCE)
    if not client.wait_stamped(notarisation, timeout=STAMP_PATIENCE):
        note(
            f"no time-stamp yet: for a receipt with one, ask again later (baas receipt {notarisation} --out FILE)"
        )


def shown(rows: Sequence[dict[str, Any]], failed: Sequence[Failed], *, waited: bool = False) -> Shown:
    """What was notarised and what was not; `refused` when anything was not, `conflict` when a receipt that was waited for
    is not there yet."""
    value = {"items": rows, "failed": [{"file": str(each.file), "reason": each.reason} for each in failed]}
    text = "\n".join(
        f"{row['file']}  {row['notarisation']}  {row['receipt'] or 'no receipt yet'}" for row in rows
    )
    if failed:
        text += f"\n{len(failed)} of {len(rows) + len(failed)} files were not notarised"
    late = waited and any(row["receipt"] is None for row in rows)
    return Shown(value, text.lstrip("\n"), "refused" if failed else "conflict" if late else "ok")


def run(
    documents: Sequence[Path],
    administration: str | None,
    out: Path | None,
    wait: bool,
    open_client: Callable[[], Any],
    algorithms: Sequence[str] = (DEFAULT,),
    accept_guessable: bool = False,
) -> Shown:
    """The whole of `baas notarise`; `open_client` gives the client as a context manager, once all is hashed."""
    if folders := [each for each in documents if each.is_dir()]:
        raise Unusable(
            f"{folders[0]} is a directory: give its files, or notarise it as a whole with --manifest"
        )
    receipts = receipt_paths(documents, out) if wait else {}
    hashed, failed = hash_all(documents, algorithms, accept_guessable=accept_guessable)
    if not hashed:
        return shown([], failed)

    def store(document: Path, receipt: bytes) -> Path:
        files.write(receipts[document], receipt)
        return receipts[document]

    with open_client() as client:
        rows = notarise(hashed, administration, client, store if wait else None)
    if not wait:
        note("their receipts can be had when they are anchored: baas receipt NOTARISATION --out FILE")
    return shown(rows, failed, waited=wait)


def only_administration(client: Client) -> str:
    codes = [each["administration"]["code"] for each in client.me()["administrations"]]
    if len(codes) != 1:
        raise Unusable(
            f"expected --administration, because you reach {len(codes)}: {', '.join(codes) or 'none as a member'}"
        )
    return str(codes[0])
