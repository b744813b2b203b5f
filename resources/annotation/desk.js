// The desk: which item lies on it, how the annotator moves on, and what is done with an item.

const data = JSON.parse(byId("data").textContent);
const items = new Map(data.items.map((item) => [item.id, item]));
const session = new Session(data.itemSet, items.keys());

// `at`: the current item, or null on the start and the closing screen; `review`: the unsure items under review, or
// null; `orders`: the annotator's orders of the items, by view.
const desk = { at: null, review: null, orders: null };

const stopwatch = new Stopwatch((seconds) => {
  if (desk.at !== null) session.change(desk.at, { seconds: session.label(desk.at).seconds + seconds });
});

const isOpen = (id) => session.label(id).verdict === "";
const withVerdict = (verdict) => [...items.keys()].filter((id) => session.label(id).verdict === verdict);
const openCount = () => withVerdict("").length;

function ordersFor(name) {
  const single = shuffled(data.items, data.seed, name, (item) => item.id);
  const questions = shuffled([...data.questions.keys()], data.seed, name, String);
  const byQuestion = questions.flatMap((question) => single.filter((item) => item.question === question));
  return { single: single.map((item) => item.id), question: byQuestion.map((item) => item.id) };
}

/** The items that are gone through, in order. */
function sequence() {
  return desk.review ?? desk.orders[session.person.view];
}

/** The items shown together with `id` in the view by question. */
function groupOf(id) {
  return sequence().filter((other) => items.get(other).question === items.get(id).question);
}

function firstOpenAfter(id) {
  const order = desk.orders[session.person.view];
  const index = order.indexOf(id);
  return [...order.slice(index + 1), ...order.slice(0, index + 1)].find(isOpen);
}

// Moving about

function go(id) {
  stopwatch.tick();
  desk.at = id;
  session.person.at = id;
  session.save();
  render();
  focusItem(id);
}

function step(distance) {
  if (desk.at === null) return go(sequence().at(-1));
  const next = sequence()[sequence().indexOf(desk.at) + distance];
  if (next !== undefined) return go(next);
  if (distance > 0 && openCount() === 0) return finish();
  return announce(distance > 0 ? "This is the last response." : "This is the first response.");
}

function nextOpen() {
  const next = firstOpenAfter(desk.at);
  if (next === undefined) return finish();
  desk.review = null;
  return go(next);
}

/** Show the item where the annotator stopped, or the first open one, or that all is done. */
function resume() {
  const start = session.person.at ?? firstOpenAfter(null);
  return start === undefined ? finish() : go(start);
}

/** Leave the review, and show the closing screen if nothing is open. */
function finish() {
  desk.review = null;
  const open = firstOpenAfter(desk.at);
  if (open !== undefined) return go(open);
  desk.at = null;
  session.person.at = null;
  session.save();
  render();
  return byId("done").querySelector("h2").focus();
}

function review() {
  const unsure = new Set(withVerdict("unsure"));
  if (desk.review !== null || unsure.size === 0) {
    announce(unsure.size === 0 ? "None is marked unsure." : "Review ended.");
    desk.review = null;
    return resume();
  }
  desk.review = desk.orders[session.person.view].filter((id) => unsure.has(id));
  return go(desk.review[0]);
}

function toggleView() {
  const { person } = session;
  person.view = person.view === "single" ? "question" : "single";
  if (desk.review !== null) desk.review = desk.orders[person.view].filter((id) => desk.review.includes(id));
  return desk.at === null ? resume() : go(desk.at);
}

// What is done with an item

function decide(id, verdict) {
  stopwatch.tick();
  session.decide(id, verdict);
  const next = desk.review ? desk.review[desk.review.indexOf(id) + 1] : firstOpenAfter(id);
  announce(`${data.definition.choices[verdict].name}. ${items.size - openCount()} of ${items.size} labeled.`);
  return next === undefined ? finish() : go(next);
}

function undo() {
  const id = session.undo();
  if (id === null) return announce("Nothing to undo.");
  if (desk.review !== null && !desk.review.includes(id)) desk.review = null;
  announce("Undone.");
  return go(id);
}

function exportLabels() {
  const records = session.records(data.itemSet);
  const slug = session.state.last.replace(/[^\p{Letter}\p{Number}]+/gu, "-");
  download(`annotation-${slug}-${data.itemSet}.csv`, formatCsv(records), "text/csv;charset=utf-8");
  session.unexported = 0;
  const open = openCount();
  notify(`Exported the labels of ${items.size - open} of ${items.size} responses.${open > 0 ? ` ${open} are still open.` : ""}`);
}

async function importLabels(file) {
  try {
    const { taken, kept, unknown } = session.merge(parseCsv(await file.text()));
    const foreign = unknown > 0 ? ` ${unknown} belong to responses that this page does not hold, and were left out.` : "";
    session.person.at = null;
    notify(`Imported ${taken} ${taken === 1 ? "label" : "labels"}; kept ${kept} that are as new or newer here.${foreign}`);
    enter();
  } catch (error) {
    notify(error.message);
  }
}
