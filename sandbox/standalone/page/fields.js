// Strict reading of a JSON record: expected keys only, each value of its type (sandbox/evidence/fields.py).
import { fromHex } from "./encoding.js";
import { MalformedEvidence, shown } from "./errors.js";

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** `value` as an object with the keys `names`, perhaps some of `optional`, and no other. */
export function record(value, what, names, optional = []) {
  if (!isObject(value)) throw new MalformedEvidence(`${what}: expected an object, got ${shown(value, 40)}`);
  const missing = names.filter((name) => !Object.hasOwn(value, name));
  if (missing.length) throw new MalformedEvidence(`${what}: missing ${missing.sort().join(", ")}`);
  const unknown = Object.keys(value).filter((name) => !names.includes(name) && !optional.includes(name));
  if (unknown.length) {
    const expected = [...names, ...optional].join(", ");
    throw new MalformedEvidence(`${what}: unknown ${unknown.sort().join(", ")}; expected only ${expected}`);
  }
  return value;
}

/** As `record`, for a whole file, which says its own type and version. */
export function file(value, what, { type, version, names, optional = [] }) {
  if (isObject(value) && typeof value.type === "string" && value.type !== type) {
    throw new MalformedEvidence(
      `${what}: expected a file of type '${type}', got one of type ${shown(value.type, 40)}: give each file in its own place`,
    );
  }
  const found = record(value, what, names, optional);
  constant(found.v, `${what}.v`, version);
  constant(found.type, `${what}.type`, type);
  return found;
}

export function array(value, what) {
  if (!Array.isArray(value)) throw new MalformedEvidence(`${what}: expected a list, got ${shown(value, 40)}`);
  return value;
}

/** A list that is there only where it holds something. */
export function some(value, what) {
  if (array(value, what).length) return value;
  throw new MalformedEvidence(`${what}: expected something in the list, or no such key`);
}

export function text(value, what) {
  if (typeof value !== "string") throw new MalformedEvidence(`${what}: expected text, got ${shown(value, 40)}`);
  return value;
}

export function integer(value, what, minimum = 0) {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new MalformedEvidence(`${what}: expected a whole number of at least ${minimum}, got ${shown(value, 40)}`);
  }
  return value;
}

export const hexadecimal = (value, what, options) => fromHex(text(value, what), what, options);

export function constant(value, what, expected) {
  if (value !== expected) throw new MalformedEvidence(`${what}: expected ${shown(expected)}, got ${shown(value, 40)}`);
}
