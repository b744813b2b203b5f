// Tables: sorted by a click on a heading, filtered by names, saved as CSV. Rows beyond the first hundreds wait to be asked for.

// all rows of most tables, so that the browser's search finds them; more would make the page slow
const FIRST_ROWS = 400;
const PAPER_ROWS = 25;
const MOST_CHOICES = 60;
const TEXTS = new Set(["name", "text", "code"]);

class DataTable {
  constructor(block) {
    this.block = block;
    this.filters = new Map();
    this.sorted = null;
    this.limit = FIRST_ROWS;
    this.status = element("p", { class: "status", "aria-live": "polite" });
    this.body = element("tbody");
    this.cut = element("p", { class: "hint on-paper" });
    this.more = element("button", { type: "button", onclick: () => { this.limit = Infinity; this.fill(); } });
    this.headings = block.columns.map((column, index) => this.heading(column, index));
    this.node = this.build();
    this.fill();
  }

  build() {
    const { block } = this;
    const caption = element("caption", { class: block.plain ? "hint" : "visually-hidden" }, block.caption);
    const head = element("thead", {}, element("tr", {}, ...this.headings.map(({ cell }) => cell)));
    const scroller = element("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": block.caption },
      element("table", {}, caption, head, this.body));
    const save = element("button", { type: "button", onclick: () => this.save() }, "CSV");
    const tools = element("div", { class: "tools" }, ...this.choosers(), element("span", { class: "push" }), this.status, save);
    const source = block.source ? [element("p", { class: "hint" }, "From ", element("code", {}, block.source))] : [];
    const content = [tools, scroller, this.cut, element("div", { class: "row" }, this.more), ...source];
    const attributes = { class: "data-table", id: `table-${block.id}` };
    // the table of the first screen: its rows are few, and the sentence above is its heading
    if (block.plain) return element("div", { ...attributes, class: "data-table plain" }, scroller, this.cut);
    if (!block.fold) return element("div", attributes, element("h3", {}, block.caption), ...content);
    return element("details", attributes, element("summary", {}, block.caption), ...content);
  }

  heading(column, index) {
    const button = element("button", { type: "button", title: column.help || null, onclick: () => this.sort(index) }, column.title);
    // browsers print a button on the first page only
    const printed = element("span", { class: "on-paper" }, column.title);
    return { cell: element("th", { scope: "col", class: TEXTS.has(column.kind) ? null : "numeric" }, button, printed), button };
  }

  choosers() {
    const { columns } = this.block;
    const named = columns.map((column, index) => ({ column, index }))
      .filter(({ column }) => column.kind === "name" && column.names.length > 1 && column.names.length <= MOST_CHOICES);
    return named.map(({ column, index }) => {
      const options = column.names.map((name, code) => element("option", { value: String(code) }, name || "(none)"));
      const select = element("select", { onchange: () => this.filter(index, select.value) },
        element("option", { value: "" }, "All"), ...options);
      return withLabel(column.title, select);
    });
  }

  filter(index, value) {
    if (value === "") this.filters.delete(index);
    else this.filters.set(index, Number(value));
    this.fill();
  }

  /** First click: largest number or first name; second: the reverse; third: as it was. */
  sort(index) {
    const first = TEXTS.has(this.block.columns[index].kind) ? 1 : -1;
    if (this.sorted?.index !== index) this.sorted = { index, sign: first };
    else this.sorted = this.sorted.sign === first ? { index, sign: -first } : null;
    this.fill();
  }

  /** Positions of the rows that are shown, in order; undefined values come last either way. */
  order() {
    const { columns, rows } = this.block;
    const kept = Array.from({ length: rows }, (_, row) => row)
      .filter((row) => [...this.filters].every(([index, code]) => columns[index].codes[row] === code));
    if (this.sorted === null) return kept;
    const { index, sign } = this.sorted;
    const column = columns[index];
    const value = TEXTS.has(column.kind) ? (row) => column.names[column.codes[row]] : (row) => column.values[row];
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b);
    return kept.sort((a, b) => {
      const [first, second] = [value(a), value(b)];
      if (first === null || second === null) return (first === null) - (second === null);
      return sign * compare(first, second) || a - b;
    });
  }

  fill() {
    const order = this.order();
    const shown = order.slice(0, this.limit);
    this.body.replaceChildren(...shown.map((row, place) => element("tr", { class: place < PAPER_ROWS ? null : "off-paper" },
      ...this.block.columns.map((column, index) => cellOf(column, row, index)))));
    this.cut.hidden = order.length <= PAPER_ROWS;
    this.cut.textContent = `${PAPER_ROWS} of ${WHOLE.format(order.length)} rows are printed; the page and its file hold all.`;
    this.more.hidden = shown.length === order.length;
    const hidden = order.length - shown.length;
    this.more.textContent = `Show ${WHOLE.format(hidden)} more ${hidden === 1 ? "row" : "rows"}`;
    const all = WHOLE.format(this.block.rows);
    this.status.textContent = order.length === this.block.rows ? `${all} ${this.block.rows === 1 ? "row" : "rows"}` : `${WHOLE.format(order.length)} of ${all} rows`;
    this.headings.forEach(({ cell }, index) => {
      if (this.sorted?.index === index) cell.setAttribute("aria-sort", this.sorted.sign > 0 ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    });
  }

  save() {
    const { columns, id } = this.block;
    const header = columns.flatMap((column) => (column.low ? [column.key, `${column.key}_low`, `${column.key}_high`] : [column.key]));
    const rows = this.order().map((row) => columns.flatMap((column) => {
      if (TEXTS.has(column.kind)) return [column.names[column.codes[row]]];
      const value = column.kind === "flag" ? String(column.values[row] ?? "") : column.values[row];
      return column.low ? [value, column.low[row], column.high[row]] : [value];
    }));
    download(`${id}.csv`, csvText(header, rows), "text/csv;charset=utf-8");
  }
}

/** A cell; the first column heads its row. */
function cellOf(column, row, index) {
  if (TEXTS.has(column.kind)) {
    const text = column.names[column.codes[row]];
    const shown = column.kind === "code" ? [element("code", {}, text)] : [text];
    return index === 0 ? element("th", { scope: "row" }, ...shown) : element("td", {}, ...shown);
  }
  const value = FORMATS[column.kind](column.values[row]);
  if (!column.low) return element("td", { class: "numeric" }, value);
  const interval = intervalText(column.kind, column.low[row], column.high[row]);
  return element("td", { class: "numeric" }, value, element("span", { class: "interval" }, interval));
}
