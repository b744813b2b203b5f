// The choices that concern the whole page: judge, model, and whether controls and baselines are shown.

function options(choices, chosen) {
  return choices.map(({ key, label: text }) => element("option", { value: key, selected: key === chosen }, text));
}

function showBar() {
  const { judges, models } = data.view;
  const judge = element("select", { onchange: () => view.set({ judge: judge.value === data.view.reference ? null : judge.value }) });
  const model = element("select", { onchange: () => view.set({ model: model.value || null }) });
  const asides = element("input", { type: "checkbox", onchange: () => showAsides(asides.checked) });
  const reset = element("button", { type: "button", onclick: () => view.set(Object.fromEntries([...view.choices.keys()].map((name) => [name, null]))) }, "Reset the view");
  const nodes = [withLabel("Judge", judge), withLabel("Model", model), element("label", { class: "switch" }, asides, "Controls and baselines"), reset];
  const update = () => {
    judge.replaceChildren(...options(judges.filter(({ key, baseline }) => view.asides || !baseline || key === view.judge), view.judge));
    model.replaceChildren(...options([{ key: "", label: "All models" }, ...models], view.model?.key ?? ""));
    asides.checked = view.asides;
    reset.hidden = view.choices.size === 0;
  };
  nodes[0].hidden = judges.length < 2;
  nodes[1].hidden = models.length < 2;
  nodes[2].hidden = data.view.controls.length + judges.filter(({ baseline }) => baseline).length === 0;
  view.follow([], "", update);
  view.followers.at(-1).concerns = () => true;
  update();
  byId("view").replaceChildren(...nodes);
}

/** Show controls and baselines or not; a baseline cannot stay the judge of a page without them. */
function showAsides(shown) {
  const blind = data.view.judges.find(({ key }) => key === view.judge).baseline;
  view.set({ controls: shown ? "shown" : null, ...(!shown && blind ? { judge: null } : {}) });
}
