// Precision by recall and recall by depth, one line a system.
function startCurves() {
  const precision = figure($("precision-figure"), () => curve(
    `Precision by recall: ${group().label}`, "IPrec@", "recall", "interpolated precision", {range: [-0.02, 1.02]},
    "Precision interpolated at eleven levels of recall, mean over queries."));
  const recall = figure($("recall-figure"), () => curve(
    `Recall by depth: ${group().label}`, "R@", "depth of the ranking", "recall", {type: "log", dtick: 1},
    "Share of the relevant documents among the first documents, mean over queries."));
  onChange(change => { if (!onlyQuery(change)) { precision.refresh(); recall.refresh(); } });
}

function curve(title, prefix, x, y, axis, text) {
  const lines = systems().map((s, i) => ({i, s, points: Object.entries(s.curves).filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => [Number(name.slice(prefix.length)), value]).sort((p, q) => p[0] - q[0])})).filter(l => l.points.length);
  if (!lines.length) return {title, empty: "No curve was kept with these results. Measuring the cells again keeps one."};
  const order = [...lines].sort((p, q) => look(p.i).strong - look(q.i).strong);
  const depths = [...new Set(lines.flatMap(l => l.points.map(p => p[0])))].sort((p, q) => p - q);
  const grey = lines.some(l => look(l.i).plain);
  return {
    title, text: text + (grey ? " A and B in colour; the others say their name under the pointer." : ""),
    data: order.map(({i, s, points}) => {
      const own = look(i);
      return {
        type: "scatter", mode: own.plain ? "lines" : "lines+markers", x: points.map(p => p[0]), y: points.map(p => p[1]),
        name: plain(s.label), opacity: own.plain ? 0.8 : 1,
        line: {color: own.color, dash: own.dash, width: own.strong ? 2.25 : 1.25}, marker: {color: own.color, symbol: own.symbol, size: own.strong ? 7 : 5},
        hovertemplate: `<b>${plain(s.label)}</b><br>${x} %{x}<br>${y} %{y:.4f}<extra></extra>`,
      };
    }),
    layout: {xaxis: {title: {text: x}, ...axis}, yaxis: {title: {text: y}, rangemode: "tozero"}},
    head: ["system", ...depths.map(d => prefix + d)],
    rows: () => lines.map(l => [l.s.label, ...depths.map(d => fixed(l.points.find(p => p[0] === d)?.[1]))]),
  };
}
