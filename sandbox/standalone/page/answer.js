// A verification as plain data, as `baas verify --json` gives it but for its English: what is compared with Python's.
import { Document } from "./document.js";
import * as encodings from "./encodings.js";
import { EvidenceError } from "./errors.js";
import * as handOver from "./hand_over.js";
import { POLICIES } from "./policy.js";
import * as trusts from "./trust.js";

/**
 * The report of bytes under a policy's name and, perhaps, a time; of a hand-over, between the accounts of two bodies.
 * null where receipt, trust root or accounts cannot be read.
 */
export async function answer(document, receipt, trust, policy = "standard", asOfMs = null, bodies = null) {
  try {
    if (handOver.isOne(receipt)) {
      const [evidence, root] = [handOver.parse(receipt), trusts.parse(trust)];
      const between = new handOver.Bodies(...(bodies ?? ["", ""]));
      return plain(await handOver.verify(evidence, new Document(new Blob([document])), root, between));
    }
    const required = POLICIES[policy] ?? new Set(policy.split(","));
    const options = { required, asOfMs: asOfMs === null ? null : BigInt(asOfMs) };
    const [proof, root] = [await encodings.read(receipt), trusts.parse(trust)];
    return plain(await encodings.verify(new Document(new Blob([document])), proof, root, options));
  } catch (error) {
    if (error instanceof EvidenceError) return null;
    throw error;
  }
}

export const plain = (report) => ({
  ok: report.ok,
  failed_step: report.failedStep,
  layers: report.layers,
  flags: report.flags.map(({ outcome }) => outcome.key),
  steps: report.steps.map(({ name, required, outcome: { result, key, values, details } }) => {
    const { reason, ...others } = values; // a sentence: each verifier's own
    return { name, required, result, key, values: numbers(others), details: details.map(({ key: line }) => line) };
  }),
});

const numbers = (values) =>
  Object.fromEntries(
    Object.entries(values).map(([blank, value]) => [blank, typeof value === "bigint" ? Number(value) : value]),
  );
