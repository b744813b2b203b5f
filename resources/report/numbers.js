// Numbers as people read them. Undefined ones are a dash.

const DASH = "–";
const WHOLE = new Intl.NumberFormat("en");

const withMinus = (text) => text.replace("-", "−");
const unlessNull = (format) => (value) => (value === null || value === undefined ? DASH : format(value));

/** By kind of number: how it is shown, and how the bounds of its interval are. */
const FORMATS = {
  count: unlessNull((value) => WHOLE.format(value)),
  share: unlessNull((value) => `${percent(value)}%`),
  points: unlessNull(signedPoints),
  number: unlessNull(threeDigits),
  seconds: unlessNull((value) => value.toFixed(1)),
  p: unlessNull((value) => (value < 0.001 ? "<.001" : value.toFixed(3).replace(/^0/, ""))),
  flag: unlessNull((value) => (value ? "yes" : "no")),
};

const BOUNDS = { ...FORMATS, share: unlessNull(percent) };

/** A share as a number of percent, as `wording.percent` writes it: what is not quite all or nothing does not read as if it were. */
function percent(value) {
  const text = (100 * value).toFixed(0);
  return ["0", "100"].includes(text) && value !== 0 && value !== 1 ? (100 * value).toFixed(1) : text.replace("-0", "0");
}

/** A difference of shares in points, as `wording.signed` writes it: with a decimal below ten. */
function signedPoints(value) {
  const points = 100 * value;
  const text = points.toFixed(Math.abs(value) < 0.0995 ? 1 : 0);
  if (Number(text) === 0) return "0";
  return withMinus(points > 0 ? `+${text}` : text);
}

function threeDigits(value) {
  const size = Math.abs(value);
  if (size === 0) return "0.00";
  if (size >= 1000) return withMinus(WHOLE.format(Math.round(value)));
  if (size < 0.001) return withMinus(value.toExponential(1));
  // two significant digits at least: two decimals would make small divergences equal
  const decimals = size >= 10 ? 1 : size >= 0.0995 ? 2 : size >= 0.00995 ? 3 : 4;
  return withMinus(value.toFixed(decimals));
}

/** "33 to 60", or nothing where there is no interval. */
function intervalText(kind, low, high) {
  if (low === null || low === undefined || high === null || high === undefined) return "";
  return `${BOUNDS[kind](low)} to ${BOUNDS[kind](high)}`;
}

/** "46% (33 to 60)". */
function withInterval(kind, value, low, high) {
  const interval = intervalText(kind, low, high);
  return FORMATS[kind](value) + (interval === "" ? "" : ` (${interval})`);
}
