// The table of all systems on all datasets.
const COSTS = [
  ["build_s", "build s", "seconds from text to a searchable index; 0.0 where it was in the cache", v => fixed(v, 1)],
  ["bytes", "B/doc", "bytes of the index for each document", whole],
  ["p50", "query ms", "median milliseconds of a query asked alone", v => fixed(v, 1)],
  ["p95", "95 %", "95th percentile of the milliseconds of a query", v => fixed(v, 1)],
  ["peak", "peak MB", "most memory in use, building and searching", whole],
];
let sorting = {key: "dataset", down: false};
let columns = [];
const LONG = 40;  // rows from which the table scrolls under its head

function startTable() {
  const mains = overview.groups.map(g => g.main);
  const usual = [...new Set([...mains, "nDCG@10", "R@100", "AP"])].filter(m => overview.measures.includes(m));
  columns = (usual.length ? usual : overview.measures).slice(0, 4);
  $("columns").append(...overview.measures.map(m => el("label", {},
    el("input", {type: "checkbox", checked: columns.includes(m), onchange: event => {
      columns = overview.measures.filter(x => x === m ? event.target.checked : columns.includes(x));
      drawTable();
    }}), " " + m)));
  $("filter-systems").addEventListener("input", drawTable);
  onChange(change => { if (!onlyQuery(change)) drawTable(); });
  const said = overview.groups.some(g => g.systems.some(s => Object.keys(s.published).length));
  if (said) put($("verdicts-note"), "Published values are compared with ours: ", el("b", {}, "holds"), " within the published rounding and the tolerance of its table, ",
    el("b", {}, "within noise"), " inside our interval, else ", el("b", {}, "differs"), "; the tooltip names the table. ");
}

const verdictsOf = s => Object.values(s.published).map(said => said[1]);
/** What the verdicts of a system come to: the worst first, with how many there are. */
const VERDICTS = ["differs", "within noise", "holds"];
const summed = s => VERDICTS.map(v => [v, verdictsOf(s).filter(x => x === v).length]).filter(([, n]) => n)
  .map(([v, n]) => Object.keys(s.published).length > 1 ? `${n} ${v === "differs" && n > 1 ? "differ" : v === "holds" && n > 1 ? "hold" : v}` : v).join(", ");
/** Verdicts as one number: more that differ is more, then more within noise, then more that hold. */
const severity = s => verdictsOf(s).length ? verdictsOf(s).reduce((sum, v) => sum + 1000 ** (2 - VERDICTS.indexOf(v)), 0) : null;

function rowsOfTable() {
  const words = $("filter-systems").value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = overview.groups.flatMap((g, gi) => g.systems.map((s, si) => ({g, gi, s, si})));
  const kept = rows.filter(r => words.every(w => `${r.g.label} ${r.s.label} ${verdictsOf(r.s).join(" ")}`.toLowerCase().includes(w)));
  const value = r => sorting.key === "dataset" ? r.gi : sorting.key === "system" ? r.s.label : sorting.key === "verdict" ? severity(r.s)
    : sorting.key in r.s.cost ? r.s.cost[sorting.key] : r.s.means[sorting.key]?.[0];
  const main = r => r.s.means[r.g.main]?.[0] ?? -1;
  return kept.sort((x, y) => {
    const [a, b] = [value(x), value(y)], empty = v => v === null || v === undefined;
    if (empty(a) || empty(b)) return empty(a) - empty(b);
    const order = typeof a === "string" ? a.localeCompare(b, "en") : a - b;
    return (sorting.down ? -order : order) || x.gi - y.gi || main(y) - main(x);
  });
}

function drawTable() {
  const rows = rowsOfTable(), several_ = overview.groups.length > 1;
  const judged = overview.groups.some(g => g.systems.some(s => verdictsOf(s).length));
  const heads = [...(several_ ? [["dataset", "dataset"]] : []), ["system", "system"],
    ...columns.map(m => [m, m]), ...(judged ? [["verdict", "published", "what the published values of this system come to"]] : []), ...COSTS.map(([key, name, title]) => [key, name, title])];
  const head = ([key, name, title]) => el("th", {scope: "col", title,
    class: COSTS.some(c => c[0] === key) ? "number cost" : null,
    "aria-sort": sorting.key === key ? (sorting.down ? "descending" : "ascending") : "none"},
    el("button", {type: "button", "data-key": key, onclick: () => {
      const text = key === "dataset" || key === "system", cost = COSTS.some(c => c[0] === key);
      sorting = {key, down: sorting.key === key ? !sorting.down : !text && !cost};
      drawTable();
      $("table").querySelector(`[data-key="${CSS.escape(key)}"]`).focus();
    }}, name));
  let previous = null;
  const body = rows.map(({g, gi, s, si}) => {
    const here = gi === state.group, a = here && si === state.a, b = here && si === state.b;
    const side = (name, on) => el("button", {type: "button", class: "side", "aria-pressed": String(on),
      "aria-label": `${s.label} on ${g.label} as ${name}`, "data-side": name.toLowerCase(),
      onclick: event => { event.stopPropagation(); show({group: gi, [name.toLowerCase()]: s.label}); }}, name);
    const first = sorting.key === "dataset" && previous !== gi;
    previous = gi;
    return el("tr", {class: [a ? "a" : "", b ? "b" : "", first ? "first" : ""].join(" ").trim() || null,
      onclick: () => show({group: gi, b: s.label})},
      el("td", {class: "sides"}, side("A", a), side("B", b)),
      several_ ? el("td", {class: "dataset"}, first || sorting.key !== "dataset" ? g.label : el("span", {class: "hidden"}, g.label)) : null,
      el("th", {scope: "row"}, here ? glyph(look(si)) : null, " ", el("span", {class: "label"}, s.label)),
      columns.map(m => measureCell(g, s, si, m)),
      judged ? el("td", {class: "said"}, summed(s)) : null,
      COSTS.map(([key, , , write]) => el("td", {class: "number cost"}, write(s.cost[key]))));
  });
  put($("table"), 
    el("caption", {class: "hidden"}, "Mean of each measure with its interval, and costs, for each dataset and system"),
    el("thead", {}, el("tr", {}, el("th", {class: "sides"}, el("span", {class: "hidden"}, "compare")), heads.map(head))),
    el("tbody", {}, body.length ? body : el("tr", {}, el("td", {colspan: heads.length + 1}, "No system has these words."))));
  $("table").parentNode.classList.toggle("long", rows.length > LONG);
  $("count-systems").textContent = several(rows.length, "row");
}

function measureCell(g, s, si, m) {
  const value = s.means[m];
  if (!value) return el("td", {class: "measure"}, "–");
  const [middle, low, high] = value, all = g.systems.map(x => x.means[m]).filter(Boolean);
  const top = g.systems.length > 1 && middle === Math.max(...all.map(v => v[0]));
  const number = top ? el("b", {}, fixed(middle)) : fixed(middle);
  const said = s.published[m];
  return el("td", {class: "measure", title: `95 % interval ${fixed(low)} to ${fixed(high)}`}, number,
    whisker(value, Math.min(...all.map(v => v[1])), Math.max(...all.map(v => v[2]))),
    el("small", {}, el("span", {class: "hidden"}, "95 % interval "), `[${fixed(low, 3)}, ${fixed(high, 3)}]`),
    said ? el("small", {class: `said ${said[1].replace(" ", "-")}`, title: `published ${said[0]}${said[2] ? `, table ${said[2]}` : ""}`},
      `${SIGNS[said[1]] ?? ""} ${said[0]} ${said[1]}`) : null);
}

const SIGNS = {holds: "=", "within noise": "≈", differs: "≠"};

function whisker([middle, low, high], from, to) {
  const width = 52, x = value => (2 + (width - 4) * (to > from ? (value - from) / (to - from) : 0.5)).toFixed(1);
  return svg("svg", {class: "whisker", width, height: 8, viewBox: `0 0 ${width} 8`, "aria-hidden": "true"},
    svg("path", {d: `M${x(low)} 4H${x(high)}`}), svg("circle", {cx: x(middle), cy: 4, r: 2}));
}
