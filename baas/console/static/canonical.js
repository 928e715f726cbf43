// Canonical JSON (RFC 8785): one value, one spelling. JSON.stringify writes strings and whole numbers as it asks.

/** The canonical text of a JSON value. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

/** The value of canonical JSON text; any other spelling is an Error, as it is for `baas verify`. */
export function parseCanonical(text) {
  const value = JSON.parse(text);
  if (canonical(value) !== text) throw new Error("this JSON is not in its canonical form (RFC 8785)");
  return value;
}
