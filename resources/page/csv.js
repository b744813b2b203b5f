// CSV that spreadsheets read and do not run, and files for download.

// A spreadsheet would run a cell that starts like this as a formula. Such cells get an apostrophe in front, and so do
// those that begin with an apostrophe themselves, which makes the guard reversible.
const NEEDS_GUARD = /^(\s*[=+\-@＝＋－＠]|[\t\r\n'])/u;

function guard(text) {
  return NEEDS_GUARD.test(text) ? `'${text}` : text;
}

/** CSV text (RFC 4180, texts quoted, with a byte order mark for spreadsheets); null is an empty cell. */
function csvText(header, rows) {
  const quoted = (text) => `"${guard(text).replaceAll('"', '""')}"`;
  const line = (cells) => cells.map((cell) => (typeof cell === "number" ? String(cell) : quoted(String(cell ?? "")))).join(",");
  return `\ufeff${[header, ...rows].map(line).join("\r\n")}\r\n`;
}

/** Save a blob, or text of a media type, under a name. */
function download(name, content, type) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
