// Puts the page together.
const THEMES = ["", "light", "dark"];

function kept(key, value) {
  try { return value === undefined ? localStorage.getItem(key) : localStorage.setItem(key, value); } catch { return null; }
}

function startTheme() {
  const apply = theme => {
    if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
    $("theme").textContent = theme === "light" ? "Light" : theme === "dark" ? "Dark" : "Theme";
    $("theme").setAttribute("aria-label", `Colours: ${theme || "as the system has it"}`);
  };
  let theme = kept("ir-bench-theme") ?? "";
  apply(THEMES.includes(theme) ? theme : "");
  const again = () => { drawControls(); for (const listener of listeners) listener({}); drawSettings(); };
  $("theme").addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    theme = next === (darkSystem.matches ? "dark" : "light") ? "" : next;
    kept("ir-bench-theme", theme);
    apply(theme);
    again();
  });
  darkSystem.addEventListener("change", again);
}

function drawControls() {
  const labels = systems().map(s => [s.label, s.label]);
  options($("choose-group"), overview.groups.map((g, i) => [String(i), g.label]), String(state.group));
  options($("choose-measure"), scored().map(m => [m, m]), state.measure);
  options($("choose-a"), labels, systems()[state.a].label);
  options($("choose-b"), labels, systems()[state.b].label);
  put($("key-a"), glyph(look(state.a)));
  put($("key-b"), glyph(look(state.b)));
}

async function start() {
  overview = await block("overview");
  settle();
  startTheme();
  document.querySelector("nav.controls").hidden = document.querySelector("main").hidden = false;
  onChange(change => { if (!onlyQuery(change)) drawControls(); });
  startTable();
  startFront();
  startQueries();
  startCurves();
  startDetail();
  startSettings();
  $("choose-group").addEventListener("change", event => show({group: Number(event.target.value)}));
  $("choose-measure").addEventListener("change", event => show({measure: event.target.value}));
  $("choose-a").addEventListener("change", event => show({a: event.target.value}));
  $("choose-b").addEventListener("change", event => show({b: event.target.value}));
  for (const link of document.querySelectorAll(".jump a, .skip")) link.addEventListener("click", event => {
    event.preventDefault();  // the address keeps saying what is shown
    const heading = $(link.hash.slice(1)).querySelector("h2");
    heading.tabIndex = -1;
    heading.focus({preventScroll: true});
    heading.scrollIntoView();
  });
  addEventListener("hashchange", () => { const asked = readAddress(); if (asked) show(asked); else if (state.query !== null) show({query: null}); });
  $("foot").append(el("p", {}, `Made by ir_bench ${overview.version}${overview.date ? ` on ${overview.date}` : ""}. Figures: plotly.js (MIT). Nothing on this page is loaded from a network.`));
  show({...(readAddress() ?? {})});
}

start().catch(error => {
  document.body.prepend(el("p", {class: "failure", role: "alert"}, `This page could not be opened: ${error.message}. It needs a browser of 2023 or later.`));
  throw error;
});
