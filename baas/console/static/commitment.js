// The commitment to a document and the log entry that carries it: what the receipt says about the document.
import { concat, fromHex, toHex, utf8 } from "./bytes.js";
import { canonical } from "./canonical.js";

const PURPOSE = "baas-sandbox/commitment/v1";
const ENTRY_FIELDS = ["commitment", "kind", "reason", "refers_to", "v"];

/** Whether this browser offers WebCrypto here: only over https or on this very machine. */
export const hasWebCrypto = () => globalThis.crypto?.subtle !== undefined;

/** HMAC-SHA-256(key = salt, purpose 00 algorithm 00 digest): 32 bytes. */
export async function commitment(salt, algorithm, digest) {
  const key = await crypto.subtle.importKey("raw", salt, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const zero = new Uint8Array(1);
  const message = concat(utf8(PURPOSE), zero, utf8(algorithm), zero, digest);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
}

/** The leaf's data: the entry as canonical JSON (RFC 8785). An entry of another form is an Error. */
export function entryBytes(entry) {
  const fields = Object.keys(entry ?? {}).sort();
  if (fields.join() !== ENTRY_FIELDS.join()) {
    throw new Error(`expected an entry with ${ENTRY_FIELDS.join(", ")}, got ${fields.join(", ")}`);
  }
  if (entry.v !== 1) throw new Error(`expected an entry of version 1, got ${entry.v}`);
  if (entry.refers_to !== null && !(Number.isSafeInteger(entry.refers_to) && entry.refers_to >= 0)) {
    throw new Error(`refers_to: expected a whole number or null, got ${entry.refers_to}`);
  }
  const slug = (value) => typeof value === "string" && /^[a-z][a-z0-9_-]{0,63}$/.test(value);
  if (!slug(entry.kind)) throw new Error(`kind: expected a slug, got ${JSON.stringify(entry.kind)}`);
  if (entry.reason !== null && !slug(entry.reason)) {
    throw new Error(`reason: expected a slug or null, got ${JSON.stringify(entry.reason)}`);
  }
  if (entry.commitment !== null) fromHex(entry.commitment, 32);
  return utf8(canonical(entry));
}

/** Whether the receipt's entry commits to the receipt's document; an Error for a malformed receipt. */
export async function entryCommitsToDocument(receipt) {
  const { algorithm, digest, salt } = receipt.document;
  if (algorithm !== "sha-256") throw new Error(`expected the algorithm sha-256, got ${algorithm}`);
  const computed = await commitment(fromHex(salt, 32), algorithm, fromHex(digest, 32));
  return toHex(computed) === toHex(fromHex(receipt.entry.commitment, 32));
}
