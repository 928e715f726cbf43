// Receipts: canonical JSON, strictly read (sandbox/evidence/receipt.py). Reading proves nothing: verify.js does.
import { loads } from "./canonical.js";
import { commit, SALT_SIZE } from "./commitment.js";
import { algorithm, Digest } from "./digest.js";
import { fromBase64 } from "./encoding.js";
import * as entries from "./entry.js";
import { MalformedEvidence } from "./errors.js";
import * as fields from "./fields.js";
import { HASH_SIZE, MAX_PROOF_LENGTH } from "./merkle.js";

export const MAX_BYTES = 4 << 20;
const MAX_TIMESTAMPS = 16;
const MAX_RENEWALS = 16;
const NAMES = ["v", "type", "document", "entry", "inclusion", "checkpoint", "anchor", "timestamps"];
const OPTIONAL = ["manifest", "previous", "renewals"];

/** A document's digests, in the order of their slugs, and the salt of its commitment. */
export class SaltedDigest {
  constructor(digests, salt) {
    const slugs = digests.map((digest) => digest.algorithm);
    if (slugs.some((slug, at) => at > 0 && slugs[at - 1] >= slug)) {
      throw new MalformedEvidence(
        `a document's digests are of different algorithms in their slugs' order, got ${slugs.join(", ")}`,
      );
    }
    this.digests = digests;
    this.salt = salt;
  }

  get commitment() {
    return commit(this.digests, this.salt);
  }
}

/** The receipt whose canonical bytes these are. `json` is kept: what a renewal covers is made of it. */
export function parse(bytes) {
  if (bytes.length > MAX_BYTES) {
    throw new MalformedEvidence(`receipt: at most ${MAX_BYTES} bytes, got ${bytes.length}`);
  }
  const value = fields.file(loads(bytes, "receipt"), "receipt", {
    type: "baas-receipt",
    version: 1,
    names: NAMES,
    optional: OPTIONAL,
  });
  return {
    json: value,
    document: saltedDigest(value.document, "receipt.document"),
    entry: entries.fromJson(value.entry, "receipt.entry"),
    inclusion: readInclusion(value.inclusion),
    checkpoint: fields.text(value.checkpoint, "receipt.checkpoint"),
    anchor: value.anchor === null ? null : readAnchor(value.anchor),
    timestamps: tokens(value.timestamps, "receipt.timestamps"),
    manifest: Object.hasOwn(value, "manifest") ? readManifest(value.manifest) : null,
    previous: Object.hasOwn(value, "previous") ? readPrevious(value.previous) : null,
    renewals: Object.hasOwn(value, "renewals") ? readRenewals(value.renewals) : [],
  };
}

export function saltedDigest(value, what) {
  const found = fields.record(value, what, ["algorithm", "digest", "salt"], ["also"]);
  const also = Object.hasOwn(found, "also")
    ? fields.some(found.also, `${what}.also`).map((item) => digest(item, `${what}.also`))
    : [];
  const first = digest({ algorithm: found.algorithm, digest: found.digest }, what);
  return new SaltedDigest([first, ...also], fields.hexadecimal(found.salt, `${what}.salt`, { length: SALT_SIZE }));
}

function digest(value, what) {
  const found = fields.record(value, what, ["algorithm", "digest"]);
  const slug = fields.text(found.algorithm, `${what}.algorithm`);
  return new Digest(slug, fields.hexadecimal(found.digest, `${what}.digest`, { length: algorithm(slug).size }));
}

function readInclusion(value) {
  const what = "receipt.inclusion";
  const found = fields.record(value, what, ["origin", "index", "size", "proof"]);
  return {
    origin: fields.text(found.origin, `${what}.origin`),
    index: fields.integer(found.index, `${what}.index`),
    size: fields.integer(found.size, `${what}.size`, 1),
    proof: readProof(found.proof, `${what}.proof`),
  };
}

/** The place in a folder manifest that a JSON object states. */
export function readManifest(value) {
  const what = "receipt.manifest";
  const found = fields.record(value, what, ["file", "index", "size", "proof"]);
  return {
    file: saltedDigest(found.file, `${what}.file`),
    index: fields.integer(found.index, `${what}.index`),
    size: fields.integer(found.size, `${what}.size`, 1),
    proof: readProof(found.proof, `${what}.proof`),
  };
}

function readPrevious(value) {
  const what = "receipt.previous";
  const found = fields.record(value, what, ["checkpoint", "consistency", "anchor"]);
  return {
    checkpoint: fields.text(found.checkpoint, `${what}.checkpoint`),
    consistency: readProof(found.consistency, `${what}.consistency`),
    anchor: readAnchor(found.anchor),
  };
}

function readRenewals(value) {
  const what = "receipt.renewals";
  const items = fields.some(value, what);
  if (items.length > MAX_RENEWALS) throw new MalformedEvidence(`${what}: at most ${MAX_RENEWALS}, got ${items.length}`);
  return items.map((item, at) => readRenewal(item, `${what}[${at}]`));
}

function readRenewal(value, what) {
  const names = ["algorithm", "digest", "index", "size", "proof", "timestamps"];
  const found = fields.record(value, what, names, ["anchor"]);
  const own = digest({ algorithm: found.algorithm, digest: found.digest }, what);
  if (own.value.length !== HASH_SIZE) {
    throw new MalformedEvidence(`${what}.algorithm: a renewal's algorithm has ${HASH_SIZE}-byte digests`);
  }
  return {
    digest: own,
    index: fields.integer(found.index, `${what}.index`),
    size: fields.integer(found.size, `${what}.size`, 1),
    proof: readProof(found.proof, `${what}.proof`),
    anchor: Object.hasOwn(found, "anchor") ? readAnchor(found.anchor) : null,
    timestamps: tokens(found.timestamps, `${what}.timestamps`),
  };
}

function readAnchor(value) {
  const what = "receipt.anchor";
  const hexadecimal = (name, length) => fields.hexadecimal(found[name], `${what}.${name}`, { length, prefix: "0x" });
  const found = fields.record(value, what, [
    "chain_id", "contract", "header", "transaction_index", "transaction_receipt", "receipt_proof", "log_index",
    "sealer_note",
  ]);
  return {
    chainId: fields.integer(found.chain_id, `${what}.chain_id`, 1),
    contract: hexadecimal("contract", 20),
    header: hexadecimal("header"),
    transactionIndex: fields.integer(found.transaction_index, `${what}.transaction_index`),
    transactionReceipt: hexadecimal("transaction_receipt"),
    receiptProof: fields
      .array(found.receipt_proof, `${what}.receipt_proof`)
      .map((node) => fields.hexadecimal(node, `${what}.receipt_proof`, { prefix: "0x" })),
    logIndex: fields.integer(found.log_index, `${what}.log_index`),
    sealerNote: fields.text(found.sealer_note, `${what}.sealer_note`),
  };
}

function readProof(value, what) {
  const proof = fields.array(value, what);
  if (proof.length > MAX_PROOF_LENGTH) {
    throw new MalformedEvidence(`${what}: at most ${MAX_PROOF_LENGTH} hashes, got ${proof.length}`);
  }
  return proof.map((node) => fields.hexadecimal(node, what, { length: HASH_SIZE }));
}

function tokens(value, what) {
  const items = fields.array(value, what);
  if (items.length > MAX_TIMESTAMPS) {
    throw new MalformedEvidence(`${what}: at most ${MAX_TIMESTAMPS}, got ${items.length}`);
  }
  return items.map((item, at) => {
    const { token } = fields.record(item, `${what}[${at}]`, ["token"]);
    return fromBase64(fields.text(token, `${what}[${at}].token`), `${what}[${at}].token`);
  });
}
