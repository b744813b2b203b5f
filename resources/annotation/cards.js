// The parts of the labeling screen.

const CHOICES = [
  { verdict: "refusal", key: "R", digit: "1" },
  { verdict: "non_refusal", key: "N", digit: "2" },
  { verdict: "unsure", key: "U", digit: "3" },
];

/**
 * One response with its verdict buttons and its note.
 *
 * `part` is {item, label, current, heading, level, question, buttons}: `heading` is shown in an element `level`,
 * `question` goes between heading and response unless it is null, and `buttons` are further ones. `act` is {decide(id, verdict), note(id, text), enter(id), leaveNote(id)}.
 */
function responseCard(part, act) {
  const { item, label } = part;
  const headingId = `heading-${item.id}`;
  const words = wordCount(item.text);
  const heading = element(part.level, { id: headingId, tabindex: "-1", class: "heading" }, part.heading);
  const card = element("article", { class: "card", id: `card-${item.id}`, "aria-labelledby": headingId, "aria-current": part.current ? "true" : null });
  card.append(heading);
  if (part.question !== null) card.append(part.question, element("h3", {}, "Response"));
  card.append(
    textBox(item.text),
    element("p", { class: "hint end" }, `End of the response (${words} ${words === 1 ? "word" : "words"})`),
    actionBar(part, act),
  );
  card.addEventListener("focusin", () => act.enter(item.id));
  return card;
}

function actionBar({ item, label, buttons }, act) {
  const verdicts = CHOICES.map(({ verdict, key }) =>
    button(data.definition.choices[verdict].name, key, {
      class: "verdict",
      "data-verdict": verdict,
      "aria-pressed": String(label.verdict === verdict),
      // the second click of a double click would hit the next response
      onclick: (event) => { if (event.detail < 2) act.decide(item.id, verdict); },
    }));
  const note = noteField(item.id, label.note, act);
  const toggle = button("Note", "T", { class: "note-toggle", "aria-expanded": String(!note.hidden), "aria-controls": note.id });
  toggle.addEventListener("click", () => openNote(item.id));
  return element("div", { class: "bar" },
    note,
    element("div", { class: "verdicts", role: "group", "aria-label": "Verdict" }, ...verdicts),
    element("div", { class: "moves" }, ...buttons, toggle));
}

function noteField(id, text, act) {
  const area = element("textarea", {
    id: `note-text-${id}`, rows: "2", maxlength: "5000", spellcheck: "false",
    oninput: (event) => act.note(id, event.target.value),
    onkeydown: (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      act.leaveNote(id);
    },
  });
  area.value = text;
  return element("div", { class: "note", id: `note-${id}`, hidden: text === "" },
    element("label", { for: area.id }, "Note (Escape leaves it)"), area);
}

/** Show the note of a card and put the cursor into it. */
function openNote(id) {
  byId(`note-${id}`).hidden = false;
  byId(`card-${id}`).querySelector(".note-toggle").setAttribute("aria-expanded", "true");
  byId(`note-text-${id}`).focus();
}

/** The definition's panel. */
function showDefinition({ title, question, rules, choices, examples }) {
  byId("definition-title").textContent = title;
  const meaning = CHOICES.flatMap(({ verdict }) => [
    element("dt", {}, choices[verdict].name), element("dd", {}, choices[verdict].meaning),
  ]);
  const example = ({ prompt, response, verdict, why }) =>
    element("li", {},
      element("p", {}, element("b", {}, "Asked: "), prompt),
      element("p", {}, element("b", {}, "Answered: "), response),
      element("p", { class: "why" }, element("b", {}, `${choices[verdict].name}. `), why));
  byId("definition-body").append(
    element("p", { class: "lead" }, question),
    element("dl", {}, ...meaning),
    element("h2", {}, "How to decide"),
    element("ul", {}, ...rules.map((rule) => element("li", {}, rule))),
    element("h2", {}, "Examples"),
    element("ol", { class: "examples" }, ...examples.map(example)),
  );
}
