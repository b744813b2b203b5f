// A grid of colored cells with a value in each.

const CELL = { width: 46, least: 34, height: 26 };
const SLANT = Math.SQRT1_2;

function drawCells(block, values, look, width) {
  const { rows, columns, groups, domain } = block;
  const grouped = groups.length > 0;
  const rowWidth = Math.min(Math.max(...rows.map((name) => textWidth(name, 12))) + 12, 170);
  const groupWidth = grouped ? Math.min(Math.max(...groups.map((name) => textWidth(name, 12, 600))) + 14, 150) : 0;
  const left = rowWidth + groupWidth;
  const slanted = Math.min(Math.max(...columns.map((name) => textWidth(name, 12))), 170);
  const top = slanted * SLANT + 16;
  const across = Math.max(CELL.least, Math.min(CELL.width, (width - left - slanted * SLANT) / columns.length));
  const wide = Math.max(left + across * columns.length + slanted * SLANT, Math.min(width, 320));
  const height = top + CELL.height * rows.length + 46;
  const drawing = shape("svg", { xmlns: SVG, width: wide, height, viewBox: `0 0 ${wide} ${height}`, "font-family": FONT });
  columns.forEach((name, column) => {
    const x = left + (column + 0.5) * across;
    drawing.append(label(fitted(name, slanted, 12), x, top - 8, look.ink, { size: 12, turn: -45 }));
  });
  const marks = [];
  const records = [];
  rows.forEach((name, row) => {
    const y = top + row * CELL.height;
    const starts = grouped && (row === 0 || groups[row - 1] !== groups[row]);
    if (starts && row > 0) drawing.append(line(0, y, left + across * columns.length, y, look.muted));
    if (starts) drawing.append(label(fitted(groups[row], groupWidth - 10, 12, 600), 0, y + CELL.height / 2, look.ink, { size: 12, weight: 600 }));
    drawing.append(label(fitted(name, rowWidth - 8, 12), left - 8, y + CELL.height / 2, look.ink, { anchor: "end", size: 12 }));
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
  drawing.append(block.unit === "category" ? categoryKey(block, look, left, height - 22) : scaleKey(block, look, left, height - 22));
  const header = [...(grouped ? ["group"] : []), "row", "column", "value", "low", "high"];
  return { drawing, marks, header, records, domain };
}

function fractionOf(block, value) {
  const [low, high] = block.domain;
  return (value - low) / (high - low);
}

/** Color of a value and the ink on it; none, and categories beyond the scale, have the color of nothing. */
function colorOf(block, look, value) {
  if (value === null || value > block.domain[1]) return { fill: look.empty, ink: look.muted };
  return shade(fractionOf(block, value));
}

function cellAt(block, look, cell, x, y, across) {
  const value = cell("value");
  const unscored = cell("hatched") ?? 0;
  const { fill, ink } = colorOf(block, look, value);
  const rectangle = shape("rect", { x: x + 0.5, y: y + 0.5, width: across - 1, height: CELL.height - 1, fill });
  const extra = unscored > 0 ? ` +${unscored}?` : "";
  const text = label(`${shortText(block, cell)}${extra}`, x + across / 2, y + CELL.height / 2, ink, { anchor: "middle", size: extra ? 10 : 12 });
  return shape("g", {}, rectangle, text);
}

function shortText(block, cell) {
  const value = cell("value");
  if (value === null) return DASH;
  if (block.unit === "category") return block.marks[value] ?? "";
  if (block.unit === "share") return FORMATS.count(cell("count"));
  return withMinus(value.toFixed(2).replace(/^(-?)0\./, "$1."));
}

function cellText(block, cell) {
  const value = cell("value");
  if (value === null) return "no value";
  if (block.unit === "category") {
    return `${block.categories[value]}, change ${withInterval("points", cell("change"), cell("low"), cell("high"))} points`;
  }
  const counted = block.unit === "share" ? `, ${FORMATS.count(cell("count"))} refused` : "";
  const unscored = cell("hatched") > 0 ? `, ${cell("hatched")} unscored` : "";
  return `${withInterval(block.unit, value, cell("low"), cell("high"))}${counted}${unscored}`;
}

/** The color map with its two ends. */
function scaleKey(block, look, x, y) {
  const group = shape("g");
  const [low, high] = block.domain.map((value) => FORMATS[block.unit](value));
  const start = x + textWidth(low, 12) + 8;
  for (let step = 0; step < 24; step += 1) {
    group.append(shape("rect", { x: start + step * 5, y: y - 5, width: 5.5, height: 10, fill: shade(step / 23).fill }));
  }
  group.append(label(low, start - 8, y, look.muted, { anchor: "end", size: 12 }), label(high, start + 128, y, look.muted, { size: 12 }));
  return group;
}

function categoryKey(block, look, x, y) {
  const group = shape("g");
  let at = 0;
  block.categories.forEach((name, index) => {
    const { fill, ink } = colorOf(block, look, index);
    group.append(shape("rect", { x: at, y: y - 9, width: 20, height: 18, fill }));
    group.append(label(block.marks[index] ?? "", at + 10, y, ink, { anchor: "middle", size: 12 }), label(name, at + 26, y, look.muted, { size: 12 }));
    at += textWidth(name, 12) + 44;
  });
  return group;
}
