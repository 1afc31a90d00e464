// One query: what each system found, what is relevant, and why documents matched.
const FEW = 4;  // systems whose rankings are shown without being asked for
const LISTED = 25;  // judged documents
const EXPLAINED = 500;  // queries, see explanations.py
const NONE = 0xffffffff, DEPTH = 10;
const detail = {all: false, from: null};

const openQuery = query => { detail.from = document.activeElement; show({query: evidence.ids[query]}); };

function startDetail() {
  const dialog = $("detail");
  dialog.addEventListener("close", () => {
    if (state.query === null) return;
    const id = state.query;
    show({query: null});
    const row = document.querySelector(`[data-query="${CSS.escape(id)}"]`);
    (detail.from?.isConnected ? detail.from : row ?? $("query-table").querySelector("button"))?.focus();
  });
  dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const step = {ArrowRight: 1, j: 1, J: 1, ArrowLeft: -1, k: -1, K: -1}[event.key];
    if (step) { event.preventDefault(); stepQuery(step); }
  });
  onChange(async () => {
    if (state.query === null) { if (dialog.open) dialog.close(); return; }
    const wanted = `${state.group}\n${state.query}`, i = state.group;
    const [found, texts, why] = await Promise.all([block(`queries-${i}`), block(`texts-${i}`), block(`why-${i}`)]);
    if (state.query === null || wanted !== `${state.group}\n${state.query}`) return;
    evidence = found;
    const query = found.ids.indexOf(state.query);
    if (query < 0) { show({query: null}); return; }
    if (!dialog.open) {
      put(dialog);
      dialog.showModal();  // before it is filled: what is not shown cannot be given the focus
    }
    drawDetail(query, documentsOf(i, found, texts), why);
  });
}

/** The next or previous query of the list, in its order. */
function stepQuery(step) {
  const rows = listing.rows.length ? listing.rows : evidence.ids.map((id, i) => i);
  const at = rows.indexOf(evidence.ids.indexOf(state.query)), next = rows[at < 0 ? 0 : at + step];
  if (next === undefined) return;
  show({query: evidence.ids[next]});
  $("detail").scrollTop = 0;
}

const known = new Map();
/** Titles and texts by the number of the document, and the queries whose documents are all in. */
function documentsOf(i, found, texts) {
  if (!known.has(i)) known.set(i, {
    places: new Map(texts ? Array.from(texts.documents, (number, place) => [number, place]) : []),
    queries: new Set(texts?.queries ?? []), titles: texts?.titles ?? [], texts: texts?.texts ?? [], ids: found.documents, any: Boolean(texts)});
  return known.get(i);
}

function judgedOf(query) {
  const j = evidence.judged;
  if (!j) return null;
  const n = j.documents.length, rows = [];
  for (let at = j.offsets[query]; at < j.offsets[query + 1]; at++)
    rows.push({document: j.documents[at], grade: j.grades[at], ranks: systems().map((s, i) => j.ranks[i * n + at])});
  return rows;
}

function rankingOf(system, query) {
  const begin = (system * evidence.ids.length + query) * DEPTH, rows = [];
  for (let at = begin; at < begin + DEPTH && evidence.top[at] !== NONE; at++) rows.push([evidence.top[at], evidence.scores[at]]);
  return rows;
}

function drawDetail(query, documents, why) {
  const dialog = $("detail"), place = listing.rows.indexOf(query), judged = judgedOf(query);
  const grades = new Map((judged ?? []).map(row => [row.document, row.grade]));
  const order = [...new Set([state.a, state.b, ...systems().map((s, i) => i)])];
  const shown = detail.all || order.length <= FEW ? order : order.slice(0, 2);
  const step = (name, by, text, key) => el("button", {type: "button", "data-step": name, title: key, onclick: () => stepQuery(by), disabled: listing.rows[place + by] === undefined}, text);
  const focused = dialog.contains(document.activeElement) ? document.activeElement.dataset.step : null;
  const open = {grades, documents, why, query, shown, judged: judged !== null, ranks: new Map((judged ?? []).map(row => [row.document, row.ranks]))};
  put(dialog, 
    el("div", {class: "detail-head"},
      el("p", {class: "soft"}, group().label, " · query ", foreign(evidence.ids[query]), place >= 0 ? ` · ${(place + 1).toLocaleString("en")} of ${listing.rows.length.toLocaleString("en")}` : ""),
      el("div", {class: "steps"}, step("previous", -1, "← Previous", "K or left arrow"), step("next", 1, "Next →", "J or right arrow"),
        el("button", {type: "button", "data-step": "close", title: "Escape", onclick: () => dialog.close()}, "Close"))),
    el("h2", {id: "detail-title", tabindex: -1}, evidence.texts ? foreign(textOf(query)) : ["Query ", foreign(evidence.ids[query])]),
    group().missing ? el("p", {class: "note"}, group().missing) : null,
    documents.any && !documents.queries.has(query) ? el("p", {class: "note"},
      `The documents of this query are not in this file with their texts: it has them for ${several(documents.queries.size, "query", "queries")} of ${evidence.ids.length.toLocaleString("en")}, those on which the systems differ most. More with --texts-mb.`) : null,
    strips(query, shown),
    el("h3", {}, "Rankings"),
    el("div", {class: "rankings", tabindex: 0, role: "region", "aria-label": "Rankings"}, shown.map(i => rankingColumn(i, open))),
    order.length > FEW ? el("p", {}, el("button", {type: "button", "data-step": "all", onclick: () => { detail.all = !detail.all; drawDetail(query, documents, why); }},
      detail.all ? "Only A and B" : `All ${order.length} systems`)) : null,
    judged ? judgedTable(judged, shown, open) : null);
  (focused && dialog.querySelector(`[data-step="${focused}"]:not(:disabled)`) || $("detail-title")).focus({preventScroll: true});
}

/** For each system its value and, on one logarithmic line, the ranks at which it found relevant documents. */
function strips(query, order) {
  const width = 420, x = rank => 4 + (width - 8) * Math.log10(rank) / 3;
  const rows = order.map(i => {
    const own = look(i), known = evidence.relevant[i];
    const ranks = known ? Array.from(known.ranks.subarray(known.offsets[query], known.offsets[query + 1])) : null;
    return el("tr", {class: i === state.a ? "a" : i === state.b ? "b" : null},
      el("th", {scope: "row"}, glyph(own), " ", el("span", {class: "label"}, systems()[i].label)),
      el("td", {class: "number"}, systems()[i].means[state.measure] ? fixed(valueOf(state.measure, i, query)) : "–"),
      el("td", {}, ranks ? svg("svg", {class: "strip", width, height: 16, viewBox: `0 0 ${width} 16`, preserveAspectRatio: "none", role: "img", "aria-label": ranks.length ? `relevant at ranks ${ranks.slice(0, 50).join(", ")}` : "nothing relevant found"},
        svg("path", {class: "axis", d: `M4 8H${width - 4}` + [1, 10, 100, 1000].map(r => `M${x(r)} 5V11`).join("")}),
        ranks.filter(r => r <= 1000).map(r => svg("circle", {cx: x(r).toFixed(1), cy: 8, r: 4, fill: own.plain ? css("--soft") : own.color, "fill-opacity": 0.75}))) : "–"),
      el("td", {class: "number"}, ranks ? `${ranks.length} of ${known.relevant[query]}` : "–"));
  });
  return el("div", {class: "wide"}, el("table", {class: "strips"},
    el("caption", {class: "hidden"}, "Value of each system for this query and the ranks of the relevant documents"),
    el("thead", {}, el("tr", {}, el("th", {scope: "col"}, "system"), el("th", {scope: "col", class: "number"}, state.measure),
      el("th", {scope: "col", class: "scale"}, "relevant documents by rank ", el("span", {class: "ticks"}, el("span", {}, "1"), el("span", {}, "10"), el("span", {}, "100"), el("span", {}, "1000"))),
      el("th", {scope: "col", class: "number"}, "found"))), el("tbody", {}, rows)));
}

function mark(grade, judged) {
  if (!judged) return el("span", {class: "grade"});
  if (grade === undefined) return el("span", {class: "grade", title: "not judged"}, el("span", {class: "hidden"}, "not judged"), "·");
  const relevant = grade >= group().threshold;
  return el("span", {class: relevant ? "grade relevant" : "grade", title: relevant ? `relevant, grade ${grade}` : `judged not relevant, grade ${grade}`},
    el("span", {class: "hidden"}, relevant ? "relevant, grade " : "not relevant, grade "), `${relevant ? "●" : "○"} ${grade}`);
}

function nameOfDocument(number, documents) {
  const place = documents.places.get(number);
  const text = place === undefined ? "" : documents.titles[place].trim() || cut(documents.texts[place].trim(), 120);
  return text ? foreign(text) : el("code", {}, foreign(documents.ids[number]));
}

function rankingColumn(i, open) {
  const rows = rankingOf(i, open.query), own = look(i);
  return el("section", {class: "ranking", "aria-label": systems()[i].label},
    el("h4", {}, glyph(own), " ", systems()[i].label, i === state.a ? " (A)" : i === state.b ? " (B)" : ""),
    rows.length ? el("ol", {}, rows.map(([number, score], rank) => el("li", {class: open.grades.get(number) >= group().threshold ? "relevant" : null},
      unfolded([el("span", {class: "rank"}, String(rank + 1)), mark(open.grades.get(number), open.judged),
        el("span", {class: "name"}, nameOfDocument(number, open.documents)), el("span", {class: "score"}, shortScore(score))],
      number, open, () => [ranksOf(number, open), whyOf([i, ...open.shown.filter(x => x !== i)], number, open, i, score)]))))
      : el("p", {class: "note"}, "No ranking was kept, or nothing was found."));
}

const shortScore = value => Math.abs(value) >= 100 ? value.toFixed(1) : Math.abs(value) >= 1 ? value.toFixed(2) : value.toFixed(4);

/** Where the shown systems have a document. */
function ranksOf(number, open) {
  const said = open.shown.map(i => {
    const top = rankingOf(i, open.query).findIndex(row => row[0] === number) + 1, rank = top || open.ranks.get(number)?.[i];
    return [systems()[i].label, rank ? `rank ${rank.toLocaleString("en")}` : evidence.whole[i] && open.ranks.has(number) ? "not in its ranking" : "not among its ten best"];
  });
  return el("p", {class: "soft"}, said.map(([label, where], n) => [n ? " · " : "", label, ": ", el("b", {}, where)]));
}

/** Why these systems matched a document; of those that cannot say it, that. `first` is the one whose ranking is read. */
function whyOf(order, number, open, first = null, score = undefined) {
  if (!open.why || !open.documents.places.has(number)) return null;
  const drawn = order.map(i => whyMatched(open.why, systems()[i].label, open.query, number, i === first ? score : undefined));
  const silent = order.filter((i, n) => !drawn[n] && !open.why[systems()[i].label]).map(i => systems()[i].label);
  const left = order.filter((i, n) => !drawn[n] && open.why[systems()[i].label]).map(i => systems()[i].label);
  return [drawn,
    silent.length ? el("p", {class: "note"}, `${silent.join(", ")}: no terms to show, for the score is not a sum over terms of the query.`) : null,
    left.length ? el("p", {class: "note"}, `${left.join(", ")}: explained are a system's best and the judged documents, ten of each for terms and three and two for tokens, of the ${EXPLAINED} queries (for tokens 100) on which the systems differ most.`) : null];
}

/** A text with the words marked that begin like a matching term: terms are stems, so this is a hint. */
function marked(text, number, open) {
  const stems = [...new Set(open.shown.flatMap(i => termsOf(open.why, systems()[i].label, open.query, number)))]
    .map(term => term.toLowerCase()).filter(term => term.length > 2).map(term => term.replace(/(?<=..)i$/, ""));
  if (!stems.length) return foreign(text);
  return el("bdi", {}, text.split(/([\p{L}\p{N}]+)/u).map((word, i) => i % 2 && stems.some(stem => word.toLowerCase().startsWith(stem)) ? el("mark", {}, word) : word));
}

/** A line that opens to the document; `more` gives what stands below its text. */
function unfolded(line, number, open, more) {
  const node = el("details", {"data-document": number}, el("summary", {}, line));
  const same = on => () => { for (const other of $("detail").querySelectorAll(`[data-document="${number}"]`)) other.classList.toggle("same", on); };
  node.addEventListener("pointerenter", same(true));
  node.addEventListener("pointerleave", same(false));
  node.addEventListener("toggle", () => {
    if (!node.open || node.dataset.filled) return;
    node.dataset.filled = "yes";
    const place = open.documents.places.get(number);
    node.append(el("div", {class: "document"}, el("p", {class: "soft"}, "document ", el("code", {}, foreign(open.documents.ids[number]))),
      more(),
      place === undefined ? el("p", {class: "note"}, "The text of this document is not in this file.")
        : el("p", {class: "body", tabindex: 0}, marked(open.documents.texts[place], number, open))));
  });
  return node;
}

function judgedTable(judged, shown, open, all = false) {
  const relevant = judged.filter(row => row.grade >= group().threshold).length;
  const highest = row => Math.min(...row.ranks.map(rank => rank || Infinity));
  const rows = [...judged].sort((p, q) => q.grade - p.grade || highest(p) - highest(q) || p.document - q.document);
  const at = (row, i) => row.ranks[i] ? row.ranks[i].toLocaleString("en") : evidence.whole[i] ? "–" : "> 10";
  const section = el("section", {}, el("h3", {}, "Judged documents"),
    el("p", {class: "note"}, `${several(relevant, "document is", "documents are")} relevant to this query. The rank that each system gave them; –: not in its ranking.`),
    el("div", {class: "wide"}, el("table", {class: "judged"},
      el("thead", {}, el("tr", {}, el("th", {scope: "col"}, "grade"), el("th", {scope: "col"}, "document"), shown.map(i => el("th", {scope: "col", class: "number"}, glyph(look(i)), " ", systems()[i].label)))),
      el("tbody", {}, (all ? rows : rows.slice(0, LISTED)).map(row => el("tr", {},
        el("td", {}, mark(row.grade, true)),
        el("td", {class: "text"}, unfolded([el("span", {class: "name"}, nameOfDocument(row.document, open.documents))], row.document, open,
          () => whyOf(shown, row.document, open))),
        shown.map(i => el("td", {class: "number"}, at(row, i)))))))),
    !all && rows.length > LISTED ? el("button", {type: "button", onclick: () => section.replaceWith(judgedTable(judged, shown, open, true))}, `All ${rows.length}`) : null);
  return section;
}
