// How a report is shown: each layer's answer, each step's, what must be seen all the same, what was not checked.
import { element, has, text } from "./texts.js";

const results = document.getElementById("results");
const part = (name) => document.getElementById(name);

/** What an outcome says; the page's own words where it cannot do what the library can. */
function said({ key, values }) {
  const own = `verifier.message.${key}`;
  return text(has(own) ? own : `evidence.message.${key}`, values);
}

const stepName = (name) => text(`evidence.step.${name}`);
const answer = (result) => element("span", { className: "outcome", content: text(`evidence.result.${result}`) });

export function show(report) {
  const required = ranges(report.steps.filter((step) => step.required).map((step) => step.number));
  const unchecked = report.steps.filter((step) => step.outcome.result === "not_checked").length;
  const verdict = report.ok
    ? text("evidence.report.met", { required })
    : text("evidence.report.not_met", { step: stepName(report.failedStep), required });
  part("summary").textContent = `${verdict} ${text("verifier.page.unchecked", { count: unchecked })}`;
  part("summary").className = report.ok ? "met" : "failed";
  part("flags").replaceChildren(...report.flags.map(flag));
  part("layers").replaceChildren(...Object.entries(report.layers).map(layer));
  part("steps").replaceChildren(...report.steps.map(step));
  results.hidden = false;
}

/** Ascending numbers as a person writes them: 1–10, 13. */
function ranges(numbers) {
  const runs = [];
  for (const number of numbers) {
    if (runs.at(-1)?.[1] === number - 1) runs.at(-1)[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(", ");
}

export function hide() {
  results.hidden = true;
}

export const focus = () => results.focus();

const flag = ({ name, outcome }) =>
  element("p", { content: text("evidence.report.flag", { step: stepName(name), text: said(outcome) }) });

const layer = ([name, result]) =>
  element("li", { className: result }, element("span", { content: text(`evidence.layer.${name}`) }), answer(result));

function step({ number, name, required, outcome }) {
  const title = `${number}. ${stepName(name)}${required ? "" : ` (${text("verifier.page.optional")})`}`;
  const head = element("div", { className: "head" }, element("strong", { content: title }), answer(outcome.result));
  const made = element("li", { className: outcome.result }, head, element("p", { className: "said", content: said(outcome) }));
  if (outcome.details.length) {
    made.append(element("ul", {}, ...outcome.details.map((line) => element("li", { content: said(line) }))));
  }
  return made;
}

/** Files to check elsewhere: the tokens, what they are over, and the authorities' certificates. */
export function offer(files) {
  part("tokens").hidden = files.length === 0;
  for (const link of part("token-files").querySelectorAll("a")) URL.revokeObjectURL(link.href);
  part("token-files").replaceChildren(
    ...files.map(({ name, content }) => {
      const href = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
      return element("li", {}, element("a", { href, download: name, content: name }));
    }),
  );
}
