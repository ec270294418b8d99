// What is beside the curves: the table of finals, the settings, and all about one run.

async function drawFinals() {
  const pane = byId("finals"), net = state.net, by = grouping().name;
  const table = await source.table(net.name, by);
  if (net !== state.net || by !== grouping().name) return;
  const text = JSON.stringify([net.name, by, dark(), table]);
  if (pane.dataset.shown === text) return; // nothing new: somebody may be reading it
  pane.dataset.shown = text;
  if (!table) return void pane.replaceChildren(make("p", "", "No values yet."));
  const copy = make("button", "", "Copy as CSV");
  copy.onclick = () => copyText(table.rows.map((row) => row.map(quoted).join(",")).join("\n") + "\n", copy);
  const intro = make("p", "intro", "Medians of the values with which finished runs ended, with the quartiles where there are several. ");
  intro.append(copy);
  const groups = grouping().groups;
  const rows = table.rows.slice(1).map((cells, i) => ({ cells, group: groups[i] }));
  pane.replaceChildren(intro, sortable(table.rows[0], rows, new Set(table.beside), "finals"), ...table.notes.map((n) => make("p", "notes", n)));
}

const quoted = (cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

const order = {}; // of tables, by their names: [column, its head, 1 or −1]

// sortable is a table whose columns' heads sort it; those in beside are published numbers.
function sortable(head, rows, beside, name) {
  const table = make("table"), thead = make("thead"), tbody = make("tbody"), line = make("tr");
  const fill = () => tbody.replaceChildren(...rows.map(({ cells, group, run }) => {
    const row = make("tr");
    cells.forEach((cell, k) => {
      const td = make(k === 0 ? "th" : "td", beside.has(k) ? "beside" : isNumber(cell) ? "number" : "");
      if (k === 0) {
        td.scope = "row";
        if (group) td.append(swatch(group));
      }
      if (k === 0 && run) {
        const about = make("button", "link", cell);
        about.onclick = () => showDetail(run);
        td.append(about);
      } else td.append(cell);
      row.append(td);
    });
    return row;
  }));
  const isBy = (k) => order[name]?.[0] === k && order[name][1] === head[k];
  head.forEach((title, k) => {
    const th = make("th", beside.has(k) ? "beside" : rows.length && isNumber(rows[0].cells[k]) ? "number" : "", null, { scope: "col" });
    const button = make("button", "quiet", title);
    button.onclick = () => {
      order[name] = [k, title, isBy(k) ? -order[name][2] : 1];
      sort();
    };
    th.append(button);
    line.append(th);
  });
  thead.append(line);
  const sort = () => {
    const k = head.findIndex((_, i) => isBy(i)), sign = order[name]?.[2];
    if (k >= 0) rows = rows.toSorted((a, b) => sign * compare(a.cells[k], b.cells[k]));
    [...line.children].forEach((th, i) => (i === k ? th.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending") : th.removeAttribute("aria-sort")));
    fill();
  };
  sort();
  table.append(thead, tbody);
  const scroll = make("div", "scroll", null, { tabindex: "0", role: "region", "aria-label": "Table" });
  scroll.append(table);
  return scroll;
}

const isNumber = (cell) => cell === "–" || /^[−+-]?[\d.]/.test(cell);

// compare orders cells as numbers where both begin with one; what there is not comes last.
function compare(a, b) {
  if ((a === "–" || a === "") !== (b === "–" || b === "")) return a === "–" || a === "" ? 1 : -1;
  const x = parseFloat(a), y = parseFloat(b);
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, undefined, { numeric: true }) : x - y;
}

function drawSettings() {
  const net = state.net, pane = byId("settings");
  const groupOf = new Map();
  for (const group of grouping().groups) for (const k of group.runs) groupOf.set(k, group);
  const rows = net.runs.map((run, i) => ({ run, group: groupOf.get(i), i })).filter(({ run }) => matches(run))
    .map(({ run, group }) => ({ run, group, cells: [run.id, run.state, ...run.values.map((v) => v || "–"), `${show(run.epoch)} of ${show(run.epochs)}`, duration(run.seconds)] }));
  const text = JSON.stringify([net.name, grouping().name, dark(), net.common, rows.map((r) => r.cells)]);
  if (pane.dataset.shown === text) return;
  pane.dataset.shown = text;
  const common = make("dl", "common");
  for (const [name, value] of Object.entries(net.common)) {
    const pair = make("div");
    pair.append(make("dt", "", name), make("dd", "", value));
    common.append(pair);
  }
  pane.replaceChildren(
    make("h2", "", "Differences"), sortable(["run", "state", ...net.varying, "epoch", "time"], rows, new Set(), "settings"),
    make("h2", "", net.runs.length > 1 ? "Shared by all" : "Settings"), common,
  );
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 100) return show(seconds, 3) + " s";
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? minutes + " min" : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// showDetail tells all there is to know of a run.
async function showDetail(run) {
  const dialog = byId("detail");
  const close = make("button", "close", "×", { "aria-label": "Close" });
  close.onclick = () => dialog.close();
  dialog.replaceChildren(close, make("h2", "", run.id));
  dialog.showModal();
  let d;
  try {
    d = await source.detail(run.id);
  } catch (err) {
    dialog.append(make("p", "", "It cannot be read now: " + err.message));
    return;
  }
  if (!d) return void dialog.append(make("p", "", "It is gone."));
  const e = d.config?.environment ?? {};
  dialog.append(make("p", "", `${run.state}${d.message ? ": " + d.message : ""}, epoch ${show(run.epoch)} of ${show(run.epochs)}, ${duration(run.seconds)}`));
  const config = JSON.stringify(d.config, null, 2);
  dialog.append(make("h3", "", "Train it again"));
  dialog.append(make("p", "", "With its config.json, below or in its folder, the same version on the same engine ends with the same bits on a CPU:"));
  dialog.append(copyable("largestep train --config config.json --out again"));
  if (e.command) dialog.append(make("p", "", "It was begun by"), copyable(e.command));
  dialog.append(facts([["version", e.version], ["commit", e.commit], ["training data, SHA-256", e.train_sha256], ["test data, SHA-256", e.test_sha256],
    ["engine", e.engine], ["device", e.device], ["threads", e.threads], ["host", e.host], ["Go", e.go], ["initial parameters", e.init]]));
  if (d.plateaus?.length) {
    dialog.append(make("h3", "", "Where the loss stood still"));
    dialog.append(facts(d.plateaus.map((p) => [`steps ${p.start} to ${p.end}`, `${p.phase} step size, mini-batch loss ${show(p.level, 3)}`])));
  }
  dialog.append(make("h3", "", "config.json"), copyable(config));
}

function facts(pairs) {
  const list = make("dl");
  for (const [name, value] of pairs) if (value !== undefined && value !== "" && value !== null) list.append(make("dt", "", name), make("dd", "", String(value)));
  return list;
}

function copyable(text) {
  const box = make("div", "copyable"), button = make("button", "", "Copy");
  button.onclick = () => copyText(text, button);
  box.append(make("pre", "", text), button);
  return box;
}

async function copyText(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed: select it";
  }
  setTimeout(() => (button.textContent = before), 1500);
}
