// What the reader has chosen, kept in the address: "#changes&judge=regex&robustness.label=all". A link reproduces the view.

/** Text of an address; what is not well encoded is taken as it is. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Anchor and choices of an address's part after "#". */
function parsedAddress(hash) {
  const parts = hash.replace(/^#/, "").split("&").filter(Boolean);
  const pairs = parts.filter((part) => part.includes("=")).map((part) => {
    const [name, ...value] = part.split("=");
    return [decoded(name), decoded(value.join("="))];
  });
  return { anchor: decoded(parts.find((part) => !part.includes("=")) ?? ""), choices: new Map(pairs) };
}

class View {
  constructor() {
    this.followers = [];
    this.linked = false;
    Object.assign(this, parsedAddress(window.location.hash));
  }

  /** What was chosen, or null. */
  get(name) {
    return this.choices.get(name) ?? null;
  }

  /** Choose by name; null is as at first. */
  set(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) this.choices.delete(name);
      else this.choices.set(name, value);
    }
    this.write();
    this.tell(Object.keys(changes));
  }

  /** Call back when a choice changes whose name is one of these or begins with the prefix. */
  follow(names, prefix, act) {
    this.followers.push({ concerns: (name) => names.includes(name) || (prefix !== "" && name.startsWith(prefix)), act });
  }

  tell(names) {
    this.followers.filter(({ concerns }) => names.some(concerns)).forEach(({ act }) => act());
  }

  get address() {
    const parts = [...this.choices].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
    return `#${[...(this.anchor === "" ? [] : [encodeURIComponent(this.anchor)]), ...parts].join("&")}`;
  }

  /** A browser that forbids it, or finds it too often, keeps the former address. */
  write() {
    try {
      window.history.replaceState(null, "", this.address);
    } catch {
      // what was chosen is on the page all the same
    }
  }

  /** The address has changed: by a link of the page, which keeps what it does not name, or by the reader, who means all of it. */
  move() {
    const { anchor, choices } = parsedAddress(window.location.hash);
    const before = this.choices;
    this.choices = this.linked ? new Map([...before, ...choices].filter(([name]) => choices.get(name) !== "")) : choices;
    this.anchor = anchor;
    if (this.linked) this.write();
    this.linked = false;
    const names = new Set([...before.keys(), ...this.choices.keys()]);
    this.tell([...names].filter((name) => before.get(name) !== this.choices.get(name)));
  }

  /** Watch the address, and then call back. */
  watch(moved) {
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href^='#']");
      if (link && link.hash !== window.location.hash) this.linked = true;
    });
    window.addEventListener("hashchange", () => { this.move(); moved(); });
  }

  // the choices that concern the whole page

  /** Whether controls and baselines are shown. */
  get asides() {
    return this.get("controls") === "shown";
  }

  /** The judge by whom everything is shown that is shown by one. */
  get judge() {
    const chosen = this.get("judge");
    return data.view.judges.some(({ key }) => key === chosen) ? chosen : data.view.reference;
  }

  /** The model that the page is about, or null for all. */
  get model() {
    return data.view.models.find(({ key }) => key === this.get("model")) ?? null;
  }
}

const view = new View();
const PAGE_WIDE = ["judge", "controls", "model"];
