// The list of runs: groups with their runs, switched on and off.

// drawList makes the list anew.
function drawList() {
  const net = state.net, list = byId("runs"), fragment = document.createDocumentFragment();
  const open = new Set([...list.querySelectorAll("details[open]")].map((d) => d.dataset.group));
  for (const group of grouping().groups) {
    const runs = group.runs.map((k) => net.runs[k]).filter(matches);
    if (!runs.length) continue;
    fragment.append(runs.length === 1 && group.runs.length === 1 ? runItem(runs[0], group, group.label) : groupItem(group, runs, open));
  }
  if (!fragment.childNodes.length) fragment.append(make("li", "empty", net.runs.length ? "No run matches." : "No runs yet."));
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.closest("li").dataset.key, what = focused?.className || focused?.localName;
  list.replaceChildren(fragment);
  if (focused) { // a run under way changes the list beneath who goes through it by keys
    const item = list.querySelector(`li[data-key="${CSS.escape(key)}"]`);
    [...(item?.querySelectorAll("button, input, summary") ?? [])].find((e) => (e.className || e.localName) === what)?.focus();
  }
  count();
  markFocus();
}

function count() {
  const all = state.net.runs, shown = all.filter(visible).length;
  const running = all.filter((r) => r.state === "running").length;
  byId("count").textContent = `${shown} of ${all.length} ${all.length === 1 ? "run" : "runs"}` + (running && state.index.live ? `, ${running} running` : "");
}

function groupItem(group, runs, open) {
  const item = make("li");
  const details = make("details", "", null, { "data-group": group.label });
  details.open = open.has(group.label);
  const summary = make("summary");
  summary.append(check(runs, group.label), swatch(group), nameOf(group.label, "group " + group.label, runs), make("span", "note", `${runs.length} runs`));
  const members = make("ul");
  const fill = () => { if (details.open && !members.childNodes.length) members.append(...runs.map((r) => runItem(r, group, r.label || r.id))); };
  details.addEventListener("toggle", fill);
  fill();
  details.append(summary, members);
  item.append(details);
  item.dataset.key = "group " + group.label;
  return item;
}

function runItem(run, group, label) {
  const item = make("li", "run");
  item.dataset.key = "run " + run.id;
  item.title = run.id;
  const about = make("button", "quiet about", "i", { "aria-label": "About " + run.id, title: "Settings, and how to train it again" });
  about.onclick = () => showDetail(run);
  item.append(check([run], label), swatch(group), nameOf(label, "run " + run.id, [run]), stateOf(run), about);
  return item;
}

// stateOf tells how far a run is that has not ended, or how it ended if not well; else its last
// values.
function stateOf(run) {
  if (run.state === "finished") return make("span", "note", show(run.last[run.last.length - 1] === null ? null : lastOf(run), 3), { title: lastLabel() });
  const note = make("span", "note " + run.state);
  if (run.state === "running" || run.state === "interrupted") {
    const bar = make("progress", "", null, { max: run.epochs, value: run.epoch ?? 0, "aria-label": `epoch ${show(run.epoch)} of ${show(run.epochs)}` });
    note.append(bar);
  }
  note.append(run.state === "running" ? `${show(run.epoch, 3)}/${show(run.epochs, 3)}` : run.state);
  note.title = `${run.state}, epoch ${show(run.epoch)} of ${show(run.epochs)}`;
  return note;
}

function lastQuantity() {
  const name = state.net.main[state.net.main.length - 1];
  return state.net.quantities.find((q) => q.column === name);
}
const lastOf = (run) => run.last[run.last.length - 1] * (lastQuantity()?.factor ?? 1);
const lastLabel = () => lastQuantity()?.label ?? "";

// check switches runs on and off.
function check(runs, label) {
  const box = make("input", "", null, { type: "checkbox", "aria-label": "Show " + label });
  const shown = runs.filter((r) => !state.hidden.has(r.id)).length;
  box.checked = shown > 0;
  box.indeterminate = shown > 0 && shown < runs.length;
  box.onchange = () => {
    for (const r of runs) if (box.checked) state.hidden.delete(r.id); else state.hidden.add(r.id);
    visibilityChanged(box);
  };
  return box;
}

// nameOf brings out a group's curves while it is pointed at; clicked, they are shown alone.
function nameOf(label, key, runs) {
  const name = make("button", "name", label, { title: label + " – click: alone, or all again" });
  const focus = () => { state.focus = key; emphasizeAll(); };
  name.onpointerenter = focus;
  name.onfocus = focus;
  name.onpointerleave = name.onblur = leave;
  name.onclick = (e) => {
    e.preventDefault(); // of the summary that it is in
    const others = state.net.runs.filter((r) => !runs.includes(r));
    const alone = runs.every((r) => !state.hidden.has(r.id)) && others.every((r) => state.hidden.has(r.id));
    state.hidden = new Set(alone ? [] : others.map((r) => r.id));
    visibilityChanged();
  };
  return name;
}

// visibilityChanged draws what depends on which runs are shown; the list stays, but for its boxes.
function visibilityChanged() {
  const runOf = new Map(state.net.runs.map((r) => [r.id, r]));
  for (const item of byId("runs").querySelectorAll("li[data-key]")) {
    const box = item.querySelector("input");
    const key = item.dataset.key;
    const ids = key.startsWith("run ") ? [key.slice(4)] : grouping().groups.find((g) => "group " + g.label === key).runs.map((k) => state.net.runs[k].id);
    const shown = ids.filter((id) => runOf.has(id) && !state.hidden.has(id)).length;
    box.checked = shown > 0;
    box.indeterminate = shown > 0 && shown < ids.length;
    item.classList.toggle("off", shown === 0);
  }
  count();
  refreshAll();
}

let marked = [];
function markFocus() {
  for (const item of marked) item.classList.remove("focus");
  const key = state.focus || state.pinned;
  marked = key ? [...byId("runs").querySelectorAll(`li[data-key="${CSS.escape(key)}"]`)] : [];
  for (const item of marked) item.classList.add("focus");
}
