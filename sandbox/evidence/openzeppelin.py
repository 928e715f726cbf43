"""OpenZeppelin's Merkle trees (@openzeppelin/merkle-tree 1.0: `StandardMerkleTree`, `SimpleMerkleTree`), read and proved.

Contracts that use OpenZeppelin's `MerkleProof` check such proofs; an administration may hold them from elsewhere. Our
own logs are not such trees: pairs are hashed in the order of their values, so that a leaf's place is lost and no growth
can be proved.

    leaf (standard)  keccak256(keccak256(abi.encode(types, values)))
    node             keccak256(smaller || greater)
    heap             2n - 1 nodes, the root at 0, the children of i at 2i + 1 and 2i + 2, the leaves from the end

Everything that does not hold raises VerificationError; what cannot be read raises MalformedEvidence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest

from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence import fields
from sandbox.evidence.canonical import Json
from sandbox.evidence.encoding import from_hex
from sandbox.evidence.keccak import keccak

STANDARD, SIMPLE = "standard-v1", "simple-v1"
_HASH_SIZE = 32
_WORD = 32
_NUMBER = re.compile(r"(u?)int([0-9]{1,3})?")
_BYTES = re.compile(r"bytes([0-9]{1,2})")


@dataclass(frozen=True, slots=True)
class MultiProof:
    """Several leaves' common proof: `flags` say of each step whether its other side is one of the leaves (or of what
    came of them), or the next hash of `proof`."""

    leaves: tuple[bytes, ...]
    proof: tuple[bytes, ...]
    flags: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole tree as it was dumped: its heap of 32-byte hashes, and the place of each value's leaf in it."""

    format: str
    nodes: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    places: tuple[int, ...]

    @property
    def root(self) -> bytes:
        return self.nodes[0]

    def proof(self, value: int) -> list[bytes]:
        """The siblings of the `value`-th value's leaf, up to the root."""
        place, proof = self.places[value], []
        while place > 0:
            proof.append(self.nodes[place + 1 if place % 2 else place - 1])
            place = (place - 1) // 2
        return proof


def standard_leaf(types: Sequence[str], values: Sequence[Json]) -> bytes:
    """The leaf of a standard tree: Keccak-256, twice, of the values in Solidity's ABI encoding."""
    if len(types) != len(values):
        raise MalformedEvidence(f"expected {len(types)} values, got {len(values)}")
    return keccak(keccak(_abi(types, values)))


def node(left: bytes, right: bytes) -> bytes:
    """The hash of a pair, the smaller first."""
    return keccak(min(left, right) + max(left, right))


def verify_proof(root: bytes, leaf: bytes, proof: Sequence[bytes]) -> None:
    """As MerkleProof.verify: raise VerificationError unless `proof` leads from `leaf` to `root`."""
    _require_hashes((root, leaf, *proof))
    computed = leaf
    for sibling in proof:
        computed = node(computed, sibling)
    if not compare_digest(computed, root):
        raise VerificationError(f"the proof leads to root {computed.hex()}, expected {root.hex()}")


def verify_multiproof(root: bytes, proof: MultiProof) -> None:
    """As MerkleProof.multiProofVerify: raise VerificationError unless all leaves are under `root`."""
    _require_hashes((root, *proof.leaves, *proof.proof))
    if len(proof.leaves) + len(proof.proof) != len(proof.flags) + 1:
        raise VerificationError(
            f"a proof of {len(proof.leaves)} leaves with {len(proof.proof)} hashes has "
            f"{len(proof.leaves) + len(proof.proof) - 1} flags, got {len(proof.flags)}"
        )
    known, more = list(proof.leaves), iter(proof.proof)
    at = 0
    for flag in proof.flags:
        needed = 2 if flag else 1
        if at + needed > len(known):
            raise VerificationError("the proof's flags ask for more leaves than there are")
        other = known[at + 1] if flag else next(more, None)
        if other is None:
            raise VerificationError("the proof's flags ask for more hashes than there are")
        known.append(node(known[at], other))
        at += needed
    if next(more, None) is not None and proof.flags:
        raise VerificationError("the proof has hashes that no flag asks for")
    computed = known[-1] if proof.flags else (proof.leaves or proof.proof)[0]
    if not compare_digest(computed, root):
        raise VerificationError(f"the proof leads to root {computed.hex()}, expected {root.hex()}")


def load(dump: Json) -> Tree:
    """The tree of a dump (parsed JSON), once every hash of it was made again from its leaves."""
    what = "tree"
    if not isinstance(dump, dict) or dump.get("format") not in (STANDARD, SIMPLE):
        raise MalformedEvidence(f"{what}: expected a dump of format {STANDARD!r} or {SIMPLE!r}")
    standard = dump["format"] == STANDARD
    names = ("format", "tree", "values") + (("leafEncoding",) if standard else ())
    found = fields.record(dump, what, names, optional=() if standard else ("hash",))
    if "hash" in found:
        raise MalformedEvidence(f"{what}: made with a hash function of its own, which a dump does not hold")
    types = (
        [fields.text(each, f"{what}.leafEncoding") for each in fields.array(found["leafEncoding"], what)]
        if standard
        else []
    )
    nodes = tuple(_hash(each, f"{what}.tree") for each in fields.array(found["tree"], f"{what}.tree"))
    leaves, places = [], []
    for each in fields.array(found["values"], f"{what}.values"):
        value = fields.record(each, f"{what}.values", ("value", "treeIndex"))
        if standard:
            leaves.append(standard_leaf(types, fields.array(value["value"], f"{what}.values.value")))
        else:
            leaves.append(_hash(value["value"], f"{what}.values.value"))
        places.append(fields.integer(value["treeIndex"], f"{what}.values.treeIndex"))
    tree = Tree(str(found["format"]), nodes, tuple(leaves), tuple(places))
    _require_whole(tree)
    return tree


def _require_whole(tree: Tree) -> None:
    count = len(tree.leaves)
    if not count or len(tree.nodes) != 2 * count - 1:
        raise VerificationError(
            f"a tree of {count} values has {max(0, 2 * count - 1)} nodes, got {len(tree.nodes)}"
        )
    if sorted(tree.places) != list(range(count - 1, 2 * count - 1)):
        raise VerificationError("each value has a leaf of its own, among the last nodes")
    for leaf, place in zip(tree.leaves, tree.places, strict=True):
        if tree.nodes[place] != leaf:
            raise VerificationError(f"node {place} is not the leaf of its value")
    for place in range(count - 1):
        if tree.nodes[place] != node(tree.nodes[2 * place + 1], tree.nodes[2 * place + 2]):
            raise VerificationError(f"node {place} is not the hash of its children")


def _hash(value: Json, what: str) -> bytes:
    return from_hex(fields.text(value, what), what, length=_HASH_SIZE, prefix="0x")


def _require_hashes(values: Sequence[bytes]) -> None:
    for value in values:
        if len(value) != _HASH_SIZE:  # a leaf of 64 bytes could pass for an inner node
            raise VerificationError(f"every hash has {_HASH_SIZE} bytes, got one of {len(value)}")


def _abi(types: Sequence[str], values: Sequence[Json]) -> bytes:
    """Solidity's abi.encode of elementary values: heads first, what has no fixed length after them."""
    heads, tails = [], b""
    for kind, value in zip(types, values, strict=True):
        if kind in ("string", "bytes"):
            text = fields.text(value, kind)
            data = text.encode() if kind == "string" else _free_bytes(text)
            heads.append((_WORD * len(types) + len(tails)).to_bytes(_WORD, "big"))
            tails += len(data).to_bytes(_WORD, "big") + data + bytes(-len(data) % _WORD)
        else:
            heads.append(_word(kind, value))
    return b"".join(heads) + tails


def _word(kind: str, value: Json) -> bytes:
    """The 32 bytes of a value of a type with a fixed length."""
    if kind == "bool":
        if not isinstance(value, bool):
            raise MalformedEvidence(f"bool: expected true or false, got {value!r:.40}")
        return int(value).to_bytes(_WORD, "big")
    if kind == "address":
        return bytes(12) + _fixed_bytes(fields.text(value, kind), kind, 20)
    if match := _BYTES.fullmatch(kind):
        size = int(match[1])
        if 1 <= size <= _WORD:
            return _fixed_bytes(fields.text(value, kind), kind, size) + bytes(_WORD - size)
    if match := _NUMBER.fullmatch(kind):
        bits, signed = int(match[2] or 256), not match[1]
        if 8 <= bits <= 256 and bits % 8 == 0:
            try:
                _whole(value, kind).to_bytes(bits // 8, "big", signed=signed)
                return _whole(value, kind).to_bytes(_WORD, "big", signed=signed)
            except OverflowError as error:
                raise MalformedEvidence(f"{kind}: {value!r:.80} is out of its range") from error
    raise MalformedEvidence(f"values of type {kind[:40]!r} are not read here: only elementary ones are")


def _whole(value: Json, kind: str) -> int:
    """A whole number as dumps have it: a JSON number, or text in decimal or in hexadecimal after 0x."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,78}|0x[0-9a-fA-F]{1,64}", value):
        return int(value, 16 if value.startswith("0x") else 10)
    raise MalformedEvidence(f"{kind}: expected a whole number, got {value!r:.80}")


def _fixed_bytes(text: str, kind: str, size: int) -> bytes:
    data = _free_bytes(text)
    if len(data) != size:
        raise MalformedEvidence(f"{kind}: expected {size} bytes, got {len(data)}")
    return data


def _free_bytes(text: str) -> bytes:
    """Hexadecimal after 0x, in any case: addresses have a checksum in theirs."""
    return from_hex(text.lower(), "bytes", prefix="0x")
