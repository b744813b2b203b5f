// The labels as CSV, which goes out and comes back in without loss.

const CSV_COLUMNS = ["annotator", "item_id", "verdict", "note", "seconds", "timestamp", "item_set"];

function unguard(text) {
  return text.startsWith("'") && NEEDS_GUARD.test(text.slice(1)) ? text.slice(1) : text;
}

/** CSV text of records by `CSV_COLUMNS`. */
function formatCsv(records) {
  return csvText(CSV_COLUMNS, records.map((record) => CSV_COLUMNS.map((column) => record[column])));
}

/**
 * Records of a CSV whose first row is the header; comma, semicolon or tab, whichever the header has most of.
 * Throws an Error that can be shown to the user.
 */
function parseCsv(text) {
  const content = text.replace(/^\ufeff/, "");
  const firstLine = content.split(/\r?\n/, 1)[0];
  const delimiter = [",", ";", "\t"].reduce((best, candidate) =>
    firstLine.split(candidate).length > firstLine.split(best).length ? candidate : best);
  const [header, ...rows] = splitCells(content, delimiter);
  const missing = ["annotator", "item_id", "verdict"].filter((column) => !header?.includes(column));
  if (missing.length > 0) {
    throw new Error(`This is not an export of this page: the column ${missing[0]} is missing.`);
  }
  const filled = rows.filter((cells) => cells.some((cell) => cell !== ""));
  return filled.map((cells) => Object.fromEntries(header.map((column, index) => [column, unguard(cells[index] ?? "")])));
}

function splitCells(text, delimiter) {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  const endCell = () => { row.push(cell); cell = ""; };
  const endRow = () => { endCell(); rows.push(row); row = []; };
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[index + 1] === '"') { cell += '"'; index += 1; }
      else quoted = false;
    } else if (character === '"' && cell === "") quoted = true;
    else if (character === delimiter) endCell();
    else if (character === "\n") endRow();
    else if (character !== "\r" || text[index + 1] !== "\n") cell += character;
  }
  if (quoted) throw new Error("The file ends inside a quoted cell; it is cut short or not a CSV.");
  if (cell !== "" || row.length > 0) endRow();
  return rows;
}
