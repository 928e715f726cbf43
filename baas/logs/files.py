"""A log as static files (C2SP tlog-tiles), as far as it is anchored: what no chain holds yet is not handed out."""

from __future__ import annotations

from sqlmodel import Session

from baas.errors import NotFound
from baas.logs.model import Log
from baas.logs.tree import SqlTiles, entries
from sandbox.errors import MalformedEvidence
from sandbox.evidence.merkle import HASH_SIZE
from sandbox.evidence.static_log import Tile, bundle, exists, parse_path


def tile_of(log: Log, path: str) -> Tile:
    """The tile or bundle that a file's name means. NotFound where the anchored log has none."""
    try:
        tile = parse_path(path)
    except MalformedEvidence:
        raise NotFound("file", path[:120]) from None
    if not exists(tile, log.anchored_size):
        raise NotFound("file", path[:120])
    return tile


def content(session: Session, log: Log, tile: Tile) -> bytes:
    """What is in the file of a tile or bundle that the log has. A narrower tile is the beginning of what it became."""
    if tile.level is None:
        found = entries(session, log, tile.start, tile.start + tile.width)
        return bundle(entry.to_bytes() for entry in found)
    return SqlTiles(session, log.key).read(tile.level, tile.number)[: tile.width * HASH_SIZE]
