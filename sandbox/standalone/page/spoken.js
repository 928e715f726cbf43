// A report in the words of a catalogue: what a person reads (sandbox/evidence/spoken.py). The report itself has no language.

/** The blanks of messages that hold a word of ours, or several of them with commas, and no name, number or digest. */
const WORDS = new Set(["step", "steps", "status", "kind", "what"]);
/** A report's first step → what no report of its kind proves, whatever its steps found. */
const LIMITS = {
  "document-digest": ["content", "signer", "code", "fork"],
  "act-digest": ["accounts", "keys", "later-steps", "code", "fork", "stated-time", "algorithms"],
};

/** Names in a receipt are its writer's: nothing in them may change how the page reads. */
export const printable = (said) => said.replace(/[\p{C}\p{Z}]/gu, (character) => (character === " " ? " " : "\ufffd"));

/**
 * {verdict, flags, proven, unproven, layers, steps} of a report, by a map of texts. `proven` is empty where a step failed:
 * what was found before it then proves nothing.
 */
export function speak(report, texts) {
  return {
    verdict: verdictOf(report, texts),
    flags: report.flags.map(({ name, outcome }) =>
      fill(text(texts, "evidence.report.flag"), { step: text(texts, `evidence.step.${name}`), text: said(outcome, texts) }),
    ),
    proven: provenBy(report, texts),
    unproven: unprovenBy(report, texts),
    layers: Object.entries(report.layers).map(([layer, found]) => [
      text(texts, `evidence.layer.${layer}`), text(texts, `evidence.result.${found}`),
    ]),
    steps: report.steps.map((step) => stepOf(step, texts)),
  };
}

function verdictOf(report, texts) {
  const required = ranges(report.steps.filter((step) => step.required).map(({ number }) => number));
  const stopped = report.steps.find(({ name }) => name === report.failedStep);
  const verdict = stopped
    ? fill(text(texts, "evidence.report.not_met"), {
        step: text(texts, `evidence.step.${stopped.name}`), text: said(stopped.outcome, texts), required,
      })
    : fill(text(texts, "evidence.report.met"), { required });
  const count = report.steps.filter(({ outcome }) => outcome.result === "not_checked").length;
  return `${verdict} ${fill(text(texts, "evidence.report.unchecked"), { count })}`;
}

const hasFailed = ({ steps }) => steps.some(({ outcome }) => outcome.result === "failed");

/** A sentence for each passed step that has one, with the step's number. */
function provenBy(report, texts) {
  if (hasFailed(report)) return [];
  return report.steps
    .filter(({ outcome: { result, key } }) => result === "passed" && has(texts, `evidence.proven.${key}`))
    .map(({ number, outcome: { key, values } }) =>
      fill(text(texts, "evidence.report.see"), { text: filled(text(texts, `evidence.proven.${key}`), values, texts), step: number }),
    );
}

/** A sentence for each step that was not checked and has one, and then what is never proven. */
function unprovenBy(report, texts) {
  if (hasFailed(report)) return [text(texts, "evidence.report.nothing_proven")];
  const found = report.steps
    .filter(({ name, outcome }) => outcome.result === "not_checked" && has(texts, `evidence.unproven.${name}`))
    .map(({ name, number }) =>
      fill(text(texts, "evidence.report.see"), { text: text(texts, `evidence.unproven.${name}`), step: number }),
    );
  return [...found, ...LIMITS[report.steps[0].name].map((name) => text(texts, `evidence.limit.${name}`))];
}

function stepOf({ number, name, required, outcome }, texts) {
  const optional = required ? "" : ` (${text(texts, "evidence.report.optional")})`;
  return {
    title: `${number}. ${text(texts, `evidence.step.${name}`)}${optional}`,
    answer: text(texts, `evidence.result.${outcome.result}`),
    text: said(outcome, texts),
    details: outcome.details.map((each) => said(each, texts)),
  };
}

/** What an outcome, or a line of one, says; the page's own words where it cannot do what the library can. */
function said({ key, values, cause }, texts) {
  const own = `verifier.message.${key}`;
  const reason = values.reason === undefined ? {} : { reason: because(values.reason, cause, texts) };
  return filled(text(texts, has(texts, own) ? own : `evidence.message.${key}`), { ...values, ...reason }, texts);
}

/** Why a step failed, in words of the catalogue where it has them; else the verifier's own sentence, which is English. */
function because(reason, cause, texts) {
  if (cause && has(texts, `evidence.reason.${cause.key}`)) {
    return filled(text(texts, `evidence.reason.${cause.key}`), cause.values, texts);
  }
  return fill(text(texts, "evidence.report.in_english"), { reason });
}

const filled = (template, values, texts) =>
  fill(template, Object.fromEntries(Object.entries(values).map(([blank, value]) => [blank, printable(word(blank, value, texts))])));

function word(blank, value, texts) {
  if (!WORDS.has(blank) || typeof value !== "string") return String(value);
  return value.split(", ").map((each) => (has(texts, `evidence.word.${each}`) ? texts[`evidence.word.${each}`] : each)).join(", ");
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

const has = (texts, key) => Object.hasOwn(texts, key);

/** The text of a key. A missing one is an Error: the tests look for it. */
export function text(texts, key) {
  if (!has(texts, key)) throw new Error(`no text for ${key}`);
  return texts[key];
}

/** A text with its {blanks} filled. */
export const fill = (template, values) =>
  template.replace(/\{(\w+)\}/g, (blank, name) => (Object.hasOwn(values, name) ? String(values[name]) : blank));
