// Canonical JSON (RFC 8785), strictly read (sandbox/evidence/canonical.py).
import { fromUtf8, utf8 } from "./bytes.js";
import { MalformedEvidence, shown } from "./errors.js";

export const MAX_DEPTH = 32;

/** The canonical text of a JSON value without fractions. JSON.stringify writes strings and whole numbers as it asks. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "bigint") return canonicalInteger(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

function canonicalInteger(value) {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new MalformedEvidence(`this value has no canonical JSON form: ${value} is beyond 2^53 - 1`);
  }
  return String(value);
}

export const dumps = (value) => utf8(canonical(value));

/**
 * The value whose canonical form `bytes` is; `what` names it in errors. Any other spelling is refused: spaces, escapes,
 * repeated keys (the text that is written again has one of them only), fractions, numbers beyond 2^53 - 1.
 */
export function loads(bytes, what) {
  let text, value;
  try {
    text = fromUtf8(bytes);
    requireShallow(text, what);
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof MalformedEvidence) throw error;
    throw new MalformedEvidence(`${what}: expected canonical JSON (RFC 8785): ${error.message}`);
  }
  requireOrdinary(value, what);
  if (canonical(value) !== text) {
    throw new MalformedEvidence(`${what}: this JSON is not in its canonical form (RFC 8785)`);
  }
  return value;
}

/** Refuse deep nesting before anything recurses over it. */
function requireShallow(text, what) {
  const outsideStrings = text.replaceAll("\\\\", "").replaceAll('\\"', "").split('"').filter((_, at) => at % 2 === 0);
  let depth = 0;
  for (const bracket of outsideStrings.join("").match(/[[\]{}]/g) ?? []) {
    depth += bracket === "[" || bracket === "{" ? 1 : -1;
    if (depth > MAX_DEPTH) throw new MalformedEvidence(`${what}: nested deeper than ${MAX_DEPTH} levels`);
  }
}

/** Refuse what is JSON and has no place in evidence: fractions, unsafe numbers, lone surrogates, keys beyond ASCII. */
function requireOrdinary(value, what) {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new MalformedEvidence(`${what}: only whole numbers up to 2^53 - 1 are allowed, got ${value}`);
  }
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) {
    throw new MalformedEvidence(`${what}: a text holds half a character`);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [name, item] of Object.entries(value)) {
    if (!Array.isArray(value) && !/^[\x00-\x7f]*$/.test(name)) {
      throw new MalformedEvidence(`${what}: a key is not ASCII: ${shown(name)}`);
    }
    requireOrdinary(item, what);
  }
}
