"""Folder manifests: one notarised root over many files, and a proof for each, so that each file proves itself alone.

A leaf's data is the file's commitment, with a salt of its own; the tree is RFC 9162's. What is notarised is
the manifest's header, canonical JSON: {"root":hex,"size":n,"type":"baas-manifest","v":1}. Neither names nor
number of the other files' bytes are in a file's receipt; their count is.
"""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.evidence import merkle
from sandbox.evidence.canonical import dumps
from sandbox.evidence.digest import Digest, digest_bytes
from sandbox.evidence.reasons import because
from sandbox.evidence.receipt import FilePlace, SaltedDigest
from sandbox.evidence.tiles import MemoryTiles, TiledLog

VERSION = 1
TYPE = "baas-manifest"


def header(root: bytes, size: int) -> bytes:
    """The bytes that are notarised: the root over `size` files."""
    return dumps({"v": VERSION, "type": TYPE, "root": root.hex(), "size": size})


def places(files: Sequence[SaltedDigest]) -> tuple[bytes, list[FilePlace]]:
    """The header of the files in their order, and each file's place under it."""
    tree = TiledLog(MemoryTiles(), 0)
    tree.append([merkle.leaf_hash(each.commitment()) for each in files])
    found = [
        FilePlace(each, index, len(files), tuple(tree.inclusion_proof(index)))
        for index, each in enumerate(files)
    ]
    return header(tree.root(), len(files)), found


def require_header(place: FilePlace, notarised: SaltedDigest) -> None:
    """Raise VerificationError unless the file's place leads to the header that was notarised."""
    leaf = merkle.leaf_hash(place.file.commitment())
    stated = header(merkle.root_of_inclusion(leaf, place.index, place.size, place.proof), place.size)
    for digest in notarised.digests():
        if digest_bytes(stated, digest.algorithm) != Digest(digest.algorithm, digest.value):
            raise because(
                "manifest.other",
                "the file is not in the manifest that was notarised: its proof leads to another header",
            )
