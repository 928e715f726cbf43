// Evidence of a hand-over (`baas-hand-over`, version 1): an act's steps, each with all that an offline check needs
// (sandbox/evidence/hand_over_file.py). Reading proves nothing: hand_over.js does.
import { loads } from "./canonical.js";
import { SALT_SIZE } from "./commitment.js";
import { algorithm, Digest } from "./digest.js";
import { EvidenceError, MalformedEvidence, shown } from "./errors.js";
import * as fields from "./fields.js";
import { STEPS } from "./hand_over_calls.js";
import { SaltedDigest } from "./receipt.js";
import { KEY_SIZE } from "./secp256k1.js";

const TYPE = "baas-hand-over";
const MAX_BYTES = 4 << 20;
const NAMES = ["v", "type", "chain_id", "contract", "act", "algorithm", "digest", "salt", "steps"];
const STEP_NAMES = [
  "step", "header", "transaction", "transaction_index", "transaction_proof", "public_key", "receipt", "receipt_proof",
  "log_index", "sealer_note",
];
/** The only sequences of steps that there are, and where each leads. */
const SEQUENCES = new Map([
  ["offer", "offered"],
  ["offer, accept", "accepted"],
  ["offer, reject", "rejected"],
  ["offer, accept, complete", "completed"],
]);
const MAX_STEPS = 3;
const FINAL = new Set(["rejected", "completed"]);

/** {chainId, contract, act, document, steps} of canonical bytes. */
export function parse(bytes) {
  const what = "hand-over";
  if (bytes.length > MAX_BYTES) {
    throw new MalformedEvidence(`${what}: expected at most ${MAX_BYTES} bytes, got ${bytes.length}`);
  }
  const value = fields.file(loads(bytes, what), what, { type: TYPE, version: 1, names: NAMES });
  const steps = fields.array(value.steps, `${what}.steps`);
  if (steps.length < 1 || steps.length > MAX_STEPS) {
    throw new MalformedEvidence(`${what}.steps: expected 1 to ${MAX_STEPS}, got ${steps.length}`);
  }
  const { algorithm: slug, digest, salt } = value;
  return {
    chainId: fields.integer(value.chain_id, `${what}.chain_id`, 1),
    contract: fields.hexadecimal(value.contract, `${what}.contract`, { length: 20, prefix: "0x" }),
    act: fields.hexadecimal(value.act, `${what}.act`, { length: 32, prefix: "0x" }),
    document: salted({ algorithm: slug, digest, salt }, what),
    steps: steps.map((item, at) => readStep(item, `${what}.steps[${at}]`)),
  };
}

/** Whether a file says of itself that it is evidence of a hand-over; that it can be read is parse's matter. */
export function isOne(bytes) {
  try {
    return loads(bytes, "file")?.type === TYPE;
  } catch (error) {
    if (error instanceof EvidenceError) return false;
    throw error;
  }
}

/** Where the steps lead, if they are what they say; null where no hand-over goes like that. */
export const statusOf = ({ steps }) => SEQUENCES.get(namesOf(steps)) ?? null;
export const namesOf = (steps) => steps.map(({ step }) => step).join(", ");
export const isFinal = (status) => FINAL.has(status);

function readStep(value, what) {
  const found = fields.record(value, what, STEP_NAMES, ["opens"]);
  const step = fields.text(found.step, `${what}.step`);
  if (!STEPS.includes(step)) {
    throw new MalformedEvidence(`${what}.step: expected one of ${STEPS.join(", ")}, got ${shown(step, 40)}`);
  }
  const data = (name, length) => fields.hexadecimal(found[name], `${what}.${name}`, { length, prefix: "0x" });
  const nodes = (name) =>
    fields
      .array(found[name], `${what}.${name}`)
      .map((node) => fields.hexadecimal(node, `${what}.${name}`, { prefix: "0x" }));
  return {
    step,
    header: data("header"),
    transaction: data("transaction"),
    transactionIndex: fields.integer(found.transaction_index, `${what}.transaction_index`),
    transactionProof: nodes("transaction_proof"),
    publicKey: data("public_key", KEY_SIZE),
    receipt: data("receipt"),
    receiptProof: nodes("receipt_proof"),
    logIndex: fields.integer(found.log_index, `${what}.log_index`),
    sealerNote: fields.text(found.sealer_note, `${what}.sealer_note`),
    opens: Object.hasOwn(found, "opens") ? salted(found.opens, `${what}.opens`) : null,
  };
}

function salted(value, what) {
  const found = fields.record(value, what, ["algorithm", "digest", "salt"]);
  const slug = fields.text(found.algorithm, `${what}.algorithm`);
  const digest = fields.hexadecimal(found.digest, `${what}.digest`, { length: algorithm(slug).size });
  const salt = fields.hexadecimal(found.salt, `${what}.salt`, { length: SALT_SIZE });
  return new SaltedDigest([new Digest(slug, digest)], salt);
}
