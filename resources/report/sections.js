// Sections: a heading, and blocks of the kinds that the page knows.

const BLOCKS = {
  table: (block) => new DataTable(block),
  dots: (block) => new Figure(block, drawDots),
  cells: (block) => new Figure(block, drawCells),
  lines: (block) => new Figure(block, drawLines),
};

/** Charts that are drawn as soon as they are in the page, whose width they take. */
const undrawn = [];

/** A block. All are built at once: what is not there can be neither found by the browser's search nor linked to. */
function placed(block) {
  if (block.type === "prose") return element("p", { class: "lead" }, block.text);
  const built = BLOCKS[block.type](block);
  if (built.start) undrawn.push(built);
  return element("div", { class: "block" }, built.node);
}

function drawAll() {
  undrawn.splice(0).forEach((chart) => chart.start());
}

/** Go where the address points: the sections were not there yet when the browser looked for it. */
function goToAnchor() {
  const target = window.location.hash === "" ? null : byId(decodeURIComponent(window.location.hash.slice(1)));
  target?.scrollIntoView();
}

function sectionOf({ id, title, blocks }) {
  const heading = element("h2", { id: `${id}-title` }, title);
  return element("section", { id, "aria-labelledby": heading.id }, heading, ...blocks.map(placed));
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
