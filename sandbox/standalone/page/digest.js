// Digests of documents: the algorithms that are accepted (sandbox/evidence/digest.py), by @noble/hashes.
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { sha3_256 } from "@noble/hashes/sha3.js";

import { same } from "./bytes.js";
import { MalformedEvidence, shown } from "./errors.js";

/** Slug → what makes a hash, and its size in bytes. */
export const ALGORITHMS = new Map([
  ["sha-256", { create: () => sha256.create(), hash: sha256, size: 32 }],
  ["sha-512", { create: () => sha512.create(), hash: sha512, size: 64 }],
  ["sha3-256", { create: () => sha3_256.create(), hash: sha3_256, size: 32 }],
]);

export function algorithm(slug) {
  if (ALGORITHMS.has(slug)) return ALGORITHMS.get(slug);
  const accepted = [...ALGORITHMS.keys()].join(", ");
  throw new MalformedEvidence(`unknown digest algorithm ${shown(slug, 40)}; accepted: ${accepted}`);
}

/** A document's digest: the algorithm's slug and the hash itself. */
export class Digest {
  constructor(slug, value) {
    const expected = algorithm(slug).size;
    if (value.length !== expected) {
      throw new MalformedEvidence(`a ${slug} digest has ${expected} bytes, got ${value.length}`);
    }
    this.algorithm = slug;
    this.value = value;
  }

  equals(other) {
    return this.algorithm === other.algorithm && same(this.value, other.value);
  }
}

export const digestBytes = (bytes, slug) => new Digest(slug, algorithm(slug).hash(bytes));
