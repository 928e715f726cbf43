// Files that are one guessable value and nothing else: the service's own rules are sandbox/low_entropy.py.
const LONGEST = 256;
const LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE";
const control = (digits) => LETTERS[Number(digits) % 23];

const TESTS = [
  (_, plain) => /^\d{8}[A-Z]$/.test(plain) && control(plain.slice(0, 8)) === plain[8],
  (_, plain) => /^[XYZ]\d{7}[A-Z]$/.test(plain) && control("XYZ".indexOf(plain[0]) + plain.slice(1, 8)) === plain[8],
  (_, plain) => /^[ABCDEFGHJNPQRSUVW]\d{7}[0-9A-J]$/.test(plain),
  (_, plain) => /^[A-Z]{4}[01]\d{9}$/.test(plain),
  (_, plain) => /^ES\d{22}$/.test(plain),
  (value) => /^[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}$/.test(value),
  (value) => /^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})$/.test(value),
  (_, plain) => /^(\+34|0034)?[6789]\d{8}$/.test(plain),
  (_, plain) => /^\d{4}[BCDFGHJKLMNPRSTVWXYZ]{3}$/.test(plain),
  (_, plain) => /^\d{1,12}$/.test(plain),
  (value) => value.length <= 4,
];

/** Whether the whole content of a file is a value that whoever sees its digest can find by trying. */
export async function isGuessable(file) {
  if (file.size > LONGEST) return false;
  const value = (await file.text()).replace(/^[\s\uFEFF'"]+|[\s\uFEFF'"]+$/g, "");
  const plain = value.replace(/[\s.\-/]/g, "").toUpperCase();
  return value !== "" && TESTS.some((test) => test(value, plain));
}
