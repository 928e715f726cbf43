// Merkle-Patricia trie proofs (yellow paper, appendix D; sandbox/evidence/trie.py).
import { same, toHex } from "./bytes.js";
import { Because, MalformedEvidence } from "./errors.js";
import { keccak } from "./keccak.js";
import * as rlp from "./rlp.js";

const HASH_SIZE = 32;
const BRANCH_ITEMS = 17;
const NOTHING = new Uint8Array();

/** The value under `key` in the trie of `root`: the proof is the list of RLP nodes from the root down to it. */
export function verify(root, key, proofNodes) {
  const absent = () => new Because("trie.absent", { key: toHex(key) });
  let path = nibbles(key);
  let reference = root;
  let used = 0;
  for (;;) {
    let node = reference;
    if (reference instanceof Uint8Array) {
      node = namedNode(reference, proofNodes, used);
      used += 1;
    } else if (rlp.encode(node).length >= HASH_SIZE) {
      throw new MalformedEvidence("a trie node of 32 bytes or more stands inside its parent");
    }
    let rest;
    [reference, rest] = descend(node, path);
    if (rest === null) break;
    if (reference.length === 0) throw absent();
    path = rest;
  }
  const value = rlp.asBytes(reference, "trie value");
  if (value.length === 0) throw absent();
  if (used !== proofNodes.length) {
    throw new Because("trie.extra", { count: proofNodes.length - used });
  }
  return value;
}

/** The proof's node at `position`, which must be the one whose keccak is `name`. */
function namedNode(name, proofNodes, position) {
  const what = `trie proof node ${position}`;
  if (position === proofNodes.length) {
    throw new Because("trie.early", { node: toHex(name) });
  }
  const data = proofNodes[position];
  if (name.length !== HASH_SIZE || !same(keccak(data), name)) {
    throw new Because("trie.other", { position });
  }
  if (position > 0 && data.length < HASH_SIZE) {
    throw new MalformedEvidence(`${what} is so short that it belongs inside its parent`);
  }
  return rlp.asList(rlp.decode(data, what), what);
}

/** One step down: the next reference and the path left, or the value and null; nothing where nothing is. */
function descend(node, path) {
  if (node.length === BRANCH_ITEMS) {
    return path.length === 0 ? [node[16], null] : [node[path[0]], path.slice(1)];
  }
  if (node.length !== 2) throw new MalformedEvidence(`a trie node has 2 or 17 items, got ${node.length}`);
  const { part, isLeaf } = compact(rlp.asBytes(node[0], "trie path"));
  if (isLeaf) return [same(part, path) ? node[1] : NOTHING, null];
  if (!same(part, path.slice(0, part.length))) return [NOTHING, path];
  return [node[1], path.slice(part.length)];
}

const nibbles = (data) => Array.from(data).flatMap((byte) => [byte >> 4, byte & 15]);

/** Hex-prefix decoding (appendix C): the nibbles, and whether the node is a leaf. */
function compact(data) {
  const found = nibbles(data);
  if (found.length === 0 || found[0] > 3) {
    throw new MalformedEvidence(`a trie path starts with a flag from 0 to 3, got ${toHex(data.slice(0, 8))}`);
  }
  const isLeaf = found[0] >= 2;
  const isOdd = found[0] & 1;
  if (!isOdd && found[1] !== 0) throw new MalformedEvidence("an even trie path has a zero after its flag");
  const part = found.slice(isOdd ? 1 : 2);
  if (!isLeaf && part.length === 0) {
    throw new MalformedEvidence("a trie extension node skips at least one nibble");
  }
  return { part, isLeaf };
}
