// Renewals: old receipts under a root made with another algorithm (sandbox/evidence/renewal.py).
import { same, toHex, utf8 } from "./bytes.js";
import { dumps } from "./canonical.js";
import { algorithm } from "./digest.js";
import { VerificationError } from "./errors.js";
import { keccak } from "./keccak.js";
import { leafHash, rootOfInclusion } from "./merkle.js";

const SIGNATURE = "Notarised(bytes32,address)";
const TOPIC = keccak(utf8(SIGNATURE));
export const TEMPLATE = "document-notary";

/** The root that renewal number `position` (from 0) of a receipt leads to. */
export function rootOf(receipt, position) {
  const renewal = receipt.renewals[position];
  const { renewals, ...before } = receipt.json;
  if (position > 0) before.renewals = renewals.slice(0, position);
  const document = { algorithm: renewal.digest.algorithm, digest: toHex(renewal.digest.value) };
  const { hash } = algorithm(renewal.digest.algorithm);
  const leaf = leafHash(dumps({ document, receipt: before }), hash);
  return rootOfInclusion(leaf, renewal.index, renewal.size, renewal.proof, hash);
}

/** Throws VerificationError unless the contract's log says that it notarised exactly this root, alone. */
export function requireNotarised({ topics, data }, root) {
  if (topics.length !== 3 || !same(topics[0], TOPIC) || data.length > 0) {
    throw new VerificationError(`the contract's log is not ${SIGNATURE}`);
  }
  if (!same(topics[1], root)) {
    throw new VerificationError(`the chain has ${toHex(topics[1])}, the renewal leads to ${toHex(root)}`);
  }
}
