// Revisions of a PDF (ISO 32000-1, 7.5.6): the earlier states that an incremental update leaves in the file
// (sandbox/evidence/pdf.py; the same pieces and the same overlap, so that the same ends are found).
import { algorithm } from "./digest.js";
import { MalformedEvidence } from "./errors.js";
import { PIECE, pieces } from "./files.js";

const MAX_REVISIONS = 1000;
const HEADER_WINDOW = 1024;
const END = /startxref[\0\t\n\f\r ]+([0-9]{1,20})[\0\t\n\f\r ]+%%EOF(\r\n|\r|\n)?/g;
const OVERLAP = 256; // longer than any match that is not padded on purpose

/** [{end, digests}] of each revision: the digests that a file which ended there could have, up to three. */
export async function revisionDigests(blob, slug, onProgress = () => {}) {
  const ends = await revisionEnds(blob);
  if (ends.length === 0) return [];
  const cuts = ends.flatMap(({ bare, end }) => Array.from({ length: end - bare + 1 }, (_, more) => bare + more));
  const state = algorithm(slug).create();
  const at = new Map();
  for await (const [start, piece] of pieces(blob)) {
    let used = 0;
    while (cuts.length && cuts[0] <= start + piece.length) {
      const cut = cuts.shift();
      state.update(piece.subarray(used, cut - start));
      used = cut - start;
      at.set(cut, state.clone().digest());
    }
    state.update(piece.subarray(used));
    onProgress(start + piece.length, blob.size);
  }
  return ends.map(({ bare, end }) => ({
    end,
    digests: Array.from({ length: end - bare + 1 }, (_, more) => at.get(bare + more)),
  }));
}

/** Of each revision, the offsets right after its %%EOF (`bare`) and after that line's end (`end`). */
export async function revisionEnds(blob) {
  const found = [];
  let window = "";
  let base = 0;
  let lastEnd = 0;
  for await (const [start, piece] of pieces(blob)) {
    window += new TextDecoder("x-user-defined").decode(piece); // a character per byte, ASCII as it is
    if (start === 0 && !window.slice(0, HEADER_WINDOW).includes("%PDF-")) return [];
    const isLast = start + PIECE >= blob.size;
    const limit = isLast ? window.length : window.length - OVERLAP;
    for (const match of window.matchAll(END)) {
      if (match.index >= limit || base + match.index < lastEnd) continue;
      lastEnd = base + match.index + match[0].length;
      if (/^0+$/.test(match[1])) continue; // the first part of a linearised file is no revision
      if (found.length === MAX_REVISIONS) {
        throw new MalformedEvidence(`more than ${MAX_REVISIONS} revisions: not an incrementally updated PDF`);
      }
      found.push({ bare: lastEnd - (match[2]?.length ?? 0), end: lastEnd });
    }
    const kept = isLast ? "" : window.slice(Math.max(0, limit));
    base += window.length - kept.length;
    window = kept;
  }
  return found;
}
