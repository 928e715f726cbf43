// The page "make evidence of a document": the files are hashed here; only their digests are sent.
import { toHex } from "./bytes.js";
import { hashFile } from "./files.js";
import { isGuessable } from "./guessable.js";
import { element, text } from "./texts.js";

const form = document.querySelector("#notarise-form");
const button = form.querySelector("button[type=submit]");
const status = document.querySelector("#notarise-status");
const rows = document.querySelector("#notarise-files");
const POLL_MILLISECONDS = 1000;
const POLL_ROUNDS = 120;
let documents = []; // [{file, digest, row, cell}], in the order of the choice
let choice = 0; // counts choices: what an older one still computes is dropped
let attempt = null; // idempotency key of this set of documents: sending it twice makes no second evidence

form.elements.documents.addEventListener("change", prepare);
form.addEventListener("submit", send);

async function prepare() {
  const own = (choice += 1);
  button.disabled = true;
  attempt = toHex(crypto.getRandomValues(new Uint8Array(16)));
  documents = Array.from(form.elements.documents.files, (file) => ({ file, ...addRow(file) }));
  rows.querySelector("tbody").replaceChildren(...documents.map(({ row }) => row));
  rows.hidden = documents.length === 0;
  say(documents.length ? text("console.notarise.hashing") : "");
  let unreadable = 0;
  let guessable = 0;
  for (const item of documents) {
    try {
      if (await isGuessable(item.file)) {
        guessable += 1;
        item.cell.textContent = "";
        item.state.textContent = text("console.notarise.guessable");
        continue;
      }
      item.digest = await hashFile(item.file, (done, total) => {
        item.progress.max = Math.max(total, 1);
        item.progress.value = done;
      });
      item.cell.replaceChildren(element("code", { className: "digest", content: toHex(item.digest) }));
      item.state.textContent = text("console.notarise.ready");
    } catch {
      unreadable += 1;
      item.cell.textContent = "";
      item.state.textContent = text("console.notarise.changed");
    }
    if (own !== choice) return;
  }
  if (own !== choice) return;
  button.disabled = documents.length === 0 || unreadable + guessable > 0;
  if (guessable) say(text("console.notarise.choose_other"), true);
  else say(unreadable ? text("console.notarise.choose_again") : text("console.notarise.hashed"), unreadable > 0);
}

function addRow(file) {
  const progress = element("progress", { value: "0", max: "1", "aria-label": text("console.notarise.hashing") });
  const cell = element("td", {}, progress);
  const state = element("td", { className: "state", content: text("console.notarise.waiting") });
  const row = element("tr", {}, element("th", { scope: "row", content: file.name }), cell, state);
  return { row, cell, state, progress };
}

async function send(event) {
  event.preventDefault();
  button.disabled = true;
  say(text("console.notarise.sending"));
  try {
    const sent = documents;
    const { notarisations } = await post("/console/notarise", {
      administration: form.elements.administration.value,
      documents: sent.map(({ digest }) => ({
        algorithm: "sha-256",
        digest: toHex(digest),
        // for a new version; then one document alone can be chosen
        ...(form.elements.supersedes && { supersedes: form.elements.supersedes.value }),
      })),
    });
    form.elements.documents.disabled = true;
    const waiting = notarisations.map(({ id, state }, index) => ({ id, state, item: sent[index] }));
    await follow(waiting);
    say(text(waiting.every(({ state }) => state === "anchored") ? "console.notarise.done" : "console.notarise.slow"));
  } catch (error) {
    button.disabled = false;
    say(text("console.notarise.failed", { error: error.message }), true);
  }
}

const address = (id) => `/console/notarisations/${encodeURIComponent(id)}`;

/** Show how the notarisations advance, one question at a time, until all are anchored or patience ends. */
async function follow(waiting) {
  waiting.forEach(showState);
  for (let round = 0; round < POLL_ROUNDS; round += 1) {
    const open = waiting.filter(({ state }) => state !== "anchored");
    if (open.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    for (const one of open) {
      one.state = (await json(await ask(`${address(one.id)}.json`))).state;
      showState(one);
    }
  }
}

/** The state's name in its row and, once it is anchored, the receipt. */
function showState({ id, state, item }) {
  item.state.textContent = text(`console.state.${state}`);
  if (state !== "anchored") return;
  const link = element("a", {
    href: `${address(id)}/receipt`,
    download: `${item.file.name}.justificant.json`,
    content: text("console.notarise.receipt"),
  });
  item.state.append(element("br"), link);
}

async function post(path, body) {
  const headers = {
    "Content-Type": "application/json",
    "X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content,
    "Idempotency-Key": attempt,
  };
  return json(await ask(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

/** As fetch; without a connection, an Error with words for the person and not for the developer. */
async function ask(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Error(text("console.notarise.offline"));
  }
}

/** The JSON of a response; of a refusal, an Error with the problem's own words (RFC 9457). */
async function json(response) {
  const value = await response.json().catch(() => null);
  if (!response.ok || value === null) {
    throw new Error(value?.detail ?? value?.title ?? text("console.notarise.status", { status: response.status }));
  }
  return value;
}

function say(message, problem = false) {
  status.textContent = message;
  status.classList.toggle("problem", problem);
}
