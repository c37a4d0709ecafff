// The lines on three canvases: `below` has all of them faint, `lines` those that are kept, `above`
// the one under the pointer and the picked ones. They are drawn from the best to the worst, each
// behind those before it; many in slices that leave the browser time for its next frame.
const SLICE = 8; // milliseconds of drawing in each frame while something is dragged
const PATIENT = 30; // the same when nothing is
const NEAR = 7; // pixels from a line within which a pointer means it
const MANY = 200; // lines from which on they are drawn paler
const STROKED = 600; // lines up to which a canvas strokes them
const SHADES = 100; // steps of the colours from the worst to the best
const TOP = 48;
const BOTTOM = 12;
const SIDES = [24, 56]; // pixels beside the outer axes, on a phone and elsewhere
const PHONE = 500;

class Lines {
  constructor(root) {
    this.root = root;
    this.brushes = new Map(); // by axis: intervals from 0 to 1, of which any may hold
    this.frames = new Map();
    this.drawn = new Map();
    this.layers = ["below", "lines", "above"].map(() => document.createElement("canvas"));
    for (const canvas of this.layers) canvas.setAttribute("aria-hidden", "true");
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    root.append(...this.layers, this.tip);
    this.watch = new ResizeObserver(() => this.resized());
    this.watch.observe(root);
  }

  close() {
    this.watch.disconnect();
    for (const frame of this.frames.values()) cancelAnimationFrame(frame);
  }

  take(data) {
    this.data = data;
    if (JSON.stringify(this.columns) !== JSON.stringify(data.columns)) {
      this.columns = data.columns;
      const names = Object.keys(data.columns);
      this.places = new Map(names.map((name) => [name, floats(data.columns[name])]));
      this.standing = floats(data.standing);
      this.drawn.clear();
    }
    const shade = (_, at) => blended(data.colours, at / SHADES);
    this.colours = Array.from({ length: SHADES + 1 }, shade);
    this.picked = data.picked.map((key) => data.trials.indexOf(key)).filter((line) => line >= 0);
  }

  resized() {
    const { clientWidth: width, clientHeight: height } = this.root;
    const ratio = window.devicePixelRatio || 1;
    if (!width || !this.order) return;
    if (`${width} ${height} ${ratio}` !== this.size) {
      this.size = `${width} ${height} ${ratio}`;
      [this.width, this.height, this.ratio] = [width, height, ratio];
      for (const canvas of this.layers) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
        canvas.style.width = `${width}px`;
        canvas.style.height = `${height}px`;
        canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
      }
      this.drawn.clear();
    }
    this.root.classList.toggle("narrow", width < PHONE);
    this.root.style.setProperty("--room", `${Math.max(24, this.gap() - 18)}px`);
    this.root.style.setProperty("--side", `${2 * this.side}px`);
    this.order.forEach((name) => this.placeAxis(name));
    this.draw();
  }

  get side() {
    return SIDES[this.width < PHONE ? 0 : 1];
  }

  gap() {
    return (this.width - 2 * this.side) / Math.max(1, this.order.length - 1);
  }

  x(index) {
    return this.side + index * this.gap();
  }

  y(place) {
    return TOP + (1 - place) * (this.height - TOP - BOTTOM);
  }

  shade(line) {
    return this.colours[Math.round(this.standing[line] * SHADES)];
  }

  kept() {
    const checks = [...this.brushes].map(([name, intervals]) => [this.places.get(name), intervals]);
    const within = (line) => {
      for (const [places, intervals] of checks) {
        const place = places[line];
        const inside = ([low, high]) => place >= low - 1e-6 && place <= high + 1e-6;
        if (!intervals.some(inside)) return false;
      }
      return true;
    };
    const found = [];
    if (this.data.elsewhere) return found;
    for (let line = this.standing.length - 1; line >= 0; line--) if (within(line)) found.push(line);
    return found;
  }

  draw() {
    this.shown = this.kept();
    this.sorted = this.order.map((name) => this.places.get(name));
    const brushed = this.brushes.size > 0 || this.data.elsewhere;
    const faint = brushed ? Array.from(this.standing, (_, line) => line) : [];
    const neutral = this.data.neutral;
    const pale = faint.length > STROKED ? 0.2 : 0.4;
    this.paint(0, faint, () => neutral, pale, [brushed, neutral]);
    const strong = this.shown.length > STROKED ? 1 : this.shown.length > MANY ? 0.6 : 0.9;
    const what = [...this.brushes, this.data.elsewhere, this.colours];
    this.paint(1, this.shown, (line) => this.shade(line), strong, what);
    this.point(-1);
  }

  // What a layer shows is drawn once; `what` is all that it depends on beside the axes.
  paint(layer, lines, colour, alpha, what) {
    const state = JSON.stringify([this.order, what]);
    if (this.drawn.get(layer) === state) return;
    this.drawn.set(layer, state);
    cancelAnimationFrame(this.frames.get(layer));
    const context = this.layers[layer].getContext("2d");
    if (lines.length <= STROKED) {
      const all = () => this.stroke(context, lines, colour, alpha);
      this.frames.set(layer, requestAnimationFrame(all));
      return;
    }
    const image = new Raster(context, this.ratio, alpha);
    let at = 0;
    const slice = () => {
      const end = performance.now() + (this.dragging ? SLICE : PATIENT);
      while (at < lines.length && (at % 64 || performance.now() < end)) {
        this.burn(image, lines[at], image.ink(colour(lines[at])));
        at += 1;
      }
      image.show(context);
      if (at < lines.length) this.frames.set(layer, requestAnimationFrame(slice));
    };
    this.frames.set(layer, requestAnimationFrame(slice));
  }

  stroke(context, lines, colour, alpha) {
    context.clearRect(0, 0, this.width, this.height);
    context.globalCompositeOperation = "destination-over";
    context.globalAlpha = alpha;
    context.lineWidth = 1.2;
    for (const line of lines) {
      context.strokeStyle = colour(line);
      this.trace(context, line);
    }
  }

  burn(image, line, ink) {
    for (let index = 1; index < this.sorted.length; index++) {
      const left = this.sorted[index - 1][line];
      const right = this.sorted[index][line];
      if (!Number.isNaN(left) && !Number.isNaN(right)) {
        image.segment(this.x(index - 1), this.y(left), this.x(index), this.y(right), ink);
      }
    }
  }

  trace(context, line) {
    context.beginPath();
    let drawing = false;
    this.sorted.forEach((places, index) => {
      const known = !Number.isNaN(places[line]);
      const to = known && drawing ? "lineTo" : "moveTo";
      if (known) context[to](this.x(index), this.y(places[line]));
      drawing = known;
    });
    context.stroke();
  }

  // the line under the pointer

  hover(event) {
    if (this.dragging || !this.shown) return;
    const box = this.root.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const last = this.order.length - 2;
    const index = Math.min(last, Math.max(0, Math.floor((x - this.side) / this.gap())));
    const share = (x - this.x(index)) / this.gap();
    if (share < -0.1 || share > 1.1 || y < TOP - NEAR) return this.point(-1);
    const [left, right] = [this.sorted[index], this.sorted[index + 1]];
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
      above.strokeStyle = this.shade(each);
      this.trace(above, each);
    }
    this.root.style.cursor = line >= 0 ? "pointer" : "";
    this.tip.hidden = line < 0;
    if (line < 0) return;
    const { trials, metric, values } = this.data;
    this.tip.textContent = `${trials[line]}: ${metric} ${values[line]}`;
    const room = this.width - this.tip.offsetWidth - 4;
    this.tip.style.left = `${Math.max(0, Math.min(x + 14, room))}px`;
    this.tip.style.top = `${y > 60 ? y - 38 : y + 16}px`;
  }
}
