// Answers each [key, digest, r, s] in hexadecimal (a line on stdin) with a line: whether the key is one, whether it signed.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { isPoint, verify } = await import(new URL("secp256k1.js", pathToFileURL(`${process.argv[2]}/`)));

for await (const line of createInterface({ input: process.stdin })) {
  const [key, digest, r, s] = JSON.parse(line);
  const point = [key.slice(0, 64), key.slice(64)].map((half) => BigInt(`0x${half}`));
  const bytes = new Uint8Array(Buffer.from(digest, "hex"));
  const holds = verify(...point, bytes, BigInt(`0x${r}`), BigInt(`0x${s}`));
  console.log(JSON.stringify([isPoint(...point), holds]));
}
