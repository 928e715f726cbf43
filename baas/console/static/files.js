// Reading the holder's files: always in pieces, always here. No function of this module sends anything.
import { same } from "./bytes.js";
import { Sha256 } from "./sha256.js";

const PIECE = 4 * 1024 * 1024;
const REVISION_END = /startxref[\0\t\n\f\r ]+(\d{1,20})[\0\t\n\f\r ]+%%EOF(\r\n|\r|\n)?/g;
const OVERLAP = 256; // longer than any match that is not padded on purpose
const HEADER_WINDOW = 1024; // a reader looks for %PDF- this far (ISO 32000-1, annex H, note 13)
const MAX_REVISIONS = 1000;

/** The pieces of a Blob, in order; between two of them the page stays alive. */
async function* pieces(blob) {
  for (let start = 0; start < blob.size; start += PIECE) {
    yield new Uint8Array(await blob.slice(start, start + PIECE).arrayBuffer());
  }
}

/**
 * The SHA-256 of a File or Blob. `onProgress(done, total)` counts bytes. Rejects when the file was changed or
 * removed since it was chosen (the browser refuses to read it further).
 */
export async function hashFile(file, onProgress = () => {}) {
  const hash = new Sha256();
  onProgress(0, file.size);
  for await (const piece of pieces(file)) {
    hash.update(piece);
    onProgress(hash.length, file.size);
  }
  if (hash.length !== file.size) throw new Error(`expected ${file.size} bytes, read ${hash.length}`);
  return hash.digest();
}

/**
 * Which revision of a PDF (ISO 32000-1, 7.5.6) has this digest: {revision, of}, or null. What is appended to a PDF,
 * a second signature for instance, keeps every earlier byte: a revision is the file up to the end of an %%EOF line,
 * with its line end, part of it, or without. Reads the file twice: the ends first, then all their digests.
 */
export async function matchingRevision(file, digest) {
  const ends = await revisionEnds(file);
  if (ends.length === 0) return null; // no PDF: nothing to read again
  const cuts = ends.flatMap(({ bare, end }, index) =>
    Array.from({ length: end - bare + 1 }, (_, more) => ({ at: bare + more, revision: index + 1 })),
  );
  const hash = new Sha256();
  for await (const piece of pieces(file)) {
    let used = 0;
    const start = hash.length;
    while (cuts.length > 0 && cuts[0].at <= start + piece.length) {
      const { at, revision } = cuts.shift();
      hash.update(piece.subarray(used, at - start));
      used = at - start;
      if (same(hash.digest(), digest)) return { revision, of: ends.length };
    }
    hash.update(piece.subarray(used));
  }
  return null;
}

/** Of each revision, the offsets right after its %%EOF (`bare`) and after that line's end (`end`). */
async function revisionEnds(file) {
  const ends = [];
  let text = ""; // what may still begin a mark, and the piece after it, a character per byte
  let base = 0; // where it starts in the file
  let lastEnd = 0;
  for await (const piece of pieces(file)) {
    text += new TextDecoder("x-user-defined").decode(piece);
    const whole = base + text.length === file.size;
    if (base === 0 && !text.slice(0, HEADER_WINDOW).includes("%PDF-")) return [];
    const limit = whole ? text.length : text.length - OVERLAP;
    for (const match of text.matchAll(REVISION_END)) {
      const start = base + match.index;
      if (match.index >= limit || start < lastEnd) continue;
      lastEnd = start + match[0].length;
      if (/^0+$/.test(match[1])) continue; // the first part of a linearised file is no revision
      if (ends.length === MAX_REVISIONS) throw new Error(`more than ${MAX_REVISIONS} revisions`);
      ends.push({ bare: lastEnd - (match[2]?.length ?? 0), end: lastEnd });
    }
    const kept = whole ? "" : text.slice(Math.max(0, limit));
    base += text.length - kept.length;
    text = kept;
  }
  return ends;
}
