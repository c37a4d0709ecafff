// The axes, which are brushed and moved, and what is told of that.
const STEP = 0.05; // what a key moves the edge of a brush by, as a share of the axis
const PAUSE = 500; // milliseconds after the last key until a brush is told
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

const clamp = (value) => Math.min(1, Math.max(0, value));

class Chart extends Lines {
  constructor(root) {
    super(root);
    root.onpointermove = (event) => this.hover(event);
    root.onpointerleave = () => this.point(-1);
    root.onclick = (event) => this.clicked(event);
    root.ondblclick = () => this.clear();
    root.onkeydown = (event) => {
      if (event.key === "Escape") this.clear(); // what it gives back would keep Tab here
    };
  }

  close() {
    super.close();
    clearTimeout(this.telling);
  }

  update({ data, setTriggerValue }) {
    this.tell = setTriggerValue;
    this.take(data);
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", data.alt);
    this.axes = new Map(data.axes.map((axis) => [axis.name, axis]));
    if (this.dragging) return;
    this.order = data.order;
    if (!this.telling) this.brushes = new Map(Object.entries(data.ranges));
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
      const parts = name.split(/(?<=[./_])/);
      const own = parts.findLastIndex((part, index) => index && /[./]$/.test(parts[index - 1]));
      parts.forEach((part, index) => {
        const word = document.createElement("span");
        word.textContent = part;
        if (index < own) word.className = "whose";
        title.append(word, document.createElement("wbr"));
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

  placeAxis(name, x = this.x(this.order.indexOf(name))) {
    const { title, line } = this.elements.get(name);
    title.style.left = line.style.left = `${x}px`;
    for (const each of [title, line]) {
      each.classList.toggle("first", this.order[0] === name);
      each.classList.toggle("last", this.order.at(-1) === name);
    }
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
      const to = Math.round((x - this.side) / this.gap());
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

  clicked(event) {
    if (event.target.closest(".axis, .name")) return;
    this.hover(event);
    if (this.pointed < 0) return;
    this.tell("touched", { trial: this.data.trials[this.pointed], add: event.shiftKey });
  }
}
