// The page's texts, in three languages: they stand in the page itself, as JSON.

const texts = JSON.parse(document.getElementById("texts").textContent);
export const LANGUAGES = ["ca", "es", "en"];
let language = LANGUAGES[0];

export function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  document.title = text("verifier.page.title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
}

export const has = (key) => Object.hasOwn(texts[language], key);

/** The text of a key, its {blanks} filled. A missing key is an Error: the tests look for it. */
export function text(key, values = {}) {
  if (!has(key)) throw new Error(`no text for ${key}`);
  return texts[language][key].replace(/\{(\w+)\}/g, (blank, name) =>
    Object.hasOwn(values, name) ? printable(String(values[name])) : blank,
  );
}

/** Names in a receipt are its writer's: nothing in them may change how the page reads. */
export const printable = (said) => said.replace(/[\p{C}\p{Z}]/gu, (character) => (character === " " ? " " : "\ufffd"));

/** A new element with text content; children are appended. Text is never parsed as HTML. */
export function element(name, { className = "", content = "", ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content) made.textContent = content;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
