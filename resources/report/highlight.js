// Words that were searched for, marked in text that is on the page already.

/** Every place where the words are in an element's text, whatever their case. */
function highlight(box, words) {
  if (words === "") return;
  const wanted = words.toLowerCase();
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) node.replaceWith(...split(node.data, wanted));
}

/** A text and its hits, in order. */
function split(text, wanted) {
  const lower = text.toLowerCase();
  // a few letters change their length with their case: what is not sure to be the hit is not marked
  if (lower.length !== text.length) return [text];
  const parts = [];
  let end = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, end)) {
    parts.push(text.slice(end, at), element("mark", {}, text.slice(at, at + wanted.length)));
    end = at + wanted.length;
  }
  return [...parts, text.slice(end)];
}
