// The page "check a document": everything happens in this browser; nothing of the document or the receipt is sent.
import { parseCanonical } from "./canonical.js";
import { hashFile } from "./files.js";
import { checkLayers, requireReceipt, requireTrustRoot } from "./layers.js";
import { element, text } from "./texts.js";

const form = document.querySelector("#check-form");
const progress = document.querySelector("#check-progress");
const status = document.querySelector("#check-status");
const results = document.querySelector("#check-results");
const MARKS = { passed: "✓", failed: "✗", not_checked: "–" };

/** A mistake that the person can mend: shown as it is. */
class Shown extends Error {}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  results.hidden = true;
  form.querySelector("button[type=submit]").disabled = true;
  try {
    show(await check());
    status.textContent = text("console.check.done");
  } catch (error) {
    status.textContent = error instanceof Shown ? error.message : text("console.check.unreadable");
    status.classList.add("problem");
  } finally {
    progress.hidden = true;
    form.querySelector("button[type=submit]").disabled = false;
  }
});

async function check() {
  const [file] = form.elements.document.files;
  const [receiptFile] = form.elements.receipt.files;
  if (!file || !receiptFile) throw new Shown(text("console.check.choose_both"));
  status.classList.remove("problem");
  status.textContent = text("console.check.working");
  const receipt = await readJson(receiptFile, requireReceipt, "console.check.not_a_receipt");
  const trust = await trustRoot();
  progress.hidden = false;
  const digest = await hashFile(file, (done, total) => {
    progress.max = Math.max(total, 1);
    progress.value = done;
  });
  return checkLayers(file, digest, receipt, trust);
}

/** The trust root chosen from disk; without one, this server's; null when there is none at all. */
async function trustRoot() {
  const [chosen] = form.elements.trust_file.files;
  if (chosen) return readJson(chosen, requireTrustRoot, "console.check.not_a_trust_root");
  const administration = form.elements.administration?.value;
  if (!administration) return null;
  const response = await fetch(`/console/trust/${encodeURIComponent(administration)}.json`);
  if (!response.ok) throw new Shown(text("console.check.no_trust_root", { status: response.status }));
  return readJson(response, requireTrustRoot, "console.check.not_a_trust_root");
}

async function readJson(source, require, complaint) {
  try {
    const value = parseCanonical(await source.text());
    require(value);
    return value;
  } catch {
    throw new Shown(text(complaint));
  }
}

function show(answers) {
  const list = results.querySelector("ol");
  list.replaceChildren(
    ...answers.map(({ layer, outcome, reason, values }) =>
      element(
        "li",
        { className: `layer ${outcome}` },
        element("span", { className: "mark", content: MARKS[outcome], "aria-hidden": "true" }),
        element(
          "div",
          {},
          element("h3", { content: text(`console.check.layer.${layer}.title`) }),
          element("p", { className: "outcome", content: text(`console.check.outcome.${outcome}`) }),
          element("p", { content: text(`console.check.layer.${layer}.${reason}`, values) }),
        ),
      ),
    ),
  );
  const failures = answers.filter(({ outcome }) => outcome === "failed").length;
  const unchecked = answers.filter(({ outcome }) => outcome === "not_checked").length;
  const summary = results.querySelector("#check-summary");
  summary.textContent = text(failures ? "console.check.summary_failed" : "console.check.summary_passed", {
    failed: failures,
    unchecked,
  });
  summary.className = `summary ${failures ? "failed" : "passed"}`;
  results.hidden = false;
  results.focus();
}
