// Verification reports: what each step found, and what each layer's answer is (sandbox/evidence/report.py).

export const LAYERS = ["document", "log", "anchor", "time", "status"];

/** What one step found: `key` names the message, `values` its blanks, `details` say it part by part; a flag must be seen. */
const outcome = (result) => (key, values = {}) => ({ result, key, values, flag: false, details: [], cause: null });
export const passed = outcome("passed");
export const failed = outcome("failed");
export const notChecked = outcome("not_checked");
export const flagged = (key, values) => ({ ...passed(key, values), flag: true });

/** Failed, since a step threw: `cause` is the reason's key and values, where the catalogue says it. */
export const refused = (name, { message, cause = null }) => ({ ...failed(`${name}.refused`, { reason: message }), cause });

/** The steps in their order; everything else follows from them. */
export class Report {
  constructor(steps) {
    this.steps = steps;
  }

  get ok() {
    return this.failedStep === null;
  }

  /** The first step that failed, or that the policy requires and that was not checked: its name. */
  get failedStep() {
    const stopped = this.steps.find(
      ({ required, outcome: { result } }) => result === "failed" || (required && result !== "passed"),
    );
    return stopped?.name ?? null;
  }

  get flags() {
    return this.steps.filter((step) => step.outcome.flag);
  }

  /** The answer of each layer that has steps (a hand-over has no log): failed if one did, passed only if all did. */
  get layers() {
    const present = LAYERS.filter((name) => this.steps.some(({ layer }) => layer === name));
    return Object.fromEntries(present.map((layer) => [layer, this.#answer(layer)]));
  }

  #answer(layer) {
    const results = new Set(this.steps.filter((step) => step.layer === layer).map((step) => step.outcome.result));
    if (results.has("failed")) return "failed";
    if (results.size === 1) return [...results][0];
    return results.has("passed") ? "partial" : "not_checked";
  }
}
