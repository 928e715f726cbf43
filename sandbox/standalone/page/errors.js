// What evidence can be refused for; the names are those of sandbox/errors.py.

export class EvidenceError extends Error {}

/** It cannot be read. */
export class MalformedEvidence extends EvidenceError {}

/** It was read, and it does not hold. */
export class VerificationError extends EvidenceError {}

/** A value as an error shows it: short, and on one line. */
export const shown = (value, length = 80) => {
  const text = typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > length ? `${text.slice(0, length)}…` : text;
};
