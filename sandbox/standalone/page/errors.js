// What evidence can be refused for; the names are those of sandbox/errors.py.

export class EvidenceError extends Error {}

/** It cannot be read. */
export class MalformedEvidence extends EvidenceError {}

/** It was read, and it does not hold. */
export class VerificationError extends EvidenceError {}

/** The same, for a reason that the catalogue says (`evidence.reason.<key>`), so that it has no sentence of its own. */
export class Because extends VerificationError {
  constructor(key, values = {}) {
    super(key);
    this.cause = { key, values };
  }
}

/** A value as an error shows it: short, and on one line. */
export const shown = (value, length = 80) => {
  const text = typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > length ? `${text.slice(0, length)}…` : text;
};
