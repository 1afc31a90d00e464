// Why a document matched. One function for each kind of evidence.
const KINDS = {terms: drawTerms, tokens: drawTokens};

/** What a system can say about a query and a document, or null. */
function whyMatched(why, label, query, documentNumber, score) {
  const evidence = why?.[label], found = evidence?.queries[query]?.[documentNumber];
  return found && KINDS[evidence.kind] ? KINDS[evidence.kind](found, label, score) : null;
}

/** The terms that made a system's score of a document. */
function termsOf(why, label, query, documentNumber) {
  const evidence = why?.[label], found = evidence?.queries[query]?.[documentNumber];
  if (!found) return [];
  return evidence.kind === "terms" ? found.map(match => match[0]) : found.best.flatMap(([j]) => j < 0 ? [] : [found.document[j]]);
}

function drawTerms(matches, label, score) {
  if (!matches.length) return el("p", {class: "note"}, `${label}: no term of the query is in this document.`);
  const sum = matches.reduce((total, m) => total + m[3], 0);
  const top = Math.max(...matches.map(m => Math.abs(m[3]))) || 1;
  const multiplies = matches.every(([, q, d, adds]) => Math.abs(q * d - adds) <= 1e-3 * Math.max(1e-6, Math.abs(adds)));
  const expanded = matches.some(m => m[4]);
  return el("table", {class: "why"},
    el("caption", {}, `Why ${label} matched`),
    el("thead", {}, el("tr", {}, ["term", "in the query", multiplies ? "× in the document" : "count in the document", multiplies ? "= adds" : "adds", "", ...(expanded ? ["expansion of"] : [])].map(
      (name, i) => el("th", {scope: "col", class: i && i < 4 ? "number" : null}, name || el("span", {class: "hidden"}, "drawn"))))),
    el("tbody", {}, matches.map(([term, inQuery, inDocument, adds, addedTo]) => el("tr", {},
      el("th", {scope: "row"}, foreign(term)), el("td", {class: "number"}, shortWeight(inQuery)), el("td", {class: "number"}, shortWeight(inDocument)),
      el("td", {class: "number"}, fixed(adds, 3)),
      el("td", {}, svg("svg", {width: 90, height: 8, viewBox: "0 0 90 8", "aria-hidden": "true", class: "adds"},
        svg("rect", {x: 0, y: 1, height: 6, width: Math.max(0.5, 90 * Math.abs(adds) / top)}))),
      expanded ? el("td", {}, (addedTo ?? []).join(", ")) : null))),
    el("tfoot", {}, el("tr", {}, el("th", {scope: "row", colspan: 3}, "sum"), el("td", {class: "number"}, fixed(sum, 3)),
      el("td", {}, score === undefined || Math.abs(score - sum) < 2e-3 * Math.max(1, Math.abs(score)) ? "" : `score in the run: ${fixed(score, 3)}`))));
}

const shortWeight = value => Number.isInteger(value) ? String(value) : value.toFixed(3);

/** Which token of the document matched each token of the query, and all of them against each other as a heat map. */
function drawTokens(found, label, score) {
  const added = found.added ?? [], matched = found.best.some(([j]) => j >= 0);
  if (!matched && !added.length) return el("p", {class: "note"}, `${label}: ${found.document.length ? "no token of this document was compared" : "this document has no tokens"}.`);
  const sum = [...found.best, ...added].reduce((total, [, adds]) => total + adds, 0);
  const top = Math.max(...[...found.best, ...added].map(([, adds]) => Math.abs(adds))) || 1;
  const row = (token, nearest, adds) => el("tr", {}, el("th", {scope: "row"}, token), el("td", {}, nearest), el("td", {class: "number"}, fixed(adds, 3)),
    el("td", {}, svg("svg", {width: 90, height: 8, viewBox: "0 0 90 8", "aria-hidden": "true", class: "adds"},
      svg("rect", {x: 0, y: 1, height: 6, width: Math.max(0.5, 90 * Math.abs(adds) / top)}))));
  return [el("table", {class: "why"},
    el("caption", {}, `Why ${label} matched`),
    el("thead", {}, el("tr", {}, ["token of the query", "nearest of the document", "adds", ""].map(
      (name, i) => el("th", {scope: "col", class: i === 2 ? "number" : null}, name || el("span", {class: "hidden"}, "drawn"))))),
    el("tbody", {},
      matched ? found.best.map(([j, adds], i) => row(foreign(found.query[i]), j >= 0 ? foreign(found.document[j]) : adds ? "imputed" : "none", adds)) : null,
      added.map(([name, adds]) => row(name, "", adds))),
    el("tfoot", {}, el("tr", {}, el("th", {scope: "row", colspan: 2}, "sum"), el("td", {class: "number"}, fixed(sum, 3)),
      el("td", {}, score === undefined || Math.abs(score - sum) < 2e-3 * Math.max(1, Math.abs(score)) ? "" : `score in the run: ${fixed(score, 3)}`)))),
    matched ? heatMap(found) : null];
}

/** Query tokens down, the document's tokens across in their order; the darker the more similar, the nearest framed; no cell where two were not compared. */
function heatMap(found) {
  const CELL = 9, LEFT = 90, all = found.heat.flat().filter(value => value !== null), low = all.reduce((a, b) => Math.min(a, b)), high = all.reduce((a, b) => Math.max(a, b));
  const width = LEFT + CELL * found.document.length, height = CELL * found.query.length;
  const said = el("p", {class: "note", "aria-live": "off"}, `From ${(low / 100).toFixed(2)} (white) to ${(high / 100).toFixed(2)}; point at a cell to read it.`);
  const drawing = svg("svg", {class: "heat", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Similarity of each token of the query with each token of the document"},
    found.query.map((token, i) => [svg("text", {x: LEFT - 4, y: CELL * i + CELL - 2, "text-anchor": "end"}, token.slice(0, 16)),
      found.heat[i].map((value, j) => value === null ? null : svg("rect", {x: LEFT + CELL * j, y: CELL * i, width: CELL, height: CELL, "fill-opacity": ((value - low) / (high - low || 1)).toFixed(2),
        class: found.best[i][0] === j ? "nearest" : null}))]));
  drawing.addEventListener("pointermove", event => {
    const box = drawing.getBoundingClientRect(), j = Math.floor((event.clientX - box.left - LEFT) / CELL), i = Math.floor((event.clientY - box.top) / CELL);
    if (found.heat[i]?.[j] !== undefined) put(said, foreign(found.query[i]), " × ", foreign(found.document[j]), found.heat[i][j] === null ? " not compared" : ` ${(found.heat[i][j] / 100).toFixed(2)}`);
  });
  return el("details", {class: "heat-map"}, el("summary", {}, "All tokens against all"), el("div", {class: "wide", tabindex: 0}, drawing), said);
}
