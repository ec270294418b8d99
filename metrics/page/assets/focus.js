// What concerns all charts at once: the curve that stands out, the legend, drawing anew.

const tip = byId("tip");

function leave() {
  state.cursor = null;
  state.focus = null;
  tip.hidden = true;
  emphasizeAll();
}

function pin(key) {
  state.pinned = key;
  state.focus = key;
  emphasizeAll();
}

let pending = false;
function emphasizeAll() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    for (const chart of charts.values()) if (chart.seen && chart.u) chart.emphasize();
    markFocus();
  });
}

// drawLegend says what there is to see beside curves.
function drawLegend() {
  const groups = visibleGroups(), shown = groups.length <= few;
  const runs = groups.flatMap((g) => g.runs);
  const notes = [
    [state.median && groups.some((g) => g.runs.length > 1), "Line and band: median and quartiles of the runs."],
    [shown && groups.some((g) => phasesOf(g.runs).length > 1), "Along the top: the phases of the step size, strongest where it is large."],
    [shown && groups.some((g) => plateauOf(g.runs)), "Shaded: the mini-batch loss stands still."],
    [runs.some((r) => r.state === "diverged"), "×: diverged."],
    [shown && runs.some((r) => r.beside.length), "◇: published final values."],
  ];
  byId("legend").textContent = notes.filter(([applies]) => applies).map(([, text]) => text).join(" ");
}

function refreshAll() {
  drawLegend();
  for (const chart of charts.values()) chart.refresh();
}

function swatch(group) {
  const s = make("i", "swatch");
  s.style.borderTopColor = colourOf(group);
  s.style.borderTopStyle = group.dashes.length ? "dashed" : "solid";
  return s;
}
