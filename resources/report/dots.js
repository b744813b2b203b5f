// A dot and an interval per row and series, one panel beside the other, or below it on a narrow window.

const AXIS = 34;
const AXIS_TITLE = 17;
const HEAD = 30;
const SIDE_BY_SIDE = 620;
const BESIDE_PANEL = 10;

/** Room between two panels: what follows the first must not seem to belong to the second. */
const gapOf = (width) => Math.max(28, 0.04 * width);

function drawDots(block, values, look, width) {
  const { rows, series, panels, unit } = block;
  const ticks = ticksOf(block.domain ?? spanOf(values, block.most), block.domain === null);
  const domain = [ticks[0], ticks.at(-1)];
  const head = panels.some((title) => title !== "") ? HEAD : 8;
  const longestName = Math.max(...rows.map((name) => textWidth(name))) + 14;
  // on a phone a name that would be cut is above its row
  const over = width < SIDE_BY_SIDE && longestName > 0.32 * width;
  const names = over ? 8 : Math.min(longestName, 0.32 * width);
  const beside = width >= SIDE_BY_SIDE && panels.length > 1;
  // numbers of more than two series would not fit beside a panel, and an arrow to a control would mislead
  const counted = series.length <= 2 && values.some((panel) => panel.some((row) => row.some((cell) => cell && cell.length > 3)));
  const counts = values.map((panel) => panel.map((row) => row.map((cell) => FORMATS.count(cell?.[3])).join(" → ")));
  const longest = Math.min(Math.max(...counts.flat().map((text) => textWidth(text, 12))), 0.2 * width);
  const tail = counted ? BESIDE_PANEL + longest + 2 : 16;
  const gap = beside ? gapOf(width) : 0;
  const each = beside ? (width - names - gap * (panels.length - 1)) / panels.length - tail : width - names - tail;
  const lift = over ? 18 : 0;
  const step = Math.max(22, 11 * series.length + 8) + lift;
  const tall = head + rows.length * step + AXIS;
  const keyed = series.length > 1;
  const drawn = (index) => values.some((panel) => panel.some((row) => (row[index]?.[0] ?? null) !== null));
  const legend = keyed ? legendOf(look, series, width, drawn) : { node: null, height: 0 };
  const axis = block.axis === "" ? [] : wrapped(block.axis, width - names - tail, 12);
  const height = (beside ? tall : tall * panels.length) + legend.height + AXIS_TITLE * axis.length;
  const drawing = shape("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, "font-family": FONT });
  if (keyed) drawing.append(legend.node);
  const styles = series.map((name, index) => seriesStyle(look, name, index));
  const before = styles.findIndex(({ role }) => role === "original");
  const heightOf = (middle, index) => middle + (index - (series.length - 1) / 2) * 11;
  const marks = [];
  const records = [];
  const place = (value) => ((value - domain[0]) / (domain[1] - domain[0])) * each;
  panels.forEach((title, panel) => {
    const left = names + (beside ? panel * (each + tail + gap) : 0);
    const top = legend.height + (beside ? 0 : panel * tall);
    drawing.append(label(fitted(title, each + tail, 13, 600), left, top + 10, look.ink, { weight: 600 }));
    drawing.append(axisOf(look, ticks, unit, left, top + head, each, rows.length * step, place));
    rows.forEach((name, row) => {
      const middle = top + head + (row + 0.5) * step + lift / 2;
      const edge = top + head + row * step;
      if (row > 0) drawing.append(line(left, edge, left + each, edge, look.faint));
      if (over) drawing.append(label(fitted(name, width - 8), left, edge + 11, look.ink));
      else if (!beside || panel === 0) drawing.append(label(fitted(name, names - 12), names - 12, middle, look.ink, { anchor: "end" }));
      // from the original to each edit, and to no control
      styles.forEach(({ role, color }, index) => {
        const [from, to] = [values[panel][row][before]?.[0] ?? null, values[panel][row][index]?.[0] ?? null];
        if (role !== "edit" || from === null || to === null) return;
        const ends = { x1: left + place(from), x2: left + place(to), y1: heightOf(middle, before), y2: heightOf(middle, index) };
        drawing.append(shape("line", { ...ends, stroke: color, "stroke-width": 4, "stroke-opacity": 0.28 }));
      });
      series.forEach((variant, index) => {
        const cell = values[panel][row][index];
        if (!cell || cell[0] === null) return;
        const [value, low, high, count, total] = cell;
        const y = heightOf(middle, index);
        const text = describe(block, [panels.length > 1 ? title : "", name, keyed ? variant : ""], cell);
        const style = styles[index];
        const { color } = style;
        const node = shape("g", { "data-mark": marks.length });
        node.append(shape("rect", { x: left + place(value) - 12, y: y - 6, width: 24, height: 12, fill: "transparent" }));
        if (low !== null && high !== null) {
          const [start, end] = [low, high].map((bound) => left + place(Math.min(domain[1], Math.max(domain[0], bound))));
          node.append(shape("line", { x1: start, x2: end, y1: y, y2: y, stroke: color, "stroke-width": 2, "stroke-opacity": 0.8 }));
        }
        node.append(marker(look, style, left + place(value), y));
        drawing.append(node);
        marks.push({ node, x: left + place(value), y, text });
        records.push([title, name, variant, value, low, high, count ?? null, total ?? null]);
      });
      if (counted) {
        const text = fitted(counts[panel][row], tail - BESIDE_PANEL, 12);
        drawing.append(label(text, left + each + BESIDE_PANEL, middle, look.muted, { size: 12 }));
      }
    });
  });
  axis.forEach((text, index) => drawing.append(label(text, names + (width - names - tail) / 2, height - AXIS_TITLE * (axis.length - index - 0.5) - 3, look.muted, { anchor: "middle", size: 12 })));
  return { drawing, marks, header: ["panel", "row", "series", "value", "low", "high", "count", "total"], records };
}

/** Ends of an axis that holds all values and bounds, and 0 if that is not far away; none beyond the limit of a measure. */
function spanOf(values, limit) {
  const found = values.flat(2).filter(Boolean).flatMap((cell) => cell.slice(0, 3)).filter((value) => value !== null);
  const [least, most] = found.length > 0 ? [Math.min(...found), Math.max(...found)] : [0, 1];
  const room = (most - least || Math.abs(most) || 1) * 0.05;
  const low = least >= 0 && least < 0.5 * most ? 0 : least - room;
  const high = most <= 0 && most > 0.5 * least ? 0 : most + room;
  return [low, limit === null ? high : Math.min(limit, high)];
}

function describe(block, names, [value, low, high, count, total]) {
  const counted = count === undefined ? "" : `, ${FORMATS.count(count)} of ${FORMATS.count(total)}`;
  return `${names.filter(Boolean).join(" · ")}: ${withInterval(block.unit, value, low, high)}${counted}`;
}

function line(x1, y1, x2, y2, stroke) {
  return shape("line", { x1, y1, x2, y2, stroke, "stroke-width": 0.8 });
}

/** Ticks between two ends: five, or, if the ends are free, at round numbers that hold them. */
function ticksOf([low, high], free) {
  if (!free) return [0, 1, 2, 3, 4].map((index) => low + ((high - low) * index) / 4);
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** Grid lines, a stronger one at 0 where values may be negative, and as many numbers as there is room for. */
function axisOf(look, ticks, unit, left, top, width, height, place) {
  const group = shape("g");
  const every = width < 44 * ticks.length ? 2 : 1;
  ticks.forEach((value, index) => {
    const x = left + place(value);
    const anchor = index === 0 ? "start" : index === ticks.length - 1 ? "end" : "middle";
    group.append(line(x, top, x, top + height, Math.abs(value) < 1e-12 && ticks[0] < 0 ? look.muted : look.faint));
    if (index % every === 0) group.append(label(value === 0 && unit === "number" ? "0" : FORMATS[unit](value), x, top + height + 14, look.muted, { anchor, size: 12 }));
  });
  return group;
}

/** The series that are drawn with their markers, in as many lines as they need. */
function legendOf(look, series, width, drawn) {
  const node = shape("g");
  let [x, y] = [8, 12];
  series.forEach((name, index) => {
    if (!drawn(index)) return;
    const wide = textWidth(name) + 34;
    if (x + wide > width && x > 8) [x, y] = [8, y + 20];
    node.append(marker(look, seriesStyle(look, name, index), x, y), label(name, x + 12, y, look.ink));
    x += wide;
  });
  return { node, height: y + 20 };
}
