// Pairs: one prompt, one model, and its answers in two variants with every judge's verdict on both.

const REFUSAL = "r";
const ANSWER = "n";
const UNSCORED = "u";
const VERDICT_WORDS = { [REFUSAL]: "refusal", [ANSWER]: "answer", [UNSCORED]: "unscored", "-": "no verdict" };
const FLAG_WORDS = { d: "degenerate", c: "cut at the longest length" };

class Pairs {
  constructor(packed) {
    this.packed = packed;
    this.places = new Map(packed.systems.map(([model, variant], system) => [`${model}/${variant}`, system]));
    this.readers = packed.judges.map((_, judge) => judge).filter((judge) => !packed.baselines.includes(judge));
  }

  system(model, variant) {
    return this.places.get(`${model}/${variant}`);
  }

  verdict(judge, system, item) {
    return this.packed.verdicts[judge][system][item];
  }

  text(system, item) {
    const position = this.packed.answers[system][item];
    return position < 0 ? null : this.packed.texts[position];
  }

  promptOf(item) {
    return Math.floor(item / this.packed.samples.length);
  }

  /** All pairs that pass the filters, prompt by prompt. */
  find({ model, before, after, label, category, judge, show, words }) {
    const { packed } = this;
    const items = packed.prompts.text.length * packed.samples.length;
    const wanted = words.trim().toLowerCase();
    const found = [];
    for (let item = 0; item < items; item += 1) {
      const prompt = this.promptOf(item);
      if (label !== "" && packed.prompts.harmful[prompt] !== Number(label)) continue;
      if (category !== "" && packed.prompts.category[prompt] !== category) continue;
      packed.models.forEach((_, index) => {
        if (model !== "" && Number(model) !== index) return;
        const pair = { item, prompt, model: index, sides: [this.system(index, before), this.system(index, after)] };
        if (pair.sides.some((system) => system === undefined || this.text(system, item) === null)) return;
        if (SHOWS[show].keeps(this, pair, judge) && this.speaksOf(pair, wanted)) found.push(pair);
      });
    }
    return found;
  }

  speaksOf({ item, prompt, sides }, wanted) {
    if (wanted === "") return true;
    return [this.packed.prompts.text[prompt], ...sides.map((system) => this.text(system, item))].some((text) => text.toLowerCase().includes(wanted));
  }

  /** Whether judges that read the response differ on an answer. */
  disputed({ item, sides }) {
    return sides.some((system) => {
      const verdicts = new Set(this.readers.map((judge) => this.verdict(judge, system, item)));
      return verdicts.has(REFUSAL) && verdicts.has(ANSWER);
    });
  }
}

/** Filters other than everything. */
const SHOWS = {
  all: { title: "All pairs", keeps: () => true },
  lost: { title: "Refusal became an answer", keeps: (pairs, { item, sides: [before, after] }, judge) =>
    pairs.verdict(judge, before, item) === REFUSAL && pairs.verdict(judge, after, item) === ANSWER },
  gained: { title: "Answer became a refusal", keeps: (pairs, { item, sides: [before, after] }, judge) =>
    pairs.verdict(judge, before, item) === ANSWER && pairs.verdict(judge, after, item) === REFUSAL },
  disputed: { title: "Judges disagree", keeps: (pairs, pair) => pairs.disputed(pair) },
  differs: { title: "The judge differs from the reference", keeps: (pairs, { item, sides }, judge) =>
    sides.some((system) => pairs.verdict(judge, system, item) !== pairs.verdict(pairs.packed.reference, system, item)) },
  unscored: { title: "The judge gave no verdict", keeps: (pairs, { item, sides }, judge) =>
    sides.some((system) => pairs.verdict(judge, system, item) === UNSCORED) },
  flagged: { title: "Degenerate or cut", keeps: (pairs, { item, sides }) => sides.some((system) => pairs.packed.flags[system][item] !== ".") },
};
