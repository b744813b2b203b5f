// The frame of a chart: what can be chosen, the drawing with its values on hover and by arrow keys, and downloads.

const EXPORT_WIDTH = 860;
/** Height of a chart in pixels that is still legible on one page. */
const MOST_ON_PAPER = 1400;
const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

class Figure {
  /** `draw(block, values, look, width)` returns `{ drawing, marks, header, records }`. */
  constructor(block, draw) {
    this.block = block;
    this.draw = draw;
    this.shown = block;
    this.selects = block.options.map(({ title, choices }) => (followsJudge(title, choices) ? ofPage(title, choices) : this.chooser(title, choices)));
    this.stage = element("div", { class: "stage", onscroll: () => { this.scrolled = this.stage.scrollLeft; this.freeze(); } });
    this.scrolled = 0;
    this.chosen = element("span", { class: "chosen" });
    this.caption = element("figcaption", { class: "hint" });
    this.pdf = element("button", { type: "button", title: "The figure for print", onclick: () => this.savePdf() }, "PDF");
    this.node = this.build();
    this.marks = [];
    this.at = null;
  }

  /** Draw; the node has to be in the page, since the drawing takes its width. */
  start(width) {
    this.show(width);
    new ResizeObserver(() => { if (this.stage.clientWidth !== this.width) this.show(); }).observe(this.stage);
    document.addEventListener("themechange", () => this.show());
    view.follow(PAGE_WIDE, `${this.block.id}.`, () => this.show());
  }

  /** Whether anything in it is about the model that the page is about. */
  get concerned() {
    return view.model === null || isAbout(this.block, view.model);
  }

  build() {
    const { block } = this;
    const saves = [["CSV", () => this.saveCsv()], ["SVG", () => this.saveSvg()], ["PNG", () => savePng(`${this.name}.png`, this.plain())]];
    const buttons = saves.map(([text, act]) => element("button", { type: "button", onclick: act }, text));
    this.saves = element("span", { class: "saves", role: "group", "aria-label": `Save “${block.title}”` }, ...buttons, this.pdf);
    const tools = element("div", { class: "tools" }, ...this.selects.map(({ node }) => node).filter(Boolean), element("span", { class: "push" }), this.saves);
    return element("figure", { class: "chart", id: `figure-${block.id}` }, element("h3", {}, block.title), tools, this.stage, this.caption);
  }

  chooser(title, choices) {
    const name = `${this.block.id}.${title.toLowerCase()}`;
    const standard = choices[0].key;
    const select = element("select", { onchange: () => view.set({ [name]: select.value === standard ? null : select.value }) }, ...options(choices, standard));
    const chosen = () => choices.find(({ key }) => key === view.get(name)) ?? choices[0];
    return { title, chosen, node: withLabel(title, select, { hidden: choices.length < 2 }), standard, update: () => { select.value = chosen().key; } };
  }

  get keys() {
    return this.selects.map(({ chosen }) => chosen().key);
  }

  get values() {
    return this.shown.values[this.keys.join("|")];
  }

  /** Title of the axis, by default the measure that is chosen. */
  get axis() {
    return this.block.axis || (this.selects.find(({ title }) => title === "Measure")?.chosen().label ?? "");
  }

  /** What is shown, of how many, and what has no value. */
  get note() {
    const n = this.block.n[this.keys.join("|")] || this.block.n[""] || "";
    const { silent } = this.drawn;
    return [this.block.note, n === "" ? "" : `${n.replace("n = ", "n\u00a0=\u00a0")}.`, silent.length === 0 ? "" : `Without a value: ${silent.join(", ")}.`].filter(Boolean).join(" ");
  }

  /** Draw what is chosen. */
  plot(look, width) {
    return this.draw(this.drawn.block, this.drawn.values, look, width);
  }

  get name() {
    return [this.block.id, ...this.keys].filter(Boolean).join("-").replace(/[^A-Za-z0-9_-]+/g, "-");
  }

  /** Name of the printed figure that shows what is chosen, if there is one. */
  get printedName() {
    const varies = this.block.pdf.includes("{}");
    const standard = this.selects.every(({ chosen, standard }, index) => (varies && index === 0) || chosen().key === standard);
    return standard ? this.block.pdf.replace("{}", this.keys[0] ?? "") : "";
  }

  get empty() {
    return (this.block.asides && !view.asides) || isEmpty(this.shown) || this.values === undefined || isEmpty(this.drawn.block);
  }

  /** Draw for a width, by default the one that there is now: to read it makes the browser lay out the whole page. */
  show(width = this.stage.clientWidth) {
    this.width = width;
    this.selects.forEach(({ update }) => update());
    this.chosen.textContent = this.selects.map(({ title, chosen }) => ` ${title}: ${chosen().label}.`).join("");
    this.shown = { ...sliced(this.block), axis: this.axis };
    this.drawn = this.values === undefined ? null : spoken(this.shown, this.values);
    this.saves.hidden = this.empty;
    this.caption.hidden = this.empty;
    if (this.empty) {
      this.marks = [];
      this.stage.replaceChildren(...(this.block.asides && !view.asides ? behindSwitch("Controls and baselines are not shown.") : [element("p", { class: "hint" }, "There is nothing to show for this choice.")]));
      return;
    }
    this.caption.replaceChildren(this.note, this.chosen);
    const { drawing, marks } = this.plot(currentLook(), Math.max(this.width, 280));
    this.marks = marks;
    this.at = null;
    // printed on one page, unless its texts would be too small for that
    drawing.classList.toggle("one-page", Number(drawing.getAttribute("height")) <= MOST_ON_PAPER);
    drawing.setAttribute("role", "img");
    drawing.setAttribute("tabindex", "0");
    drawing.setAttribute("aria-label", `${this.block.title}. ${this.note} Arrow keys read the values.`);
    drawing.addEventListener("pointermove", (event) => this.hover(event));
    drawing.addEventListener("pointerleave", hideTip);
    drawing.addEventListener("keydown", (event) => this.step(event));
    drawing.addEventListener("blur", () => this.leave());
    this.stage.replaceChildren(drawing);
    if (this.scrolled > 0) this.freeze();
    this.pdf.hidden = !(this.printedName in printedNames());
  }

  /** Keep the names of the rows at the left edge of what is scrolled. */
  freeze() {
    this.stage.querySelector(".frozen")?.setAttribute("transform", `translate(${this.scrolled} 0)`);
  }

  hover(event) {
    const index = event.target.closest("[data-mark]")?.dataset.mark;
    if (index === undefined) return hideTip();
    return showTip(this.marks[index].text, event.clientX, event.clientY);
  }

  /** Go to the nearest mark in the direction of the arrow. */
  step(event) {
    const direction = DIRECTIONS[event.key];
    if (event.key === "Escape") this.leave();
    if (direction === undefined || this.marks.length === 0) return;
    event.preventDefault();
    const from = this.marks[this.at];
    const cost = (mark) => {
      const [dx, dy] = [mark.x - from.x, mark.y - from.y];
      const along = dx * direction[0] + dy * direction[1];
      return along > 0.5 ? along + 6 * Math.abs(dx * direction[1] + dy * direction[0]) : Infinity;
    };
    if (from === undefined) this.at = 0;
    else {
      const costs = this.marks.map(cost);
      const least = Math.min(...costs);
      if (least < Infinity) this.at = costs.indexOf(least);
    }
    this.point();
  }

  point() {
    const { node, text } = this.marks[this.at];
    this.stage.querySelector(".current")?.classList.remove("current");
    node.classList.add("current");
    const box = node.getBoundingClientRect();
    showTip(text, box.right, box.bottom - 12);
    announce(text);
  }

  leave() {
    this.stage.querySelector(".current")?.classList.remove("current");
    this.at = null;
    hideTip();
  }

  /** The drawing on white, whatever the page looks like, with title, judge and what is shown. */
  plain() {
    const { drawing } = this.plot({ ...LOOKS.light, page: "#ffffff" }, EXPORT_WIDTH);
    return captioned(drawing, this.block.title, `${this.note}${this.chosen.textContent}`);
  }

  saveSvg() {
    download(`${this.name}.svg`, svgText(this.plain()), "image/svg+xml");
  }

  saveCsv() {
    const { header, records } = this.plot(LOOKS.light, EXPORT_WIDTH);
    download(`${this.name}.csv`, csvText(header, records), "text/csv;charset=utf-8");
  }

  savePdf() {
    const bytes = Uint8Array.from(atob(printed()[this.printedName]), (character) => character.charCodeAt(0));
    download(`${this.printedName}.pdf`, new Blob([bytes], { type: "application/pdf" }));
  }
}

/** Whether a choice of judges is the page's: where the reference judge is among them. */
const followsJudge = (title, choices) => title === "Judge" && choices.some(({ key }) => key === data.view.reference);

/** The page's judge as a choice of a chart. */
function ofPage(title, choices) {
  const chosen = () => choices.find(({ key }) => key === view.judge) ?? choices[0];
  return { title, chosen, node: null, standard: choices[0].key, update: () => {} };
}

/** The printed figures that the page holds, by name; their contents are not read for it. */
const printedNames = () => data.printed;
