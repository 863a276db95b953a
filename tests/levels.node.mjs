// Heights and lines of meshes, in node, for test_levels.py: on the standard input [{ mesh, levels }]; as JSON of each its
// heights, the points of its lines, in cells of the mesh, and its numbers. For benchmarks/formula.py, with argv[3] "time": of a traced
// loss { trace, given, window, levels, quadratic } the milliseconds of mesh, heights and lines, the median of 30.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [numbers, { heightsOf, labelsAt, linesAt, meshOf }] = await Promise.all(
  ["formula.mjs", "levels.mjs"].map((name) => import(pathToFileURL(`${process.argv[2]}/${name}`))),
);
const revived = (_, value) =>
  typeof value?.base64 === "string" ? new DataView(Uint8Array.from(Buffer.from(value.base64, "base64")).buffer) : value;

function timed({ trace, given, window, levels, quadratic }) {
  const loss = numbers.ready(trace, given.map((_, k) => k + 1)), arrays = given.map((bytes) => numbers.numbers(bytes)), times = [];
  for (let turn = 0; turn < 40; turn++) {
    const began = performance.now();
    arrays.forEach((values, k) => loss.inputs[k + 1].set(values));
    loss.prepare();
    const mesh = meshOf(loss, window, quadratic);
    linesAt(mesh, heightsOf(levels, mesh));
    times.push(performance.now() - began);
  }
  return times.slice(10).sort((a, b) => a - b)[15];
}

function drawn({ mesh, levels }) {
  const z = Float64Array.from(mesh, (value) => value ?? NaN), heights = heightsOf(levels, z);
  return { heights, lines: linesAt(z, heights), labels: labelsAt(z, heights) };
}

const asked = JSON.parse(readFileSync(0, "utf8"), revived);
process.stdout.write(JSON.stringify(process.argv[3] === "time" ? timed(asked) : asked.map(drawn)));
