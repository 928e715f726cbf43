// Reading the holder's files: always in pieces, always here. No function of this module sends anything.
import { same } from "./bytes.js";
import { Sha256 } from "./sha256.js";

const PIECE = 4 * 1024 * 1024;
const MARK = Uint8Array.from("%%EOF", (character) => character.charCodeAt(0));

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
 * Which revision of a PDF has this digest: {revision, of}, or null. Signing a PDF again appends to it, so an
 * earlier revision is the file up to one of its %%EOF marks (with the line end after it, or without).
 */
export async function matchingRevision(file, digest) {
  if ((await file.slice(0, 5).text()) !== "%PDF-") return null;
  const marks = await markEnds(file);
  for (const [index, end] of marks.entries()) {
    const after = new Uint8Array(await file.slice(end, end + 2).arrayBuffer());
    const lineEnd = after[0] === 13 && after[1] === 10 ? 2 : Number(after[0] === 10 || after[0] === 13);
    for (const length of new Set([end + lineEnd, end])) {
      if (length < file.size && same(await hashFile(file.slice(0, length)), digest)) {
        return { revision: index + 1, of: marks.length };
      }
    }
  }
  return null;
}

/** The offsets just after each %%EOF. */
async function markEnds(file) {
  const ends = [];
  let matched = 0; // bytes of the mark seen so far, across pieces
  let offset = 0;
  for await (const piece of pieces(file)) {
    for (const byte of piece) {
      offset += 1;
      // "%%%EOF": after a third % two of them still count; after any other byte at most a new beginning does
      if (byte === MARK[matched]) matched += 1;
      else if (!(byte === MARK[0] && matched === 2)) matched = Number(byte === MARK[0]);
      if (matched === MARK.length) {
        ends.push(offset);
        matched = 0;
      }
    }
  }
  return ends;
}
