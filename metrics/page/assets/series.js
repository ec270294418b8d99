// The numbers of the runs, by column, and the curves that they make.

// columns are those fetched, of the net that is shown: name → {revision, runs: id → numbers}.
const columns = new Map();

const underWay = new Map(); // fetches: name → promise

// load fetches columns, or what changed of them.
const load = (names) => Promise.all([...new Set(names)].map((name) => {
  const net = state.net, have = columns.get(name);
  if (have && !net.runs.some((r) => r.revision > have.revision)) return null;
  const key = JSON.stringify([net.name, name]);
  if (!underWay.has(key)) underWay.set(key, fetchColumn(net, name, have?.revision ?? 0).finally(() => underWay.delete(key)));
  return underWay.get(key);
}));

async function fetchColumn(net, name, since) {
  const got = await source.column(net.name, name, since);
  if (!got || net.name !== state.net.name) return;
  const column = columns.get(name) ?? { runs: new Map() };
  for (const [id, values] of Object.entries(got.runs)) column.runs.set(id, Float64Array.from(values, (v) => (v === null ? NaN : v)));
  column.revision = got.revision;
  columns.set(name, column);
}

const valuesOf = (name, id) => columns.get(name)?.runs.get(id);

function visible(run) {
  return !state.hidden.has(run.id) && matches(run);
}

function matches(run) {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (run.id + " " + run.label + " " + run.state).toLowerCase();
  return words.every((w) => text.includes(w));
}

// visibleGroups are those of the grouping with the runs that are shown.
function visibleGroups() {
  return grouping().groups
    .map((group, i) => ({ group, i, runs: group.runs.map((k) => state.net.runs[k]).filter(visible) }))
    .filter((g) => g.runs.length > 0);
}

// curvesOf are a column's: {key, label, group, run, xs, ys, low, high}. Where medians are asked
// for, runs of a group make one; those that diverged are left out of it.
function curvesOf(quantity) {
  const list = [];
  for (const { group, runs } of visibleGroups()) {
    const counted = runs.filter((r) => r.state !== "diverged");
    if (state.median && counted.length > 1) {
      const curve = median(quantity, group, counted);
      if (curve.xs.length) list.push(curve);
      continue;
    }
    for (const run of runs) {
      const curve = single(quantity, group, run, runs.length > 1 || group.runs.length > 1);
      if (curve && curve.xs.length) list.push(curve);
    }
  }
  return list;
}

function single(quantity, group, run, several) {
  const xs = valuesOf(axisNames[state.axis], run.id);
  let ys = valuesOf(quantity.column, run.id);
  if (!xs || !ys) return null;
  const n = Math.min(xs.length, ys.length); // one of them may have been fetched a row later
  ys = smooth(ys.subarray(0, n).map((v) => v * quantity.factor));
  return { key: "run " + run.id, label: several ? run.label || run.id : group.label, group, run, xs: xs.subarray(0, n), ys };
}

// smooth makes each value the mean of the finite ones about it.
function smooth(values) {
  const half = (state.smooth - 1) / 2;
  if (half < 1) return values;
  return values.map((value, i) => {
    if (!Number.isFinite(value)) return value;
    let sum = 0, count = 0;
    for (let j = Math.max(0, i - half); j <= Math.min(values.length - 1, i + half); j++) if (Number.isFinite(values[j])) { sum += values[j]; count++; }
    return sum / count;
  });
}

// median is that of runs that evaluated at the same steps, with the quartiles.
function median(quantity, group, runs) {
  const at = new Map(); // step → [x, values]
  for (const run of runs) {
    const steps = valuesOf("step", run.id), xs = valuesOf(axisNames[state.axis], run.id), ys = valuesOf(quantity.column, run.id);
    if (!steps || !xs || !ys) continue;
    for (let i = 0; i < Math.min(steps.length, xs.length, ys.length); i++) {
      let place = at.get(steps[i]);
      if (!place) at.set(steps[i], (place = [xs[i], []]));
      if (Number.isFinite(ys[i])) place[1].push(ys[i] * quantity.factor);
    }
  }
  const steps = [...at.keys()].sort((a, b) => a - b);
  const xs = new Float64Array(steps.length), ys = new Float64Array(steps.length), low = new Float64Array(steps.length), high = new Float64Array(steps.length);
  steps.forEach((step, i) => {
    const [x, values] = at.get(step);
    values.sort((a, b) => a - b);
    xs[i] = x;
    [low[i], ys[i], high[i]] = [0.25, 0.5, 0.75].map((p) => quantile(values, p));
  });
  return { key: "group " + group.label, label: `${group.label} (median of ${runs.length})`, group, run: runs[0], runs, xs, ys: smooth(ys), low: smooth(low), high: smooth(high) };
}

function quantile(sorted, p) {
  if (!sorted.length) return NaN;
  const at = p * (sorted.length - 1), i = Math.floor(at), t = at - i;
  return t === 0 ? sorted[i] : sorted[i] * (1 - t) + sorted[i + 1] * t;
}

// phasesOf are a group's, if all of its runs change their step sizes at the same places.
function phasesOf(runs) {
  const { phases, end } = runs[0];
  const same = (r) => r.end[state.axis] === end[state.axis] && r.phases.length === phases.length && r.phases.every((p, k) => p.start === phases[k].start);
  return state.axis === 2 || runs.every(same) ? phases : [];
}

// plateauOf is where a group's loss stood still, the medians over its runs, if it did in half
// of those that were searched.
function plateauOf(runs) {
  const found = runs.filter((r) => r.plateau);
  if (!found.length || 2 * found.length < runs.filter((r) => r.searched).length) return null;
  return [0, 1].map((k) => quantile(found.map((r) => r.plateau[k] * r.perStep[state.axis]).sort((a, b) => a - b), 0.5));
}

// nearest is the index of the value next to x in a rising array.
function nearest(xs, x) {
  let low = 0, high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle; else high = middle;
  }
  return high >= 0 && Math.abs(xs[high] - x) < Math.abs(xs[low] - x) ? high : low;
}

// whole is the horizontal axis from end to end of the visible runs.
function whole() {
  let low = Infinity, high = -Infinity;
  for (const run of state.net.runs) {
    const xs = visible(run) && valuesOf(axisNames[state.axis], run.id);
    if (xs && xs.length) { low = Math.min(low, xs[0]); high = Math.max(high, xs[xs.length - 1]); }
  }
  if (!(low < high)) return [Number.isFinite(low) ? low : 0, (Number.isFinite(low) ? low : 0) + 1];
  return [low, high];
}
