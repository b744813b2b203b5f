// Which rows of a table are shown, and in which order.

const TEXTS = new Set(["name", "text", "code"]);
const ALL = "*";
const OF_PAGE = "@page";
const EDITED = "@edited";
const ORIGINAL = "original";
// no column of a table is called like this
const SORT = "order-by";

const keysOf = (column) => column.keys ?? column.names;

/** Names of controls and baselines among those of a column. */
function asidesOf(column) {
  if (column.key === "variant") return new Set(data.view.controls);
  if (column.key.startsWith("judge")) return new Set(data.view.judges.filter(({ baseline }) => baseline).map(({ key }) => key));
  return new Set();
}

class Rows {
  constructor(block) {
    this.block = block;
    this.named = block.columns.filter(({ kind }) => kind === "name").map((column) => ({ column, asides: asidesOf(column) }));
    this.aboutModels = block.columns.some(({ key }) => key === "model");
  }

  nameOf(column) {
    return `${this.block.id}.${column.key}`;
  }

  /** What a column is filtered by: as chosen, else as the table opens. */
  filterOf(column) {
    return view.get(this.nameOf(column)) ?? this.block.opening[column.key] ?? ALL;
  }

  /** Column and direction, or null. */
  get sorted() {
    const text = view.get(`${this.block.id}.${SORT}`) ?? this.block.sort;
    const key = text.replace(/^-/, "");
    const index = this.block.columns.findIndex((column) => column.key === key);
    return index < 0 ? null : { index, sign: text.startsWith("-") ? -1 : 1 };
  }

  /** Whether a row's name in a column passes what was chosen for this column. */
  passes(column, filter) {
    if (filter === ALL) return () => true;
    if (filter === OF_PAGE) return (name) => name === view.judge;
    if (filter === EDITED) return (name) => name !== ORIGINAL;
    return (name) => name === filter;
  }

  /** Positions of the rows that pass the choices of the page and, unless they are left out, of the table. */
  kept({ filtered = true } = {}) {
    const tests = this.named.map(({ column, asides }) => {
      const chosen = this.passes(column, filtered ? this.filterOf(column) : ALL);
      const model = column.key === "model" ? view.model?.key : undefined;
      const allowed = keysOf(column).map((name) => chosen(name) && (view.asides || !asides.has(name)) && (model === undefined || model === name));
      return { codes: column.codes, allowed, all: allowed.every(Boolean) };
    }).filter(({ all }) => !all);
    return Array.from({ length: this.block.rows }, (_, row) => row).filter((row) => tests.every(({ codes, allowed }) => allowed[codes[row]]));
  }

  /** Positions of the rows that are shown, in order; undefined values come last either way. */
  order() {
    const kept = this.kept();
    if (this.sorted === null) return kept;
    const { index, sign } = this.sorted;
    const column = this.block.columns[index];
    const value = TEXTS.has(column.kind) ? (row) => column.names[column.codes[row]] : (row) => column.values[row];
    return kept.sort((a, b) => {
      const [first, second] = [value(a), value(b)];
      if (first === null || second === null) return (first === null) - (second === null);
      return sign * compared(first, second) || a - b;
    });
  }
}

const collator = new Intl.Collator("en", { numeric: true });
const compared = (a, b) => (typeof a === "string" ? collator.compare(a, b) : a - b);
