// Tables: sorted by a click on a heading, filtered by names, saved as CSV. Beyond eight columns a row opens.

// all rows of most tables, so that the browser's search finds them; more would make the page slow
const FIRST_ROWS = 200;
// details that are in the page before their row is opened, so that the browser's search finds them
const FIRST_DETAILS = 60;
const PAPER_ROWS = 25;
const MOST_CHOICES = 60;
// characters from which a column of texts has lines that break
const LONG_TEXT = 60;

class DataTable {
  constructor(block) {
    this.block = block;
    this.rows = new Rows(block);
    this.limit = FIRST_ROWS;
    this.shown = block.columns.filter(({ detail }) => !detail);
    this.details = block.columns.filter(({ detail }) => detail);
    this.choosers = block.plain ? [] : this.rows.named.filter(({ column }) => column.names.length > 1 && column.names.length <= MOST_CHOICES).map(({ column, asides }) => this.chooser(column, asides));
    this.status = element("p", { class: "status", "aria-live": "polite" });
    this.body = element("tbody");
    this.cut = element("p", { class: "hint on-paper" });
    this.empty = element("div", { class: "empty" });
    this.more = element("button", { type: "button", onclick: () => { this.limit = Infinity; this.fill(); } });
    this.headings = this.shown.map((column) => this.heading(column));
    this.node = this.build();
    this.fill();
    view.follow(PAGE_WIDE, `${block.id}.`, () => this.fill());
  }

  build() {
    const { block } = this;
    const caption = element("caption", { class: block.plain ? "hint" : "visually-hidden" }, block.caption);
    const head = element("thead", {}, element("tr", {}, ...this.headings.map(({ cell }) => cell)));
    const scroller = element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": block.caption },
      element("table", {}, caption, head, this.body), this.empty);
    const save = element("button", { type: "button", onclick: () => this.save() }, "CSV");
    const tools = element("div", { class: "tools" }, ...this.choosers.map(({ node }) => node), element("span", { class: "push" }), this.status, save);
    const source = block.source ? [element("p", { class: "hint" }, "From ", element("code", {}, block.source))] : [];
    const content = [tools, scroller, this.cut, element("div", { class: "row" }, this.more), ...source];
    const attributes = { class: "data-table", id: `table-${block.id}` };
    // the table of the first screen: its rows are few, and the sentence above is its heading
    if (block.plain) return element("div", { ...attributes, class: "data-table plain" }, scroller, this.cut);
    if (!block.fold) return element("div", attributes, element("h3", {}, block.caption), ...content);
    return element("details", attributes, element("summary", {}, block.caption), ...content);
  }

  heading(column) {
    const button = element("button", { type: "button", title: column.help || null, onclick: () => this.sort(column) }, column.title);
    // browsers print a button on the first page only
    const printed = element("span", { class: "on-paper" }, column.title);
    return { column, cell: element("th", { scope: "col", class: TEXTS.has(column.kind) ? null : "numeric" }, button, printed) };
  }

  chooser(column, asides) {
    const select = element("select", { onchange: () => this.filter(column, select.value) });
    const special = [{ key: ALL, label: column.names.includes("All") ? "Any" : "All" }];
    if (column.key === "variant" && keysOf(column).includes(ORIGINAL)) special.push({ key: EDITED, label: "Edited" });
    const fill = () => {
      const named = keysOf(column).map((key, code) => ({ key, label: column.names[code] || "(none)" })).filter(({ key }) => view.asides || !asides.has(key));
      const page = this.block.opening[column.key] === OF_PAGE ? [{ key: OF_PAGE, label: `${labelOfJudge(view.judge)} (of the page)` }] : [];
      select.replaceChildren(...options([...special, ...page, ...named], this.rows.filterOf(column)));
    };
    return { column, fill, node: withLabel(column.title, select) };
  }

  filter(column, value) {
    const first = this.block.opening[column.key] ?? ALL;
    view.set({ [this.rows.nameOf(column)]: value === first ? null : value });
  }

  /** Every row that the page's choices leave. */
  clear() {
    view.set(Object.fromEntries(this.choosers.map(({ column }) => [this.rows.nameOf(column), (this.block.opening[column.key] ?? ALL) === ALL ? null : ALL])));
  }

  /** First click: largest number or first name; second: the reverse; third: as it was. */
  sort(column) {
    const first = TEXTS.has(column.kind) ? column.key : `-${column.key}`;
    const second = TEXTS.has(column.kind) ? `-${column.key}` : column.key;
    const now = view.get(`${this.block.id}.${SORT}`);
    view.set({ [`${this.block.id}.${SORT}`]: now === first ? second : now === second ? null : first });
  }

  /** Whether anything in it is about the model that the page is about. */
  get concerned() {
    return view.model === null || (this.rows.aboutModels && this.rows.kept({ filtered: false }).length > 0);
  }

  fill() {
    const order = this.rows.order();
    const shown = order.slice(0, this.limit);
    this.choosers.forEach(({ column, fill, node }) => {
      fill();
      node.hidden = column.key === "model" && view.model !== null;
    });
    this.body.replaceChildren(...shown.flatMap((row, place) => this.row(row, place)));
    // what was filtered out is as little on paper as what is cut
    const printed = Math.min(order.length, PAPER_ROWS);
    this.cut.hidden = printed === this.block.rows;
    this.cut.textContent = `${printed} of ${WHOLE.format(this.block.rows)} rows are printed; the page and its file hold all.`;
    this.more.hidden = shown.length === order.length;
    const hidden = order.length - shown.length;
    this.more.textContent = `Show ${WHOLE.format(hidden)} more ${hidden === 1 ? "row" : "rows"}`;
    const all = WHOLE.format(this.block.rows);
    this.status.textContent = order.length === this.block.rows ? `${all} ${this.block.rows === 1 ? "row" : "rows"}` : `${WHOLE.format(order.length)} of ${all} rows`;
    this.explain(order.length);
    const { sorted } = this.rows;
    this.headings.forEach(({ column, cell }) => {
      if (sorted !== null && this.block.columns[sorted.index] === column) cell.setAttribute("aria-sort", sorted.sign > 0 ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
  }

  /** Why nothing is shown, and what would show something. */
  explain(rows) {
    this.empty.hidden = rows > 0;
    if (rows > 0) return;
    if (this.block.rows === 0) this.empty.replaceChildren(element("p", {}, "The run has no rows for this table."));
    else if (this.rows.kept({ filtered: false }).length > 0) this.empty.replaceChildren(element("p", {}, "No row has what was chosen. "), element("button", { type: "button", onclick: () => this.clear() }, "Show all rows"));
    else if (view.model !== null && !this.concerned) this.empty.replaceChildren(element("p", {}, `No row is about ${view.model.label}.`));
    else this.empty.replaceChildren(...behindSwitch("All rows are of controls or baselines."));
  }

  /** A row, and the one below it that opens. */
  row(row, place) {
    const paper = place < PAPER_ROWS ? "" : " off-paper";
    const cells = this.shown.map((column, index) => cellOf(column, row, index, this.block.links));
    const main = element("tr", { class: `main${paper}` }, ...cells);
    if (this.details.length === 0) return [main];
    const box = element("div", { class: "details", hidden: "until-found" });
    const fill = () => { if (box.firstChild === null) box.append(this.listed(row)); };
    if (place < FIRST_DETAILS) fill();
    const button = element("button", { type: "button", class: "open", "aria-expanded": "false", "aria-label": `Details: ${cells[0].textContent}` });
    const open = (opened) => {
      fill();
      button.setAttribute("aria-expanded", String(opened));
      if (opened) box.removeAttribute("hidden");
      else box.setAttribute("hidden", "until-found");
    };
    button.addEventListener("click", () => open(button.getAttribute("aria-expanded") !== "true"));
    box.addEventListener("beforematch", () => open(true));
    cells[0].prepend(button);
    return [main, element("tr", { class: `beneath${paper}` }, element("td", { colspan: String(this.shown.length) }, box))];
  }

  listed(row) {
    const said = this.details.filter((column) => !TEXTS.has(column.kind) || column.names[column.codes[row]] !== "");
    return element("dl", {}, ...said.map((column) => element("div", { title: column.help || null }, element("dt", {}, column.title), element("dd", {}, ...contentOf(column, row)))));
  }

  save() {
    const { columns, id } = this.block;
    const header = columns.flatMap((column) => (column.low ? [column.key, `${column.key}_low`, `${column.key}_high`] : [column.key]));
    const rows = this.rows.order().map((row) => columns.flatMap((column) => {
      if (TEXTS.has(column.kind)) return [column.names[column.codes[row]]];
      const value = column.kind === "flag" ? String(column.values[row] ?? "") : column.values[row];
      return column.low ? [value, column.low[row], column.high[row]] : [value];
    }));
    download(`${id}.csv`, csvText(header, rows), "text/csv;charset=utf-8");
  }
}

const labelOfJudge = (judge) => data.view.judges.find(({ key }) => key === judge)?.label ?? judge;

/** A sentence, and the button that shows controls and baselines. */
function behindSwitch(sentence) {
  const show = element("button", { type: "button", onclick: () => showAsides(true) }, "Show controls and baselines");
  return [element("p", {}, sentence, " "), show];
}

/** What a cell shows. */
function contentOf(column, row) {
  if (TEXTS.has(column.kind)) {
    const text = column.names[column.codes[row]];
    return column.kind === "code" ? [element("code", {}, text)] : [text || DASH];
  }
  const value = FORMATS[column.kind](column.values[row]);
  if (!column.low) return [value];
  return [value, element("span", { class: "interval" }, intervalText(column.kind, column.low[row], column.high[row]))];
}

/** A cell; the first column heads its row, and may lead to the page of its model. */
function cellOf(column, row, index, links) {
  if (!TEXTS.has(column.kind)) return element("td", { class: "numeric" }, ...contentOf(column, row));
  const empty = column.names[column.codes[row]] === "";
  const shown = empty ? [] : contentOf(column, row);
  column.long ??= column.names.some((name) => name.length > LONG_TEXT);
  if (index > 0) return element("td", { class: column.long ? "words" : null }, ...shown);
  if (!links) return element("th", { scope: "row" }, ...shown);
  return element("th", { scope: "row" }, element("a", { href: `#model=${encodeURIComponent(keysOf(column)[column.codes[row]])}` }, ...shown));
}
