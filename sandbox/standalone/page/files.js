// Reading a document in pieces, so that one larger than memory is hashed as any other. Nothing is sent anywhere.
import { algorithm, Digest } from "./digest.js";
import { MalformedEvidence } from "./errors.js";

export const PIECE = 1 << 20;

/** The pieces of a Blob, in order, with their offset; between two of them the page stays alive. */
export async function* pieces(blob, size = PIECE) {
  for (let start = 0; start < blob.size; start += size) {
    yield [start, new Uint8Array(await blob.slice(start, start + size).arrayBuffer())];
  }
}

/**
 * The Blob's digests by several algorithms, in one reading: a Map by slug. `onProgress(done, total)` counts bytes.
 * Rejects when the file was changed or removed since it was chosen (the browser refuses to read it further).
 */
export async function digestFile(blob, slugs, onProgress = () => {}) {
  const states = slugs.map((slug) => [slug, algorithm(slug).create()]);
  let done = 0;
  onProgress(0, blob.size);
  for await (const [, piece] of pieces(blob, 4 * PIECE)) {
    for (const [, state] of states) state.update(piece);
    done += piece.length;
    onProgress(done, blob.size);
  }
  if (done !== blob.size) throw new MalformedEvidence(`expected ${blob.size} bytes, read ${done}`);
  return new Map(states.map(([slug, state]) => [slug, new Digest(slug, state.digest())]));
}
