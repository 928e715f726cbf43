// One proof in several encodings: recognised by its first bytes, verified by the same steps
// (sandbox/evidence/encodings.py).
import { same, toHex } from "./bytes.js";
import { canonical, dumps } from "./canonical.js";
import * as cose from "./cose.js";
import { Digest, digestBytes } from "./digest.js";
import * as documents from "./document.js";
import { embeddedFiles } from "./embedded.js";
import { EvidenceError, MalformedEvidence } from "./errors.js";
import { leafHash, rootOfInclusion } from "./merkle.js";
import { CHECKS } from "./policy.js";
import * as qr from "./qr.js";
import * as receipts from "./receipt.js";
import { failed, notChecked, Report } from "./report.js";
import * as tlogProof from "./tlog_proof.js";
import { Context, run } from "./verify.js";

const OF_A_ROOT = [
  "document-digest", "commitment", "entry", "inclusion", "checkpoint", "validity-and-time", "later-status", "algorithms",
];
/** The steps that an encoding carries something for; null: all of them. */
const CARRIED = {
  json: null,
  cose: new Set(OF_A_ROOT),
  "tlog-proof": new Set([...OF_A_ROOT, "witnesses"]),
  pdf: null,
  qr: new Set(OF_A_ROOT),
};
const [JSON_FILE, COSE_FILE, TLOG_PROOF_FILE] = ["receipt.json", "receipt.cose", "receipt.tlog-proof"];

function recognise(data) {
  const beginnings = [
    ["json", "{"], ["cose", "\xd2"], ["tlog-proof", tlogProof.FIRST_LINE], ["pdf", "%PDF-"], ["qr", qr.BEGINNING],
  ];
  const start = String.fromCharCode(...data.subarray(0, 32));
  const found = beginnings.find(([, beginning]) => start.startsWith(beginning));
  if (found) return found[0];
  throw new MalformedEvidence("this is no receipt: expected JSON, a COSE receipt, a tlog-proof, a PDF or a QR code's text");
}

/** {encoding, content, others: [[name, proof]]}: the proof that these bytes are, nothing of it checked. */
export async function read(data) {
  const encoding = recognise(data);
  if (encoding === "json") return { encoding, content: receipts.parse(data), others: [] };
  if (encoding === "cose") return { encoding, content: cose.parseInclusion(data), others: [] };
  if (encoding === "tlog-proof") return { encoding, content: tlogProof.parse(data), others: [] };
  if (encoding === "qr") {
    const text = String.fromCharCode(...data.subarray(0, 8192)).replace(/\n$/, "").replace(/\r$/, "");
    if (data.length > 8192) throw new MalformedEvidence("QR: longer than any code");
    return { encoding, content: cose.parseInclusion(qr.decode(text)), others: [] };
  }
  return ofFiles(await embeddedFiles(data));
}

/** Check a proof in any encoding; as verify.js does. */
export async function verify(document, proof, trust, options) {
  const report = await run(await contextOf(document, proof, trust, options), options);
  if (proof.others.length === 0) return report;
  // the document was compared with the JSON's digests, which the others share: it is not hashed again
  const known = proof.content.manifest?.file ?? proof.content.document;
  const others = [];
  for (const [name, other] of proof.others) {
    others.push([name, await run(await contextOf(known, other, trust, options), options)]);
  }
  return merged(report, others);
}

async function contextOf(document, { encoding, content }, trust, options) {
  const context = new Context(document, content, trust, options);
  const isKnown = document instanceof receipts.SaltedDigest;
  if (isKnown) context.match = exactly(document.digests[0]);
  if (Object.hasOwn(content, "issued")) {
    [context.receipt, context.match] = await opened(document, content);
    context.stated = () => cose.statement(content);
  }
  context.anchor = context.receipt.anchor;
  context.encoding = encoding;
  context.carried = CARRIED[encoding];
  return context;
}

const exactly = (actual, exact = true) => ({ actual, exact, ...documents.NO_REVISION });

// -- a COSE receipt has no digest: the document's own has to open the entry's commitment --------------------

/** The receipt with the digests of the document, or of its revision, that open the entry; else with the document's. */
async function opened(document, proof) {
  const opening = proof.manifest?.file ?? proof.opening;
  let first = null;
  for await (const [match, digests] of candidates(document, opening)) {
    const made = receiptOf(proof, new receipts.SaltedDigest(digests, opening.salt));
    if (proof.entry.commitment !== null && same(made.document.commitment, proof.entry.commitment)) {
      if (match.exact) return [made, match];
      return [made, await documents.match(document, digests)]; // a revision: there is more to say
    }
    first ??= [made, exactly(match.actual, false)];
  }
  return first;
}

/** The document's digests by the opening's algorithms, then those of each revision of a PDF. */
async function* candidates(document, { algorithms }) {
  if (document instanceof receipts.SaltedDigest) {
    yield [exactly(document.digests[0]), document.digests];
    return;
  }
  await document.prepare(algorithms);
  const digests = algorithms.map((slug) => document.digests.get(slug));
  yield [exactly(digests[0]), digests];
  const revisions = [];
  for (const slug of algorithms) revisions.push(await document.revisionDigests(slug));
  for (const [at, { digests: endings }] of revisions[0].entries()) {
    for (const ending of endings.keys()) {
      const ofRevision = algorithms.map((slug, which) => new Digest(slug, revisions[which][at].digests[ending]));
      yield [exactly(digests[0], false), ofRevision];
    }
  }
}

/** The receipt of that document, without checkpoint: the context's statement stands for it. */
function receiptOf(proof, salted) {
  let [document, manifest] = [salted, null];
  if (proof.manifest) {
    const { index, size, proof: path } = proof.manifest;
    manifest = { file: salted, index, size, proof: path };
    const leaf = leafHash(salted.commitment);
    const header = manifestHeader(rootOrLeaf(leaf, index, size, path), size);
    const digests = proof.opening.algorithms.map((slug) => digestBytes(header, slug));
    document = new receipts.SaltedDigest(digests, proof.opening.salt);
  }
  const inclusion = { origin: proof.issued.origin, index: proof.index, size: proof.issued.size, proof: proof.proof };
  return {
    document, entry: proof.entry, inclusion, checkpoint: "", anchor: null, timestamps: [], manifest, previous: null,
    renewals: [],
  };
}

/** A place that no such manifest has leads to no header, and to nothing that opens the entry. */
function rootOrLeaf(leaf, index, size, path) {
  try {
    return rootOfInclusion(leaf, index, size, path);
  } catch (error) {
    if (error instanceof EvidenceError) return leaf;
    throw error;
  }
}

const manifestHeader = (root, size) => dumps({ root: toHex(root), size, type: "baas-manifest", v: 1 });

// -- a PDF embeds the others -------------------------------------------------------------------------------

function ofFiles(files) {
  const what = "receipt's PDF";
  const missing = [JSON_FILE, COSE_FILE, TLOG_PROOF_FILE].filter((name) => !files.has(name));
  if (missing.length) throw new MalformedEvidence(`${what}: missing ${missing.join(", ")}`);
  const main = receipts.parse(files.get(JSON_FILE));
  const others = [
    [COSE_FILE, { encoding: "cose", content: cose.parseInclusion(files.get(COSE_FILE)), others: [] }],
    [TLOG_PROOF_FILE, { encoding: "tlog-proof", content: tlogProof.parse(files.get(TLOG_PROOF_FILE)), others: [] }],
  ];
  const tokens = new Map(main.timestamps.map((token, at) => [`token-${at + 1}.tsr`, token]));
  const rest = [...files].filter(([name]) => ![JSON_FILE, COSE_FILE, TLOG_PROOF_FILE].includes(name));
  const isTheirs = rest.every(([name, data]) => tokens.has(name) && same(tokens.get(name), data));
  if (!isTheirs || rest.length !== tokens.size) {
    throw new MalformedEvidence(`${what}: expected the time-stamps of ${JSON_FILE} and nothing else`);
  }
  for (const [name, other] of others) {
    if (states(other.content) !== states(main)) {
      throw new MalformedEvidence(`${what}: ${name} is not of the entry that ${JSON_FILE} is of`);
    }
  }
  return { encoding: "pdf", content: main, others };
}

/** What the encodings of one proof agree about: log, index, size, entry, and what opens it; as one text. */
function states(content) {
  const isCose = Object.hasOwn(content, "issued");
  const { origin, index, size } = isCose ? { ...content.issued, index: content.index } : content.inclusion;
  const opening = isCose ? content.opening : openingOf(content.document);
  const place = content.manifest;
  const file = place && (isCose ? place.file : openingOf(place.file));
  const within = place && [shownOpening(file), String(place.index), String(place.size), place.proof.map(toHex)];
  return JSON.stringify([
    origin, String(index), String(size), canonical(content.entry.json), shownOpening(opening), within,
  ]);
}

const openingOf = ({ salt, digests }) => ({ salt, algorithms: digests.map((digest) => digest.algorithm) });
const shownOpening = ({ salt, algorithms }) => [toHex(salt), algorithms];

/** The first report, with the first failure of any: a step holds only where it holds in every file. */
function merged(report, others) {
  const steps = [];
  let stoppedAt = null;
  for (const [at, step] of report.steps.entries()) {
    let { outcome } = step;
    const wrong = others
      .map(([name, other]) => [name, other.steps[at].outcome])
      .filter(([, other]) => other.result === "failed")
      .map(([name, { key, values, cause }]) => ({ reason: `${name}: ${values.reason ?? key}`, cause }));
    if (stoppedAt !== null) outcome = notChecked("step.stopped", { step: stoppedAt });
    else if (outcome.result !== "failed" && wrong.length) {
      outcome = failed(`${CHECKS[at].name}.refused`, { reason: wrong.map(({ reason }) => reason).join("; ") });
      outcome.cause = wrong[0].cause;
    }
    if (outcome.result === "failed") stoppedAt = step.number;
    steps.push({ ...step, outcome });
  }
  return new Report(steps);
}
