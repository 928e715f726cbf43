// Inclusion in the append-only Merkle tree of RFC 9162 section 2.1, over SHA-256.
import { same } from "./bytes.js";
import { sha256 } from "./sha256.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** A leaf is hashed after a 00 byte, an inner node after a 01 byte: neither can pass for the other. */
export const leafHash = (data) => sha256(LEAF, data);
export const nodeHash = (left, right) => sha256(NODE, left, right);

/** Nothing when `proof` shows `leaf` at `index` of the tree (2.1.3.2); otherwise an Error that says why not. */
export function verifyInclusion(leaf, index, size, proof, root) {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) {
    throw new Error(`index ${index} is not inside a tree of size ${size}`);
  }
  let node = BigInt(index); // JavaScript's shifts stop at 32 bits; a log's size does not
  let last = BigInt(size) - 1n;
  let computed = leaf;
  for (const sibling of proof) {
    if (last === 0n) throw new Error(`the inclusion proof is too long: ${proof.length} hashes for size ${size}`);
    if (node & 1n || node === last) {
      computed = nodeHash(sibling, computed);
      while (!(node & 1n) && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      computed = nodeHash(computed, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new Error(`the inclusion proof is too short: ${proof.length} hashes for size ${size}`);
  if (!same(computed, root)) throw new Error("the inclusion proof leads to another root");
}
