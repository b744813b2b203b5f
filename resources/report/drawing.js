// Drawing: SVG elements, the two looks of the page, the hover text, and pictures for download.

const SVG = "http://www.w3.org/2000/svg";
const FONT = "system-ui, 'DejaVu Sans', Verdana, sans-serif";

function shape(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** A text; `anchor` is start, middle or end. */
function label(text, x, y, fill, { anchor = "start", size = 13, weight = 400, turn = null } = {}) {
  const attributes = { x, y, fill, "text-anchor": anchor, "font-size": size, "font-weight": weight, "dominant-baseline": "central" };
  return shape("text", { ...attributes, transform: turn === null ? null : `rotate(${turn} ${x} ${y})` }, text);
}

const ruler = document.createElement("canvas").getContext("2d");

function textWidth(text, size = 13, weight = 400) {
  ruler.font = `${weight} ${size}px ${FONT}`;
  return ruler.measureText(text).width;
}

/** A text cut to a width, with an ellipsis. */
function fitted(text, width, size = 13, weight = 400) {
  if (textWidth(text, size, weight) <= width) return text;
  let cut = text;
  while (cut.length > 1 && textWidth(`${cut}…`, size, weight) > width) cut = cut.slice(0, -1);
  return `${cut.trimEnd()}…`;
}

/** A text in lines of at most a width. */
function wrapped(text, width, size = 13) {
  const found = [""];
  for (const word of text.split(" ")) {
    const longer = `${found.at(-1)} ${word}`.trim();
    if (found.at(-1) === "" || textWidth(longer, size) <= width) found[found.length - 1] = longer;
    else found.push(word);
  }
  return found;
}

/** Colors of the page's two looks; those of series are in `data.palette`, under the name of the look. */
const LOOKS = {
  light: { name: "light", ink: "#1b1d21", muted: "#555a64", faint: "#d9dade", surface: "#ffffff", page: "#f5f5f2", empty: "#f2f2f2" },
  dark: { name: "dark", ink: "#e9eaed", muted: "#adb3bd", faint: "#3a404a", surface: "#1d2026", page: "#14161a", empty: "#2a2e36" },
};

const currentLook = () => LOOKS[document.documentElement.dataset.theme === "dark" ? "dark" : "light"];

/** Color of a map at a fraction from 0 to 1, and the ink that is read best on it. */
function shade(fraction, map = "sequential") {
  const { shades, inks } = data.palette[map];
  const index = Math.round(Math.min(1, Math.max(0, fraction)) * (shades.length - 1));
  return { fill: shades[index], ink: inks[index] };
}

/** Color, marker and filling of a series: a variant looks as in the printed figures, whichever others are beside it. */
function seriesStyle(look, name, index) {
  const variant = data.palette.variants[name];
  if (variant) return { ...variant, color: variant[look.name] };
  const colors = data.palette.series[look.name];
  return { color: colors[index % colors.length], marker: index % MARKERS.length, filled: index % 2 === 0, role: "" };
}

/** Outline of the marker of a series, around the origin. */
const MARKERS = [
  "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0Z",
  "M0,-5.6L5.6,0L0,5.6L-5.6,0Z",
  "M-4.2,-4.2H4.2V4.2H-4.2Z",
  "M0,-5.2L5.2,4.2H-5.2Z",
  "M0,5.2L5.2,-4.2H-5.2Z",
];

function marker(look, { color, marker: number, filled }, x, y) {
  const fill = filled ? color : look.surface;
  return shape("path", { d: MARKERS[number % MARKERS.length], transform: `translate(${x} ${y})`, fill, stroke: color, "stroke-width": 1.8 });
}

/** Show the hover text beside a point of the window. */
function showTip(text, x, y) {
  const tip = byId("tip");
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 12, window.innerWidth - width - 8))}px`;
  tip.style.top = `${y + 18 + height > window.innerHeight ? y - height - 10 : y + 18}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}

const CAPTION = { above: 34, line: 17, edge: 10, least: 460 };

/** A drawing for a file of its own: on white, its title above it, and below it what it shows and by whom. */
function captioned(drawing, title, note) {
  const [wide, tall] = ["width", "height"].map((name) => Number(drawing.getAttribute(name)));
  const inside = Math.max(wide, CAPTION.least);
  const width = inside + 2 * CAPTION.edge;
  const [above, below] = [wrapped(title, inside, 16), wrapped(note, inside, 12)];
  const top = CAPTION.above + 20 * (above.length - 1);
  const height = top + tall + CAPTION.line * below.length + CAPTION.edge;
  drawing.setAttribute("x", CAPTION.edge);
  drawing.setAttribute("y", top);
  drawing.removeAttribute("xmlns");
  const { ink, muted } = LOOKS.light;
  return shape("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}`, "font-family": FONT },
    shape("rect", { width, height, fill: "#ffffff" }),
    ...above.map((text, index) => label(text, CAPTION.edge, 16 + 20 * index, ink, { size: 15, weight: 600 })),
    drawing,
    ...below.map((text, index) => label(text, CAPTION.edge, top + tall + CAPTION.line * (index + 0.5), muted, { size: 12 })));
}

/** An SVG as the text of a file of its own. */
function svgText(drawing) {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(drawing)}`;
}

/** Save an SVG as PNG, at three times its size. */
function savePng(name, drawing) {
  const url = URL.createObjectURL(new Blob([svgText(drawing)], { type: "image/svg+xml" }));
  const picture = new Image();
  picture.addEventListener("load", () => {
    const canvas = element("canvas", { width: 3 * picture.width, height: 3 * picture.height });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(url);
    canvas.toBlob((blob) => download(name, blob), "image/png");
  });
  picture.src = url;
}
