// What is shown: dataset, measure, systems A and B, query. Everything else follows from it and from the evidence.
const state = {group: 0, measure: "", a: 0, b: 0, query: null};
const chosen = {a: null, b: null};  // labels the reader asked for; they stay when the dataset changes
const listeners = [];
let overview = null;

const group = () => overview.groups[state.group];
const systems = () => group().systems;
const onChange = listener => listeners.push(listener);

const scored = (g = group()) => overview.measures.filter(m => g.systems.some(s => s.means[m]));
const best = (g, measure) => g.systems.reduce(
  (top, s, i) => (s.means[measure]?.[0] ?? -1) > (g.systems[top].means[measure]?.[0] ?? -1) ? i : top, 0);

/** A: the one asked for, else bm25, else the first; B: the one asked for, else the best of the others. */
function settle() {
  const all = systems(), index = label => all.findIndex(s => s.label === label);
  if (!scored().includes(state.measure)) state.measure = scored().includes(group().main) ? group().main : scored()[0];
  const order = all.map((s, i) => i).sort((x, y) => (all[y].means[state.measure]?.[0] ?? -1) - (all[x].means[state.measure]?.[0] ?? -1));
  const pick = (wanted, not) => wanted >= 0 && wanted !== not ? wanted : -1;
  state.b = pick(index(chosen.b), -1);
  state.a = pick(index(chosen.a), state.b);
  if (state.a < 0) state.a = pick(index("bm25"), state.b);
  if (state.a < 0) state.a = all.findIndex((s, i) => i !== state.b);
  if (state.a < 0) state.a = 0;
  if (state.b < 0) state.b = order.find(i => i !== state.a) ?? 0;
}

/** Whether a change leaves all as it was but for the query that is open. */
const onlyQuery = change => "query" in change && Object.keys(change).length === 1;

/** Changes what is shown and tells everybody. */
function show(change) {
  if ("a" in change) chosen.a = change.a;
  if ("b" in change) chosen.b = change.b;
  if (change.a && change.a === chosen.b) chosen.b = "b" in change ? chosen.b : systems()[state.a]?.label;
  if (change.b && change.b === chosen.a) chosen.a = "a" in change ? chosen.a : systems()[state.b]?.label;
  if ("group" in change && change.group !== state.group) {
    state.group = change.group;
    state.measure = change.measure ?? group().main;
    state.query = null;
  }
  if ("measure" in change) state.measure = change.measure;
  if ("query" in change) state.query = change.query;
  settle();
  writeAddress();
  for (const listener of listeners) listener(change);
}

function address(query = state.query) {
  const parameters = new URLSearchParams();
  if (state.measure !== group().main) parameters.set("measure", state.measure);
  if (chosen.a) parameters.set("a", systems()[state.a].label);
  if (chosen.b) parameters.set("b", systems()[state.b].label);
  const path = encodeURIComponent(group().label) + (query === null ? "" : "/" + encodeURIComponent(query));
  const rest = parameters.toString();
  if (query === null && !rest && state.group === 0) return "";
  return "#" + path + (rest ? "?" + rest : "");
}

function writeAddress() {
  const wanted = address();
  if (wanted === location.hash || (!wanted && !location.hash)) return;
  try { history.replaceState(null, "", wanted || location.pathname + location.search); } catch { /* stays as it is */ }
}

/** What the address asks for: #dataset/query?measure=…&a=…&b=…; nothing where it names no dataset of the page. */
function readAddress() {
  const [path, rest] = location.hash.slice(1).split("?");
  const decode = text => { try { return decodeURIComponent(text); } catch { return text; } };
  const [label, query] = path.split("/").map(decode);
  const found = overview.groups.findIndex(g => g.label === label);
  if (found < 0) return null;
  const parameters = new URLSearchParams(rest ?? ""), change = {group: found, query: query ?? null};
  const measure = parameters.get("measure");
  if (measure && scored(overview.groups[found]).includes(measure)) change.measure = measure;
  for (const side of ["a", "b"]) if (parameters.get(side)) change[side] = parameters.get(side);
  return change;
}
