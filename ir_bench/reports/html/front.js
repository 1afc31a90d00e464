// Effectiveness against cost: who is not beaten on both.
const AXES = [["p50", "median query time, ms"], ["bytes", "index size, bytes per document"], ["build_s", "build time, s"],
  ["peak", "peak memory, MB"]];

/** Systems that no other beats on one of cost and value without being worse on the other, by rising cost. */
function notDominated(points) {
  let top = -Infinity;
  return [...points].sort((a, b) => a.x - b.x || b.y - a.y).filter(p => p.y > top && (top = p.y, true));
}

function startFront() {
  options($("choose-cost"), AXES, "p50");
  const drawn = figure($("front-figure"), () => {
    const cost = $("choose-cost").value, axis = AXES.find(a => a[0] === cost)[1], m = state.measure;
    const smallest = cost === "build_s" ? 0.01 : 0;
    const points = systems().map((s, i) => ({i, label: s.label, x: s.cost[cost], value: s.means[m]}))
      .filter(p => p.x !== null && p.x !== undefined && p.value && (p.x > 0 || smallest))
      .map(p => ({...p, x: Math.max(p.x, smallest), y: p.value[0]}));
    const title = `${m} and ${axis}: ${group().label}`;
    if (points.length < 2) return {title, empty: "Fewer than two systems have this cost and this measure."};
    const front = notDominated(points), onFront = new Set(front.map(p => p.i));
    const named = points.filter(p => onFront.has(p.i) || p.i === state.a || p.i === state.b || points.length <= 7);
    const style = p => {
      const own = look(p.i);
      return onFront.has(p.i) || own.strong ? {...own, color: own.plain ? css("--soft") : own.color} : {...own, color: css("--faint-mark")};
    };
    const frame = frameOf(points, $("front-figure").clientWidth);
    const places = spread(named, points, front, frame);
    const marks = points.map(p => ({
      type: "scatter", mode: "markers", x: [p.x], y: [p.y], customdata: [p.i],
      marker: {color: style(p).color, symbol: style(p).symbol, size: style(p).strong ? 12 : 9, line: {color: css("--paper"), width: 1}},
      error_y: {type: "data", symmetric: false, array: [p.value[2] - p.y], arrayminus: [p.y - p.value[1]], thickness: 1, width: 0, color: style(p).color},
      hovertemplate: `<b>${plain(p.label)}</b><br>${plain(m)} ${fixed(p.y)} [${fixed(p.value[1])}, ${fixed(p.value[2])}]<br>${axis}: ${shortNumber(p.x)}<extra></extra>`,
    }));
    const line = {type: "scatter", mode: "lines", x: front.map(p => p.x), y: front.map(p => p.y), hoverinfo: "skip",
      line: {color: css("--soft"), width: 1, shape: "hv"}};
    return {
      title,
      text: `Not beaten on both: ${front.map(p => p.label).join(", ")}. ` +
        `The other ${several(points.length - front.length, "system")} cost more for no more effectiveness, and are grey unless they are A or B.` +
        (cost === "build_s" ? " Builds below 0.01 s came from the cache and are drawn at 0.01 s." : ""),
      data: [line, ...marks],
      layout: {xaxis: {type: "log", title: {text: axis}, range: frame.x, ...ticks(frame), minor: {ticks: "outside", ticklen: 2}},
        yaxis: {title: {text: m}, range: frame.y}, annotations: places},
      head: ["system", m, "95 % interval", axis, "on the front"],
      rows: () => points.map(p => [p.label, fixed(p.y), `${fixed(p.value[1])} to ${fixed(p.value[2])}`, shortNumber(p.x), onFront.has(p.i) ? "yes" : "no"]),
      click: point => point.customdata !== undefined && show({b: systems()[point.customdata].label}),
    };
  }, 420);
  $("choose-cost").addEventListener("change", () => drawn.refresh());
  onChange(change => { if (!onlyQuery(change)) drawn.refresh(); });
}

const MARGINS = {across: 72, down: 62};  // pixels of the figure outside its axes, about

/** Ranges of the axes with some room, and how far a pixel reaches. */
function frameOf(points, width, height = 420) {
  const xs = points.map(p => Math.log10(p.x)), low = Math.min(...points.map(p => p.value[1])), high = Math.max(...points.map(p => p.value[2]));
  const left = Math.min(...xs), across = Math.max(...xs) - left || 1, up = high - low || 0.1;
  const x = [left - 0.06 * across, left + 1.06 * across], y = [low - 0.06 * up, high + 0.12 * up];
  const [w, h] = [Math.max(200, width - MARGINS.across), height - MARGINS.down];
  return {x, y, w, h, at: (cost, value) => [(Math.log10(cost) - x[0]) / (x[1] - x[0]) * w, (y[1] - value) / (y[1] - y[0]) * h]};
}

/** Ticks at 1, 2 and 5 of each decade where there is room, in full; Plotly writes 20 as a small 2. */
function ticks({x: [low, high], w}) {
  const steps = w / (high - low) > 160 ? [1, 2, 5] : [1], values = [];
  for (let decade = Math.floor(low); decade <= high; decade++) for (const step of steps) {
    const value = step * 10 ** decade;
    if (Math.log10(value) >= low && Math.log10(value) <= high) values.push(value);
  }
  return {tickvals: values, ticktext: values.map(value => value >= 1 ? whole(value) : value.toPrecision(1))};
}

/** Names beside their points, each at the free place nearest to it: off other names first, then off points and lines. */
function spread(named, points, front, frame) {
  const overlap = (p, q) => p[0] < q[2] && q[0] < p[2] && p[1] < q[3] && q[1] < p[3];
  const marks = points.map(p => frame.at(p.x, p.y)).map(([x, y]) => [x - 7, y - 7, x + 7, y + 7]);
  const bars = points.map(p => [...frame.at(p.x, p.value[2]), frame.at(p.x, p.value[1])[1]]).map(([x, top, bottom]) => [x - 1, top, x + 1, bottom]);
  const steps = front.slice(1).flatMap((p, i) => {
    const [x0, y0] = frame.at(front[i].x, front[i].y), [x1, y1] = frame.at(p.x, p.y);
    return [[x0, y0 - 1, x1, y0 + 1], [x1 - 1, y1, x1 + 1, y0]];
  });
  const taken = [];
  return [...named].sort((a, b) => b.y - a.y).map(p => {
    const [x, y] = frame.at(p.x, p.y), text = cut(p.label, Math.max(12, Math.min(44, Math.floor(frame.w / 14))));
    const wide = 6.7 * text.length + 4;
    let best = null;
    for (const far of [12, 24, 40, 60, 84, 110]) for (const [dx, dy] of [[-0.7, -1], [0.7, -1], [1, 0], [-1, 0], [0.7, 1], [-0.7, 1]]) {
      const ax = dx * Math.min(far, 26), ay = dy * far;
      const box = [dx < 0 ? x + ax - wide : x + ax, y + ay - 8, dx < 0 ? x + ax : x + ax + wide, y + ay + 8];
      if (box[0] < 0 || box[2] > frame.w + 8 || box[1] < 0 || box[3] > frame.h) continue;
      const hits = boxes => boxes.filter(other => overlap(box, other)).length;
      const cost = far / 6 + 100 * hits(taken) + 6 * hits(marks) + 5 * hits(steps) + 1.5 * hits(bars);
      if (!best || cost < best.cost) best = {cost, ax, ay, box, left: dx < 0};
    }
    best ??= {ax: -10, ay: -12, box: [x - wide, y - 20, x, y - 4], left: true};
    taken.push(best.box);
    return {x: Math.log10(p.x), y: p.y, text: plain(text), showarrow: true, arrowwidth: 0.75, arrowhead: 0, standoff: 6, arrowcolor: css("--soft"),
      ax: best.ax, ay: best.ay, xanchor: best.left ? "right" : "left", yanchor: "middle", borderpad: 1, bgcolor: css("--paper-thin"), font: {size: 12, color: css("--ink")}};
  });
}

/** Text for Plotly, which reads some tags and entities. */
const plain = text => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const shortNumber = value => value >= 100 ? whole(value) : value >= 1 ? value.toFixed(1) : value.toPrecision(2);
