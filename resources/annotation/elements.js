// Building the document, always from text and never from markup.

// The widths at which the style sheet shows the menu, and the definition beside the responses.
const MEDIUM = window.matchMedia("(min-width: 48rem)");
const WIDE = window.matchMedia("(min-width: 70rem)");

function byId(id) {
  return document.getElementById(id);
}

/** A new element; attributes whose name starts with "on" are listeners, and false or null ones are left out. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

function button(text, key, attributes) {
  const shortcut = key ? [" ", element("kbd", { "aria-hidden": "true" }, key)] : [];
  return element("button", { type: "button", "aria-keyshortcuts": key ?? null, ...attributes }, text, ...shortcut);
}

/** Untrusted text in a box of its own, whose direction follows its content and does not leak. */
function textBox(text) {
  const box = element("div", { class: "text", dir: "auto" });
  if (text === "") box.append(element("span", { class: "mark" }, "[empty]"));
  else showText(box, text);
  return box;
}

/** Have a screen reader say something without moving the focus. */
function announce(text) {
  const announcer = byId("announcer");
  announcer.textContent = "";
  setTimeout(() => { announcer.textContent = text; }, 50);
}

/** A notice that stays until it is dismissed; "" takes it away. */
function notify(text) {
  byId("message-text").textContent = text;
  byId("message").hidden = text === "";
}

/** Open a <details> when the window comes to match the query, and close it when it ceases to. */
function openWhile(details, query) {
  const follow = () => { details.open = query.matches; };
  query.addEventListener("change", follow);
  follow();
}

/** A preference kept in the browser; without storage it lasts as long as the page. */
function preference(name, fallback) {
  const key = `steadfast-annotation:${name}`;
  let value = usableStorage()?.getItem(key) ?? fallback;
  return {
    get: () => value,
    set: (next) => { value = next; usableStorage()?.setItem(key, next); },
  };
}
