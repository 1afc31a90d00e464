// Query by query: A against B, and the list that opens a query.
const PAGE = 50;
const listing = {page: 0, key: "size", down: true, rows: [], picked: null};  // picked: one point of the scatter
let evidence = null;  // the queries of the dataset that is shown
let compared = null;

const valueOf = (measure, system, query) => evidence.values[measure][system * evidence.ids.length + query];
const textOf = query => evidence.texts?.[query] ?? "";
const nameOf = query => textOf(query) || `query ${evidence.ids[query]}`;

function column(measure, system) {
  const n = evidence.ids.length;
  return evidence.values[measure].subarray(system * n, (system + 1) * n);
}

function startQueries() {
  const scatter = figure($("scatter-figure"), drawScatter, 400);
  const bars = figure($("bars-figure"), drawBars, 400);
  scatter.onRows = bars.onRows = true;
  let timer = 0;
  $("filter-queries").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(relist, 120); });
  for (const radio of document.querySelectorAll("#sides input")) radio.addEventListener("change", relist);
  onChange(async change => {
    if (onlyQuery(change) && evidence) return;
    const wanted = state.group, found = await block(`queries-${wanted}`);
    if (wanted !== state.group) return;
    evidence = found;
    if (["group", "measure", "a", "b"].some(key => key in change)) listing.picked = null;
    compare();
    relist();
    scatter.refresh();
    bars.refresh();
  });
}

function compare() {
  const key = [state.group, state.measure, state.a, state.b].join();
  if (compared?.key !== key) {
    const both = [state.a, state.b].every(i => systems()[i].means[state.measure]);
    compared = {key, both, interval: null, test: null};
    if (both) Object.assign(compared, paired(column(state.measure, state.a), column(state.measure, state.b)));
    if (both && state.a !== state.b) infer(compared);
  }
  drawVerdict();
}

/** Interval and p follow when they are there: for thousands of queries they take a second. */
async function infer(of) {
  const wanted = () => compared === of;
  of.interval = await inPieces(bootstrapped(of.differences), wanted);
  of.test = of.interval && await inPieces(randomised(of.differences), wanted);
  if (wanted()) drawVerdict();
}

function drawVerdict() {
  const [a, b] = [systems()[state.a], systems()[state.b]], c = compared;
  const name = (s, i) => el("span", {class: "named"}, glyph(look(i)), " ", s.label);
  if (state.a === state.b || !c.both) {
    put($("verdict"), el("p", {}, state.a === state.b ? "There is one system on this dataset, and nothing to compare it with."
      : `${state.measure} was not scored for both systems.`));
    return;
  }
  put($("verdict"),
    el("p", {class: "verdict", "data-ready": c.test ? "yes" : "no"}, "By ", state.measure, ", ", name(b, state.b), " (B) is better than ", name(a, state.a), " (A) on ",
      el("b", {}, several(c.wins, "query", "queries")), ", worse on ", el("b", {}, whole(c.losses)), `, and the same on ${whole(c.ties)}. Mean difference `,
      el("b", {}, signed(c.difference)), c.test ? [`, 95 % interval [${signed(c.interval[0])}, ${signed(c.interval[1])}], randomisation test p `,
        c.test.p < 0.0001 ? "< 0.0001" : `= ${fixed(c.test.p)}`, "."] : " …"),
    el("p", {class: "note"}, "For this one pair: who looks at many pairs finds small p by chance. ", el("code", {}, "ir-bench compare"), " corrects for all that it shows."),
    differing(a, b));
}

/** Settings in which the two systems differ, as a sentence. */
function differing(a, b) {
  const [x, y] = [flat(a.system.retriever), flat(b.system.retriever)];
  const keys = [...new Set([...x.keys(), ...y.keys()])].filter(k => x.get(k) !== y.get(k));
  if (!keys.length || keys.length > 8) return null;
  return el("p", {class: "note"}, "They differ in ", keys.map((k, i) => [i ? "; " : "", el("code", {}, k), " ",
    x.get(k) ?? "–", " → ", y.get(k) ?? "–"]), ".");
}

function flat(tree, prefix = "", into = new Map()) {
  for (const [key, value] of Object.entries(tree ?? {})) {
    if (value && typeof value === "object") flat(value, `${prefix}${key}.`, into);
    else into.set(prefix + key, String(value));
  }
  return into;
}

const cut = (text, length) => text.length > length ? text.slice(0, length).trimEnd() + " …" : text;
const inLines = text => plain(cut(text, 160)).replace(/(.{1,60})(\s|$)/g, "$1<br>");

/** Queries with the same two values, as one point: most measures have few values, and most queries share them. */
function points(rows, x, y) {
  const found = new Map();
  for (const q of rows) {
    const key = `${x[q].toFixed(4)} ${y[q].toFixed(4)}`, point = found.get(key);
    if (point) point.queries.push(q); else found.set(key, {x: x[q], y: y[q], queries: [q]});
  }
  return [...found.values()].sort((p, q) => q.queries.length - p.queries.length);  // small points on large ones
}

/** The queries of the figures: those of the list, which one point of the scatter may have narrowed further. */
const drawnRows = () => listing.picked ? filteredRows(null) : listing.rows;

function drawScatter() {
  const title = `${state.measure} of each query: B against A`;
  if (!compared?.both || state.a === state.b) return {title, empty: "Nothing to compare."};
  const x = column(state.measure, state.a), y = column(state.measure, state.b), rows = drawnRows(), picked = listing.picked;
  const all = points(rows, x, y), largest = all[0]?.queries.length ?? 1, many = all.length > MANY;
  const top = Math.max(1e-9, maximum(x), maximum(y)) * 1.06, low = -0.06 * top;
  const up = look(state.b).color, down = look(state.a).color, same = css("--soft");
  const size = n => Math.max(many ? 4 : 7, 26 * Math.sqrt(n / Math.max(largest, 40)));
  return {
    title, text: `One point for all queries with the same two values, larger for more (${several(rows.length, "query", "queries")}); above the line B is better. A point opens its query, or lists its queries below.`,
    data: [
      {type: "scatter", mode: "lines", x: [low, top], y: [low, top], hoverinfo: "skip", line: {color: css("--soft"), width: 1}},
      {type: many && webgl() ? "scattergl" : "scatter", mode: "markers", x: all.map(p => p.x), y: all.map(p => p.y), customdata: all.map((p, i) => i),
        text: all.map(p => p.queries.length === 1 ? inLines(nameOf(p.queries[0]))
          : `<b>${several(p.queries.length, "query", "queries")}</b><br>${plain(cut(nameOf(p.queries[0]), 56))}, …<br>`),
        marker: {color: all.map(p => p.y > p.x ? up : p.y < p.x ? down : same), size: all.map(p => size(p.queries.length)),
          opacity: all.map(p => picked && p.queries[0] !== picked.queries[0] ? 0.15 : many ? 0.4 : 0.62), line: {width: 0}},
        hovertemplate: "%{text}A %{x:.4f}  B %{y:.4f}<extra></extra>"}],
    layout: {xaxis: {title: {text: "A: " + plain(cut(systems()[state.a].label, 36))}, range: [low, top]},
      yaxis: {title: {text: "B: " + plain(cut(systems()[state.b].label, 36))}, range: [low, top]}},
    click: point => {
      const at = all[point.customdata];
      if (!at) return;
      if (at.queries.length === 1) { openQuery(at.queries[0]); return; }
      listing.picked = picked?.queries[0] === at.queries[0] ? null : at;
      relist();
      $("query-list").scrollIntoView({block: "nearest"});
    },
  };
}

function drawBars() {
  const title = `Difference of each query: B − A`;
  if (!compared?.both || state.a === state.b) return {title, empty: "Nothing to compare."};
  const d = compared.differences, rows = [...drawnRows()].sort((p, q) => d[q] - d[p] || p - q);
  const up = look(state.b).color, down = look(state.a).color, many = rows.length > MANY;
  const heights = rows.map(q => d[q]);
  const positions = rows.map((q, i) => i + 1);
  const common = {x: positions, y: heights, customdata: rows, text: rows.map(q => plain(cut(nameOf(q), 80))),
    hovertemplate: "%{text}<br>B − A %{y:+.4f}<extra></extra>"};
  return {
    title, text: `Queries by falling difference; a bar opens its query. Bars above zero: B is better.`,
    data: many
      ? [{...common, type: webgl() ? "scattergl" : "scatter", mode: "markers", marker: {size: 3, color: heights.map(h => h >= 0 ? up : down)}}]
      : [{...common, type: "bar", marker: {color: heights.map(h => h >= 0 ? up : down), line: {width: 0}}}],
    layout: {bargap: rows.length > 200 ? 0 : 0.15, xaxis: {title: {text: "queries, by difference"}, showgrid: false},
      yaxis: {title: {text: `difference in ${state.measure}`}, zeroline: true, zerolinecolor: css("--soft")}},
    click: point => point.customdata !== undefined && openQuery(point.customdata),
  };
}

function maximum(values) {
  let top = 0;
  for (const value of values) if (value > top) top = value;
  return top;
}

/** The queries that the reader asked for. */
function filteredRows(picked) {
  const words = $("filter-queries").value.toLowerCase().split(/\s+/).filter(Boolean);
  const side = document.querySelector("#sides input:checked").value, d = compared.differences;
  const rows = [], among = picked && new Set(picked.queries);
  for (let q = 0; q < evidence.ids.length; q++) {
    if (d && side === "b" && !(d[q] > 0) || d && side === "a" && !(d[q] < 0)) continue;
    if (among && !among.has(q)) continue;
    if (words.length && !words.every(w => `${evidence.ids[q]} ${textOf(q)}`.toLowerCase().includes(w))) continue;
    rows.push(q);
  }
  return rows;
}

/** Lists them in the order asked for. */
function relist() {
  const rows = filteredRows(listing.picked), d = compared.differences, {key, down} = listing;
  const numeric = {a: q => valueOf(state.measure, state.a, q), b: q => valueOf(state.measure, state.b, q),
    difference: q => d ? d[q] : 0, size: q => d ? Math.abs(d[q]) : 0}[key];
  if (numeric) {
    const keys = new Map(rows.map(q => [q, numeric(q)]));
    rows.sort((p, q) => (down ? keys.get(q) - keys.get(p) : keys.get(p) - keys.get(q)) || p - q);
  } else if (down) rows.reverse();
  const changed = rows.length !== listing.rows.length || rows.some((q, i) => q !== listing.rows[i]);
  listing.rows = rows;
  listing.page = 0;
  drawList();
  if (changed) for (const each of figures) if (each.onRows) each.refresh();
}

function drawList() {
  const {rows, key, down} = listing, pages = Math.max(1, Math.ceil(rows.length / PAGE));
  const from = listing.page * PAGE, shown = rows.slice(from, from + PAGE);
  const head = (name, id, number) => el("th", {scope: "col", class: number ? "number" : null, "aria-sort": key === id ? (down ? "descending" : "ascending") : "none"},
    el("button", {type: "button", "data-key": id, onclick: () => {
      Object.assign(listing, {key: id, down: listing.key === id ? !listing.down : id !== "id"});
      relist();
      $("query-table").querySelector(`[data-key="${id}"]`).focus();
    }}, name));
  const c = compared, scale = c.differences ? Math.max(1e-9, maximum(c.differences.map(Math.abs))) : 1;
  put($("query-table"), 
    el("caption", {class: "hidden"}, `${state.measure} of A and B for each query`),
    el("thead", {}, el("tr", {}, head("id", "id"), el("th", {scope: "col"}, "query"), head("A", "a", true), head("B", "b", true), head("B − A", "difference", true), head("size of B − A", "size"))),
    el("tbody", {}, shown.map(q => el("tr", {class: "opens", onclick: () => openQuery(q)},
      el("td", {class: "id"}, el("button", {type: "button", class: "link", "data-query": evidence.ids[q], onclick: event => { event.stopPropagation(); openQuery(q); }}, foreign(evidence.ids[q]))),
      el("td", {class: "text"}, evidence.texts ? foreign(cut(textOf(q), 200)) : el("span", {class: "soft"}, "text not at hand")),
      el("td", {class: "number"}, c.both ? fixed(valueOf(state.measure, state.a, q)) : "–"),
      el("td", {class: "number"}, c.both ? fixed(valueOf(state.measure, state.b, q)) : "–"),
      el("td", {class: "number"}, c.differences ? signed(c.differences[q]) : "–"),
      el("td", {}, c.differences ? lean(c.differences[q] / scale) : null)))));
  $("count-queries").textContent = several(rows.length, "query", "queries");
  const at = listing.picked;
  put($("picked"), at ? el("button", {type: "button", onclick: () => { listing.picked = null; relist(); $("filter-queries").focus(); }},
    `only A ${fixed(at.x)}, B ${fixed(at.y)} ×`, el("span", {class: "hidden"}, " (show all again)")) : null);
  const go = step => () => { listing.page += step; drawList(); };
  put($("pages"), ...(pages < 2 ? [] : [
    el("button", {type: "button", disabled: listing.page === 0, onclick: go(-1)}, "Previous"),
    el("span", {}, ` ${from + 1}–${from + shown.length} of ${rows.length.toLocaleString("en")} `),
    el("button", {type: "button", disabled: listing.page >= pages - 1, onclick: go(1)}, "Next")]));
}

function lean(share) {
  const width = 80, middle = width / 2, length = Math.abs(share) * middle;
  const fill = look(share >= 0 ? state.b : state.a).color;
  return svg("svg", {class: "lean", width, height: 10, viewBox: `0 0 ${width} 10`, "aria-hidden": "true"},
    svg("path", {d: `M${middle} 0V10`, class: "axis"}),
    svg("rect", {x: share >= 0 ? middle : middle - length, y: 2, width: length, height: 6, fill}));
}
