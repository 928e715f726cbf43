// COSE receipts (RFC 9942) of inclusion, ours, strictly read (sandbox/evidence/cose.py).
import { same, toHex } from "./bytes.js";
import { loads as loadsJson } from "./canonical.js";
import * as cbor from "./cbor.js";
import * as checkpoints from "./checkpoint.js";
import { SALT_SIZE } from "./commitment.js";
import { algorithm } from "./digest.js";
import * as ed25519 from "./ed25519.js";
import * as entries from "./entry.js";
import { MalformedEvidence, VerificationError } from "./errors.js";
import { HASH_SIZE, MAX_PROOF_LENGTH, rootOfInclusion } from "./merkle.js";

const [ALG, KID, CWT_CLAIMS, VDS, VDP, ISSUER, INCLUSION] = [1n, 4n, 15n, 395n, 396n, 1n, -1n];
const EDDSA = -8n;
const RFC9162_SHA256 = 1n;
const SIZE = "size";

/** {issued: {origin, keyId, size, protected, signature}, index, proof, entry, opening, manifest or null}. */
export function parseInclusion(data) {
  const what = "COSE receipt";
  const tagged = cbor.loads(data, what);
  if (!(tagged instanceof cbor.Tagged)) throw new MalformedEvidence(`${what}: expected a COSE_Sign1 with tag 18`);
  const [protectedBytes, headers, payload, signature] = array(tagged.value, what, 4);
  if (payload !== null) throw new MalformedEvidence(`${what}: expected a detached payload`);
  const unprotected = labels(headers, `${what}: unprotected header`, [VDP, "salt", "entry", "digests"], ["manifest"]);
  const proofs = labels(unprotected.get(VDP), `${what}: proofs`, [INCLUSION]).get(INCLUSION);
  const [only] = array(proofs, `${what}: proofs`, 1);
  const [size, index, path] = array(cbor.loads(bytes(only, `${what}: proof`), `${what}: proof`), `${what}: proof`, 3);
  const place = unprotected.get("manifest") ?? null;
  const found = {
    issued: readIssued(bytes(protectedBytes, what), bytes(signature, `${what}: signature`, 64), number(size, what)),
    index: number(index, what),
    proof: readPath(path, `${what}: path`),
    entry: entries.fromJson(loadsJson(bytes(unprotected.get("entry"), `${what}: entry`), "entry")),
    opening: readOpening(unprotected.get("salt"), unprotected.get("digests"), what),
    manifest: place === null ? null : readManifest(place),
  };
  if (found.proof.length === 0) {
    throw new MalformedEvidence(`${what}: an empty path cannot be expressed (RFC 9942: at least one hash)`);
  }
  if (!same(data, toBytes(found, unprotected.get("entry")))) {
    throw new MalformedEvidence(`${what}: not the deterministic encoding (RFC 8949 section 4.2) of what it says`);
  }
  return found;
}

/** The root that the proof leads to, and who signed it: the statement that steps 4 and 5 check. */
export function statement({ issued, index, proof, entry }) {
  const root = rootOfInclusion(entry.leafHash, index, issued.size, proof);
  const claimed = () => checkpoints.make(issued.origin, issued.size, root);
  return { claimed, open: (verifiers) => open(issued, claimed(), verifiers) };
}

function open({ keyId, protected: header, signature }, checkpoint, verifiers) {
  const signed = cbor.dumps(["Signature1", header, new Uint8Array(), checkpoint.root]);
  const known = verifiers.filter((verifier) => same(verifier.keyId, keyId));
  const by = known.find((verifier) => ed25519.verify(verifier.publicKey, signature, signed));
  if (by) return { checkpoint, note: { text: checkpoints.toText(checkpoint), verified: [by] } };
  throw new VerificationError(
    known.length
      ? `the signature over root ${toHex(checkpoint.root)} at size ${checkpoint.size} is wrong`
      : `no known key has the id ${toHex(keyId)} that signed this COSE receipt`,
  );
}

function readIssued(header, signature, size) {
  const what = "COSE receipt: protected header";
  const found = labels(cbor.loads(header, what), what, [ALG, KID, CWT_CLAIMS, VDS, SIZE]);
  for (const [label, expected] of [[ALG, EDDSA], [VDS, RFC9162_SHA256], [SIZE, size]]) {
    if (found.get(label) !== expected) throw new MalformedEvidence(`${what}: expected ${label} to be ${expected}`);
  }
  const origin = labels(found.get(CWT_CLAIMS), `${what}: claims`, [ISSUER]).get(ISSUER);
  if (typeof origin !== "string") throw new MalformedEvidence(`${what}: issuer: expected text`);
  return { origin, keyId: bytes(found.get(KID), `${what}: key id`, 4), size, protected: header, signature };
}

function readOpening(salt, slugs, what) {
  const algorithms = array(slugs, `${what}: digests`);
  if (algorithms.length === 0) throw new MalformedEvidence(`${what}: digests: expected something in the array`);
  algorithms.forEach((slug) => algorithm(slug));
  if (algorithms.some((slug, at) => at > 0 && algorithms[at - 1] >= slug)) {
    throw new MalformedEvidence(`${what}: digests are of different algorithms in their slugs' order`);
  }
  return { salt: bytes(salt, `${what}: salt`, SALT_SIZE), algorithms };
}

function readManifest(value) {
  const what = "COSE receipt: manifest";
  const [salt, slugs, index, size, path] = array(value, what, 5);
  const proof = array(path, what).map((node) => bytes(node, what, HASH_SIZE));
  return { file: readOpening(salt, slugs, what), index: number(index, what), size: number(size, what), proof };
}

/** The one spelling of an inclusion receipt. */
function toBytes({ issued, index, proof, opening, manifest }, entry) {
  const header = new Map([
    [ALG, EDDSA], [KID, issued.keyId], [CWT_CLAIMS, new Map([[ISSUER, issued.origin]])], [VDS, RFC9162_SHA256],
    [SIZE, issued.size],
  ]);
  const unprotected = new Map([
    [VDP, new Map([[INCLUSION, [cbor.dumps([issued.size, index, proof])]]])],
    ["salt", opening.salt], ["entry", entry], ["digests", opening.algorithms],
  ]);
  if (manifest) {
    const { file, index: at, size, proof: path } = manifest;
    unprotected.set("manifest", [file.salt, file.algorithms, at, size, path]);
  }
  return cbor.dumps(new cbor.Tagged([cbor.dumps(header), unprotected, null, issued.signature]));
}

// -- strict reading ------------------------------------------------------------------------------------

function labels(found, what, names, optional = []) {
  if (!(found instanceof Map)) throw new MalformedEvidence(`${what}: expected a map`);
  const missing = names.filter((name) => !found.has(name));
  const unknown = [...found.keys()].filter((name) => !names.includes(name) && !optional.includes(name));
  if (missing.length) throw new MalformedEvidence(`${what}: missing ${missing.join(", ")}`);
  if (unknown.length) throw new MalformedEvidence(`${what}: unknown ${unknown.join(", ")}`);
  return found;
}

function array(value, what, length = value?.length) {
  if (Array.isArray(value) && value.length === length) return value;
  throw new MalformedEvidence(`${what}: expected an array${length === undefined ? "" : ` of ${length}`}`);
}

function bytes(value, what, length = value?.length) {
  if (value instanceof Uint8Array && value.length === length) return value;
  throw new MalformedEvidence(`${what}: expected a byte string${length === undefined ? "" : ` of ${length}`}`);
}

function number(value, what) {
  if (typeof value === "bigint" && value >= 0n && value < 1n << 63n) return value;
  throw new MalformedEvidence(`${what}: expected a whole number below 2^63`);
}

function readPath(value, what) {
  const path = array(value, what).map((node) => bytes(node, what, HASH_SIZE));
  if (path.length <= MAX_PROOF_LENGTH) return path;
  throw new MalformedEvidence(`${what}: at most ${MAX_PROOF_LENGTH} hashes, got ${path.length}`);
}
