// Verification of a receipt: numbered steps in a fixed order, against a trust root, under a policy
// (sandbox/evidence/verify.py). No network, no clock. What depends on something refused is not checked, never passed.
import { noteStatement } from "./checkpoint.js";
import { EvidenceError } from "./errors.js";
import { CHECKS, POLICIES } from "./policy.js";
import { notChecked, refused, Report } from "./report.js";

/** A receipt, what it is checked against, and what the steps so far established. */
export class Context {
  /** Of an encoding that carries less than JSON, `encodings.js` says more: which steps, who states the root, a match. */
  constructor(document, receipt, trust, { asOfMs = null } = {}, anchor = receipt.anchor) {
    Object.assign(this, { document, receipt, trust, asOfMs, anchor });
    Object.assign(this, { encoding: "json", carried: null, stated: null, match: null });
  }

  /** Who states the root; where a proof leads to no root, it throws as the proof's check does. */
  get statement() {
    return this.stated ? this.stated() : noteStatement(this.receipt.checkpoint);
  }

  /** The digests of what is checked: of one file of a folder, where the receipt is of a manifest. */
  get held() {
    return this.receipt.manifest?.file ?? this.receipt.document;
  }

  /** A context of its own for another anchor of the same receipt, with nothing established. */
  but(anchor) {
    return new Context(this.document, this.receipt, this.trust, { asOfMs: this.asOfMs }, anchor);
  }
}

/** Every step on a context; `required` are the names of the steps that must pass. */
export async function run(context, { required = POLICIES.standard } = {}) {
  if (required.size === 0) throw new Error("a policy must require at least one step");
  const steps = [];
  let stoppedAt = null;
  for (const check of CHECKS) {
    const outcome =
      stoppedAt === null ? await outcomeOf(check, context) : notChecked("step.stopped", { step: stoppedAt });
    if (outcome.result === "failed") stoppedAt = check.number;
    const { number, name, layer } = check;
    steps.push({ number, name, layer, required: required.has(name), outcome });
  }
  return new Report(steps);
}

async function outcomeOf(check, context) {
  if (context.carried !== null && !context.carried.has(check.name)) {
    return notChecked("step.not-carried", { encoding: context.encoding });
  }
  if (check.needsAnchor && context.anchor === null) return notChecked("anchor.none");
  try {
    return await check.run(context);
  } catch (error) {
    if (error instanceof EvidenceError) return refused(check.name, error);
    throw error;
  }
}
