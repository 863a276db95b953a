// A traced function (formula.py) and a descent along it, repeated operation by operation on Float64Arrays. Nothing is
// made from text, for pages forbid it; each operation is one loop over whole arrays.

export const count = (shape) => shape.reduce((a, b) => a * b, 1);
const stridesOf = (shape) => shape.map((_, i) => count(shape.slice(i + 1)));

/** For each number of an array of this shape, its place in another one that is laid out by strides. */
function places(shape, strides, offset = 0) {
  let found = [offset];
  shape.forEach((n, i) => {
    found = found.flatMap((place) => Array.from({ length: n }, (_, k) => place + k * strides[i]));
  });
  return Int32Array.from(found);
}

/** How an operand is read for a result of this shape: step 0 or 1 through it, or the places of a broadcast. */
function reading(from, shape) {
  if (count(from) === 1) return { step: 0 };
  if (count(from) === count(shape)) return { step: 1 };
  const padded = [...shape.slice(from.length).map(() => 1), ...from], strides = stridesOf(padded);
  return { places: places(shape, padded.map((n, i) => (n === 1 ? 0 : strides[i]))) };
}

const listed = ({ step, places: given }, n) => given ?? Int32Array.from({ length: n }, (_, i) => i * step);

// As torch has it: a power of 1, 2 or 3 is a product.
const power = (a, b) => (b === 1 ? a : b === 2 ? a * a : b === 3 ? a * a * a : b === 0.5 ? Math.sqrt(a) : a === 1 ? 1 : a ** b);

// The operations that carry a descent, each with loops of its own: a function called for each number is ten times slower.
const FAST = {
  add: [
    (o, a, i, b, j) => { for (let k = 0; k < o.length; k++) o[k] = a[k * i] + b[k * j]; },
    (o, a, i, b, j) => { for (let k = 0; k < o.length; k++) o[k] = a[i[k]] + b[j[k]]; },
  ],
  sub: [
    (o, a, i, b, j) => { for (let k = 0; k < o.length; k++) o[k] = a[k * i] - b[k * j]; },
    (o, a, i, b, j) => { for (let k = 0; k < o.length; k++) o[k] = a[i[k]] - b[j[k]]; },
  ],
  mul: [
    (o, a, i, b, j) => { for (let k = 0; k < o.length; k++) o[k] = a[k * i] * b[k * j]; },
    (o, a, i, b, j) => { for (let k = 0; k < o.length; k++) o[k] = a[i[k]] * b[j[k]]; },
  ],
  div: [
    (o, a, i, b, j) => { for (let k = 0; k < o.length; k++) o[k] = a[k * i] / b[k * j]; },
    (o, a, i, b, j) => { for (let k = 0; k < o.length; k++) o[k] = a[i[k]] / b[j[k]]; },
  ],
  pow: [
    (o, a, i, b, j) => {
      if (j === 0 && b[0] === 2) for (let k = 0; k < o.length; k++) o[k] = a[k * i] * a[k * i];
      else for (let k = 0; k < o.length; k++) o[k] = power(a[k * i], b[k * j]);
    },
    (o, a, i, b, j) => { for (let k = 0; k < o.length; k++) o[k] = power(a[i[k]], b[j[k]]); },
  ],
};

// As torch has it: where one of two is not a number, neither is their maximum.
const BINARY = {
  maximum: Math.max,
  minimum: Math.min,
  gt: (a, b) => +(a > b),
  ge: (a, b) => +(a >= b),
  lt: (a, b) => +(a < b),
  le: (a, b) => +(a <= b),
  eq: (a, b) => +(a === b),
  ne: (a, b) => +(a !== b),
  logical_and: (a, b) => +(a !== 0 && b !== 0),
  logical_or: (a, b) => +(a !== 0 || b !== 0),
  atan2: Math.atan2,
};

/** Half to even, as torch rounds. */
const rounded = (a) => (Math.abs(a % 1) === 0.5 ? 2 * Math.round(a / 2) : Math.round(a));
const UNARY = {
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  abs: Math.abs,
  sign: (a) => (a > 0) - (a < 0),
  reciprocal: (a) => 1 / a,
  rsqrt: (a) => 1 / Math.sqrt(a),
  relu: (a) => (a <= 0 ? 0 : a),
  floor: Math.floor,
  round: rounded,
  isnan: (a) => +Number.isNaN(a),
  logical_not: (a) => +(a === 0),
};

// Those that take long in networks and in losses, each with a loop of its own.
const LOOPS = {
  neg: (o, a) => { for (let k = 0; k < o.length; k++) o[k] = -a[k]; },
  sqrt: (o, a) => { for (let k = 0; k < o.length; k++) o[k] = Math.sqrt(a[k]); },
  exp: (o, a) => { for (let k = 0; k < o.length; k++) o[k] = Math.exp(a[k]); },
  log: (o, a) => { for (let k = 0; k < o.length; k++) o[k] = Math.log(a[k]); },
  tanh: (o, a) => { for (let k = 0; k < o.length; k++) o[k] = Math.tanh(a[k]); },
};

const REDUCE = {
  sum: [0, (a, b) => a + b],
  amax: [-Infinity, Math.max],
  amin: [Infinity, Math.min],
  all: [1, (a, b) => +(a !== 0 && b !== 0)],
  any: [0, (a, b) => +(a !== 0 || b !== 0)],
};

/** The sum of all numbers, in four parts: as quick and as exact as a plain loop is not. */
function total(a) {
  let s = 0, t = 0, u = 0, v = 0, k = 0;
  for (; k + 3 < a.length; k += 4) (s += a[k]), (t += a[k + 1]), (u += a[k + 2]), (v += a[k + 3]);
  for (; k < a.length; k++) s += a[k];
  return s + t + (u + v);
}

/** Of two matrices, each row by each column. */
function product(out, a, b, rows, middle, columns) {
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
    let sum = 0;
    for (let k = 0; k < middle; k++) sum += a[i * middle + k] * b[k * columns + j];
    out[i * columns + j] = sum;
  }
}

/** The sums along some axes: to[k] is the place of the k-th number. */
function sums(out, a, to) {
  out.fill(0);
  for (let k = 0; k < to.length; k++) out[to[k]] += a[k];
}

/** What else there is: (result, its shape, operands with their shapes, how) -> what is done, or { same: an array }. */
const OTHERS = {
  reshape: (out, shape, [a]) => ({ same: a.values }),
  part(out, shape, [a], strides, offset) {
    const from = places(shape, strides, offset);
    if (from.every((place, i) => place === offset + i)) return { same: a.values.subarray(offset, offset + from.length) };
    return () => { for (let k = 0; k < out.length; k++) out[k] = a.values[from[k]]; };
  },
  put(out, shape, [a], strides, offset) {
    const to = places(a.shape, strides, offset);
    return () => { for (let k = 0; k < to.length; k++) out[to[k]] = a.values[k]; }; // the rest stays zero
  },
  cat(out, shape, parts, axis) {
    const strides = stridesOf(shape);
    let offset = 0;
    const where = parts.map((part) => {
      const to = places(part.shape, strides, offset);
      offset += part.shape[axis] * strides[axis];
      return to;
    });
    return () => parts.forEach(({ values }, i) => { for (let k = 0; k < values.length; k++) out[where[i][k]] = values[k]; });
  },
  gather(out, shape, [a, at], width) { // rows of an array by their numbers
    return () => {
      for (let k = 0; k < at.values.length; k++) {
        const from = (at.values[k] < 0 ? at.values[k] + a.shape[0] : at.values[k]) * width;
        for (let i = 0; i < width; i++) out[k * width + i] = a.values[from + i];
      }
    };
  },
  where(out, shape, [c, a, b]) {
    const [ci, ai, bi] = [c, a, b].map((one) => listed(reading(one.shape, shape), out.length));
    return () => { for (let k = 0; k < out.length; k++) out[k] = c.values[ci[k]] !== 0 ? a.values[ai[k]] : b.values[bi[k]]; };
  },
  matmul: (out, shape, [a, b], ...sizes) => () => product(out, a.values, b.values, ...sizes),
};

function reduction(name, out, a, axes) {
  if (name === "sum" && out.length === 1) return () => { out[0] = total(a.values); };
  const [first, join] = REDUCE[name], kept = a.shape.map((n, i) => (axes.includes(i) ? 1 : n)), strides = stridesOf(kept);
  const to = places(a.shape, kept.map((_, i) => (axes.includes(i) ? 0 : strides[i])));
  if (name === "sum") return () => sums(out, a.values, to);
  return () => {
    out.fill(first);
    for (let k = 0; k < to.length; k++) out[to[k]] = join(out[to[k]], a.values[k]);
  };
}

function operation(name, out, shape, operands, how) {
  const [a, b] = operands;
  if (name in OTHERS) return OTHERS[name](out, shape, operands, ...how);
  if (name in REDUCE) return reduction(name, out, a, how[0]);
  if (name in LOOPS) return () => LOOPS[name](out, a.values);
  if (name in UNARY) {
    const one = UNARY[name];
    return () => { for (let k = 0; k < out.length; k++) out[k] = one(a.values[k]); };
  }
  const [i, j] = [a, b].map((one) => reading(one.shape, shape)), plain = !i.places && !j.places;
  const [ai, bi] = plain ? [i.step, j.step] : [i, j].map((one) => listed(one, out.length));
  if (name in FAST) {
    const run = FAST[name][plain ? 0 : 1];
    return () => run(out, a.values, ai, b.values, bi);
  }
  const two = BINARY[name];
  if (plain) return () => { for (let k = 0; k < out.length; k++) out[k] = two(a.values[k * ai], b.values[k * bi]); };
  return () => { for (let k = 0; k < out.length; k++) out[k] = two(a.values[ai[k]], b.values[bi[k]]); };
}

/** The numbers that came as bytes, of this kind of array. */
export function numbers({ buffer, byteOffset, byteLength }, Kind = Float64Array) {
  return new Kind(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** A trace made ready. inputs and outputs: its arrays; run() computes the outputs. What depends on nothing but steady
 *  inputs (their numbers in the trace) is computed by prepare(), which comes first and whenever these change. */
export function ready(trace, steady = []) {
  const arrays = [], moving = new Set(trace.inputs.map((_, i) => i).filter((i) => !steady.includes(i)));
  const once = [], always = [];
  for (const [i, shape] of trace.inputs.entries()) arrays[i] = { shape, values: new Float64Array(count(shape)) };
  for (const [i, shape, bytes] of trace.constants) arrays[i] = { shape, values: numbers(bytes) };
  for (const [name, i, shape, operands, ...how] of trace.steps) {
    const values = new Float64Array(count(shape));
    const work = operation(name, values, shape, operands.map((one) => arrays[one]), how);
    arrays[i] = { shape, values: work.same ?? values };
    const moves = operands.some((one) => moving.has(one));
    if (moves) moving.add(i);
    if (!work.same) (moves ? always : once).push(work);
  }
  const all = (list) => () => { for (let k = 0; k < list.length; k++) list[k](); };
  return {
    inputs: trace.inputs.map((_, i) => arrays[i].values),
    outputs: trace.outputs.map((i) => arrays[i].values),
    shapes: trace.outputs.map((i) => arrays[i].shape),
    prepare: all(once),
    run: all(always),
  };
}

/** A descent made ready: descent(start, rates) -> { params, losses, grads, states }, flat, time first.
 *
 *  init: params, rates -> state. advance: params, rates, state -> loss, gradient, params, state. rates: of each
 *  hyperparameter its numbers, for all steps or one after the other for each of them. */
export function descending({ init, advance, steps }) {
  const d = init.inputs[0].reduce((a, b) => a * b, 1), many = init.inputs.length - 1;
  const sizes = init.inputs.slice(1).map(count), rateInputs = sizes.map((_, i) => i + 1);
  const kept = advance.inputs.slice(1 + many).map(count), states = kept.map((n) => new Float64Array((steps + 1) * n));
  const begin = ready(init), params = new Float64Array((steps + 1) * d);
  const losses = new Float64Array(steps + 1), grads = new Float64Array(steps * d);
  const engines = new Map(); // one for each choice of the hyperparameters that stay
  return Object.assign(descend, { sizes });

  function descend(start, rates) {
    const changing = rateInputs.filter((i) => rates[i - 1].length > sizes[i - 1]);
    const key = changing.join();
    if (!engines.has(key)) engines.set(key, ready(advance, rateInputs.filter((i) => !changing.includes(i))));
    const engine = engines.get(key), state = engine.outputs.slice(3), held = state.map((one) => new Float64Array(one.length));
    const feed = (i, t) => engine.inputs[i].set(rates[i - 1].subarray(t * sizes[i - 1], (t + 1) * sizes[i - 1]));
    begin.inputs[0].set(start);
    for (const i of rateInputs) begin.inputs[i].set(rates[i - 1].subarray(0, sizes[i - 1])), feed(i, 0);
    begin.prepare(), begin.run();
    engine.inputs[0].set(start);
    begin.outputs.forEach((one, i) => engine.inputs[1 + many + i].set(one));
    engine.prepare();
    params.set(start);
    for (let t = 0; t <= steps; t++) {
      for (const i of changing) if (t < steps) feed(i, t);
      kept.forEach((n, i) => states[i].set(engine.inputs[1 + many + i], t * n));
      engine.run();
      losses[t] = engine.outputs[0][0];
      if (t === steps) break;
      grads.set(engine.outputs[1], t * d);
      params.set(engine.outputs[2], (t + 1) * d);
      state.forEach((one, i) => held[i].set(one)); // an output may be an input of the other number
      engine.inputs[0].set(params.subarray((t + 1) * d, (t + 2) * d));
      held.forEach((one, i) => engine.inputs[1 + many + i].set(one));
    }
    return { params, losses, grads, states };
  }
}
