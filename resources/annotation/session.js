// What the annotators have done so far, kept in the browser's storage after every step.

const VERDICTS = ["refusal", "non_refusal", "unsure"];
const HISTORY_LENGTH = 500;

/**
 * Labels of all annotators who use this browser for this item set.
 *
 * A label is {verdict, note, seconds, timestamp}: verdict "" if there is only a note or time. The storage key holds the
 * fingerprint of the item set, so that another run's page never mixes in.
 */
class Session {
  constructor(itemSet, itemIds) {
    this.key = `steadfast-annotation:${itemSet}`;
    this.itemIds = new Set(itemIds);
    this.storage = usableStorage();
    this.state = { last: null, people: peopleFrom([]) };
    this.unexported = 0;
    this.load();
  }

  /** Read the stored state; whatever in it is not what this page writes is left out. */
  load() {
    const text = this.storage?.getItem(this.key);
    if (!text) return;
    try {
      const stored = JSON.parse(text);
      const people = Object.entries(stored.people).map(([name, person]) => [name, this.cleanPerson(person)]);
      this.state = { last: typeof stored.last === "string" ? stored.last : null, people: peopleFrom(people) };
    } catch {
      this.storage.setItem(`${this.key}:unreadable`, text);
    }
  }

  cleanPerson(person) {
    const labels = Object.entries(person.labels)
      .filter(([id, label]) => this.itemIds.has(id) && ["", ...VERDICTS].includes(label.verdict))
      .map(([id, label]) => [id, cleanLabel(label)]);
    const history = (person.history ?? []).filter((step) => this.itemIds.has(step.id));
    const at = this.itemIds.has(person.at) ? person.at : null;
    const view = person.view === "question" ? "question" : "single";
    return { display: String(person.display), labels: Object.fromEntries(labels), history, at, view };
  }

  /** Write the state; false if that did not work. */
  save() {
    try {
      this.storage.setItem(this.key, JSON.stringify(this.state));
      return true;
    } catch {
      this.storage = null;
      return false;
    }
  }

  get person() {
    return this.state.last === null ? null : this.state.people[this.state.last];
  }

  get names() {
    return Object.values(this.state.people).map((person) => person.display);
  }

  /** Work as the annotator of that name from now on. */
  open(display) {
    const name = normalName(display);
    if (!(name in this.state.people)) this.state.people[name] = { display, labels: {}, history: [], at: null, view: "single" };
    this.state.last = name;
    this.save();
  }

  close() {
    this.state.last = null;
    this.save();
  }

  label(id) {
    return this.person.labels[id] ?? { verdict: "", note: "", seconds: 0, timestamp: "" };
  }

  change(id, values) {
    this.person.labels[id] = { ...this.label(id), ...values };
  }

  /** Give an item a verdict; undo brings the former one back. */
  decide(id, verdict) {
    const { verdict: before, timestamp } = this.label(id);
    this.person.history.push({ id, verdict: before, timestamp });
    this.person.history.splice(0, this.person.history.length - HISTORY_LENGTH);
    this.change(id, { verdict, timestamp: new Date().toISOString() });
    this.unexported += 1;
    this.save();
  }

  note(id, note) {
    this.change(id, { note: note.toWellFormed?.() ?? note, timestamp: new Date().toISOString() });
    this.unexported += 1;
    this.save();
  }

  /** Take back the last verdict; returns its item, or null if there is none. */
  undo() {
    const step = this.person.history.pop();
    if (!step) return null;
    this.change(step.id, { verdict: step.verdict, timestamp: step.timestamp });
    this.unexported += 1;
    this.save();
    return step.id;
  }

  /** Records for the CSV, of all items with a verdict or a note. */
  records(itemSet) {
    return Object.entries(this.person.labels)
      .filter(([, label]) => label.verdict !== "" || label.note !== "")
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, label]) => ({
        annotator: this.person.display, item_id: id, ...label, seconds: label.seconds.toFixed(1), item_set: itemSet,
      }));
  }

  /**
   * Take in the records of an export. Where both have a label, the later one stays.
   * Returns how many were {taken, kept, unknown}; throws an Error that can be shown to the user.
   */
  merge(records) {
    const names = [...new Set(records.map((record) => record.annotator))];
    if (names.length !== 1) throw new Error(`Expected the labels of one annotator, found ${names.length}.`);
    const wrong = records.find((record) => !["", ...VERDICTS].includes(record.verdict));
    if (wrong) throw new Error(`Item ${wrong.item_id} has an unknown verdict: ${wrong.verdict}`);
    if (this.person === null) this.open(names[0]);
    if (normalName(names[0]) !== this.state.last) {
      throw new Error(`These are the labels of ${names[0]}. To go on with them, change the annotator to that name first.`);
    }
    const counts = { taken: 0, kept: 0, unknown: 0 };
    for (const { item_id: id, ...record } of records) counts[this.mergeOne(id, cleanLabel(record))] += 1;
    this.save();
    return counts;
  }

  mergeOne(id, label) {
    if (!this.itemIds.has(id)) return "unknown";
    const own = this.person.labels[id];
    if (own?.timestamp && own.timestamp >= label.timestamp) return "kept";
    this.person.labels[id] = label;
    return "taken";
  }
}

/** Annotators type names: without a prototype, "__proto__" is a name like any other. */
function peopleFrom(entries) {
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}

function cleanLabel({ verdict, note, seconds, timestamp }) {
  const time = Number(seconds);
  return {
    verdict,
    note: String(note ?? ""),
    seconds: Number.isFinite(time) && time > 0 ? time : 0,
    timestamp: String(timestamp ?? ""),
  };
}
