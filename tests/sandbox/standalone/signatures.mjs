// Answers each [key, signature, message] in hexadecimal (a line on stdin) with a line: refused key, or whether it holds.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { requireKey, verify } = await import(new URL("ed25519.js", pathToFileURL(`${process.argv[2]}/`)));
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const speaks = (key) => {
  try {
    requireKey(key, "a key");
    return true;
  } catch {
    return false;
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  const [key, signature, message] = JSON.parse(line).map(bytes);
  console.log(JSON.stringify([speaks(key), verify(key, signature, message)]));
}
