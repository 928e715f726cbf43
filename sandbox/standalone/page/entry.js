// Entries: the leaves of a log (sandbox/evidence/entry.py).
import { utf8 } from "./bytes.js";
import { canonical } from "./canonical.js";
import { MalformedEvidence, shown } from "./errors.js";
import * as fields from "./fields.js";
import { HASH_SIZE, leafHash } from "./merkle.js";

const KINDS = new Set([
  "genesis", "notarise", "create", "supersede", "amend", "rectify", "revoke", "erase",
]);
const COMMITS = new Set(["notarise", "create", "supersede", "amend", "rectify"]);
const REFERS = new Set(["supersede", "amend", "rectify", "revoke", "erase"]);
const NAMES = ["v", "kind", "commitment", "refers_to", "reason"];

/** {json, kind, commitment, refersTo, reason, leafHash} of a JSON object; all five keys, and no other. */
export function fromJson(value, what = "entry") {
  const found = fields.record(value, what, NAMES);
  fields.constant(found.v, `${what}.v`, 1);
  const kind = fields.text(found.kind, `${what}.kind`);
  const commitment =
    found.commitment === null
      ? null
      : fields.hexadecimal(found.commitment, `${what}.commitment`, { length: HASH_SIZE });
  const refersTo = found.refers_to === null ? null : fields.integer(found.refers_to, `${what}.refers_to`);
  const reason = found.reason === null ? null : fields.text(found.reason, `${what}.reason`);
  if (!KINDS.has(kind)) throw new MalformedEvidence(`entry: unknown kind ${shown(kind, 40)}`);
  if (commitment === null && COMMITS.has(kind)) {
    throw new MalformedEvidence(`entry: kind '${kind}' needs a commitment`);
  }
  if ((refersTo !== null) !== REFERS.has(kind)) {
    const need = REFERS.has(kind) ? "needs" : "cannot have";
    throw new MalformedEvidence(`entry: kind '${kind}' ${need} refers_to, got ${refersTo}`);
  }
  if (reason !== null && !/^[a-z][a-z0-9_-]{0,63}$/.test(reason)) {
    throw new MalformedEvidence(`entry: a reason is a slug of at most 64 characters, got ${shown(reason)}`);
  }
  if (kind === "genesis" && (commitment !== null || reason !== null)) {
    throw new MalformedEvidence("entry: the genesis entry has neither commitment nor reason");
  }
  return { json: found, kind, commitment, refersTo, reason, leafHash: leafHash(utf8(canonical(found))) };
}
