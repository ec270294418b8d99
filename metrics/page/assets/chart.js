// A chart of one column: uPlot has its axes and its zoom; curves lie on a canvas above, and what
// the pointer brings out on another, so that thousands of curves are drawn once.

const charts = new Map(); // by column
const few = 8; // groups whose phases and plateaus are all shown

class Chart {
  constructor(quantity) {
    this.quantity = quantity;
    this.curves = [];
    this.stale = true;
    this.card = make("section", "card", null, { tabindex: "0", role: "group", "aria-label": quantity.label, "data-column": quantity.column });
    const head = make("div", "head");
    head.append(make("h3", "", quantity.label), (this.readout = make("span", "readout")));
    this.logButton = make("button", "quiet", "", { title: "Logarithmic or linear (l)" });
    this.logButton.onclick = () => this.toggleLog();
    const wide = make("button", "quiet", "⤢", { title: "Large or small (w)", "aria-label": "Large or small" });
    wide.onclick = () => this.widen();
    head.append(this.logButton, wide);
    this.plot = make("div", "plot");
    this.card.append(head, this.plot);
    this.card.addEventListener("keydown", (e) => this.key(e));
  }

  get log() { return state.log[this.quantity.column] ?? this.quantity.log; }

  toggleLog() {
    state.log[this.quantity.column] = !this.log;
    this.build();
  }

  widen() {
    this.card.classList.toggle("wide");
    this.resize();
    this.card.scrollIntoView({ block: "nearest" });
  }

  // seen tells whether the chart is on the screen, or nearly.
  setSeen(seen) {
    this.seen = seen;
    if (seen && this.stale) this.refresh();
  }

  // refresh fetches what is missing and draws; charts off the screen wait until they are on it.
  async refresh() {
    this.stale = true;
    if (!this.seen) return;
    try {
      await load([this.quantity.column, "step", axisNames[state.axis]]);
    } catch (err) {
      this.readout.textContent = "no numbers: " + err.message;
      return;
    }
    this.stale = false;
    this.curves = curvesOf(this.quantity);
    this.scaleX = state.range || whole();
    this.scaleY = this.extent();
    if (this.u && this.wasLog === this.logarithmic) this.u.setData(this.data(), true); else this.build();
  }

  // extent is from the least to the largest value within the range. Runs that diverged count
  // where there are no others.
  extent() {
    const [from, to] = this.scaleX;
    const within = (list) => {
      let low = Infinity, high = -Infinity, positive = Infinity;
      for (const c of list) {
        for (const { value } of this.published(c)) {
          low = Math.min(low, value);
          high = Math.max(high, value);
          if (value > 0) positive = Math.min(positive, value);
        }
        for (const ys of [c.ys, c.low, c.high]) {
          if (!ys) continue;
          for (let i = 0; i < ys.length; i++) {
            const y = ys[i];
            if (c.xs[i] < from || c.xs[i] > to || !Number.isFinite(y)) continue;
            if (y < low) low = y;
            if (y > high) high = y;
            if (y > 0 && y < positive) positive = y;
          }
        }
      }
      return { low, high, positive };
    };
    const room = 0.06 + this.strips() / 200; // above, for the lines that show the phases
    const finite = (c) => c.run.state !== "diverged";
    let e = within(this.curves.filter(finite));
    if (!(e.low <= e.high)) e = within(this.curves);
    this.logarithmic = this.log && e.positive < Infinity;
    if (!(e.low <= e.high)) return [0, 1];
    if (this.logarithmic) {
      const low = Math.log10(e.positive), high = Math.log10(Math.max(e.high, e.positive)), pad = Math.max(0.06 * (high - low), 0.05);
      return [10 ** (low - pad), 10 ** (high + Math.max(room * (high - low), pad))];
    }
    const pad = 0.06 * (e.high - e.low) || 0.1 * Math.abs(e.high) || 1;
    return [e.low >= 0 && e.low - pad < 0 ? 0 : e.low - pad, e.high + Math.max(pad, room * (e.high - e.low))];
  }

  // published are the final values to set beside a curve, where there are few.
  published(c) {
    if (this.curves.length > few) return [];
    return c.run.beside.filter((b) => Object.hasOwn(b.values, this.quantity.column))
      .map((b) => ({ label: b.label, value: b.values[this.quantity.column] * this.quantity.factor }));
  }

  // diamonds at the right edge are published final values.
  diamonds(g, c, told) {
    g.strokeStyle = colourOf(c.group);
    g.fillStyle = getComputedStyle(this.card).backgroundColor;
    g.lineWidth = 1.6;
    for (const { label, value } of this.published(c)) {
      const x = this.width - 6, y = this.y(value);
      g.beginPath();
      for (const [dx, dy] of [[-5, 0], [0, -5], [5, 0], [0, 5]]) g.lineTo(x + dx, y + dy);
      g.closePath();
      g.fill();
      g.stroke();
      if (!told) continue;
      const text = `${label} ${show(value)}`;
      g.font = "600 11px system-ui, sans-serif";
      g.lineWidth = 4;
      g.strokeStyle = g.fillStyle;
      const left = x - 10 - g.measureText(text).width;
      g.strokeText(text, left, y - 5);
      g.fillStyle = colourOf(c.group);
      g.fillText(text, left, y - 5);
    }
  }

  // strips is the height of the lines that show the phases.
  strips() {
    const groups = visibleGroups();
    return groups.length > few ? 0 : 4 * groups.filter(({ runs }) => phasesOf(runs).length > 1).length + 4;
  }

  data() { return [this.scaleX, this.scaleY]; } // of which uPlot makes the axes

  size() {
    const wide = this.card.classList.contains("wide");
    if (!this.plot.clientWidth && this.u) return { width: this.u.width, height: this.u.height }; // hidden
    return { width: Math.max(this.plot.clientWidth, 120), height: wide ? Math.max(360, innerHeight * 0.6) : 230 };
  }

  resize() {
    if (this.u && this.seen) this.u.setSize(this.size()); else this.stale = true;
  }

  build() {
    this.u?.destroy();
    this.u = null;
    if (this.stale) return void this.refresh();
    this.scaleY = this.extent();
    this.wasLog = this.logarithmic;
    this.logButton.textContent = this.logarithmic ? "log" : "lin";
    const css = getComputedStyle(document.documentElement);
    const axis = { stroke: css.getPropertyValue("--faint"), grid: { stroke: css.getPropertyValue("--grid"), width: 1 }, ticks: { stroke: css.getPropertyValue("--grid"), width: 1, size: 4 }, font: "11px system-ui, sans-serif", gap: 4 };
    const onLog = { splits: logSplits, filter: sparse(18), grid: { ...axis.grid, filter: sparse(9) } };
    const label = (u, splits) => splits.map((v) => (v === null ? "" : v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e5) ? exponential(v, 4) : show(v, 4)));
    this.u = new uPlot({
      ...this.size(), padding: [8, 12, 0, 0], legend: { show: false },
      scales: { x: { time: false, range: () => this.scaleX }, y: { distr: this.logarithmic ? 3 : 1, range: () => this.scaleY } },
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        { ...axis, size: 26, values: label },
        { ...axis, size: 52, values: label, ...(this.logarithmic ? onLog : {}) },
      ],
      cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 6 } },
      hooks: { draw: [() => this.draw()], setSelect: [(u) => this.selected(u)] },
    }, this.data(), this.plot);
    this.listen(this.u.over);
    this.layers();
    this.draw();
  }

  layers() {
    this.base = make("canvas", "curves");
    this.over = make("canvas", "over");
    this.u.over.prepend(this.base, this.over);
  }

  // fit makes a canvas as large as the plot and returns what draws in CSS pixels.
  fit(canvas) {
    const { clientWidth: w, clientHeight: h } = this.u.over, ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
    }
    const g = canvas.getContext("2d");
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, w, h);
    this.width = w;
    this.height = h;
    return g;
  }

  x(v) { return ((v - this.scaleX[0]) / (this.scaleX[1] - this.scaleX[0])) * this.width; }

  // y of what a log axis cannot show is its lower edge.
  y(v) {
    const [low, high] = this.scaleY;
    if (!this.logarithmic) return (1 - (v - low) / (high - low)) * this.height;
    if (v <= 0) return this.height - 1;
    return (1 - Math.log(v / low) / Math.log(high / low)) * this.height;
  }

  draw() {
    if (!this.base) return;
    const g = this.fit(this.base);
    const groups = visibleGroups();
    if (groups.length <= few) for (const { group, runs } of groups) this.plateau(g, group, runs, 0.1);
    for (const c of this.curves) this.curve(g, c, this.curves.length > 40 ? 1 : 1.6, this.curves.length > 200 ? 0.55 : 1);
    for (const c of this.curves) this.diamonds(g, c, false);
    if (groups.length <= few) {
      groups.filter(({ runs }) => phasesOf(runs).length > 1).forEach(({ group, runs }, i) => this.strip(g, group, runs[0], i));
    }
    this.emphasize();
  }

  // plateau shades where the loss stood still.
  plateau(g, group, runs, alpha) {
    const plateau = plateauOf(runs);
    if (!plateau) return;
    const [start, end] = plateau.map((x) => this.x(x));
    g.globalAlpha = alpha;
    g.fillStyle = colourOf(group);
    g.fillRect(start, 0, end - start, this.height);
    g.globalAlpha = 1;
  }

  // strip is a line along the top, thick where the step size is large.
  strip(g, group, run, place) {
    const end = run.end[state.axis], most = Math.max(...run.phases.map((p) => p.stepSize));
    if (!(end > 0)) return;
    g.fillStyle = colourOf(group);
    run.phases.forEach((p, k) => {
      const from = this.x(p.start * end), to = this.x((k + 1 < run.phases.length ? run.phases[k + 1].start : 1) * end);
      g.globalAlpha = p.large ? 1 : p.stepSize >= most / 20 ? 0.45 : 0.2;
      g.fillRect(from, 1 + 4 * place, Math.max(to - from - 1, 1), 3);
    });
    g.globalAlpha = 1;
  }

  curve(g, c, width, alpha) {
    const colour = colourOf(c.group);
    g.strokeStyle = g.fillStyle = colour;
    if (c.low) {
      g.globalAlpha = this.curves.length > 3 ? 0.12 : 0.18;
      g.beginPath();
      const n = c.xs.length;
      let first = true;
      for (let i = 0; i < n; i++) if (Number.isFinite(c.high[i])) { g[first ? "moveTo" : "lineTo"](this.x(c.xs[i]), this.y(c.high[i])); first = false; }
      for (let i = n - 1; i >= 0; i--) if (Number.isFinite(c.low[i])) g.lineTo(this.x(c.xs[i]), this.y(c.low[i]));
      g.fill();
    }
    g.globalAlpha = alpha;
    g.lineWidth = width;
    g.lineJoin = "round";
    g.setLineDash(c.group.dashes);
    g.beginPath();
    const end = this.path(g, c);
    g.stroke();
    g.setLineDash([]);
    if (c.run.state === "diverged" && end) { // a cross at the last finite value
      g.lineWidth = 1.6;
      g.beginPath();
      const [x, y] = [end[0], Math.min(Math.max(end[1], 5), this.height - 5)];
      g.moveTo(x - 4, y - 4); g.lineTo(x + 4, y + 4); g.moveTo(x - 4, y + 4); g.lineTo(x + 4, y - 4);
      g.stroke();
    } else if (c.xs.length === 1 && end) {
      g.beginPath();
      g.arc(end[0], end[1], 2.5, 0, 7);
      g.fill();
    }
    g.globalAlpha = 1;
  }

  // path goes through the values; of more than four in a pixel's width, by the extreme ones.
  path(g, c) {
    const [from, to] = this.scaleX, { xs, ys } = c;
    let first = Math.max(0, nearest(xs, from) - 1), last = Math.min(xs.length - 1, nearest(xs, to) + 1);
    const stepped = this.quantity.column === "step_size";
    const dense = (last - first) / Math.max(this.width, 1) > 4;
    let open = false, end = null, column = NaN, least = Infinity, most = -Infinity;
    const point = (x, y) => {
      if (!open) g.moveTo(x, y);
      else {
        if (stepped) g.lineTo(end[0], y);
        g.lineTo(x, y);
      }
      open = true;
      end = [x, y];
    };
    const flush = () => {
      if (least <= most) { point(column, most); if (least < most) point(column, least); }
      least = Infinity; most = -Infinity;
    };
    for (let i = first; i <= last; i++) {
      if (!Number.isFinite(ys[i])) { flush(); open = false; continue; }
      const x = this.x(xs[i]), y = Math.min(Math.max(this.y(ys[i]), -1e4), 1e4);
      if (!dense) { point(x, y); continue; }
      if (Math.round(x) !== column) { flush(); column = Math.round(x); }
      least = Math.min(least, y); most = Math.max(most, y);
    }
    flush();
    return end;
  }

  // standingOut are the curves of what the pointer is at: one, those of a group, or that of a
  // run that is else within a median.
  standingOut() {
    const key = state.focus || state.pinned;
    if (!key) return [];
    const own = this.curves.filter((c) => c.key === key || "group " + c.group.label === key);
    if (own.length || !key.startsWith("run ")) return own;
    const k = state.net.runs.findIndex((r) => "run " + r.id === key);
    const group = k >= 0 && visible(state.net.runs[k]) && grouping().groups.find((g) => g.runs.includes(k));
    const within = group && single(this.quantity, group, state.net.runs[k], true);
    return within && within.xs.length ? [within] : [];
  }

  // emphasize draws the curve that stands out, its phases and plateaus, and the cursor.
  emphasize() {
    const g = this.fit(this.over);
    const out = this.standingOut(), c = out[0];
    this.base.classList.toggle("dim", Boolean(c));
    if (c) {
      this.phases(g, c.run, phasesOf(c.runs ?? [c.run]));
      this.plateau(g, c.group, c.runs ?? [c.run], 0.12);
      for (const one of out) {
        g.strokeStyle = getComputedStyle(this.card).backgroundColor;
        g.lineWidth = 6;
        g.globalAlpha = 0.8;
        g.beginPath();
        this.path(g, one);
        g.stroke();
        this.curve(g, one, 2.6, 1);
      }
      this.diamonds(g, c, true);
    }
    this.readout.textContent = "";
    if (state.cursor === null) return;
    const at = c && c.xs.length ? c.xs[nearest(c.xs, state.cursor)] : state.cursor;
    g.strokeStyle = g.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--faint");
    g.lineWidth = 1;
    g.setLineDash([3, 3]);
    g.beginPath();
    g.moveTo(this.x(at), 0);
    g.lineTo(this.x(at), this.height);
    g.stroke();
    g.setLineDash([]);
    if (!c) return;
    const i = nearest(c.xs, state.cursor);
    if (!Number.isFinite(c.ys[i])) return;
    g.fillStyle = colourOf(c.group);
    g.beginPath();
    g.arc(this.x(c.xs[i]), this.y(c.ys[i]), 4, 0, 7);
    g.fill();
    this.readout.textContent = show(c.ys[i]);
    this.readout.style.color = colourOf(c.group);
  }

  // phases are bands, darker where the step size is larger, with the step sizes.
  phases(g, run, phases) {
    const end = run.end[state.axis];
    if (phases.length < 2 || !(end > 0)) return;
    const css = getComputedStyle(document.documentElement);
    g.font = "10px system-ui, sans-serif";
    phases.forEach((p, k) => {
      const from = this.x(p.start * end), to = this.x((k + 1 < phases.length ? phases[k + 1].start : 1) * end);
      g.fillStyle = css.getPropertyValue("--band");
      g.globalAlpha = p.large ? 1 : 0.35;
      if (p.large || k % 2 === 0) g.fillRect(from, 0, to - from, this.height);
      g.globalAlpha = 1;
      g.fillStyle = css.getPropertyValue("--faint");
      const text = "η " + show(p.stepSize, 3);
      if (Math.min(to, this.width) - Math.max(from, 0) > g.measureText(text).width + 6) g.fillText(text, Math.max(from, 0) + 4, this.height - 5);
    });
  }

  // selected is called when somebody has dragged over a part of the horizontal axis.
  selected(u) {
    if (u.select.width > 5) {
      const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      zoomTo([from, to]);
    }
  }

  listen(over) {
    const move = (e) => {
      const box = over.getBoundingClientRect();
      const px = e.clientX - box.left, py = e.clientY - box.top;
      state.cursor = this.scaleX[0] + (px / box.width) * (this.scaleX[1] - this.scaleX[0]);
      state.focus = state.pinned || this.closest(px, py);
      emphasizeAll();
      this.tell(e.clientX, e.clientY);
    };
    over.addEventListener("pointermove", move);
    over.addEventListener("pointerdown", move);
    over.addEventListener("pointerleave", (e) => { if (e.pointerType !== "touch") leave(); }); // a finger leaves at once
    over.addEventListener("click", (e) => {
      const box = over.getBoundingClientRect();
      const key = this.closest(e.clientX - box.left, e.clientY - box.top);
      pin(key === state.pinned ? null : key);
    });
    over.addEventListener("dblclick", (e) => { e.stopImmediatePropagation(); zoomTo(null); }, true);
  }

  // closest is the key of the curve next to a place, if one is near.
  closest(px, py) {
    let best = null, least = 40;
    for (const c of this.curves) {
      if (!c.xs.length) continue;
      const i = nearest(c.xs, state.cursor);
      const far = Math.abs(this.y(c.ys[i]) - py);
      if (far < least && Math.abs(this.x(c.xs[i]) - px) < Math.max(40, this.width / 4)) { least = far; best = c.key; }
    }
    return best;
  }

  // at are the curves' values at the cursor, the largest first.
  at() {
    return this.curves
      .filter((c) => c.xs.length && state.cursor >= c.xs[0] && state.cursor <= c.xs[c.xs.length - 1] + (c.xs[c.xs.length - 1] - c.xs[0]) / 50)
      .map((c) => ({ c, value: c.ys[nearest(c.xs, state.cursor)] }))
      .filter((v) => Number.isFinite(v.value))
      .sort((a, b) => b.value - a.value);
  }

  // tell lists the values at the cursor, those about the one that stands out if there are many.
  tell(left, top) {
    const all = this.at(), most = 10;
    if (!all.length) return void (tip.hidden = true);
    const k = Math.max(0, all.findIndex((v) => v.c.key === state.focus));
    const from = Math.max(0, Math.min(k - most / 2, all.length - most));
    const focused = all[k].c;
    tip.replaceChildren(make("div", "where", `${axisNames[state.axis]} ${show(focused.xs[nearest(focused.xs, state.cursor)], 5)}`));
    if (from > 0) tip.append(make("div", "more", `${from} above`));
    for (const { c, value } of all.slice(from, from + most)) {
      const row = make("div", c.key === state.focus ? "row focus" : "row");
      row.append(swatch(c.group), make("b", "", show(value)), make("span", "", c.label));
      tip.append(row);
    }
    if (all.length > from + most) tip.append(make("div", "more", `${all.length - from - most} below`));
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const x = left + 16 + box.width > innerWidth ? left - 16 - box.width : left + 16;
    tip.style.left = Math.max(4, x) + "px";
    tip.style.top = Math.max(4, Math.min(top + 14, innerHeight - box.height - 4)) + "px";
  }

  key(e) {
    if (e.target !== this.card || e.ctrlKey || e.metaKey || e.altKey) return;
    const sideways = (sign) => {
      const [low, high] = this.scaleX;
      const c = this.curves.find((c) => c.key === (state.focus || state.pinned));
      if (state.cursor === null) state.cursor = low + (high - low) / 2;
      else if (c && !e.shiftKey) state.cursor = c.xs[Math.min(Math.max(nearest(c.xs, state.cursor) + sign, 0), c.xs.length - 1)];
      else state.cursor += (sign * (high - low)) / (e.shiftKey ? 10 : 50);
      state.cursor = Math.min(Math.max(state.cursor, low), high);
    };
    const upDown = (sign) => {
      if (state.cursor === null) sideways(1);
      const all = this.at();
      if (!all.length) return;
      const k = all.findIndex((v) => v.c.key === state.focus);
      state.focus = all[k < 0 ? 0 : Math.min(Math.max(k + sign, 0), all.length - 1)].c.key;
      if (state.pinned) state.pinned = state.focus;
    };
    const actions = {
      ArrowLeft: () => sideways(-1), ArrowRight: () => sideways(1), ArrowUp: () => upDown(-1), ArrowDown: () => upDown(1),
      Enter: () => pin(state.pinned ? null : state.focus), l: () => this.toggleLog(), w: () => this.widen(),
    };
    if (!actions[e.key]) return;
    e.preventDefault();
    actions[e.key]();
    emphasizeAll();
    if (e.key.startsWith("Arrow")) {
      tip.setAttribute("aria-live", "polite"); // for who does not see the curves
      const box = this.u.over.getBoundingClientRect();
      this.tell(box.left + this.x(state.cursor), box.top + this.height / 3);
    }
  }
}
