// Plots, drawn when they come into view, in the colours of the page; each with a text and a table of what it shows.
const PALETTE = {  // Okabe and Ito's colours; on dark ground their lighter relatives
  light: ["#0072b2", "#d55e00", "#008a64", "#b5548c", "#a87400", "#3b3b8f", "#555555"],
  dark: ["#56b4e9", "#f08c3a", "#2fc79b", "#e08fbf", "#e6c229", "#a3a3ff", "#bbbbbb"],
};
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "hexagon"];
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid"];
const MANY = 1500;  // points from which they are drawn by WebGL, where there is one
const figures = [];
const quiet = matchMedia("(prefers-reduced-motion: reduce)");
const darkSystem = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (document.documentElement.dataset.theme ?? (darkSystem.matches ? "dark" : "light")) === "dark";
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Colour, shape and dash of a system. Up to seven have their own; of more, A and B have, and the others are grey. */
function look(i, g = group()) {
  const colors = PALETTE[isDark() ? "dark" : "light"], few = g.systems.length <= colors.length;
  const labels = [systems()[state.a].label, systems()[state.b].label];
  const side = labels.indexOf(g.systems[i].label);
  const at = few ? i : side;
  const strong = side >= 0;
  if (at < 0) return {color: css("--faint-mark"), symbol: "circle", dash: "solid", strong, plain: true};
  return {color: colors[at], symbol: SYMBOLS[at], dash: DASHES[at], strong, plain: false};
}

let library = null;
/** The plotting library, unpacked when the first figure is seen. */
function plotly() {
  library ??= inflated("plotly").then(buffer => {
    document.head.append(el("script", {}, new TextDecoder().decode(buffer)));
    return window.Plotly;
  });
  return library;
}

const webgl = (() => {
  let known = null;
  return () => known ??= Boolean(document.createElement("canvas").getContext("webgl"));
})();

function layout(extra) {
  const ink = css("--ink"), rule = css("--rule"), axis = {
    color: css("--soft"), gridcolor: rule, zeroline: false, linecolor: rule, ticks: "outside", ticklen: 3,
    tickcolor: rule, automargin: true, fixedrange: false,
  };
  return {
    font: {family: css("--sans"), size: 12, color: ink}, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: {l: 48, r: 16, t: 8, b: 44}, showlegend: false, hovermode: "closest", dragmode: false, autosize: true,
    hoverlabel: {bgcolor: css("--paper"), bordercolor: css("--soft"), font: {color: ink, family: css("--sans")}, align: "left"},
    ...extra, xaxis: {...axis, ...extra.xaxis}, yaxis: {...axis, ...extra.yaxis},
  };
}

/** A figure in `node`. `make` gives {title, text, data, layout, head, rows, click}, or {empty: why there is none}. */
function figure(node, make, height = 360) {
  const heading = el("figcaption", {}), plot = el("div", {class: "plot", role: "img", style: `height:${height}px`});
  const text = el("p", {class: "note"}), numbers = el("details", {class: "numbers"}, el("summary", {}, "Numbers of this figure"));
  node.append(el("figure", {}, heading, plot, text, numbers));
  let dirty = true, visible = false, made = null, drawing = Promise.resolve();
  const fill = () => {
    numbers.querySelector("div")?.remove();
    if (numbers.open && made?.head) numbers.append(el("div", {class: "wide", tabindex: 0}, table(made.head, made.rows())));
  };
  numbers.addEventListener("toggle", fill);
  const draw = async () => {
    if (!dirty || !visible) return;
    dirty = false;
    made = await make();
    heading.textContent = made.title;
    text.textContent = made.empty ?? made.text;
    plot.hidden = Boolean(made.empty);
    numbers.hidden = !made.head;
    fill();
    if (made.empty) return;
    plot.setAttribute("aria-label", `${made.title}. ${made.text}`);
    const library = await plotly();
    await library.react(plot, made.data, layout(made.layout), {displayModeBar: false, responsive: true, scrollZoom: false});
    plot.removeAllListeners?.("plotly_click");
    if (made.click) plot.on("plotly_click", event => made.click(event.points[0]));
    plot.dataset.drawn = String(Number(plot.dataset.drawn ?? 0) + 1);
  };
  const again = () => { drawing = drawing.then(draw); return drawing; };
  new IntersectionObserver(entries => { visible = entries.at(-1).isIntersecting; again(); }, {rootMargin: "300px"}).observe(node);
  const self = {refresh() { dirty = true; return again(); }, force() { visible = true; return again(); }};
  figures.push(self);
  return self;
}

addEventListener("beforeprint", () => figures.forEach(each => each.force()));
