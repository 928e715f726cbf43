// Files embedded in the PDFs that the product writes, and in no other (sandbox/evidence/embedded.py).
import { MalformedEvidence } from "./errors.js";
import { revisionEnds } from "./pdf.js";

const MAX_OWN_BYTES = 32 << 20;
const MAX_EMBEDDED_BYTES = 4 << 20;

/** A Map of the embedded files by their names. */
export async function embeddedFiles(data) {
  const what = "receipt's PDF";
  if (data.length > MAX_OWN_BYTES) {
    throw new MalformedEvidence(`${what}: at most ${MAX_OWN_BYTES} bytes, got ${data.length}`);
  }
  const text = new TextDecoder("x-user-defined").decode(data); // a character per byte, ASCII as it is
  const ends = await revisionEnds(new Blob([data]));
  if (ends.length !== 1 || ends[0].end !== data.length || !text.startsWith("%PDF-")) {
    throw new MalformedEvidence(`${what}: expected one revision that fills the file, as it was handed out`);
  }
  const pdf = { data, text, places: readPlaces(text, what), what };
  const trailer = text.lastIndexOf("trailer");
  if (trailer < 0) throw new MalformedEvidence(`${what}: expected a trailer`);
  const catalogue = dictionary(pdf, one(/\/Root (\d{1,7}) 0 R/g, text.slice(trailer), `${what}: root`));
  const listed = one(/\/Names <<\/EmbeddedFiles <<\/Names \[([^[\]]*)\]>>>>/g, catalogue, `${what}: embedded files`);
  const leaf = / ?\(([A-Za-z0-9.-]{1,80})\) (\d{1,7}) 0 R/y;
  const found = new Map();
  while (leaf.lastIndex < listed.length) {
    const match = leaf.exec(listed);
    if (match === null || found.has(match[1])) {
      throw new MalformedEvidence(`${what}: cannot read the list of its embedded files`);
    }
    const name = `${what}: file ${match[1]}`;
    const stream = one(/\/EF <<\/F (\d{1,7}) 0 R>>/g, dictionary(pdf, match[2]), name);
    found.set(match[1], await readStream(pdf, stream, name));
  }
  return found;
}

/** The offset of each object by its number, from the one cross-reference table (ISO 32000-1, 7.5.4). */
function readPlaces(text, what) {
  const start = Number(one(/startxref\n(\d{1,10})\n%%EOF\n?$/g, text.slice(-64), `${what}: startxref`));
  const head = /^xref\n0 (\d{1,6})\n/.exec(text.slice(start, start + 32));
  if (head === null) throw new MalformedEvidence(`${what}: expected a plain cross-reference table`);
  const first = start + head[0].length;
  return Array.from({ length: Number(head[1]) }, (_, row) => {
    const line = text.slice(first + 20 * row, first + 20 * row + 20);
    if (!/^\d{10} \d{5} [nf] ?\r?\n$/.test(line)) {
      throw new MalformedEvidence(`${what}: its cross-reference table is damaged`);
    }
    return Number(line.slice(0, 10));
  });
}

/** The dictionary of an object, from after its head to the line that ends it. */
function dictionary({ text, places, what }, number) {
  const head = `${number} 0 obj\n<<\n`;
  const place = places[Number(number)] ?? -1;
  const end = place < 0 ? -1 : text.indexOf("\n>>\n", place);
  if (end < 0 || !text.startsWith(head, place)) {
    throw new MalformedEvidence(`${what}: object ${number} is not where the table says`);
  }
  return text.slice(place + head.length - 1, end + 1);
}

async function readStream(pdf, number, what) {
  const described = dictionary(pdf, number);
  const length = Number(one(/\n\/Length (\d{1,8})\n/g, described, `${what}: length`));
  const start = pdf.places[Number(number)] + `${number} 0 obj\n<<`.length + described.length + ">>\nstream\n".length;
  const content = pdf.data.subarray(start, start + length);
  if (
    pdf.text.slice(start - 10, start) !== ">>\nstream\n" ||
    !pdf.text.startsWith("\nendstream\nendobj\n", start + length)
  ) {
    throw new MalformedEvidence(`${what}: its stream has not the length that it states`);
  }
  const filters = Array.from(described.matchAll(/\n\/Filter ([^\n]*)\n/g), ([, filter]) => filter);
  if (filters.length === 0 && length <= MAX_EMBEDDED_BYTES) return content;
  if (filters.join() !== "/FlateDecode") {
    throw new MalformedEvidence(
      `${what}: expected a plain or deflated stream of at most ${MAX_EMBEDDED_BYTES} bytes`,
    );
  }
  return inflate(content, what);
}

async function inflate(content, what) {
  const plain = new Blob([content]).stream().pipeThrough(new DecompressionStream("deflate"));
  const pieces = [];
  let size = 0;
  try {
    for (const reader = plain.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      size += value.length;
      if (size > MAX_EMBEDDED_BYTES) throw new TypeError("it is too long");
    }
  } catch (error) {
    throw new MalformedEvidence(`${what}: its deflated stream is damaged, cut or too long: ${error.message}`);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

function one(pattern, text, what) {
  const found = [...text.matchAll(pattern)];
  if (found.length !== 1) throw new MalformedEvidence(`${what}: expected it once, found it ${found.length} times`);
  return found[0][1];
}
