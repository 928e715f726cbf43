// The page's texts, in three languages: they stand in the page itself, as JSON.
import { fill, printable, text as textOf } from "./spoken.js";

const texts = JSON.parse(document.getElementById("texts").textContent);
export const LANGUAGES = ["ca", "es", "en"];
let language = LANGUAGES[0];

export function speakIn(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  document.title = text("verifier.page.title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
}

/** The texts of the language that is chosen, by key. */
export const spoken = () => texts[language];

/** The text of a key, its {blanks} filled. A missing key is an Error: the tests look for it. */
export const text = (key, values = {}) =>
  fill(textOf(texts[language], key), Object.fromEntries(Object.entries(values).map(([name, value]) => [name, printable(String(value))])));

/** A new element with text content; children are appended. Text is never parsed as HTML. */
export function element(name, { className = "", content = "", ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content) made.textContent = content;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
