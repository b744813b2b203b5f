// Pairs: one prompt, one model, and its answers in two variants with every judge's verdict on both.

const REFUSAL = "r";
const ANSWER = "n";
const UNSCORED = "u";
const VERDICT_WORDS = { [REFUSAL]: "refusal", [ANSWER]: "answer", [UNSCORED]: "unscored", "-": "no verdict" };
const FLAG_WORDS = { d: "degenerate", c: "cut at the longest length" };

class Pairs {
  constructor(packed) {
    this.packed = packed;
    this.places = new Map(packed.systems.map(([model, variant], system) => [`${packed.models[model].key}/${packed.variants[variant].key}`, system]));
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

  /** Position of a judge. */
  judge(key) {
    return this.packed.judges.findIndex((judge) => judge.key === key);
  }

  /** A model's responses to an item in two variants, or null where one is missing. */
  pair(item, model, before, after) {
    const { key } = this.packed.models[model];
    const sides = [this.system(key, before), this.system(key, after)];
    if (sides.some((system) => system === undefined || this.text(system, item) === null)) return null;
    return { item, prompt: this.promptOf(item), model, before, after, sides };
  }

  /** Name of a pair in an address, which stays the same when the run grows. */
  name({ item, prompt, model, before, after }) {
    const { prompts, samples, models } = this.packed;
    return [prompts.id[prompt], samples[item % samples.length], models[model].key, before, after].join("/");
  }

  /** The pair of a name, or null. */
  named(name) {
    const [id, sample, key, before, after] = name.split("/");
    const { prompts, samples, models } = this.packed;
    const [prompt, place, model] = [prompts.id.indexOf(id), samples.indexOf(Number(sample)), models.findIndex((found) => found.key === key)];
    if (prompt < 0 || place < 0 || model < 0) return null;
    return this.pair(prompt * samples.length + place, model, before, after);
  }

  /** Pairs of one item by how alike their responses are; a group's first is what the others are compared with. */
  grouped(pairs) {
    const groups = [];
    for (const pair of pairs) {
      const texts = pair.sides.map((system) => this.text(system, pair.item));
      const group = groups.find(({ first }) => texts.every((text, side) => alike(text, first[side])));
      if (group) group.pairs.push(pair);
      else groups.push({ first: texts, pairs: [pair] });
    }
    return groups.map((group) => group.pairs);
  }

  /** All pairs that pass the filters, prompt by prompt. */
  find({ model, before, after, label, category, judge, show, words }) {
    const { packed } = this;
    const items = packed.prompts.text.length * packed.samples.length;
    const wanted = words.trim().toLowerCase();
    const found = [];
    for (let item = 0; item < items; item += 1) {
      const prompt = this.promptOf(item);
      if (label !== ALL && packed.prompts.harmful[prompt] !== Number(label)) continue;
      if (category !== ALL && packed.prompts.category[prompt] !== category) continue;
      packed.models.forEach(({ key }, index) => {
        if (model !== ALL && model !== key) return;
        const pair = this.pair(item, index, before, after);
        if (pair === null) return;
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

const ALIKE = 0.8;

/** Every two words that follow one another, in lower case. */
function wordPairs(text) {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return new Set(words.slice(1).map((word, place) => `${words[place]} ${word}`));
}

/** Whether two texts are nearly the same: of all their pairs of words, four fifths are in both. */
function alike(a, b) {
  if (a === b) return true;
  const [first, second] = [wordPairs(a), wordPairs(b)];
  const shared = [...first].filter((words) => second.has(words)).length;
  const either = first.size + second.size - shared;
  return either > 0 && shared / either >= ALIKE;
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
