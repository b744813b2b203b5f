// The response browser: what was answered before and after, side by side, and what every judge said of it.

const PAIRS_AT_ONCE = 12;
const VEILED_CHARACTERS = 240;

class Browser {
  constructor(packed) {
    this.pairs = new Pairs(packed);
    this.packed = packed;
    this.unveiled = packed.open;
    this.list = element("ol", { class: "pairs" });
    this.status = element("p", { class: "status", "aria-live": "polite" });
    this.more = element("button", { type: "button", onclick: () => this.extend() }, "Show more");
    this.controls = this.build();
    this.node = element("div", {}, this.toolbar(), this.list, element("div", { class: "row" }, this.more));
    this.refresh();
  }

  build() {
    const { models, variants, judges, reference, prompts } = this.packed;
    const numbered = (names) => names.map((name, index) => [String(index), name]);
    const categories = [...new Set(prompts.category)].filter(Boolean).sort().map((name) => [name, name]);
    return {
      model: this.select("Model", [["", "All"], ...numbered(models)], ""),
      before: this.select("Before", numbered(variants), "0"),
      after: this.select("After", numbered(variants), String(Math.min(1, variants.length - 1))),
      label: this.select("Prompts", [["", "All"], ["1", "Harmful"], ["0", "Harmless"]], ""),
      category: this.select("Category", [["", "All"], ...categories], ""),
      judge: this.select("Judge", numbered(judges), String(reference)),
      show: this.select("Show", Object.entries(SHOWS).map(([key, { title }]) => [key, title]), "all"),
    };
  }

  select(title, choices, chosen) {
    const options = choices.map(([value, text]) => element("option", { value, selected: value === chosen }, text));
    const select = element("select", { onchange: () => this.refresh() }, ...options);
    return { select, node: withLabel(title, select) };
  }

  toolbar() {
    this.words = element("input", { type: "search", oninput: () => this.refresh() });
    const search = withLabel("Words", this.words);
    this.veil = element("button", { type: "button", hidden: this.packed.open, onclick: () => this.toggleVeil() });
    this.nameVeil();
    return element("div", { class: "tools filters", role: "search", "aria-label": "Responses" },
      ...Object.values(this.controls).map(({ node }) => node), search, this.veil, this.status);
  }

  toggleVeil() {
    this.unveiled = !this.unveiled;
    this.nameVeil();
    this.refresh();
  }

  /** The button says what it will do. */
  nameVeil() {
    this.veil.textContent = `${this.unveiled ? "Cover" : "Show"} responses to harmful prompts`;
  }

  refresh() {
    const chosen = Object.fromEntries(Object.entries(this.controls).map(([key, { select }]) => [key, select.value]));
    this.found = this.pairs.find({ ...chosen, judge: Number(chosen.judge), words: this.words.value });
    this.list.replaceChildren();
    this.status.textContent = `${WHOLE.format(this.found.length)} ${this.found.length === 1 ? "pair" : "pairs"}`;
    this.extend();
  }

  extend() {
    const from = this.list.children.length;
    this.list.append(...this.found.slice(from, from + PAIRS_AT_ONCE).map((pair) => this.card(pair)));
    this.more.hidden = this.list.children.length === this.found.length;
  }

  card({ item, prompt, model, sides }) {
    const { prompts, models, samples } = this.packed;
    const harmful = prompts.harmful[prompt] === 1;
    const tags = [harmful ? "harmful" : "harmless", prompts.category[prompt], models[model]];
    if (samples.length > 1) tags.push(`sample ${samples[item % samples.length]}`);
    const question = element("div", { class: "prompt" }, textBox(prompts.text[prompt]));
    const head = element("p", { class: "tags" }, ...tags.filter(Boolean).map((tag) => element("span", { class: "tag" }, tag)));
    const answers = sides.map((system) => this.answer(system, item, harmful && !this.unveiled));
    return element("li", { class: "pair" }, head, question, element("div", { class: "sides" }, ...answers), this.verdicts(sides, item));
  }

  answer(system, item, veiled) {
    const text = this.pairs.text(system, item);
    const [, variant] = this.packed.systems[system];
    const flag = FLAG_WORDS[this.packed.flags[system][item]];
    const details = [`${this.packed.tokens[system][item]} tokens`, flag].filter(Boolean).join(" · ");
    const head = element("h3", {}, this.packed.variants[variant], " ", element("span", { class: "hint" }, details));
    const holder = element("div", { class: "answer" });
    const open = () => holder.replaceChildren(scrolling(text, this.packed.variants[variant]));
    if (veiled) holder.append(veil(text, open));
    else open();
    return element("div", { class: "side" }, head, holder);
  }

  /** A line per judge: its verdict before and after. */
  verdicts(sides, item) {
    const lines = this.packed.judges.map((name, judge) => {
      const [before, after] = sides.map((system) => badge(this.pairs.verdict(judge, system, item), this.score(judge, system, item)));
      const kind = judge === this.packed.reference ? "reference" : null;
      return element("li", { class: kind }, element("span", { class: "judge" }, name), before, element("span", { class: "arrow" }, "→"), after);
    });
    return element("ul", { class: "verdicts", "aria-label": "Verdicts before and after" }, ...lines);
  }

  score(judge, system, item) {
    return this.packed.scores[judge]?.[system][item] ?? null;
  }
}

function badge(code, score) {
  const probability = score === null ? null : `Probability of refusal: ${score}%`;
  return element("span", { class: `badge verdict-${code === "-" ? "none" : code}`, title: probability }, VERDICT_WORDS[code]);
}

/** The whole text, in a box that scrolls if it is long. */
function scrolling(text, name) {
  const box = textBox(text);
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", `Answer, ${name}`);
  return box;
}

/** The beginning of a text, blurred and out of reach, under a button that shows it. */
function veil(text, open) {
  const blurred = textBox(text.slice(0, VEILED_CHARACTERS));
  blurred.setAttribute("aria-hidden", "true");
  blurred.inert = true;
  const uncover = element("button", { type: "button" }, "Show this answer");
  const cover = element("div", { class: "veil" }, blurred, uncover);
  uncover.addEventListener("click", () => {
    const holder = cover.parentElement;
    open();
    holder.querySelector("[tabindex]").focus();
  });
  return cover;
}

const RESPONSE_NOTES = {
  none: "The texts are not included in this page (report: responses: none). They are in the results, under responses/.",
  collapsed: "Responses to harmful prompts are hidden until you show them.",
  full: "All responses are shown.",
};

/** Build the browser, if the page holds the responses at all. */
function openBrowser() {
  byId("responses-note").textContent = RESPONSE_NOTES[data.responses];
  if (data.responses === "none") return;
  byId("browser").hidden = false;
  byId("browser").replaceChildren(new Browser(responses()).node);
}
