// Sections: a heading, and blocks of the kinds that the page knows.

const BLOCKS = {
  table: (block) => new DataTable(block),
  dots: (block) => new Figure(block, drawDots),
  cells: (block) => new Figure(block, drawCells),
  lines: (block) => new Figure(block, drawLines),
};

/** A block; those below the window are built when they come near it. */
function placed(block) {
  if (block.type === "prose") return element("p", { class: "lead" }, block.text);
  const holder = element("div", { class: "block" });
  whenNear(holder, () => {
    const built = BLOCKS[block.type](block);
    holder.replaceChildren(built.node);
    built.start?.();
  });
  return holder;
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
