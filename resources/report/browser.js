// The response browser: what was answered before and after, side by side, and what every judge said of it.

const PAIRS_AT_ONCE = 12;
const VEILED_CHARACTERS = 240;
const FILTER = "responses.";
const OPENED = "pair";

class Browser {
  constructor(packed) {
    this.pairs = new Pairs(packed);
    this.packed = packed;
    this.unveiled = packed.open;
    this.opened = null;
    this.list = element("ol", { class: "pairs" });
    this.status = element("p", { class: "status", "aria-live": "polite" });
    this.empty = element("div", { class: "empty" }, element("p", {}, "No pair has what was chosen."), element("button", { type: "button", onclick: () => this.clear() }, "Clear the filters"));
    this.more = element("button", { type: "button", onclick: () => this.extend() }, "Show more");
    this.controls = this.build();
    this.node = element("div", {}, this.toolbar(), this.empty, this.list, element("div", { class: "row" }, this.more));
    this.refresh();
    view.follow([...PAGE_WIDE, OPENED], FILTER, () => { if (!this.writing) this.refresh(); });
  }

  /** What can be chosen, by name: title, choices (of keys that stay the same when the run grows), and what is chosen at first. */
  build() {
    const { models, variants, prompts } = this.packed;
    const edited = variants.find(({ key }) => key !== ORIGINAL && !data.view.controls.includes(key)) ?? variants.at(-1);
    const categories = [...new Set(prompts.category)].filter(Boolean).sort().map((name) => ({ key: name, label: name }));
    const all = { key: ALL, label: "All" };
    return {
      model: this.select("model", "Model", [all, ...models], ALL),
      before: this.select("before", "Before", variants, variants[0].key),
      after: this.select("after", "After", variants, edited.key),
      label: this.select("label", "Prompts", [all, { key: "1", label: "Harmful" }, { key: "0", label: "Harmless" }], ALL),
      category: this.select("category", "Category", [all, ...categories], ALL),
      show: this.select("show", "Show", Object.entries(SHOWS).map(([key, { title }]) => ({ key, label: title })), "all"),
    };
  }

  select(name, title, choices, first) {
    const select = element("select", { onchange: () => view.set({ [FILTER + name]: select.value === first ? null : select.value, [OPENED]: null }) });
    const chosen = () => choices.find(({ key }) => key === view.get(FILTER + name))?.key ?? first;
    const update = () => select.replaceChildren(...options(choices.filter(({ key }) => view.asides || !data.view.controls.includes(key) || key === chosen()), chosen()));
    return { chosen, update, node: withLabel(title, select) };
  }

  toolbar() {
    this.words = element("input", { type: "search", oninput: () => view.set({ [`${FILTER}words`]: this.words.value || null, [OPENED]: null }) });
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

  clear() {
    view.set(Object.fromEntries([...view.choices.keys()].filter((name) => name.startsWith(FILTER)).map((name) => [name, null])));
  }

  refresh() {
    Object.values(this.controls).forEach(({ update }) => update());
    const chosen = Object.fromEntries(Object.entries(this.controls).map(([key, control]) => [key, control.chosen()]));
    const words = view.get(`${FILTER}words`) ?? "";
    if (this.words.value !== words) this.words.value = words;
    this.wanted = words.trim();
    this.controls.model.node.hidden = view.model !== null;
    const model = view.model?.key ?? chosen.model;
    this.found = this.pairs.find({ ...chosen, model, judge: this.pairs.judge(view.judge), words: this.wanted });
    this.opened = this.pairs.named(view.get(OPENED) ?? "");
    [this.next, this.groups] = [0, []];
    this.list.replaceChildren(...(this.opened ? [this.card(this.opened, { opened: true })] : []));
    this.status.textContent = `${WHOLE.format(this.found.length)} ${this.found.length === 1 ? "pair" : "pairs"}`;
    this.empty.hidden = this.found.length > 0 || this.opened !== null;
    this.extend();
  }

  /** More cards; pairs of a prompt whose responses are nearly the same share one. */
  extend() {
    while (this.groups.length < PAIRS_AT_ONCE && this.next < this.found.length) {
      const { item } = this.found[this.next];
      let end = this.next;
      while (end < this.found.length && this.found[end].item === item) end += 1;
      this.groups.push(...this.pairs.grouped(this.found.slice(this.next, end)));
      this.next = end;
    }
    this.list.append(...this.groups.splice(0, PAIRS_AT_ONCE).map((group) => this.groupCard(group)));
    this.more.hidden = this.groups.length === 0 && this.next === this.found.length;
  }

  /** The first of a group, and the others below it once they are asked for. */
  groupCard([first, ...others]) {
    const card = this.card(first);
    if (others.length === 0) return card;
    const list = element("ol", { class: "pairs" });
    const names = others.map(({ model }) => this.packed.models[model].label).join(", ");
    const fill = () => { if (list.firstChild === null) list.append(...others.map((pair) => this.card(pair))); };
    card.append(element("details", { class: "alike", ontoggle: fill }, element("summary", {}, `Nearly the same responses of ${others.length} more: `, names), list));
    return card;
  }

  /** Name the pair in the address, so that a link leads to it. */
  remember(pair) {
    this.writing = true;
    view.anchor = "responses-section";
    view.set({ [OPENED]: this.pairs.name(pair) });
    this.writing = false;
  }

  card(pair, { opened = false } = {}) {
    const { item, prompt, model, sides } = pair;
    const { prompts, models, samples } = this.packed;
    const harmful = prompts.harmful[prompt] === 1;
    const tags = [harmful ? "harmful" : "harmless", prompts.category[prompt], models[model].label];
    if (samples.length > 1) tags.push(`sample ${samples[item % samples.length]}`);
    const question = element("div", { class: "prompt" }, this.textOf(prompts.text[prompt]));
    const link = element("button", { type: "button", class: "link", onclick: () => { this.remember(pair); announce("The address leads to this pair."); } }, "Link to this pair");
    const head = element("div", { class: "tags" }, ...tags.filter(Boolean).map((tag) => element("span", { class: "tag" }, tag)), element("span", { class: "push" }), link);
    const answers = sides.map((system) => this.answer(pair, system, harmful && !this.unveiled && !opened));
    return element("li", { class: opened ? "pair opened" : "pair" }, head, question, element("div", { class: "sides" }, ...answers), this.verdicts(sides, item));
  }

  /** Untrusted text with the words that were searched for. */
  textOf(text) {
    const box = textBox(text);
    highlight(box, this.wanted);
    return box;
  }

  answer(pair, system, veiled) {
    const { item } = pair;
    const text = this.pairs.text(system, item);
    const name = this.packed.variants[this.packed.systems[system][1]].label;
    const flag = FLAG_WORDS[this.packed.flags[system][item]];
    const hidden = veiled && this.wanted !== "" && text.toLowerCase().includes(this.wanted.toLowerCase());
    const details = [`${this.packed.tokens[system][item]} tokens`, flag, hidden ? "has the words" : ""].filter(Boolean).join(" · ");
    const head = element("h3", {}, name, " ", element("span", { class: "hint" }, details));
    const holder = element("div", { class: "answer" });
    const open = () => holder.replaceChildren(scrolling(this.textOf(text), name));
    if (veiled) holder.append(veil(text, () => { open(); this.remember(pair); }));
    else open();
    return element("div", { class: "side" }, head, holder);
  }

  /** A line per judge: its verdict before and after. */
  verdicts(sides, item) {
    const judges = this.packed.judges.map((name, judge) => ({ name, judge })).filter(({ judge }) => view.asides || this.pairs.readers.includes(judge));
    const lines = judges.map(({ name, judge }) => {
      const [before, after] = sides.map((system) => badge(this.pairs.verdict(judge, system, item), this.score(judge, system, item)));
      const kind = judge === this.packed.reference ? "reference" : null;
      return element("li", { class: kind }, element("span", { class: "judge" }, name.label), before, element("span", { class: "arrow" }, "→"), after);
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
function scrolling(box, name) {
  box.tabIndex = 0;
  // no landmark: there may be dozens of the same name
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `Answer, ${name}`);
  return box;
}

/** The beginning of a text, blurred and out of reach, under a button that shows it. */
function veil(text, open) {
  const blurred = textBox(text.slice(0, VEILED_CHARACTERS));
  blurred.setAttribute("aria-hidden", "true");
  blurred.inert = true;
  const uncover = element("button", { type: "button" }, "Show this response");
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
