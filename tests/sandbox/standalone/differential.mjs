// Answers each vector (a line on stdin: see vectors.py) with a line: what the page's modules say of it, and in each
// language. The first line is the texts of the languages.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const modules = pathToFileURL(`${process.argv[2]}/`);
const load = (name) => import(new URL(`${name}.js`, modules));
const [{ answer }] = await Promise.all([load("answer")]);

let texts = null;
for await (const line of createInterface({ input: process.stdin })) {
  if (texts === null) {
    texts = JSON.parse(line);
    continue;
  }
  const [, document, receipt, trust, policy, asOf, bodies] = JSON.parse(line);
  const bytes = [document, receipt, trust].map((text) => new Uint8Array(Buffer.from(text, "base64")));
  console.log(JSON.stringify(await answer(texts, ...bytes, policy, asOf, bodies)));
}
