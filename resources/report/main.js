// The start: the answer, then everything else in the order of the page.

function answerCard({ question, short, sentence }) {
  return element("article", {}, element("h2", { class: "question" }, question), element("p", { class: "short" }, short),
    element("p", {}, sentence));
}

byId("answers").replaceChildren(...data.answers.map(answerCard));
byId("run").textContent = `${data.size.size} · ${WHOLE.format(data.size.verdicts)} verdicts`;
byId("level").textContent = data.level;
byId("sections").replaceChildren(...data.sections.map(sectionOf));
showClosing();
openBrowser();
listContents();
followTheme();

// Paper is white, whatever the page looks like; and what is folded would be lost on it.
window.addEventListener("beforeprint", () => {
  document.documentElement.dataset.theme = "light";
  document.dispatchEvent(new Event("themechange"));
});
window.addEventListener("afterprint", applyTheme);
