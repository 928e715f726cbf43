// The checks of a receipt that a browser can make by itself, each with an answer of its own: never one green tick.
import { fromHex, toHex } from "./bytes.js";
import { entryBytes, entryCommitsToDocument, hasWebCrypto } from "./commitment.js";
import { matchingRevision } from "./files.js";
import { leafHash, verifyInclusion } from "./merkle.js";
import { hasEd25519, movedClock, parseCheckpoint, parseKey, signedBy } from "./note.js";

/** One answer: `outcome` is "passed", "failed" or "not_checked"; `reason` a key of the texts; `values` its blanks. */
const answer = (layer, outcome, reason, values = {}) => ({ layer, outcome, reason, values });
const passed = (layer, reason, values) => answer(layer, "passed", reason, values);
const failed = (layer, reason, values) => answer(layer, "failed", reason, values);
const notChecked = (layer, reason, values) => answer(layer, "not_checked", reason, values);

/** Throws an Error unless this is the JSON of a receipt, as far as its outline goes. */
export function requireReceipt(receipt) {
  const objects = [receipt?.document, receipt?.entry, receipt?.inclusion];
  const whole = objects.every((part) => typeof part === "object" && part !== null);
  if (!whole || receipt.type !== "baas-receipt" || receipt.v !== 1 || typeof receipt.checkpoint !== "string") {
    throw new Error("this is not a receipt of version 1");
  }
}

/** Throws an Error unless this is the JSON of a trust root, as far as its outline goes. */
export function requireTrustRoot(trust) {
  if (trust?.type !== "baas-trust-root" || trust.v !== 1 || !Array.isArray(trust.logs)) {
    throw new Error("this is not a trust root of version 1");
  }
}

/** All the answers, in reading order. `trust` is null when nobody gave a trust root. */
export async function checkLayers(file, digest, receipt, trust) {
  return [
    await guarded("document", () => documentLayer(file, digest, receipt)),
    await guarded("commitment", () => commitmentLayer(receipt)),
    await guarded("inclusion", () => inclusionLayer(receipt)),
    await guarded("checkpoint", () => checkpointLayer(receipt, trust)),
    receipt.anchor ? notChecked("anchor", "here") : notChecked("anchor", "absent"),
    ...clockLayer(receipt),
    receipt.timestamps?.length ? notChecked("timestamps", "here") : notChecked("timestamps", "absent"),
    notChecked("later", "size", { size: receipt.inclusion.size }),
  ];
}

/** A part that cannot be read does not hold. What exactly is wrong with it, `baas verify` says. */
async function guarded(layer, check) {
  try {
    return await check();
  } catch {
    return failed(layer, "malformed");
  }
}

async function documentLayer(file, digest, receipt) {
  const { algorithm, digest: expected } = receipt.document;
  if (algorithm !== "sha-256") return notChecked("document", "algorithm", { algorithm });
  if (toHex(digest) === expected) return passed("document", "same");
  const found = await matchingRevision(file, fromHex(expected, 32));
  return found ? passed("document", "revision", found) : failed("document", "other");
}

async function commitmentLayer(receipt) {
  if (receipt.document.algorithm !== "sha-256") return notChecked("commitment", "algorithm");
  if (!hasWebCrypto()) return notChecked("commitment", "browser");
  return (await entryCommitsToDocument(receipt)) ? passed("commitment", "same") : failed("commitment", "other");
}

function inclusionLayer({ entry, inclusion, checkpoint }) {
  const { body } = parseCheckpoint(checkpoint);
  if (inclusion.origin !== body.origin || inclusion.size !== body.size) return failed("inclusion", "checkpoint");
  const proof = inclusion.proof.map((hash) => fromHex(hash, 32));
  try {
    verifyInclusion(leafHash(entryBytes(entry)), inclusion.index, inclusion.size, proof, body.root);
  } catch {
    return failed("inclusion", "proof");
  }
  return passed("inclusion", "holds", { position: inclusion.index + 1, size: inclusion.size });
}

/** A flag, where the sealer's note says that the chain's clock was moved; no answer at all where it was not. */
function clockLayer({ anchor }) {
  if (!anchor) return [];
  const moved = movedClock(anchor.sealer_note);
  return moved === null ? [] : [notChecked("clock", "moved", moved)];
}

async function checkpointLayer({ checkpoint }, trust) {
  const parsed = parseCheckpoint(checkpoint);
  if (trust === null) return notChecked("checkpoint", "trust");
  if (!(await hasEd25519())) return notChecked("checkpoint", "browser");
  const log = trust.logs.find(({ origin }) => origin === parsed.body.origin);
  if (log === undefined) return failed("checkpoint", "unknown", { origin: parsed.body.origin });
  for (const { key } of log.keys) {
    if (await signedBy(parsed, parseKey(key))) return passed("checkpoint", "holds", { origin: log.origin });
  }
  return failed("checkpoint", "signature", { origin: log.origin });
}
