// The keyboard.

const keysEnabled = preference("keys", "on");

const onItem = (action) => () => { if (desk.at !== null) action(desk.at); };

const KEYS = [
  ...CHOICES.map(({ verdict, key, digit }) => ({
    keys: [key, digit], text: data.definition.choices[verdict].name, action: onItem((id) => decide(id, verdict)),
  })),
  { keys: ["B", "ArrowLeft"], text: "Back", action: () => step(-1) },
  { keys: ["F", "ArrowRight"], text: "Forward", action: () => step(1) },
  { keys: ["G"], text: "Go to the next open response", action: nextOpen },
  { keys: ["Z"], text: "Undo the last label", action: undo },
  { keys: ["T"], text: "Write a note; Escape leaves it", action: onItem(openNote) },
  { keys: ["V"], text: "Switch between one at a time and by question", action: toggleView },
  { keys: ["W"], text: "Start or end the review of the unsure ones", action: review },
  { keys: ["D"], text: "Show or hide the definition", action: toggleDefinition },
  { keys: ["X"], text: "Export", action: exportLabels },
  { keys: ["?"], text: "This list", action: () => byId("keys").showModal() },
];

const KEY_SIGNS = { ArrowLeft: "←", ArrowRight: "→" };

function onKey(event) {
  // a key that is held down must not label one response after the other
  const unwanted = event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing;
  const typing = event.target.closest?.("textarea, input, dialog");
  if (unwanted || typing || session.person === null || keysEnabled.get() !== "on") return;
  const pressed = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const binding = KEYS.find(({ keys }) => keys.includes(pressed));
  if (binding === undefined) return;
  event.preventDefault();
  binding.action();
}

function toggleDefinition() {
  const panel = byId("definition");
  panel.open = !panel.open;
  if (panel.open) byId("definition-title").focus();
  else byId(`heading-${desk.at}`)?.focus();
}

function listKeys() {
  const sign = (key) => element("kbd", {}, KEY_SIGNS[key] ?? key);
  const row = ({ keys, text }) =>
    element("tr", {}, element("th", { scope: "row" }, sign(keys[0]), ...keys.slice(1).flatMap((key) => [" or ", sign(key)])), element("td", {}, text));
  byId("keys-body").append(...KEYS.map(row));
  byId("keys-enabled").checked = keysEnabled.get() === "on";
  byId("keys-enabled").addEventListener("change", (event) => keysEnabled.set(event.target.checked ? "on" : "off"));
}
