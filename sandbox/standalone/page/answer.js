// A verification as plain data, as `baas verify --json` gives it but for its English: what is compared with Python's.
import { Document } from "./document.js";
import * as encodings from "./encodings.js";
import { EvidenceError } from "./errors.js";
import * as handOver from "./hand_over.js";
import { POLICIES } from "./policy.js";
import { speak } from "./spoken.js";
import * as trusts from "./trust.js";

/**
 * The report of bytes under a policy's name and, perhaps, a time; of a hand-over, between the accounts of two bodies.
 * null where receipt, trust root or accounts cannot be read. `spoken` is what a person reads of it, by the `texts` of each
 * language.
 */
export async function answer(texts, ...given) {
  const report = await reported(...given);
  if (report === null) return null;
  const spoken = Object.entries(texts).map(([language, those]) => [language, speak(report, those)]);
  return { ...plain(report), spoken: Object.fromEntries(spoken) };
}

async function reported(document, receipt, trust, policy = "standard", asOfMs = null, bodies = null) {
  try {
    if (handOver.isOne(receipt)) {
      const [evidence, root] = [handOver.parse(receipt), trusts.parse(trust)];
      const between = new handOver.Bodies(...(bodies ?? ["", ""]));
      return await handOver.verify(evidence, new Document(new Blob([document])), root, between);
    }
    const required = POLICIES[policy] ?? new Set(policy.split(","));
    const options = { required, asOfMs: asOfMs === null ? null : BigInt(asOfMs) };
    const [proof, root] = [await encodings.read(receipt), trusts.parse(trust)];
    return await encodings.verify(new Document(new Blob([document])), proof, root, options);
  } catch (error) {
    if (error instanceof EvidenceError) return null;
    throw error;
  }
}

const plain = (report) => ({
  ok: report.ok,
  failed_step: report.failedStep,
  layers: report.layers,
  flags: report.flags.map(({ outcome }) => outcome.key),
  steps: report.steps.map(({ name, required, outcome: { result, key, values, details, cause } }) => {
    const { reason, ...others } = values; // a sentence: each verifier's own
    const because = cause && { key: cause.key, values: numbers(cause.values) };
    const lines = details.map(({ key: line }) => line);
    return { name, required, result, key, values: numbers(others), details: lines, cause: because };
  }),
});

const numbers = (values) =>
  Object.fromEntries(
    Object.entries(values).map(([blank, value]) => [blank, typeof value === "bigint" ? Number(value) : value]),
  );
