// The marks of a dragged start: the descent is computed here, and drawn in the pixels that marks.py would send.

import { count, descending, numbers, ready } from "./formula.mjs";
import { toPixels } from "./geometry.mjs";

const REACH = 1e4; // px from the middle of an Axes: as FAR in geometry.py
const living = new WeakMap(); // of each model: its descents made ready, and what they were last computed for

/** Of an array with axes for steps and sliders what belongs to these positions: for all its steps. */
function chosen({ shape, data }, index) {
  const own = count(shape.slice(index.length)), steps = shape[0], values = (data.ready ??= numbers(data));
  const inner = shape.slice(1, index.length), width = count(inner) * own;
  const place = inner.reduce((sum, n, i) => sum * n + (n > 1 ? index[i + 1] : 0), 0) * own;
  const found = new Float64Array(steps * own);
  for (let t = 0; t < steps; t++) found.set(values.subarray(t * width + place, t * width + place + own), t * own);
  return found;
}

/** The marks, unpacked, at these positions: as they came, or of the start that has been dragged. */
export function marksNow(model, marks, index) {
  const dragged = model.get("start"), trail = model.get("trail");
  if (!dragged.length || model.get("draggable") < 0) return marks;
  const descents = model.get("descents"), key = [...dragged, ...index.map((k, i) => (i === trail ? "" : k))].join();
  let known = living.get(model);
  if (known?.descents !== descents || known.marks !== marks) {
    known = { descents, marks, ready: descents.map(readyDescent), key: "", moved: marks };
    living.set(model, known);
  }
  if (known.key !== key) {
    known.moved = [...marks];
    for (const { run, rates, drawn } of known.ready) {
      const { params, losses, grads } = run(Float64Array.from(dragged), rates.map((rate) => chosen(rate, index)));
      for (const { place, trace } of drawn) {
        [params, losses, grads].forEach((values, i) => trace.inputs[i].set(values));
        trace.run();
        known.moved[place] = moved(marks[place], trace, model.get("axes")[marks[place].axes], index.length, trail);
      }
    }
    known.key = key;
  }
  return known.moved;
}

function readyDescent(descent) {
  const drawn = descent.marks.map(([place, traceOf]) => {
    const trace = ready(traceOf);
    trace.prepare();
    return { place, trace };
  });
  return { run: descending(descent), rates: descent.rates, drawn };
}

/** A mark with these values: (steps, ...) in data coordinates as pixels, of a text the numbers themselves. */
function moved(mark, { outputs: [values], shapes: [shape] }, axes, sliders, trail) {
  const [steps, ...own] = shape, outer = Array.from({ length: sliders }, (_, i) => (i === trail ? steps : 1));
  const full = [...outer, ...own], strides = full.map((_, i) => count(full.slice(i + 1)));
  const pixels = mark.kind === "text" ? Float64Array.from(values) : pixelsOf(mark.kind, values, own, axes);
  return { ...mark, shape: full, strides, values: pixels };
}

/** Of points in data coordinates the pixels, as float32: own is the shape for each step. */
export function pixelsOf(kind, values, own, axes) {
  const points = Array.from({ length: values.length / 2 }, (_, i) => {
    const pixel = toPixels(axes, [values[2 * i], values[2 * i + 1]]);
    return pixel.every(Number.isFinite) ? pixel : [NaN, NaN];
  });
  const each = kind === "path" ? points.length : kind === "points" ? 1 : own[0];
  for (let i = 0; i < points.length; i += each) cut(points, i, i + each, axes.box);
  return Float32Array.from(points.flat());
}

/** Points first to last of a line, cut where it leaves the square of REACH, so that no slope changes: as geometry.py. */
function cut(points, first, last, [left, top, width, height]) {
  const middle = [left + width / 2, top + height / 2];
  const away = points.slice(first, last).map((point) => point.map((value, i) => value - middle[i]));
  const far = ([x, y]) => !(Math.max(Math.abs(x), Math.abs(y)) <= REACH);
  const place = (i, { point }) => { points[first + i] = point.map((value, k) => value + middle[k]); };
  if (away.length === 2 && away.every(far)) { // it may yet cross the square
    const [out, back] = [edge(away[0], away[1]), edge(away[1], away[0])];
    if (out.part > 0 && out.part + back.part >= 1) return place(0, back), place(1, out);
  }
  away.forEach((point, i) => {
    if (!far(point)) return;
    const near = [away[i + 1], away[i - 1]].find((other) => other && !far(other));
    if (near) place(i, edge(near, point));
    else points[first + i] = [NaN, NaN];
  });
}

/** Where the way from start to end leaves the square: as a part of the way, and the point. */
function edge(start, end) {
  const way = end.map((value, i) => value - start[i]);
  const parts = way.map((value, i) => (REACH * Math.sign(value) - start[i]) / value);
  const part = Math.min(...parts.filter((value) => !Number.isNaN(value)));
  const point = way.map((value, i) => (parts[i] === part ? REACH * Math.sign(value) : start[i] + part * value));
  return { part, point };
}
