// C2SP tlog-proofs of ours: an entry's inclusion as text, with the log's checkpoint (sandbox/evidence/tlog_proof.py).
import { fromUtf8 } from "./bytes.js";
import { loads } from "./canonical.js";
import { parseUnverified } from "./checkpoint.js";
import { fromBase64, fromDecimal } from "./encoding.js";
import * as entries from "./entry.js";
import { MalformedEvidence, shown } from "./errors.js";
import * as fields from "./fields.js";
import { HASH_SIZE, MAX_PROOF_LENGTH } from "./merkle.js";
import { readManifest, saltedDigest } from "./receipt.js";

export const FIRST_LINE = "c2sp.org/tlog-proof@v1";
const MAX_BYTES = 1 << 20;

/** The receipt that a proof stands for: one without an anchor. */
export function parse(data) {
  const what = "tlog-proof";
  if (data.length > MAX_BYTES) throw new MalformedEvidence(`${what}: at most ${MAX_BYTES} bytes, got ${data.length}`);
  const { extra, index, hashes, checkpoint } = readLines(data, what);
  const { origin, size } = parseUnverified(checkpoint);
  if (extra === null) {
    throw new MalformedEvidence(`${what} extra: missing: without it nothing says which entry and document it proves`);
  }
  const found = fields.record(loads(extra, `${what} extra`), `${what} extra`, ["document", "entry"], ["manifest"]);
  return {
    document: saltedDigest(found.document, `${what} extra.document`),
    entry: entries.fromJson(found.entry, `${what} extra.entry`),
    inclusion: { origin, index, size, proof: hashes },
    checkpoint,
    anchor: null,
    timestamps: [],
    manifest: Object.hasOwn(found, "manifest") ? readManifest(found.manifest) : null,
    previous: null,
    renewals: [],
  };
}

function readLines(data, what) {
  let text;
  try {
    text = fromUtf8(data);
  } catch (error) {
    throw new MalformedEvidence(`${what}: expected UTF-8 text: ${error.message}`);
  }
  const blank = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(blank, 0)).split("\n");
  if (blank < 0 || lines[0] !== FIRST_LINE) {
    throw new MalformedEvidence(
      `${what}: expected the line ${FIRST_LINE}, an index, hashes, a blank line and a checkpoint`,
    );
  }
  const extra = lines[1]?.startsWith("extra ") ? fromBase64(lines.splice(1, 1)[0].slice(6), `${what} extra`) : null;
  if (!lines[1]?.startsWith("index ")) {
    throw new MalformedEvidence(`${what}: expected a line 'index N', got ${shown(lines[1] ?? "")}`);
  }
  if (lines.length - 2 > MAX_PROOF_LENGTH) {
    throw new MalformedEvidence(`${what}: at most ${MAX_PROOF_LENGTH} hashes, got ${lines.length - 2}`);
  }
  const index = fromDecimal(lines[1].slice(6), `${what} index`);
  const hashes = lines.slice(2).map((line) => fromBase64(line, `${what} hash`, HASH_SIZE));
  return { extra, index, hashes, checkpoint: text.slice(blank + 2) };
}
