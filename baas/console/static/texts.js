// The page's own texts, in its language: the server writes them into <template id="texts">, one element per key.

const texts = new Map();
for (const element of document.querySelectorAll("#texts")) {
  for (const item of element.content.querySelectorAll("[data-key]")) texts.set(item.dataset.key, item.textContent);
}

/** The text of a key, its {blanks} filled with `values`. A missing key is an Error: the tests look for it. */
export function text(key, values = {}) {
  if (!texts.has(key)) throw new Error(`no text for ${key} on this page`);
  return texts.get(key).replace(/\{(\w+)\}/g, (blank, name) => String(values[name] ?? blank));
}

/** A new element with text content and classes; children are appended. Text is never parsed as HTML. */
export function element(name, { className = "", content = "", ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (content) made.textContent = content;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
