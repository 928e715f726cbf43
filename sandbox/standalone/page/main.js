// The page: files are chosen or dropped, the document is hashed in pieces, and the report is shown. Nothing is sent:
// the page's own policy forbids it.
import { toHex } from "./bytes.js";
import { Document } from "./document.js";
import { utcText } from "./encoding.js";
import * as encodings from "./encodings.js";
import { EvidenceError } from "./errors.js";
import { digestFile } from "./files.js";
import * as handOver from "./hand_over.js";
import { split } from "./note.js";
import { POLICIES } from "./policy.js";
import { printable } from "./spoken.js";
import { element, LANGUAGES, speakIn, text } from "./texts.js";
import * as trusts from "./trust.js";
import * as view from "./view.js";

const part = (name) => document.getElementById(name);
const status = part("status");
const progress = part("progress");
const submit = part("form").querySelector("button[type=submit]");
const MAX_BYTES = 32 << 20; // more is no receipt, not even as a PDF
const NAMES = { ca: "Català", es: "Castellano", en: "English" };
let shown = null; // the report and what it is of, so that it can be said again in another language
let saying = null; // the status: [key, values, whether it is a problem]

/** A mistake that the person can mend, by its text's key. */
class Shown extends Error {
  constructor(key, values = {}) {
    super(key);
    this.values = values;
  }
}

function say(key, values = {}, problem = false) {
  saying = [key, values, problem];
  status.textContent = key ? text(key, values) : "";
  status.classList.toggle("problem", problem);
}

function chooseLanguage(language) {
  speakIn(language);
  for (const button of part("languages").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.lang === language));
  }
  part("languages").setAttribute("aria-label", text("verifier.page.languages"));
  progress.setAttribute("aria-label", text("verifier.page.progress"));
  if (saying) say(...saying);
  if (shown) view.show(...shown);
}

async function check() {
  const [file] = part("document").files;
  const [receiptFile] = part("receipt").files;
  const [trustFile] = part("trust").files;
  const pasted = part("qr").value;
  if (!file || !(receiptFile || pasted.trim()) || !trustFile) throw new Shown("verifier.page.choose");
  const given = receiptFile ?? new Blob([pasted.trim()]);
  const isHandOver = await askFor(given);
  const bodies = isHandOver ? theBodies() : null;
  const proof = await read(given, isHandOver ? handOver.parse : encodings.read, "verifier.page.not_a_receipt");
  const trust = await read(trustFile, trusts.parse, "verifier.page.not_a_trust_root");
  progress.hidden = false;
  const started = performance.now();
  const holder = new Document(file, (done, total) => {
    progress.max = Math.max(total, 1);
    progress.value = done;
  });
  const report = isHandOver
    ? await handOver.verify(proof, holder, trust, bodies)
    : await encodings.verify(holder, proof, trust, demanded());
  const seconds = (performance.now() - started) / 1000;
  const checked = [
    checkedFile("evidence.given.document", file, holder.digests.get("sha-256")),
    checkedFile("evidence.given.receipt", given, await sha256(given)),
    checkedFile("evidence.given.trust", trustFile, await sha256(trustFile)),
    ...(isHandOver ? accounts() : []),
  ];
  const time = utcText(BigInt(Date.now()));
  return { report, given: { files: checked, time }, files: isHandOver ? [] : elsewhere(proof, trust), seconds };
}

const sha256 = async (blob) => (await digestFile(blob, ["sha-256"])).get("sha-256");

/** What the report says of a file; what was pasted has no name. */
const checkedFile = (key, { name = "QR", size }, digest) => ({ key, name, size, digest: digest && toHex(digest.value) });

const accounts = () =>
  ["offered-by", "offered-to"].map((id) => ({
    key: `evidence.given.${id.replace("-", "_")}`,
    account: part(id).value.toLowerCase(),
  }));

/** Whether this is evidence of a hand-over. Then the two bodies are asked for, and not what is demanded of a receipt. */
async function askFor(blob) {
  const isHandOver = blob.size <= MAX_BYTES && handOver.isOne(new Uint8Array(await blob.arrayBuffer()));
  part("bodies").hidden = !isHandOver;
  part("options").hidden = isHandOver;
  return isHandOver;
}

function theBodies() {
  try {
    return new handOver.Bodies(part("offered-by").value, part("offered-to").value);
  } catch (error) {
    if (error instanceof EvidenceError) throw new Shown("verifier.page.needs_bodies", { reason: error.message });
    throw error;
  }
}

function demanded() {
  const asOf = part("as-of").value;
  const asOfMs = asOf ? BigInt(Date.parse(`${asOf}T23:59:59Z`)) : null;
  return { required: POLICIES[part("policy").value], asOfMs };
}

async function read(blob, parse, complaint) {
  if (blob.size > MAX_BYTES) throw new Shown(complaint, { reason: `${blob.size} > ${MAX_BYTES} bytes` });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  try {
    return await parse(bytes);
  } catch (error) {
    if (error instanceof EvidenceError) throw new Shown(complaint, { reason: printable(error.message) });
    throw error;
  }
}

/** What a reader takes to openssl: this page reads no time-stamp tokens. */
function elsewhere({ content: receipt }, trust) {
  if (!receipt.timestamps?.length) return [];
  return [
    { name: "checkpoint.txt", content: split(receipt.checkpoint).text },
    ...receipt.timestamps.map((content, at) => ({ name: `token-${at + 1}.tsr`, content })),
    ...trust.timestampRoots.map(({ certificatePem }, at) => ({ name: `root-${at + 1}.pem`, content: certificatePem })),
  ];
}

part("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  submit.disabled = true;
  shown = null;
  view.hide();
  say("verifier.page.working");
  try {
    const { report, given, files, seconds } = await check();
    shown = [report, given];
    view.show(report, given);
    view.offer(files);
    say("verifier.page.done", { seconds: seconds.toFixed(1) });
    view.focus();
  } catch (error) {
    if (error instanceof Shown) say(error.message, error.values, true);
    else say("verifier.page.unreadable", { reason: printable(String(error.message)) }, true);
  } finally {
    progress.hidden = true;
    submit.disabled = false;
  }
});

part("print").addEventListener("click", () => window.print());

/** A file that has gone since it was chosen is said when it is checked. */
part("receipt").addEventListener("change", ({ target: { files } }) => {
  if (files.length) askFor(files[0]).catch(() => {});
});

/** A file dropped on a field is chosen in it. */
for (const field of document.querySelectorAll(".drop")) {
  const input = field.querySelector("input[type=file]");
  field.addEventListener("dragover", (event) => {
    event.preventDefault();
    field.classList.add("over");
  });
  field.addEventListener("dragleave", () => field.classList.remove("over"));
  field.addEventListener("drop", (event) => {
    event.preventDefault();
    field.classList.remove("over");
    if (event.dataTransfer.files.length === 0) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change"));
  });
}

for (const language of LANGUAGES) {
  const button = element("button", { type: "button", lang: language, content: NAMES[language] });
  button.addEventListener("click", () => chooseLanguage(language));
  part("languages").append(button);
}
chooseLanguage(LANGUAGES[0]);
