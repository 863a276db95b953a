// The marks of what was dragged and turned: the descents are computed here, and drawn in the pixels that marks.py would
// send.

import { count, descending, numbers, ready } from "./formula.mjs";
import { toPixels, unpack } from "./geometry.mjs";
import { meshOf } from "./levels.mjs";
import { turnedMarks } from "./turn.mjs";

const REACH = 1e4; // px from the middle of an Axes: as FAR in geometry.py
const WARM = 4; // runs: what a browser compiles, it has compiled by then
const living = new WeakMap(); // of each model: its descents made ready, and what they were last computed for
const unpacked = new WeakMap(); // of each list of marks that was sent

/** Of an array with axes for steps and sliders what belongs to these positions: for all its steps. */
function chosen({ shape, data, whole }, index) {
  const own = count(shape.slice(index.length)), steps = shape[0], values = (data.ready ??= numbers(data, whole ? Int16Array : Float64Array));
  const inner = shape.slice(1, index.length), width = count(inner) * own;
  const place = inner.reduce((sum, n, i) => sum * n + (n > 1 ? index[i + 1] : 0), 0) * own;
  const found = new Float64Array(steps * own);
  for (let t = 0; t < steps; t++) found.set(values.subarray(t * width + place, t * width + place + own), t * own);
  return found;
}

/** Whether anything was dragged or turned. */
export const isMoved = (get) => ["start", "dialed", "placed"].some((name) => get(name).length > 0);

/** The marks at these positions: as they came, or of what has been dragged and turned. */
export function marksNow(model, index) {
  const marks = marksSent(model), trail = model.get("trail");
  if (!model.get("descents").length || !isMoved((name) => model.get(name))) return marks;
  const [dragged, turned, points] = ["start", "dialed", "placed"].map((name) => model.get(name));
  const key = [dragged, turned, points, index.map((k, i) => (i === trail ? "" : k))].join(";");
  const known = livingOf(model, marks);
  if (known.key !== key) {
    [known.moved, known.alone] = movedNow(model, known, index);
    known.key = key;
    known.step = null;
  }
  const { first, stride } = model.get("sliders")[trail], step = first + stride * index[trail];
  if (known.alone.length && known.step !== step) {
    known.moved = [...known.moved];
    for (const { place, at } of known.alone) known.moved[place] = at(step);
    known.step = step;
  }
  return known.moved;
}

/** Make everything ready and run it a few times before anything is moved: else the first moves are the slow ones. */
export function warm(model, index) {
  if (!model.get("descents").length || living.get(model)?.descents === model.get("descents")) return;
  const known = livingOf(model, marksSent(model));
  for (let times = 0; times < WARM; times++) movedNow(model, known, index)[1].forEach(({ at }) => at(0));
}

function marksSent(model) {
  const sent = model.get("marks");
  if (!unpacked.has(sent)) unpacked.set(sent, sent.map(unpack));
  return turnedMarks(model, unpacked.get(sent));
}

/** The descents of a player, ready to run for these marks. */
function livingOf(model, marks) {
  const descents = model.get("descents"), known = living.get(model);
  if (known?.descents === descents && known.marks === marks) return known;
  living.set(model, { descents, marks, ready: descents.map((one) => readyDescent(one, marks)), key: "", moved: marks, alone: [], meshes: new Map() });
  return living.get(model);
}

/** The marks with every descent run from what is given now, and those that are alone: at(step) makes each of them. */
function movedNow(model, known, index) {
  const found = [...known.marks], alone = [];
  for (const [i, descent] of known.ready.entries()) {
    if ((descent.shown ?? index.at(-1)) !== index.at(-1)) continue;
    const at = index.slice(0, index.length - descent.extra), { first, used } = givenNow(model, descent, i, at);
    const { params, losses, grads, states } = descent.run(first, used);
    const once = used.map((rate, k) => rate.subarray(0, descent.run.sizes[k])), lrs = lrsOf(used[descent.lr], losses.length - 1);
    for (const { place, trace, byItself } of descent.drawn) {
      const mark = known.marks[place];
      if (mark.kind === "contours") {
        found[place] = contoured(mark, trace, once, known.meshes, index.length);
        continue;
      }
      const draw = (inputs) => {
        inputs.forEach((values, k) => trace.inputs[k].set(values));
        trace.run();
        return moved(mark, trace, model.get("axes")[mark.axes], index.length, descent.extra);
      };
      if (byItself) {
        const row = (values, t) => values.subarray((t * values.length) / losses.length, ((t + 1) * values.length) / losses.length);
        const at = (t) => draw([row(params, t), row(losses, t), [], [], ...once, ...states.map((state) => row(state, t))]);
        alone.push({ place, at });
      } else found[place] = draw([params, losses, grads, lrs, ...once, ...states]);
    }
  }
  return [found, alone];
}

/** The learning rate of each step; of a rule without one, none. */
const lrsOf = (rates, steps) => (!rates ? [] : rates.length > 1 ? rates : new Float64Array(steps).fill(rates[0]));

/** The start and the rates of the i-th descent: as they were at first, or as they were dragged and turned. */
function givenNow(model, { start, rates, scheduled }, i, at) {
  const [dragged, turned, points] = ["start", "dialed", "placed"].map((name) => model.get(name));
  const first = dragged.length ? Float64Array.from(dragged) : chosen({ ...start, shape: [1, ...start.shape] }, at);
  const used = rates.map((rate) => chosen(rate, at));
  if (turned.length) model.get("dials").forEach(({ feeds }, k) => {
    for (const [descent, rate] of feeds) if (descent === i) used[rate] = Float64Array.of(turned[k]);
  });
  for (const [descent, x, y] of model.get("handles").flatMap(({ kind, feeds }) => (kind === "points" ? feeds : []))) {
    if (descent !== i) continue;
    for (let k = 0; k < points.length; k += 3) (used[x][points[k]] = points[k + 1]), (used[y][points[k]] = points[k + 2]);
  }
  if (scheduled && turned.length) {
    scheduled.numbers.forEach((rate, k) => scheduled.trace.inputs[k].set(used[rate]));
    scheduled.trace.run();
    used[scheduled.rate] = Float64Array.from(scheduled.trace.outputs[0]);
  }
  return { first, used };
}

/** Contours of a loss with these numbers in it; as long as they stay, so does the mesh. */
function contoured(mark, trace, once, meshes, sliders) {
  const given = once.slice(once.length - trace.inputs.length + 1), known = meshes.get(trace);
  const same = known?.given.every((values, k) => values.every((value, j) => value === given[k][j]));
  if (!same) {
    given.forEach((values, k) => trace.inputs[k + 1].set(values));
    trace.prepare();
    const values = meshOf(trace, mark.window, mark.quadratic), n = Math.round(Math.sqrt(values.length));
    const shape = [...Array(sliders).fill(1), n, n], strides = shape.map((_, i) => count(shape.slice(i + 1)));
    meshes.set(trace, { given: given.map((one) => Float64Array.from(one)), mark: { ...mark, shape, strides, values } });
  }
  return meshes.get(trace).mark;
}

function readyDescent(descent, all) {
  const drawn = descent.marks.map(([place, traceOf, byItself]) => {
    const onlyRow = all[place].kind === "contours"; // what it is given stays for all rows of a mesh
    const trace = ready(traceOf, onlyRow ? traceOf.inputs.slice(1).map((_, k) => k + 1) : []);
    trace.prepare();
    return { place, trace, byItself };
  });
  const { start, rates, extra, schedule, lr, shown } = descent;
  const scheduled = schedule && { ...schedule, trace: ready(schedule.trace) };
  scheduled?.trace.prepare();
  return { run: descending(descent), start, rates, extra, drawn, scheduled, lr, shown };
}

/** A mark with these values: (steps, ...) in data coordinates as pixels, of a text the numbers themselves. */
function moved(mark, { outputs: [values], shapes: [shape] }, axes, sliders, extra) {
  const own = shape.slice(1 + extra), runs = Array(sliders - 1 - extra).fill(1);
  const outer = [shape[0], ...runs, ...shape.slice(1, 1 + extra)]; // the trail is the first slider
  const full = [...outer, ...own], strides = full.map((_, i) => count(full.slice(i + 1)));
  const lanes = count(full.slice(1, sliders)); // of a path, one for each position of the further sliders
  const pixels = mark.kind === "text" ? Float64Array.from(values) : pixelsOf(mark.kind, values, own, axes, lanes);
  return { ...mark, shape: full, strides, values: pixels };
}

/** Of points in data coordinates the pixels, as float32: own is the shape for each step; of a path, lanes lie side by side. */
export function pixelsOf(kind, values, own, axes, lanes = 1) {
  const points = Array.from({ length: values.length / 2 }, (_, i) => {
    const pixel = toPixels(axes, [values[2 * i], values[2 * i + 1]]);
    return pixel.every(Number.isFinite) ? pixel : [NaN, NaN];
  });
  if (kind === "path") for (let lane = 0; lane < lanes; lane++) {
    const one = points.filter((_, i) => i % lanes === lane);
    cut(one, 0, one.length, axes.box);
    one.forEach((point, i) => { points[i * lanes + lane] = point; });
  } else {
    const each = kind === "points" ? 1 : own[0];
    for (let i = 0; i < points.length; i += each) cut(points, i, i + each, axes.box);
  }
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
