// The start: the answer, then everything else in the order of the page.

/** Terms and their texts, as the children of a description list. */
function described(pairs) {
  return pairs.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text)));
}

/** The first screen: what was found, a row per model, what is to be known about it, and what was run. */
function showOverview({ facts, banner, sentence, table, remarks, study }) {
  byId("title").textContent = sentence;
  byId("banner").textContent = banner;
  byId("banner").hidden = banner === "";
  if (table !== null) byId("models").replaceChildren(new DataTable(table).node);
  byId("remarks").replaceChildren(...described(remarks.map(({ title, text }) => [title, text])));
  byId("facts").replaceChildren(...described(facts));
  const link = byId("study-link");
  link.href = study.link;
  link.textContent = `${study.authors}, ${study.title}`;
}

showOverview(data.overview);
byId("run").textContent = `${data.size.size} · ${WHOLE.format(data.size.verdicts)} verdicts`;
byId("level").textContent = data.level;
byId("sections").replaceChildren(...data.sections.map(sectionOf));
showClosing();
openBrowser();
listContents();
followTheme();
drawAll();
goToAnchor();

// Paper is white, whatever the page looks like; and what is folded would be lost on it.
window.addEventListener("beforeprint", () => {
  document.documentElement.dataset.theme = "light";
  document.dispatchEvent(new Event("themechange"));
});
window.addEventListener("afterprint", applyTheme);
