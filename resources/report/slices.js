// Charts without what the page does not show: other models than the one it is about, controls and baselines.

/** Axes of a kind of chart, from the outermost list of its values to the innermost. */
const AXES = { dots: ["panels", "rows", "series"], lines: ["panels", "series"], cells: ["rows", "columns"] };

/** Labels along an axis; a row of a grid of cells may belong to a group. */
function labelsOf(block, axis) {
  const grouped = axis === "rows" && block.groups?.length > 0;
  return block[axis].map((name, place) => (grouped ? [name, block.groups[place]] : [name]));
}

/** Whether an axis has models along it. */
function hasModels(block, axis) {
  const known = new Set(data.view.models.map(({ label: text }) => text));
  return block[axis].length > 0 && labelsOf(block, axis).every((names) => names.some((name) => known.has(name)));
}

/** Positions along an axis of what the page shows. */
function shownAlong(block, axis) {
  const aside = new Set(view.asides || block.asides ? [] : data.view.asides);
  const model = view.model !== null && hasModels(block, axis) ? view.model.label : null;
  return labelsOf(block, axis)
    .map((names, place) => ({ names, place }))
    .filter(({ names }) => !names.some((name) => aside.has(name)) && (model === null || names.includes(model)))
    .map(({ place }) => place);
}

/** Nested lists at these positions, the outermost first. */
function picked(values, [places, ...deeper]) {
  return places === undefined || values === null ? values : places.map((place) => picked(values[place], deeper));
}

/** A chart's block with only what the page shows. */
function sliced(block) {
  const axes = AXES[block.type];
  const places = axes.map((axis) => shownAlong(block, axis));
  const names = Object.fromEntries(axes.map((axis, index) => [axis, places[index].map((place) => block[axis][place])]));
  const pick = (values) => (Array.isArray(values) ? picked(values, places) : Object.fromEntries(Object.entries(values).map(([field, part]) => [field, picked(part, places)])));
  const values = Object.fromEntries(Object.entries(block.values).map(([key, found]) => [key, pick(found)]));
  const groups = block.groups?.length > 0 ? { groups: places[0].map((place) => block.groups[place]) } : {};
  return { ...block, ...names, ...groups, values };
}

const hasDot = (cell) => (cell?.[0] ?? null) !== null;

/** What is drawn of one choice: panels and rows of dots without any value are left out, and named. */
function spoken(block, values) {
  if (block.type === "cells") return { block, values, silent: [] };
  const says = block.type === "lines" ? (points) => points.length > 0 : (row) => row.some(hasDot);
  const panels = block.panels.map((_, panel) => panel).filter((panel) => values[panel].some(says));
  const kept = panels.map((panel) => values[panel]);
  const silent = block.panels.filter((title, panel) => title !== "" && !panels.includes(panel));
  const named = { ...block, panels: panels.map((panel) => block.panels[panel]) };
  if (block.type === "lines") return { block: named, values: kept, silent };
  const rows = block.rows.map((_, row) => row).filter((row) => kept.some((panel) => says(panel[row])));
  silent.push(...block.rows.filter((_, row) => !rows.includes(row)));
  return { block: { ...named, rows: rows.map((row) => block.rows[row]) }, values: kept.map((panel) => rows.map((row) => panel[row])), silent };
}

const isEmpty = (block) => AXES[block.type].some((axis) => block[axis].length === 0);

/** Whether a chart shows a model. */
const isAbout = (block, model) => AXES[block.type].some((axis) => hasModels(block, axis) && labelsOf(block, axis).some((names) => names.includes(model.label)));
