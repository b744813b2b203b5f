// What was found. The printed figures are only read when somebody asks for them.

const data = JSON.parse(byId("data").textContent);

/** A part of the page's data that is parsed once, at its first use. */
function later(id) {
  let value;
  return () => (value === undefined ? (value = JSON.parse(byId(id).textContent)) : value);
}

const responses = later("responses");
const printed = later("figures");

let labeled = 0;

/** A control under a label of its own. */
function withLabel(title, control, attributes = {}) {
  labeled += 1;
  control.id = `control-${labeled}`;
  return element("div", { class: "chooser", ...attributes }, element("label", { for: control.id }, title), control);
}
