// Building the document, always from text and never from markup.

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

/** Listen to events of the element with this id. */
const on = (id, type, listener) => byId(id).addEventListener(type, listener);
