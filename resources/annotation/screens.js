// Drawing the screens: start, labeling in two views, and the closing one.

function render() {
  const { person } = session;
  byId("start").hidden = person !== null;
  byId("work").hidden = person === null || desk.at === null;
  byId("done").hidden = person === null || desk.at !== null;
  for (const id of ["who", "progress", "session-tools"]) byId(id).hidden = person === null;
  byId("storage-warning").hidden = session.storage !== null;
  if (person === null) return;
  renderProgress();
  if (desk.at === null) renderDone();
  else byId("work").replaceChildren(...(person.view === "single" ? singleView() : questionView()));
}

function renderProgress() {
  const open = openCount();
  const unsure = withVerdict("unsure").length;
  const seconds = [...items.keys()].filter((id) => !isOpen(id)).map((id) => session.label(id).seconds);
  const rest = timeLeft(seconds, open);
  byId("progress-text").textContent = `${items.size - open} of ${items.size} labeled${rest ? `, ${rest}` : ""}`;
  byId("progress-bar").max = items.size;
  byId("progress-bar").value = items.size - open;
  byId("who-name").textContent = session.person.display;
  byId("unsure-count").textContent = `(${unsure})`;
  byId("review").disabled = unsure === 0 && desk.review === null;
  byId("review").setAttribute("aria-pressed", String(desk.review !== null));
  byId("view-toggle").setAttribute("aria-pressed", String(session.person.view === "question"));
}

function renderDone() {
  const unsure = withVerdict("unsure").length;
  const count = unsure === 0 ? "None is" : unsure === 1 ? "1 is" : `${unsure} are`;
  byId("done-text").textContent = `All ${items.size} responses are labeled. ${count} marked unsure. Export the labels and hand in the file.`;
  byId("done-review").hidden = unsure === 0;
}

function navigation() {
  return [
    button("Back", "B", { onclick: () => step(-1) }),
    button("Undo", "Z", { onclick: undo }),
    button("Forward", "F", { onclick: () => step(1) }),
  ];
}

function cardOf(id, number, total, layout) {
  const heading = `${desk.review ? "Unsure response" : "Response"} ${number} of ${total}`;
  const part = { item: items.get(id), label: session.label(id), current: id === desk.at, heading, ...layout };
  return responseCard(part, {
    decide,
    note: (target, text) => session.note(target, text),
    enter: markCurrent,
    leaveNote: (target) => byId(`heading-${target}`).focus(),
  });
}

/** One response with its question. */
function singleView() {
  const order = sequence();
  const question = element("section", { class: "question" },
    element("h3", {}, "Question"), textBox(data.questions[items.get(desk.at).question]));
  return [cardOf(desk.at, order.indexOf(desk.at) + 1, order.length, { level: "h2", question, buttons: navigation() })];
}

/** One question with all its responses. */
function questionView() {
  const questions = [...new Set(sequence().map((id) => items.get(id).question))];
  const group = groupOf(desk.at);
  const { question } = items.get(desk.at);
  const title = element("h2", {}, `Question ${questions.indexOf(question) + 1} of ${questions.length}`);
  const bar = element("section", { class: "question pinned" }, title, textBox(data.questions[question]));
  const cards = group.map((id, index) => cardOf(id, index + 1, group.length, { level: "h3", question: null, buttons: [] }));
  return [bar, ...cards, element("div", { class: "row" }, ...navigation())];
}

/** Bring an item to the top of the window and the focus to its heading. */
function focusItem(id) {
  const pinned = document.querySelector(".pinned");
  document.documentElement.style.setProperty("--pinned", `${pinned?.offsetHeight ?? 0}px`);
  byId(`heading-${id}`).focus({ preventScroll: true });
  if (pinned !== null && groupOf(id)[0] !== id) byId(`card-${id}`).scrollIntoView({ block: "start" });
  else if (WIDE.matches) window.scrollTo(0, 0);
  else byId("main").scrollIntoView({ block: "start" });
}

/** In the view by question the card that has the focus is the one that keys act on. */
function markCurrent(id) {
  if (id === desk.at) return;
  byId(`card-${desk.at}`)?.removeAttribute("aria-current");
  byId(`card-${id}`).setAttribute("aria-current", "true");
  desk.at = id;
  session.person.at = id;
}
