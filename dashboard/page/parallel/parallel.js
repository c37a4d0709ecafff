// Parallel coordinates on canvases: `below` has all lines faint, `lines` those that are kept,
// `above` the line under the pointer and the picked ones. Lines are drawn from the best to the
// worst, each behind those before it, in slices that leave the browser time for its next frame.
const SLICE = 8; // milliseconds of drawing for each frame
const NEAR = 7; // pixels from a line within which a pointer means it
const STEP = 0.05; // what a key moves the edge of a brush by, as a share of the axis
const PAUSE = 500; // milliseconds after the last key until a brush is told
const MANY = 200; // lines from which on they are drawn paler
const TOP = 48;
const BOTTOM = 12;
const SIDE = 56;
const charts = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  let chart = charts.get(parentElement);
  if (!chart) {
    chart = new Chart(parentElement.querySelector(".parallel"));
    charts.set(parentElement, chart);
  }
  chart.update(component);
  return () => {
    chart.close();
    charts.delete(parentElement);
  };
}

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

const clamp = (value) => Math.min(1, Math.max(0, value));

function blended(colours, share) {
  const at = share * (colours.length - 1);
  const from = Math.min(Math.floor(at), colours.length - 2);
  const parts = [1, 3, 5].map((start) => {
    const [a, b] = [from, from + 1].map((index) => parseInt(colours[index].slice(start, start + 2), 16));
    return Math.round(a + (b - a) * (at - from));
  });
  return `rgb(${parts.join(",")})`;
}

class Chart {
  constructor(root) {
    this.root = root;
    this.brushes = new Map(); // the name of an axis: intervals from 0 to 1, of which any may hold
    this.frames = new Map();
    this.layers = ["below", "lines", "above"].map(() => root.appendChild(document.createElement("canvas")));
    for (const canvas of this.layers) canvas.setAttribute("aria-hidden", "true");
    this.tip = root.appendChild(document.createElement("div"));
    this.tip.className = "tip";
    this.tip.hidden = true;
    root.onpointermove = (event) => this.hover(event);
    root.onpointerleave = () => this.point(-1);
    root.onclick = (event) => this.clicked(event);
    root.ondblclick = () => this.clear();
    root.onkeydown = (event) => event.key === "Escape" && this.clear();
    this.watch = new ResizeObserver(() => this.resized());
    this.watch.observe(root);
  }

  close() {
    this.watch.disconnect();
    clearTimeout(this.telling);
    for (const frame of this.frames.values()) cancelAnimationFrame(frame);
  }

  update({ data, setTriggerValue }) {
    this.tell = setTriggerValue;
    this.data = data;
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", data.alt);
    if (this.columns !== data.columns) {
      this.columns = data.columns;
      const names = Object.keys(data.columns);
      this.places = new Map(names.map((name) => [name, floats(data.columns[name])]));
      this.standing = floats(data.standing);
    }
    this.axes = new Map(data.axes.map((axis) => [axis.name, axis]));
    this.order = data.order;
    if (!this.telling) this.brushes = new Map(Object.entries(data.ranges));
    this.picked = data.picked.map((key) => data.trials.indexOf(key)).filter((line) => line >= 0);
    this.build();
    this.resized();
  }

  // the elements of the axes: names that are dragged, axes that are brushed

  build() {
    const focused = this.root.getRootNode().activeElement?.dataset?.axis;
    for (const old of this.root.querySelectorAll(".axis, .name")) old.remove();
    this.elements = new Map();
    for (const name of this.order) {
      const title = document.createElement("div");
      title.className = "name";
      title.title = `${name}: drag to move`;
      name.split(/(?<=[./_])/).forEach((part, index) => {
        if (index) title.append(document.createElement("wbr"));
        title.append(part);
      });
      title.onpointerdown = (event) => this.dragName(event, name, title);
      const line = document.createElement("div");
      line.className = "axis";
      line.tabIndex = 0;
      line.dataset.axis = name;
      line.setAttribute("role", "slider");
      line.setAttribute("aria-orientation", "vertical");
      line.setAttribute("aria-valuemin", "0");
      line.setAttribute("aria-valuemax", "100");
      line.onpointerdown = (event) => this.dragBrush(event, name, line);
      line.onkeydown = (event) => this.key(event, name);
      for (const [place, text] of this.axes.get(name).ticks) {
        const tick = document.createElement("span");
        tick.className = "tick";
        tick.style.top = `${100 * (1 - place)}%`;
        tick.textContent = text;
        line.append(tick);
      }
      this.root.append(title, line);
      this.elements.set(name, { title, line });
    }
    this.order.forEach((name) => this.showBrush(name));
    if (focused) this.elements.get(focused)?.line.focus();
  }

  resized() {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (!width || !this.order) return;
    this.width = width;
    this.height = height;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of this.layers) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.root.style.setProperty("--room", `${Math.max(30, this.gap() - 20)}px`);
    this.order.forEach((name) => this.placeAxis(name));
    this.draw();
  }

  gap() {
    return (this.width - 2 * SIDE) / Math.max(1, this.order.length - 1);
  }

  x(index) {
    return SIDE + index * this.gap();
  }

  y(place) {
    return TOP + (1 - place) * (this.height - TOP - BOTTOM);
  }

  placeAxis(name, x = this.x(this.order.indexOf(name))) {
    const { title, line } = this.elements.get(name);
    title.style.left = line.style.left = `${x}px`;
    line.classList.toggle("last", this.order.at(-1) === name);
  }

  showBrush(name) {
    const { line } = this.elements.get(name);
    for (const old of line.querySelectorAll(".brush")) old.remove();
    const intervals = this.brushes.get(name) ?? [];
    for (const [low, high] of intervals) {
      const brush = document.createElement("div");
      brush.className = "brush";
      brush.style.bottom = `${100 * low}%`;
      brush.style.height = `${100 * (high - low)}%`;
      line.prepend(brush);
    }
    const [low, high] = [intervals[0]?.[0] ?? 0, intervals.at(-1)?.[1] ?? 1];
    const words = intervals.length
      ? `kept from ${Math.round(100 * low)} to ${Math.round(100 * high)} percent of the axis`
      : "all kept";
    line.setAttribute("aria-label", name);
    line.setAttribute("aria-valuenow", String(Math.round(100 * high)));
    line.setAttribute("aria-valuetext", words);
    line.title = "Drag to keep some trials. Keys: up and down move the upper edge, with shift the "
      + "lower one, left and right move the axis, Escape clears.";
  }

  // gestures

  follow(event, move, end) {
    const target = event.currentTarget;
    target.setPointerCapture(event.pointerId);
    this.dragging = true;
    target.onpointermove = move;
    target.onpointerup = target.onpointercancel = (last) => {
      target.onpointermove = target.onpointerup = target.onpointercancel = null;
      this.dragging = false;
      end(last);
    };
  }

  dragBrush(event, name, line) {
    if (event.button) return;
    event.preventDefault();
    line.focus();
    const box = line.getBoundingClientRect();
    const place = (each) => clamp(1 - (each.clientY - box.top) / box.height);
    const start = place(event);
    const old = this.brushes.get(name);
    const held = old?.length === 1 && start >= old[0][0] && start <= old[0][1] ? old[0] : null;
    let moved = false;
    const change = (each) => {
      const now = place(each);
      moved ||= Math.abs(now - start) * box.height > 3;
      if (!moved) return;
      let ends = [Math.min(start, now), Math.max(start, now)];
      if (held) {
        const by = Math.min(1 - held[1], Math.max(-held[0], now - start));
        ends = [held[0] + by, held[1] + by];
      }
      this.brush(name, ends);
    };
    this.follow(event, change, () => {
      if (moved) this.tellBrushes();
    });
  }

  brush(name, [low, high]) {
    const steps = this.axes.get(name).choices;
    if (steps) {
      low = Math.floor(low * steps + 1e-6) / steps;
      high = Math.ceil(high * steps - 1e-6) / steps;
    }
    this.brushes.set(name, [[low, high]]);
    this.showBrush(name);
    this.draw();
  }

  dragName(event, name, title) {
    if (event.button) return;
    event.preventDefault();
    title.classList.add("moving");
    const before = this.order.join("\n");
    const left = this.root.getBoundingClientRect().left;
    const move = (each) => {
      const x = Math.min(this.width, Math.max(0, each.clientX - left));
      const to = Math.round((x - SIDE) / this.gap());
      this.moveAxis(name, Math.min(this.order.length - 1, Math.max(0, to)));
      this.placeAxis(name, x);
    };
    this.follow(event, move, () => {
      title.classList.remove("moving");
      this.placeAxis(name);
      if (this.order.join("\n") !== before) this.tell("ordered", this.order);
    });
  }

  moveAxis(name, to) {
    const from = this.order.indexOf(name);
    if (to === from || to < 0 || to >= this.order.length) return false;
    this.order = this.order.filter((each) => each !== name);
    this.order.splice(to, 0, name);
    this.order.forEach((each) => this.placeAxis(each));
    this.draw();
    return true;
  }

  key(event, name) {
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const up = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!side && !up) return;
    event.preventDefault();
    if (side) {
      if (this.moveAxis(name, this.order.indexOf(name) + side)) this.tell("ordered", this.order);
      return;
    }
    const steps = this.axes.get(name).choices;
    const by = up * (steps ? 1 / steps : STEP);
    const intervals = this.brushes.get(name) ?? [[0, 1]];
    let [low, high] = [intervals[0][0], intervals.at(-1)[1]];
    if (event.shiftKey) low = Math.min(high - Math.abs(by), clamp(low + by));
    else high = Math.max(low + Math.abs(by), clamp(high + by));
    this.brush(name, [clamp(low), clamp(high)]);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tellBrushes(), PAUSE);
  }

  clear() {
    if (!this.brushes.size) return;
    this.brushes = new Map();
    this.order.forEach((name) => this.showBrush(name));
    this.draw();
    this.tellBrushes();
  }

  tellBrushes() {
    clearTimeout(this.telling);
    this.telling = null;
    this.tell("brushed", Object.fromEntries(this.brushes));
  }

  // lines

  kept() {
    const checks = [...this.brushes].map(([name, intervals]) => [this.places.get(name), intervals]);
    const found = [];
    for (let line = this.standing.length - 1; line >= 0; line--) {
      const within = checks.every(([places, intervals]) =>
        intervals.some(([low, high]) => places[line] >= low - 1e-6 && places[line] <= high + 1e-6),
      );
      if (within && !this.data.elsewhere) found.push(line);
    }
    return found;
  }

  get brushed() {
    return this.brushes.size > 0 || this.data.elsewhere;
  }

  draw() {
    const [below, lines] = this.layers.map((canvas) => canvas.getContext("2d"));
    this.shown = this.kept();
    const pale = this.shown.length > MANY ? 0.55 : 0.9;
    const colour = (line) => blended(this.data.colours, this.standing[line]);
    const state = [this.width, this.height, this.order.join("\n"), this.data.neutral].join(" ");
    if (this.brushed && (this.belowState !== state || this.belowColumns !== this.columns)) {
      [this.belowState, this.belowColumns] = [state, this.columns];
      const every = Array.from(this.standing, (_, line) => line);
      this.paint("below", below, every, () => this.data.neutral, every.length > MANY ? 0.12 : 0.4);
    } else if (!this.brushed) {
      this.belowState = "";
      this.paint("below", below, [], null, 1);
    }
    this.paint("lines", lines, this.shown, colour, pale);
    this.point(-1);
  }

  paint(layer, context, lines, colour, alpha) {
    cancelAnimationFrame(this.frames.get(layer));
    let at = 0;
    const slice = (first) => {
      const end = performance.now() + SLICE;
      if (first) context.clearRect(0, 0, this.width, this.height);
      context.globalCompositeOperation = "destination-over";
      context.globalAlpha = alpha;
      context.lineWidth = 1.2;
      while (at < lines.length && (at % 16 || performance.now() < end)) {
        context.strokeStyle = colour(lines[at]);
        this.trace(context, lines[at]);
        at += 1;
      }
      if (at < lines.length) this.frames.set(layer, requestAnimationFrame(() => slice(false)));
    };
    this.frames.set(layer, requestAnimationFrame(() => slice(true)));
  }

  trace(context, line) {
    context.beginPath();
    let drawing = false;
    this.order.forEach((name, index) => {
      const place = this.places.get(name)[line];
      if (Number.isNaN(place)) drawing = false;
      else if (drawing) context.lineTo(this.x(index), this.y(place));
      else context.moveTo(this.x(index), this.y(place));
      drawing = drawing || !Number.isNaN(place);
    });
    context.stroke();
  }

  // the line under the pointer

  hover(event) {
    if (this.dragging || !this.shown) return;
    const box = this.root.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const index = Math.min(this.order.length - 2, Math.max(0, Math.floor((x - SIDE) / this.gap())));
    const share = (x - this.x(index)) / this.gap();
    if (share < -0.1 || share > 1.1 || y < TOP - NEAR) return this.point(-1);
    const [left, right] = [0, 1].map((by) => this.places.get(this.order[index + by]));
    let [found, best] = [-1, NEAR];
    for (const line of this.shown) {
      const away = Math.abs(this.y(left[line] + (right[line] - left[line]) * share) - y);
      if (away < best) [found, best] = [line, away];
    }
    this.point(found, x, y);
  }

  point(line, x = 0, y = 0) {
    this.pointed = line;
    const above = this.layers[2].getContext("2d");
    const ink = getComputedStyle(this.root).color;
    above.clearRect(0, 0, this.width, this.height);
    for (const each of new Set([...this.picked, ...(line >= 0 ? [line] : [])])) {
      above.lineWidth = 5;
      above.strokeStyle = ink;
      this.trace(above, each);
      above.lineWidth = 2.4;
      above.strokeStyle = blended(this.data.colours, this.standing[each]);
      this.trace(above, each);
    }
    this.root.style.cursor = line >= 0 ? "pointer" : "";
    this.tip.hidden = line < 0;
    if (line < 0) return;
    this.tip.textContent = `${this.data.trials[line]}: ${this.data.metric} ${this.data.values[line]}`;
    const room = this.width - this.tip.offsetWidth - 4;
    this.tip.style.left = `${Math.max(0, Math.min(x + 14, room))}px`;
    this.tip.style.top = `${y > 60 ? y - 38 : y + 16}px`;
  }

  clicked(event) {
    if (event.target.closest(".axis, .name")) return;
    this.hover(event);
    if (this.pointed < 0) return;
    this.tell("touched", { trial: this.data.trials[this.pointed], add: event.shiftKey });
  }
}
