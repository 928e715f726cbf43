// Does a document match a digest: as it is, as an earlier revision of a PDF, or not at all
// (sandbox/evidence/document.py).
import { same } from "./bytes.js";
import { digestFile } from "./files.js";
import { revisionDigests } from "./pdf.js";

/** A file (or any Blob), read as seldom as may be: each digest is computed once. */
export class Document {
  constructor(blob, onProgress = () => {}) {
    this.blob = blob;
    this.onProgress = onProgress;
    this.digests = new Map();
    this.revisions = new Map();
  }

  /** Compute the digests by these algorithms, in one reading. */
  async prepare(slugs) {
    const missing = [...new Set(slugs)].filter((slug) => !this.digests.has(slug));
    if (missing.length === 0) return;
    for (const [slug, digest] of await digestFile(this.blob, missing, this.onProgress)) this.digests.set(slug, digest);
  }

  async digest(slug) {
    await this.prepare([slug]);
    return this.digests.get(slug);
  }

  async revisionDigests(slug) {
    if (!this.revisions.has(slug)) {
      this.revisions.set(slug, await revisionDigests(this.blob, slug, this.onProgress));
    }
    return this.revisions.get(slug);
  }
}

export const NO_REVISION = { revision: 0, revisions: 0, end: 0, states: [], tail: 0 };

/**
 * {actual, exact, revision, revisions, end, states, tail}: the document's own digest, and whether it is the expected
 * one, or revision i of k (from 1; 0 is none) is, which then has its first `end` bytes. `states` are all k of them as
 * {end, digest, notarised}, and `tail` is how many bytes belong to none. What a revision added is not read here.
 * With several expected digests, all must be of the same bytes.
 */
export async function match(document, [expected, ...also]) {
  await document.prepare([expected, ...also].map((digest) => digest.algorithm));
  const found = await matchOne(document, expected);
  for (const other of also) {
    if (!found.exact && !found.revision) break;
    const second = await matchOne(document, other);
    if (second.exact !== found.exact || second.revision !== found.revision || second.end !== found.end) {
      return { actual: second.actual, exact: false, ...NO_REVISION };
    }
  }
  return found;
}

async function matchOne(document, expected) {
  const actual = await document.digest(expected.algorithm);
  if (actual.equals(expected)) return { actual, exact: true, ...NO_REVISION };
  const revisions = await document.revisionDigests(expected.algorithm);
  const at = revisions.findIndex(({ digests }) => digests.some((digest) => same(digest, expected.value)));
  if (at < 0) return { actual, exact: false, ...NO_REVISION };
  const states = revisions.map(({ end, digests }, position) => {
    const longest = digests.length - 1;
    // the notarised one may have ended before the end of line that the next one completed
    const chosen = position === at ? digests.findIndex((digest) => same(digest, expected.value)) : longest;
    return { end: end - (longest - chosen), digest: digests[chosen], notarised: position === at };
  });
  const tail = document.blob.size - revisions.at(-1).end;
  return { actual, exact: false, revision: at + 1, revisions: revisions.length, end: states[at].end, states, tail };
}
