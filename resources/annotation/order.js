// The order of the items: another for every annotator, the same each time for one annotator.

/** 53-bit hash of a string: two multiplicative lanes over its UTF-16 units, mixed at the end. */
function hash(text) {
  let high = 0x9e3779b9;
  let low = 0x85ebca6b;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x5bd1e995);
  }
  high = mix(high ^ (low >>> 13));
  low = mix(low ^ (high >>> 16));
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}

/** Spread every bit over all bits (the finalising step of MurmurHash3). */
function mix(value) {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** `values` in the order of the hashes of seed, name and `identity(value)`: adding values leaves the others' order. */
function shuffled(values, seed, name, identity) {
  const keyed = values.map((value) => [hash(`${seed}\u0000${name}\u0000${identity(value)}`), identity(value), value]);
  keyed.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
  return keyed.map(([, , value]) => value);
}

/** The name by which an annotator is known: case, spacing and the form of accents do not matter. */
function normalName(name) {
  return name.normalize("NFKC").trim().replace(/\s+/gu, " ").toLowerCase();
}
