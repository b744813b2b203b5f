// Sections: a heading, and blocks of the kinds that the page knows.

const BLOCKS = {
  table: (block) => new DataTable(block),
  dots: (block) => new Figure(block, drawDots),
  cells: (block) => new Figure(block, drawCells),
  lines: (block) => new Figure(block, drawLines),
};

/** Charts that are drawn as soon as they are in the page, whose width they take. */
const undrawn = [];

/** Sections of what is about models, with their blocks. */
const sections = [];

/** A block. All are built at once: what is not there can be neither found by the browser's search nor linked to. */
function placed(block) {
  if (block.type === "prose") return { node: element("p", { class: "lead" }, block.text) };
  const built = BLOCKS[block.type](block);
  if (built.start) undrawn.push(built);
  return { built, node: element("div", { class: "block" }, built.node) };
}

/** A page of one model leaves out what is not about it. */
function showConcerned() {
  for (const { node, blocks } of sections) {
    for (const { built, node: block } of blocks) if (built) block.hidden = !built.concerned;
    node.hidden = view.model !== null && !blocks.some(({ built }) => built?.concerned);
  }
  byId("method").hidden = view.model !== null;
  for (const entry of byId("contents").children) {
    entry.hidden = byId(decoded(entry.firstChild.hash.slice(1))).hidden;
  }
}

/** All widths are read before anything is drawn, so that the page is laid out once and not once a chart. */
function drawAll() {
  const widths = undrawn.map((chart) => chart.stage.clientWidth);
  undrawn.splice(0).forEach((chart, index) => chart.start(widths[index]));
}

/** Go where the address points: the sections were not there yet when the browser looked for it. */
function goToAnchor() {
  if (view.anchor !== "") byId(view.anchor)?.scrollIntoView();
}

function sectionOf({ id, title, blocks }) {
  const heading = element("h2", { id: `${id}-title` }, title);
  const built = blocks.map(placed);
  const node = element("section", { id, "aria-labelledby": heading.id }, heading, ...built.map((block) => block.node));
  sections.push({ node, blocks: built });
  return node;
}

/** The contents name every section of the page. */
function listContents() {
  const links = [...document.querySelectorAll("main > section, #sections > section")].map((section) => {
    const heading = section.querySelector("h1, h2");
    const title = heading.tagName === "H1" ? "Answer" : heading.textContent;
    return element("li", {}, element("a", { href: `#${section.id}` }, title));
  });
  byId("contents").replaceChildren(...links);
}
