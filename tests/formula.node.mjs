// Repeats descents in node, for test_formula.py: cases as JSON on the standard input, what was found as JSON.
// argv[2]: the module of the interpreter; argv[3]: "time" for milliseconds of a whole descent, else differences.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { descending, ready } = await import(pathToFileURL(process.argv[2]));
const revived = (_, value) =>
  typeof value?.base64 === "string" ? new DataView(Uint8Array.from(Buffer.from(value.base64, "base64")).buffer) : value;
const floats = (view) => new Float64Array(view.buffer);

/** The largest |ours - torch's| / max(1, |torch's|); what is lost must be lost in both. */
function apart(ours, theirs) {
  let largest = 0;
  for (let i = 0; i < theirs.length; i++) {
    if (Object.is(ours[i], theirs[i]) || (Number.isNaN(ours[i]) && Number.isNaN(theirs[i])) || ours[i] === theirs[i]) continue;
    const difference = Math.abs(ours[i] - theirs[i]) / Math.max(1, Math.abs(theirs[i]));
    largest = Math.max(largest, Number.isFinite(difference) ? difference : Infinity);
  }
  return largest;
}

/** Each step from torch's own params and state: the largest difference in loss, gradient and next params. */
function stepwise({ advance, steps, rates, params, losses, grads, states }) {
  const engine = ready(advance), many = rates.length, d = params.length / (steps + 1);
  let largest = 0;
  for (let t = 0; t < steps; t++) {
    engine.inputs[0].set(params.subarray(t * d, (t + 1) * d));
    rates.forEach((rate, i) => engine.inputs[i + 1].set(rate));
    states.forEach((state, i) => {
      const size = state.length / (steps + 1);
      engine.inputs[1 + many + i].set(state.subarray(t * size, (t + 1) * size));
    });
    engine.prepare(), engine.run();
    const wanted = [losses.subarray(t, t + 1), grads.subarray(t * d, (t + 1) * d), params.subarray((t + 1) * d, (t + 2) * d)];
    wanted.forEach((numbers, i) => { largest = Math.max(largest, apart(engine.outputs[i], numbers)); });
  }
  return largest;
}

/** Milliseconds of the descent, the median of 30. */
function timed(cases) {
  const runs = cases.map((one) => descending(one)), times = [];
  for (let k = 0; k < 40; k++) {
    const began = performance.now();
    runs.forEach((run, i) => run(cases[i].params.slice(0, cases[i].init.inputs[0][0]), cases[i].rates));
    times.push(performance.now() - began);
  }
  return times.slice(10).sort((a, b) => a - b)[15];
}

const groups = JSON.parse(readFileSync(0, "utf8"), revived).map((cases) =>
  cases.map((one) => ({
    ...one,
    ...Object.fromEntries(["params", "losses", "grads"].map((name) => [name, floats(one[name])])),
    rates: one.rates.map(floats),
    states: one.states.map(floats),
  })),
);
const whole = (one) => apart(descending(one)(one.params.slice(0, one.init.inputs[0][0]), one.rates).params, one.params);
const found = { time: (cases) => timed(cases), whole: (cases) => cases.map(whole) }[process.argv[3]] ?? ((cases) => cases.map(stepwise));
console.log(JSON.stringify(groups.map(found)));
