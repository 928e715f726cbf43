// Commitments (sandbox/evidence/commitment.py): HMAC-SHA-256 with the salt over the document's digests.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

import { concat, utf8 } from "./bytes.js";

const CONTEXT = utf8("baas-sandbox/commitment/v1");
const ZERO = Uint8Array.of(0);
export const SALT_SIZE = 32;

/** The commitment of digests of different algorithms, in the order of their slugs. */
export function commit(digests, salt) {
  const pieces = digests.flatMap(({ algorithm, value }) => [ZERO, utf8(algorithm), ZERO, value]);
  return hmac(sha256, salt, concat(CONTEXT, ...pieces));
}
