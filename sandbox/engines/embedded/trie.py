"""Walking a state trie as it lies in the store: every account and slot in order, or every node that is reached.

Yellow Paper, appendix D: a node is a list of 17 (branch) or 2 items (extension or leaf, its path in hex prefix
encoding); a child shorter than 32 bytes stands inside its parent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rlp import codec

from sandbox.evidence.keccak import keccak
from sandbox.state import NO_CODE, AccountState

#: The root of a trie with nothing in it: keccak(rlp(b"")).
EMPTY_ROOT = keccak(b"\x80")

#: Gives the bytes below a hash; KeyError where there are none.
Load = Callable[[bytes], bytes]


def accounts(load: Load, state_root: bytes) -> Iterator[AccountState]:
    """Every account below a state root, in the order of its hashed address."""
    for key, value in leaves(load, state_root):
        nonce, balance, storage_root, code_hash = _decode(value)
        slots = [(slot, int.from_bytes(_decode(word))) for slot, word in leaves(load, bytes(storage_root))]
        yield AccountState(key, int.from_bytes(nonce), int.from_bytes(balance), bytes(code_hash), slots)


def leaves(load: Load, root: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every key (32 bytes) and value of a secure trie, in order."""
    if root != EMPTY_ROOT:
        yield from _leaves(load, _decode(load(root)), "")


def reached(load: Load, state_root: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every node and code below a state root, with its hash; a shared one comes once."""
    seen: set[bytes] = set()

    def nodes(root: bytes) -> Iterator[tuple[bytes, bytes]]:
        waiting = [] if root == EMPTY_ROOT else [root]
        while waiting:
            hash_ = waiting.pop()
            if hash_ in seen:
                continue
            seen.add(hash_)
            yield hash_, (encoded := load(hash_))
            waiting += _children(_decode(encoded))

    yield from nodes(state_root)
    for _, value in leaves(load, state_root):
        _, _, storage_root, code_hash = _decode(value)
        yield from nodes(bytes(storage_root))
        code = bytes(code_hash)
        if code != NO_CODE and code not in seen:
            seen.add(code)
            yield code, load(code)


def _leaves(load: Load, node: Any, path: str) -> Iterator[tuple[bytes, bytes]]:
    if len(node) == 17:
        for nibble, child in enumerate(node[:16]):
            if child:
                yield from _leaves(load, _resolved(load, child), path + f"{nibble:x}")
        return
    prefix, rest = node
    nibbles = prefix.hex()
    own = nibbles[1:] if int(nibbles[0], 16) & 1 else nibbles[2:]
    if int(nibbles[0], 16) & 2:
        yield bytes.fromhex(path + own), bytes(rest)
    else:
        yield from _leaves(load, _resolved(load, rest), path + own)


def _children(node: Any) -> Iterator[bytes]:
    """The hashes that a node points to, those of nodes inside it included."""
    if len(node) == 2:
        if int(node[0].hex()[0], 16) & 2:
            return
        pointers = [node[1]]
    else:
        pointers = [child for child in node[:16] if child]
    for pointer in pointers:
        if isinstance(pointer, list):
            yield from _children(pointer)
        else:
            yield bytes(pointer)


def _resolved(load: Load, child: Any) -> Any:
    return child if isinstance(child, list) else _decode(load(bytes(child)))


def _decode(encoded: bytes) -> Any:
    rlp: Any = codec  # untyped
    return rlp.decode(encoded)
