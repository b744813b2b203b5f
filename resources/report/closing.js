// The end of the page: warnings, configuration and provenance.

/** A text whose parts between backticks are code. */
const withCode = (text) => text.split("`").map((part, place) => (place % 2 === 1 ? element("code", {}, part) : part));

function showCautions() {
  const { cautions } = data;
  const entry = ({ title, text }) => element("li", {}, element("strong", {}, title), " ", ...withCode(text));
  const none = [element("li", {}, "None.")];
  byId("caution-list").replaceChildren(...(cautions.length > 0 ? cautions.map(entry) : none));
  const link = byId("caution-link");
  link.hidden = cautions.length === 0;
  link.textContent = `${cautions.length} ${cautions.length === 1 ? "warning" : "warnings"}: ${cautions[0]?.title.toLowerCase() ?? ""}${cautions.length > 1 ? ", …" : ""}`;
}

function showClosing() {
  const { states, versions, finished, blocks, configuration } = data.closing;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  const entries = [["Code", states.join(", ") || "unknown"], ["Finished", finished || "unknown"], ["Versions", packages || "unknown"]];
  byId("origin").replaceChildren(...entries.flatMap(([term, text]) => [element("dt", {}, term), element("dd", {}, text)]));
  byId("closing").replaceChildren(...blocks.map((block) => placed(block).node));
  on("configuration", "toggle", () => showText(byId("configuration-text"), configuration));
  on("save-configuration", "click", () => download("configuration.json", configuration, "application/json"));
  showCautions();
}
