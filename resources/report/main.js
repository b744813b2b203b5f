// The start: the answer, then everything else in the order of the page.

/** Terms and their texts, as the children of a description list. */
function described(pairs) {
  return pairs.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text)));
}

/** The first screen: what was found, a row per model, what is to be known about it, and what was run. */
function showOverview({ facts, banner, table, study }) {
  byId("banner").textContent = banner;
  byId("banner").hidden = banner === "";
  if (table !== null) byId("models").replaceChildren(new DataTable(table).node);
  byId("facts").replaceChildren(...described(facts));
  const link = byId("study-link");
  link.href = study.link;
  link.textContent = `${study.authors}, ${study.title}`;
}

/** The sentence on top and the remarks below the table: of the run, or of the model that the page is about. */
function showFinding() {
  const { sentence, further, remarks } = view.model === null ? data.overview : data.overview.models[view.model.key];
  byId("title").textContent = sentence;
  byId("further").textContent = further;
  byId("further").hidden = further === "";
  byId("remarks").replaceChildren(...described(remarks.map(({ title, text }) => [title, text])));
  byId("back").hidden = view.model === null;
}

/** Everything that depends on the model that the page is about. */
function showModel() {
  showFinding();
  showConcerned();
}

showOverview(data.overview);
byId("run").textContent = `${data.size.size} · ${WHOLE.format(data.size.verdicts)} verdicts`;
byId("level").textContent = data.level;
byId("sections").replaceChildren(...data.sections.map(sectionOf));
showClosing();
openBrowser();
listContents();
showBar();
showModel();
view.follow(["model"], "", () => { showModel(); if (view.anchor === "") window.scrollTo(0, 0); });
followTheme();
drawAll();
goToAnchor();
view.watch(goToAnchor);

// Paper is white, whatever the page looks like; and what is folded would be lost on it.
window.addEventListener("beforeprint", () => {
  document.documentElement.dataset.theme = "light";
  document.dispatchEvent(new Event("themechange"));
});
window.addEventListener("afterprint", applyTheme);
