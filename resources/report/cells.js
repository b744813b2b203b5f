// A grid of colored cells with a value in each.

const CELL = { width: 46, least: 34, height: 26 };
const SLANT = Math.SQRT1_2;
const NARROW = 560;
/** Largest share of the width that the names of groups, and those of rows, take. */
const WIDEST = 0.3;
const COLUMN_LINE = 17;
const ROW_LINE = 11;

/** A name that is too long for a width in two lines; only what two lines cannot hold is cut. */
function inTwoLines(name, width) {
  if (textWidth(name, 12) <= width) return [name];
  const [first, ...rest] = wrapped(name, width, 12);
  return rest.length === 0 ? [fitted(first, width, 12)] : [fitted(first, width, 12), fitted(rest.join(" "), width, 12)];
}

function drawCells(block, values, look, width) {
  const { rows, columns, groups, domain } = block;
  const grouped = groups.length > 0;
  // on a phone a group's name is above its rows, so that more of the cells is in sight
  const above = grouped && width < NARROW;
  const rowWidth = Math.min(Math.max(...rows.map((name) => textWidth(name, 12))) + 12, above ? 0.38 * width : Math.max(170, WIDEST * width));
  const groupWidth = grouped && !above ? Math.min(Math.max(...groups.map((name) => textWidth(name, 12, 600))) + 14, Math.max(150, WIDEST * width)) : 0;
  const left = rowWidth + groupWidth;
  const starts = rows.map((_, row) => grouped && (row === 0 || groups[row - 1] !== groups[row]));
  const titles = above ? starts.map((_, row) => starts.slice(0, row + 1).filter(Boolean).length) : rows.map(() => 0);
  const slanted = Math.min(Math.max(...columns.map((name) => textWidth(name, 12))), 170);
  const top = slanted * SLANT + 16;
  const across = Math.max(CELL.least, Math.min(CELL.width, (width - left - slanted * SLANT) / columns.length));
  const wide = Math.max(left + across * columns.length + slanted * SLANT, Math.min(width, 320));
  const key = block.unit === "category" ? categoryKey(block, look, values.value, wide) : scaleKey(block, look, wide);
  const height = top + CELL.height * (rows.length + (titles.at(-1) ?? 0)) + 20 + key.height;
  const drawing = shape("svg", { xmlns: SVG, width: wide, height, viewBox: `0 0 ${wide} ${height}`, "font-family": FONT });
  columns.forEach((name, column) => {
    const x = left + (column + 0.5) * across;
    const lines = inTwoLines(name, slanted);
    // lines that are turned by 45 degrees are side by side
    lines.forEach((text, index) => drawing.append(label(text, x + (index - (lines.length - 1) / 2) * COLUMN_LINE, top - 8, look.ink, { size: 12, turn: -45 })));
  });
  const marks = [];
  const records = [];
  // the names of the rows stay in sight while the cells are scrolled
  const frozen = shape("g", { class: "frozen" }, shape("rect", { x: 0, y: top, width: left, height: height - top - key.height - 16, fill: look.page }));
  rows.forEach((name, row) => {
    const y = top + (row + titles[row]) * CELL.height;
    const heading = above ? y - CELL.height : y;
    if (starts[row] && row > 0) drawing.append(line(0, heading, left + across * columns.length, heading, look.muted));
    if (starts[row]) frozen.append(label(fitted(groups[row], above ? width - 20 : groupWidth - 10, 12, 600), 0, heading + CELL.height / 2, look.ink, { size: 12, weight: 600 }));
    const lines = inTwoLines(name, rowWidth - 8);
    lines.forEach((text, index) => frozen.append(label(text, left - 8, y + CELL.height / 2 + (index - (lines.length - 1) / 2) * ROW_LINE, look.ink, { anchor: "end", size: lines.length > 1 ? ROW_LINE : 12 })));
    columns.forEach((title, column) => {
      const cell = (key) => values[key]?.[row][column] ?? null;
      const node = cellAt(block, look, cell, left + column * across, y, across);
      node.dataset.mark = String(marks.length);
      const names = [grouped ? groups[row] : "", name, title].filter(Boolean).join(" · ");
      drawing.append(node);
      marks.push({ node, x: left + column * across, y, text: `${names}: ${cellText(block, cell)}` });
      const value = block.unit === "category" ? (block.categories[cell("value")] ?? null) : cell("value");
      records.push([...(grouped ? [groups[row]] : []), name, title, value, cell("low"), cell("high")]);
    });
  });
  key.node.setAttribute("transform", `translate(0 ${height - key.height})`);
  drawing.append(key.node, frozen);
  const header = [...(grouped ? ["group"] : []), "row", "column", "value", "low", "high"];
  return { drawing, marks, header, records, domain };
}

/** The map that is white in the middle, where the values have a sign or are losses, something between, and gains. */
function mapOf({ domain: [low, high], unit }) {
  return low === -high || unit === "category" ? "diverging" : "sequential";
}

function fractionOf(block, value) {
  const [low, high] = block.domain;
  return (value - low) / (high - low);
}

/** Color of a value and the ink on it; none, and categories beyond the scale, have the color of nothing. */
function colorOf(block, look, value) {
  if (value === null || value > block.domain[1]) return { fill: look.empty, ink: look.muted };
  return shade(fractionOf(block, value), mapOf(block));
}

function cellAt(block, look, cell, x, y, across) {
  const value = cell("value");
  const unscored = cell("hatched") ?? 0;
  const { fill, ink } = colorOf(block, look, value);
  const rectangle = shape("rect", { x: x + 0.5, y: y + 0.5, width: across - 1, height: CELL.height - 1, fill, stroke: look.faint, "stroke-width": 0.6 });
  const extra = unscored > 0 ? ` +${unscored}?` : "";
  const text = label(`${shortText(block, cell)}${extra}`, x + across / 2, y + CELL.height / 2, ink, { anchor: "middle", size: extra ? 10 : 12 });
  return shape("g", {}, rectangle, text);
}

function shortText(block, cell) {
  const value = cell("value");
  if (value === null) return DASH;
  if (block.unit === "category") return block.marks[value] ?? "";
  if (block.unit === "share") return String(Math.round(100 * value));
  return withMinus(value.toFixed(2).replace(/^(-?)0\./, "$1."));
}

function cellText(block, cell) {
  const value = cell("value");
  if (value === null) return "no value";
  if (block.unit === "category") {
    return `${block.categories[value]}, change ${withInterval("points", cell("change"), cell("low"), cell("high"))} points`;
  }
  const counted = block.unit === "share" ? `, ${FORMATS.count(cell("count"))} refused` : cell("n") === null ? "" : `, n = ${FORMATS.count(cell("n"))}`;
  const unscored = cell("hatched") > 0 ? `, ${cell("hatched")} unscored` : "";
  return `${withInterval(block.unit, value, cell("low"), cell("high"))}${counted}${unscored}`;
}

/** The color map with its two ends, and what it is of. */
function scaleKey(block, look, wide) {
  const group = shape("g");
  const [x, y] = [0, 10];
  const [low, high] = block.domain.map((value) => FORMATS[block.unit](value));
  const start = x + textWidth(low, 12) + 8;
  for (let step = 0; step < 24; step += 1) {
    group.append(shape("rect", { x: start + step * 5, y: y - 5, width: 5.5, height: 10, fill: shade(step / 23, mapOf(block)).fill }));
  }
  const title = start + 128 + textWidth(high, 12) + 14;
  group.append(label(low, start - 8, y, look.muted, { anchor: "end", size: 12 }), label(high, start + 128, y, look.muted, { size: 12 }), label(fitted(block.axis, wide - title, 12), title, y, look.muted, { size: 12 }));
  return { node: group, height: 26 };
}

/** The categories that are drawn, in as many lines as they need. */
function categoryKey(block, look, drawn, wide) {
  const group = shape("g");
  const present = new Set(drawn.flat());
  let [at, y] = [0, 10];
  block.categories.forEach((name, index) => {
    if (!present.has(index)) return;
    if (at > 0 && at + textWidth(name, 12) + 30 > wide) [at, y] = [0, y + 24];
    const { fill, ink } = colorOf(block, look, index);
    group.append(shape("rect", { x: at, y: y - 9, width: 20, height: 18, fill, stroke: look.faint, "stroke-width": 0.6 }));
    group.append(label(block.marks[index] ?? "", at + 10, y, ink, { anchor: "middle", size: 12 }), label(name, at + 26, y, look.muted, { size: 12 }));
    at += textWidth(name, 12) + 44;
  });
  return { node: group, height: y + 16 };
}
