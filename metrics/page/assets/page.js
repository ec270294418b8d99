// What holds the page together: controls, keys, and looking for news.

const sections = new Map(); // of charts: name → element
const observer = new IntersectionObserver((entries) => {
  for (const e of entries) charts.get(e.target.dataset.column)?.setSeen(e.isIntersecting);
}, { rootMargin: "200px" });

// drawCharts makes a chart for each column that there is none of yet, and takes away the others.
function drawCharts() {
  const wanted = new Set(state.net.quantities.map((q) => q.column));
  for (const [column, chart] of charts) {
    if (wanted.has(column)) continue;
    observer.unobserve(chart.card);
    chart.card.remove();
    charts.delete(column);
  }
  for (const q of state.net.quantities) {
    if (charts.has(q.column)) continue;
    const chart = new Chart(q);
    charts.set(q.column, chart);
    sectionOf(q.section).append(chart.card);
    observer.observe(chart.card);
  }
  for (const s of sections.values()) s.details.hidden = !s.charts.childNodes.length;
  refreshAll();
}

function sectionOf(name) {
  let s = sections.get(name);
  if (!s) {
    s = { details: make("details", "section"), charts: make("div", "charts") };
    s.details.open = name !== "Speed";
    s.details.append(make("summary", "", name), s.charts);
    byId("charts").append(s.details);
    sections.set(name, s);
  }
  return s.charts;
}

// setNet shows the runs of a net.
function setNet(name) {
  const changed = state.net?.name !== name;
  state.net = state.index.nets.find((n) => n.name === name) ?? state.index.nets[0] ?? { name: "", title: "", main: [], quantities: [], runs: [], groupings: [{ name: "setting", groups: [] }], varying: [], common: {} };
  if (changed) {
    columns.clear();
    state.range = null;
    state.log = {};
    for (const s of sections.values()) s.details.remove();
    sections.clear();
    charts.clear();
  }
  fill(byId("net"), state.index.nets.map((n) => [n.name, `${n.title || n.name} (${n.runs.length})`]), state.net.name);
  byId("net").hidden = state.index.nets.length < 2;
  byId("title").textContent = state.index.nets.length === 1 && state.net.title ? state.net.title : state.index.title;
  const names = { setting: "setting, seeds together", run: "run" };
  fill(byId("by"), state.net.groupings.map((g) => [g.name, names[g.name] ?? g.name.replaceAll("_", " ")]), grouping().name);
  const several = grouping().groups.some((g) => g.runs.length > 1);
  byId("median").parentElement.hidden = !several;
  forgetVanished();
  drawList();
  drawCharts();
  drawPane();
}

function forgetVanished() {
  const ids = new Set(state.net.runs.map((r) => r.id));
  for (const column of columns.values()) for (const id of column.runs.keys()) if (!ids.has(id)) column.runs.delete(id);
}

function fill(select, options, chosen) {
  const text = JSON.stringify(options);
  if (select.dataset.options !== text) { // else it may be open
    select.dataset.options = text;
    select.replaceChildren(...options.map(([value, text]) => make("option", "", text, { value })));
  }
  select.value = chosen;
}

function drawPane() {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const on = tab.dataset.view === state.view;
    tab.setAttribute("aria-selected", on);
    tab.tabIndex = on ? 0 : -1;
    byId(tab.dataset.view).hidden = !on;
  }
  if (state.view === "finals") drawFinals().catch((err) => {
    delete byId("finals").dataset.shown;
    byId("finals").replaceChildren(make("p", "", "The table cannot be read now: " + err.message));
  });
  if (state.view === "settings") drawSettings();
}

// accept takes a new index.
function accept(index) {
  state.index = index;
  document.title = index.title;
  const problems = byId("problems");
  problems.hidden = !index.problems?.length;
  problems.replaceChildren(...(index.problems ?? []).slice(0, 5).map((p) => make("div", "", p)));
  if (index.problems?.length > 5) problems.append(make("div", "", `and ${index.problems.length - 5} more`));
  setNet(state.net?.name ?? remembered.get("net") ?? "");
}

const pollEvery = 2000;

async function poll() {
  const live = byId("live");
  try {
    if (!document.hidden) {
      const index = await source.index();
      if (index.revision !== state.index.revision) accept(index);
      live.textContent = "live";
      live.classList.remove("lost");
    }
  } catch {
    live.textContent = "no answer, trying again";
    live.classList.add("lost");
  }
  setTimeout(poll, pollEvery);
}

// What somebody chose stays in the address, so that it can be kept and sent.
const remembered = new URLSearchParams(location.hash.slice(1));

function remember() {
  const p = new URLSearchParams();
  if (state.index.nets.length > 1) p.set("net", state.net.name);
  if (state.by) p.set("by", state.by);
  if (state.axis) p.set("over", axisNames[state.axis]);
  if (state.smooth > 1) p.set("smooth", state.smooth);
  if (state.filter) p.set("filter", state.filter);
  if (state.view !== "curves") p.set("view", state.view);
  history.replaceState(null, "", p.size ? "#" + p : location.pathname + location.search);
}

function recall() {
  state.by = remembered.get("by") ?? state.by;
  state.axis = Math.max(0, axisNames.indexOf(remembered.get("over")));
  state.smooth = Math.min(51, Math.max(1, Number(remembered.get("smooth")) || 1));
  state.filter = remembered.get("filter") ?? "";
  if (["finals", "settings"].includes(remembered.get("view"))) state.view = remembered.get("view");
  byId("axis").value = state.axis;
  byId("smooth").value = state.smooth;
  byId("smoothed").textContent = state.smooth;
  byId("filter").value = state.filter;
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
  byId("theme").textContent = theme === "dark" ? "☾ dark" : theme === "light" ? "☀ light" : "◐ auto";
  try { if (theme) localStorage.setItem("theme", theme); else localStorage.removeItem("theme"); } catch { /* a page without storage */ }
  if (state.net) restyle();
}

function restyle() {
  for (const chart of charts.values()) if (chart.u) chart.build();
  drawList();
  drawPane();
}

function controls() {
  const on = (id, event, f) => byId(id).addEventListener(event, (e) => { f(e.target); remember(); });
  on("net", "change", (t) => setNet(t.value));
  on("by", "change", (t) => { state.by = t.value; state.pinned = null; leave(); setNet(state.net.name); });
  on("axis", "change", (t) => { state.axis = Number(t.value); state.range = null; state.cursor = null; byId("reset").disabled = true; refreshAll(); });
  on("smooth", "input", (t) => { state.smooth = Number(t.value); byId("smoothed").textContent = t.value; refreshAll(); });
  on("median", "change", (t) => { state.median = t.checked; refreshAll(); });
  on("filter", "input", (t) => { state.filter = t.value; drawList(); refreshAll(); if (state.view === "settings") drawSettings(); });
  on("all", "click", () => { state.hidden.clear(); visibilityChanged(); });
  on("nobody", "click", () => { state.hidden = new Set(state.net.runs.map((r) => r.id)); visibilityChanged(); });
  byId("in").onclick = () => zoomBy(0.5);
  byId("out").onclick = () => zoomBy(2);
  byId("reset").onclick = () => zoomTo(null);
  byId("help").onclick = showKeys;
  byId("theme").onclick = () => setTheme({ undefined: "light", light: "dark", dark: "" }[document.documentElement.dataset.theme]);
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.onclick = () => { state.view = tab.dataset.view; drawPane(); remember(); };
    tab.onkeydown = (e) => {
      const other = { ArrowRight: tab.nextElementSibling ?? tab.parentElement.firstElementChild, ArrowLeft: tab.previousElementSibling ?? tab.parentElement.lastElementChild }[e.key];
      if (other) { other.click(); other.focus(); }
    };
  }
  document.addEventListener("keydown", (e) => {
    if (e.target.matches("input, select, textarea") || e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
    const actions = { "+": () => zoomBy(0.5), "=": () => zoomBy(0.5), "-": () => zoomBy(2), 0: () => zoomTo(null), Escape: () => { state.pinned = null; leave(); }, "?": showKeys, "/": () => { byId("drawer").open = true; byId("filter").focus(); } };
    if (actions[e.key]) { e.preventDefault(); actions[e.key](); }
  });
  let width = 0;
  new ResizeObserver(() => {
    const now = byId("charts").clientWidth;
    if (now === 0 || now === width) return; // hidden, or as it was
    width = now;
    for (const chart of charts.values()) chart.resize();
  }).observe(byId("charts"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
}

function showKeys() {
  const dialog = byId("keys"), close = make("button", "close", "×", { "aria-label": "Close" });
  close.onclick = () => dialog.close();
  dialog.replaceChildren(close, make("h2", "", "Keys"), facts([
    ["drag over a chart", "zoom on all charts; double click: the whole"], ["+  −  0", "zoom in, out, the whole"],
    ["click a chart, or Enter", "keep the curve that stands out; Esc: let it go"],
    ["Tab, then ← →", "along the curve of a chart; with Shift in large steps"], ["↑ ↓", "to the next curve above or below"],
    ["l", "logarithmic or linear axis"], ["w", "chart large or small"], ["/", "filter runs"],
    ["click a run's name", "show it alone, or all again"],
  ]), make("p", "notes", `Made by ${state.index.program}.`));
  dialog.showModal();
}

async function begin() {
  let theme = "";
  try { theme = localStorage.getItem("theme") ?? ""; } catch { /* as above */ }
  setTheme(theme === "dark" || theme === "light" ? theme : "");
  recall();
  if (innerWidth < 760) byId("drawer").open = false;
  controls();
  for (;;) {
    try {
      accept(await source.index());
      break;
    } catch {
      byId("live").hidden = false;
      byId("live").textContent = "no answer, trying again";
      await new Promise((done) => setTimeout(done, pollEvery));
    }
  }
  document.documentElement.dataset.ready = "";
  if (state.index.live) {
    byId("save").hidden = byId("live").hidden = false;
    byId("live").textContent = "live";
    setTimeout(poll, pollEvery);
  }
}

begin();
