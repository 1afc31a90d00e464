// How each system was configured and measured, and the command that makes it again.
function startSettings() {
  onChange(change => { if (["group", "a", "b"].some(key => key in change) || !$("settings-body").childNodes.length) drawSettings(); });
  drawSettings();
}

function drawSettings() {
  const g = group(), order = [state.a, state.b, ...g.systems.map((s, i) => i)];
  const unique = [...new Set(order)];
  const open = new Set([...document.querySelectorAll("#settings-body details[open]")].map(node => node.dataset.of));
  const machines = new Set(g.systems.map(s => [s.environment.processor, s.environment.usable_cores, s.environment.accelerator].join()));
  put($("settings-body"), 
    el("p", {}, `${g.label}, split ${g.split}: ${several(g.queries, "judged query", "judged queries")}`,
      g.documents ? `, ${several(g.documents, "document")}` : "", `; a grade of ${g.threshold} or more counts as relevant; main measure ${g.main}.`),
    g.missing ? el("p", {class: "note"}, g.missing, " Without it this page has ids and scores, but no texts and no judgments of this dataset.") : null,
    machines.size > 1 ? el("p", {class: "note"}, "These systems were not all measured on the same machine: compare their costs with care.") : null,
    el("h3", {}, "Systems on ", g.label),
    ...unique.map(i => {
      const s = g.systems[i];
      return el("details", {class: "system", "data-of": `${g.label} ${s.label}`, open: open.has(`${g.label} ${s.label}`)},
        el("summary", {}, glyph(look(i)), " ", s.label, i === state.a ? " (A)" : i === state.b ? " (B)" : ""),
        s.command ? copied(`ir-bench run ${s.command}`) : el("p", {class: "note"}, "No command was kept with this result."),
        el("div", {class: "trees"}, el("div", {}, el("h4", {}, "Settings"), tree(s.system)), el("div", {}, el("h4", {}, "Environment"), tree(s.environment))));
    }),
    el("h3", {}, "To cite"),
    ...citations(g),
    el("p", {}, "This measurement:"),
    copied(`@software{ir_bench,\n  title   = {ir\\_bench},\n  version = {${overview.version || "?"}},\n  note    = {report of ${overview.date || "?"}: ${overview.title.replace(/[{}\\]/g, "")}}\n}`));
}

/** What this dataset, its systems and the numbers of this page rest on. */
function citations(g) {
  const parts = new Map();
  for (const s of g.systems) for (const [part, text] of s.sources) parts.set(text, new Set(parts.get(text)).add(part));
  const item = (name, text) => el("li", {}, el("b", {}, name), ": ", linked(text));
  return [
    el("h4", {}, "Collection"),
    el("ul", {class: "sources"}, g.about ? item(g.label, g.about) : el("li", {}, g.label, ": its configuration says nothing of its source."), g.cite.map(([part, text]) => item(part, text))),
    parts.size ? [el("h4", {}, "Systems"), el("ul", {class: "sources"}, [...parts].map(([text, names]) => [[...names].sort().join(", "), text])
      .sort((p, q) => p[0].localeCompare(q[0], "en")).map(([name, text]) => item(name, text)))] : null,
    el("h4", {}, "Measures and statistics"),
    el("ul", {class: "sources"},
      item("measures", "trec_eval (https://github.com/usnistgov/trec_eval) through pytrec_eval (Van Gysel and de Rijke, SIGIR 2018) and ir_measures (MacAvaney, Macdonald and Ounis, ECIR 2022)."),
      item("intervals", "percentile bootstrap over queries; Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 13.3."),
      item("p values", "paired randomisation test; Smucker, Allan and Carterette, CIKM 2007.")),
  ].flat();
}

function copied(text) {
  const said = el("span", {role: "status"});
  return el("div", {class: "command"}, el("pre", {tabindex: 0}, text), el("button", {type: "button", onclick: async event => {
    try { await navigator.clipboard.writeText(text); said.textContent = "copied"; } catch {
      getSelection().selectAllChildren(event.target.closest(".command").querySelector("pre"));
      said.textContent = "selected";
    }
  }}, "Copy"), said);
}

function tree(value) {
  return el("ul", {class: "tree"}, Object.entries(value ?? {}).map(([key, each]) => {
    const inside = each && typeof each === "object";
    return el("li", {}, el("span", {class: "name"}, key), inside ? (Object.keys(each).length ? tree(each) : " none") : el("span", {}, ": ", String(each)));
  }));
}

/** Text in which addresses can be followed. */
function linked(text) {
  return text.split(/(https?:\/\/[^\s),;]+[^\s),;.])/).map((part, i) =>
    i % 2 ? el("a", {href: part, rel: "noreferrer noopener", target: "_blank"}, part) : part);
}
