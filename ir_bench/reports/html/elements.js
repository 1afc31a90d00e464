// Elements of the page. Text goes in as text nodes only, so nothing in the evidence can become markup.
const SVG = "http://www.w3.org/2000/svg";
const $ = id => document.getElementById(id);

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
  return node;
}

const el = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

/** Text of a collection or a user, kept apart from the writing direction of the page around it. */
const foreign = text => el("bdi", {}, text);

const whole = value => value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en");
const fixed = (value, digits = 4) => value === null || value === undefined ? "–" : value.toFixed(digits);
const signed = value => (value > 0 ? "+" : value < 0 ? "−" : "±") + Math.abs(value).toFixed(4);
const several = (n, one, more = one + "s") => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;

/** Puts these in place of what a node holds; null is nothing. */
const put = (node, ...children) => { node.replaceChildren(); return filled(node, {}, children); };

function options(select, entries, chosen) {
  put(select, ...entries.map(([value, text]) => el("option", {value, selected: value === chosen}, text)));
  select.value = chosen;
}

function table(head, rows, caption) {
  return el("table", {}, caption ? el("caption", {}, caption) : null,
    el("thead", {}, el("tr", {}, head.map(name => el("th", {scope: "col"}, name)))),
    el("tbody", {}, rows.map(row => el("tr", {}, row.map((cell, i) =>
      el("td", {class: typeof cell === "number" || /^[−+±]?[\d,.]+$/.test(cell) ? "number" : null}, cell))))));
}

/** A shape of the plots, to stand in text: the legend is wherever a system is named. */
const SHAPES = {
  circle: "M6 2a4 4 0 1 1 0 8a4 4 0 1 1 0-8z", square: "M2.5 2.5h7v7h-7z", diamond: "M6 1l4.5 5L6 11L1.5 6z",
  "triangle-up": "M6 1.5l5 8.5H1z", cross: "M4.4 1h3.2v3.4H11v3.2H7.6V11H4.4V7.6H1V4.4h3.4z",
  "triangle-down": "M6 10.5L1 2h10z", hexagon: "M6 1l4.3 2.5v5L6 11L1.7 8.5v-5z",
};
function glyph(look) {
  return svg("svg", {class: "glyph", width: 12, height: 12, viewBox: "0 0 12 12", "aria-hidden": "true"},
    svg("path", {d: SHAPES[look.symbol], fill: look.color}));
}
