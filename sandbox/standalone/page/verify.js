// Verification of a receipt: numbered steps in a fixed order, against a trust root, under a policy
// (sandbox/evidence/verify.py). No network, no clock. What depends on something refused is not checked, never passed.
import { EvidenceError } from "./errors.js";
import { CHECKS, POLICIES } from "./policy.js";
import { failed, notChecked, Report } from "./report.js";

/** A receipt, what it is checked against, and what the steps so far established. */
class Context {
  constructor(document, receipt, trust, asOfMs, anchor = receipt.anchor) {
    Object.assign(this, { document, receipt, trust, asOfMs, anchor });
  }

  /** The digests of what is checked: of one file of a folder, where the receipt is of a manifest. */
  get held() {
    return this.receipt.manifest?.file ?? this.receipt.document;
  }

  /** A context of its own for another anchor of the same receipt, with nothing established. */
  but(anchor) {
    return new Context(this.document, this.receipt, this.trust, this.asOfMs, anchor);
  }
}

/** `document` is a Document, `required` the names of the steps that must pass, `asOfMs` a BigInt or null. */
export async function verify(document, receipt, trust, { required = POLICIES.standard, asOfMs = null } = {}) {
  if (required.size === 0) throw new Error("a policy must require at least one step");
  const context = new Context(document, receipt, trust, asOfMs);
  const steps = [];
  let stoppedAt = null;
  for (const check of CHECKS) {
    const outcome =
      stoppedAt === null ? await run(check, context) : notChecked("step.stopped", { step: stoppedAt });
    if (outcome.result === "failed") stoppedAt = check.number;
    const { number, name, layer } = check;
    steps.push({ number, name, layer, required: required.has(name), outcome });
  }
  return new Report(steps);
}

async function run(check, context) {
  if (check.needsAnchor && context.anchor === null) return notChecked("anchor.none");
  try {
    return await check.run(context);
  } catch (error) {
    if (error instanceof EvidenceError) return failed(`${check.name}.refused`, { reason: error.message });
    throw error;
  }
}
