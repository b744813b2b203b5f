// A line per series through its points, in small panels that share their axes.

const PANEL = { least: 230, most: 380, plot: 150, head: 30, foot: 40, left: 62, right: 18 };

function drawLines(block, values, look, width) {
  const { panels, series, domain, unit } = block;
  const perLine = Math.max(1, Math.min(panels.length, Math.floor(width / PANEL.least)));
  const each = Math.min(width / perLine, PANEL.most);
  const tall = PANEL.head + PANEL.plot + PANEL.foot;
  const drawn = (index) => values.some((panel) => panel[index].length > 0);
  const legend = series.length > 1 ? legendOf(look, series, width, drawn) : { node: shape("g"), height: 0 };
  const height = legend.height + tall * Math.ceil(panels.length / perLine);
  const drawing = shape("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, "font-family": FONT }, legend.node);
  const places = values.flat(2).map(([place]) => place);
  const [first, last] = [Math.min(...places), Math.max(...places)];
  const wide = each - PANEL.left - PANEL.right;
  const marks = [];
  const records = [];
  panels.forEach((title, panel) => {
    const left = (panel % perLine) * each + PANEL.left;
    const top = legend.height + Math.floor(panel / perLine) * tall + PANEL.head;
    const xOf = (place) => left + (last > first ? (place - first) / (last - first) : 0.5) * wide;
    const yOf = (value) => top + PANEL.plot * (1 - (value - domain[0]) / (domain[1] - domain[0]));
    drawing.append(label(fitted(title, wide, 13, 600), left, top - 16, look.ink, { weight: 600 }));
    drawing.append(frameOf(look, block, { left, top, wide, first, last, yOf }));
    if (panel % perLine === 0) drawing.append(label(block.axis, left - 54, top + PANEL.plot / 2, look.muted, { anchor: "middle", size: 12, turn: -90 }));
    series.forEach((name, index) => {
      const points = values[panel][index];
      const style = seriesStyle(look, name, index);
      const { color } = style;
      const path = points.map(([place, value]) => `${xOf(place)},${yOf(value)}`).join(" ");
      drawing.append(shape("polyline", { points: path, fill: "none", stroke: color, "stroke-width": 1.4 }));
      points.forEach(([place, value, low, high]) => {
        const node = shape("g", { "data-mark": marks.length });
        const [x, y] = [xOf(place), yOf(value)];
        node.append(shape("rect", { x: x - 8, y: y - 8, width: 16, height: 16, fill: "transparent" }));
        if (low !== null && high !== null) node.append(shape("line", { x1: x, x2: x, y1: yOf(low), y2: yOf(high), stroke: color, "stroke-width": 2, "stroke-opacity": 0.8 }));
        node.append(marker(look, style, x, y));
        drawing.append(node);
        const names = [title, series.length > 1 ? name : "", `${block.across} ${FORMATS.number(place)}`].filter(Boolean).join(" · ");
        marks.push({ node, x, y, text: `${names}: ${withInterval(unit, value, low, high)}` });
        records.push([title, name, place, value, low, high]);
      });
    });
  });
  return { drawing, marks, header: ["panel", "series", "place", "value", "low", "high"], records };
}

/** Grid lines and the numbers of both axes. */
function frameOf(look, block, { left, top, wide, first, last, yOf }) {
  const group = shape("g");
  const [low, high] = block.domain;
  for (let index = 0; index <= 4; index += 1) {
    const value = low + ((high - low) * index) / 4;
    group.append(line(left, yOf(value), left + wide, yOf(value), look.faint));
    if (index % 2 === 0) group.append(label(FORMATS[block.unit](value), left - 8, yOf(value), look.muted, { anchor: "end", size: 12 }));
  }
  const below = top + PANEL.plot + 14;
  group.append(label(FORMATS.number(first), left, below, look.muted, { size: 12 }));
  group.append(label(fitted(block.across, wide - 70, 12), left + wide / 2, below, look.muted, { anchor: "middle", size: 12 }));
  if (last > first) group.append(label(FORMATS.number(last), left + wide, below, look.muted, { anchor: "end", size: 12 }));
  return group;
}
