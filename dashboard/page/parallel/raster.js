// Colours, columns of numbers, and an image of lines that is drawn by hand: a canvas takes seconds
// to stroke as many lines as this draws in one frame.

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

function blended(colours, share) {
  const at = share * (colours.length - 1);
  const from = Math.min(Math.floor(at), colours.length - 2);
  const parts = [1, 3, 5].map((start) => {
    const [a, b] = [0, 1].map((by) => parseInt(colours[from + by].slice(start, start + 2), 16));
    return Math.round(a + (b - a) * (at - from));
  });
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

// The first line to reach a pixel keeps it.
class Raster {
  constructor(context, ratio, alpha) {
    const { width, height } = context.canvas;
    this.ratio = ratio;
    this.image = context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.alpha = Math.round(255 * alpha) << 24;
    this.packed = new Map();
  }

  ink(colour) {
    let ink = this.packed.get(colour);
    if (ink === undefined) {
      const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
      ink = (this.alpha | (blue << 16) | (green << 8) | red) >>> 0;
      this.packed.set(colour, ink);
    }
    return ink;
  }

  segment(x0, y0, x1, y1, ink) {
    const { pixels, ratio } = this;
    const width = this.image.width;
    const [first, last] = [Math.round(x0 * ratio), Math.round(x1 * ratio)];
    const slope = ((y1 - y0) * ratio) / (last - first);
    let y = y0 * ratio;
    for (let x = first; x < last; x++) {
      const next = y + slope;
      const top = (slope > 0 ? y : next) | 0;
      const end = ((slope > 0 ? next : y) | 0) * width + x;
      for (let at = top * width + x; at <= end; at += width) {
        if (pixels[at] === 0) pixels[at] = ink;
      }
      y = next;
    }
  }

  show(context) {
    context.putImageData(this.image, 0, 0);
  }
}
