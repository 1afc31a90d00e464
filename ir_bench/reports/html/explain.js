// Why a document matched. One function for each kind of evidence.
const KINDS = {terms: drawTerms};

/** What a system can say about a query and a document, or null. */
function whyMatched(why, label, query, documentNumber, score) {
  const evidence = why?.[label], found = evidence?.queries[query]?.[documentNumber];
  return found && KINDS[evidence.kind] ? KINDS[evidence.kind](found, label, score) : null;
}

/** The terms that made a system's score of a document. */
function termsOf(why, label, query, documentNumber) {
  const evidence = why?.[label];
  return evidence?.kind === "terms" ? (evidence.queries[query]?.[documentNumber] ?? []).map(match => match[0]) : [];
}

function drawTerms(matches, label, score) {
  if (!matches.length) return el("p", {class: "note"}, `${label}: no term of the query is in this document.`);
  const sum = matches.reduce((total, m) => total + m[3], 0);
  const top = Math.max(...matches.map(m => Math.abs(m[3]))) || 1;
  const multiplies = matches.every(([, q, d, adds]) => Math.abs(q * d - adds) <= 1e-3 * Math.max(1e-6, Math.abs(adds)));
  return el("table", {class: "why"},
    el("caption", {}, `Why ${label} matched`),
    el("thead", {}, el("tr", {}, ["term", "in the query", multiplies ? "× in the document" : "count in the document", multiplies ? "= adds" : "adds", ""].map(
      (name, i) => el("th", {scope: "col", class: i && i < 4 ? "number" : null}, name || el("span", {class: "hidden"}, "drawn"))))),
    el("tbody", {}, matches.map(([term, inQuery, inDocument, adds]) => el("tr", {},
      el("th", {scope: "row"}, foreign(term)), el("td", {class: "number"}, shortWeight(inQuery)), el("td", {class: "number"}, shortWeight(inDocument)),
      el("td", {class: "number"}, fixed(adds, 3)),
      el("td", {}, svg("svg", {width: 90, height: 8, viewBox: "0 0 90 8", "aria-hidden": "true", class: "adds"},
        svg("rect", {x: 0, y: 1, height: 6, width: Math.max(0.5, 90 * Math.abs(adds) / top)})))))),
    el("tfoot", {}, el("tr", {}, el("th", {scope: "row", colspan: 3}, "sum"), el("td", {class: "number"}, fixed(sum, 3)),
      el("td", {}, score === undefined || Math.abs(score - sum) < 2e-3 * Math.max(1, Math.abs(score)) ? "" : `score in the run: ${fixed(score, 3)}`))));
}

const shortWeight = value => Number.isInteger(value) ? String(value) : value.toFixed(3);
