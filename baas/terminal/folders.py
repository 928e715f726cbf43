"""Notarise a folder as a whole: one notarised root, and a receipt for each of its files that proves itself alone.

The files are hashed here, each with a salt of its own; only the manifest's header is notarised, so that neither names nor
digests nor how many files have one content leave the machine. `manifest.json` keeps for the holder what the receipts are
made from, and is written before anything is sent: it can be unfolded again whenever the receipts are lost.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from baas.client import Client
from baas.terminal import files
from baas.terminal.notarising import Failed, Hashed, hash_all, only_administration, wait_anchored
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note
from sandbox.errors import EvidenceError
from sandbox.evidence import manifest
from sandbox.evidence import receipt as receipts
from sandbox.evidence.canonical import dumps
from sandbox.evidence.commitment import new_salt
from sandbox.evidence.digest import DEFAULT, digest_bytes
from sandbox.evidence.receipt import FilePlace, SaltedDigest

VERSION, TYPE = 1, "baas-folder"
MANIFEST = "manifest.json"
SUFFIX = ".receipt.json"
#: Seconds between two lines of progress.
EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Folder:
    """What the holder keeps: each file's path in the folder with its salted digests, and what was left out and why."""

    files: tuple[tuple[str, SaltedDigest], ...]
    left_out: tuple[tuple[str, str], ...] = ()
    notarisation: str | None = None

    def places(self) -> tuple[bytes, list[FilePlace]]:
        """The header that is notarised, and each file's place under it."""
        return manifest.places([salted for _, salted in self.files])

    def to_bytes(self) -> bytes:
        return dumps(
            {
                "v": VERSION,
                "type": TYPE,
                "notarisation": self.notarisation,
                "files": [{"path": path, **salted.to_json()} for path, salted in self.files],
                "left_out": [{"path": path, "reason": reason} for path, reason in self.left_out],
            }
        )


def parse(data: bytes) -> Folder:
    """The folder whose manifest.json this is; Unusable when it is something else."""
    try:
        value = json.loads(data)
        if (value["v"], value["type"]) != (VERSION, TYPE):
            raise Unusable(f"expected a folder's {MANIFEST}, got type {value['type']!r}")
        kept = tuple(
            (
                str(each["path"]),
                receipts.salted_digest_from_json(
                    {name: each[name] for name in each if name != "path"}, MANIFEST
                ),
            )
            for each in value["files"]
        )
        left = tuple((str(each["path"]), str(each["reason"])) for each in value["left_out"])
        return Folder(kept, left, value["notarisation"])
    except (ValueError, KeyError, TypeError, EvidenceError) as error:
        raise Unusable(f"expected a folder's {MANIFEST}: {error}") from None


def walk(folder: Path) -> tuple[list[Path], list[Failed]]:
    """The folder's files in the order of their paths, and what is none of them and why it is left out.

    A symbolic link is never followed: what it leads to may be outside, and may be another file tomorrow.
    """
    found: list[Path] = []
    left: list[Failed] = []

    def unreadable(error: OSError) -> None:
        left.append(Failed(Path(str(error.filename)), f"cannot be read: {error.strerror}"))

    for parent, names, leaves in os.walk(folder, onerror=unreadable):
        names.sort()
        for name in [*names, *leaves]:
            path = Path(parent) / name
            if path.is_symlink():
                left.append(Failed(path, "a symbolic link: it is not followed; give the file itself"))
                if name in names:
                    names.remove(name)
        for name in sorted(leaves):
            path = Path(parent) / name
            if path.is_symlink():
                continue
            try:
                regular = stat.S_ISREG(path.lstat().st_mode)
            except OSError as error:
                left.append(Failed(path, f"cannot be read: {error.strerror}"))
                continue
            if regular:
                found.append(path)
            else:
                left.append(Failed(path, "neither a file nor a directory"))
    return sorted(found, key=lambda path: path.relative_to(folder).parts), left


def hashed(paths: Sequence[Path], algorithms: Sequence[str]) -> Iterator[tuple[Hashed | None, Failed | None]]:
    """Each file's digests, one file after the other, with a line of progress a second."""
    last = time.monotonic()
    for done, path in enumerate(paths, start=1):
        # a folder's digests and salts stay here, so that a guessable file among others is nobody's to try
        good, bad = hash_all([path], algorithms, accept_guessable=True)
        yield (good[0] if good else None), (bad[0] if bad else None)
        if (now := time.monotonic()) - last >= EVERY:
            last = now
            note(f"hashed {done} of {len(paths)} files")


def fold(folder: Path, algorithms: Sequence[str], salt: Callable[[], bytes] = new_salt) -> Folder:
    """Read the whole folder. Unusable when there is no file in it that can be read."""
    paths, left = walk(folder)
    kept: list[tuple[str, SaltedDigest]] = []
    for good, bad in hashed(paths, algorithms):
        if good is not None:
            name = good.file.relative_to(folder).as_posix()
            kept.append((name, SaltedDigest(good.digest.algorithm, good.digest.value, salt(), good.also)))
        if bad is not None:
            left.append(bad)
    for each in left:
        note(f"left out: {each.file}: {each.reason}")
    if not kept:
        raise Unusable(f"{folder}: there is no file in it that can be notarised")
    return Folder(tuple(kept), tuple((_inside(each.file, folder), each.reason) for each in left))


def unfold(folder: Folder, header_receipt: bytes, out: Path) -> list[Path]:
    """Write each file's receipt under `out`, at the file's own path; Unusable when they are of another folder."""
    header, places = folder.places()
    made = receipts.parse(header_receipt)
    for digest in made.document.digests():
        if digest_bytes(header, digest.algorithm) != digest:
            raise Unusable(f"notarisation {folder.notarisation} is not of this folder's {MANIFEST}")
    written = []
    for (path, _), place in zip(folder.files, places, strict=True):
        target = _target(out, path)
        files.write(target, replace(made, manifest=place).to_bytes())
        written.append(target)
    return written


def run(
    folder: Path,
    administration: str | None,
    out: Path | None,
    wait: bool,
    open_client: Callable[[], Any],
    algorithms: Sequence[str] = (DEFAULT,),
) -> Shown:
    """The whole of `baas notarise FOLDER --manifest`."""
    if not folder.is_dir():
        raise Unusable(f"{folder}: --manifest is of one folder; for single files leave it away")
    target = out or folder.with_name(f"{folder.resolve().name}.receipts")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Unusable(f"{target} is there already and not empty: write to another directory with --out")
    if target.resolve().is_relative_to(folder.resolve()):
        raise Unusable(f"{target} is inside of {folder}: receipts would be files of the folder the next time")
    read = fold(folder, algorithms)
    files.write(target / MANIFEST, read.to_bytes(), files.PRIVATE)
    header, _ = read.places()
    slugs = sorted(set(algorithms))
    first, *also = (digest_bytes(header, slug) for slug in slugs)
    with open_client() as client:
        owner = administration or only_administration(client)
        accepted = client.notarise_documents(owner, [Hashed(folder, first, tuple(also)).to_json()])
        read = replace(read, notarisation=accepted["items"][0])
        files.write(target / MANIFEST, read.to_bytes(), files.PRIVATE)
        note(f"accepted: {len(read.files)} files under one root, notarisation {read.notarisation}")
        if not wait:
            note(f"when it is anchored, write the receipts: baas notarisation unfold {target / MANIFEST}")
            return _shown(read, target, 0)
        wait_anchored(client, str(read.notarisation))
        written = unfold(read, client.receipt(str(read.notarisation)), target)
    return _shown(read, target, len(written))


def unfold_kept(kept: Path, client: Client) -> Shown:
    """The whole of `baas notarisation unfold`: the receipts beside a manifest.json that was kept."""
    read = parse(kept.read_bytes())
    if read.notarisation is None:
        raise Unusable(f"{kept}: the folder was read and never accepted: notarise it again")
    wait_anchored(client, read.notarisation)
    written = unfold(read, client.receipt(read.notarisation), kept.parent)
    return _shown(read, kept.parent, len(written))


def _shown(folder: Folder, out: Path, written: int) -> Shown:
    value = {
        "notarisation": folder.notarisation,
        "manifest": str(out / MANIFEST),
        "files": len(folder.files),
        "receipts": written,
        "left_out": [{"path": path, "reason": reason} for path, reason in folder.left_out],
    }
    text = f"{folder.notarisation}  {len(folder.files)} files, {written} receipts under {out}\n"
    text += f"{out / MANIFEST} holds the salts: keep it as you keep the files"
    if folder.left_out:
        text += f"\n{len(folder.left_out)} left out: the proof says nothing of them"
    return Shown(value, text, "refused" if folder.left_out else "ok")


def _target(out: Path, path: str) -> Path:
    """Where a file's receipt goes; Unusable for a path that leaves the directory."""
    target = out / f"{path}{SUFFIX}"
    if not target.resolve().is_relative_to(out.resolve()):
        raise Unusable(f"{path!r} leads out of {out}: this {MANIFEST} was not made here")
    return target


def _inside(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
