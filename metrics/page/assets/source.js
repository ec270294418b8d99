// Where the documents of a page come from: the page itself, or the server that sent it.

const embedded = document.getElementById("data");
const source = embedded ? fromReport(JSON.parse(embedded.textContent)) : fromServer();

function fromReport(data) {
  const at = (table, ...path) => path.reduce((t, key) => (t && Object.hasOwn(t, key) ? t[key] : undefined), table);
  return {
    index: async () => data.index,
    column: async (net, name) => at(data.columns, net, name),
    table: async (net, by) => at(data.tables, net, by),
    detail: async (id) => at(data.details, id),
  };
}

function fromServer() {
  const get = async (name, parameters = {}) => {
    const answer = await fetch(name + "?" + new URLSearchParams(parameters), { cache: "no-cache", signal: AbortSignal.timeout(30000) });
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    return answer.json();
  };
  return {
    index: () => get("index"),
    column: (net, name, since) => get("column", { net, name, since }),
    table: (net, by) => get("table", { net, by }),
    detail: (id) => get("detail", { id }),
  };
}

// state is all that somebody chose, and what the page shows now.
const state = {
  index: null,
  net: null, // of the index
  by: null, // the grouping; null is the one that suits
  axis: 0, // epochs, steps or seconds
  smooth: 1,
  median: true,
  view: "curves",
  filter: "",
  hidden: new Set(), // ids of runs
  range: null, // of the horizontal axis; null is the whole
  cursor: null, // a place on it
  focus: null, // key of the curve that stands out
  pinned: null, // key of the one that stays so
  log: {}, // by column, where it is not as it was
};

const axisNames = ["epoch", "step", "seconds"];

// grouping is the chosen one, or that by settings, as long as they are few enough to be told
// apart by colours.
function grouping() {
  const all = state.net.groupings;
  return all.find((g) => g.name === state.by) || all.find((g) => g.groups.length <= 24 && g.name !== "run") || all[0];
}

// make is an element with a class, a text and attributes. No text is ever read as HTML.
function make(tag, className, text, attributes = {}) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined && text !== null) e.textContent = text;
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  return e;
}

const byId = (id) => document.getElementById(id);

// show writes a number with n digits.
function show(v, n = 4) {
  if (v === null || v === undefined || Number.isNaN(v)) return "–";
  const size = Math.abs(v);
  return size !== 0 && (size < 1e-4 || size >= 1e6) ? exponential(v, n) : String(Number(v.toPrecision(n)));
}

const exponential = (v, n) => v.toExponential(n - 1).replace(/\.?0+e/, "e").replace("e+", "e");

const dark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};
const colourOf = (group) => (dark() ? group.dark : group.light);
