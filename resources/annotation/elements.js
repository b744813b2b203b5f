// Parts of this page: buttons with keys, notices, and what opens with the width of the window.

// The widths at which the style sheet shows the menu, and the definition beside the responses.
const MEDIUM = window.matchMedia("(min-width: 48rem)");
const WIDE = window.matchMedia("(min-width: 70rem)");

function button(text, key, attributes) {
  const shortcut = key ? [" ", element("kbd", { "aria-hidden": "true" }, key)] : [];
  return element("button", { type: "button", "aria-keyshortcuts": key ?? null, ...attributes }, text, ...shortcut);
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
