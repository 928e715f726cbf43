// Folder manifests (sandbox/evidence/manifest.py): from a file's commitment to the header that was notarised.
import { toHex } from "./bytes.js";
import { dumps } from "./canonical.js";
import { digestBytes } from "./digest.js";
import { Because } from "./errors.js";
import { leafHash, rootOfInclusion } from "./merkle.js";

/** Throws VerificationError unless the file's place leads to the header that was notarised. */
export function requireHeader(place, notarised) {
  const root = rootOfInclusion(leafHash(place.file.commitment), place.index, place.size, place.proof);
  const header = dumps({ root: toHex(root), size: place.size, type: "baas-manifest", v: 1 });
  for (const digest of notarised.digests) {
    if (!digestBytes(header, digest.algorithm).equals(digest)) {
      throw new Because("manifest.other");
    }
  }
}
