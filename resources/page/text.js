// Untrusted text made safe to look at: nothing is markup, nothing is invisible, nothing reorders its surroundings.

const C0_NAMES =
  "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(" ");

const FORMAT_NAMES = new Map([
  [0x7f, "DEL"], [0xad, "SHY"], [0x61c, "ALM"], [0x200b, "ZWSP"], [0x200e, "LRM"], [0x200f, "RLM"],
  [0x2028, "LSEP"], [0x2029, "PSEP"], [0x202a, "LRE"], [0x202b, "RLE"], [0x202c, "PDF"], [0x202d, "LRO"], [0x202e, "RLO"],
  [0x2060, "WJ"], [0x2066, "LRI"], [0x2067, "RLI"], [0x2068, "FSI"], [0x2069, "PDI"], [0xfeff, "BOM"],
]);

// Everything but tab and line feed that has no shape of its own. The joiners U+200C and U+200D are left alone:
// several scripts and many emoji are spelled with them. A run of one character becomes one mark.
const SHAPELESS =
  /([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate})\1*/gu;

/** Name of a shapeless character: its usual abbreviation, or its code point. */
function characterName(code) {
  return C0_NAMES[code] ?? FORMAT_NAMES.get(code) ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Fill `target` with `text`, in which shapeless characters are replaced by marks such as [NUL]. */
function showText(target, text) {
  const parts = [];
  const lines = text.replaceAll("\r\n", "\n");
  let end = 0;
  for (const match of lines.matchAll(SHAPELESS)) {
    parts.push(lines.slice(end, match.index), characterMark(match));
    end = match.index + match[0].length;
  }
  parts.push(lines.slice(end));
  target.replaceChildren(...parts);
}

function characterMark([run, character]) {
  const count = run.length / character.length;
  const code = character.codePointAt(0);
  const mark = document.createElement("span");
  mark.className = "mark";
  mark.textContent = `[${characterName(code)}${count > 1 ? ` ×${count}` : ""}]`;
  mark.title = `The character U+${code.toString(16).toUpperCase().padStart(4, "0")} is here${count > 1 ? `, ${count} times` : ""}`;
  return mark;
}

/** Number of words, as white space separates them. */
function wordCount(text) {
  return text.match(/\S+/gu)?.length ?? 0;
}
