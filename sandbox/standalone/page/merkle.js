// The append-only Merkle tree of RFC 9162 section 2.1, over SHA-256 (sandbox/evidence/merkle.py).
import { sha256 } from "@noble/hashes/sha2.js";

import { concat, same, toHex } from "./bytes.js";
import { Because, VerificationError } from "./errors.js";

export const HASH_SIZE = 32;
export const MAX_PROOF_LENGTH = 63;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** A leaf is hashed after a 00 byte, an inner node after a 01 byte: neither can pass for the other. */
export const leafHash = (data, hash = sha256) => hash(concat(LEAF, data));
export const nodeHash = (left, right, hash = sha256) => hash(concat(NODE, left, right));

/** The root that `proof` leads to from `leaf` at `index` of a tree of `size` (2.1.3.2). Numbers or BigInts. */
export function rootOfInclusion(leaf, index, size, proof, hash = sha256) {
  let node = BigInt(index); // JavaScript's shifts stop at 32 bits; a log's size does not
  let last = BigInt(size) - 1n;
  if (node < 0n || node > last) throw new VerificationError(`index ${index} is not inside a tree of size ${size}`);
  requireProof(proof);
  let computed = leaf;
  for (const sibling of proof) {
    if (last === 0n) {
      throw new Because("inclusion.too-long", { count: proof.length, size });
    }
    if (node & 1n || node === last) {
      computed = nodeHash(sibling, computed, hash);
      while (!(node & 1n) && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      computed = nodeHash(computed, sibling, hash);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) {
    throw new Because("inclusion.too-short", { count: proof.length, size });
  }
  return computed;
}

export function verifyInclusion(leaf, index, size, proof, root) {
  const computed = rootOfInclusion(leaf, index, size, proof);
  if (!same(computed, root)) {
    throw new Because("inclusion.other-root", { computed: toHex(computed), root: toHex(root) });
  }
}

/** Throws VerificationError unless the old tree is a prefix of the new one (2.1.4.2). */
export function verifyConsistency(oldSize, newSize, proof, oldRoot, newRoot) {
  const [before, after] = [BigInt(oldSize), BigInt(newSize)];
  if (before <= 0n || before > after) {
    throw new VerificationError(`sizes must be 0 < old <= new, got ${before} and ${after}`);
  }
  requireProof(proof);
  if (before === after) {
    if (proof.length) {
      throw new VerificationError(`equal sizes need an empty consistency proof, got ${proof.length} hashes`);
    }
    if (!same(oldRoot, newRoot)) {
      throw new VerificationError(`equal sizes with roots ${toHex(oldRoot)} and ${toHex(newRoot)}`);
    }
    return;
  }
  if (!proof.length) throw new VerificationError(`the consistency proof from size ${before} to ${after} is empty`);
  const [oldComputed, newComputed] = consistentRoots(before, after, proof, oldRoot);
  if (!same(oldComputed, oldRoot)) {
    throw new VerificationError(`the proof leads to old root ${toHex(oldComputed)}, expected ${toHex(oldRoot)}`);
  }
  if (!same(newComputed, newRoot)) {
    throw new VerificationError(`the proof leads to new root ${toHex(newComputed)}, expected ${toHex(newRoot)}`);
  }
}

function consistentRoots(oldSize, newSize, proof, oldRoot) {
  // where the old tree is one perfect subtree, its root is the first node
  const path = (oldSize & (oldSize - 1n)) === 0n ? [oldRoot, ...proof] : [...proof];
  let node = oldSize - 1n;
  let last = newSize - 1n;
  while (node & 1n) {
    node >>= 1n;
    last >>= 1n;
  }
  let oldComputed = path[0];
  let newComputed = path[0];
  for (const sibling of path.slice(1)) {
    if (last === 0n) throw new VerificationError(`the consistency proof is too long: ${proof.length} hashes`);
    if (node & 1n || node === last) {
      oldComputed = nodeHash(sibling, oldComputed);
      newComputed = nodeHash(sibling, newComputed);
      while (!(node & 1n) && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      newComputed = nodeHash(newComputed, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new VerificationError(`the consistency proof is too short: ${proof.length} hashes`);
  return [oldComputed, newComputed];
}

function requireProof(proof) {
  if (proof.length > MAX_PROOF_LENGTH) {
    throw new VerificationError(`a proof has at most ${MAX_PROOF_LENGTH} hashes, got ${proof.length}`);
  }
  const wrong = proof.find((hash) => hash.length !== HASH_SIZE);
  if (wrong) throw new VerificationError(`every hash must have ${HASH_SIZE} bytes, got one of ${wrong.length}`);
}
