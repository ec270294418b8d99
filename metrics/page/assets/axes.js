// Axes: round numbers on log scales, and the part of the horizontal one that all charts show.

// logSplits are whole multiples of powers of ten, or on an axis too short for them round numbers
// at equal steps.
function logSplits(u, axis, low, high) {
  if (high / low >= 10) {
    const splits = [];
    for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++) for (let d = 1; d < 10; d++) splits.push(Number(`${d}e${k}`));
    return splits.filter((v) => v >= low && v <= high);
  }
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((d) => d * power >= rough);
  const splits = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) splits.push(Number((k * step).toPrecision(6)));
  return splits;
}

// sparse keeps the splits of a log axis that lie so many pixels apart, powers of ten before
// twos and fives before the others.
const sparse = (apart) => (u, splits) => {
  const digit = (v) => Number((v / 10 ** Math.floor(Math.log10(v) + 1e-9)).toFixed(6));
  const short = !(splits[splits.length - 1] / splits[0] >= 8);
  const order = short ? [null] : [[1], [2, 5], [3, 4, 6, 7, 8, 9]];
  const kept = new Map(); // split → its place
  for (const digits of order) {
    for (const v of splits) {
      const at = u.valToPos(v, "y");
      if ((!digits || digits.includes(digit(v))) && [...kept.values()].every((other) => Math.abs(other - at) >= apart)) kept.set(v, at);
    }
  }
  return splits.map((v) => (kept.has(v) ? v : null));
};

// zoomTo shows a part of the horizontal axis on all charts; null is the whole.
function zoomTo(range) {
  if (range) {
    const [low, high] = whole();
    range = [Math.max(range[0], low), Math.min(range[1], high)];
    if (!(range[1] - range[0] > (high - low) * 1e-6) || (range[0] <= low && range[1] >= high)) range = null;
  }
  state.range = range;
  byId("reset").disabled = !range;
  refreshAll();
}

// zoomBy zooms about the cursor, or the middle.
function zoomBy(factor) {
  const [low, high] = state.range || whole();
  const about = state.cursor ?? (low + high) / 2;
  zoomTo([about - (about - low) * factor, about + (high - about) * factor]);
}
