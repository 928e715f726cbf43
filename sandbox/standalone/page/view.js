// How a report is shown: what was made of it, which files it is of, what is proven and what not, layers, steps.
import { speak } from "./spoken.js";
import { element, spoken, text } from "./texts.js";

const results = document.getElementById("results");
const part = (name) => document.getElementById(name);

/** `given` is what was checked: the files, and when. */
export function show(report, given) {
  const { verdict, flags, proven, unproven, layers, steps } = speak(report, spoken());
  part("summary").textContent = verdict;
  part("summary").className = report.ok ? "met" : "failed";
  part("flags").replaceChildren(...flags.map((content) => element("p", { content })));
  part("files").replaceChildren(...lines(given.files.map(file)));
  part("when").textContent = text("evidence.report.when", { time: given.time });
  part("proven-title").hidden = proven.length === 0;
  part("proven").replaceChildren(...lines(proven));
  part("unproven").replaceChildren(...lines(unproven));
  const answers = Object.values(report.layers);
  part("layers").replaceChildren(...layers.map((layer, at) => layerItem(layer, answers[at])));
  part("steps").replaceChildren(...steps.map((step, at) => stepItem(step, report.steps[at].outcome.result)));
  results.hidden = false;
}

export function hide() {
  results.hidden = true;
}

export const focus = () => results.focus();

const lines = (contents) => contents.map((content) => element("li", { content }));
const answer = (content) => element("span", { className: "outcome", content });

/** A file that was checked, or an account that was typed, as one line. */
function file({ key, name, size, digest, account }) {
  const what = text(key);
  if (account !== undefined) return text("evidence.report.account", { what, account });
  return text(digest ? "evidence.report.file_digest" : "evidence.report.file", { what, name, size, digest });
}

const layerItem = ([name, said], result) =>
  element("li", { className: result }, element("span", { content: name }), answer(said));

function stepItem({ title, answer: said, text: content, details }, result) {
  const head = element("div", { className: "head" }, element("strong", { content: title }), answer(said));
  const made = element("li", { className: result }, head, element("p", { className: "said", content }));
  if (details.length) made.append(element("ul", {}, ...lines(details)));
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
