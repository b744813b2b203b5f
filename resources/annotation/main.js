// The start: what the fixed parts of the page do, and the first screen.

/** Show the screen that fits: the start for nobody, else the place where the annotator stopped. */
function enter() {
  desk.at = null;
  desk.review = null;
  if (session.person === null) {
    const names = new Set([...data.annotators, ...session.names]);
    byId("names").replaceChildren(...[...names].map((name) => element("option", { value: name })));
    byId("definition").open = true;
    return render();
  }
  desk.orders = ordersFor(session.state.last);
  return resume();
}

/** Take over what another tab of this page has saved, so that neither undoes the other's work. */
function adoptOtherTab() {
  const { last } = session.state;
  session.load();
  session.state.last = last in session.state.people ? last : null;
  if (session.person === null) enter();
  else if (document.activeElement.tagName !== "TEXTAREA") render();
}

on("start-form", "submit", (event) => {
  event.preventDefault();
  const name = byId("name").value.trim().replace(/\s+/gu, " ");
  if (name === "") return;
  session.open(name);
  byId("definition").open = WIDE.matches;
  enter();
});
on("change-name", "click", () => {
  session.close();
  enter();
  byId("name").focus();
});
on("view-toggle", "click", toggleView);
on("review", "click", review);
on("done-review", "click", review);
on("export", "click", exportLabels);
on("done-export", "click", exportLabels);
on("done-back", "click", () => step(-1));
on("import", "click", () => byId("import-file").click());
on("import-file", "change", (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (file) importLabels(file);
});
on("help", "click", () => byId("keys").showModal());
on("message-close", "click", () => notify(""));

document.addEventListener("keydown", onKey);
window.addEventListener("storage", (event) => { if (event.key === session.key && event.newValue !== null) adoptOtherTab(); });
window.addEventListener("pageshow", (event) => { if (event.persisted) adoptOtherTab(); });
window.addEventListener("pagehide", () => session.save());
window.addEventListener("beforeunload", (event) => { if (session.storage === null && session.unexported > 0) event.preventDefault(); });

followTheme();
showDefinition(data.definition);
listKeys();
openWhile(byId("menu"), MEDIUM);
openWhile(byId("definition"), WIDE);
const repeats = data.responses > items.size ? " What was said word for word more than once is shown once." : "";
byId("size").textContent = `There are ${items.size} responses to ${data.questions.length} questions.${repeats}`;
enter();
