// What was found. The responses and the printed figures are only read when somebody asks for them.

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

/** Do something the first time that an element comes near the window, or is about to be printed. */
function whenNear(node, act) {
  const observer = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) start();
  }, { rootMargin: "800px" });
  const start = () => {
    observer.disconnect();
    window.removeEventListener("beforeprint", start);
    act();
  };
  observer.observe(node);
  window.addEventListener("beforeprint", start);
}
